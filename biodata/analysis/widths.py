"""How wide a corridor is along its path, by transects."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from biodata.analysis.bucket_queue import Floats, Ints, compiled

_TANGENT_CELLS: Final = 5
_TURN_DEGREES: Final = 60
_STEP: Final = 0.1
_LEVEL: Final = 0.5 - 1e-6
"""Half way between inside and outside, less what keeps cells together that meet at a corner: there it is exactly half."""


@dataclass(frozen=True, slots=True)
class Widths:
    """Widths of a corridor along its path.

    Attributes
    ----------
    widths_m : ndarray of float64, (n,)
        Width at each cell of the path, metres; to a power of ten of about a hundredth of a cell, as a raster tells no more.
    narrowest : int
        Which of them is the narrowest; the middle one where several are.
    middle : ndarray of float64, (n, 2)
        Row and column (cell centres being whole numbers) of the middle of each transect.
    """

    widths_m: Floats
    narrowest: int
    middle: Floats


def along_path(corridor: NDArray[np.bool_], areas: NDArray[np.bool_], path: Ints, *, cell_m: float) -> Widths:
    """Measure a corridor's width at every cell of its path.

    A raster path zigzags and, where many paths cost the same, keeps to one side, so a transect strictly normal to it
    would be too long. The transect is therefore the shortest of those through the cell that stand within 60° of the
    normal to the path's general direction (over five cells to both sides). It ends where the corridor does, at half
    way between a cell inside and one outside.

    Parameters
    ----------
    corridor, areas : ndarray of bool, (rows, columns)
        A window that holds the corridor, and the cells of the areas that it joins: a transect may run on into an area
        and, through it, out of the window, but then counts only where no other ends inside.
    path : ndarray of int64, (n, 2)
        Rows and columns of the path's cells, in order.
    cell_m : float
        Side of the square cells, metres.

    Returns
    -------
    Widths

    Raises
    ------
    ValueError
        If the path has no cell.
    """
    if not len(path):
        msg = "a path of no cells has no width"
        raise ValueError(msg)
    at = np.arange(len(path))
    ahead = path[np.minimum(at + _TANGENT_CELLS, len(path) - 1)] - path[np.maximum(at - _TANGENT_CELLS, 0)]
    direction = np.arctan2(ahead[:, 0], ahead[:, 1]) + np.pi / 2
    turns = np.radians(np.arange(-_TURN_DEGREES, _TURN_DEGREES + 1, 5.0))
    padded = np.pad(areas, 1, mode="edge").astype(np.float64)
    padded[1:-1, 1:-1][corridor] = 1.0
    width, middle = _shortest_transects(padded, path.astype(np.float64) + 1, direction, turns, _STEP, _LEVEL)
    equal = np.flatnonzero(width <= width.min() + _STEP)
    decimals = 2 - math.floor(math.log10(cell_m))
    return Widths(np.round(width * cell_m, decimals), int(equal[len(equal) // 2]), middle - 1)


@compiled
def _shortest_transects(
    inside: Floats, points: Floats, directions: Floats, turns: Floats, step: float, level: float
) -> tuple[Floats, Floats]:
    """Return the length in cells, and the middle, of the shortest transect through each point."""
    rows, columns = inside.shape
    widths = np.full(len(points), np.inf)
    middles = np.zeros((len(points), 2))
    ends = np.zeros(2)
    for i in range(len(points)):
        row, column = points[i, 0], points[i, 1]
        bounded = False  # whether a transect was found that ends inside the window
        for turn in turns:
            down, right = np.sin(directions[i] + turn), np.cos(directions[i] + turn)
            left_window = hopeless = False  # hopeless: longer than the best already
            for side in range(2):
                sign = 1.0 - 2.0 * side
                length = 0.0
                value = 1.0
                while True:
                    if bounded and length + side * ends[0] >= widths[i]:
                        hopeless = True
                        break
                    length += step
                    before = value
                    y, x = row + sign * length * down, column + sign * length * right
                    if y < 0 or x < 0 or y >= rows - 1 or x >= columns - 1:
                        left_window = True
                        break
                    r, c = int(y), int(x)
                    v, u = y - r, x - c
                    upper = inside[r, c] * (1 - u) + inside[r, c + 1] * u
                    lower = inside[r + 1, c] * (1 - u) + inside[r + 1, c + 1] * u
                    value = upper * (1 - v) + lower * v
                    if value < level:
                        break
                if hopeless:
                    break
                ends[side] = length if left_window else length - step * (level - value) / (before - value)
            if hopeless:
                continue
            total = ends[0] + ends[1]
            ends_inside = not left_window
            if total < widths[i] if ends_inside == bounded else ends_inside:
                bounded = ends_inside
                widths[i] = total
                shift = (ends[0] - ends[1]) / 2
                middles[i, 0], middles[i, 1] = row + shift * down, column + shift * right
    return widths, middles
