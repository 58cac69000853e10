"""What each barrier does by itself, while the others are not there."""

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np

from biodata.analysis.areas import Site
from biodata.analysis.grid import Floats, Grid
from biodata.analysis.scenarios import costs
from biodata.analysis.scenarios.barriers import Barrier, Crossing, close

_SAME = 1e-9


@dataclass(frozen=True, slots=True)
class BarrierEffect:
    """What one barrier does, with all crossings open.

    Attributes
    ----------
    barrier_id : str
    pairs_cut, pairs_dearer : int
        Pairs of areas that lose their way, and whose least cost rises; of all pairs, not of neighbours alone.
    eca_lost_km2 : float
        Equivalent connected area lost.
    """

    barrier_id: str
    pairs_cut: int
    pairs_dearer: int
    eca_lost_km2: float

    @property
    def changes_nothing(self) -> bool:
        """True where no pair of areas notices the barrier."""
        return not (self.pairs_cut or self.pairs_dearer)


def effects(
    barriers: Sequence[Barrier],
    crossings: Sequence[Crossing],
    resistance: Floats,
    open_cost: Floats,
    sites: Sequence[Site],
    area_km2: Floats,
    grid: Grid,
    *,
    median_cost: float,
    max_cost: float,
    executor: Executor,
) -> list[BarrierEffect]:
    """Return what each barrier does alone, in their order.

    Parameters
    ----------
    barriers : sequence of Barrier
    crossings : sequence of Crossing
    resistance : ndarray of float64, grid.shape
        Ground without barriers.
    open_cost : ndarray of float64, (n, n)
        Least costs over it, as `costs.between_sites` returns them.
    sites : sequence of n Site
        Areas that no barrier runs through.
    area_km2 : ndarray of float64, (n,)
    grid : Grid
    median_cost, max_cost : float
        As `crossing_gains.gains` takes them.
    executor : concurrent.futures.Executor
        Threads; n searches for each barrier.

    Returns
    -------
    list of BarrierEffect
    """
    upper = np.triu_indices(len(sites), k=1)
    before = open_cost[upper]
    whole = costs.equivalent_area_km2(area_km2, open_cost, median_cost=median_cost)
    found = []
    for barrier in barriers:
        ground = close(resistance, grid, barriers=[barrier], crossings=crossings).resistance()
        cost = costs.between_sites(sites, ground, grid, max_cost=max_cost, executor=executor)
        after = cost[upper]
        had = np.isfinite(before)
        cut = had & np.isinf(after)
        dearer = had & np.isfinite(after) & (after > before * (1 + _SAME))
        lost = whole - costs.equivalent_area_km2(area_km2, cost, median_cost=median_cost)
        found.append(BarrierEffect(barrier.barrier_id, int(cut.sum()), int(dearer.sum()), lost))
    return found
