"""Crowds: the places of a dataset in a cell, counted off by a public hash, so that each hides among ten.

A *place* is a square of a hundredth of the cell's side. A dataset is one *of stations* if its places can be known from its
other records: there a sensitive place hides in a crowd of ten places in five of the cell's hundred tenth-squares. A place
belongs to one crowd for ever.
"""

import hashlib
from typing import Final

import polars as pl

from biodata.sharing.grid import cell, square

PLACES: Final = 10
"""Places of a crowd, at least."""
TENTHS: Final = 5
"""Tenth-squares of the cell that a crowd lies in, at least."""
_VISITED: Final = 1000
"""Cells along a degree by which a place is one that was visited before."""
CROWD_PLACES: Final = pl.Schema(
    {
        "crowd": pl.String, "datasetKey": pl.String, "base": pl.Int32, "n": pl.Int32,
        "column": pl.Int64, "row": pl.Int64, "x": pl.Int64, "y": pl.Int64,
    }
)  # fmt: skip
"""Places of crowds: cells along a degree of the category that asked (`base`) and of the crowd's cell (`n`); the cell; the square."""
TEN: Final = "ten|"
"""Begins the name of ten places of a cell that are in no crowd together."""


def of_stations(records: pl.DataFrame, events: pl.DataFrame) -> pl.Series:
    """Return the datasets whose places can be known from their other records.

    Parameters
    ----------
    records : polars.DataFrame
        datasetKey, day, fx, fy.
    events : polars.DataFrame
        datasetKey, fx, fy.

    Returns
    -------
    polars.Series of str
        Those that have events with a place, and those of which at least half of the records stand at places that were
        visited on two days or more.
    """
    with_events = events.drop_nulls(["fx", "fy"])["datasetKey"].unique()
    placed = records.drop_nulls(["day", "fx", "fy"]).select("datasetKey", "day", *cell(_VISITED))
    days = pl.col("day").n_unique().over("datasetKey", "column", "row")
    again = placed.select("datasetKey", again=days >= 2).group_by("datasetKey").agg(pl.col("again").mean())
    return pl.concat([with_events, again.filter(pl.col("again") >= 0.5)["datasetKey"]]).unique().sort()


def squares(points: pl.DataFrame, n: int) -> pl.DataFrame:
    """Return the distinct squares of points by dataset: datasetKey, column, row (the cell), x, y (the square)."""
    return points.drop_nulls(["fx", "fy"]).select("datasetKey", *cell(n), *square(n)).unique()


def count_off(free: pl.DataFrame, *, base: int, n: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Count places off into crowds.

    Parameters
    ----------
    free : polars.DataFrame
        `squares` that are in no crowd yet.
    base, n : int
        Cells along a degree of the category, and of these cells.

    Returns
    -------
    crowds : polars.DataFrame of `CROWD_PLACES`
        New ones.
    left_over : polars.DataFrame
        Those of `free` that are in no crowd yet.
    """
    if free.is_empty():
        return CROWD_PLACES.to_frame(), free
    free = _in_order(free, n).with_columns(tenth=pl.col("x").floordiv(10) * 10_000_000 + pl.col("y").floordiv(10))
    crowds = pl.Series("crowd", _closed(free), dtype=pl.Int64)
    numbered = free.with_columns(crowds).drop("tenth")
    closed = numbered.filter(pl.col("crowd") >= 0).with_columns(base=pl.lit(base), n=pl.lit(n))
    named = (
        closed.sort("crowd", "x", "y")
        .group_by("crowd", maintain_order=True)
        .agg(text=pl.format("{}|{}|{};", "datasetKey", "n", pl.format("{}:{}", "x", "y").str.join(",")).first())
    )
    marks = [hashlib.sha256(f"{base}|{text}".encode()).hexdigest()[:16] for text in named["text"]]
    ids = named.select("crowd", mark=pl.Series(marks, dtype=pl.String))
    found = closed.join(ids, on="crowd").drop("crowd").rename({"mark": "crowd"})
    left = numbered.filter(pl.col("crowd") < 0).drop("crowd")
    return found.select(pl.col(name).cast(dtype) for name, dtype in CROWD_PLACES.items()), left


def tens(places: pl.DataFrame, base: int) -> pl.DataFrame:
    """Return places of some cells in tens, in the order of the hash; the last ten takes the rest with it.

    Parameters
    ----------
    places : polars.DataFrame
        All `squares` of these cells.
    base : int
        Cells along a degree of the category, and of these cells.

    Returns
    -------
    polars.DataFrame of `CROWD_PLACES`
    """
    within = ["datasetKey", "column", "row"]
    at, count = pl.int_range(pl.len()).over(within), pl.len().over(within)
    ten = pl.min_horizontal(at // PLACES, pl.max_horizontal(count // PLACES, 1) - 1)
    named = _in_order(places, base).with_columns(
        crowd=pl.format(TEN + "{}|{}|{}|{}", pl.lit(base), "column", "row", ten), base=pl.lit(base), n=pl.lit(base)
    )
    return named.select(pl.col(name).cast(dtype) for name, dtype in CROWD_PLACES.items())


def _in_order(places: pl.DataFrame, n: int) -> pl.DataFrame:
    """Return squares cell by cell, in the order of a public hash."""
    names = places.select(pl.format("{}|{}|{}|{}", "datasetKey", pl.lit(n), "x", "y")).to_series()
    order = pl.Series("order", [hashlib.sha256(name.encode()).hexdigest() for name in names], dtype=pl.String)
    return places.with_columns(order).sort("datasetKey", "column", "row", "order").drop("order")


def _closed(free: pl.DataFrame) -> list[int]:
    """Return the number of each place's crowd, -1 for those that are left over; places in order, cell after cell."""
    numbers: list[int] = [-1] * free.height
    pool, first, count = None, 0, 0
    tenths: set[int] = set()
    for at, (*here, tenth) in enumerate(free.select("datasetKey", "column", "row", "tenth").iter_rows()):
        if here != pool:
            pool, first, tenths = here, at, set()
        tenths.add(tenth)
        if at - first + 1 >= PLACES and len(tenths) >= TENTHS:
            numbers[first : at + 1] = [count] * (at - first + 1)
            count, first, tenths = count + 1, at + 1, set()
    return numbers
