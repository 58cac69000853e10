"""Which areas are neighbours: the zones of two of them meet, by cost or by straight distance."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from biodata.analysis import cost_distance
from biodata.analysis.areas import Site, differ
from biodata.analysis.bucket_queue import Ints32
from biodata.analysis.grid import Floats, Grid, Ints

Pair = tuple[int, int]
_FORWARD = ((0, 1), (1, 0), (1, 1), (1, -1))


@dataclass(frozen=True, slots=True)
class Neighbour:
    """What is known of a pair of neighbours before it is measured.

    Attributes
    ----------
    bound : float
        The most that the least cost between them can be: 0 where they touch, inf where no bound is known, since their
        zones meet by straight distance only.
    reachable : bool
        Whether there is a way at all.
    """

    bound: float
    reachable: bool


def neighbours(
    sites: list[Site], resistance: Floats, grid: Grid, *, max_distance_m: float, across_borders: bool = True
) -> dict[Pair, Neighbour]:
    """Return the pairs of neighbouring sites: their zones meet by cost or by straight distance, or they touch.

    All sites take part in the zones, those that are paired with none too: a pair with a third site between is no pair.
    Both kinds of zones count, as in Linkage Mapper's default. Cells that sites share belong to the first of them, so a
    site inside another one has pairs with those that it touches only.

    Parameters
    ----------
    sites : list of Site
    resistance : ndarray of float64, grid.shape
    grid : Grid
        Square cells.
    max_distance_m : float
        Farthest that the edges of two sites may lie apart, metres.
    across_borders : bool
        Whether only sites that state different countries are paired.

    Returns
    -------
    dict of (int, int) to Neighbour
        By the pair of positions in `sites`, the lower first, in rising order.
    """
    if len(sites) < 2:
        return {}
    shapes = np.array([site.shape for site in sites], dtype=object)
    tree = shapely.STRtree(shapes)
    touching = {(int(i), int(j)) for i, j in tree.query(shapes, predicate="intersects").T if i < j}

    def wanted(pairs: list[Pair]) -> list[Pair]:
        first, second = (shapes[[pair[side] for pair in pairs]] for side in (0, 1))
        near = [True] * len(pairs) if np.isinf(max_distance_m) else shapely.dwithin(first, second, max_distance_m)
        return [
            (i, j)
            for (i, j), is_near in zip(pairs, near, strict=True)
            if is_near and (not across_borders or differ(sites[i].country_codes, sites[j].country_codes))
        ]

    if np.isfinite(max_distance_m):
        near = tree.query(shapes, predicate="dwithin", distance=max_distance_m).T
        if not wanted([(int(i), int(j)) for i, j in near if i < j]):
            return {}
    zones = cost_distance.surface(
        resistance,
        np.concatenate([site.cells for site in sites]),
        cell_width_m=grid.cell_m,
        source_ids=np.concatenate([np.full(site.cells.size, k, dtype=np.int32) for k, site in enumerate(sites)]),
        cut_corners=False,
    )
    allocation = np.full(grid.shape, -1, dtype=np.int32) if zones.allocation is None else zones.allocation
    by_cost = borders(allocation, zones.cost, resistance, grid.cell_m)
    del zones, allocation
    together = _connected(len(sites), by_cost)
    straight = straight_neighbours([site.all_cells for site in sites], grid.shape)
    found = {}
    for i, j in wanted(sorted(touching | set(by_cost) | straight)):
        if (i, j) in touching:
            found[i, j] = Neighbour(0.0, reachable=True)
        else:
            found[i, j] = Neighbour(by_cost.get((i, j), np.inf), reachable=bool(together[i] == together[j]))
    return found


def _connected(count: int, pairs: Iterable[Pair]) -> Ints32:
    """Return the number of each site's component: those that some chain of meeting zones joins."""
    first, second = np.array([*pairs], dtype=np.int64).reshape(-1, 2).T
    joined = sparse.coo_array((np.ones(first.size), (first, second)), shape=(count, count))
    components: Ints32 = csgraph.connected_components(joined, directed=False)[1]
    return components


def borders(allocation: NDArray[np.int32], cost: Floats, resistance: Floats, cell_m: float) -> dict[Pair, float]:
    """Return the pairs of zones that meet, with the cost of the cheapest way over their border.

    Parameters
    ----------
    allocation : ndarray of int32, (rows, columns)
        The zone of each cell, -1 for none.
    cost, resistance : ndarray of float64, (rows, columns)
        Accumulated cost from the zone's own area, and cost of a metre; cells are squares.
    cell_m : float
        Side of a cell, metres.

    Returns
    -------
    dict of (int, int) to float
        By the pair, the lower id first. The cost is an upper bound of the least cost between the two areas, since a
        path at that cost exists: a diagonal step between two cells without data is none.
    """
    found: dict[Pair, float] = {}
    for step_row, step_column in _FORWARD:
        here, there = _shifted(allocation.shape, step_row, step_column)
        meet = (allocation[here] != allocation[there]) & (allocation[here] >= 0) & (allocation[there] >= 0)
        if step_row and step_column:
            beside = (slice(here[0].start, here[0].stop), there[1]), (there[0], here[1])
            meet &= np.isfinite(resistance[beside[0]]) | np.isfinite(resistance[beside[1]])
        step = 0.5 * cell_m * float(np.hypot(step_row, step_column))
        over = cost[here][meet] + cost[there][meet] + step * (resistance[here][meet] + resistance[there][meet])
        for pair, value in _lowest(allocation[here][meet], allocation[there][meet], over).items():
            found[pair] = min(value, found.get(pair, np.inf))
    return dict(sorted(found.items()))


def straight_neighbours(cells: list[Ints], shape: tuple[int, int]) -> set[Pair]:
    """Return the pairs of areas whose nearest-area zones meet, whatever lies between.

    Parameters
    ----------
    cells : list of ndarray of int64
        Flat indexes of each area's cells; areas without cells have no zone.
    shape : rows, columns

    Returns
    -------
    set of (int, int), the lower number first
    """
    from scipy.ndimage import distance_transform_edt

    label = np.full(shape, -1, dtype=np.int32)
    for number in range(len(cells) - 1, -1, -1):  # where areas overlap the lowest number has the cell
        label.reshape(-1)[cells[number]] = number
    if (label < 0).all():
        return set()
    nearest = distance_transform_edt(label < 0, return_distances=False, return_indices=True)
    zones = label[tuple(nearest)]
    nothing = np.zeros(shape)
    return set(borders(zones, nothing, nothing, 1.0))


def _shifted(shape: tuple[int, ...], step_row: int, step_column: int) -> tuple[tuple[slice, slice], ...]:
    """Return the slices that lay a raster beside itself moved by a step."""
    rows, columns = shape
    first, second = max(0, -step_column), max(0, step_column)
    width = columns - abs(step_column)
    here = (slice(0, rows - step_row), slice(first, first + width))
    there = (slice(step_row, rows), slice(second, second + width))
    return here, there


def _lowest(first: NDArray[np.int32], second: NDArray[np.int32], values: Floats) -> dict[Pair, float]:
    """Return the lowest value of each pair of zones."""
    low, high = np.minimum(first, second), np.maximum(first, second)
    order = np.lexsort((values, high, low))
    low, high, values = low[order], high[order], values[order]
    starts = np.ones(low.size, dtype=bool)
    starts[1:] = (low[1:] != low[:-1]) | (high[1:] != high[:-1])
    return {
        (int(a), int(b)): float(value) for a, b, value in zip(low[starts], high[starts], values[starts], strict=True)
    }
