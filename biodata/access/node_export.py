"""What a national node hands over: its own country's published records, evidence counts, and a signed manifest."""

import shutil
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from sqlalchemy import select

from biodata import terms
from biodata.access import nodes
from biodata.errors import InputError, NoReleaseError, StoreError
from biodata.formats import node_keys
from biodata.settings import Settings
from biodata.store import audit, models, releases, sharing_rules
from biodata.store.checksums import digest
from biodata.store.locks import sync_file, sync_folder
from biodata.store.models import now
from biodata.store.node_models import Withdrawal
from biodata.store.registry import Registry
from biodata.vocabularies import SharingCategory

RECORDS: Final = "occurrences.parquet"
EVIDENCE: Final = "evidence.parquet"
UNIT_DEGREES: Final = 0.1
"""Side of a planning unit of the evidence counts; a record with a larger cell counts for that cell."""
_BY: Final = ["west", "south", "east", "north", "country_code", "species", "iucnRedListCategory", "sharing_category"]


@dataclass(frozen=True, slots=True)
class Export:
    """What was handed over.

    Attributes
    ----------
    node : str
        Code of the country.
    sequence : int
        Number of the manifest.
    release : str
        The release that it was made of.
    counts : dict of str to int
        records, generalised, units; elsewhere: published records of other countries, or of none, which stay.
    """

    node: str
    sequence: int
    release: str
    counts: dict[str, int]


def export(settings: Settings, folder: Path, *, actor: str = "command line") -> Export:
    """Write what the node's release publishes of its own country into a folder, with a signed manifest.

    Parameters
    ----------
    settings : Settings
        The node's installation.
    folder : Path
        A new folder; it appears when it is whole.
    actor : str
        What the audit calls whoever does it.

    Raises
    ------
    InputError
        If the folder is there, or the installation is no node.
    NoReleaseError
        If there is no release.
    StoreError
        If the release was made under other rules than today's.
    """
    if folder.exists():
        problem = "this folder is there already"
        raise InputError(problem, file=str(folder), expected="the name of a new one", code="OUTPUT_EXISTS")
    release = releases.current(settings.data)
    if release is None:
        raise NoReleaseError
    with Registry.open(settings) as registry:
        rules = sharing_rules.rules_of(registry)
        with registry.session(read_only=True) as session:
            node = nodes.own(session)
            if node is None:
                problem = "this installation is no national node"
                raise InputError(problem, expected="`biodata node new CODE` first", code="NODE_UNKNOWN")
            code, sequence, previous = node.code, node.sequence + 1, node.manifest
            made = session.get(models.Release, release.id)
            if made is None or made.rules_hash != rules.hash:
                message = "the release was made under other sharing rules than today's; `biodata release` first"
                raise StoreError(message)
            own = select(Withdrawal).where(Withdrawal.kind != "node").order_by(Withdrawal.id)
            withdrawn = _withdrawals(session.scalars(own))
        key = nodes.private_key(settings.data)
        everything = releases.read(release, "occurrences")
        records = everything.filter(of_country(code)).drop(terms.names(terms.ASSESSED)).sort("key")
        evidence = evidence_counts(records)
        datasets = (
            releases.read(release, "datasets")
            .drop("count")
            .join(records, left_on="key", right_on="datasetKey", how="semi")
        )
        counts = {
            "records": records.height,
            "generalised": records.filter(pl.col("sharing_category") != SharingCategory.OPEN).height,
            "units": evidence.select(_BY[:4]).n_unique(),
            "elsewhere": everything.height - records.height,
        }
        unnamed = folder.with_name(f".{folder.name}.part")
        shutil.rmtree(unnamed, ignore_errors=True)
        unnamed.mkdir(parents=True)
        try:
            files = {
                name: _written(frame, unnamed / name) for name, frame in ((RECORDS, records), (EVIDENCE, evidence))
            }
            told = {
                "format": node_keys.FORMAT, "node": code, "key": node_keys.fingerprint(node_keys.public_of(key)),
                "sequence": sequence, "previous": previous, "release": release.id, "snapshot": release.snapshot,
                "rules": rules.hash, "boundaries": settings.boundaries, "created": now().isoformat(),
                "biodata": version("biodata"), "files": files, "datasets": datasets.sort("key").to_dicts(),
                "counts": counts, "withdrawals": withdrawn,
            }  # fmt: skip
            sha256 = node_keys.write_manifest(unnamed, told, key)
            for path in unnamed.iterdir():
                sync_file(path)
            with registry.session() as session, session.begin():
                node = nodes.own(session)
                if node is None or node.sequence != sequence - 1:
                    message = "another export was made meanwhile; nothing was written"
                    raise StoreError(message)
                node.sequence, node.manifest, node.told = sequence, sha256, dict(counts)
                details = {"sequence": sequence, "manifest": sha256, "release": release.id, **counts}
                audit.append(session, actor=actor, action="node export", subject=code, details=details)
                unnamed.rename(folder)
        finally:
            shutil.rmtree(unnamed, ignore_errors=True)
    sync_folder(folder.parent)
    return Export(code, sequence, release.id, counts)


def of_country(code: str) -> pl.Expr:
    """Tell which published records a country's node speaks for: those stated to be there, or, silent, that may be."""
    may_be = pl.col("country_codes").list.contains(code)
    return ((pl.col("countryCode") == code) | (pl.col("countryCode").is_null() & may_be)).fill_null(value=False)


def evidence_counts(records: pl.DataFrame) -> pl.DataFrame:
    """Count published records by planning unit, side, species and category.

    Parameters
    ----------
    records : polars.DataFrame of n rows
        Published records; nothing else is read, so the counts tell no more than they do.

    Returns
    -------
    polars.DataFrame
        west, south, east, north, degrees: a cell of `UNIT_DEGREES`, or the published cell where that is larger; the
        country, species, Red List and sharing category; records, first_year, last_year.
    """
    per_degree = round(1 / UNIT_DEGREES)
    x, y = (
        np.floor(records[name].cast(pl.Float64).to_numpy() * per_degree + 1e-9) / per_degree
        for name in ("decimalLongitude", "decimalLatitude")
    )
    wide = (pl.col("cell_east") - pl.col("cell_west") > UNIT_DEGREES + 1e-9).fill_null(value=False)
    placed = records.with_columns(x=pl.Series(x, dtype=pl.Float64), y=pl.Series(y, dtype=pl.Float64)).filter(
        pl.col("decimalLongitude").is_not_null(), pl.col("decimalLatitude").is_not_null()
    )
    return (
        placed.with_columns(
            west=pl.when(wide).then("cell_west").otherwise("x"),
            south=pl.when(wide).then("cell_south").otherwise("y"),
            east=pl.when(wide).then("cell_east").otherwise((pl.col("x") + UNIT_DEGREES).round(6)),
            north=pl.when(wide).then("cell_north").otherwise((pl.col("y") + UNIT_DEGREES).round(6)),
            country_code="countryCode",
        )
        .group_by(_BY)
        .agg(records=pl.len().cast(pl.Int64), first_year=pl.col("year").min(), last_year=pl.col("year").max())
        .sort(_BY, nulls_last=True)
    )


def _withdrawals(found: Any) -> list[dict[str, Any]]:
    """Return what the manifest tells of withdrawals: never what was withdrawn, only that it was."""
    return [
        {"kind": w.kind, "subject": w.subject, "records": w.records, "date": w.created.date().isoformat()}
        for w in found
    ]


def _written(frame: pl.DataFrame, path: Path) -> dict[str, Any]:
    """Write a table and return what the manifest tells of its file."""
    frame.write_parquet(path, compression="zstd", statistics=False)
    told = digest(path)
    return {"sha256": told.sha256, "bytes": told.bytes, "rows": frame.height}
