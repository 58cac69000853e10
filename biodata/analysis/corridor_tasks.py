"""The two tasks of corridors that any executor runs: a search from one area, and the measurement of one pair."""

import math
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from biodata.analysis import barriers as barrier_scores
from biodata.analysis import cost_distance, links, normalised
from biodata.analysis.adjacency import Neighbour
from biodata.analysis.areas import Site
from biodata.analysis.barriers import BarrierParameters
from biodata.analysis.corridor_parameters import CorridorParameters
from biodata.analysis.cost_distance import CostSurface
from biodata.analysis.grid import Floats, Grid, Ints
from biodata.analysis.pair_currents import pair_currents

_BLOCKED: Final = "No functional link: cells without data lie between."


@dataclass(frozen=True, slots=True)
class Search:
    """What is asked of the search from one area.

    Attributes
    ----------
    cells : ndarray of int64
        Where it starts.
    reach : float
        How far at least, cost-metres.
    targets : tuple of ndarray of int64
        Cells of neighbours for whose least cost no bound is known: the search grows until it has reached them.
    guess : float
        How far these may be, cost-metres.
    """

    cells: Ints
    reach: float
    targets: tuple[Ints, ...] = ()
    guess: float = 0.0


def search(ground: Floats | Path, asked: Search, cell_m: float, parameters: CorridorParameters) -> CostSurface:
    """Search from an area as far as its pairs need."""
    resistance = _raster(ground)
    reach = max(asked.reach, asked.guess)
    while True:
        found = cost_distance.surface(resistance, asked.cells, cell_width_m=cell_m, max_cost=reach, cut_corners=False)
        needed = reach
        for target in asked.targets:
            _, least_cost = links.nearest_cell(target, found, (resistance.shape[0], resistance.shape[1]))
            needed = max(needed, 2 * reach if math.isinf(least_cost) else parameters.reach(least_cost))
        if needed <= reach or _exhausted(found, resistance, reach, cell_m):
            return normalised.cropped(found)
        reach = needed


def _exhausted(surface: CostSurface, resistance: Floats, reach: float, cell_m: float) -> bool:
    """Tell whether a search reached all that can be reached: its dearest cell could still have taken a step."""
    dearest = np.max(surface.cost, where=np.isfinite(surface.cost), initial=0.0)
    step = np.max(resistance, where=np.isfinite(resistance), initial=0.0) * cell_m * math.sqrt(2)
    return bool(dearest + step <= reach)


def without_search(
    first: Site, second: Site, neighbour: Neighbour, resistance: Floats, grid: Grid, *, barriers: bool
) -> links.Link | None:
    """Return the link of a pair that needs no search, since the areas touch or there can be no way; else None.

    Where barriers are asked, a pair without a way needs its searches: they tell where a window would open one.
    """
    touching = neighbour.bound == 0 or np.intersect1d(first.cells, second.cells, assume_unique=True).size > 0
    if touching:
        return links.in_contact(first, second, resistance, grid)
    for site in (first, second):
        if not site.cells.size:
            return links.Link(None, notes=(f"No functional link: there is no resistance data inside {site.name}.",))
    return None if neighbour.reachable or barriers else links.Link(None, notes=(_BLOCKED,))


def measure(
    ground: Floats | Path,
    first: Site,
    second: Site,
    neighbour: Neighbour,
    from_first: CostSurface,
    from_second: CostSurface,
    grid: Grid,
    parameters: CorridorParameters,
    barriers: BarrierParameters | None,
    currents: bool,
) -> links.Link:
    """Measure a pair from its two searches, and the current inside its corridor where it is asked for."""
    resistance = _raster(ground)
    _, least_cost = links.nearest_cell(second.cells, from_first, grid.shape)
    if math.isinf(least_cost):
        limited = math.isfinite(parameters.limit) and neighbour.reachable
        why = "No functional link: no path stays under the cost limit." if limited else _BLOCKED
        opened = None
        if barriers is not None:
            opened = barrier_scores.opening(
                from_first,
                from_second,
                limit=parameters.limit,
                cell_m=grid.cell_m,
                shape=grid.shape,
                parameters=barriers,
            )
        return links.Link(None, notes=(why,), opening=opened)
    saved = None
    if barriers is not None:
        saved = barrier_scores.improvement(
            from_first, from_second, least_cost=least_cost, cell_m=grid.cell_m, shape=grid.shape, parameters=barriers
        )
    if least_cost > parameters.limit:
        why = "No functional link: the cheapest path costs more than the limit."
        return links.Link(least_cost, notes=(why,), barriers=saved)
    link = links.over_ground(
        first,
        second,
        from_first,
        from_second,
        resistance,
        grid,
        cut=parameters.cut(least_cost),
        low_resistance=parameters.low_resistance,
    )
    flow = pair_currents(first, second, link.corridor, resistance) if currents and link.corridor else None
    return replace(link, barriers=saved, currents=flow)


def _raster(ground: Floats | Path) -> Floats:
    """Return the raster, or open the file that it lies in; pages are read as they are needed."""
    return np.load(ground, mmap_mode="c") if isinstance(ground, Path) else ground
