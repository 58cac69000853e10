"""A circuit factorised once and seen at its focal nodes, so that every pair, source and ground comes from one factor.

In a connected component with one node tied to ground, K = inverse of the Laplacian gives the voltages K q of currents q
that are injected. Between focal nodes i and j that is K_ii + K_jj - 2 K_ij, the effective resistance. Regions that are
short-circuited only while they are active (Circuitscape's focal regions) do not change the factor: the currents that
hold all nodes of a region at one voltage are the solution of a small dense system. So n focal nodes cost n solves for
all pairs, where one solve per pair would be n (n - 1) / 2.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from biodata.analysis.circuit.graph import Circuit
from biodata.analysis.circuit.solvers import Solver, solver_for
from biodata.analysis.grid import Floats, Ints

GROUNDED: Final = float("nan")
"""Injection of a group that is tied to ground."""
_BLOCK_BYTES: Final = 256 << 20
_COLUMNS_IN_MEMORY: Final = 1 << 30


@dataclass(frozen=True)
class Answer:
    """What flows when groups of terminals are sources and grounds.

    Attributes
    ----------
    currents : ndarray of float64, (terminals,)
        Injected into each terminal; 0 where it takes no part.
    offsets : dict of int to float
        Voltage of the reference node of each component that takes part.
    voltages : ndarray of float64, (groups,)
        Of the groups; nan for a group that no ground is connected with.
    """

    currents: Floats
    offsets: dict[int, float]
    voltages: Floats


class Terminals:
    """The focal nodes of a circuit.

    Parameters
    ----------
    circuit : Circuit
    nodes : ndarray of int64, (t,)
        The terminals' nodes, each once.
    solver : str
        One of `circuit_solvers.SOLVERS`.
    maps : int
        How many voltage maps will be asked for: factors are kept for them, and columns where that saves solves.
    """

    def __init__(self, circuit: Circuit, nodes: Ints, *, solver: str = "auto", maps: int = 0) -> None:
        self.circuit = circuit
        self.nodes = nodes
        self.component_of = circuit.components[nodes]
        self._inverse = np.zeros((nodes.size, nodes.size))
        self._members: dict[int, Ints] = {}
        self._solvers: dict[int, Solver] = {}
        self._columns: dict[int, Floats] = {}
        self._solver, self._maps = solver, maps
        order = np.argsort(circuit.components, kind="stable") if circuit.nodes else np.empty(0, dtype=np.int64)
        starts = np.searchsorted(circuit.components[order], np.unique(self.component_of))
        for component, start in zip(np.unique(self.component_of), starts, strict=True):
            end = start + np.count_nonzero(circuit.components == component)
            self._factorise(int(component), np.sort(order[start:end]))

    def _factorise(self, component: int, members: Ints) -> None:
        """Fill the component's part of the inverse; its first terminal is the reference."""
        inside = np.flatnonzero(self.component_of == component)
        self._members[component] = members
        if inside.size == 1:
            return
        free = members[members != self.nodes[inside[0]]]
        system = solver_for(grounded_laplacian(self.circuit, free), solver=self._solver, questions=inside.size - 1)
        others = inside[1:]
        rows = np.searchsorted(free, self.nodes[others])
        columns = self._room(free.size, others.size)
        width = max(1, min(64, _BLOCK_BYTES // (8 * free.size)))
        for at in range(0, others.size, width):
            block = slice(at, at + width)
            right = np.zeros((free.size, rows[block].size))
            right[rows[block], np.arange(right.shape[1])] = 1.0
            found = system.solve(right)
            self._inverse[np.ix_(others, others[block])] = found[rows]
            if columns is not None:
                columns[block] = found.T
        within = np.ix_(others, others)
        self._inverse[within] = (self._inverse[within] + self._inverse[within].T) / 2
        if columns is not None:
            self._columns[component] = columns
        if self._maps and columns is None:
            self._solvers[component] = system
        else:
            system.close()

    def _room(self, nodes: int, columns: int) -> Floats | None:
        """Return where the voltages of all terminals are kept, or None where each map is solved for itself."""
        if not self._maps or columns > max(self._maps, 64):
            return None
        if nodes * columns * 8 <= _COLUMNS_IN_MEMORY:
            return np.empty((columns, nodes))
        with tempfile.TemporaryFile() as file:  # unlinked at once, and gone with the last reference
            return np.memmap(file, dtype=np.float64, mode="w+", shape=(columns, nodes))

    def resistances(self) -> Floats:
        """Return the effective resistance between all terminals, (t, t); inf between different components."""
        own = np.diag(self._inverse)
        found = own[:, None] + own[None, :] - 2.0 * self._inverse
        np.fill_diagonal(found, 0.0)
        found[self.component_of[:, None] != self.component_of[None, :]] = np.inf
        return found

    def answer(self, groups: Sequence[Ints], injections: Floats) -> Answer:
        """Find what flows between groups of terminals, each of which is one node while it is active.

        Parameters
        ----------
        groups : sequence of ndarray of int64
            Indices into the terminals; no terminal stands in two groups.
        injections : ndarray of float64, (groups,)
            Current injected into each group; `GROUNDED` for groups that are tied to ground.

        Returns
        -------
        Answer
        """
        grounded = np.isnan(injections)
        taking = self._connected(groups, grounded)
        voltages = np.where(grounded, 0.0, np.nan)
        active = [at for at in range(len(groups)) if taking[at]]
        members = np.concatenate([groups[at] for at in active]) if active else np.empty(0, dtype=np.int64)
        currents = np.zeros(self.nodes.size)
        if members.size == 0:
            return Answer(currents, {}, voltages)
        group = np.concatenate([np.full(groups[at].size, place) for place, at in enumerate(active)])
        components, component = np.unique(self.component_of[members], return_inverse=True)
        # Unknown: currents of the terminals, voltages of the references, voltages of the groups.
        t, c, g = members.size, components.size, len(active)
        system = np.zeros((t + c + g, t + c + g))
        right = np.zeros(t + c + g)
        at_terminal = np.arange(t)
        system[:t, :t] = self._inverse[np.ix_(members, members)]
        system[at_terminal, t + component] = 1.0
        system[at_terminal, t + c + group] = -1.0
        system[t + component, at_terminal] = 1.0
        for place, at in enumerate(active):
            row = t + c + place
            if grounded[at]:
                system[row, row] = 1.0
            else:
                system[row, at_terminal[group == place]] = 1.0
                right[row] = injections[at]
        found = np.linalg.solve(system, right)
        currents[members] = found[:t]
        voltages[active] = found[t + c :]
        offsets = {int(number): float(value) for number, value in zip(components, found[t : t + c], strict=True)}
        return Answer(currents, offsets, voltages)

    def _connected(self, groups: Sequence[Ints], grounded: Any) -> Any:
        """Tell which groups are connected with a grounded one, through components and through groups between them."""
        first = np.concatenate([np.full(group.size, at) for at, group in enumerate(groups)])
        found = np.concatenate([self.component_of[group] for group in groups])
        components, second = np.unique(found, return_inverse=True)
        size = len(groups) + components.size
        matrix = sparse.coo_array((np.ones(first.size), (first, len(groups) + second)), shape=(size, size))
        _, cluster = csgraph.connected_components(matrix, directed=False)
        own = cluster[: len(groups)]
        return np.isin(own, own[grounded])

    def node_voltages(self, answer: Answer) -> Floats:
        """Return the voltage of every node of the circuit; 0 where nothing is connected with a ground."""
        voltages = np.zeros(self.circuit.nodes)
        for component, offset in answer.offsets.items():
            members = self._members[component]
            voltages[members] = offset
            inside = np.flatnonzero(self.component_of == component)[1:]
            injected = answer.currents[inside]
            if not injected.any():
                continue
            free = members[members != self.nodes[self.component_of == component][0]]
            columns = self._columns.get(component)
            if columns is not None:
                used = np.flatnonzero(injected)
                voltages[free] += injected[used] @ columns[used]
            else:
                right = np.zeros(free.size)
                right[np.searchsorted(free, self.nodes[inside])] = injected
                voltages[free] += self._solvers[component].solve(right)
        return voltages

    def close(self) -> None:
        """Give the memory back."""
        for system in self._solvers.values():
            system.close()
        self._solvers.clear()
        self._columns.clear()


def grounded_laplacian(circuit: Circuit, kept: Ints, grounds: Floats | None = None) -> Any:
    """Return the Laplacian of some nodes, the others being tied to ground.

    Parameters
    ----------
    circuit : Circuit
    kept : ndarray of int64, (k,)
        In ascending order.
    grounds : ndarray of float64, (n,), optional
        Conductance of each node's resistor to ground.

    Returns
    -------
    sparse csr array of float64, (k, k)
    """
    conductances = circuit.conductances
    diagonal = np.asarray(conductances.sum(axis=1)).reshape(-1)
    if grounds is not None:
        diagonal = diagonal + grounds
    part = conductances if kept.size == circuit.nodes else conductances[kept][:, kept]
    return sparse.csr_array(sparse.diags_array(diagonal[kept], format="csr") - part)
