"""One draw: what is not known is drawn, and the corridors of all pairs are computed under it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biodata.analysis import cost_distance
from biodata.analysis.adjacency import Pair
from biodata.analysis.corridor_parameters import CorridorParameters
from biodata.analysis.grid import Floats, Grid, Ints
from biodata.analysis.uncertainty import moved_points, ordered_draws
from biodata.analysis.uncertainty.assumptions import Assumptions


@dataclass(frozen=True, slots=True)
class Node:
    """What a corridor starts from.

    Attributes
    ----------
    area_id, name : str
    cells : ndarray of int64
        Flat indexes of its cells with data; of a point that is moved, where it stands as stated.
    place : x, y, optional
        Of a point, in the grid's own system; None for an area, which stays.
    radius_m : float
        Stated uncertainty of a point; 0 where it states none.
    stays : str, optional
        Name of the mask of cells that its record says it lies in; None where it says nothing.
    """

    area_id: str
    name: str
    cells: Ints
    place: tuple[float, float] | None = None
    radius_m: float = 0.0
    stays: str | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """What every draw works on.

    Attributes
    ----------
    values : ndarray of float64, grid.shape, or Path
        Classes or measured resistance, nan where there is no data; or the file that holds them.
    grid : Grid
    nodes : tuple of Node
    pairs : tuple of (int, int)
        Which are joined, the same in every draw.
    assumptions : Assumptions
    masks : dict of str to ndarray of bool
        By name, where points may lie.
    seed : int
    """

    values: Floats | Path
    grid: Grid
    nodes: tuple[Node, ...]
    pairs: tuple[Pair, ...]
    assumptions: Assumptions
    masks: dict[str, NDArray[np.bool_]]
    seed: int


@dataclass(frozen=True, slots=True)
class Drawn:
    """What came out of a draw.

    Attributes
    ----------
    inside : ndarray of uint8
        A bit for each cell of the grid: in the corridor of some pair (`numpy.packbits`).
    least_cost : ndarray of float64, (pairs,)
        Cost-metres; inf where no way leads.
    functional : ndarray of bool, (pairs,)
    chosen : dict
        What was drawn, as plain values.
    """

    inside: NDArray[np.uint8]
    least_cost: Floats
    functional: NDArray[np.bool_]
    chosen: dict[str, Any]


def one(task: Task, number: int) -> Drawn:
    """Work a draw; the same number gives the same, wherever and in whatever order it is worked.

    Parameters
    ----------
    task : Task
    number : int
        0 for everything as stated: the middle of each range, a line, no point moved, cells as they are; from 1 for draws.

    Returns
    -------
    Drawn
    """
    values: Floats = np.load(task.values, mmap_mode="r") if isinstance(task.values, Path) else task.values
    known = task.assumptions
    rng = np.random.default_rng([task.seed, number])
    stated = np.array([one.resistance for one in known.ranges])
    if number == 0:
        resistances, shape, strength = stated, "linear", 0.0
        cut, factor = float(np.mean(known.cut_fraction)), 1
        dispersal = None if known.dispersal_cost is None else float(np.mean(known.dispersal_cost))
    else:
        resistances, shape, strength = ordered_draws.draw(known, rng)
        cut = float(rng.uniform(*known.cut_fraction))
        dispersal = None if known.dispersal_cost is None else float(rng.uniform(*known.dispersal_cost))
        factor = int(rng.choice(known.cell_factors))
    cells, stayed = [node.cells for node in task.nodes], 0
    if number and known.move_points:
        cells, stayed = _moved(task, values, rng)
    resistance = _resistance(values, known, resistances)
    if factor > 1:
        resistance, cells = _coarser(resistance, cells, factor)
    inside, least_cost, functional = _corridors(
        resistance, cells, task.pairs, task.grid.cell_m * factor, cut, dispersal
    )
    if factor > 1:
        inside = np.kron(inside, np.ones((factor, factor), dtype=bool))[: values.shape[0], : values.shape[1]]
    inside &= np.isfinite(values)
    chosen = {
        "resistance": [float(value) for value in resistances], "shape": shape, "strength": strength,
        "cut_fraction": cut, "dispersal_cost": dispersal, "cell_factor": factor, "points_that_stayed": stayed,
    }  # fmt: skip
    return Drawn(np.packbits(inside), least_cost, functional, chosen)


def _resistance(values: Floats, known: Assumptions, resistances: Floats) -> Floats:
    """Return the resistance of each cell under a draw."""
    at = np.array([one.value for one in known.ranges])
    found = np.full(values.shape, np.nan)
    there = np.isfinite(values)
    if known.between:
        # np.interp ends flat; what lies beyond the outermost stated value gets that one's error.
        stated = np.array([one.resistance for one in known.ranges])
        error = np.interp(np.log(values[there]), np.log(at), np.log(resistances / stated))
        found[there] = values[there] * np.exp(error)
    else:
        found[there] = resistances[np.searchsorted(at, values[there])]
    return found


def _moved(task: Task, values: Floats, rng: np.random.Generator) -> tuple[list[Ints], int]:
    """Return the nodes' cells with points moved; a point that leaves the data has no cell in this draw."""
    places = np.array([node.place or (np.nan, np.nan) for node in task.nodes])
    radius = np.array([0.0 if node.place is None else node.radius_m for node in task.nodes])
    allowed = [None if node.stays is None else task.masks[node.stays] for node in task.nodes]
    there, stayed = moved_points.moved(places, radius, task.grid, rng=rng, allowed=allowed)
    cells = []
    for node, place, size in zip(task.nodes, there, radius, strict=True):
        if not size > 0:
            cells.append(node.cells)
            continue
        column = int(np.floor((place[0] - task.grid.transform.c) / task.grid.transform.a))
        row = int(np.floor((place[1] - task.grid.transform.f) / task.grid.transform.e))
        known = 0 <= row < values.shape[0] and 0 <= column < values.shape[1] and np.isfinite(values[row, column])
        cells.append(np.array([row * values.shape[1] + column] if known else [], dtype=np.int64))
    return cells, stayed


def _coarser(resistance: Floats, cells: list[Ints], factor: int) -> tuple[Floats, list[Ints]]:
    """Join cells: the mean resistance where half of them or more have data, and the areas' cells on the new grid."""
    rows, columns = (-(-size // factor) for size in resistance.shape)
    padded = np.full((rows * factor, columns * factor), np.nan)
    padded[: resistance.shape[0], : resistance.shape[1]] = resistance
    blocks = padded.reshape(rows, factor, columns, factor)
    known = np.isfinite(blocks)
    count = known.sum(axis=(1, 3))
    total = np.where(known, blocks, 0).sum(axis=(1, 3))
    coarse = np.where(2 * count >= factor**2, total / np.maximum(count, 1), np.nan)
    joined = []
    for one_cells in cells:
        row, column = np.divmod(one_cells, resistance.shape[1])
        new = np.unique(row // factor * columns + column // factor)
        joined.append(new[np.isfinite(coarse.reshape(-1)[new])])
    return coarse, joined


def _corridors(
    resistance: Floats, cells: list[Ints], pairs: tuple[Pair, ...], cell_m: float, cut: float, dispersal: float | None
) -> tuple[NDArray[np.bool_], Floats, NDArray[np.bool_]]:
    """Return the union of all pairs' corridors, least costs, and which links function."""
    excess = np.full(resistance.shape, np.inf)
    least_cost, functional = np.full(len(pairs), np.inf), np.zeros(len(pairs), dtype=bool)
    last = {k: max(n for n, pair in enumerate(pairs) if k in pair) for k in {k for pair in pairs for k in pair}}
    reach = np.inf if dispersal is None else dispersal * (1 + cut) * (1 + 1e-9)
    costs: dict[int, cost_distance.CostSurface] = {}
    for n, pair in enumerate(pairs):
        for k in pair:
            if k not in costs and cells[k].size:
                costs[k] = cost_distance.surface(
                    resistance, cells[k], cell_width_m=cell_m, max_cost=reach, cut_corners=False
                )
        if all(k in costs for k in pair):
            first, second = (_whole(costs[k], resistance.shape) for k in pair)
            least = float(first.reshape(-1)[cells[pair[1]]].min())
            least_cost[n] = least
            functional[n] = np.isfinite(least) and (dispersal is None or least <= dispersal)
            if functional[n]:
                np.minimum(excess, first + second - least, out=excess)
        for k in pair:
            if last[k] == n:
                costs.pop(k, None)
    chosen = CorridorParameters(cut_fraction=cut, dispersal_cost=dispersal).with_one_cut(least_cost[functional])
    over = chosen.cut(0.0) + 1e-9 * float(np.max(least_cost, where=functional, initial=0.0))
    return excess <= over, least_cost, functional


def _whole(surface: cost_distance.CostSurface, shape: tuple[int, ...]) -> Floats:
    """Return a search's costs on the whole raster, inf outside its window."""
    if surface.cost.shape == shape:
        return surface.cost
    whole = np.full(shape, np.inf)
    rows, columns = surface.cost.shape
    whole[surface.row : surface.row + rows, surface.column : surface.column + columns] = surface.cost
    return whole
