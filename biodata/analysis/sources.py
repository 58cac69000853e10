"""Where a search over a raster starts or ends: the cells of points, lines, areas, a table of places or a raster."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError

from biodata.analysis import rasters
from biodata.analysis.grid import Floats, Grid, Ints, require_aligned
from biodata.core import geo
from biodata.core.errors import InputError
from biodata.formats import delimited, vectors

_IN_DEGREES: Final = (
    ("decimallongitude", "decimallatitude"), ("longitude", "latitude"), ("lon", "lat"), ("long", "lat"), ("lng", "lat"),
)  # fmt: skip
_IN_OWN_SYSTEM: Final = (("x", "y"), ("easting", "northing"))


_LARGEST_ID: Final = 2**31 - 1
Found = tuple[Ints, NDArray[np.int32], tuple[str, ...]]
_RASTERS: Final = frozenset({".tif", ".tiff", ".asc", ".img", ".vrt", ".bil", ".flt", ".grd"})
_TABLES: Final = frozenset({".csv", ".tsv", ".txt"})


@dataclass(frozen=True, slots=True, eq=False)
class PlaceTable:
    """The rows of a table of places.

    Attributes
    ----------
    rows : polars.DataFrame of n rows
        The cells as text.
    lines : list of int, n
        The line of the file that each row is.
    names : dict of str to str
        Heading by its lower-case text.
    xy : ndarray of float64, (n, 2)
        In the grid's system; nan where the place is not stated.
    """

    rows: pl.DataFrame
    lines: list[int]
    names: dict[str, str]
    xy: Floats


def read_table(path: Path, grid: Grid, *, blanks: bool = False) -> PlaceTable:
    """Read a table of places.

    Parameters
    ----------
    path : Path
        CSV or TSV with decimalLongitude and decimalLatitude, or names like these, in degrees WGS 84; or with x and y in the
        grid's own system.
    grid : Grid
    blanks : bool
        Whether a row may state no place.

    Raises
    ------
    InputError
        If there are no such columns (PLACE_COLUMNS_MISSING), a row is broken, or a coordinate is no number in its range
        (COORDINATE_INVALID), with file, row, column and value.
    """
    table = delimited.read(lambda: path.open("rb"), file=path.name)
    names = {heading.strip().casefold(): heading for heading in reversed(table.headings)}
    pair = next((pair for pair in _IN_DEGREES + _IN_OWN_SYSTEM if names.keys() >= set(pair)), None)
    if pair is None:
        problem = f"the table has no columns of places: {', '.join(table.headings)}"
        expected = "decimalLongitude and decimalLatitude, lon and lat, or x and y in the raster's own system"
        raise InputError(problem, file=path.name, row=1, expected=expected, code="PLACE_COLUMNS_MISSING")
    batches = list(table.batches)
    if table.refusals:
        first = table.refusals[0]
        raise InputError(first.message, file=path.name, row=first.row, value=first.value, code=first.code)
    if not batches:
        return PlaceTable(pl.DataFrame(), [], names, np.empty((0, 2)))
    rows = pl.concat(batches)
    lines: list[int] = rows["source_row"].to_list()
    in_degrees = pair in _IN_DEGREES
    limits = (180.0, 90.0) if in_degrees else (math.inf, math.inf)
    xy = np.column_stack(
        [
            numbers(rows[names[name]].to_list(), lines, path, names[name], limit=limit, blanks=blanks)
            for name, limit in zip(pair, limits, strict=True)
        ]
    )
    known = np.isfinite(xy).all(axis=1)
    if in_degrees and known.any():
        xy[known] = geo.project(xy[known], 4326, grid.crs)
    return PlaceTable(rows, lines, names, xy)


def numbers(
    texts: list[str | None], lines: list[int], path: Path, column: str, *, limit: float = math.inf, blanks: bool = True
) -> Floats:
    """Read a column of numbers.

    Parameters
    ----------
    texts : list of str or None, n
    lines : list of int, n
        The line of the file that each is in.
    path : Path
    column : str
    limit : float
        Largest amount that can be.
    blanks : bool
        Whether an empty one is nan, else refused.

    Raises
    ------
    InputError
        If one is no such number (COORDINATE_INVALID where it has a limit or may not be empty, else NUMBER_INVALID).
    """
    found = np.full(len(texts), np.nan)
    for i, text in enumerate(texts):
        stated = (text or "").strip()
        if not stated and blanks:
            continue
        try:
            found[i] = float(stated)
        except ValueError:
            found[i] = math.inf
        if not abs(found[i]) <= limit or math.isinf(found[i]):
            coordinate = not blanks or math.isfinite(limit)
            problem = "this is no coordinate" if coordinate else "this is no such number"
            expected = "a number" if math.isinf(limit) else f"degrees from {-limit:g} to {limit:g}"
            raise InputError(
                problem, file=path.name, row=lines[i], column=column, value=text or "", expected=expected,
                code="COORDINATE_INVALID" if coordinate else "NUMBER_INVALID",
            )  # fmt: skip
    return found


def of_table(path: Path, grid: Grid, *, id_column: str | None) -> Found:
    """Return cells and ids of a table's places, and notes; longitude and latitude, or x and y in the grid's system."""
    table = read_table(path, grid)
    if not table.rows.height:
        raise _empty(path, "the table has no rows")
    return _of_points(table.xy, _ids(table.rows, table.lines, path, id_column), grid, path.name)


def of_layer(path: Path, grid: Grid, *, layer: str | None, id_column: str | None) -> Found:
    """Return cells and ids of a layer's shapes, and notes."""
    rows, stated = vectors.read_only_layer(path, layer=layer)
    if not rows.height:
        raise _empty(path, "the layer has no features")
    crs = _system(stated, path)
    shapes = shapely.from_wkb(rows["geometry"].to_numpy())
    ids = _ids(rows, list(range(1, rows.height + 1)), path, id_column)
    there = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    if not there.any():
        raise _empty(path, "no feature has a geometry")
    shapes = shapely.force_2d(shapes)
    if crs != grid.crs:
        shapes[there] = geo.project(shapes[there], crs, grid.crs)
    parts, of = shapely.get_parts(shapes[there], return_index=True)
    while (nested := shapely.get_type_id(parts) >= shapely.GeometryType.MULTIPOINT).any():
        inner, of_inner = shapely.get_parts(parts[nested], return_index=True)
        parts, of = np.concatenate([parts[~nested], inner]), np.concatenate([of[~nested], of[nested][of_inner]])
    ids, number = ids[there], np.arange(int(there.sum()))
    cells: list[Ints] = []
    owners: list[Ints] = []
    points = shapely.get_type_id(parts) == shapely.GeometryType.POINT
    if points.any():
        found, owner, _ = _of_points(shapely.get_coordinates(parts[points]), number[of[points]], grid, path.name)
        cells.append(found)
        owners.append(owner.astype(np.int64))
    for shape, owner_number in zip(parts[~points], of[~points], strict=True):
        inside = _of_shape(shape, grid)
        cells.append(inside)
        owners.append(np.full(inside.size, owner_number, dtype=np.int64))
    every, owner_of = np.concatenate(cells), np.concatenate(owners)
    notes = []
    if not there.all():
        notes.append(f"{int((~there).sum())} of {rows.height} features of {path.name} have no geometry")
    outside = number.size - np.unique(owner_of).size
    if outside and every.size:
        notes.append(f"{outside} of {number.size} sources of {path.name} lie outside the raster")
    return every, ids[owner_of].astype(np.int32), tuple(notes)


def _of_points(xy: Floats, ids: NDArray[Any], grid: Grid, file: str) -> Found:
    """Return the cells that hold points given in the grid's system."""
    rows, columns, inside = grid.cells_under(xy)
    outside = int((~inside).sum())
    notes = (f"{outside} of {inside.size} sources of {file} lie outside the raster",) if outside else ()
    return rows[inside] * grid.shape[1] + columns[inside], ids[inside].astype(np.int32), notes


def _of_shape(shape: shapely.Geometry, grid: Grid) -> Ints:
    """Return the cells whose middles an area holds, or that a line passes."""
    from rasterio.features import rasterize

    if not np.isfinite(shapely.get_coordinates(shape)).all():
        return np.zeros(0, dtype=np.int64)  # it has no place in the grid's system
    if shapely.get_dimensions(shape) == 2:
        return rasters.cells_inside(shapely.make_valid(shape), grid)
    burnt = rasterize([(shape, 1)], out_shape=grid.shape, transform=grid.transform, all_touched=True, dtype="uint8")
    return np.flatnonzero(burnt).astype(np.int64)


def _system(stated: str, path: Path) -> CRS:
    """Return the layer's coordinate system."""
    try:
        return CRS.from_user_input(stated)
    except CRSError as error:
        problem = "the layer's coordinate system cannot be read"
        raise InputError(problem, file=path.name, value=stated, code="CRS_UNKNOWN") from error


def _ids(rows: pl.DataFrame, numbers: list[int], path: Path, column: str | None) -> Ints:
    """Return the ids of rows: what a column tells, or numbers from 1."""
    if column is None:
        return np.arange(1, rows.height + 1, dtype=np.int64)
    if column not in rows.columns:
        known = ", ".join(name for name in rows.columns if name not in {"source_file", "source_row", "geometry"})
        problem = "there is no such column"
        raise InputError(problem, file=path.name, column=column, expected=known, code="COLUMN_MISSING")
    ids = np.empty(rows.height, dtype=np.int64)
    for i, (text, number) in enumerate(zip(rows[column].to_list(), numbers, strict=True)):
        value = (text or "").strip().removesuffix(".0")
        if not (value.isascii() and value.isdigit() and int(value) <= _LARGEST_ID):
            problem, expected = "this is no id of a source", f"whole numbers from 0 to {_LARGEST_ID}"
            raise InputError(
                problem, file=path.name, row=number, column=column, value=text or "", expected=expected,
                code="SOURCE_ID_INVALID",
            )  # fmt: skip
        ids[i] = int(value)
    return ids


def _empty(path: Path, problem: str) -> InputError:
    """Tell that a file names no source."""
    return InputError(problem, file=path.name, expected="at least one source", code="SOURCES_EMPTY")


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
        cells, ids, notes = of_table(path, grid, id_column=id_column)
    else:
        cells, ids, notes = of_layer(path, grid, layer=layer, id_column=id_column)
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
