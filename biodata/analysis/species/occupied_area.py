"""Area of occupancy (AOO): the least count of cells that hold records, over shifts of the grid."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata import geo

CELL_M: Final = 2_000.0
"""Side of IUCN's cell, metres."""
SHIFTS: Final = 10
SYSTEM: Final = 6933
"""EPSG code of the cells' system, cylindrical equal-area: one grid for every species, and a record never lowers an area.
Cells end at 180°, where one more may be counted."""
_Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class OccupiedArea:
    """An area of occupancy.

    Attributes
    ----------
    cells : int
        Cells with a record, in the position of the grid that has the fewest.
    area_km2 : float
        Their area.
    cell_m : float
        Side of a cell, metres.
    positions : int
        How many positions of the grid were tried.
    shift : tuple of int
        The position that was taken, east and north, in parts of a cell; the first of equal ones.
    corners : ndarray of int64, shape (cells, 2)
        Western and southern edges of the cells, in parts of a cell.
    parts : int
        Parts of a cell's side.
    """

    cells: int
    area_km2: float
    cell_m: float
    positions: int
    shift: tuple[int, int]
    corners: _Ints
    parts: int

    def told(self) -> dict[str, Any]:
        """Return the figure as plain values."""
        return {
            "cells": self.cells, "area_km2": self.area_km2, "cell_m": self.cell_m, "positions": self.positions,
            "system": f"EPSG:{SYSTEM}",
        }  # fmt: skip

    def polygons(self) -> NDArray[np.object_]:
        """Return the cells as polygons, degrees, WGS 84."""
        part = self.cell_m / self.parts
        west, south = (self.corners * part).T
        shapes: NDArray[np.object_] = shapely.box(west, south, west + self.cell_m, south + self.cell_m)
        # Parallels and meridians stay straight in this system, so that four corners are enough.
        degrees: NDArray[np.object_] = geo.project(shapes, SYSTEM, 4326)
        return degrees


def occupied_area(
    longitude: geo.Floats, latitude: geo.Floats, *, cell_m: float = CELL_M, shifts: int = SHIFTS
) -> OccupiedArea:
    """Return the area of occupancy of points.

    Parameters
    ----------
    longitude, latitude : ndarray of float64, length n
        Degrees, WGS 84.
    cell_m : float
        Side of a cell, metres.
    shifts : int
        Positions of the grid that are tried along each axis: `shifts` squared positions in all, a `shifts`-th of a cell
        apart.

    Returns
    -------
    OccupiedArea
        Of no points 0 cells.

    Raises
    ------
    ValueError
        If `cell_m` or `shifts` is not positive.

    Notes
    -----
    IUCN Standards and Petitions Committee 2024, Guidelines version 16, 4.10: cells of 2 km, and the position of the grid
    with the fewest of them.
    """
    if not (cell_m > 0 and shifts > 0):
        msg = f"cell_m and shifts must be positive, not {cell_m} and {shifts}"
        raise ValueError(msg)
    parts = _parts(longitude, latitude, cell_m / shifts)
    best, least = (0, 0), None
    for east in range(shifts):
        for north in range(shifts):
            count = pl.Series(_one_number((parts - (east, north)) // shifts)).n_unique()
            if least is None or count < least:
                best, least = (east, north), count
    offset = np.array(best, dtype=np.int64)
    corners: _Ints = np.unique((parts - offset) // shifts, axis=0) * shifts + offset
    cells = len(corners)
    return OccupiedArea(cells, cells * (cell_m / 1000) ** 2, cell_m, shifts**2, best, corners, shifts)


def _parts(longitude: geo.Floats, latitude: geo.Floats, part_m: float) -> _Ints:
    """Return the parts of cells that hold points, shape (n, 2), each once: all that the count depends on."""
    xy = geo.project(np.column_stack([longitude, latitude]).astype(np.float64), 4326, SYSTEM)
    numbers: _Ints = np.unique(np.floor(xy / part_m).astype(np.int64), axis=0)
    return numbers.reshape(-1, 2)


def _one_number(pairs: _Ints) -> _Ints:
    """Return pairs of whole numbers as one each, so that they are quickly told apart."""
    single: _Ints = pairs[:, 0] * (1 << 31) + pairs[:, 1]
    return single


@dataclass(frozen=True, slots=True)
class OccupiedBound:
    """What published cells tell of an area of occupancy: it is at least and at most so large.

    Attributes
    ----------
    cells_at_least : int
        Cells of 2 km that hold a record wherever in the published cells the records lie.
    cells_at_most : int
        Cells of 2 km, if every record published as a cell lies in one of its own, as far as its published cell has room.
    area_at_least_km2, area_at_most_km2 : float
        Their areas.
    published_cells : int
        Published cells with a record.
    cell_m : float
        Side of a cell of the area, metres.
    """

    cells_at_least: int
    cells_at_most: int
    area_at_least_km2: float
    area_at_most_km2: float
    published_cells: int
    cell_m: float

    def told(self) -> dict[str, Any]:
        """Return the bound as plain values."""
        return {
            "cells_at_least": self.cells_at_least, "cells_at_most": self.cells_at_most,
            "area_at_least_km2": self.area_at_least_km2, "area_at_most_km2": self.area_at_most_km2,
            "published_cells": self.published_cells, "cell_m": self.cell_m, "system": f"EPSG:{SYSTEM}",
        }  # fmt: skip


def occupied_bound(records: pl.DataFrame, *, cell_m: float = CELL_M, shifts: int = SHIFTS) -> OccupiedBound:
    """Return what is certain of the area of occupancy where records are published as cells.

    Parameters
    ----------
    records : polars.DataFrame of n rows
        Coordinates, and `cell_west` … `cell_north`, null for a record whose own place is told.
    cell_m, shifts
        As for `occupied_area`.

    Returns
    -------
    OccupiedBound
        At least: points as `occupied_area` counts them, and published cells so far from them and from one another that
        no cell of the area holds a record of both. At most: beside the points, for each published cell as many cells as it
        has records, but no more than it can touch. Made of published values alone.
    """
    is_cell = pl.col("cell_west").is_not_null()
    points = records.filter(~is_cell)
    edges = ("cell_west", "cell_south", "cell_east", "cell_north")
    cells = records.filter(is_cell).group_by(edges).len("records").sort(edges)
    place = [points[name].to_numpy().astype(np.float64) for name in ("decimalLongitude", "decimalLatitude")]
    own = occupied_area(place[0], place[1], cell_m=cell_m, shifts=shifts)
    corners = cells.select(edges).to_numpy().astype(np.float64)
    low = geo.project(corners[:, :2].copy(), 4326, SYSTEM)
    high = geo.project(corners[:, 2:].copy(), 4326, SYSTEM)
    known = geo.project(np.column_stack(place), 4326, SYSTEM)
    least = own.cells + _apart(low, high, known, cell_m)
    room = (np.ceil((high - low) / cell_m).astype(np.int64) + 1).prod(axis=1)
    most = own.cells + int(np.minimum(room, cells["records"].to_numpy()).sum())
    cell_km2 = (cell_m / 1000) ** 2
    return OccupiedBound(least, most, least * cell_km2, most * cell_km2, cells.height, cell_m)


def _apart(low: geo.Floats, high: geo.Floats, known: geo.Floats, cell_m: float) -> int:
    """Return how many published cells are a cell's side away from every known place and every such cell before them."""
    boxes = np.asarray(shapely.box(*(low - cell_m).T, *(high + cell_m).T), dtype=object)
    near, other = shapely.STRtree(np.asarray(shapely.points(known), dtype=object)).query(boxes)
    gap = np.maximum(known[other] - high[near], low[near] - known[other])
    free = np.ones(len(low), dtype=np.bool_)
    free[near[(gap < cell_m).all(axis=1)]] = False
    rows = np.flatnonzero(free)
    own = np.asarray(shapely.box(*low[rows].T, *high[rows].T), dtype=object)
    later, before = shapely.STRtree(own).query(boxes[rows])
    gap = np.maximum(low[rows[before]] - high[rows[later]], low[rows[later]] - high[rows[before]])
    close = (gap < cell_m).all(axis=1) & (before < later)
    later, before = later[close], before[close]
    start = np.searchsorted(later, np.arange(len(rows) + 1))  # the tree tells pairs in the order of what is asked
    taken = np.zeros(len(rows), dtype=np.bool_)
    for at in range(len(rows)):
        taken[at] = not taken[before[start[at] : start[at + 1]]].any()
    return int(taken.sum())
