"""What comes out of Circuitscape's network projects, under the names that Circuitscape gives it."""

from typing import TYPE_CHECKING, Any, Final

from biodata.exports.circuit_maps import Writer

if TYPE_CHECKING:
    from biodata.analysis.circuit.inputs import NetworkInputs
    from biodata.analysis.circuit.project import Project
    from biodata.analysis.grid import Floats, Ints

LEAST_BRANCH_CURRENT: Final = 1e-6
"""Amperes below which the current of a branch is not written, as in Circuitscape."""


class NetworkLists:
    """Writes voltages and currents of a network run that the project asks for, and sums the currents.

    Parameters
    ----------
    project : Project
    writer : Writer
    network : NetworkInputs

    Attributes
    ----------
    uncounted : int
        How many pairs were written that are in no sum: none.
    """

    def __init__(self, project: "Project", writer: Writer, network: "NetworkInputs") -> None:
        import numpy as np

        self._writer, self._network = writer, network
        self._voltages = project.flags["write_volt_maps"]
        self._currents = project.flags["write_cur_maps"] or project.flags["write_cum_cur_map_only"]
        self._places = network.nodes[np.searchsorted(network.ids, network.focal)]
        self._node_sums = np.zeros(network.circuit.nodes)
        self._branch_sums = np.zeros(network.circuit.conductances.nnz // 2)
        self.uncounted = 0

    @property
    def needed(self) -> bool:
        """Whether voltages or currents are asked for."""
        return self._voltages or self._currents

    def of_left_out(self, _count: int) -> bool:
        """Tell that nothing is written of pairs that a list leaves out."""
        return False

    def write(self, name: str, flow: Any, *, counted: bool = True) -> None:
        """Write the lists of one pair, whose component alone is told, or of the whole; take currents into the sums."""
        import numpy as np

        from biodata.analysis.circuit.graph import branch_currents

        whole = self._network.circuit
        within = np.ones(whole.nodes, dtype=bool)
        if flow.active:
            within = whole.components == whole.components[self._places[flow.active[0]]]
        shown = within[self._network.nodes]
        ids, nodes = self._network.ids[shown], self._network.nodes[shown]
        if self._voltages:
            self._writer.table(f"voltages{name}.txt", zip(ids, flow.voltages[nodes], strict=True), "\t")
        if not self._currents:
            return
        self._writer.table(f"node_currents{name}.txt", zip(ids, flow.currents[nodes], strict=True), "\t")
        first, second, along = branch_currents(whole, flow.voltages)
        inside = within[first]
        self._branches(f"branch_currents{name}.txt", first[inside], second[inside], along[inside])
        if counted:
            self._node_sums += flow.currents
            self._branch_sums += along

    def write_sums(self) -> None:
        """Write the sums of currents over all pairs, where currents are asked for."""
        import numpy as np

        from biodata.analysis.circuit.graph import branch_currents

        if not self._currents:
            return
        rows = zip(self._network.ids, self._node_sums[self._network.nodes], strict=True)
        self._writer.table("node_currents_cum.txt", rows, "\t")
        first, second, _ = branch_currents(self._network.circuit, np.zeros(self._network.circuit.nodes))
        self._branches("branch_currents_cum.txt", first, second, self._branch_sums)

    def _branches(self, name: str, first: "Ints", second: "Ints", currents: "Floats") -> None:
        """Write the branches that carry a current, by the ids of their ends; of ids that share a node, the lowest."""
        import numpy as np

        network = self._network
        lowest = np.zeros(network.circuit.nodes, dtype=np.int64)
        lowest[network.nodes[::-1]] = network.ids[::-1]
        carries = currents > LEAST_BRANCH_CURRENT
        rows = zip(lowest[first[carries]], lowest[second[carries]], currents[carries], strict=True)
        self._writer.table(name, rows, "\t")
