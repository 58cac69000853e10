"""Costs of ways on which a change of climate costs something too, and the ways themselves."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from biodata.analysis.grid import Floats, Grid, Ints

if TYPE_CHECKING:
    from scipy.sparse import csr_array

_FORWARD = ((0, 1), (1, -1), (1, 0), (1, 1))


@dataclass(frozen=True, slots=True)
class ClimateSurface:
    """The cheapest way from some cells to every other one.

    Attributes
    ----------
    cost : ndarray of float64, (cells,)
        inf where it was not reached.
    before : ndarray of int64, (cells,)
        The cell that the way comes from; negative at its start and where it was not reached.
    """

    cost: Floats
    before: Ints

    def path_to(self, cell: int) -> Ints:
        """Return the cells of the way to a cell that was reached, its start first."""
        cells = [cell]
        while self.before[cells[-1]] >= 0:
            cells.append(int(self.before[cells[-1]]))
        return np.array(cells[::-1], dtype=np.int64)


def step_graph(resistance: Floats, temperature: Floats, grid: Grid, *, cost_per_c: float) -> "csr_array":
    """Return the costs of all steps between neighbouring cells.

    Parameters
    ----------
    resistance, temperature : ndarray of float64, grid.shape
        nan in either is ground that no way enters; no step passes between two such cells that touch at a corner.
    grid : Grid
        Cells of degrees take their size on the ellipsoid, row by row.
    cost_per_c : float
        Cost-metres of a change by one degree, up or down.

    Returns
    -------
    scipy.sparse.csr_array of float64, (cells, cells)
        The mean of both resistances times the metres, and the change of temperature times its cost; in one direction,
        as both cost the same.
    """
    from scipy.sparse import csr_array

    known = np.isfinite(resistance) & np.isfinite(temperature)
    rows, columns = grid.shape
    number = np.arange(grid.cells).reshape(grid.shape)
    wide_m, high_m = grid.cell_sizes_m()
    first, second, cost = [], [], []
    for down, right in _FORWARD:
        here = (slice(0, rows - down), slice(max(0, -right), columns - max(0, right)))
        there = (slice(down, rows), slice(max(0, right), columns - max(0, -right)))
        passable = known[here] & known[there]
        if down and right:
            beside = (here[0], there[1])
            below = (there[0], here[1])
            passable &= known[beside] | known[below]
        across = (wide_m[: rows - down] + wide_m[down:]) / 2 * abs(right)
        along = (high_m[: rows - down] + high_m[down:]) / 2 * down
        metres = np.hypot(across, along)[:, None]
        step = (resistance[here] + resistance[there]) / 2 * metres
        step = step + cost_per_c * np.abs(temperature[here] - temperature[there])
        first.append(number[here][passable])
        second.append(number[there][passable])
        cost.append(step[passable])
    ends = np.concatenate(first), np.concatenate(second)
    return csr_array((np.concatenate(cost), ends), shape=(grid.cells, grid.cells))


def search(graph: "csr_array", sources: Ints, *, max_cost: float = np.inf) -> ClimateSurface:
    """Return the cheapest ways from some cells, by scipy's Dijkstra.

    Parameters
    ----------
    graph : scipy.sparse.csr_array
        Of `step_graph`.
    sources : ndarray of int64, (n,)
    max_cost : float
        Cells that cost more are not reached.
    """
    from scipy.sparse.csgraph import dijkstra

    cost, before, _ = dijkstra(
        graph, directed=False, indices=sources, min_only=True, return_predecessors=True, limit=max_cost
    )
    return ClimateSurface(cost, before.astype(np.int64))
