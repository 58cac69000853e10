"""The files of a circuit run: tables and maps under Circuitscape's names."""

from collections import deque
from collections.abc import Iterable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from biodata.analysis.circuit.project import Project
    from biodata.analysis.circuit.raster import RasterCircuit
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
