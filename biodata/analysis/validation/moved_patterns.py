"""Patterns of records moved at random over a surface, the surface itself, and how far its values are alike.

The records and the effort points keep their places among each other; the whole of them is shifted by a random vector
around the torus and mirrored or turned by a random symmetry of the window (Lotwick & Silverman 1982,
https://doi.org/10.1111/j.2517-6161.1982.tb01221.x; with residuals against effort, as Dvořák & Mrkvička 2024,
https://doi.org/10.1080/10618600.2024.2357626). So the null keeps how records cluster, how effort clusters and that the
species lives in a part of the window only: all things that make a test with independent null points find corridors in
nothing. What the null breaks is only where all this lies on the surface.

Weaknesses. The window's edges are joined, so a pattern may be cut in two at the seam; points that fall on cells without
data are left out and the statistic is scaled by the root of the places that are left (the variance correction of Mrkvička
et al. 2021, Spatial Statistics 42: 100430, taken as if places were independent); a surface that is the same all along
the window, such as one straight corridor from edge to edge, looks alike under many moves, which costs power; and the
pattern is taken to be one that could have lain anywhere in the window: records bound to a coast or a ridge could not. A
range that fills half of the window only is called better than chance in 8 % at a level of 5 %: joined edges cut it up.
"""

import itertools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from biodata.analysis import adjacency, cost_distance
from biodata.analysis.adjacency import Neighbour, Pair
from biodata.analysis.areas import Site
from biodata.analysis.bucket_queue import compiled
from biodata.analysis.grid import Floats, Grid, Ints
from biodata.core.errors import InputError

_LAGS = 24
_PAIRS_EACH = 4000
_LEAST_PAIRS = 200


@dataclass(frozen=True, slots=True)
class Points:
    """Points on cells.

    Attributes
    ----------
    rows, columns : ndarray of int64, (n,)
    weights : ndarray of float64, (n,)
    """

    rows: Ints
    columns: Ints
    weights: Floats


@dataclass(frozen=True, slots=True)
class Moved:
    """The statistic of the pattern as it is, and of moved ones.

    Attributes
    ----------
    observed : float
        Mean rank of the records less that of effort, in standard deviations of the ranks at effort.
    null : ndarray of float64, (n,)
        The same of null patterns.
    records_mean, effort_mean : float
        Mean ranks, as the pattern is.
    refused : int
        Moves that left too little on the ground.
    """

    observed: float
    null: Floats
    records_mean: float
    effort_mean: float
    refused: int


def moved(
    ranks: Floats, records: Points, effort: Points | None, *, moves: int, kept_share: float, rng: np.random.Generator
) -> Moved:
    """Return the statistic as it is and of so many moved patterns.

    Parameters
    ----------
    ranks : ndarray of float64, (rows, columns)
        As `surfaces.ranks` returns it: nan off the ground.
    records, effort : Points
        On the ground. Where there are no effort points, all cells of the ground stand for them and stay where they are.
    moves : int
        How many null patterns.
    kept_share : float
        Moves that leave a smaller share of the records' or the effort's weight on the ground are drawn again.
    rng : numpy.random.Generator

    Returns
    -------
    Moved
        With fewer null patterns than asked where nearly all moves leave the ground.
    """
    images = _images(ranks)
    observed, first, second, _ = _statistics(images[0], records, effort, np.zeros((1, 2), dtype=np.int64))
    found: list[Floats] = []
    count, refused = 0, 0
    for _ in range(50):
        wanted = moves - count
        symmetry = rng.integers(0, len(images), wanted)
        shift = np.column_stack([rng.integers(0, size, wanted) for size in ranks.shape])
        values, kept = np.empty(wanted), np.empty(wanted)
        for number, image in enumerate(images):
            chosen = symmetry == number
            if chosen.any():
                values[chosen], _, _, kept[chosen] = _statistics(image, records, effort, shift[chosen])
        good = (kept >= kept_share) & np.isfinite(values)
        found.append(values[good])
        count += int(good.sum())
        refused += int((~good).sum())
        if count >= moves:
            break
    null = np.concatenate(found)
    return Moved(float(observed[0]), null, float(first[0]), float(second[0]), refused)


def _images(ranks: Floats) -> list[Floats]:
    """Return the surface under every symmetry of its window: eight of a square, four of a rectangle."""
    images = [ranks, ranks[::-1], ranks[:, ::-1], ranks[::-1, ::-1]]
    if ranks.shape[0] == ranks.shape[1]:
        images += [image.T for image in images]
    return [np.ascontiguousarray(image) for image in images]


def _statistics(
    image: Floats, records: Points, effort: Points | None, shift: Ints
) -> tuple[Floats, Floats, Floats, Floats]:
    """Return statistic, both means, and the least share of weight left on the ground, of each shift."""
    mean, _, kept, places = _moments(image, records, shift)
    if effort is None:
        known = image[np.isfinite(image)]
        base, spread = np.full(len(shift), known.mean()), np.full(len(shift), known.std())
    else:
        base, spread, kept_effort, _ = _moments(image, effort, shift)
        kept = np.minimum(kept, kept_effort)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (mean - base) / spread * np.sqrt(places), mean, base, kept


def _moments(image: Floats, points: Points, shift: Ints) -> tuple[Floats, Floats, Floats, Floats]:
    """Return weighted mean and spread of the ranks that the shifted points meet, the share of weight, and of places kept.

    The last is the effective number of places left (Kish) as a share of that of all.
    """
    total, first, second, squares = (np.empty(len(shift)) for _ in range(4))
    _sums(image, points.rows, points.columns, points.weights, shift, total, first, second, squares)
    weight = points.weights.sum()
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = first / total
        spread = np.sqrt(np.maximum(second / total - mean**2, 0.0))
        places = total**2 / squares / (weight**2 / (points.weights**2).sum())
    return mean, spread, total / weight, places


@compiled
def _sums(
    image: Floats, rows: Ints, columns: Ints, weights: Floats, shift: Ints,
    total: Floats, first: Floats, second: Floats, squares: Floats,
) -> None:  # fmt: skip
    """Add up weights, weighted ranks, their squares, and squared weights of the points on the ground, of each shift."""
    height, width = image.shape
    for move in range(shift.shape[0]):
        w0, w1, w2, ww = 0.0, 0.0, 0.0, 0.0
        for i in range(rows.size):
            row, column = rows[i] + shift[move, 0], columns[i] + shift[move, 1]
            if row >= height:
                row -= height
            if column >= width:
                column -= width
            value = image[row, column]
            if not np.isnan(value):
                weight = weights[i]
                w0 += weight
                w1 += weight * value
                w2 += weight * value * value
                ww += weight * weight
        total[move], first[move], second[move], squares[move] = w0, w1, w2, ww


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

    def message(self) -> str:
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


def excess(sites: list[Site], resistance: Floats, grid: Grid, *, pairs: dict[Pair, Neighbour] | None = None) -> Floats:
    """Return the least normalised corridor cost of each cell over all pairs of neighbours, not cut anywhere.

    A corridor that was cut knows no more than in or out, so that most records tie; here every cell has its cost.

    Parameters
    ----------
    sites : list of Site
    resistance : ndarray of float64, grid.shape
        nan where there is no data.
    grid : Grid
        Square cells.
    pairs : dict of (int, int) to Neighbour, optional
        As `adjacency.neighbours` returns it; all neighbours at any distance where not given.

    Returns
    -------
    ndarray of float64, grid.shape
        Least of CWD_A + CWD_B - LCD, cost-metres; inf where no way leads, nan where there is no data.

    Raises
    ------
    InputError
        If no two areas are joined by a way over the raster (CORRIDORS_NONE).
    """
    if pairs is None:
        pairs = adjacency.neighbours(sites, resistance, grid, max_distance_m=np.inf, across_borders=False)
    least = np.where(np.isfinite(resistance), np.inf, np.nan)
    last = {k: max(pair for pair in pairs if k in pair) for pair in pairs for k in pair}
    costs: dict[int, Floats] = {}
    joined = 0
    for pair in sorted(pairs):
        for k in pair:
            if k not in costs:
                costs[k] = cost_distance.surface(
                    resistance, sites[k].cells, cell_width_m=grid.cell_m, cut_corners=False
                ).cost
        first, second = (costs[k] for k in pair)
        least_cost = first.reshape(-1)[sites[pair[1]].cells].min(initial=np.inf)
        if 0 < least_cost < np.inf:
            joined += 1
            np.minimum(least, np.maximum(first + second - least_cost, 0.0), out=least)
        for k in pair:
            if last[k] == pair:
                del costs[k]
    if not joined:
        problem = "no two areas are joined by a way over the raster"
        raise InputError(problem, expected="two areas apart, with data between them", code="CORRIDORS_NONE")
    return least


def ranks(surface: Floats, ground: NDArray[np.bool_]) -> Floats:
    """Return the share of the ground that is cheaper than each cell, ties half.

    Ranks say the same whatever unit and transform the resistance has, and no far cell outweighs all others.

    Parameters
    ----------
    surface : ndarray of float64, (rows, columns)
        Lower is nearer to a corridor; inf is farthest.
    ground : ndarray of bool, (rows, columns)
        Cells where a record can count.

    Returns
    -------
    ndarray of float64, (rows, columns)
        Between 0 and 1 with a mean of 0.5; nan outside the ground.
    """
    from scipy.stats import rankdata

    values = surface[ground]
    shares = np.full(surface.shape, np.nan)
    if values.size:
        shares[ground] = (rankdata(values) - 0.5) / values.size
    return shares
