"""Where a search over a raster starts or ends: the cells of points, lines, areas, a table of places or a raster."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from biodata.analysis import rasters, source_shapes
from biodata.analysis.grid import Floats, Grid, Ints, require_aligned
from biodata.errors import InputError

_RASTERS: Final = frozenset({".tif", ".tiff", ".asc", ".img", ".vrt", ".bil", ".flt", ".grd"})
_TABLES: Final = frozenset({".csv", ".tsv", ".txt"})
_LARGEST_ID: Final = 2**31 - 1


def is_raster(path: Path) -> bool:
    """Tell by its name whether a file of areas or sources is a raster."""
    return path.suffix.casefold() in _RASTERS


@dataclass(frozen=True, slots=True)
class Sources:
    """Cells of a grid with the ids of what they belong to.

    Attributes
    ----------
    cells : ndarray of int64, (n,)
        Flat indexes, sorted by cell and id; a cell may belong to several.
    ids : ndarray of int32, (n,)
    notes : tuple of str
        What was left out.
    """

    cells: Ints
    ids: NDArray[np.int32]
    notes: tuple[str, ...]


def read(path: Path, grid: Grid, *, layer: str | None = None, id_column: str | None = None) -> Sources:
    """Read which cells of a grid a file names.

    Parameters
    ----------
    path : Path
        A raster on the same grid, whose cells above 0 are sources and whose values are ids; a table with longitude and
        latitude (WGS 84), or with x and y in the grid's own system; or points, lines or areas in a file of layers.
    grid : Grid
        The raster that will be searched.
    layer : str, optional
        Which layer, where the file has several.
    id_column : str, optional
        Column of ids, whole numbers from 0; without it rows and features are numbered from 1.

    Returns
    -------
    Sources

    Raises
    ------
    InputError
        If the file cannot be read, is empty, its raster lies on another grid, an id or a place cannot be used, or none
        of it lies on the grid.
    """
    kind = path.suffix.lower()
    if is_raster(path):
        cells, ids = _of_raster(path, grid)
        notes: tuple[str, ...] = ()
    elif kind in _TABLES:
        cells, ids, notes = source_shapes.of_table(path, grid, id_column=id_column)
    else:
        cells, ids, notes = source_shapes.of_layer(path, grid, layer=layer, id_column=id_column)
    if not cells.size:
        problem = "no source lies on the raster"
        west, south, east, north = grid.bounds
        expected = f"points or areas between x {west:.10g} and {east:.10g}, y {south:.10g} and {north:.10g}"
        raise InputError(problem, file=path.name, expected=f"{expected} ({grid.crs.name})", code="SOURCES_OUTSIDE")
    pairs = np.unique(np.column_stack([cells, ids.astype(np.int64)]), axis=0)
    return Sources(np.ascontiguousarray(pairs[:, 0]), pairs[:, 1].astype(np.int32), notes)


def on_ground(sources: Sources, resistance: Floats, *, file: str) -> Sources:
    """Return the sources whose cells have data.

    Parameters
    ----------
    sources : Sources
    resistance : ndarray of float64, (rows, columns)
        nan where there is no data.
    file : str
        What the sources' file is called.

    Returns
    -------
    Sources

    Raises
    ------
    InputError
        If none has.
    """
    known = np.isfinite(resistance.reshape(-1)[sources.cells])
    if known.all():
        return sources
    if not known.any():
        problem = "all sources lie on cells without data"
        raise InputError(problem, file=file, expected="a source on a cell that has resistance", code="SOURCES_NO_DATA")
    lost = np.setdiff1d(sources.ids, sources.ids[known]).size
    note = f"{int((~known).sum())} source cells of {file} have no data and are left out"
    if lost:
        note += f", with them all of {lost} sources"
    return Sources(sources.cells[known], sources.ids[known], (*sources.notes, note))


def _of_raster(path: Path, grid: Grid) -> tuple[Ints, NDArray[np.int32]]:
    """Return the cells above 0 and their values."""
    values, own = rasters.read(path, crs=grid.crs)
    require_aligned({"the raster": grid, path.name: own})
    cells = np.flatnonzero(np.nan_to_num(values.reshape(-1), nan=0.0, posinf=0.0) > 0).astype(np.int64)
    if not cells.size:
        problem = "no cell of the raster is above 0"
        raise InputError(problem, file=path.name, expected="ids of sources, whole numbers from 1", code="SOURCES_EMPTY")
    ids = values.reshape(-1)[cells]
    odd = np.flatnonzero((ids != np.floor(ids)) | (ids > _LARGEST_ID))
    if odd.size:
        row, column = divmod(int(cells[odd[0]]), grid.shape[1])
        problem, expected = "the value is no id of a source", f"whole numbers from 1 to {_LARGEST_ID}"
        raise InputError(
            problem, file=path.name, row=row + 1, column=str(column + 1), value=f"{ids[odd[0]]:g}", expected=expected,
            code="SOURCE_ID_INVALID",
        )  # fmt: skip
    return cells, ids.astype(np.int32)
