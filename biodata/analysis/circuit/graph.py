"""Landscapes and networks as circuits: nodes joined by conductances, and the currents through them.

A cell with conductance is a node, neighbours are joined by the mean of their resistances or of their conductances, and
cells that are short-circuited (a polygon of zero resistance) are one node. After McRae, Dickson, Keitt & Shah 2008,
https://doi.org/10.1890/07-1861.1; the rules are those of Circuitscape, whose own projects have to come out the same.
"""

import math
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from biodata.analysis.bucket_queue import compiled
from biodata.analysis.grid import Floats, Ints

Labels = NDArray[np.int32]
NO_NODE: Final = -1
"""Node of a cell that carries no current."""
_DIAGONAL: Final = math.sqrt(2.0)


_ALL, _BUT_LAST, _BUT_FIRST = slice(None), slice(None, -1), slice(1, None)
_SIDES: Final = (
    ((_ALL, _BUT_LAST), (_ALL, _BUT_FIRST), False),
    ((_BUT_LAST, _ALL), (_BUT_FIRST, _ALL), False),
    ((_BUT_LAST, _BUT_LAST), (_BUT_FIRST, _BUT_FIRST), True),
    ((_BUT_FIRST, _BUT_LAST), (_BUT_LAST, _BUT_FIRST), True),
)
NOISE: float = 1e-8
"""A current this much smaller than the largest is rounding and counts as none, as in Circuitscape."""
Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Circuit:
    """Nodes and the conductances between them.

    Attributes
    ----------
    conductances : sparse array of float64, (n, n)
        Symmetric, zero on the diagonal; parallel branches are summed.
    components : ndarray of int32, (n,)
        Number of the connected component of each node.
    """

    conductances: Any
    components: Labels

    @property
    def nodes(self) -> int:
        """Number of nodes."""
        return int(self.conductances.shape[0])


def circuit(first: Ints | Labels, second: Ints | Labels, conductance: Floats, nodes: int) -> Circuit:
    """Join nodes by branches.

    Parameters
    ----------
    first, second : ndarray of int, (m,)
        The ends of the branches; a branch from a node to itself carries nothing and is left out.
    conductance : ndarray of float64, (m,)
        Above 0; branches between the same nodes are parallel, and their conductances are summed.
    nodes : int
        Number of nodes.

    Returns
    -------
    Circuit
    """
    kept = (first != second) & (conductance > 0)
    first, second, conductance = first[kept], second[kept], conductance[kept]
    half = sparse.coo_array((conductance, (first, second)), shape=(nodes, nodes)).tocsr()
    both = (half + half.T).tocsr()
    both.sort_indices()
    _, components = csgraph.connected_components(both, directed=False)
    return Circuit(both, components.astype(np.int32))


def cell_nodes(conductance: Floats, polygons: Floats | None, *, four_neighbours: bool) -> tuple[Labels, int]:
    """Give the nodes of a landscape their numbers.

    Parameters
    ----------
    conductance : ndarray of float64, (rows, columns)
        0 where no current flows; inf where there is no resistance: such neighbours are one node.
    polygons : ndarray of float64, (rows, columns), optional
        Short-circuited regions by number, 0 outside; the cells of a region are one node, near or far.
    four_neighbours : bool
        Whether neighbours without resistance have to share a side.

    Returns
    -------
    nodes : ndarray of int32, (rows, columns)
        `NO_NODE` where no current flows. Cells of a polygon that have no data show their polygon's node, which they do
        not conduct for.
    count : int
    """
    flows = (conductance > 0).reshape(-1)
    cells = np.flatnonzero(flows)
    nodes = np.full(conductance.size, NO_NODE, dtype=np.int32)
    nodes[cells] = np.arange(cells.size, dtype=np.int32)
    joined = _neighbours_without_resistance(np.isinf(conductance), four_neighbours)
    if polygons is not None:
        joined.append(_chains(polygons.reshape(-1), cells))
    links = np.concatenate([np.empty((2, 0), dtype=np.int64), *joined], axis=1)
    if links.shape[1] == 0:
        return nodes.reshape(conductance.shape), cells.size
    ends = nodes[links]
    matrix = sparse.coo_array((np.ones(ends.shape[1]), (ends[0], ends[1])), shape=(cells.size, cells.size))
    count, labels = csgraph.connected_components(matrix, directed=False)
    nodes[cells] = labels
    if polygons is not None:
        _show_polygons(nodes, polygons.reshape(-1), flows)
    return nodes.reshape(conductance.shape), int(count)


def _chains(polygons: Floats, cells: Ints) -> Ints:
    """Return pairs of cells that follow each other in one polygon, shape (2, m)."""
    members = cells[polygons[cells] != 0]
    members = members[np.argsort(polygons[members], kind="stable")]
    same = polygons[members[1:]] == polygons[members[:-1]]
    return np.stack([members[:-1][same], members[1:][same]])


def _neighbours_without_resistance(free: NDArray[np.bool_], four_neighbours: bool) -> list[Ints]:
    """Return pairs of neighbouring cells that have no resistance, shape (2, m) each."""
    if not free.any():
        return []
    at = np.arange(free.size, dtype=np.int64).reshape(free.shape)
    return [
        np.stack([at[a][free[a] & free[b]], at[b][free[a] & free[b]]])
        for a, b, diagonal in _SIDES
        if not (diagonal and four_neighbours)
    ]


def _show_polygons(nodes: Labels, polygons: Floats, flows: NDArray[np.bool_]) -> None:
    """Give cells without data the node of the polygon that they lie in."""
    numbers, at = np.unique(polygons[flows], return_index=True)
    shown = np.flatnonzero(~flows & (polygons != 0))
    place = np.searchsorted(numbers, polygons[shown])
    place[place == numbers.size] = 0
    known = numbers[place] == polygons[shown]
    nodes[shown[known]] = nodes[flows][at[place[known]]]


def landscape(
    conductance: Floats, nodes: Labels, count: int, *, four_neighbours: bool, average_resistances: bool
) -> Circuit:
    """Join neighbouring cells.

    Parameters
    ----------
    conductance : ndarray of float64, (rows, columns)
        0 where no current flows, inf where there is no resistance.
    nodes, count
        As of `cell_nodes`.
    four_neighbours : bool
        Leave out diagonals; they are sqrt(2) times as long as sides.
    average_resistances : bool
        The resistance of a branch is the mean of its cells' resistances; else its conductance is the mean of their
        conductances, except beside a cell without resistance, where that would be none at all.

    Returns
    -------
    Circuit
    """
    first, second, values = [], [], []
    for a, b, diagonal in _SIDES:
        if diagonal and four_neighbours:
            continue
        one, other = conductance[a], conductance[b]
        joined = (one > 0) & (other > 0)
        one, other = one[joined], other[joined]
        with np.errstate(over="ignore", divide="ignore"):
            mean = 2.0 / (1.0 / one + 1.0 / other)
            if not average_resistances:
                mean = np.where(np.isinf(one) | np.isinf(other), mean, (one + other) / 2.0)
        first.append(nodes[a][joined])
        second.append(nodes[b][joined])
        values.append(mean / _DIAGONAL if diagonal else mean)
    return circuit(np.concatenate(first), np.concatenate(second), np.concatenate(values), count)


def contracted(whole: Circuit, groups: list[Ints]) -> tuple[Circuit, Labels]:
    """Make one node of each group of nodes, and of groups that have a node in common.

    Returns
    -------
    smaller : Circuit
    labels : ndarray of int32, (n,)
        The new node of each old one.
    """
    links = [np.stack([np.full(group.size - 1, group[0]), group[1:]]) for group in groups if group.size > 1]
    ends = np.concatenate([np.empty((2, 0), dtype=np.int64), *links], axis=1)
    matrix = sparse.coo_array((np.ones(ends.shape[1]), (ends[0], ends[1])), shape=(whole.nodes, whole.nodes))
    count, labels = csgraph.connected_components(matrix, directed=False)
    half = sparse.triu(whole.conductances, k=1).tocoo()
    smaller = circuit(labels[half.row], labels[half.col], half.data, int(count))
    return smaller, labels.astype(np.int32)


def node_flows(circuit: Circuit, voltages: Floats, grounds: Floats | None = None) -> tuple[Floats, Floats]:
    """Return what flows into and out of each node along its branches, and through its resistor to ground.

    Parameters
    ----------
    circuit : Circuit
    voltages : ndarray of float64, (n,)
    grounds : ndarray of float64, (n,), optional
        Conductance of the resistor that joins each node to ground, 0 for none.

    Returns
    -------
    inflow, outflow : ndarray of float64, (n,)
        In the unit of the sources, usually amperes.
    """
    matrix = circuit.conductances
    inflow, outflow = _flows(matrix.indptr, matrix.indices, matrix.data, voltages, NOISE)
    if grounds is not None:
        to_ground = grounds * voltages
        inflow -= np.minimum(to_ground, 0.0)
        outflow += np.maximum(to_ground, 0.0)
    return inflow, outflow


def node_currents(circuit: Circuit, voltages: Floats, grounds: Floats | None = None) -> Floats:
    """Return the current through each node: the larger of what flows in and out, which differ at sources and grounds."""
    inflow, outflow = node_flows(circuit, voltages, grounds)
    currents: Floats = np.maximum(inflow, outflow)
    return currents


def branch_currents(circuit: Circuit, voltages: Floats) -> tuple[Ints, Ints, Floats]:
    """Return the ends of all branches, the lower node first, and the current along them, without a sign."""
    matrix = circuit.conductances
    first = np.repeat(np.arange(circuit.nodes, dtype=np.int64), np.diff(matrix.indptr))
    second = matrix.indices.astype(np.int64)
    upper = first < second
    first, second = first[upper], second[upper]
    currents: Floats = np.abs(matrix.data[upper] * (voltages[first] - voltages[second]))
    return first, second, currents


@compiled
def _flows(starts: Ints, ends: Ints, conductances: Floats, voltages: Floats, noise: float) -> tuple[Floats, Floats]:
    """Sum inflow and outflow of each node over the rows of the matrix."""
    nodes = voltages.size
    largest = 0.0
    for node in range(nodes):
        for at in range(starts[node], starts[node + 1]):
            current = abs(conductances[at] * (voltages[ends[at]] - voltages[node]))
            largest = max(largest, current)
    least = largest * noise
    inflow, outflow = np.zeros(nodes), np.zeros(nodes)
    for node in range(nodes):
        for at in range(starts[node], starts[node + 1]):
            current = conductances[at] * (voltages[ends[at]] - voltages[node])
            if current >= least:
                inflow[node] += current
            elif -current >= least:
                outflow[node] -= current
    return inflow, outflow


def at_once(executor: Executor) -> int:
    """Return how many tasks to hand out at once: enough to keep all workers busy, and no more than fit into memory."""
    return 2 * int(getattr(executor, "_max_workers", None) or os.cpu_count() or 1)


def in_order(work: Callable[[Item], Result], items: Iterable[Item], executor: Executor | None) -> Iterator[Result]:
    """Yield the answer of each item, in the order of the items.

    Parameters
    ----------
    work : function of an item
        One that can be pickled where the executor works in other processes.
    items : iterable
        Taken only as fast as they are worked at.
    executor : concurrent.futures.Executor, optional
        Where to work; here, one after the other, where none is given.
    """
    if executor is None:
        yield from map(work, items)
        return
    room = at_once(executor)
    running: deque[Future[Result]] = deque()
    try:
        for item in items:
            running.append(executor.submit(work, item))
            if len(running) >= room:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        for future in running:
            future.cancel()


@dataclass(frozen=True)
class RasterCircuit:
    """A landscape as a circuit.

    Attributes
    ----------
    circuit : Circuit
    nodes : ndarray of int32, (rows, columns)
        Node of each cell, -1 for none.
    barrier : ndarray of bool, (rows, columns)
        Cells that carry no current.
    groups : tuple of ndarray of int64
        The nodes of each focal node, each once.
    beside : tuple of ndarray of int64
        Flat indices of the cells of each focal node that carry no current but show its node.
    """

    circuit: Circuit
    nodes: Labels
    barrier: NDArray[np.bool_]
    groups: tuple[Ints, ...]
    beside: tuple[Ints, ...]

    def node_sums(self, values: Floats) -> Floats:
        """Return the sum over each node's cells of values on cells, such as sources."""
        at = (self.nodes >= 0) & (values != 0)
        found = np.bincount(self.nodes[at], weights=values[at], minlength=self.circuit.nodes)
        return found.astype(np.float64)

    def spread(self, values: Floats, active: tuple[int, ...] = ()) -> Floats:
        """Return values of nodes on their cells, 0 elsewhere.

        Parameters
        ----------
        values : ndarray of float64, (nodes,)
        active : tuple of int
            Positions of the focal nodes that are active, whose cells without data show their node too.
        """
        grid = np.where(self.nodes >= 0, values[self.nodes], 0.0)
        for at in active:
            if self.groups[at].size and self.beside[at].size:
                grid.reshape(-1)[self.beside[at]] = values[self.groups[at][0]]
        return grid
