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


FINEST: Final = 100_000
"""Squares along a degree of the finest kind, a hundredth of the side of the smallest cells."""


def fine() -> list[pl.Expr]:
    """Return `fx` and `fy`, the finest square of `longitude` and `latitude`, counted from 0° E, 0° N."""
    return [
        (pl.col(name) * FINEST + GUARD).floor().cast(pl.Int64).clip(upper_bound=most * FINEST - 1).alias(alias)
        for name, most, alias in (("longitude", 180, "fx"), ("latitude", 90, "fy"))
    ]


def cell(n: int) -> list[pl.Expr]:
    """Return `column` and `row` among n cells along a degree, of finest squares."""
    return [pl.col(name).floordiv(FINEST // n).alias(alias) for name, alias in (("fx", "column"), ("fy", "row"))]


def square(n: int) -> list[pl.Expr]:
    """Return `x` and `y` of the squares, a hundredth of the side of n cells along a degree, of finest squares."""
    step = FINEST // (n * PARTS)
    return [pl.col(name).floordiv(step).alias(alias) for name, alias in (("fx", "x"), ("fy", "y"))]
