"""Linear systems of circuits: solvers, and a circuit factorised once and seen at its focal nodes.

Which solver works is chosen by what is installed, by size and by memory; all give the same answers to about ten digits.
CHOLMOD comes with scikit-sparse (which needs SuiteSparse) and PARDISO with pypardiso (the extra `circuit`); SciPy's SuperLU
and conjugate gradients are always there.

In a connected component with one node tied to ground, K = inverse of the Laplacian gives the voltages K q of currents q
that are injected. Between focal nodes i and j that is K_ii + K_jj - 2 K_ij, the effective resistance. Regions that are
short-circuited only while they are active (Circuitscape's focal regions) do not change the factor: the currents that
hold all nodes of a region at one voltage are the solution of a small dense system. So n focal nodes cost n solves for
all pairs, where one solve per pair would be n (n - 1) / 2.
"""

import importlib.util
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph, linalg

from biodata.analysis.circuit.graph import Circuit
from biodata.analysis.grid import Floats, Ints
from biodata.core.errors import InputError

RELATIVE_RESIDUAL: Final = 1e-10
"""Where the iterative solvers stop."""
_SMALL: Final = 20_000
"""Nodes up to which SuperLU needs no time, so that small circuits give the same digits everywhere."""
_BYTES_PER_NODE: Final = {"pardiso": 1400, "superlu": 2100}
"""Memory that a factor of an eight-neighbour landscape of a million cells needs while it is made, a third more than was
measured (PARDISO and SuperLU held 0.9 and 1.2 kB); it grows a little faster than these."""
_MOST_ITERATIONS: Final = 20_000


GROUNDED: Final = float("nan")
"""Injection of a group that is tied to ground."""
_BLOCK_BYTES: Final = 256 << 20
_COLUMNS_IN_MEMORY: Final = 1 << 30


class Solver(Protocol):
    """Something that answers `matrix @ x = b` for one matrix."""

    def solve(self, right: Floats) -> Floats:
        """Return the solutions for right-hand sides in the columns of `right`, shape (n, k)."""

    def close(self) -> None:
        """Give the memory back."""


def solver_for(matrix: Any) -> Solver:
    """Prepare a symmetric positive definite system.

    Parameters
    ----------
    matrix : sparse array of float64, (n, n)

    Returns
    -------
    Solver

    Raises
    ------
    InputError
        If the system cannot be solved (CIRCUIT_UNSOLVABLE).
    """
    return MAKERS[chosen(matrix.shape[0])](matrix)


def chosen(nodes: int) -> str:
    """Return the solver for a system of that size: PARDISO where it is installed, else SuperLU, without room gradients."""
    if nodes <= _SMALL:
        return "superlu"
    room, growth = 0.7 * free_bytes(), np.log2(max(nodes, 1 << 20)) / 20
    fits = [name for name, size in _BYTES_PER_NODE.items() if nodes * size * growth < room]
    has_pardiso = importlib.util.find_spec("pypardiso") is not None
    return next((name for name in fits if has_pardiso or name != "pardiso"), "gradients")


def free_bytes() -> float:
    """Return how much memory is free, bytes; 8 GiB where the system does not tell."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:  # noqa: PTH123  # no file of ours
            facts = dict(line.split(":") for line in file)
        return float(facts["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        try:
            return float(os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
        except (AttributeError, ValueError, OSError):
            return float(8 << 30)


class _Pardiso:
    """MKL's PARDISO for symmetric positive definite matrices."""

    def __init__(self, matrix: Any) -> None:
        import pypardiso

        self._solver = pypardiso.PyPardisoSolver(mtype=2)
        self._upper: Any = sparse.csr_matrix(sparse.triu(matrix, format="csr"))
        self._upper.sort_indices()
        try:
            self._solver.factorize(self._upper)
        except pypardiso.pardiso_wrapper.PyPardisoError:
            self._solver.free_memory(everything=True)
            raise _unsolvable() from None

    def solve(self, right: Floats) -> Floats:
        found: Floats = self._solver.solve(self._upper, np.asfortranarray(right))
        return found

    def close(self) -> None:
        self._solver.free_memory(everything=True)
        self._upper = None


class _SuperLu:
    """SciPy's SuperLU in symmetric mode."""

    def __init__(self, matrix: Any) -> None:
        options = {"SymmetricMode": True}
        try:
            self._factor: Any = linalg.splu(
                sparse.csc_array(matrix), permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options
            )
        except RuntimeError:
            raise _unsolvable() from None

    def solve(self, right: Floats) -> Floats:
        found: Floats = self._factor.solve(np.asfortranarray(right))
        return found

    def close(self) -> None:
        self._factor = None


class _Gradients:
    """Conjugate gradients with the diagonal: slow, and always there."""

    def __init__(self, matrix: Any) -> None:
        inverse = 1.0 / matrix.diagonal()
        self._matrix: Any = sparse.csr_matrix(matrix)
        self._diagonal: Any = linalg.LinearOperator(matrix.shape, lambda x: inverse * x.reshape(-1))

    def solve(self, right: Floats) -> Floats:
        columns = right.reshape(right.shape[0], -1)
        found = np.zeros_like(columns)
        for at in range(columns.shape[1]):
            if not columns[:, at].any():
                continue
            found[:, at], failed = linalg.cg(
                self._matrix, columns[:, at], rtol=RELATIVE_RESIDUAL, maxiter=_MOST_ITERATIONS, M=self._diagonal
            )
            if failed:
                raise _unsolvable()
        return found.reshape(right.shape)

    def close(self) -> None:
        self._diagonal = None


def _unsolvable() -> InputError:
    """Return the error for a matrix that has no factor."""
    problem = "the circuit has no solution: its resistances differ by more orders of magnitude than can be computed"
    return InputError(problem, expected="resistances within about 12 orders of magnitude", code="CIRCUIT_UNSOLVABLE")


MAKERS: Final[dict[str, Callable[[Any], Solver]]] = {"pardiso": _Pardiso, "superlu": _SuperLu, "gradients": _Gradients}


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
    maps : int
        How many voltage maps will be asked for: factors are kept for them, and columns where that saves solves.
    """

    def __init__(self, circuit: Circuit, nodes: Ints, *, maps: int = 0) -> None:
        self.circuit = circuit
        self.nodes = nodes
        self.component_of = circuit.components[nodes]
        self._inverse = np.zeros((nodes.size, nodes.size))
        self._members: dict[int, Ints] = {}
        self._solvers: dict[int, Solver] = {}
        self._columns: dict[int, Floats] = {}
        self._maps = maps
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
        system = solver_for(grounded_laplacian(self.circuit, free))
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
        return np.empty((columns, nodes)) if nodes * columns * 8 <= _COLUMNS_IN_MEMORY else None

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
