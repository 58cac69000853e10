"""The files of a circuit run: tables and maps under Circuitscape's names."""

from collections import deque
from collections.abc import Iterable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Executor

    import numpy as np
    from numpy.typing import NDArray

    from biodata.analysis.circuit.graph import Circuit
    from biodata.analysis.circuit.inputs import NetworkInputs
    from biodata.analysis.circuit.project import PairList, Project
    from biodata.analysis.circuit.raster import RasterCircuit
    from biodata.analysis.grid import Floats, Ints
    from biodata.formats.grids import RasterFile

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


@dataclass
class Writer:
    """Writes files that start with the project's prefix, and counts them; all of them are there when its block ends.

    Attributes
    ----------
    out : Path
    prefix : str
    executor : concurrent.futures.Executor, optional
        Where maps become the content of files, which takes longer than solving them; the files are written here.
    files : int
        How many files were written.
    """

    out: Path
    prefix: str
    executor: Executor | None = None
    files: int = 0
    _waiting: "deque[tuple[Future[bytes], RasterFile, Path]]" = field(default_factory=deque)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self._write(leaving=0)
        for future, _, _ in self._waiting:
            future.cancel()

    def path(self, name: str) -> Path:
        """Return the path of a file, and count it."""
        self.files += 1
        return self.out / f"{self.prefix}_{name}"

    def table(self, name: str, rows: Iterable[Iterable[float]], separator: str = " ") -> None:
        """Write numbers in rows."""
        text = "".join(separator.join(f"{value:.10g}" for value in row) + "\n" for row in rows)
        self.path(name).write_text(text, encoding="ascii")

    def resistances(self, ids: "NDArray[np.int64]", matrix: "NDArray[np.float64]") -> None:
        """Write resistances between focal nodes as a matrix, and in three columns."""
        rows = [[0, *ids], *([focal, *row] for focal, row in zip(ids, matrix, strict=True))]
        self.table("resistances.out", rows)
        columns = [
            [ids[i], ids[j], matrix[i, j]] for i in range(ids.size) for j in range(i + 1, ids.size)
        ]  # fmt: skip
        self.table("resistances_3columns.out", columns)

    def grid(
        self, name: str, values: "NDArray[np.float64]", like: "RasterFile", *, as_tiff: bool, compress: bool
    ) -> None:
        """Write values on the cells of a grid, under a name without its ending."""
        from functools import partial

        from biodata.analysis.circuit.graph import at_once
        from biodata.formats.grids import ascii_grid, tiff_grid, write_grid

        ending = ".tif" if as_tiff else ".asc.gz" if compress else ".asc"
        path = self.path(f"{name}{ending}")
        place = replace(like, values=values[:0])  # the worker needs no values of the habitat
        content = tiff_grid if as_tiff else partial(ascii_grid, compress=compress)
        if self.executor is None:
            write_grid(content(values, place), place, path)
            return
        self._waiting.append((self.executor.submit(content, values, place), place, path))
        self._write(leaving=at_once(self.executor))

    def _write(self, *, leaving: int) -> None:
        """Write the files that waited longest, until so many are left."""
        from biodata.formats.grids import write_grid

        while len(self._waiting) > leaving:
            future, place, path = self._waiting.popleft()
            write_grid(future.result(), place, path)


class RasterMaps:
    """Writes the maps of a raster run that the project asks for, and sums them.

    Parameters
    ----------
    project : Project
    writer : Writer
    habitat : RasterFile
    raster : RasterCircuit
    left_out : bool
        Whether maps of pairs that a list leaves out are written too, if they are small.

    Attributes
    ----------
    uncounted : int
        How many pairs or focal nodes were written that are in no sum.
    """

    def __init__(
        self,
        project: "Project",
        writer: Writer,
        habitat: "RasterFile",
        raster: "RasterCircuit",
        *,
        left_out: bool,
    ) -> None:
        from biodata.analysis.circuit.raster import MapStyle, MapSums

        flags = project.flags
        self._writer, self._habitat, self._raster, self._left_out = writer, habitat, raster, left_out
        self._compress, self._as_tiff = flags["compress_grids"], flags["write_as_tif"]
        self._voltages, self._largest = flags["write_volt_maps"], flags["write_max_cur_maps"]
        self._style = MapStyle(
            log_currents=flags["log_transform_maps"],
            currents_nodata=flags["set_null_currents_to_nodata"],
            voltages_nodata=flags["set_null_voltages_to_nodata"],
            focal_currents_zero=flags["set_focal_node_currents_to_zero"],
        )
        # As in Circuitscape, one-to-all and all-to-one write the map of each focal node all the same.
        only = flags["write_cum_cur_map_only"]
        self._only_sums = (only and project.scenario == "pairwise") or not (only or flags["write_cur_maps"])
        self._currents = only or flags["write_cur_maps"] or (self._largest and project.scenario != "advanced")
        self._total = only or flags["write_cur_maps"]
        self._sums = MapSums(raster.barrier.shape) if self._currents and project.scenario != "advanced" else None
        self.uncounted = 0

    @property
    def needed(self) -> bool:
        """Whether any map is asked for."""
        return self._voltages or self._currents

    def of_left_out(self, count: int) -> bool:
        """Tell whether maps of pairs that a list leaves out are written too, of so many pairs in all."""
        each = self._voltages or (self._currents and not self._only_sums)
        return self._left_out and each and count * self._raster.nodes.size <= MOST_CELLS_OF_LEFT_OUT_PAIRS

    def write(self, name: str, flow: Any, *, counted: bool = True) -> None:
        """Write the maps of one pair, one focal node or the whole, and take them into the sums.

        Parameters
        ----------
        name : str
            What stands at the end of the files' names: _1_2, _1 or nothing.
        flow : PairFlow, FocalFlow or AdvancedFlow
        counted : bool
            Whether the currents belong into the sums.
        """
        from biodata.analysis.circuit.raster import current_map, voltage_map

        self.uncounted += not counted
        if self._voltages:
            self._grid(f"voltmap{name}", voltage_map(self._raster, flow.voltages, self._style, flow.active))
        if self._currents:
            currents = current_map(self._raster, flow.currents, self._style, flow.active)
            if not self._only_sums:
                self._grid(f"curmap{name}", currents)
            if self._sums is not None and counted:
                self._sums.add(currents)

    def write_sums(self) -> None:
        """Write the sum of all current maps, and the largest, where they are asked for."""
        if self._sums is None:
            return
        if self._total:
            self._grid("cum_curmap", self._sums.total())
        if self._largest:
            self._grid("max_curmap", self._sums.largest())

    def _grid(self, name: str, values: "NDArray[np.float64]") -> None:
        """Write one map."""
        self._writer.grid(name, values, self._habitat, as_tiff=self._as_tiff, compress=self._compress)


# What comes out of Circuitscape's network projects, under the names that Circuitscape gives it.
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


# Circuitscape projects run here, and what comes out under the names that Circuitscape gives it.
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
        `MOST_CELLS_OF_LEFT_OUT_PAIRS` cells.
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
