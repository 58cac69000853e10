"""Which unit a point falls in: cells of 0.1° first, the edges of a cell where it is divided."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from biodata.core.geo import Floats
from biodata.places.borders import SEA, Edges, Ints, ranges

COLUMNS, ROWS, PER_DEGREE = 3600, 1800, 10
DIVIDED: Final = -2
NUDGE: Final = 3.3e-9
"""Degrees (0.4 mm) added to latitudes, so that no vertex lies exactly level with a point."""
MARGIN: Final = 1e-8


@dataclass(frozen=True, eq=False)
class Cells:
    """The world in cells of 0.1°.

    Attributes
    ----------
    unit : ndarray of int16, length 6,480,000
        The unit that holds the whole cell, -1 for the sea, -2 for a divided cell; rows from 90° S, columns from 180° W.
    divided : ndarray of int64
        The divided cells in order.
    first : ndarray of int64
        Where each one's edges start in `edge`; one longer than `divided`.
    edge : ndarray of int64
        Edges that touch the cells.
    edges : Edges
    """

    unit: NDArray[np.int16]
    divided: NDArray[np.int64]
    first: NDArray[np.int64]
    edge: NDArray[np.int64]
    edges: Edges

    def locate(self, longitude: Floats, latitude: Floats) -> Ints:
        """Return the unit of each point; -1 is the sea.

        Parameters
        ----------
        longitude, latitude : ndarray of float64, length n
            Degrees, within ±180 and ±90.

        Returns
        -------
        ndarray of int32, length n
        """
        latitude = latitude + NUDGE
        column = np.minimum(((longitude + 180) * PER_DEGREE).astype(np.int64), COLUMNS - 1)
        row = np.minimum(((latitude + 90) * PER_DEGREE).astype(np.int64), ROWS - 1)
        cell = row * COLUMNS + column
        unit: Ints = self.unit[cell].astype(np.int32)
        pending = np.flatnonzero(unit == DIVIDED)
        cell = cell[pending]
        while len(pending):
            found = self._west_edge(longitude[pending], latitude[pending], cell)
            unit[pending] = np.where(found >= 0, self.edges.right[found], DIVIDED)
            # Nothing between the point and the cell's western side: what lies there is told by the next cell west.
            left = found < 0
            pending, cell = pending[left], cell[left] - 1
            edge_of_map = cell % COLUMNS == COLUMNS - 1
            unit[pending] = np.where(edge_of_map, SEA, self.unit[cell])
            still = unit[pending] == DIVIDED
            pending, cell = pending[still], cell[still]
        return unit

    def _west_edge(self, longitude: Floats, latitude: Floats, cell: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the edge next west of each point at its latitude inside the cell, or -1."""
        slot = np.searchsorted(self.divided, cell)
        owner, at = ranges(self.first[slot], self.first[slot + 1] - self.first[slot])
        edge = self.edge[at]
        x0, y0, x1, y1 = self.edges.ends[edge].T
        lat = latitude[owner]
        meets = np.flatnonzero((y0 <= lat) & (lat < y1))
        owner, edge = owner[meets], edge[meets]
        x = x0[meets] + (lat[meets] - y0[meets]) / (y1[meets] - y0[meets]) * (x1[meets] - x0[meets])
        west = (cell % COLUMNS)[owner] / PER_DEGREE - 180
        inside = (x <= longitude[owner]) & (x >= west - MARGIN)
        owner, edge, x = owner[inside], edge[inside], x[inside]
        found = np.full(len(longitude), -1, dtype=np.int64)
        if len(owner):
            starts = np.flatnonzero(np.append(True, owner[1:] != owner[:-1]))
            easternmost = np.repeat(np.maximum.reduceat(x, starts), np.diff(np.append(starts, len(owner))))
            last = x == easternmost
            found[owner[last]] = edge[last]
        return found


def cells_of(edges: Edges) -> Cells:
    """Return the cells of a set's edges.

    Notes
    -----
    A cell that no edge touches lies in one unit: the one east of the last edge that a line through the cells' middles
    crosses before the cell.
    """
    x0, y0, x1, y1 = edges.ends.T
    slope = np.divide(x1 - x0, y1 - y0, out=np.zeros_like(x0), where=y1 > y0)
    # Where the middle line of a row crosses an edge
    low = np.ceil((y0 + 90 - NUDGE) * PER_DEGREE - 0.5).astype(np.int64)
    high = np.ceil((y1 + 90 - NUDGE) * PER_DEGREE - 0.5).astype(np.int64)
    edge, row = ranges(low, high - low)
    x = x0[edge] + ((row + 0.5) / PER_DEGREE - 90 + NUDGE - y0[edge]) * slope[edge]
    order = np.lexsort((x, row))
    column = np.ceil((x[order] + 180) * PER_DEGREE - 0.5).astype(np.int64).clip(0, COLUMNS)
    # Each row begins at sea; from each crossing to the next the cells lie in one unit.
    begins = np.searchsorted(row[order], np.arange(ROWS))
    start = np.insert(row[order] * COLUMNS + column, begins, np.arange(ROWS) * COLUMNS)
    east = np.insert(edges.right[edge[order]], begins, SEA).astype(np.int16)
    unit = np.repeat(east, np.diff(np.append(start, ROWS * COLUMNS)))
    # Which cells an edge touches
    bottom = np.floor((y0 + 90) * PER_DEGREE).astype(np.int64)
    top = np.minimum(np.floor((y1 + 90) * PER_DEGREE).astype(np.int64), ROWS - 1)
    edge, row = ranges(bottom, top - bottom + 1)
    ya = np.clip(row / PER_DEGREE - 90, y0[edge], y1[edge])
    yb = np.clip((row + 1) / PER_DEGREE - 90, y0[edge], y1[edge])
    level = y0[edge] == y1[edge]
    xa = np.where(level, x0[edge], x0[edge] + (ya - y0[edge]) * slope[edge])
    xb = np.where(level, x1[edge], x0[edge] + (yb - y0[edge]) * slope[edge])
    first = np.floor((np.minimum(xa, xb) + 180 - MARGIN) * PER_DEGREE).astype(np.int64).clip(0, COLUMNS - 1)
    last = np.floor((np.maximum(xa, xb) + 180 + MARGIN) * PER_DEGREE).astype(np.int64).clip(0, COLUMNS - 1)
    owner, column = ranges(first, last - first + 1)
    cell = row[owner] * COLUMNS + column
    order = np.argsort(cell, kind="stable")
    cell = cell[order]
    first = np.flatnonzero(np.append(True, cell[1:] != cell[:-1])[: len(cell)])
    unit[cell[first]] = DIVIDED
    return Cells(unit, cell[first], np.append(first, len(cell)), edge[owner][order], edges)
