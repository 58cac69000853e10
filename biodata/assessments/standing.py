"""Which results of runs may still be stated: those whose records are no more hidden now than when they were read."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata import sharing
from biodata.core.errors import StoreError, shorten
from biodata.core.terms import PUBLISHED_OCCURRENCE
from biodata.core.vocabularies import SharingCategory
from biodata.harmonise import area_twins
from biodata.places import BoundarySet
from biodata.sharing.publish import LOOKED_AT
from biodata.sharing.results import of_public_view
from biodata.store import checksums
from biodata.store.lake import Lake

# What a run read of the records: kept for nobody else, so that it is known whether all of it goes out today, too.
GONE: Final = "records that are gone"
"""Stands for the names of records that a run read and that are in the lake no more."""
_FOLDER: Final = "run_reads"
_NAMES: Final = ("species", "scientificName")
_READ_COLUMNS: Final = tuple(sorted({"key", *_NAMES, *LOOKED_AT}))
_ASKED: Final = tuple(column for column in PUBLISHED_OCCURRENCE if column.name in {"key", "sharing_category"})
_STRICTNESS: Final[Mapping[str, int]] = MappingProxyType({str(one): one.strictness for one in SharingCategory})


def remember(data: Path, run_id: str, records: pl.DataFrame, *, more: bool = False) -> None:
    """Keep which records a run read, and how exactly each was stated then.

    Parameters
    ----------
    data : Path
        Folder of the installation. Which records a run read is for nobody else, so the file is not either.
    run_id : str
        The run, as its rows in the lake name it.
    records : polars.DataFrame
        `key`, `sharing_category` and names, as `in_view` returns them; of presences the name is kept, too.
    more : bool
        The run stays, and what is found over it read these records, too: of one that both read the more exact counts.
    """
    home = data / _FOLDER
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = home / f"{run_id}.parquet"
    name = pl.coalesce(*(pl.col(one) for one in _NAMES if one in records.columns), pl.lit(None, pl.String))
    read = records.select("key", strictness=_stated_strictness(), name=pl.when(_stated_strictness() > 0).then(name))
    if more:
        before = _read(path)
        if before is None:
            return  # what the run itself read is not known
        read = pl.concat([before, read]).group_by("key").agg(pl.col("strictness").min(), pl.col("name").first())
    part = path.with_suffix(".part")
    read.sort("key").write_parquet(part)
    checksums.put_in_place(data, part, path)


def forget(data: Path, run_ids: Iterable[str]) -> None:
    """Let go of what runs read whose results are gone."""
    for run_id in run_ids:
        checksums.remove(data, data / _FOLDER / f"{run_id}.parquet")


def published_coarser(
    lake: Lake, run_id: str | None, presences: pl.DataFrame, *, rules: sharing.RuleSet, boundaries: BoundarySet
) -> tuple[str, ...] | None:
    """Return the names of the records that a run read and that go out coarser today than it read them, or not at all.

    Parameters
    ----------
    lake : Lake
    run_id : str, optional
    presences : polars.DataFrame
        All that go out today, as `sharing.presence_rows` returns them.
    rules : RuleSet
        Those in force, with the plan of what goes out.
    boundaries : BoundarySet

    Returns
    -------
    tuple of str or None
        Empty where every record that the run read goes out as exactly as then, so that its results tell nothing that the
        records do not. None where it is not known what the run read.
    """
    read = None if run_id is None else _read(lake.data / _FOLDER / f"{run_id}.parquet")
    if read is None:
        return None
    made = presences.select(column.name for column in _ASKED)
    names: set[str] = set()
    for then in read.iter_slices(_BATCH_ROWS):
        try:
            records = lake.read("occurrences", columns=_READ_COLUMNS, among=then.select("key"))
        except StoreError:
            return None
        opened = sharing.open_records(records, rules, boundaries=boundaries, columns=_ASKED)
        # A presence has a number of its own, which no record of the lake has.
        shown = pl.concat([opened, made.join(then, on="key", how="semi")])
        now = shown.select(pl.col("key").cast(pl.Int64), now=_stated_strictness())
        coarser = then.join(now, on="key", how="left").filter(
            pl.col("now").is_null() | (pl.col("now") > pl.col("strictness"))
        )
        named = records.select("key", own=pl.coalesce(*_NAMES, pl.lit("a record without a name")))
        table = coarser.join(named, on="key", how="left").select(pl.coalesce("own", "name", pl.lit(GONE)))
        names |= set(table.to_series())
    return tuple(sorted(names))


def _stated_strictness() -> pl.Expr:
    return pl.col("sharing_category").replace_strict(_STRICTNESS, return_dtype=pl.Int64)


def _read(path: Path) -> pl.DataFrame | None:
    """Return what a run read; None where that is not kept, or cannot be read."""
    try:
        return pl.read_parquet(path, schema={"key": pl.Int64, "strictness": pl.Int64, "name": pl.String})
    except (OSError, pl.exceptions.PolarsError):
        return None


_BATCH_ROWS: Final = 200_000
_BY_RECORDS: Final = frozenset({"validation"})
"""Findings over a run that are made by records."""


def published_results(lake: Lake, table: str, *, rules: sharing.RuleSet, boundaries: BoundarySet) -> pl.DataFrame:
    """Return what may be seen today of a table of results.

    Parameters
    ----------
    lake : Lake
    table : str
        A table of `terms.PUBLISHED_TABLES` other than `occurrences`.
    rules : RuleSet
        Today's rules.
    boundaries : BoundarySet
        Whose land the floor counts.

    Returns
    -------
    polars.DataFrame of `terms.PUBLISHED_TABLES[table]`
        Sites that stand in two lists are flagged. Without what `sharing.publish_results` leaves out, and without the
        results of runs that read a record which goes out coarser today, or not at all: a rule came, its name was
        corrected; nor of runs of which nobody knows what they read. Corridors rest on no record and stay; what was found
        over their run by records goes.
    """
    stored = lake.read(table)
    if table == "protected_areas":
        stored = area_twins.flagged(stored, area_twins.twins(stored))
    if "run_id" not in stored.columns:
        return sharing.publish_results(table, stored, rules=rules)
    coarser = _coarser(lake, stored, rules, boundaries)
    untouched = [run for run, names in coarser.items() if names == ()]
    known = pl.col("run_id").is_in(untouched).fill_null(value=False)
    if "evidence_view" not in stored.columns:
        return sharing.publish_results(table, _without_findings(stored, ~known), rules=rules)
    return sharing.publish_results(table, stored.filter(known), rules=rules, unaffected=untouched)


def left_behind(lake: Lake, table: str, *, rules: sharing.RuleSet, boundaries: BoundarySet) -> dict[str, int]:
    """Count the results of a table that are not stated today: `exact` of exact records, `stale` to be made again."""
    stored = lake.read(table)
    exact = stored.filter(~of_public_view()).height
    number = published_results(lake, table, rules=rules, boundaries=boundaries).height
    return {"exact": exact, "stale": stored.height - exact - number}


def held_results(
    lake: Lake, table: str, *, rules: sharing.RuleSet, boundaries: BoundarySet
) -> dict[tuple[str, str], str]:
    """Return, by name and run of each result that is to be made again, why it is not stated today."""
    stored = lake.read(table)
    if "evidence_view" not in stored.columns:
        return {}
    key, stored = stored.columns[0], stored.filter(of_public_view())
    entries = published_results(lake, table, rules=rules, boundaries=boundaries)[key].to_list()
    held = stored.filter(~pl.col(key).is_in(entries)).sort(key)
    why = _coarser(lake, held, rules, boundaries)
    return {
        (name, run): f"its run read what goes out coarser today, or not at all: {shorten(', '.join(names))}"
        if (names := why.get(run))
        else "rules or records changed since"
        for name, run in held.select(key, "run_id").iter_rows()
    }


def _coarser(
    lake: Lake, stored: pl.DataFrame, rules: sharing.RuleSet, boundaries: BoundarySet
) -> dict[str, tuple[str, ...] | None]:
    """Return, by run of some results, the names of what it read and what goes out coarser today; None where nobody knows."""
    runs = stored["run_id"].drop_nulls().unique().sort()
    if runs.is_empty():
        return {}
    made = sharing.presence_rows(rules, boundaries=boundaries)
    return {run: published_coarser(lake, run, made, rules=rules, boundaries=boundaries) for run in runs}


def _without_findings(stored: pl.DataFrame, which: pl.Expr) -> pl.DataFrame:
    """Return corridors without what was found over their runs by records, where that may not be stated."""
    bare = pl.col("evidence").map_elements(_bare, return_dtype=pl.String)
    return stored.with_columns(evidence=pl.when(which).then(bare).otherwise("evidence"))


def _bare(evidence: str) -> str:
    """Return the evidence of a result without the findings that read records."""
    content = json.loads(evidence)
    found = {kind: one for kind, one in content.get("findings", {}).items() if kind not in _BY_RECORDS}
    return json.dumps(
        {name: one for name, one in content.items() if name != "findings"} | ({"findings": found} if found else {}),
        ensure_ascii=False,
        sort_keys=True,
    )
