"""Circuitscape projects run here, and what comes out under the names that Circuitscape gives it.

Names and rules: https://docs.circuitscape.org/Circuitscape.jl/latest/options/ (Output Files).
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

from biodata.exports.circuit_maps import CircuitReport, MapWriter, Progress, Writer
from biodata.exports.circuit_networks import run_network

if TYPE_CHECKING:
    from biodata.analysis.circuit.inputs import RasterInputs
    from biodata.analysis.circuit.project import Project
    from biodata.analysis.circuit.raster import RasterCircuit
    from biodata.analysis.grid import Ints

MOST_CELLS_OF_LEFT_OUT_PAIRS: Final = 2_000_000
"""Maps of pairs that a list leaves out are written too up to so many cells, and are in no sum: Circuitscape's own
verification folder has them, and where they are small a comparison finds every file."""


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
    return (run_network if project.is_network else _run_raster)(project, writer, solver)


def _run_raster(project: "Project", writer: Writer, solver: str) -> CircuitReport:
    """Run a raster project."""
    from biodata.analysis.circuit.advanced import advanced
    from biodata.analysis.circuit.inputs import read_raster_inputs
    from biodata.analysis.circuit.raster import MapStyle, raster_circuit

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
        if maps.uncounted:
            what = f"maps of {maps.uncounted} pairs or focal nodes that the list leaves out"
            notes.append(f"{what} are written too, and are in no sum (not with --no-left-out-maps)")
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

    from biodata.analysis.circuit.pairs import everybody
    from biodata.analysis.circuit.pairwise import UNCONNECTED, pairwise

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

    from biodata.analysis.circuit.one_to_all import one_to_all
    from biodata.analysis.circuit.pairs import everybody
    from biodata.analysis.circuit.pairwise import UNCONNECTED

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
