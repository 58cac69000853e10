"""One draw of what is uncertain: resistances, moved points, ordered classes, and the corridors under it."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from biodata.analysis import cost_distance
from biodata.analysis.adjacency import Pair
from biodata.analysis.bucket_queue import compiled
from biodata.analysis.corridor_parameters import CorridorParameters
from biodata.analysis.grid import Floats, Grid, Ints
from biodata.analysis.uncertainty.assumptions import Assumptions, ClassRange
from biodata.core.errors import InputError

_SWEEPS = 40
_RELAXATIONS = 6
"""Of the start exp(-6) is left, a quarter of a percent."""


def moved(xy: Floats, radius_m: Floats, *, rng: np.random.Generator) -> Floats:
    """Move each point to a random place of the circle of its uncertainty.

    Parameters
    ----------
    xy : ndarray of float64, (n, 2)
        In the grid's own system, metres.
    radius_m : ndarray of float64, (n,)
        Stated uncertainty; a point that states none (nan) or 0 stays.
    rng : numpy.random.Generator

    Returns
    -------
    ndarray of float64, (n, 2)
        Anywhere in its circle: keeping a point on its side of a border would make up evidence.
    """
    found = np.array(xy, dtype=np.float64)
    for i, radius in enumerate(radius_m):
        if radius > 0:
            distance, angle = radius * np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
            found[i] = xy[i] + distance * np.array([np.cos(angle), np.sin(angle)])
    return found


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
    """

    area_id: str
    name: str
    cells: Ints
    place: tuple[float, float] | None = None
    radius_m: float = 0.0


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
    seed : int
    """

    values: Floats | Path
    grid: Grid
    nodes: tuple[Node, ...]
    pairs: tuple[Pair, ...]
    assumptions: Assumptions
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
        0 for everything as stated: the middle of each range, a line, no point moved; from 1 for draws.

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
        cut = float(np.mean(known.cut_fraction))
        dispersal = None if known.dispersal_cost is None else float(np.mean(known.dispersal_cost))
    else:
        resistances, shape, strength = draw(known, rng)
        cut = float(rng.uniform(*known.cut_fraction))
        dispersal = None if known.dispersal_cost is None else float(rng.uniform(*known.dispersal_cost))
    cells = _moved(task, values, rng) if number else [node.cells for node in task.nodes]
    resistance = _resistance(values, known, resistances)
    inside, least_cost, functional = _corridors(resistance, cells, task.pairs, task.grid.cell_m, cut, dispersal)
    inside &= np.isfinite(values)
    chosen = {
        "resistance": [float(value) for value in resistances], "shape": shape, "strength": strength,
        "cut_fraction": cut, "dispersal_cost": dispersal,
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


def _moved(task: Task, values: Floats, rng: np.random.Generator) -> list[Ints]:
    """Return the nodes' cells with points moved; a point that leaves the data has no cell in this draw."""
    places = np.array([node.place or (np.nan, np.nan) for node in task.nodes])
    radius = np.array([0.0 if node.place is None else node.radius_m for node in task.nodes])
    there = moved(places, radius, rng=rng)
    cells = []
    for node, place, size in zip(task.nodes, there, radius, strict=True):
        if not size > 0:
            cells.append(node.cells)
            continue
        column = int(np.floor((place[0] - task.grid.transform.c) / task.grid.transform.a))
        row = int(np.floor((place[1] - task.grid.transform.f) / task.grid.transform.e))
        known = 0 <= row < values.shape[0] and 0 <= column < values.shape[1] and np.isfinite(values[row, column])
        cells.append(np.array([row * values.shape[1] + column] if known else [], dtype=np.int64))
    return cells


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


def order_bounds(ranges: tuple[ClassRange, ...]) -> tuple[Floats, Floats]:
    """Return the ranges made narrower by the order: no class can lie below one that is stated to resist less.

    Raises
    ------
    InputError
        If the ranges of two classes leave no room for their order (RANGES_CROSS).
    """
    stated = np.array([one.resistance for one in ranges])
    low, high = np.array([one.low for one in ranges]), np.array([one.high for one in ranges])
    itself = np.eye(len(ranges), dtype=bool)
    lows = np.where((stated[:, None] > stated) | itself, low, 0).max(axis=1)
    highs = np.where((stated[:, None] < stated) | itself, high, np.inf).min(axis=1)
    crossed = np.flatnonzero(lows > highs)
    if crossed.size:
        one = ranges[int(crossed[0])]
        problem = f"the range of class {one.name or one.value} leaves no room for the order of the resistances"
        raise InputError(problem, value=f"{one.low:g} to {one.high:g}", code="RANGES_CROSS")
    return lows, highs


def draw(assumptions: Assumptions, rng: np.random.Generator) -> tuple[Floats, str, float]:
    """Draw the resistances of all classes, then bend them by a shape.

    Parameters
    ----------
    assumptions : Assumptions
    rng : numpy.random.Generator

    Returns
    -------
    resistance : ndarray of float64, (classes,)
        Inside their ranges and in their stated order.
    shape : str
        Which shape was drawn.
    strength : float
        Its bend or exponent; 0 for a line.
    """
    low, high = order_bounds(assumptions.ranges)
    values = _ordered(np.array([one.resistance for one in assumptions.ranges]), np.log(low), np.log(high), rng)
    shape = str(rng.choice(assumptions.shapes))
    if shape == "negative exponential":
        strength = float(rng.uniform(-assumptions.bend, assumptions.bend))
    elif shape == "power":
        strength = float(np.exp(rng.uniform(-1, 1) * math.log(assumptions.exponent)))
    else:
        strength = 0.0
    return np.clip(bent(values, shape, strength), low, high), shape, strength


def bent(resistance: Floats, shape: str, strength: float) -> Floats:
    """Bend how resistance rises from its lowest to its highest value; both stay, and so does the order.

    Parameters
    ----------
    resistance : ndarray of float64, (classes,)
    shape : str
        Of `assumptions.SHAPES`.
    strength : float
        c of (1 - exp(-c h)) / (1 - exp(-c)), or k of h^k, where h runs from 0 to 1.

    Returns
    -------
    ndarray of float64, (classes,)
    """
    low, high = resistance.min(), resistance.max()
    if high <= low:
        return resistance
    share = (resistance - low) / (high - low)
    if shape == "negative exponential" and abs(strength) > 1e-9:
        share = np.expm1(-strength * share) / math.expm1(-strength)
    elif shape == "power":
        share = share**strength
    risen: Floats = low + (high - low) * share
    return risen


def _ordered(stated: Floats, low: Floats, high: Floats, rng: np.random.Generator) -> Floats:
    """Draw logarithms uniformly inside their ranges among all vectors of the stated order (Gibbs sampling).

    Each sweep draws every class anew between the levels below and above it: Gelfand, Smith & Lee 1992,
    https://doi.org/10.1080/01621459.1992.10475235. Classes stated equal are one level and free of each other. What a sweep
    leaves of the start falls by cos²(pi / (levels + 1)) where all ranges are one, so sweeps grow with the square of levels.
    """
    levels, of = np.unique(stated, return_inverse=True)
    order = np.argsort(of.reshape(-1), kind="stable")
    level = of.reshape(-1)[order]
    starts = np.searchsorted(level, np.arange(levels.size))
    lowest, highest = low[order], high[order]
    found = np.empty(stated.size)
    if (np.maximum.reduceat(highest, starts)[:-1] <= np.minimum.reduceat(lowest, starts)[1:]).all():
        found[order] = rng.uniform(lowest, highest)  # no two levels overlap: plain draws keep the order
        return np.asarray(np.exp(found), dtype=np.float64)
    values = np.clip(np.log(stated[order]), lowest, highest)
    sweeps = _SWEEPS + math.ceil(_RELAXATIONS * ((levels.size + 1) / math.pi) ** 2)
    _swept(values, lowest, highest, level, np.append(starts, level.size), rng.random((sweeps, level.size)))
    found[order] = values
    return np.asarray(np.exp(found), dtype=np.float64)


@compiled
def _swept(values: Floats, lowest: Floats, highest: Floats, level: Ints, starts: Ints, chance: Floats) -> None:
    """Draw every value anew between the levels below and above it, once for each row of chances."""
    for sweep in range(chance.shape[0]):
        for k in range(values.size):
            at_least, at_most = lowest[k], highest[k]
            if level[k] > 0:
                for other in range(starts[level[k] - 1], starts[level[k]]):
                    at_least = max(at_least, values[other])
            if level[k] + 2 < starts.size:
                for other in range(starts[level[k] + 1], starts[level[k] + 2]):
                    at_most = min(at_most, values[other])
            values[k] = at_least + chance[sweep, k] * max(0.0, at_most - at_least)
