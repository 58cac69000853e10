"""What each crossing does to the costs between areas and to the area that is connected.

A crossing alone tells what it is worth where all others are shut; the last one shut, what is lost without it while the
others are open. Crossings that can replace each other are worth much alone and little at last.
"""

import math
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from tqdm.auto import tqdm

from biodata.analysis import cost_distance, links
from biodata.analysis.areas import Site
from biodata.analysis.grid import Floats, Grid, Ints
from biodata.analysis.networks import connectivity, graphs
from biodata.analysis.scenarios.barriers import ClosedGround


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
    """

    crossing_id: str
    name: str
    cells: int
    alone_eca_km2: float
    alone_pairs_opened: int
    alone_cost_saved: float
    last_eca_km2: float


def gains(
    closed: ClosedGround, sites: Sequence[Site], area_km2: Floats, grid: Grid, *, all_open: Floats, all_shut: Floats,
    median_cost: float, max_cost: float, executor: Executor, progress: bool = False,
) -> list[CrossingGain]:  # fmt: skip
    """Return what each crossing is worth.

    Parameters
    ----------
    closed : ClosedGround
    sites : sequence of n Site
        Areas that no barrier runs through, as `dividing.divided` cuts them.
    area_km2 : ndarray of float64, (n,)
    grid : Grid
    all_open, all_shut : ndarray of float64, (n, n)
        As `between_sites` returns it with every crossing open and with none.
    median_cost : float
        Cost at which half of the journeys arrive, cost-metres.
    max_cost : float
        Pairs that cost more have no way.
    executor : concurrent.futures.Executor
        Threads; n searches with each crossing alone, and n with all but it.
    progress : bool
        Whether to show a bar.

    Returns
    -------
    list of CrossingGain
        Those that gain most alone first, then by their ids.
    """
    every = frozenset(range(len(closed.crossings)))

    def eca(cost: Floats) -> float:
        return equivalent_area_km2(area_km2, cost, median_cost=median_cost)

    def cost_at(opened: frozenset[int]) -> Floats:
        if opened in (every, frozenset()):
            return all_open if opened else all_shut
        return between_sites(sites, closed.resistance(opened), grid, max_cost=max_cost, executor=executor)

    worth, shut, full = [], eca(all_shut), eca(all_open)
    for position, crossing in enumerate(tqdm(closed.crossings, unit="crossing", disable=not progress)):
        cells = closed.openings[position].size
        alone = cost_at(frozenset({position})) if cells else all_shut
        rest = cost_at(every - {position}) if cells else all_open
        opened, saved = _compared(all_shut, alone)
        gained, lost = eca(alone) - shut, full - eca(rest)
        worth.append(CrossingGain(crossing.crossing_id, crossing.name, cells, gained, opened, saved, lost))
    return sorted(worth, key=lambda one: (-one.alone_eca_km2, one.crossing_id))


def _compared(before: Floats, after: Floats) -> tuple[int, float]:
    """Return how many pairs got a way, and what those that had one save together."""
    upper = np.triu_indices(len(before), k=1)
    before, after = before[upper], after[upper]
    had = np.isfinite(before)
    return int((~had & np.isfinite(after)).sum()), float((before[had] - after[had]).sum())
