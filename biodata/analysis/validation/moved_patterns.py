"""Null patterns: all points moved together over the ground, so that herds, roads and ranges keep their shape.

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

from dataclasses import dataclass

import numpy as np

from biodata.analysis.bucket_queue import compiled
from biodata.analysis.grid import Floats, Ints


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
    ranks: Floats,
    records: Points,
    effort: Points | None,
    *,
    moves: int,
    kept_share: float,
    rng: np.random.Generator,
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
