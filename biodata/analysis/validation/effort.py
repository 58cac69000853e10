"""Where people looked: points that stand for effort, and independent null points drawn from them."""

import numpy as np
from numpy.typing import NDArray

from biodata.analysis.grid import Floats, Grid, Ints
from biodata.analysis.validation.moved_patterns import Points
from biodata.errors import InputError


def on_ground(xy: Floats, grid: Grid, ground: NDArray[np.bool_]) -> tuple[Ints, Ints, NDArray[np.bool_]]:
    """Return rows and columns of places on the ground, and which places those are.

    Parameters
    ----------
    xy : ndarray of float64, (n, 2)
        In the grid's own system.
    grid : Grid
    ground : ndarray of bool, grid.shape

    Returns
    -------
    rows, columns : ndarray of int64, (m,)
    kept : ndarray of bool, (n,)
        m of them True.
    """
    places = np.asarray(xy, dtype=np.float64).reshape(-1, 2)
    with np.errstate(invalid="ignore"):
        columns = np.floor((places[:, 0] - grid.transform.c) / grid.transform.a)
        rows = np.floor((places[:, 1] - grid.transform.f) / grid.transform.e)
        kept = (rows >= 0) & (rows < grid.shape[0]) & (columns >= 0) & (columns < grid.shape[1])
    at_row, at_column = np.where(kept, rows, 0).astype(np.int64), np.where(kept, columns, 0).astype(np.int64)
    kept &= ground[at_row, at_column]
    return at_row[kept], at_column[kept], kept


def places(rows: Ints, columns: Ints, *, side: int) -> Points:
    """Return points whose weights add up to 1 in every square of so many cells: one place counts once.

    A herd seen by five people, or a camera with a hundred pictures, is one thing that is known.
    """
    square = rows // side * (1 << 32) + columns // side
    _, of, counts = np.unique(square, return_inverse=True, return_counts=True)
    return Points(rows, columns, 1.0 / counts[of.reshape(-1)])


def from_raster(effort: Floats, ground: NDArray[np.bool_], *, count: int, rng: np.random.Generator) -> Points:
    """Draw points by the effort of each cell.

    Parameters
    ----------
    effort : ndarray of float64, (rows, columns)
        0 or more, in any unit; nan counts as 0.
    ground : ndarray of bool, (rows, columns)
    count : int
    rng : numpy.random.Generator

    Returns
    -------
    Points

    Raises
    ------
    InputError
        If the raster has another shape, holds a negative number, or no effort lies on the ground.
    """
    if effort.shape != ground.shape:
        problem = f"effort has {effort.shape[0]} x {effort.shape[1]} cells, not {ground.shape[0]} x {ground.shape[1]}"
        raise InputError(problem, expected="the cells of the resistance raster", code="RASTERS_NOT_ALIGNED")
    weight = np.where(ground & np.isfinite(effort), effort, 0.0).reshape(-1)
    if weight.min(initial=0) < 0 or not weight.sum() > 0:
        problem = "effort is negative somewhere" if weight.min(initial=0) < 0 else "no effort lies on the ground"
        raise InputError(problem, expected="0 where nobody looked, more where more was looked", code="EFFORT_INVALID")
    rows, columns = np.divmod(rng.choice(weight.size, count, p=weight / weight.sum()), ground.shape[1])
    return Points(rows.astype(np.int64), columns.astype(np.int64), np.ones(count))


def null_points(
    ranks: Floats, records: Points, effort: Points, *, draws: int, side: int, rng: np.random.Generator
) -> tuple[float, Floats]:
    """Return the mean rank of the records' places less that of effort, and the same of places drawn by effort.

    Target-group null points (Phillips et al. 2009, https://doi.org/10.1890/07-2153.1). Squares of the records and of the
    target group are pooled; as many squares as the records have places are drawn from them, one after the other and none
    twice, each with a chance as its effort: the points of effort in it, and one more where the records have a place. So
    a null pattern lies where as many records would lie if nothing but effort decided. Exact where every place is found
    independently of every other, given effort. Weakness: herds larger than a square, or a range that ends inside the
    window, make places alike; then this null finds corridors in nothing (20 to 24 % with herds at a level of 5 % in
    simulations of tests/benchmarks/bench_validation.py), so it is shown and decides nothing.

    Parameters
    ----------
    ranks : ndarray of float64, (rows, columns)
    records, effort : Points
        On the ground.
    draws : int
        How many null patterns.
    side : int
        Cells along a square that is one place.
    rng : numpy.random.Generator

    Returns
    -------
    observed : float
    null : ndarray of float64, (draws,)

    Notes
    -----
    Drawn by the largest of log(chance) + Gumbel noise, which is drawing one after the other without replacement (Efraimidis
    & Spirakis 2006, https://doi.org/10.1016/j.ipl.2005.11.003).
    """
    number, squares = _squares(records, effort, side)
    own, others = number[: records.rows.size], number[records.rows.size :]
    seen = np.unique(own)
    chance = np.bincount(others, effort.weights, minlength=squares).astype(np.float64)
    chance[seen] += 1.0
    # A place is what the records show of it; where only effort was, what effort met there.
    met = np.concatenate([ranks[points.rows, points.columns] for points in (records, effort)])
    mean = np.bincount(others, met[own.size :], minlength=squares) / np.maximum(
        np.bincount(others, minlength=squares), 1
    )
    mean[seen] = (
        (np.bincount(own, met[: own.size], minlength=squares)[seen]) / np.bincount(own, minlength=squares)[seen]
    )
    looked = float(np.average(met[own.size :], weights=effort.weights))
    null = np.empty(draws)
    with np.errstate(divide="ignore"):
        likely = np.log(chance)
    for draw in range(draws):
        order = likely + rng.gumbel(size=squares)
        null[draw] = mean[np.argpartition(order, squares - seen.size)[squares - seen.size :]].mean() - looked
    return float(mean[seen].mean()) - looked, null


def _squares(records: Points, effort: Points, side: int) -> tuple[Ints, int]:
    """Return the number of the square that each point of both lies in, the records first, and how many there are."""
    rows, columns = (np.concatenate([getattr(p, name) for p in (records, effort)]) for name in ("rows", "columns"))
    found, number = np.unique(rows // side * (1 << 32) + columns // side, return_inverse=True)
    return number.reshape(-1).astype(np.int64), found.size
