"""The work behind `corridors`: one truncated search from each area, one measurement of each pair, on any executor.

Areas are searched in the order of a sweep over the ground, and a pair is measured as soon as both its searches are
there; a search is let go when its last pair is measured. So only those along the front of the sweep are held.
"""

import math
import os
import tempfile
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import shapely
from tqdm.auto import tqdm

from biodata.analysis import barriers as barrier_scores
from biodata.analysis import cost_distance, links
from biodata.analysis.adjacency import Neighbour, Pair
from biodata.analysis.areas import Site
from biodata.analysis.barriers import BarrierParameters
from biodata.analysis.circuit.pinch_points import pair_currents
from biodata.analysis.corridor_parameters import CorridorParameters
from biodata.analysis.corridor_parts import Parts, ground_for
from biodata.analysis.cost_distance import CostSurface
from biodata.analysis.grid import Floats, Grid, Ints

_BLOCKED: Final = "No functional link: cells without data lie between."


_HELD_BYTES: Final = 1 << 30
"""Searches that are waiting for their pairs and take more than this go to a file of the temporary folder."""


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
            return cost_distance.cropped(found)
        reach = needed


def _exhausted(surface: CostSurface, resistance: Floats, reach: float, cell_m: float) -> bool:
    """Return whether a search reached all that can be reached: its dearest cell could still have taken a step."""
    dearest = np.max(surface.cost, where=np.isfinite(surface.cost), initial=0.0)
    step = np.max(resistance, where=np.isfinite(resistance), initial=0.0) * cell_m * math.sqrt(2)
    return bool(dearest + step <= reach)


def measure(
    ground: Floats | Path, first: Site, second: Site, neighbour: Neighbour, from_first: CostSurface,
    from_second: CostSurface, grid: Grid, parameters: CorridorParameters, barriers: BarrierParameters | None,
    currents: bool,
) -> links.Link:  # fmt: skip
    """Measure a pair from its two searches, and the current inside its corridor where it is asked for."""
    resistance = _raster(ground)
    _, least_cost = links.nearest_cell(second.cells, from_first, grid.shape)
    if math.isinf(least_cost):
        limited = math.isfinite(parameters.limit) and neighbour.reachable
        why = "No functional link: no path stays under the cost limit." if limited else _BLOCKED
        opened = None
        if barriers is not None:
            opened = barrier_scores.opening(
                from_first, from_second, limit=parameters.limit, cell_m=grid.cell_m, shape=grid.shape,
                parameters=barriers,
            )  # fmt: skip
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
        first, second, from_first, from_second, resistance, grid, cut=parameters.cut(least_cost),
        low_resistance=parameters.low_resistance,
    )  # fmt: skip
    flow = pair_currents(first, second, link.corridor, resistance) if currents and link.corridor else None
    return replace(link, barriers=saved, currents=flow)


def _raster(ground: Floats | Path) -> Floats:
    """Return the raster, or open the file that it lies in; pages are read as they are needed."""
    return np.load(ground, mmap_mode="c") if isinstance(ground, Path) else ground


def measured(
    sites: list[Site], pairs: dict[Pair, Neighbour], resistance: Floats, grid: Grid, *, parameters: CorridorParameters,
    barriers: BarrierParameters | None = None, currents: bool = False, executor: Executor | None = None,
    parts: Parts | None = None, progress: bool = False,
) -> Iterator[tuple[Pair, links.Link]]:  # fmt: skip
    """Yield every pair with what was measured of it, always in the same order.

    Parameters
    ----------
    sites : list of Site
    pairs : dict of (int, int) to Neighbour
        As `adjacency.neighbours` returns it.
    resistance : ndarray of float64, grid.shape
    grid : Grid
        Square cells.
    parameters : CorridorParameters
    barriers : BarrierParameters, optional
        Where given, what restoring would save is computed too.
    currents : bool
        Whether to compute the current inside each corridor, too.
    executor : concurrent.futures.Executor, optional
        Where to work; `executors.ground_for` says how the raster gets there. As many threads as there are cores where
        none is given.
    parts : Parts, optional
        Where what was measured is kept, and looked up first.
    progress : bool
        Whether to show a progress bar.
    """
    order = _swept(sites, pairs)
    with ExitStack() as stack:
        if executor is None:
            executor = stack.enter_context(ThreadPoolExecutor(os.cpu_count()))
            stack.callback(executor.shutdown, wait=True, cancel_futures=True)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="biodata-")))
        ground = ground_for(executor, resistance, folder)
        work = _Work(sites, pairs, resistance, ground, grid, parameters, barriers, currents, executor, folder)
        work.begin([pair for pair in order if parts is None or not parts.has(pair)])
        stack.callback(work.stop)
        for pair in tqdm(order, unit="pair", disable=not progress):
            found = None if parts is None or pair in work.asked else parts.link(pair)
            if found is None:
                found = work.result(pair)
                if parts is not None:
                    parts.put_link(pair, found)
            yield pair, found


def _swept(sites: list[Site], pairs: dict[Pair, Neighbour]) -> list[Pair]:
    """Return the pairs in the order of a sweep along the longer side of the ground."""
    places = shapely.get_coordinates(shapely.centroid(np.array([site.shape for site in sites], dtype=object)))
    axis = int(np.argmax(np.ptp(places, axis=0))) if len(places) else 0
    rank = {k: position for position, k in enumerate(sorted(range(len(sites)), key=lambda k: (places[k, axis], k)))}
    return sorted(pairs, key=lambda pair: sorted((rank[k] for k in pair), reverse=True))


class _Work:
    """The searches and measurements that are running, and what waits to be asked for."""

    def __init__(
        self, sites: list[Site], pairs: dict[Pair, Neighbour], resistance: Floats, ground: Any, grid: Grid,
        parameters: CorridorParameters, barriers: BarrierParameters | None, currents: bool, executor: Executor,
        folder: Path,
    ) -> None:  # fmt: skip
        self.sites, self.pairs, self.resistance, self.ground, self.grid = sites, pairs, resistance, ground, grid
        self.parameters, self.barriers, self.currents = parameters, barriers, currents
        self.executor, self.folder = executor, folder
        self.at_once = int(getattr(executor, "_max_workers", None) or os.cpu_count() or 1) + 1
        self.asked: dict[Pair, links.Link | None] = {}
        self._waiting: list[int] = []
        self._beside: dict[int, list[Pair]] = {}
        self._searches: dict[Future[CostSurface], int] = {}
        self._measures: dict[Future[links.Link], Pair] = {}
        self._surfaces: dict[int, CostSurface] = {}
        known = resistance.reshape(-1)[:: max(1, resistance.size // 4096)]
        known = known[np.isfinite(known)]
        self._typical = float(np.median(known)) if known.size else 1.0

    def begin(self, pairs: list[Pair]) -> None:
        """Plan the searches of these pairs, in their order."""
        for pair in pairs:
            self.asked[pair] = self._without_search(pair)
            if self.asked[pair] is None:
                for k in sorted(pair):
                    self._beside.setdefault(k, []).append(pair)
        self._waiting = list(self._beside)[::-1]
        self._submit()

    def result(self, pair: Pair) -> links.Link:
        """Wait for a pair; one that was not planned, since its part could not be read, is measured here."""
        if pair not in self.asked:
            return self._alone(pair)
        while (found := self.asked[pair]) is None:
            wait(self._running(), return_when=FIRST_COMPLETED)
            for searched in [future for future in self._searches if future.done()]:
                self._take_search(self._searches.pop(searched), searched.result())
            for measured in [future for future in self._measures if future.done()]:
                self._take_link(self._measures.pop(measured), measured.result())
            self._submit()
        self.asked[pair] = None
        return found

    def stop(self) -> None:
        """Ask for nothing more."""
        self._waiting.clear()
        for future in self._running():
            future.cancel()

    def _running(self) -> list[Future[Any]]:
        return [*self._searches, *self._measures]

    def _submit(self) -> None:
        """Search from the next areas while few enough tasks are running."""
        while self._waiting and len(self._searches) + len(self._measures) < self.at_once:
            k = self._waiting.pop()
            asked = self._search(k, self._beside[k])
            self._searches[self.executor.submit(search, self.ground, asked, self.grid.cell_m, self.parameters)] = k

    def _take_search(self, k: int, found: CostSurface) -> None:
        """Take in a search, and measure the pairs that it was the last for."""
        self._surfaces[k] = self._held(k, found)
        for i, j in self._beside[k]:
            if i in self._surfaces and j in self._surfaces:
                sites, surfaces = (self.sites[i], self.sites[j]), (self._surfaces[i], self._surfaces[j])
                future = self.executor.submit(
                    measure, self.ground, *sites, self.pairs[i, j], *surfaces, self.grid, self.parameters,
                    self.barriers, self.currents,
                )  # fmt: skip
                self._measures[future] = i, j

    def _take_link(self, pair: Pair, found: links.Link) -> None:
        """Take in what was measured, and let go of searches that no other pair needs."""
        self.asked[pair] = found
        for k in pair:
            self._beside[k].remove(pair)
            if not self._beside[k]:
                del self._surfaces[k]

    def _alone(self, pair: Pair) -> links.Link:
        """Measure one pair in this thread."""
        if (found := self._without_search(pair)) is not None:
            return found
        a, b = (search(self.resistance, self._search(k, [pair]), self.grid.cell_m, self.parameters) for k in pair)
        first, second = (self.sites[k] for k in pair)
        return measure(
            self.resistance, first, second, self.pairs[pair], a, b, self.grid, self.parameters, self.barriers,
            self.currents,
        )  # fmt: skip

    def _without_search(self, pair: Pair) -> links.Link | None:
        """Return the link of a pair that needs no search, since the areas touch or there can be no way; else None."""
        first, second = (self.sites[k] for k in pair)
        neighbour = self.pairs[pair]
        if neighbour.bound == 0 or np.intersect1d(first.cells, second.cells, assume_unique=True).size > 0:
            return links.in_contact(first, second, self.resistance, self.grid)
        for site in (first, second):
            if not site.cells.size:
                return links.Link(None, notes=(f"No functional link: there is no resistance data inside {site.name}.",))
        # Where barriers are looked for, a pair without any way is searched, too.
        searched = neighbour.reachable or self.barriers is not None
        return None if searched else links.Link(None, notes=(_BLOCKED,))

    def _search(self, k: int, pairs: list[Pair]) -> Search:
        """Return what the search from an area must reach for some pairs."""
        others = {j if i == k else i: self.pairs[i, j] for i, j in pairs}
        bounds = [one.bound for one in others.values() if math.isfinite(one.bound)]
        bounds += [
            math.inf for one in others.values() if not one.reachable
        ]  # all that can be reached, for the barriers
        reach = max((self.parameters.reach(bound) for bound in bounds), default=0.0)
        unknown = [j for j, one in others.items() if math.isinf(one.bound) and one.reachable]
        if unknown and math.isfinite(self.parameters.limit):
            return Search(self.sites[k].cells, max(reach, self.parameters.reach(math.inf)))
        apart = [float(shapely.distance(self.sites[k].shape, self.sites[j].shape)) for j in unknown]
        guess = 1.5 * max(apart, default=0.0) * self._typical
        return Search(self.sites[k].cells, reach, tuple(self.sites[j].cells for j in unknown), guess)

    def _held(self, k: int, surface: CostSurface) -> CostSurface:
        """Return a search as it is kept: in memory, or in a file where there are many already."""
        held = sum(one.cost.nbytes for one in self._surfaces.values() if not isinstance(one.cost, np.memmap))
        if held + surface.cost.nbytes <= _HELD_BYTES:
            return surface
        arrays = []
        for name in ("cost", "back_link"):
            path = self.folder / f"{name}-{k}.npy"
            np.save(path, getattr(surface, name))
            arrays.append(np.load(path, mmap_mode="c"))
            path.unlink()  # the space is free as soon as nothing looks at it
        return replace(surface, cost=arrays[0], back_link=arrays[1])
