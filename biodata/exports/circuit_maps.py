"""The files of a circuit run: tables and maps under Circuitscape's names."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from biodata.analysis.circuit.project import Project
    from biodata.analysis.circuit.raster import MapStyle, RasterCircuit
    from biodata.formats.grids import RasterFile

Progress = Callable[[int, int], None]


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
    """Writes files that start with the project's prefix, and counts them.

    Attributes
    ----------
    out : Path
    prefix : str
    progress : function of int and int
        Called with how many pairs or focal nodes are done, of how many.
    left_out_maps : bool
        Whether maps of pairs that a list leaves out are written too.
    files : int
        How many files were written.
    """

    out: Path
    prefix: str
    progress: Progress
    left_out_maps: bool = True
    files: int = 0

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


class MapWriter:
    """Writes the maps of a raster run that the project asks for, and sums them.

    Parameters
    ----------
    project : Project
    writer : Writer
    habitat : RasterFile
    raster : RasterCircuit
    style : MapStyle

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
        style: "MapStyle",
    ) -> None:
        from biodata.analysis.circuit.raster import MapSums

        flags = project.flags
        self._writer, self._habitat, self._raster, self._style = writer, habitat, raster, style
        self._compress, self._as_tiff = flags["compress_grids"], flags["write_as_tif"]
        self._voltages, self._largest = flags["write_volt_maps"], flags["write_max_cur_maps"]
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

    @property
    def each(self) -> bool:
        """Whether a map of each pair or focal node is written."""
        return self._voltages or (self._currents and not self._only_sums)

    def write(self, name: str, flow: Any, active: tuple[int, ...], *, counted: bool = True) -> None:
        """Write the maps of one pair, one focal node or the whole, and take them into the sums.

        Parameters
        ----------
        name : str
            What stands at the end of the files' names: _1_2, _1 or nothing.
        flow : PairFlow, FocalFlow or AdvancedFlow
        active : tuple of int
            Positions of the active focal nodes.
        counted : bool
            Whether the currents belong into the sums.
        """
        from biodata.analysis.circuit.raster import current_map, voltage_map

        self.uncounted += not counted
        if self._voltages:
            self._grid(f"voltmap{name}", voltage_map(self._raster, flow.voltages, self._style, active))
        if self._currents:
            currents = current_map(self._raster, flow.currents, self._style, active)
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
        from biodata.formats.grids import write_ascii_grid, write_tiff_grid

        if self._as_tiff:
            write_tiff_grid(values, self._habitat, self._writer.path(f"{name}.tif"))
        else:
            write_ascii_grid(values, self._habitat, self._writer.path(f"{name}.asc"), compress=self._compress)
