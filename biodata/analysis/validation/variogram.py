"""How far apart two places must lie to know nothing of each other: the range of a surface's variogram."""

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biodata.analysis.grid import Floats, Grid

_LAGS = 24
_PAIRS_EACH = 4000
_LEAST_PAIRS = 200


@dataclass(frozen=True, slots=True)
class Range:
    """The range of a surface.

    Attributes
    ----------
    range_m : float
        Distance from which on values differ as much as they ever do (95 % of the sill), metres.
    bounded : bool
        False where the variogram still rises at half the window: the true range is longer, and `range_m` is that half.
    lags_m, gamma : ndarray of float64, (lags,)
        The variogram: distances and robust semivariances.
    """

    range_m: float
    bounded: bool
    lags_m: Floats
    gamma: Floats

    def told(self) -> str:
        """Return the range as a line for a person."""
        if self.bounded:
            return f"values of the surface are alike up to {self.range_m:,.0f} m (95 % of the variogram's sill)"
        return (
            f"the variogram still rises at {self.range_m:,.0f} m, half the window: blocks of that side are no guarantee of "
            "independence"
        )


def variogram_range(surface: Floats, ground: NDArray[np.bool_], grid: Grid, *, rng: np.random.Generator) -> Range:
    """Estimate the range of a surface on the ground.

    Parameters
    ----------
    surface : ndarray of float64, grid.shape
        Ranks, or anything else of no few extreme values; nan where there is none.
    ground : ndarray of bool, grid.shape
    grid : Grid
    rng : numpy.random.Generator
        Draws pairs of cells.

    Returns
    -------
    Range

    Notes
    -----
    Semivariances by the estimator of Cressie & Hawkins 1980 (https://doi.org/10.1007/BF01035243), which a few extreme
    differences hardly move, of random pairs in 24 classes of distance up to half the shorter side of the ground. The sill
    is their median over the farther half of the distances; no model has to be chosen and none can fail to fit.
    """
    rows, columns = np.nonzero(ground & np.isfinite(surface))
    if rows.size < 2:
        return Range(0.0, True, np.zeros(0), np.zeros(0))
    farthest = max(2.0, min(np.ptp(rows), np.ptp(columns)) / 2)
    edges = np.linspace(0, farthest, _LAGS + 1)
    lags, gammas = [], []
    for near, far in itertools.pairwise(edges):
        first = rng.integers(0, rows.size, _PAIRS_EACH)
        apart, angle = rng.uniform(near, far, _PAIRS_EACH), rng.uniform(0, 2 * np.pi, _PAIRS_EACH)
        other_row = np.rint(rows[first] + apart * np.sin(angle)).astype(np.int64)
        other_column = np.rint(columns[first] + apart * np.cos(angle)).astype(np.int64)
        inside = (other_row >= 0) & (other_row < surface.shape[0])
        inside &= (other_column >= 0) & (other_column < surface.shape[1])
        first, other_row, other_column = first[inside], other_row[inside], other_column[inside]
        known = ground[other_row, other_column] & np.isfinite(surface[other_row, other_column])
        known &= (other_row != rows[first]) | (other_column != columns[first])
        if known.sum() < _LEAST_PAIRS:
            continue
        first, other_row, other_column = first[known], other_row[known], other_column[known]
        here, there = surface[rows[first], columns[first]], surface[other_row, other_column]
        n = int(known.sum())
        lags.append(float(np.hypot(other_row - rows[first], other_column - columns[first]).mean()))
        gammas.append(float(np.mean(np.sqrt(np.abs(here - there))) ** 4 / (0.457 + 0.494 / n) / 2))
    lag, gamma = np.array(lags) * grid.cell_m, np.array(gammas)
    if lag.size < 4 or not gamma.max(initial=0) > 0:
        return Range(0.0, True, lag, gamma)
    practical = _practical_range(lag, gamma)
    limit = farthest * grid.cell_m
    return Range(float(min(practical, limit)), bool(practical <= limit), lag, gamma)


def _practical_range(lag: Floats, gamma: Floats) -> float:
    """Return the first distance at which the variogram has 95 % of its level; inf where that is not seen to hold."""
    sill = float(np.median(gamma[lag >= lag[-1] / 2]))
    risen = np.flatnonzero(gamma >= 0.95 * sill)
    first = int(risen[0]) if risen.size else lag.size
    if first >= lag.size or lag[first] > 0.7 * lag[-1]:
        return math.inf  # still rising where pairs end, as a trend does
    before_lag, before = (0.0, 0.0) if first == 0 else (float(lag[first - 1]), float(gamma[first - 1]))
    share = (0.95 * sill - before) / (float(gamma[first]) - before)
    return before_lag + share * (float(lag[first]) - before_lag)
