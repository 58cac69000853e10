"""The cells of a grid that hold a table's places, or a layer's points, lines and areas."""

from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray
from pyproj import CRS
from pyproj.exceptions import CRSError

from biodata import geo
from biodata.analysis import place_tables, rasters
from biodata.analysis.grid import Floats, Grid, Ints
from biodata.errors import InputError
from biodata.formats import vectors

_LARGEST_ID: Final = 2**31 - 1
Found = tuple[Ints, NDArray[np.int32], tuple[str, ...]]


def of_table(path: Path, grid: Grid, *, id_column: str | None) -> Found:
    """Return cells and ids of a table's places, and notes; longitude and latitude, or x and y in the grid's system."""
    table = place_tables.read(path, grid)
    if not table.rows.height:
        raise _empty(path, "the table has no rows")
    return _of_points(table.xy, _ids(table.rows, table.lines, path, id_column), grid, path.name)


def of_layer(path: Path, grid: Grid, *, layer: str | None, id_column: str | None) -> Found:
    """Return cells and ids of a layer's shapes, and notes."""
    layers = vectors.open_layers(path, layer=layer)
    if len(layers) != 1:
        problem = f"the file has {len(layers)} layers: {', '.join(one.label for one in layers)}"
        raise InputError(problem, file=path.name, expected="name one of them", code="LAYER_AMBIGUOUS")
    rows = pl.concat(list(layers[0].batches()) or [pl.DataFrame()])
    if not rows.height:
        raise _empty(path, "the layer has no features")
    crs = _system(layers[0], path)
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
    with np.errstate(invalid="ignore"):
        columns = np.floor((xy[:, 0] - grid.transform.c) / grid.transform.a)
        rows = np.floor((xy[:, 1] - grid.transform.f) / grid.transform.e)
        inside = (rows >= 0) & (rows < grid.shape[0]) & (columns >= 0) & (columns < grid.shape[1])
    outside = int((~inside).sum())
    notes = (f"{outside} of {inside.size} sources of {file} lie outside the raster",) if outside else ()
    cells = rows[inside].astype(np.int64) * grid.shape[1] + columns[inside].astype(np.int64)
    return cells, ids[inside].astype(np.int32), notes


def _of_shape(shape: shapely.Geometry, grid: Grid) -> Ints:
    """Return the cells whose middles an area holds, or that a line passes."""
    from rasterio.features import rasterize

    if not np.isfinite(shapely.get_coordinates(shape)).all():
        return np.zeros(0, dtype=np.int64)  # it has no place in the grid's system
    if shapely.get_dimensions(shape) == 2:
        return rasters.cells_inside(shapely.make_valid(shape), grid)
    burnt = rasterize([(shape, 1)], out_shape=grid.shape, transform=grid.transform, all_touched=True, dtype="uint8")
    return np.flatnonzero(burnt).astype(np.int64)


def _system(layer: vectors.Layer, path: Path) -> CRS:
    """Return the layer's coordinate system."""
    if layer.crs is None:
        problem = "the layer tells no coordinate system"
        raise InputError(problem, file=path.name, expected="a .prj beside it, or a GeoPackage", code="CRS_MISSING")
    try:
        return CRS.from_user_input(layer.crs)
    except CRSError as error:
        problem = "the layer's coordinate system cannot be read"
        raise InputError(problem, file=path.name, value=layer.crs, code="CRS_UNKNOWN") from error


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
