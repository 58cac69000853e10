"""The exact store: the sensitive records alone, as they are, in a folder of its own that only one process reads.

Beside each record stand the cell, the dates and the countries that are published of it (of a withheld record, which
publishes none, a cell of one degree, its year and its own countries). By these a grant decides what it covers, and never
by the exact values: so a grant that leaves a record out tells nothing of it.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Self

import polars as pl

from biodata.access.grants import FIELDS, Grant, cells_within, day
from biodata.core import terms
from biodata.core.errors import StoreError
from biodata.text.scientific_names import parse_names

FILE: Final = "exact.parquet"
CELL: Final = ("cell_west", "cell_south", "cell_east", "cell_north")
SCHEMA: Final = pl.Schema(
    {column.name: column.dtype for column in terms.OCCURRENCE if column.reach is not terms.Reach.LAKE}
    | {f"exact_{name}": pl.Float64 for name in CELL}
    | {
        "exact_first": pl.Date,
        "exact_last": pl.Date,
        "exact_countries": pl.List(pl.String),
        "exact_taxa": pl.List(pl.String),
    }
)
"""Columns of the store: those of a record, and what a grant decides by."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the store is made of.

    Attributes
    ----------
    snapshot : int
        The lake's version.
    rules_hash : str
        Of the rules that said what is sensitive.
    records : int
        How many there are.
    """

    snapshot: int
    rules_hash: str
    records: int

    def as_dict(self) -> dict[str, Any]:
        """Return it as plain values for JSON."""
        return asdict(self)

    def as_text(self) -> dict[str, str]:
        """Return it as it stands in the file."""
        return {f"biodata_{name}": str(value) for name, value in asdict(self).items()}

    @classmethod
    def of(cls, told: Mapping[str, str]) -> Self:
        """Return it from a file's metadata."""
        return cls(int(told["biodata_snapshot"]), str(told["biodata_rules_hash"]), int(told["biodata_records"]))


def check_closed(store: Path) -> None:
    """Refuse a folder that others may use.

    Raises
    ------
    StoreError
        If they may, or it is not there.
    """
    if not store.is_dir():
        message = f"there is no folder {store}; make it with `mkdir -m 700`, or with `biodata exact build --store`"
        raise StoreError(message)
    mode = store.stat().st_mode & 0o777
    if mode & 0o077:
        message = f"{store} may be used by others than its owner (mode {mode:04o}); the exact store needs 0700"
        raise StoreError(message)


def put(store: Path, descriptor: int) -> Facts:
    """Take the records of an open file into the store, whole or not at all, as its owner's.

    Parameters
    ----------
    store : Path
        The store's folder.
    descriptor : int
        Of a file as `exact_building` writes it.

    Raises
    ------
    StoreError
        If it is no such file, or there is no room.
    """
    part = store / f"{FILE}.part"
    owner = store.stat()
    try:
        with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as made:
            if os.geteuid() == 0:
                os.fchown(made.fileno(), owner.st_uid, owner.st_gid)
            at = 0
            while block := os.pread(descriptor, 1 << 20, at):
                made.write(block)
                at += len(block)
            made.flush()
            os.fsync(made.fileno())
        facts, records = _read(part)
        if records.height != facts.records:
            message = f"{facts.records} exact records were told and {records.height} came"
            raise StoreError(message)
        part.replace(store / FILE)
    except (OSError, pl.exceptions.PolarsError, KeyError, ValueError) as error:
        message = f"the exact records could not be taken into the store; those of before stay: {_line(error)}"
        raise StoreError(message) from error
    finally:
        part.unlink(missing_ok=True)
    return facts


def read(store: Path) -> tuple[Facts, pl.DataFrame]:
    """Return what the store is made of, and its records.

    Raises
    ------
    StoreError
        If there are none, or others may read them.
    """
    check_closed(store)
    try:
        return _read(store / FILE)
    except (OSError, pl.exceptions.PolarsError, KeyError, ValueError) as error:
        message = f"{store} holds no exact records; `biodata exact build` gives them"
        raise StoreError(message) from error


def covered(records: pl.DataFrame, grants: Sequence[Grant]) -> pl.DataFrame:
    """Return what grants cover, each record with the fields that every one of its countries' grants releases.

    A record whose published cell several countries share is covered only where each of them granted it.

    Parameters
    ----------
    records : polars.DataFrame
        As `read` returns them.
    grants : sequence of Grant
        Of one request, of different countries.

    Returns
    -------
    polars.DataFrame
        `key` and the fields; a field that is not released of a record is null.
    """
    inside = records.with_columns([_covers(grant, records).alias(f"by_{grant.country}") for grant in grants])
    countries = {grant.country for grant in grants}
    whole = pl.all_horizontal(
        [pl.col("exact_countries").list.len() > 0, pl.col("exact_countries").list.set_difference(sorted(countries)).list.len() == 0,
         *[~pl.col("exact_countries").list.contains(grant.country) | pl.col(f"by_{grant.country}") for grant in grants]]
    )  # fmt: skip
    found = inside.filter(whole)
    entries = []
    for name in FIELDS:
        kept = [~pl.col("exact_countries").list.contains(g.country) | pl.lit(name in g.fields) for g in grants]
        entries.append(pl.when(pl.all_horizontal(kept)).then(pl.col(name)).alias(name))
    wanted = {name for grant in grants for name in grant.fields}
    return found.select("key", *entries).select("key", *[name for name in FIELDS if name in wanted])


def chosen(records: pl.DataFrame, asked: Mapping[str, Any]) -> pl.DataFrame:
    """Return the records that a question asks for among those that are covered, in the order of their keys.

    Parameters
    ----------
    records : polars.DataFrame
        As `covered` returns them.
    asked : mapping
        `keys`, `after` a key, `until` a key, `limit`.
    """
    found = records.sort("key")
    if asked.get("keys") is not None:
        found = found.filter(pl.col("key").is_in(asked["keys"]))
    if asked.get("after") is not None:
        found = found.filter(pl.col("key") > asked["after"])
    if asked.get("until") is not None:
        found = found.filter(pl.col("key") <= asked["until"])
    return found.head(asked.get("limit", 1000))


def _read(path: Path) -> tuple[Facts, pl.DataFrame]:
    facts = Facts.of(pl.read_parquet_metadata(path))
    return facts, pl.read_parquet(path).select(SCHEMA.names()).cast(SCHEMA)


def _covers(grant: Grant, records: pl.DataFrame) -> pl.Series:
    """Tell which records lie within a grant's bounds, by what is published of them."""
    inside = [pl.lit(value=True)]
    if grant.taxon is not None:
        inside.append(pl.col("exact_taxa").list.contains(_small(grant.taxon)))
    since, until = day("since", grant.since), day("until", grant.until)
    if since is not None:
        inside.append(pl.col("exact_first") >= since)
    if until is not None:
        inside.append(pl.col("exact_last") <= until)
    found = records.with_columns(told=pl.all_horizontal(inside).fill_null(value=False))["told"]
    if grant.area is None or not found.any():
        return found
    cells = records.select(pl.col(f"exact_{name}").fill_null(float("nan")) for name in CELL).to_numpy()
    held = pl.Series(cells_within(grant.area, cells))
    return found & held


def _small(taxon: str) -> str:
    """Return a taxon's name as the store compares it: without authorship, small."""
    canonical = parse_names(pl.Series([taxon]))["canonical"][0]
    return str(canonical or taxon).casefold()


def _line(error: Exception) -> str:
    """Return what went wrong, in one line that states no value of a record."""
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else type(error).__name__
