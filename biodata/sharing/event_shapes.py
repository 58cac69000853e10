"""Points and boxes of published places of events, as WKB."""

from typing import Any

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray


def points(longitude: pl.Series, latitude: pl.Series) -> pl.Series:
    """Return n places as WKB; null where a coordinate is missing."""
    x, y = (values.cast(pl.Float64).fill_null(np.nan).to_numpy() for values in (longitude, latitude))
    return _wkb(np.asarray(shapely.points(x, y)), np.isfinite(x) & np.isfinite(y))


def boxes(frame: pl.DataFrame) -> pl.Series:
    """Return the boxes of n rows with west, south, east, north as WKB.

    One without an area is a line or a point; null where an edge is missing.
    """
    edges = frame.select(pl.col("west", "south", "east", "north").cast(pl.Float64)).to_numpy().astype(np.float64)
    flat = (edges[:, 0] == edges[:, 2]) & (edges[:, 1] == edges[:, 3])
    lines = ((edges[:, 0] == edges[:, 2]) | (edges[:, 1] == edges[:, 3])) & ~flat
    shapes = shapely.box(edges[:, 0], edges[:, 1], edges[:, 2], edges[:, 3])
    shapes[flat] = shapely.points(edges[flat, :2])
    shapes[lines] = shapely.linestrings(edges[lines].reshape(-1, 2, 2))
    return _wkb(shapes, ~np.isnan(edges).any(axis=1))


def _wkb(shapes: NDArray[Any], there: NDArray[np.bool_]) -> pl.Series:
    told = [shape if here else None for shape, here in zip(shapely.to_wkb(shapes).tolist(), there, strict=True)]
    return pl.Series("geometry", told, dtype=pl.Binary)
