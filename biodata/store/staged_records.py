"""Published records that a build has put aside in files, read again as a release has them: in the order of the curve."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from biodata.core import terms
from biodata.core.terms import Column
from biodata.core.vocabularies import SharingCategory
from biodata.text.cluster_facts import PLAIN_NUMBERS

PLACE: Final = tuple(Column(name, pl.Int64, "") for name in ("mx", "my", "hk", *PLAIN_NUMBERS))
"""Where a record stands on the map and along the curve, and its identifiers as numbers, beside `terms.PUBLISHED_OCCURRENCE`."""
_COLUMNS: Final = (*terms.PUBLISHED_OCCURRENCE, *PLACE)


def in_order(parts: Sequence[Path], assessed: pl.DataFrame | None, *, range_rows: int) -> Iterator[pl.DataFrame]:
    """Yield staged records in the order of the curve, one range of it at a time, those without a place last.

    Parameters
    ----------
    parts : sequence of Path
        Parquet files of `terms.PUBLISHED_OCCURRENCE` with `PLACE`, each sorted along the curve, without a place last; of a
        file's columns those are there in which some row has a value, `key` and `hk`.
    assessed : polars.DataFrame, optional
        As `with_assessed` has it.
    range_rows : int
        How many records a range has, about: no more than these are in memory.
    """
    curves = [pl.read_parquet(part, columns=["hk"])["hk"] for part in parts]
    placed = [curve.drop_nulls().to_numpy() for curve in curves]
    ends = _range_ends(np.concatenate(placed), range_rows) if placed else []
    # Where the rows of each range begin in each part; those without a place stand last.
    starts = [[0, *curve.searchsorted(ends, "right"), len(rows)] for curve, rows in zip(placed, curves, strict=True)]
    for at in range(len(ends) + 1):
        here = [
            pl.scan_parquet(part).slice(int(rows[at]), int(rows[at + 1] - rows[at]))
            for part, rows in zip(parts, starts, strict=True)
            if rows[at + 1] > rows[at]
        ]
        if here:
            records = terms.conform(pl.concat(here, how="diagonal").collect(), _COLUMNS)
            yield with_assessed(records, assessed).sort("hk", "key")


def with_assessed(records: pl.DataFrame, assessed: pl.DataFrame | None) -> pl.DataFrame:
    """Return staged records with what is stated of the open ones beside each other.

    Parameters
    ----------
    records : polars.DataFrame of n rows
    assessed : polars.DataFrame, optional
        key, flags, isInCluster, cluster_id, cluster_reason of those of which something was found; None where nobody looked.

    Returns
    -------
    polars.DataFrame of n rows, in their order
    """
    if assessed is None:
        return records.with_columns(clusterRepresentative=pl.lit(value=True))
    is_open = pl.col("sharing_category") == str(SharingCategory.OPEN)
    found = assessed.join(records.filter(is_open).select("key", "quality_flags"), on="key")
    flags = pl.concat_list(pl.col("quality_flags").fill_null([]), pl.col("flags")).list.unique(maintain_order=True)
    found = found.select(
        "key", "isInCluster", "cluster_id", "cluster_reason",
        all_flags=pl.when(pl.col("flags").is_not_null()).then(flags).otherwise("quality_flags"),
    )  # fmt: skip
    beside = records.select("key").join(found, on="key", how="left", maintain_order="left")
    return records.with_columns(
        beside.select("cluster_id", "cluster_reason"),
        quality_flags=pl.coalesce(beside["all_flags"], "quality_flags"),
        isInCluster=pl.when(is_open).then(beside["isInCluster"].fill_null(value=False)),
        clusterRepresentative=(beside["cluster_id"] == records["key"]).fill_null(value=True),
    )


def _range_ends(places: "np.ndarray[tuple[int], np.dtype[np.int64]]", range_rows: int) -> list[int]:
    """Return the ends of ranges of the curve that hold about the same number of records."""
    ranges = -(-len(places) // range_rows)
    at = [-(-len(places) * number // ranges) - 1 for number in range(1, ranges + 1)]
    return sorted({int(end) for end in np.partition(places, at)[at]}) if at else []
