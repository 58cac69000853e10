"""Cells of the grid by which places of a survey are one station, and which category of several is the strictest."""

from collections.abc import Sequence
from itertools import product
from typing import Final

import polars as pl

from biodata.sharing.generalise import GUARD
from biodata.vocabularies import SharingCategory

STATION: Final = 1000
"""Cells along a degree: places closer than one or two of them (100 to 200 m) are one station."""
_STRICTNESS: Final = {str(c): c.strictness for c in SharingCategory}


def cell(grid: int) -> list[pl.Expr]:
    """Return the column and row (gx, gy) of places (x, y : degrees) in a grid of so many cells along a degree."""
    return [(pl.col(c) * grid + GUARD).floor().cast(pl.Int64, strict=False).alias(f"g{c}") for c in ("x", "y")]


def around(cells: pl.DataFrame) -> pl.DataFrame:
    """Return each row once for its cell and once for each of the eight around it."""
    steps = pl.DataFrame(list(product((-1, 0, 1), repeat=2)), schema={"dx": pl.Int64, "dy": pl.Int64}, orient="row")
    moved = cells.join(steps, how="cross")
    return moved.with_columns(pl.col("gx") + pl.col("dx"), pl.col("gy") + pl.col("dy")).drop("dx", "dy")


def strictest(frame: pl.DataFrame, by: Sequence[str]) -> pl.DataFrame:
    """Return one row for each of some columns, the one with the strictest `category`."""
    strictness = pl.col("category").replace_strict(_STRICTNESS, default=0, return_dtype=pl.Int64)
    return frame.sort(strictness, descending=True).unique(by, keep="first", maintain_order=True)
