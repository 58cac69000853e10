"""Circuitscape projects run here, and what comes out under the names that Circuitscape gives it.

Names and rules: https://docs.circuitscape.org/Circuitscape.jl/latest/options/ (Output Files).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biodata.exports.circuit_maps import CircuitReport, RasterMaps, Writer
from biodata.exports.circuit_networks import NetworkLists

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor

    from biodata.analysis.circuit.graph import Circuit
    from biodata.analysis.circuit.project import PairList, Project
    from biodata.analysis.grid import Floats, Ints


@dataclass(frozen=True)
class _Case:
    """A project as a circuit with what is asked of it: focal nodes, or sources and grounds in advanced mode."""

    circuit: "Circuit"
    ids: "Ints"
    groups: tuple["Ints", ...]
    pairs: "PairList | None"
    strengths: dict[int, float] | None
    sources: "Floats | None"
    grounds: "Floats | None"
    maps: RasterMaps | NetworkLists
    notes: tuple[str, ...]


def run_project(
    project: "Project",
    out: Path,
    *,
    solver: str = "auto",
    left_out_maps: bool = True,
    executor: "Executor | None" = None,
    progress: bool = False,
) -> CircuitReport:
    """Run a project and write its files into a folder.

    Parameters
    ----------
    project : Project
    out : Path
        Made where it is missing.
    solver : str
        One of `circuit_solvers.SOLVERS`.
    left_out_maps : bool
        Write the maps of pairs that a list leaves out too, where all maps have no more than
        `circuit_maps.MOST_CELLS_OF_LEFT_OUT_PAIRS` cells.
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
        case = (_network if project.is_network else _raster)(project, writer, left_out_maps)
        if project.scenario == "advanced":
            solved, unconnected = _advanced(project, case, solver), 0
        else:
            solved, unconnected = _focal(project, case, writer, solver, executor, progress)
    notes = list(case.notes)
    if project.scenario == "advanced" and not solved:
        what = "network" if project.is_network else "habitat"
        notes.append(f"no component of the {what} has both a source and a ground: nothing flows")
    if case.maps.uncounted:
        what = f"maps of {case.maps.uncounted} pairs or focal nodes that the list leaves out"
        notes.append(f"{what} are written too, and are in no sum (not with --no-left-out-maps)")
    components = int(case.circuit.components.max(initial=-1)) + 1
    return CircuitReport(case.circuit.nodes, components, solved, unconnected, writer.files, tuple(notes))


def _raster(project: "Project", writer: Writer, left_out_maps: bool) -> _Case:
    """Read a raster project."""
    import numpy as np

    from biodata.analysis.circuit.inputs import read_raster_inputs
    from biodata.analysis.circuit.raster import raster_circuit

    inputs = read_raster_inputs(project)
    raster = raster_circuit(
        inputs,
        four_neighbours=project.flags["connect_four_neighbors_only"],
        average_resistances=project.flags["connect_using_avg_resistances"],
    )
    maps = RasterMaps(project, writer, inputs.habitat, raster, left_out=left_out_maps)
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


def _network(project: "Project", writer: Writer, _left_out_maps: bool) -> _Case:
    """Read a network project."""
    import numpy as np

    from biodata.analysis.circuit.inputs import read_network

    network = read_network(project)
    places = network.nodes[np.searchsorted(network.ids, network.focal)]
    return _Case(
        network.circuit,
        network.focal,
        tuple(places.reshape(-1, 1)),
        network.pairs,
        None,
        network.sources,
        network.grounds,
        NetworkLists(project, writer, network),
        network.notes,
    )


def _advanced(project: "Project", case: _Case, solver: str) -> int:
    """Run sources and grounds; return in how many components something flows."""
    from biodata.analysis.circuit.flows import advanced

    assert case.sources is not None  # advanced mode reads both
    assert case.grounds is not None
    flow = advanced(case.circuit, case.sources, case.grounds, policy=project.policy, solver=solver)
    case.maps.write("", flow)
    return flow.solved


def _focal(
    project: "Project",
    case: _Case,
    writer: Writer,
    solver: str,
    executor: "Executor | None",
    progress: bool,
) -> tuple[int, int]:
    """Run all pairs, or all focal nodes against the others; return how many were solved, and how many were not."""
    import numpy as np
    from tqdm import tqdm

    from biodata.analysis.circuit.flows import UNCONNECTED

    ids = case.ids
    is_pairwise = project.scenario == "pairwise"
    count = ids.size * (ids.size - 1) // 2 if is_pairwise else ids.size
    found = np.full(count, UNCONNECTED)
    ends = []
    flows = (_pairs if is_pairwise else _one_sided)(project, case, count, solver, executor)
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


def _pairs(project: "Project", case: _Case, count: int, solver: str, executor: "Executor | None") -> "Iterator[Any]":
    """Yield what flows between each two focal nodes."""
    from biodata.analysis.circuit.flows import pairwise
    from biodata.analysis.circuit.project import everybody

    partners = case.pairs.partners(case.ids) if case.pairs else everybody(case.ids)
    yield from pairwise(
        case.circuit,
        case.groups,
        partners | partners.T,
        maps=case.maps.needed,
        maps_of_others=case.maps.of_left_out(count),
        solver=solver,
        executor=executor,
    )


def _one_sided(
    project: "Project", case: _Case, count: int, solver: str, executor: "Executor | None"
) -> "Iterator[Any]":
    """Yield what flows between each focal node and all others."""
    import numpy as np

    from biodata.analysis.circuit.flows import one_to_all
    from biodata.analysis.circuit.project import everybody

    listed = case.strengths or {}
    yield from one_to_all(
        case.circuit,
        case.groups,
        case.pairs.partners(case.ids) if case.pairs else everybody(case.ids),
        np.array([listed.get(int(focal), 1.0) for focal in case.ids]),
        all_to_one=project.scenario == "all-to-one",
        listed_strengths=case.strengths is not None,
        maps=case.maps.needed,
        solver=solver,
        executor=executor,
    )
