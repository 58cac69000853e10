"""Current from one focal node to all others, and from all others to one, from one factor of the circuit.

One-to-all: the focal node is a source and all others are tied to ground. All-to-one: it is tied to ground and all others
are sources. Every focal region is one node while it is active. After Circuitscape's modes of these names.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from biodata.analysis.circuit_currents import node_flows
from biodata.analysis.circuit_graph import Circuit
from biodata.analysis.circuit_pairwise import UNCONNECTED
from biodata.analysis.circuit_terminals import GROUNDED, Terminals
from biodata.analysis.grid import Floats, Ints


@dataclass(frozen=True, slots=True)
class FocalFlow:
    """What flows when one focal node faces all others.

    Attributes
    ----------
    focal : int
        Position of the focal node.
    resistance : float
        One-to-all: voltage at the source for each ampere; all-to-one: 0. `UNCONNECTED` where nothing can flow.
    voltages, currents : ndarray of float64, (nodes,), optional
        Of every node; 0 where nothing flows. None where no maps were asked for.
    active : tuple of int
        Positions of the focal nodes that took part.
    counted : bool
        Whether it belongs into sums; False for a focal node that a list leaves without partners.
    """

    focal: int
    resistance: float
    voltages: Floats | None
    currents: Floats | None
    active: tuple[int, ...]
    counted: bool = True


def one_to_all(
    circuit: Circuit,
    groups: Sequence[Ints],
    partners: NDArray[np.bool_],
    strengths: Floats,
    *,
    all_to_one: bool = False,
    listed_strengths: bool = False,
    maps: bool = False,
    solver: str = "auto",
) -> Iterator[FocalFlow]:
    """Solve for every focal node in turn.

    Parameters
    ----------
    circuit : Circuit
    groups : sequence of ndarray of int64
        The nodes of each focal node, each once; empty where it lies on no data.
    partners : ndarray of bool, (groups, groups)
        For each focal node in the rows, which others take part.
    strengths : ndarray of float64, (groups,)
        Current of each focal node as a source, amperes.
    all_to_one : bool
        The focal node is the ground and the others are sources.
    listed_strengths : bool
        The strengths come from a list. Then, in all-to-one, focal nodes that are no partners still inject 1 A, as
        Circuitscape has it.
    maps : bool
        Also return voltages and currents; for a focal node without partners those that all others would give, not
        counted.
    solver : str
        One of `circuit_solvers.SOLVERS`.

    Yields
    ------
    FocalFlow
    """
    nodes = np.unique(np.concatenate([*groups, np.empty(0, dtype=np.int64)]))
    terminals = Terminals(circuit, nodes, solver=solver, maps=len(groups) if maps else 0)
    places = [np.searchsorted(nodes, group) for group in groups]
    try:
        for focal in range(len(groups)):
            chosen = partners[focal].copy()
            chosen[focal] = False
            counted = bool(chosen.any())
            if not counted:
                chosen[:] = maps
                chosen[focal] = False
            idle = [at for at in range(len(groups)) if not chosen[at] and at != focal]
            extra = [places[at][:1] for at in idle] if all_to_one and listed_strengths and counted else []
            found = _solve(terminals, places, focal, np.flatnonzero(chosen), strengths, extra, all_to_one, maps)
            yield found if counted else FocalFlow(focal, UNCONNECTED, found.voltages, found.currents, (focal,), False)
    finally:
        terminals.close()


def _solve(
    terminals: Terminals,
    places: list[Ints],
    focal: int,
    others: Ints,
    strengths: Floats,
    extra: list[Ints],
    all_to_one: bool,
    maps: bool,
) -> FocalFlow:
    """Solve for one focal node."""
    taking = [focal, *(int(at) for at in others)]
    active = tuple(sorted(taking))
    nothing = np.zeros(terminals.circuit.nodes) if maps else None
    unconnected = FocalFlow(focal, UNCONNECTED, nothing, nothing, active)
    if not places[focal].size or (not all_to_one and strengths[focal] == 0):
        return unconnected
    groups = [places[at] for at in taking] + extra
    amounts = [float(strengths[at]) for at in taking] + [1.0] * len(extra)
    merged, owner = _merged(groups)
    own = owner[0]
    injections = np.full(len(merged), 0.0 if all_to_one else GROUNDED)
    if all_to_one:
        for at, amount in enumerate(amounts):
            if groups[at].size:
                injections[owner[at]] += amount
        injections[own] = GROUNDED
    else:
        injections[own] = strengths[focal]
    answer = terminals.answer(merged, injections)
    if all_to_one:
        connected = ~np.isnan(answer.voltages)
        connected[own] = False
        if not (injections[connected] != 0).any():
            return unconnected
        resistance = 0.0
    else:
        resistance = float(answer.voltages[own] / strengths[focal])
        if np.isnan(resistance):
            return unconnected
    if not maps:
        return FocalFlow(focal, resistance, None, None, active)
    voltages = terminals.node_voltages(answer)
    for group, voltage in zip(merged, answer.voltages, strict=True):
        if not np.isnan(voltage):
            voltages[terminals.nodes[group]] = voltage
    inflow, outflow = node_flows(terminals.circuit, voltages)
    currents = np.maximum(inflow, outflow)
    for group in merged:
        at_nodes = terminals.nodes[group]
        currents[at_nodes] = max(inflow[at_nodes].sum(), outflow[at_nodes].sum())
    return FocalFlow(focal, resistance, voltages, currents, active)


def _merged(groups: list[Ints]) -> tuple[list[Ints], Ints]:
    """Join groups that share a terminal; return them, and which one each group went into, -1 for empty groups."""
    first = np.concatenate([np.full(group.size, at) for at, group in enumerate(groups)])
    terminals, second = np.unique(np.concatenate(groups), return_inverse=True)
    size = len(groups) + terminals.size
    matrix = sparse.coo_array((np.ones(first.size), (first, len(groups) + second)), shape=(size, size))
    _, cluster = csgraph.connected_components(matrix, directed=False)
    filled = np.array([group.size > 0 for group in groups])
    owner = np.full(len(groups), -1, dtype=np.int64)
    numbers, owner[filled] = np.unique(cluster[: len(groups)][filled], return_inverse=True)
    of_terminal = cluster[len(groups) :]
    return [terminals[of_terminal == number] for number in numbers], owner
