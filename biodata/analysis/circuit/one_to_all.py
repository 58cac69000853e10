"""Current from one focal node to all others, and from all others to one, from one factor of the circuit.

One-to-all: the focal node is a source and all others are tied to ground. All-to-one: it is tied to ground and all others
are sources. Every focal region is one node while it is active. After Circuitscape's modes of these names.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from biodata.analysis.circuit.currents import node_flows
from biodata.analysis.circuit.graph import Circuit, contracted
from biodata.analysis.circuit.pairwise import MOST_TERMINALS, UNCONNECTED
from biodata.analysis.circuit.tasks import in_order
from biodata.analysis.circuit.terminals import GROUNDED, Terminals
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

    @property
    def named(self) -> tuple[int, ...]:
        """Positions of the focal nodes that its files are named after."""
        return (self.focal,)


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
    executor: Executor | None = None,
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
        Also return voltages and currents; for a focal node without partners those that all others would give (with
        1 A each in all-to-one), not counted.
    solver : str
        One of `circuit_solvers.SOLVERS`.
    executor : concurrent.futures.Executor, optional
        Where focal nodes are solved that need a circuit of their own: many large regions of which not all face each
        other. What comes from one factor is done here.

    Yields
    ------
    FocalFlow
    """
    case = _Case(tuple(groups), partners, strengths, all_to_one, listed_strengths, maps, solver)
    size = sum(group.size for group in groups)
    everyone = bool((partners | np.eye(len(groups), dtype=bool)).all())
    if everyone and size > len(groups):  # every region is active all the time, so it is one node once and for all
        yield from _joined(circuit, case, tuple(groups), range(len(groups)))
    elif size > MOST_TERMINALS:
        yield from in_order(partial(_alone, circuit, case), range(len(groups)), executor)
    else:
        yield from _run(circuit, case, range(len(groups)))


@dataclass(frozen=True, slots=True)
class _Case:
    """What one_to_all was asked."""

    groups: tuple[Ints, ...]
    partners: NDArray[np.bool_]
    strengths: Floats
    all_to_one: bool
    listed_strengths: bool
    maps: bool
    solver: str

    def chosen(self, focal: int) -> NDArray[np.bool_]:
        """Return which others take part: all, where there is none and maps are asked for."""
        chosen: NDArray[np.bool_] = self.partners[focal].copy()
        chosen[focal] = False
        if not chosen.any():
            chosen[:] = self.maps
            chosen[focal] = False
        return chosen


def _alone(circuit: Circuit, case: _Case, focal: int) -> FocalFlow:
    """Solve for one focal node on a circuit of its own."""
    active = [case.groups[at] for at in (focal, *np.flatnonzero(case.chosen(focal)))]
    (flow,) = _joined(circuit, case, tuple(active), [focal])
    return flow


def _joined(circuit: Circuit, case: _Case, active: tuple[Ints, ...], focals: Sequence[int]) -> Iterator[FocalFlow]:
    """Solve on a circuit in which active regions are nodes, and tell the answers on the nodes of the whole."""
    smaller, labels = contracted(circuit, [group for group in active if group.size])
    ends = tuple(labels[group[:1]].astype(np.int64) for group in case.groups)
    for flow in _run(smaller, replace(case, groups=ends), focals):
        if flow.voltages is None or flow.currents is None:
            yield flow
        else:
            yield replace(flow, voltages=flow.voltages[labels], currents=flow.currents[labels])


def _run(circuit: Circuit, case: _Case, focals: Sequence[int]) -> Iterator[FocalFlow]:
    """Solve for some focal nodes by one factor."""
    nodes = np.unique(np.concatenate([*case.groups, np.empty(0, dtype=np.int64)]))
    terminals = Terminals(circuit, nodes, solver=case.solver, maps=len(focals) if case.maps else 0)
    places = [np.searchsorted(nodes, group) for group in case.groups]
    with_idle = case.all_to_one and case.listed_strengths
    try:
        for focal in focals:
            chosen = case.chosen(focal)
            counted = bool(case.partners[focal].any())
            idle = [at for at in range(len(places)) if not chosen[at] and at != focal]
            extra = [places[at][:1] for at in idle] if with_idle and counted else []
            amounts = np.ones_like(case.strengths) if with_idle and not counted else case.strengths
            others = np.flatnonzero(chosen)
            found = _solve(terminals, places, focal, others, amounts, extra, case.all_to_one, case.maps)
            yield found if counted else replace(found, resistance=UNCONNECTED, active=(focal,), counted=False)
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
