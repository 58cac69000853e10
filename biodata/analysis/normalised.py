"""The normalised corridor of a pair: what a way through each cell costs more than the cheapest way."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biodata.analysis.bucket_queue import Floats, compiled
from biodata.analysis.cost_distance import CostSurface

Floats32 = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Normalised:
    """A corridor on the window that it fills.

    Attributes
    ----------
    excess : ndarray of float32, (rows, columns)
        CWD_A + CWD_B - LCD of the cells inside the cut, cost-metres, 0 on the cheapest path; inf elsewhere.
    row, column : int
        Where the window starts in the raster.
    """

    excess: Floats32
    row: int
    column: int

    @property
    def inside(self) -> NDArray[np.bool_]:
        """True for the cells of the corridor."""
        return np.isfinite(self.excess)

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the raster that the window covers."""
        rows, columns = self.excess.shape
        return slice(self.row, self.row + rows), slice(self.column, self.column + columns)


def corridor(from_first: CostSurface, from_second: CostSurface, *, least_cost: float, cut: float) -> Normalised:
    """Return the cells through which a way costs at most `cut` more than the least cost.

    Parameters
    ----------
    from_first, from_second : CostSurface
        Searches from the two areas that reach at least the least cost and the cut: then every cell of the corridor
        lies in both, and no larger search can change it.
    least_cost, cut : float
        Cost-metres.

    Returns
    -------
    Normalised
        As in Linkage Mapper (McRae & Kavanagh 2011, https://linkagemapper.org), on the smallest window that holds it.
    """
    a, b, top, left = common_window(from_first, from_second)
    limit = cut + 1e-9 * least_cost  # rounding: the path itself must be inside
    first_row, last_row, first_column, last_column = _box(a, b, least_cost, limit)
    box = slice(first_row, last_row + 1), slice(first_column, last_column + 1)
    return Normalised(_excess(a[box], b[box], least_cost, limit), top + first_row, left + first_column)


def common_window(first: CostSurface, second: CostSurface) -> tuple[Floats, Floats, int, int]:
    """Return the costs of two searches on the window that both have, with the row and column where it starts."""
    top, left = max(first.row, second.row), max(first.column, second.column)
    bottom = min(s.row + s.cost.shape[0] for s in (first, second))
    right = min(s.column + s.cost.shape[1] for s in (first, second))
    a, b = (s.cost[top - s.row : bottom - s.row, left - s.column : right - s.column] for s in (first, second))
    return a, b, top, left


def cropped(surface: CostSurface) -> CostSurface:
    """Return a search on the smallest window that holds the cells which it reached."""
    top, bottom, left, right = _box(surface.cost, surface.cost, 0.0, np.inf)
    if bottom < top:
        return surface
    box = slice(top, bottom + 1), slice(left, right + 1)
    return CostSurface(
        np.ascontiguousarray(surface.cost[box]),
        np.ascontiguousarray(surface.back_link[box]),
        None if surface.allocation is None else np.ascontiguousarray(surface.allocation[box]),
        surface.row + top,
        surface.column + left,
        surface.at_raster_edge,
    )


@compiled
def _box(a: Floats, b: Floats, least_cost: float, limit: float) -> tuple[int, int, int, int]:
    """Return the first and last row and column of finite costs within the limit; a last row of -1 where none is."""
    rows, columns = a.shape
    top, bottom, left, right = rows, -1, columns, -1
    for row in range(rows):
        for column in range(columns):
            together = a[row, column] + b[row, column]
            if together < np.inf and together - least_cost <= limit:
                if bottom < 0:
                    top = row
                bottom = row
                left, right = min(left, column), max(right, column)
    return top, bottom, left, right


@compiled
def _excess(a: Floats, b: Floats, least_cost: float, limit: float) -> Floats32:
    """Return the excess inside the limit, at least 0, since rounding may take it below."""
    excess = np.full(a.shape, np.inf, dtype=np.float32)
    for row in range(a.shape[0]):
        for column in range(a.shape[1]):
            over = a[row, column] + b[row, column] - least_cost
            if over <= limit:
                excess[row, column] = max(over, 0.0)
    return excess
