"""The grid that places are published by: cells of a category, squares of a hundredth of their side."""

from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.vocabularies import SharingCategory

GUARD: Final = 1e-9
"""Share of a cell below its lower edge that still counts with it, so that a place told as 0.29° is in the cell from 0.29°
on, although 0.29 times 100 is a little less than 29 to a computer."""
PER_DEGREE: Final = MappingProxyType({str(c): round(1 / c.cell_degrees) for c in SharingCategory if c.cell_degrees})
"""Cells along a degree of each category."""
CATEGORY: Final = MappingProxyType({n: category for category, n in PER_DEGREE.items()})
"""The category of each number of cells along a degree."""
PARTS: Final = 100
"""Squares along a cell's side."""


def at(n: int, *, longitude: str = "longitude", latitude: str = "latitude") -> tuple[pl.Expr, pl.Expr]:
    """Return column and row of points among n cells along a degree, counted from 0° E, 0° N."""
    return tuple(  # type: ignore[return-value]
        (pl.col(name) * n + GUARD).floor().cast(pl.Int64).clip(upper_bound=most * n - 1)
        for name, most in ((longitude, 180), (latitude, 90))
    )


def cell(n: int) -> list[pl.Expr]:
    """Return `column` and `row` of the cell of points."""
    column, row = at(n)
    return [column.alias("column"), row.alias("row")]


def square(n: int) -> list[pl.Expr]:
    """Return `x` and `y` of the square of points in cells of n along a degree."""
    x, y = at(n * PARTS)
    return [x.alias("x"), y.alias("y")]
