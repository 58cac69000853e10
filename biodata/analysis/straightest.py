"""Of all cheapest paths to a cell the one that stays nearest to a straight line.

On even ground very many paths cost the same: any order of the same straight and diagonal steps. The back-links of a cost
surface take the predecessor with the lowest index, so that such a path runs along an edge; here the tie is settled by the
distance from a line.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from biodata.analysis.bucket_queue import SOURCE, Floats, Ints, compiled
from biodata.analysis.cost_distance import STEPS, CostSurface

SAME_COST: Final = 1e-12
"""Sums of the same steps in another order differ by rounding."""
_STEP_ROWS: Final = np.array([step[0] for step in STEPS])
_STEP_COLUMNS: Final = np.array([step[1] for step in STEPS])


def path_to(
    surface: CostSurface,
    end: tuple[int, int],
    resistance: Floats,
    *,
    cell_m: float,
    toward: tuple[float, float],
) -> Ints:
    """Return the cells of the cheapest path to a cell that is nearest to the line from there to a place.

    Parameters
    ----------
    surface : CostSurface
        Of square cells, made without cutting corners.
    end : row, column
        A cell that was reached, in rows and columns of the whole raster.
    resistance : ndarray of float64, (rows, columns)
        The whole raster.
    cell_m : float
        Side of a cell, metres.
    toward : row, column
        Where the line ends, cell centres being whole numbers.

    Returns
    -------
    ndarray of int64, (n, 2)
        Rows and columns of the raster, the source first. It costs what `CostSurface.path_to` gives but for rounding.
    """
    origin = np.array([surface.row, surface.column])
    line = np.array([*(np.array(end) - origin), *(np.array(toward) - origin)], dtype=np.float64)
    found = _trace(
        surface.cost,
        surface.back_link,
        resistance,
        surface.row,
        surface.column,
        cell_m,
        line,
        _STEP_ROWS,
        _STEP_COLUMNS,
    )
    path: Ints = found[::-1] + origin
    return path


@compiled
def _trace(
    cost: Floats,
    back_link: NDArray[np.int8],
    resistance: Floats,
    top: int,
    left: int,
    cell_m: float,
    line: Floats,
    step_rows: Ints,
    step_columns: Ints,
) -> Ints:
    """Return rows and columns of the path, the end first."""
    rows, columns = cost.shape
    row, column = int(line[0]), int(line[1])
    down, right = line[2] - line[0], line[3] - line[1]
    path = np.empty((64, 2), dtype=np.int64)
    count = 0
    while True:
        if count == len(path):
            longer = np.empty((2 * count, 2), dtype=np.int64)
            longer[:count] = path
            path = longer
        path[count, 0], path[count, 1] = row, column
        count += 1
        link = back_link[row, column]
        if link == SOURCE:
            return path[:count]
        here, own = cost[row, column], resistance[top + row, left + column]
        best, best_off = link, np.inf
        for k in range(len(step_rows)):
            y, x = row - step_rows[k], column - step_columns[k]
            if not (0 <= y < rows and 0 <= x < columns) or not cost[y, x] < here:
                continue
            length = cell_m
            if step_rows[k] != 0 and step_columns[k] != 0:
                if np.isnan(cost[y, column]) and np.isnan(cost[row, x]):
                    continue
                length = cell_m * np.sqrt(2.0)
            through = cost[y, x] + 0.5 * length * (own + resistance[top + y, left + x])
            off = abs((y - line[0]) * right - (x - line[1]) * down)
            if abs(through - here) <= SAME_COST * here and off < best_off * (1 - SAME_COST):
                best, best_off = k, off
        row, column = row - step_rows[best], column - step_columns[best]
