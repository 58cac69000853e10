"""What a circuit run writes under Circuitscape's names: maps of raster projects, lists of networks, tables of both."""

from collections import deque
from collections.abc import Iterable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np

from biodata.analysis.circuit.graph import RasterCircuit, at_once, branch_currents
from biodata.analysis.circuit.inputs import NetworkInputs
from biodata.analysis.circuit.project import Project
from biodata.analysis.grid import Floats, Ints
from biodata.formats.grids import NODATA, RasterFile, ascii_grid, tiff_grid, write_grid

MOST_CELLS_OF_LEFT_OUT_PAIRS: Final = 2_000_000
"""Maps of pairs that a list leaves out are written too up to so many cells, and are in no sum: Circuitscape's own
verification folder has them, and where they are small a comparison finds every file."""
LEAST_BRANCH_CURRENT: Final = 1e-6
"""Amperes below which the current of a branch is not written, as in Circuitscape."""


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
    _waiting: deque[tuple[Future[bytes], RasterFile, Path]] = field(default_factory=deque)

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

    def resistances(self, ids: Ints, matrix: Floats) -> None:
        """Write resistances between focal nodes as a matrix, and in three columns."""
        rows = [[0, *ids], *([focal, *row] for focal, row in zip(ids, matrix, strict=True))]
        self.table("resistances.out", rows)
        columns = [
            [ids[i], ids[j], matrix[i, j]] for i in range(ids.size) for j in range(i + 1, ids.size)
        ]  # fmt: skip
        self.table("resistances_3columns.out", columns)

    def grid(self, name: str, values: Floats, like: RasterFile, *, as_tiff: bool, compress: bool) -> None:
        """Write values on the cells of a grid, under a name without its ending."""
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
        while len(self._waiting) > leaving:
            future, place, path = self._waiting.popleft()
            write_grid(future.result(), place, path)


@dataclass(frozen=True, slots=True)
class MapStyle:
    """How maps are written.

    Attributes
    ----------
    log_currents : bool
        Logarithm to base 10 of currents, no data where none flows.
    currents_nodata, voltages_nodata : bool
        No data where the habitat carries no current, else 0.
    focal_currents_zero : bool
        No current at focal nodes while they are active.
    """

    log_currents: bool = False
    currents_nodata: bool = False
    voltages_nodata: bool = False
    focal_currents_zero: bool = False


class MapSums:
    """The sum and the largest of the current maps of a run, with Circuitscape's way of summing cells without data."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self._sum = np.zeros(shape)
        self._largest = np.full(shape, NODATA)

    def add(self, currents: Floats) -> None:
        """Take a map in."""
        # No data counts as -9999 in sums, and what is below that in the end has no data: so a logarithm is summed as
        # Circuitscape sums it.
        filled = np.where(np.isnan(currents), NODATA, currents)
        self._sum += filled
        np.maximum(self._largest, filled, out=self._largest)

    def total(self) -> Floats:
        """Return the sum."""
        return np.where(self._sum <= NODATA, np.nan, self._sum)

    def largest(self) -> Floats:
        """Return the largest of each cell."""
        return np.where(self._largest <= NODATA, np.nan, self._largest)


def current_map(raster: RasterCircuit, currents: Floats, style: MapStyle, active: tuple[int, ...] = ()) -> Floats:
    """Return the currents of nodes as a map, nan for no data."""
    if style.focal_currents_zero and active:
        currents = currents.copy()
        for at in active:
            currents[raster.groups[at]] = 0.0
    grid = raster.spread(currents, active)
    if style.log_currents:
        with np.errstate(divide="ignore", invalid="ignore"):
            grid = np.where(grid > 0, np.log10(grid), np.nan)
    if style.currents_nodata:
        grid[raster.barrier] = np.nan
    return grid


def voltage_map(raster: RasterCircuit, voltages: Floats, style: MapStyle, active: tuple[int, ...] = ()) -> Floats:
    """Return the voltages of nodes as a map, nan for no data."""
    grid = raster.spread(voltages, active)
    if style.voltages_nodata:
        grid[raster.barrier] = np.nan
    return grid


class RasterMaps:
    """Writes the maps of a raster run that the project asks for, and sums them.

    Parameters
    ----------
    project : Project
    writer : Writer
    habitat : RasterFile
    raster : RasterCircuit

    Attributes
    ----------
    uncounted : int
        How many pairs or focal nodes were written that are in no sum.
    """

    def __init__(self, project: Project, writer: Writer, habitat: RasterFile, raster: RasterCircuit) -> None:

        flags = project.flags
        self._writer, self._habitat, self._raster = writer, habitat, raster
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
        """Return whether maps of pairs that a list leaves out are written too, of so many pairs in all."""
        each = self._voltages or (self._currents and not self._only_sums)
        return each and count * self._raster.nodes.size <= MOST_CELLS_OF_LEFT_OUT_PAIRS

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

    def _grid(self, name: str, values: Floats) -> None:
        """Write one map."""
        self._writer.grid(name, values, self._habitat, as_tiff=self._as_tiff, compress=self._compress)


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

    def __init__(self, project: Project, writer: Writer, network: NetworkInputs) -> None:

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
        """Write the lists of one pair, whose component alone is stated, or of the whole; take currents into the sums."""
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
        if not self._currents:
            return
        rows = zip(self._network.ids, self._node_sums[self._network.nodes], strict=True)
        self._writer.table("node_currents_cum.txt", rows, "\t")
        first, second, _ = branch_currents(self._network.circuit, np.zeros(self._network.circuit.nodes))
        self._branches("branch_currents_cum.txt", first, second, self._branch_sums)

    def _branches(self, name: str, first: Ints, second: Ints, currents: Floats) -> None:
        """Write the branches that carry a current, by the ids of their ends; of ids that share a node, the lowest."""
        network = self._network
        lowest = np.zeros(network.circuit.nodes, dtype=np.int64)
        lowest[network.nodes[::-1]] = network.ids[::-1]
        carries = currents > LEAST_BRANCH_CURRENT
        rows = zip(lowest[first[carries]], lowest[second[carries]], currents[carries], strict=True)
        self._writer.table(name, rows, "\t")
