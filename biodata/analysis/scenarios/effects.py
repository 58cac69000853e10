"""What each crossing does to the costs between areas and to the area that is connected.

A crossing alone tells what it is worth where all others are shut; the last one shut, what is lost without it while the
others are open. Crossings that can replace each other are worth much alone and little at last. The order one after the
other opens, each time, the one that gains most on top of those that are open: a good order and not always the best set.
"""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from tqdm.auto import tqdm

from biodata.analysis import cost_distance, links
from biodata.analysis.areas import Site
from biodata.analysis.grid import Floats, Grid, Ints
from biodata.analysis.networks import connectivity, graphs
from biodata.analysis.scenarios.barriers import ClosedGround

_SAME: Final = 1e-9
"""Gains that differ by less than this share are a tie."""


def between_sites(
    sites: Sequence[Site], resistance: Floats, grid: Grid, *, max_cost: float = math.inf, executor: Executor
) -> Floats:
    """Return the least cost of every pair.

    Parameters
    ----------
    sites : sequence of n Site
    resistance : ndarray of float64, grid.shape
        nan where nothing passes.
    grid : Grid
        Square cells.
    max_cost : float
        Pairs that cost more have no way.
    executor : concurrent.futures.Executor
        Threads.

    Returns
    -------
    ndarray of float64, (n, n)
        Cost-metres; inf where there is no way, 0 on the diagonal and for areas that share a cell.
    """
    known = np.isfinite(resistance).reshape(-1)
    cells = [site.all_cells[known[site.all_cells]] for site in sites]

    def search(first: int) -> Floats:
        found = np.full(len(sites), math.inf)
        found[first] = 0.0
        if not cells[first].size or first == len(sites) - 1:
            return found
        surface = cost_distance.surface(
            resistance, cells[first], cell_width_m=grid.cell_m, max_cost=max_cost, cut_corners=False
        )
        for second in range(first + 1, len(sites)):
            found[second] = _nearest(cells[second], surface, grid)
        return found

    upper = np.array(list(executor.map(search, range(len(sites))))).reshape(len(sites), len(sites))
    found: Floats = np.minimum(upper, upper.T)
    return found


def _nearest(cells: Ints, surface: cost_distance.CostSurface, grid: Grid) -> float:
    """Return the least cost of some cells; inf where none was reached."""
    return float(links.nearest_cell(cells, surface, grid.shape)[1]) if cells.size else math.inf


def equivalent_area_km2(
    area_km2: Floats, cost: Floats, *, median_cost: float, executor: Executor | None = None
) -> float:
    """Return the equivalent connected area of some areas, as `connectivity.overall` computes it.

    Parameters
    ----------
    area_km2 : ndarray of float64, (n,)
    cost : ndarray of float64, (n, n)
        As `between_sites` returns it.
    median_cost : float
        Cost at which half of the journeys arrive; the probability falls exponentially.
    executor : concurrent.futures.Executor, optional

    Returns
    -------
    float
        km².

    Notes
    -----
    ECA, Saura et al. 2011, https://doi.org/10.1016/j.ecolind.2010.06.011.
    """
    first, second = np.triu_indices(len(area_km2), k=1)
    probability = graphs.probabilities_at(cost[first, second], known_distance=median_cost)
    graph = graphs.with_probabilities(len(area_km2), first, second, probability)
    found = connectivity.overall(area_km2, probability=graph, executor=executor)["ECA"]
    return float(found or 0.0)


@dataclass(frozen=True, slots=True)
class CrossingGain:
    """What one crossing is worth.

    Attributes
    ----------
    crossing_id, name : str
    cells : int
        Cells of barriers that it opens.
    alone_eca_km2 : float
        Equivalent connected area gained where it alone is open.
    alone_pairs_opened : int
        Pairs of areas that get a way by it alone.
    alone_cost_saved : float
        What it alone saves of the least costs of pairs that had a way, summed, cost-metres.
    last_eca_km2 : float
        Equivalent connected area lost where it alone is shut.
    order : int, optional
        Place in the order one after the other, from 1; None where opening it gains nothing more.
    order_eca_km2 : float, optional
        What it gained then.
    tied_with : tuple of str
        Crossings that would have gained as much then; the id decided.
    """

    crossing_id: str
    name: str
    cells: int
    alone_eca_km2: float
    alone_pairs_opened: int
    alone_cost_saved: float
    last_eca_km2: float
    order: int | None = None
    order_eca_km2: float | None = None
    tied_with: tuple[str, ...] = ()


def gains(
    closed: ClosedGround,
    sites: Sequence[Site],
    area_km2: Floats,
    grid: Grid,
    *,
    median_cost: float,
    max_cost: float,
    executor: Executor,
    progress: bool = False,
) -> list[CrossingGain]:
    """Return what each crossing is worth, in the order one after the other.

    Parameters
    ----------
    closed : ClosedGround
    sites : sequence of n Site
        Areas that no barrier runs through, as `dividing.divided` cuts them.
    area_km2 : ndarray of float64, (n,)
    grid : Grid
    median_cost : float
        Cost at which half of the journeys arrive, cost-metres.
    max_cost : float
        Pairs that cost more have no way.
    executor : concurrent.futures.Executor
        Threads; n searches for each set of open crossings: with k crossings at most k (k + 3) / 2 + 1 sets.
    progress : bool
        Whether to show a bar.

    Returns
    -------
    list of CrossingGain
        One for each crossing; those that gain nothing more at the end, by their ids.
    """
    count = len(closed.crossings)
    known: dict[frozenset[int], tuple[float, Floats]] = {}
    bar = tqdm(total=most_sets(count), unit="set", disable=not progress)

    def at(opened: frozenset[int]) -> tuple[float, Floats]:
        if opened not in known:
            cost = between_sites(sites, closed.resistance(opened), grid, max_cost=max_cost, executor=executor)
            known[opened] = equivalent_area_km2(area_km2, cost, median_cost=median_cost), cost
            bar.update()
        return known[opened]

    with bar:
        shut, shut_cost = at(frozenset())
        full, _ = at(frozenset(range(count)))
        worth = []
        for position, crossing in enumerate(closed.crossings):
            cells = closed.openings[position].size
            alone, cost = at(frozenset({position})) if cells else (shut, shut_cost)
            rest = at(frozenset(range(count)) - {position})[0] if cells else full
            opened, saved = _compared(shut_cost, cost)
            worth.append(
                CrossingGain(crossing.crossing_id, crossing.name, cells, alone - shut, opened, saved, full - rest)
            )
        return _ordered(worth, at, shut)


def most_sets(crossings: int) -> int:
    """Return how many sets of open crossings `gains` looks at, at most."""
    return 1 if not crossings else crossings * (crossings + 3) // 2 + 1


def _compared(before: Floats, after: Floats) -> tuple[int, float]:
    """Return how many pairs got a way, and what those that had one save together."""
    upper = np.triu_indices(len(before), k=1)
    before, after = before[upper], after[upper]
    had = np.isfinite(before)
    return int((~had & np.isfinite(after)).sum()), float((before[had] - after[had]).sum())


def _ordered(
    worth: list[CrossingGain], at: Callable[[frozenset[int]], tuple[float, Floats]], shut: float
) -> list[CrossingGain]:
    """Open one after the other, each time the one that gains most."""
    left = sorted((p for p, one in enumerate(worth) if one.cells), key=lambda p: worth[p].crossing_id)
    opened, now = frozenset[int](), shut
    ordered: list[CrossingGain] = []
    while left:
        gained = {position: at(opened | {position})[0] - now for position in left}
        best = max(gained.values())
        if best <= _SAME * max(now, 1e-12):
            break
        ties = [position for position in left if gained[position] >= best - _SAME * max(now, best)]
        chosen = ties[0]
        tied = tuple(worth[position].crossing_id for position in ties[1:])
        ordered.append(replace(worth[chosen], order=len(ordered) + 1, order_eca_km2=gained[chosen], tied_with=tied))
        opened, now = opened | {chosen}, now + gained[chosen]
        left.remove(chosen)
    placed = {one.crossing_id for one in ordered}
    return [*ordered, *sorted((one for one in worth if one.crossing_id not in placed), key=lambda one: one.crossing_id)]
