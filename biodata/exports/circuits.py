"""Circuitscape's projects run here: read, solved, and written under the names that Circuitscape gives."""

from collections.abc import Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from biodata.analysis.circuit.flows import UNCONNECTED, advanced, one_to_all, pairwise
from biodata.analysis.circuit.graph import Circuit, RasterCircuit, cell_nodes, landscape
from biodata.analysis.circuit.inputs import RasterInputs, read_network, read_raster_inputs
from biodata.analysis.circuit.project import PairList, Project, everybody
from biodata.analysis.grid import Floats, Ints
from biodata.exports.circuit_files import NetworkLists, RasterMaps, Writer


@dataclass(frozen=True, slots=True)
class CircuitReport:
    """What a run did.

    Attributes
    ----------
    nodes, components : int
        Of the circuit.
    solved : int
        Pairs, focal nodes or components in which something flowed.
    unconnected : int
        Pairs or focal nodes between which nothing can flow, or that a list leaves out.
    files : int
        Number of files written.
    notes : tuple of str
        What a user should know.
    """

    nodes: int
    components: int
    solved: int
    unconnected: int
    files: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Case:
    """A project as a circuit with what is asked of it: focal nodes, or sources and grounds in advanced mode."""

    circuit: Circuit
    ids: Ints
    groups: tuple[Ints, ...]
    pairs: PairList | None
    strengths: dict[int, float] | None
    sources: Floats | None
    grounds: Floats | None
    maps: RasterMaps | NetworkLists
    notes: tuple[str, ...]


def run_project(
    project: Project, out: Path, *, executor: Executor | None = None, progress: bool = False
) -> CircuitReport:
    """Run a project and write its files into a folder.

    Parameters
    ----------
    project : Project
    out : Path
        Made where it is missing.
    executor : concurrent.futures.Executor, optional
        Where maps become files, and where pairs and focal nodes are solved that need a circuit of their own. The files
        are the same wherever that is.
    progress : bool
        Show a progress bar.

    Returns
    -------
    CircuitReport

    Raises
    ------
    InputError
        If a file of the project cannot be used.
    """
    out.mkdir(parents=True, exist_ok=True)
    with Writer(out, project.prefix, executor) as writer:
        case = (_network if project.is_network else _raster)(project, writer)
        if project.scenario == "advanced":
            solved, unconnected = _advanced(project, case), 0
        else:
            solved, unconnected = _focal(project, case, writer, executor, progress)
    notes = list(case.notes)
    if project.scenario == "advanced" and not solved:
        what = "network" if project.is_network else "habitat"
        notes.append(f"no component of the {what} has both a source and a ground: nothing flows")
    if case.maps.uncounted:
        what = f"maps of {case.maps.uncounted} pairs or focal nodes that the list leaves out"
        notes.append(f"{what} are written too, and are in no sum")
    components = int(case.circuit.components.max(initial=-1)) + 1
    return CircuitReport(case.circuit.nodes, components, solved, unconnected, writer.files, tuple(notes))


def raster_circuit(inputs: RasterInputs, *, four_neighbours: bool, average_resistances: bool) -> RasterCircuit:
    """Make a circuit of a raster project's files.

    Parameters
    ----------
    inputs : RasterInputs
    four_neighbours, average_resistances : bool
        As of `circuit_graph.landscape`.

    Returns
    -------
    RasterCircuit
    """
    conductance = inputs.conductance
    nodes, count = cell_nodes(conductance, inputs.polygons, four_neighbours=four_neighbours)
    whole = landscape(
        conductance, nodes, count, four_neighbours=four_neighbours, average_resistances=average_resistances
    )
    groups, beside = [], []
    for cells in inputs.focal.cells if inputs.focal else ():
        own = nodes.reshape(-1)[cells]
        groups.append(np.unique(own[own >= 0]).astype(np.int64))
        beside.append(cells[own < 0])
    return RasterCircuit(whole, nodes, conductance == 0, tuple(groups), tuple(beside))


def _raster(project: Project, writer: Writer) -> _Case:
    """Read a raster project."""
    inputs = read_raster_inputs(project)
    raster = raster_circuit(
        inputs,
        four_neighbours=project.flags["connect_four_neighbors_only"],
        average_resistances=project.flags["connect_using_avg_resistances"],
    )
    maps = RasterMaps(project, writer, inputs.habitat, raster)
    ids = inputs.focal.ids if inputs.focal else np.empty(0, dtype=np.int64)
    empty = [str(focal) for focal, group in zip(ids, raster.groups, strict=True) if not group.size]
    notes = inputs.notes
    if empty:
        notes = (*notes, f"no current reaches focal nodes on cells without data: {', '.join(empty)}")
    for what, values in (("sources", inputs.sources), ("grounds", inputs.grounds)):
        lost = 0 if values is None else int(((values != 0) & (raster.nodes < 0)).sum())
        if lost:
            notes = (*notes, f"{what} on cells without data do nothing: {lost}")
    sources, grounds = (
        None if values is None else raster.node_sums(values) for values in (inputs.sources, inputs.grounds)
    )
    return _Case(raster.circuit, ids, raster.groups, inputs.pairs, inputs.strengths, sources, grounds, maps, notes)


def _network(project: Project, writer: Writer) -> _Case:
    """Read a network project."""
    network = read_network(project)
    places = network.nodes[np.searchsorted(network.ids, network.focal)]
    return _Case(
        network.circuit, network.focal, tuple(places.reshape(-1, 1)), network.pairs, None, network.sources,
        network.grounds, NetworkLists(project, writer, network), network.notes,
    )  # fmt: skip


def _advanced(project: Project, case: _Case) -> int:
    """Run sources and grounds; return in how many components something flows."""
    assert case.sources is not None  # advanced mode reads both
    assert case.grounds is not None
    flow = advanced(case.circuit, case.sources, case.grounds, policy=project.policy)
    case.maps.write("", flow)
    return flow.solved


def _focal(project: Project, case: _Case, writer: Writer, executor: Executor | None, progress: bool) -> tuple[int, int]:
    """Run all pairs, or all focal nodes against the others; return how many were solved, and how many were not."""
    ids = case.ids
    is_pairwise = project.scenario == "pairwise"
    count = ids.size * (ids.size - 1) // 2 if is_pairwise else ids.size
    found = np.full(count, UNCONNECTED)
    ends = []
    flows = (_pairs if is_pairwise else _one_sided)(project, case, count, executor)
    unit = "pair" if is_pairwise else "focal node"
    for at, flow in enumerate(tqdm(flows, total=count, unit=unit, disable=not progress)):
        found[at] = flow.resistance
        ends.append(flow.named)
        if flow.currents is not None:
            case.maps.write("".join(f"_{ids[one]}" for one in flow.named), flow, counted=flow.counted)
    if is_pairwise:
        matrix = np.zeros((ids.size, ids.size))
        for (i, j), resistance in zip(ends, found, strict=True):
            matrix[i, j] = matrix[j, i] = resistance
        writer.resistances(ids, matrix)
    else:
        writer.table("resistances.out", zip(ids, found, strict=True))
    case.maps.write_sums()
    unconnected = int((found == UNCONNECTED).sum())
    return count - unconnected, unconnected


def _pairs(project: Project, case: _Case, count: int, executor: Executor | None) -> Iterator[Any]:
    """Yield what flows between each two focal nodes."""
    partners = case.pairs.partners(case.ids) if case.pairs else everybody(case.ids)
    yield from pairwise(
        case.circuit, case.groups, partners | partners.T, maps=case.maps.needed,
        maps_of_others=case.maps.of_left_out(count), executor=executor,
    )  # fmt: skip


def _one_sided(project: Project, case: _Case, count: int, executor: Executor | None) -> Iterator[Any]:
    """Yield what flows between each focal node and all others."""
    listed = case.strengths or {}
    yield from one_to_all(
        case.circuit,
        case.groups,
        case.pairs.partners(case.ids) if case.pairs else everybody(case.ids),
        np.array([listed.get(int(focal), 1.0) for focal in case.ids]),
        all_to_one=project.scenario == "all-to-one",
        listed_strengths=case.strengths is not None,
        maps=case.maps.needed,
        executor=executor,
    )
