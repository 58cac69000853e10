"""Circuitscape's network projects run here, and what comes out under the names that Circuitscape gives it."""

from typing import TYPE_CHECKING, Final

from biodata.exports.circuit_maps import CircuitReport, Writer

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from biodata.analysis.circuit.network import NetworkInputs
    from biodata.analysis.circuit.project import Project
    from biodata.analysis.grid import Floats, Ints

LEAST_BRANCH_CURRENT: Final = 1e-6
"""Amperes below which the current of a branch is not written, as in Circuitscape."""


def run_network(project: "Project", writer: Writer, solver: str) -> CircuitReport:
    """Run a network project."""
    from biodata.analysis.circuit.network import read_network

    network = read_network(project)
    run = _advanced if project.scenario == "advanced" else _pairs
    solved, unconnected = run(project, writer, network, solver)
    notes = network.notes
    if project.scenario == "advanced" and not solved:
        notes = (*notes, "no component of the network has both a source and a ground: nothing flows")
    components = int(network.circuit.components.max(initial=-1)) + 1
    return CircuitReport(network.circuit.nodes, components, solved, unconnected, writer.files, notes)


def _advanced(project: "Project", writer: Writer, network: "NetworkInputs", solver: str) -> tuple[int, int]:
    """Run sources and grounds; return in how many components something flows."""
    import numpy as np

    from biodata.analysis.circuit.advanced import advanced

    flow = advanced(network.circuit, network.sources, network.grounds, policy=project.policy, solver=solver)
    everywhere = np.ones(network.circuit.nodes, dtype=bool)
    _write(project, writer, network, "", flow.voltages, flow.currents, everywhere)
    return flow.solved, 0


def _pairs(project: "Project", writer: Writer, network: "NetworkInputs", solver: str) -> tuple[int, int]:
    """Run all pairs; return how many were solved, and how many were not."""
    import numpy as np

    from biodata.analysis.circuit.currents import branch_currents
    from biodata.analysis.circuit.pairs import everybody
    from biodata.analysis.circuit.pairwise import UNCONNECTED, pairwise

    whole, ids = network.circuit, network.focal
    partners = network.pairs.partners(ids) if network.pairs else everybody(ids)
    groups = [network.nodes[np.searchsorted(network.ids, focal)].reshape(1) for focal in ids]
    with_currents = _with_currents(project)
    count = ids.size * (ids.size - 1) // 2
    matrix = np.zeros((ids.size, ids.size))
    node_sums = np.zeros(whole.nodes)
    branch_sums = np.zeros(whole.conductances.nnz // 2)
    flows = pairwise(
        whole,
        groups,
        partners | partners.T,
        maps=with_currents or project.flags["write_volt_maps"],
        solver=solver,
    )
    for done, flow in enumerate(flows, start=1):
        i, j = flow.first, flow.second
        matrix[i, j] = matrix[j, i] = flow.resistance
        if flow.voltages is not None and flow.currents is not None:
            component = whole.components == whole.components[groups[i][0]]
            _write(project, writer, network, f"_{ids[i]}_{ids[j]}", flow.voltages, flow.currents, component)
            node_sums += flow.currents
            branch_sums += branch_currents(whole, flow.voltages)[2]
        writer.progress(done, count)
    writer.resistances(ids, matrix)
    if with_currents:
        writer.table("node_currents_cum.txt", zip(network.ids, node_sums[network.nodes], strict=True), "\t")
        first, second, _ = branch_currents(whole, np.zeros(whole.nodes))
        _write_branches(writer, "branch_currents_cum.txt", network, first, second, branch_sums)
    unconnected = int((matrix == UNCONNECTED).sum()) // 2
    return count - unconnected, unconnected


def _with_currents(project: "Project") -> bool:
    """Tell whether currents are written."""
    return project.flags["write_cur_maps"] or project.flags["write_cum_cur_map_only"]


def _write(
    project: "Project",
    writer: Writer,
    network: "NetworkInputs",
    name: str,
    voltages: "Floats",
    currents: "Floats",
    within: "NDArray[np.bool_]",
) -> None:
    """Write voltages and currents of the nodes and branches within a component."""
    from biodata.analysis.circuit.currents import branch_currents

    shown = within[network.nodes]
    ids, nodes = network.ids[shown], network.nodes[shown]
    if project.flags["write_volt_maps"]:
        writer.table(f"voltages{name}.txt", zip(ids, voltages[nodes], strict=True), "\t")
    if _with_currents(project):
        writer.table(f"node_currents{name}.txt", zip(ids, currents[nodes], strict=True), "\t")
        first, second, along = branch_currents(network.circuit, voltages)
        inside = within[first]
        _write_branches(writer, f"branch_currents{name}.txt", network, first[inside], second[inside], along[inside])


def _write_branches(
    writer: Writer, name: str, network: "NetworkInputs", first: "Ints", second: "Ints", currents: "Floats"
) -> None:
    """Write the branches that carry a current, by the ids of their ends; of ids that share a node, the lowest."""
    import numpy as np

    lowest = np.zeros(network.circuit.nodes, dtype=np.int64)
    lowest[network.nodes[::-1]] = network.ids[::-1]
    carries = currents > LEAST_BRANCH_CURRENT
    rows = zip(lowest[first[carries]], lowest[second[carries]], currents[carries], strict=True)
    writer.table(name, rows, "\t")
