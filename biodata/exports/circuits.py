"""Circuitscape projects run here, and what comes out under the names that Circuitscape gives it.

Names and rules: https://docs.circuitscape.org/Circuitscape.jl/latest/options/ (Output Files).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from biodata.exports.circuit_maps import MapWriter, Progress, Writer

if TYPE_CHECKING:
    from biodata.analysis.circuit_inputs import RasterInputs
    from biodata.analysis.circuit_network import NetworkInputs
    from biodata.analysis.circuit_project import Project
    from biodata.analysis.circuit_raster import RasterCircuit
    from biodata.analysis.grid import Floats, Ints

LEAST_BRANCH_CURRENT: Final = 1e-6
"""Amperes below which the current of a branch is not written, as in Circuitscape."""
MOST_CELLS_OF_LEFT_OUT_PAIRS: Final = 2_000_000
"""Maps of pairs that a list leaves out are written too up to so many cells, and are in no sum: Circuitscape's own
verification folder has them, and where they are small a comparison finds every file."""


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


def run_project(
    project: "Project",
    out: Path,
    *,
    solver: str = "auto",
    left_out_maps: bool = True,
    progress: Progress | None = None,
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
        `MOST_CELLS_OF_LEFT_OUT_PAIRS` cells.
    progress : function of int and int, optional
        Called with how many pairs or focal nodes are done, of how many.

    Returns
    -------
    CircuitReport

    Raises
    ------
    InputError
        If a file of the project cannot be used.
    """
    writer = Writer(out, project.prefix, progress or (lambda done, of: None), left_out_maps)
    out.mkdir(parents=True, exist_ok=True)
    return (_run_network if project.is_network else _run_raster)(project, writer, solver)


def _run_raster(project: "Project", writer: Writer, solver: str) -> CircuitReport:
    """Run a raster project."""
    from biodata.analysis.circuit_advanced import advanced
    from biodata.analysis.circuit_inputs import read_raster_inputs
    from biodata.analysis.circuit_raster import MapStyle, raster_circuit

    flags = project.flags
    inputs = read_raster_inputs(project)
    raster = raster_circuit(
        inputs,
        four_neighbours=flags["connect_four_neighbors_only"],
        average_resistances=flags["connect_using_avg_resistances"],
    )
    style = MapStyle(
        log_currents=flags["log_transform_maps"],
        currents_nodata=flags["set_null_currents_to_nodata"],
        voltages_nodata=flags["set_null_voltages_to_nodata"],
        focal_currents_zero=flags["set_focal_node_currents_to_zero"],
    )
    maps = MapWriter(project, writer, inputs.habitat, raster, style)
    notes = list(inputs.notes)
    if inputs.focal is None:
        assert inputs.sources is not None  # advanced mode reads both
        assert inputs.grounds is not None
        sources, grounds = raster.node_sums(inputs.sources), raster.node_sums(inputs.grounds)
        flow = advanced(raster.circuit, sources, grounds, policy=project.policy, solver=solver)
        maps.write("", flow, ())
        solved, unconnected = flow.solved, 0
        if not solved:
            notes.append("no component of the habitat has both a source and a ground: nothing flows")
    else:
        empty = [str(focal) for focal, group in zip(inputs.focal.ids, raster.groups, strict=True) if not group.size]
        if empty:
            notes.append(f"no current reaches focal nodes on cells without data: {', '.join(empty)}")
        run = _pairs if project.scenario == "pairwise" else _one_to_all
        solved, unconnected = run(project, writer, inputs, inputs.focal.ids, raster, maps, solver)
        maps.write_sums()
    components = int(raster.circuit.components.max(initial=-1)) + 1
    return CircuitReport(raster.circuit.nodes, components, solved, unconnected, writer.files, tuple(notes))


def _pairs(
    project: "Project",
    writer: Writer,
    inputs: "RasterInputs",
    ids: "Ints",
    raster: "RasterCircuit",
    maps: MapWriter,
    solver: str,
) -> tuple[int, int]:
    """Run all pairs; return how many were solved, and how many were not."""
    import numpy as np

    from biodata.analysis.circuit_pairs import everybody
    from biodata.analysis.circuit_pairwise import UNCONNECTED, pairwise

    partners = inputs.pairs.partners(ids) if inputs.pairs else everybody(ids)
    count = ids.size * (ids.size - 1) // 2
    others = writer.left_out_maps and maps.each and count * raster.nodes.size <= MOST_CELLS_OF_LEFT_OUT_PAIRS
    matrix = np.zeros((ids.size, ids.size))
    flows = pairwise(
        raster.circuit,
        raster.groups,
        partners | partners.T,
        maps=maps.needed,
        maps_of_others=others,
        solver=solver,
    )
    for done, flow in enumerate(flows, start=1):
        i, j = flow.first, flow.second
        matrix[i, j] = matrix[j, i] = flow.resistance
        if flow.currents is not None:
            maps.write(f"_{ids[i]}_{ids[j]}", flow, (i, j), counted=flow.counted)
        writer.progress(done, count)
    writer.resistances(ids, matrix)
    unconnected = int((matrix == UNCONNECTED).sum()) // 2
    return count - unconnected, unconnected


def _one_to_all(
    project: "Project",
    writer: Writer,
    inputs: "RasterInputs",
    ids: "Ints",
    raster: "RasterCircuit",
    maps: MapWriter,
    solver: str,
) -> tuple[int, int]:
    """Run all focal nodes against the others; return how many were solved, and how many were not."""
    import numpy as np

    from biodata.analysis.circuit_one_to_all import one_to_all
    from biodata.analysis.circuit_pairs import everybody
    from biodata.analysis.circuit_pairwise import UNCONNECTED

    listed = inputs.strengths or {}
    flows = one_to_all(
        raster.circuit,
        raster.groups,
        inputs.pairs.partners(ids) if inputs.pairs else everybody(ids),
        np.array([listed.get(int(focal), 1.0) for focal in ids]),
        all_to_one=project.scenario == "all-to-one",
        listed_strengths=inputs.strengths is not None,
        maps=maps.needed,
        solver=solver,
    )
    resistances = []
    for done, flow in enumerate(flows, start=1):
        resistances.append(flow.resistance)
        if flow.currents is not None:
            maps.write(f"_{ids[flow.focal]}", flow, flow.active, counted=flow.counted)
        writer.progress(done, ids.size)
    writer.table("resistances.out", zip(ids, resistances, strict=True))
    unconnected = resistances.count(UNCONNECTED)
    return ids.size - unconnected, unconnected


def _run_network(project: "Project", writer: Writer, solver: str) -> CircuitReport:
    """Run a network project."""
    import numpy as np

    from biodata.analysis.circuit_advanced import advanced
    from biodata.analysis.circuit_network import read_network
    from biodata.analysis.circuit_pairs import everybody
    from biodata.analysis.circuit_pairwise import UNCONNECTED, pairwise

    flags = project.flags
    network = read_network(project)
    components = int(network.circuit.components.max(initial=-1)) + 1
    currents = flags["write_cur_maps"] or flags["write_cum_cur_map_only"]
    everywhere = np.ones(network.circuit.nodes, dtype=bool)
    if project.scenario == "advanced":
        flow = advanced(network.circuit, network.sources, network.grounds, policy=project.policy, solver=solver)
        _write_flow(project, writer, network, "", flow.voltages, flow.currents, everywhere, currents)
        notes = network.notes
        if not flow.solved:
            notes = (*notes, "no component of the network has both a source and a ground: nothing flows")
        return CircuitReport(network.circuit.nodes, components, flow.solved, 0, writer.files, notes)
    ids = network.focal
    partners = network.pairs.partners(ids) if network.pairs else everybody(ids)
    groups = [network.nodes[np.searchsorted(network.ids, focal)].reshape(1) for focal in ids]
    maps = currents or flags["write_volt_maps"]
    matrix = np.zeros((ids.size, ids.size))
    sums = [np.zeros(network.circuit.nodes), np.zeros(_branches(network, everywhere, everywhere * 0.0)[1].size)]
    count = ids.size * (ids.size - 1) // 2
    flows = pairwise(network.circuit, groups, partners | partners.T, maps=maps, solver=solver)
    for done, found in enumerate(flows, start=1):
        i, j = found.first, found.second
        matrix[i, j] = matrix[j, i] = found.resistance
        if found.voltages is not None and found.currents is not None:
            component = network.circuit.components == network.circuit.components[groups[i][0]]
            name = f"_{ids[i]}_{ids[j]}"
            _write_flow(project, writer, network, name, found.voltages, found.currents, component, currents)
            sums[0] += found.currents
            sums[1] += _branches(network, everywhere, found.voltages)[1]
        writer.progress(done, count)
    writer.resistances(ids, matrix)
    if currents:
        writer.table("node_currents_cum.txt", zip(network.ids, sums[0][network.nodes], strict=True), "\t")
        ends = _branches(network, everywhere, everywhere * 0.0)[0]
        _write_branches(writer, "branch_currents_cum.txt", ends, sums[1])
    unconnected = int((matrix == UNCONNECTED).sum()) // 2
    return CircuitReport(
        network.circuit.nodes, components, count - unconnected, unconnected, writer.files, network.notes
    )


def _write_flow(
    project: "Project",
    writer: Writer,
    network: "NetworkInputs",
    name: str,
    voltages: "Floats",
    currents: "Floats",
    within: "Floats",
    with_currents: bool,
) -> None:
    """Write voltages and currents of the nodes within a component."""
    shown = within[network.nodes]
    ids, nodes = network.ids[shown], network.nodes[shown]
    if project.flags["write_volt_maps"]:
        writer.table(f"voltages{name}.txt", zip(ids, voltages[nodes], strict=True), "\t")
    if with_currents:
        writer.table(f"node_currents{name}.txt", zip(ids, currents[nodes], strict=True), "\t")
        _write_branches(writer, f"branch_currents{name}.txt", *_branches(network, within, voltages))


def _branches(network: "NetworkInputs", within: "Floats", voltages: "Floats") -> tuple["Ints", "Floats"]:
    """Return the ends, by their ids, and currents of the branches within a component."""
    import numpy as np

    from biodata.analysis.circuit_currents import branch_currents

    first, second, currents = branch_currents(network.circuit, voltages)
    shown = within[first].astype(bool)
    name_of = np.zeros(network.circuit.nodes, dtype=np.int64)
    name_of[network.nodes[::-1]] = network.ids[::-1]
    return np.stack([name_of[first[shown]], name_of[second[shown]]], axis=1), currents[shown]


def _write_branches(writer: Writer, name: str, ends: "Ints", currents: "Floats") -> None:
    """Write the branches that carry a current."""
    carries = currents > LEAST_BRANCH_CURRENT
    rows = ([a, b, current] for (a, b), current in zip(ends[carries], currents[carries], strict=True))
    writer.table(name, rows, "\t")
