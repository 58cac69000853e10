"""Current between pairs of focal nodes, from one to all, from all to one, and from any sources to any grounds.

While a pair is active the cells of each of its regions are one node, and those of all other regions are plain habitat;
that is Circuitscape's pairwise mode (McRae et al. 2008).

One-to-all: the focal node is a source and all others are tied to ground. All-to-one: it is tied to ground and all others
are sources. Every focal region is one node while it is active. After Circuitscape's modes of these names.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse import csgraph

from biodata.analysis.circuit.graph import Circuit, contracted, in_order, node_currents, node_flows
from biodata.analysis.circuit.solvers import GROUNDED, Terminals, grounded_laplacian, solver_for
from biodata.analysis.grid import Floats, Ints

UNCONNECTED: Final = -1.0
"""What stands for an infinite resistance in Circuitscape's files."""
_FACTOR_IN_SOLVES: Final = 100
"""A factor takes about as long as this many solves: with more terminals than that for each pair, pairs go one by one."""
MOST_TERMINALS: Final = 8_000
"""The dense system of so many terminals takes 0.5 GiB."""


POLICIES: Final = ("keepall", "rmvsrc", "rmvgnd", "rmvall")
"""What to do with a node that is source and ground: keep both, remove the source, the ground, or both."""


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
    circuit: Circuit, groups: Sequence[Ints], allowed: NDArray[np.bool_], *, maps: bool = False,
    maps_of_others: bool = False, executor: Executor | None = None,
) -> Iterator[PairFlow]:  # fmt: skip
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
        work = partial(_pair_alone, circuit, groups, allowed, maps=maps)
        flows, asked = in_order(work, solved, executor), set(solved)
        for pair in pairs:
            yield next(flows) if pair in asked else _left_out(pair)
        return
    whole = Terminals(circuit, nodes, maps=len(solved) if maps else 0)
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
    number = resistance if counted else UNCONNECTED
    if not maps:
        return PairFlow(*pair, number, None, None, counted)
    voltages = whole.node_voltages(answer)
    for group, voltage in zip(groups, (0.0, resistance), strict=True):
        voltages[group] = voltage
    inflow, outflow = node_flows(circuit, voltages)
    currents = np.maximum(inflow, outflow)
    for group in groups:
        currents[group] = max(inflow[group].sum(), outflow[group].sum())
    return PairFlow(*pair, number, voltages, currents, counted)


def _pair_alone(
    circuit: Circuit, all_groups: Sequence[Ints], allowed: NDArray[np.bool_], pair: tuple[int, int], *, maps: bool
) -> PairFlow:
    """Solve a pair by a circuit of its own, in which its regions are nodes."""
    groups, counted = (all_groups[pair[0]], all_groups[pair[1]]), bool(allowed[pair])
    if not (groups[0].size and groups[1].size):
        return PairFlow(*pair, UNCONNECTED, None, None, counted)
    smaller, labels = contracted(circuit, list(groups))
    ends = np.array([labels[groups[0][0]], labels[groups[1][0]]], dtype=np.int64)
    if ends[0] == ends[1]:
        return _in_one_node(circuit, pair, maps=maps, counted=counted)
    terminals = Terminals(smaller, np.sort(ends), maps=int(maps))
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
    circuit: Circuit, groups: Sequence[Ints], partners: NDArray[np.bool_], strengths: Floats, *,
    all_to_one: bool = False, listed_strengths: bool = False, maps: bool = False, executor: Executor | None = None,
) -> Iterator[FocalFlow]:  # fmt: skip
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
    executor : concurrent.futures.Executor, optional
        Where focal nodes are solved that need a circuit of their own: many large regions of which not all face each
        other. What comes from one factor is done here.

    Yields
    ------
    FocalFlow
    """
    case = _Case(tuple(groups), partners, strengths, all_to_one, listed_strengths, maps)
    size = sum(group.size for group in groups)
    everyone = bool((partners | np.eye(len(groups), dtype=bool)).all())
    if everyone and size > len(groups):  # every region is active all the time, so it is one node once and for all
        yield from _joined(circuit, case, tuple(groups), range(len(groups)))
    elif size > MOST_TERMINALS:
        yield from in_order(partial(_focal_alone, circuit, case), range(len(groups)), executor)
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

    def chosen(self, focal: int) -> NDArray[np.bool_]:
        """Return which others take part: all, where there is none and maps are asked for."""
        chosen: NDArray[np.bool_] = self.partners[focal].copy()
        chosen[focal] = False
        if not chosen.any():
            chosen[:] = self.maps
            chosen[focal] = False
        return chosen


def _focal_alone(circuit: Circuit, case: _Case, focal: int) -> FocalFlow:
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
    terminals = Terminals(circuit, nodes, maps=len(focals) if case.maps else 0)
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
    terminals: Terminals, places: list[Ints], focal: int, others: Ints, strengths: Floats, extra: list[Ints],
    all_to_one: bool, maps: bool,
) -> FocalFlow:  # fmt: skip
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


@dataclass(frozen=True, slots=True)
class AdvancedFlow:
    """What flows.

    Attributes
    ----------
    voltages, currents : ndarray of float64, (nodes,)
        0 in components that lack a source or a ground.
    solved : int
        Number of components in which something flows.
    grounds : ndarray of float64, (nodes,)
        Conductance of each node's resistor to ground after conflicts were settled; inf for a direct connection.
    """

    voltages: Floats
    currents: Floats
    solved: int
    grounds: Floats

    @property
    def active(self) -> tuple[int, ...]:
        """Positions of focal nodes that took part: this mode has none."""
        return ()


def advanced(circuit: Circuit, sources: Floats, grounds: Floats, *, policy: str = "keepall") -> AdvancedFlow:
    """Solve a circuit with sources and grounds.

    Parameters
    ----------
    circuit : Circuit
    sources : ndarray of float64, (nodes,)
        Current injected into each node, amperes; below 0 where it is drawn out.
    grounds : ndarray of float64, (nodes,)
        Conductance of the resistor from each node to ground; inf for a direct connection, 0 for none.
    policy : str
        One of `POLICIES`, for nodes that are both. Whatever it says, a source that is tied directly to ground loses the
        ground, as nothing could flow from it.

    Returns
    -------
    AdvancedFlow
    """
    both = (sources != 0) & (grounds != 0)
    if policy in {"rmvsrc", "rmvall"}:
        sources = np.where(both, 0.0, sources)
    if policy in {"rmvgnd", "rmvall"}:
        grounds = np.where(both, 0.0, grounds)
    direct = np.isinf(grounds)
    grounds = np.where(direct & (sources != 0), 0.0, grounds)
    direct = np.isinf(grounds)
    finite = np.where(direct, 0.0, grounds)
    components = int(circuit.components.max(initial=-1)) + 1
    has_source = np.bincount(circuit.components[sources != 0], minlength=components) > 0
    has_ground = np.bincount(circuit.components[grounds != 0], minlength=components) > 0
    flows = has_source & has_ground
    voltages = np.zeros(circuit.nodes)
    kept = np.flatnonzero(flows[circuit.components] & ~direct)
    if kept.size:
        system = solver_for(grounded_laplacian(circuit, kept, finite))
        voltages[kept] = system.solve(sources[kept])
        system.close()
    return AdvancedFlow(voltages, node_currents(circuit, voltages, finite), int(flows.sum()), grounds)
