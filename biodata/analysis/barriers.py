"""Where restoring ground would shorten a link most (the score of Barrier Mapper), and the mosaic of all pairs.

After McRae, Hall, Beier & Theobald 2012, https://doi.org/10.1371/journal.pone.0052604: if a round window of diameter D
were restored to resistance R', a way through it would cost CWD_A + CWD_B + D R', with the least accumulated cost from
each area inside the window. What this saves of the least cost, for each metre restored, is the window's score. The
window also bridges cells without data, so a river or a fence that has to be gone around gets its score. Where there is no
way at all, nothing can be saved of the least cost and no score is defined; then it is stated which window would open the
cheapest way.
"""

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from biodata.analysis.bucket_queue import Floats
from biodata.analysis.cost_distance import CostSurface, Floats32
from biodata.core.errors import InputError

_ROUNDING: Final = 1e-9


@dataclass(frozen=True, slots=True)
class BarrierParameters:
    """What a search for barriers decides.

    Attributes
    ----------
    radii_m : tuple of float
        Radii of the moving window, metres; the best of them counts in each cell.
    restored_resistance : float
        Resistance that restored ground has; the best of the raster is usual.
    """

    radii_m: tuple[float, ...]
    restored_resistance: float

    def __post_init__(self) -> None:
        for name, values in (("radii_m", self.radii_m), ("restored_resistance", (self.restored_resistance,))):
            wrong = [value for value in values if not 0 < value < math.inf]
            if wrong or not values:
                problem = "a search for barriers needs radii and a restored resistance above 0"
                value = f"{wrong[0]:g}" if wrong else "none"
                raise InputError(problem, column=name, value=value, code="PARAMETERS_INVALID")

    def check(self, cell_m: float, shape: tuple[int, int]) -> None:
        """Refuse radii below a cell, as such a window restores nothing that the raster can tell, or beyond the raster."""
        for radius_m in self.radii_m:
            if not cell_m <= radius_m <= max(shape) * cell_m:
                problem = (
                    f"the window's radius is {'smaller than a cell' if radius_m < cell_m else 'beyond the raster'}"
                )
                raise InputError(
                    problem, column="radii_m", value=f"{radius_m:g} m",
                    expected=f"{cell_m:g} to {max(shape) * cell_m:g} m", code="PARAMETERS_INVALID",
                )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Improvement:
    """What restoring would save one pair, on a window of the raster.

    Attributes
    ----------
    score : ndarray of float32, (rows, columns)
        By the window's middle: cost-metres of the least cost saved for each metre restored; 0 where nothing is saved.
    row, column : int
        Where the window starts in the raster.
    radius_m : float
        Radius of the window with the best score, metres; 0 where nothing is saved.
    """

    score: Floats32
    row: int
    column: int
    radius_m: float

    @property
    def best(self) -> tuple[float, int, int]:
        """The best score with its row and column in the raster."""
        at = int(np.argmax(self.score))
        row, column = divmod(at, self.score.shape[1])
        return float(self.score.reshape(-1)[at]), self.row + row, self.column + column


@dataclass(frozen=True, slots=True)
class Restored:
    """A window of a pair, and what its way would cost if it were restored.

    Attributes
    ----------
    least_cost : float
        Of the cheapest way through the window then, cost-metres.
    row, column : int
        The window's middle in the raster.
    radius_m : float
        The window's radius, metres.
    """

    least_cost: float
    row: int
    column: int
    radius_m: float


def opening(
    from_first: CostSurface, from_second: CostSurface, *, limit: float, cell_m: float, shape: tuple[int, int],
    parameters: BarrierParameters,
) -> Restored | None:  # fmt: skip
    """Return the window that would open the cheapest way between two areas without one; of equal ones the first.

    Parameters
    ----------
    from_first, from_second : CostSurface
        Searches from the two areas that reach as far as the limit, or all that can be reached.
    limit : float
        Cost above which a way does not function, cost-metres.
    cell_m, shape, parameters
        As of `improvement`.

    Returns
    -------
    Restored, or None where no window opens a way that costs at most the limit.
    """
    best: Restored | None = None
    margin = int(max(parameters.radii_m) / cell_m + _ROUNDING)
    if (window := _window(from_first, from_second, np.inf, margin, shape)) is None:
        return None
    costs = [_padded(surface, window, margin) for surface in (from_first, from_second)]
    for radius_m in parameters.radii_m:
        through = _least_in_circle(costs[0], radius_m / cell_m, margin)
        through += _least_in_circle(costs[1], radius_m / cell_m, margin) + 2 * radius_m * parameters.restored_resistance
        row, column = divmod(int(np.argmin(through)), through.shape[1])
        least_cost = float(through[row, column])
        if least_cost <= limit and least_cost < (np.inf if best is None else best.least_cost):
            best = Restored(least_cost, window[0] + row, window[1] + column, radius_m)
    return best


def improvement(
    from_first: CostSurface, from_second: CostSurface, *, least_cost: float, cell_m: float, shape: tuple[int, int],
    parameters: BarrierParameters,
) -> Improvement | None:  # fmt: skip
    """Return what restoring a window around each cell would save the pair.

    Parameters
    ----------
    from_first, from_second : CostSurface
        Searches from the two areas that reach at least the least cost; nothing beyond it can be saved.
    least_cost : float
        Between the two, cost-metres.
    cell_m : float
        Side of the square cells, metres.
    shape : rows, columns
        Of the whole raster.
    parameters : BarrierParameters

    Returns
    -------
    Improvement, or None where no window saves anything.
    """
    best: Floats | None = None
    best_score, best_radius = 0.0, 0.0
    margin = int(max(parameters.radii_m) / cell_m + _ROUNDING)
    if (window := _window(from_first, from_second, least_cost, margin, shape)) is None:
        return None
    costs = [_padded(surface, window, margin) for surface in (from_first, from_second)]
    for radius_m in parameters.radii_m:
        diameter_m = 2 * radius_m
        through = sum(_least_in_circle(cost, radius_m / cell_m, margin) for cost in costs)
        saved = least_cost - through - diameter_m * parameters.restored_resistance
        score = np.where(saved > _ROUNDING * least_cost, saved / diameter_m, 0.0)
        if score.max() > best_score:
            best_score, best_radius = float(score.max()), radius_m
        best = score if best is None else np.maximum(best, score)
    if best is None or best_score <= 0:
        return None
    rows, columns = (np.flatnonzero(best.any(axis=axis)) for axis in (1, 0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    return Improvement(
        best[box].astype(np.float32), window[0] + int(rows[0]), window[1] + int(columns[0]), float(best_radius)
    )


def _window(
    first: CostSurface, second: CostSurface, least_cost: float, margin: int, shape: tuple[int, int]
) -> tuple[int, int, int, int] | None:
    """Return top, left, bottom, right of the cells from which a window reaches ground cheaper than the least cost."""
    edges = []
    for surface in (first, second):
        cheap = surface.cost < least_cost
        rows, columns = (np.flatnonzero(cheap.any(axis=axis)) for axis in (1, 0))
        edges.append(
            (surface.row + rows[0], surface.column + columns[0], surface.row + rows[-1], surface.column + columns[-1])
        )
    top, left = (max(0, max(edge[k] for edge in edges) - margin) for k in (0, 1))
    bottom, right = (min(shape[k - 2], min(edge[k] for edge in edges) + margin + 1) for k in (2, 3))
    return (int(top), int(left), int(bottom), int(right)) if top < bottom and left < right else None


def _padded(surface: CostSurface, window: tuple[int, int, int, int], margin: int) -> Floats:
    """Return costs on a window with a margin around it; inf where there is no data, or nothing was reached."""
    top, left, bottom, right = window[0] - margin, window[1] - margin, window[2] + margin, window[3] + margin
    costs = np.full((bottom - top, right - left), np.inf)
    rows, columns = surface.cost.shape
    first_row, last_row = max(top, surface.row), min(bottom, surface.row + rows)
    first_column, last_column = max(left, surface.column), min(right, surface.column + columns)
    if first_row < last_row and first_column < last_column:
        part = surface.cost[
            first_row - surface.row : last_row - surface.row,
            first_column - surface.column : last_column - surface.column,
        ]
        costs[first_row - top : last_row - top, first_column - left : last_column - left] = np.where(
            np.isnan(part), np.inf, part
        )
    return costs


def _least_in_circle(costs: Floats, radius: float, margin: int) -> Floats:
    """Return the least cost of the cells whose centres lie within a radius (in cells) of each cell inside the margin."""
    from scipy.ndimage import minimum_filter1d

    rows, columns = costs.shape[0] - 2 * margin, costs.shape[1] - 2 * margin
    least = np.full((rows, columns), np.inf)
    for step in range(-int(radius + _ROUNDING), int(radius + _ROUNDING) + 1):
        half = int(np.sqrt(max(radius**2 - step**2, 0.0)) + _ROUNDING)
        band = costs[margin + step : margin + step + rows]
        along = minimum_filter1d(band, 2 * half + 1, axis=1, mode="constant", cval=np.inf)
        np.minimum(least, along[:, margin : margin + columns], out=least)
    return least


@dataclass(frozen=True, slots=True)
class BarrierMosaic:
    """What restoring ground around each cell would save.

    Attributes
    ----------
    largest, total : ndarray of float32 and float64, (rows, columns)
        The best score of any pair, and the sum of all pairs' scores; 0 where nothing is saved.
    """

    largest: Floats32
    total: np.ndarray[tuple[int, int], np.dtype[np.float64]]

    @classmethod
    def empty(cls, shape: tuple[int, int]) -> "BarrierMosaic":
        """Return a mosaic of no pair."""
        return cls(np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=np.float64))

    def add(self, found: Improvement) -> None:
        """Lay a pair's scores into the mosaic; the sum is the same to the last bit only in the same order of pairs."""
        rows, columns = found.score.shape
        window = slice(found.row, found.row + rows), slice(found.column, found.column + columns)
        np.maximum(self.largest[window], found.score, out=self.largest[window])
        self.total[window] += found.score

    def layers(self) -> dict[str, np.ndarray[tuple[int, int], Any]]:
        """Return the rasters by name."""
        return {"largest": self.largest, "total": self.total}
