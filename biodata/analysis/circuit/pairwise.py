"""Current between every pair of focal nodes or regions, from one factor of the circuit.

While a pair is active the cells of each of its regions are one node, and those of all other regions are plain habitat;
that is Circuitscape's pairwise mode (McRae et al. 2008).
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from biodata.analysis.circuit.currents import node_flows
from biodata.analysis.circuit.graph import Circuit, contracted
from biodata.analysis.circuit.tasks import in_order
from biodata.analysis.circuit.terminals import GROUNDED, Terminals
from biodata.analysis.grid import Floats, Ints

UNCONNECTED: Final = -1.0
"""What stands for an infinite resistance in Circuitscape's files."""
_FACTOR_IN_SOLVES: Final = 100
"""A factor takes about as long as this many solves: with more terminals than that for each pair, pairs go one by one."""
MOST_TERMINALS: Final = 8_000
"""The dense system of so many terminals takes 0.5 GiB."""


@dataclass(frozen=True, slots=True)
class PairFlow:
    """What flows between two focal nodes when 1 A goes in at the second and out at the first.

    Attributes
    ----------
    first, second : int
        Positions of the focal nodes.
    resistance : float
        0 for two in one node, `UNCONNECTED` where no current can flow or the pair is left out.
    voltages, currents : ndarray of float64, (nodes,), optional
        Of every node, the first focal node having 0 V; None where no maps were asked for or nothing can flow.
    counted : bool
        Whether the pair belongs into sums over pairs; False for pairs that a list leaves out.
    """

    first: int
    second: int
    resistance: float
    voltages: Floats | None
    currents: Floats | None
    counted: bool = True

    @property
    def active(self) -> tuple[int, ...]:
        """Positions of the focal nodes that took part."""
        return self.first, self.second

    @property
    def named(self) -> tuple[int, ...]:
        """Positions of the focal nodes that its files are named after."""
        return self.first, self.second


def pairwise(
    circuit: Circuit,
    groups: Sequence[Ints],
    allowed: NDArray[np.bool_],
    *,
    maps: bool = False,
    maps_of_others: bool = False,
    solver: str = "auto",
    executor: Executor | None = None,
) -> Iterator[PairFlow]:
    """Solve all pairs, in the order of the focal nodes.

    Parameters
    ----------
    circuit : Circuit
    groups : sequence of ndarray of int64
        The nodes of each focal node, each once; empty where it lies on no data.
    allowed : ndarray of bool, (groups, groups)
        Which pairs to solve, symmetric.
    maps : bool
        Also return voltages and currents.
    maps_of_others : bool
        Return voltages and currents of pairs that are not allowed too, not counted.
    solver : str
        One of `circuit_solvers.SOLVERS`.
    executor : concurrent.futures.Executor, optional
        Where pairs are solved that need a circuit of their own: large regions. What comes from one factor is done here.

    Yields
    ------
    PairFlow
    """
    pairs = [(i, j) for i in range(len(groups)) for j in range(i + 1, len(groups))]
    solved = [pair for pair in pairs if allowed[pair] or (maps and maps_of_others)]
    edges = [_edge(circuit, group) for group in groups]
    nodes = np.unique(np.concatenate([*edges, np.empty(0, dtype=np.int64)]))
    one_by_one = nodes.size > min(MOST_TERMINALS, max(1, len(solved)) * _FACTOR_IN_SOLVES)
    if one_by_one:
        work = partial(_alone, circuit, groups, allowed, maps=maps, solver=solver)
        flows, asked = in_order(work, solved, executor), set(solved)
        for pair in pairs:
            yield next(flows) if pair in asked else _left_out(pair)
        return
    whole = Terminals(circuit, nodes, solver=solver, maps=len(solved) if maps else 0)
    try:
        for i, j in pairs:
            is_allowed = bool(allowed[i, j])
            if not is_allowed and not (maps and maps_of_others):
                yield _left_out((i, j))
                continue
            at = [np.searchsorted(nodes, edge) for edge in (edges[i], edges[j])]
            yield _between(whole, (i, j), (groups[i], groups[j]), at, maps=maps, counted=is_allowed)
    finally:
        whole.close()


def _left_out(pair: tuple[int, int]) -> PairFlow:
    """Return the answer for a pair that is not solved."""
    return PairFlow(*pair, UNCONNECTED, None, None, counted=False)


def _edge(circuit: Circuit, group: Ints) -> Ints:
    """Return the nodes of a region that have neighbours outside it: inside nothing flows while it is one node."""
    if group.size < 2:
        return group
    within = np.zeros(circuit.nodes, dtype=bool)
    within[group] = True
    matrix = circuit.conductances
    kept = [node for node in group if not within[matrix.indices[matrix.indptr[node] : matrix.indptr[node + 1]]].all()]
    return np.array(kept or [group[0]], dtype=np.int64)


def _between(
    whole: Terminals, pair: tuple[int, int], groups: tuple[Ints, Ints], at: list[Ints], *, maps: bool, counted: bool
) -> PairFlow:
    """Solve a pair by the factor of the whole circuit."""
    circuit = whole.circuit
    if np.intersect1d(*groups).size:
        return _in_one_node(circuit, pair, maps=maps, counted=counted)
    if not (at[0].size and at[1].size):
        return PairFlow(*pair, UNCONNECTED, None, None, counted)
    answer = whole.answer(at, np.array([GROUNDED, 1.0]))
    resistance = float(answer.voltages[1])
    if np.isnan(resistance):
        return PairFlow(*pair, UNCONNECTED, None, None, counted)
    told = resistance if counted else UNCONNECTED
    if not maps:
        return PairFlow(*pair, told, None, None, counted)
    voltages = whole.node_voltages(answer)
    for group, voltage in zip(groups, (0.0, resistance), strict=True):
        voltages[group] = voltage
    inflow, outflow = node_flows(circuit, voltages)
    currents = np.maximum(inflow, outflow)
    for group in groups:
        currents[group] = max(inflow[group].sum(), outflow[group].sum())
    return PairFlow(*pair, told, voltages, currents, counted)


def _alone(
    circuit: Circuit,
    all_groups: Sequence[Ints],
    allowed: NDArray[np.bool_],
    pair: tuple[int, int],
    *,
    maps: bool,
    solver: str,
) -> PairFlow:
    """Solve a pair by a circuit of its own, in which its regions are nodes."""
    groups, counted = (all_groups[pair[0]], all_groups[pair[1]]), bool(allowed[pair])
    if not (groups[0].size and groups[1].size):
        return PairFlow(*pair, UNCONNECTED, None, None, counted)
    smaller, labels = contracted(circuit, list(groups))
    ends = np.array([labels[groups[0][0]], labels[groups[1][0]]], dtype=np.int64)
    if ends[0] == ends[1]:
        return _in_one_node(circuit, pair, maps=maps, counted=counted)
    terminals = Terminals(smaller, np.sort(ends), solver=solver, maps=int(maps))
    at = np.searchsorted(terminals.nodes, ends)
    found = _between(terminals, pair, (ends[:1], ends[1:]), [at[:1], at[1:]], maps=maps, counted=counted)
    terminals.close()
    if found.voltages is None or found.currents is None:
        return found
    return PairFlow(*pair, found.resistance, found.voltages[labels], found.currents[labels], counted)


def _in_one_node(circuit: Circuit, pair: tuple[int, int], *, maps: bool, counted: bool) -> PairFlow:
    """Return the answer for two focal nodes in one short-circuited region: nothing flows."""
    nothing = np.zeros(circuit.nodes) if maps else None
    return PairFlow(*pair, 0.0 if counted else UNCONNECTED, nothing, nothing, counted)
