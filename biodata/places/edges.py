"""The edges of a boundary set: each line once, with the units on both of its sides."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata.geo import Floats, Geometries

Ints = NDArray[np.int32]
SEA: Final = -1


@dataclass(frozen=True, eq=False)
class Edges:
    """n edges of a set of units that share their edges exactly.

    Attributes
    ----------
    ends : ndarray of float64, shape (n, 4)
        Longitude and latitude of the lower end, then of the upper end (of two equally high ends the western first).
    left, right : ndarray of int32, length n
        Index of the unit west and east of the edge (of a level edge: north and south of it); -1 is the sea.
    """

    ends: Floats
    left: Ints
    right: Ints


def edges_of(shapes: Geometries) -> Edges:
    """Return the edges of polygons that touch without overlap.

    Parameters
    ----------
    shapes : ndarray of shapely polygons or multipolygons, length n
        Degrees; neighbours have the same vertices along the line that they share.

    Returns
    -------
    Edges
        `left` and `right` count in the order of `shapes`.
    """
    parts, part_of = shapely.get_parts(shapely.orient_polygons(shapes), return_index=True)
    rings, ring_of = shapely.get_rings(parts, return_index=True)
    coordinates, index = shapely.get_coordinates(rings, return_index=True)
    same = index[1:] == index[:-1]
    a, b = coordinates[:-1][same], coordinates[1:][same]
    unit = part_of[ring_of[index[:-1][same]]].astype(np.int32)
    # Shells turn anticlockwise and holes clockwise, so the unit lies left of its edges as they are walked.
    turned = (a[:, 1] > b[:, 1]) | ((a[:, 1] == b[:, 1]) & (a[:, 0] > b[:, 0]))
    low, high = np.where(turned[:, None], b, a), np.where(turned[:, None], a, b)
    sea = np.int32(SEA)
    names = ["x0", "y0", "x1", "y1"]
    frame = pl.DataFrame(
        dict(zip(names, (low[:, 0], low[:, 1], high[:, 0], high[:, 1]), strict=True))
        | {"left": np.where(turned, sea, unit), "right": np.where(turned, unit, sea)}
    )
    once = frame.group_by(names, maintain_order=True).agg(pl.col("left", "right").max())
    return Edges(once.select(names).to_numpy(), once["left"].to_numpy(), once["right"].to_numpy())


def ranges(start: NDArray[np.integer], count: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return, for each run of `count` numbers from `start`, its position repeated and the numbers."""
    owner = np.repeat(np.arange(len(count)), count)
    first = np.cumsum(count) - count
    return owner, np.arange(len(owner)) - first[owner] + np.asarray(start, dtype=np.int64)[owner]
