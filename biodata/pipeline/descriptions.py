"""What is stated of a dataset as a whole: title, licence, citation and DOI, by its files or by a person; what is missing."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import polars as pl
from sqlalchemy import select

from biodata.core.errors import InputError
from biodata.core.settings import Settings
from biodata.ingest.protocol import DatasetInfo
from biodata.pipeline.tables import Table
from biodata.sharing.licences import UNSPECIFIED, UNSUPPORTED, spelt
from biodata.sharing.names import looked_up
from biodata.store import audit, releases
from biodata.store.models import Dataset
from biodata.store.registry import SCOPE, Registry
from biodata.text.controlled import parse_licence

_ADDRESS: Final = re.compile(r"https?://\S+")
_DOI: Final = re.compile(r"(?:doi:|https?://(?:dx\.)?doi\.org/)?(10\.\d{4,9}/\S+)", re.IGNORECASE)
_GBIF: Final = "gbif"
_SHOWN: Final = 10


def checked(values: Mapping[str, str | None]) -> dict[str, str]:
    """Return what a person states of a dataset, licences in GBIF's spelling; what is None is left out.

    Parameters
    ----------
    values : mapping of str to str or None
        `title`, `license`, `citation`, `doi`, `scope` (the taxon that it is about).

    Raises
    ------
    InputError
        If one is empty, the licence is not known and no address, the DOI is none, or the reference list has no such group.
    """
    stated = {name: " ".join(value.split()) for name, value in values.items() if value is not None}
    for name, value in stated.items():
        if not value:
            problem = f"the {name} is empty"
            raise InputError(problem, column=name, code="OPTION_INVALID")
    if "license" in stated:
        known = parse_licence(stated["license"])
        if known is None and not _ADDRESS.fullmatch(stated["license"]):
            problem, expected = (
                "this licence is not known",
                "CC0 1.0, CC BY 4.0, CC BY-NC 4.0, or the address of another",
            )
            raise InputError(
                problem, column="license", value=stated["license"], expected=expected, code="OPTION_INVALID"
            )
        stated["license"] = known or stated["license"]
    if SCOPE in stated and not looked_up([stated[SCOPE]]):
        problem, expected = "the reference list has no such group", "a class, order or family, such as Aves"
        raise InputError(problem, column=SCOPE, value=stated[SCOPE], expected=expected, code="OPTION_INVALID")
    if "doi" in stated:
        found = _DOI.fullmatch(stated["doi"])
        if found is None:
            problem = "this is no DOI"
            raise InputError(
                problem, column="doi", value=stated["doi"], expected="such as 10.15468/abcdef", code="OPTION_INVALID"
            )
        stated["doi"] = found[1]
    return stated


def describe(settings: Settings, key: str, values: Mapping[str, str | None], *, actor: str) -> dict[str, str]:
    """State a dataset's title, licence, citation, DOI or scope; the next release has it. Returns what was changed.

    Raises
    ------
    InputError
        If there is no such dataset (DATASET_MISSING), or a value cannot be used.
    """
    stated = checked(values)
    with Registry.open(settings) as registry, registry.session() as session, session.begin():
        dataset = session.get(Dataset, key)
        if dataset is None:
            keys = session.scalars(select(Dataset.key).order_by(Dataset.key).limit(20)).all()
            problem = f"there is no dataset {key[:100]!r}"
            raise InputError(problem, value=key, expected=", ".join(keys) or "ingest one", code="DATASET_MISSING")
        scope = {SCOPE: dataset.declarations.get(SCOPE)}
        changed = {name: value for name, value in stated.items() if {**vars(dataset), **scope}[name] != value}
        for name, value in changed.items():
            if name == SCOPE:
                dataset.declarations = {**dataset.declarations, SCOPE: value}
            else:
                setattr(dataset, name, value)
        if changed:
            audit.append(session, actor=actor, action="dataset described", subject=key, details=changed)
    return changed


def of_table(table: Table, source: str, stated: Mapping[str, str]) -> dict[str, DatasetInfo]:
    """Return what is stated of each dataset that a table has rows of, by key.

    A dataset that only rows name is none that the file describes: of it the name in its rows is known, and, of a download
    of GBIF's, the citation and DOI of the download.

    Parameters
    ----------
    table : Table
    source : str
        Its source.
    stated : mapping
        What a person states of the only dataset, which goes before what its file states.
    """
    info = table.verbatim.dataset
    described_alone = source != _GBIF and info.metadata is not None and len(table.datasets) == 1
    names = _names(table)
    found = {}
    for key in sorted(table.datasets):
        if key in table.verbatim.datasets:
            one = table.verbatim.datasets[key]
        elif key == table.report.dataset or described_alone:
            one = info
        elif source == _GBIF:
            one = replace(info, title=names.get(key), license=None, metadata=None)
        else:
            one = DatasetInfo(key, title=names.get(key))
        found[key] = replace(one, **{"key": key, "title": one.title or names.get(key), **stated})
    return found


def _of_rows(table: Table) -> pl.DataFrame:
    """Return datasetKey, datasetName and license that rows of a table state, each combination once."""
    schema = dict.fromkeys(("datasetKey", "datasetName", "license"), pl.String)
    every = pl.concat([pl.DataFrame(schema=schema), *table.stated]).unique()
    return every.with_columns(pl.col("datasetKey").fill_null(table.report.dataset))


def _names(table: Table) -> dict[str, str]:
    """Return the name that all rows of a dataset give it, by its key; of several names none is it."""
    rows = _of_rows(table).select("datasetKey", "datasetName").drop_nulls().unique()
    return dict(rows.unique("datasetKey", keep="none").iter_rows())


def missing(tables: Sequence[Table], source: str, stated: Mapping[str, str], settings: Settings) -> list[str]:
    """Return a sentence for each dataset of some tables that has no title or licence, with what to type.

    What was stated before counts, and a licence that each row states. A status list whose licence does not allow that it is
    passed on has one, too, before a release publishes it.

    Parameters
    ----------
    tables, source, stated
        As `of_table` has them.
    settings : Settings
        The installation.
    """
    with Registry.open(settings) as registry:
        known = {row["key"]: row for row in registry.datasets().iter_rows(named=True)}
    found: dict[str, tuple[str, str | None, str | None]] = {}
    for table in tables:
        rows = _of_rows(table).group_by("datasetKey").agg(pl.col("license").is_not_null().all())
        of_rows = dict(rows.iter_rows())
        for key, info in of_table(table, source, stated).items():
            before = known.get(key, {})
            license_ = info.license or before.get("license") or ("of each row" if of_rows.get(key) else None)
            found[key] = (key, info.title or before.get("title"), license_)
    stating = [table for table in tables if any("statuses" in one and one["statuses"].count() for one in table.frames)]
    lists = {key for table in stating for key in of_table(table, source, stated)}
    closed = [
        f"the licence of list {key} is {license_}: a release publishes what it says of taxa, so have its owner's leave first"
        for key, _, license_ in found.values()
        if key in lists and spelt(license_) == UNSUPPORTED
    ]
    return sentences(found.values(), settings) + closed


def undescribed(release: Path, settings: Settings) -> list[str]:
    """Return a sentence for each dataset of a release that has no title, or whose records have no licence; ten at most."""
    with releases.connect(release) as connection:
        rows = connection.execute(
            "SELECT d.key, d.title, coalesce(d.license, o.license) FROM datasets d LEFT JOIN ("
            """SELECT "datasetKey" AS key, CASE WHEN bool_and(license_effective <> ?) THEN 'of each record' END AS license """
            "FROM occurrences GROUP BY ALL) o ON o.key = d.key ORDER BY d.count DESC, d.key",
            [UNSPECIFIED],
        ).fetchall()
    found = sentences(rows, settings)
    more = [f"and {len(found) - _SHOWN} more datasets: biodata dataset list --data {settings.data}"]
    return found[:_SHOWN] + (more if len(found) > _SHOWN else [])


def sentences(datasets: Iterable[tuple[str, str | None, str | None]], settings: Settings) -> list[str]:
    """Return a sentence for each dataset (key, title, licence) that lacks one of the two, with what to type."""
    lines = []
    for key, title, license_ in datasets:
        lacking = []
        if not title:
            lacking.append(("title", "it cannot be cited by a name", '--title "…"'))
        if spelt(license_) == UNSPECIFIED:
            lacking.append(("licence", "nobody knows what is allowed", '--license "CC BY 4.0"'))
        if lacking:
            words, reasons, options = zip(*lacking, strict=True)
            lines.append(
                f"dataset {key} has no {' and no '.join(words)}, so {' and '.join(reasons)}: "
                f"biodata dataset set {key} {' '.join(options)} --data {settings.data}"
            )
    return lines
