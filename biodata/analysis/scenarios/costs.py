"""Least costs between all areas, and how connected they are by them."""

import math
from collections.abc import Sequence
from concurrent.futures import Executor

import numpy as np

from biodata.analysis import cost_distance, links
from biodata.analysis.areas import Site
from biodata.analysis.grid import Floats, Grid, Ints
from biodata.analysis.networks import connectivity, graphs


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
