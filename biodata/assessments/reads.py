"""What a run read of the records: kept for nobody else, so that it is known whether all of it goes out today, too."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata import sharing
from biodata.core.errors import StoreError
from biodata.core.terms import PUBLISHED_OCCURRENCE
from biodata.core.vocabularies import SharingCategory
from biodata.places import BoundarySet
from biodata.sharing.publish import LOOKED_AT
from biodata.store import checksums
from biodata.store.lake import Lake

GONE: Final = "records that are gone"
"""Stands for the names of records that a run read and that are in the lake no more."""
_FOLDER: Final = "run_reads"
_BATCH_ROWS: Final = 200_000
_NAMES: Final = ("species", "scientificName")
_COLUMNS: Final = tuple(sorted({"key", *_NAMES, *LOOKED_AT}))
_ASKED: Final = tuple(column for column in PUBLISHED_OCCURRENCE if column.name in {"key", "sharing_category"})
_STRICTNESS: Final[Mapping[str, int]] = MappingProxyType({str(one): one.strictness for one in SharingCategory})


def remember(data: Path, run_id: str, records: pl.DataFrame, *, more: bool = False) -> None:
    """Keep which records a run read, and how exactly each was told then.

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
    read = records.select("key", strictness=_strictness(), name=pl.when(_strictness() > 0).then(name))
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
            records = lake.read("occurrences", columns=_COLUMNS, among=then.select("key"))
        except StoreError:
            return None
        opened = sharing.open_records(records, rules, boundaries=boundaries, columns=_ASKED)
        # A presence has a number of its own, which no record of the lake has.
        shown = pl.concat([opened, made.join(then, on="key", how="semi")])
        now = shown.select(pl.col("key").cast(pl.Int64), now=_strictness())
        coarser = then.join(now, on="key", how="left").filter(
            pl.col("now").is_null() | (pl.col("now") > pl.col("strictness"))
        )
        named = records.select("key", own=pl.coalesce(*_NAMES, pl.lit("a record without a name")))
        told = coarser.join(named, on="key", how="left").select(pl.coalesce("own", "name", pl.lit(GONE)))
        names |= set(told.to_series())
    return tuple(sorted(names))


def _strictness() -> pl.Expr:
    return pl.col("sharing_category").replace_strict(_STRICTNESS, return_dtype=pl.Int64)


def _read(path: Path) -> pl.DataFrame | None:
    """Return what a run read; None where that is not kept, or cannot be read."""
    try:
        return pl.read_parquet(path, schema={"key": pl.Int64, "strictness": pl.Int64, "name": pl.String})
    except (OSError, pl.exceptions.PolarsError):
        return None
