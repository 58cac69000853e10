"""Layers as an analysis reads them: chosen by name, read on a grid, at points, or as polygons."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from biodata.analysis.grid import Floats, Grid, equal_area_grid
from biodata.core import geo
from biodata.core.errors import InputError
from biodata.formats import grids
from biodata.formats.vectors import read_frame

_MARGIN: Final = 3
"""Cells that are read beyond the grid, so that the grid's edge is resampled as its middle is."""
MOST_CELLS: Final = 16_000_000
"""Cells that are read at once: a map of the world at 10 m is read piece by piece."""
_SEGMENT_DEGREES: Final = 0.05
_SEGMENT_M: Final = 5000.0


_BLOCK: Final = 1024
"""Side of a block, cells."""
_POLYGONS: Final = ("Polygon", "MultiPolygon", "GeometryCollection")


@dataclass(frozen=True, slots=True)
class LayerFile:
    """A layer that was checked, and the file that holds it.

    Attributes
    ----------
    name : str
        What a table calls it.
    theme : str or None
        What it shows: land_cover, elevation, roads, …
    form : str
        raster or vector.
    path : Path
        A GeoTIFF or a GeoPackage that states the right coordinate system and nodata value.
    measure : str
        categorical, continuous or features.
    crs : str
        As `pyproj.CRS` takes it.
    sha256 : str
        Checksum of the file as it came.
    legend : str or None
        The legend of its classes.
    version : str
        The lake's version that tells of it; `file` for one that is in no lake.
    notes : tuple of str
        What is doubtful of it.
    """

    name: str
    theme: str | None
    form: str
    path: Path
    measure: str
    crs: str
    sha256: str
    legend: str | None = None
    version: str = "file"
    notes: tuple[str, ...] = ()


def own_grid(layer: LayerFile, box: tuple[float, float, float, float] | None = None) -> Grid:
    """Return the grid of a raster layer, or the part of it that a box touches.

    Parameters
    ----------
    layer : LayerFile
        A raster.
    box : west, south, east, north, optional
        Degrees, WGS 84.

    Raises
    ------
    InputError
        If the box lies beside the layer (RASTER_OUTSIDE).
    """
    with grids.opened(layer.path) as raster:
        whole = Grid.of(CRS.from_user_input(layer.crs), raster.transform, (raster.height, raster.width))
    if box is None:
        return whole
    if (window := _window(whole, box, 4326, margin=0)) is None:
        problem = "the box lies beside the layer"
        raise InputError(problem, file=layer.name, value=", ".join(map(str, box)), code="RASTER_OUTSIDE")
    return part(whole, window)


def grid_of(
    layers: Mapping[str, LayerFile],
    *,
    cell_m: float | None = None,
    box: tuple[float, float, float, float] | None = None,
) -> Grid:
    """Return the grid for what is made of several layers.

    Parameters
    ----------
    layers : mapping of str to LayerFile
        Land cover, else the first raster, gives its cells or its edges.
    cell_m : float, optional
        Side of a cell of an equal-area grid, metres; the layer's own cells where none is stated.
    box : west, south, east, north, optional
        The window, degrees, WGS 84; all of the layer where none is stated.

    Raises
    ------
    InputError
        If there is no raster and not both are stated (GRID_EMPTY), or the box lies beside the layer (RASTER_OUTSIDE).
    """
    rasters = sorted(
        (layer for layer in layers.values() if layer.form == "raster"), key=lambda layer: layer.theme != "land_cover"
    )
    if not rasters and (cell_m is None or box is None):
        problem = "the table has no layer of cells to take the grid from"
        raise InputError(problem, expected="a side of a cell in metres (cell_m) and a box", code="GRID_EMPTY")
    if cell_m is None:
        return own_grid(rasters[0], box)
    return equal_area_grid(_degrees(own_grid(rasters[0])) if box is None else box, cell_m)


def read_cells(layer: LayerFile, grid: Grid) -> tuple[Floats, Grid]:
    """Read the part of a raster layer that a grid needs.

    Parameters
    ----------
    layer : LayerFile
        A raster.
    grid : Grid

    Returns
    -------
    values : ndarray of float64, own.shape
        nan where there is no data; quantities in the unit that the file's scale and offset lead to.
    own : Grid
        The layer's own grid, cut; the grid itself where it is a part of that.

    Raises
    ------
    InputError
        If the layer does not reach the grid (RASTER_OUTSIDE).
    """
    from rasterio.windows import Window

    with grids.opened(layer.path) as raster:
        whole = Grid.of(CRS.from_user_input(layer.crs), raster.transform, (raster.height, raster.width))
        window = _exact(whole, grid) or _window(whole, grid.bounds, grid.crs, margin=_MARGIN)
        if window is None:
            raise _outside(layer)
        row, column, rows, columns = window
        cells = raster.read(1, window=Window(column, row, columns, rows), masked=True)
        scale, offset = raster.scales[0], raster.offsets[0]
    values = cells.astype(np.float64).filled(np.nan)
    if layer.measure != "categorical" and (scale, offset) != (1.0, 0.0):
        values = values * scale + offset
    return values, part(whole, window)


def pieces(layer: LayerFile, grid: Grid) -> Iterator[tuple[tuple[slice, slice], Grid]]:
    """Cut a grid into pieces for each of which no more than about `MOST_CELLS` of a raster layer have to be read.

    Parameters
    ----------
    layer : LayerFile
        A raster.
    grid : Grid

    Yields
    ------
    place : slices of rows and columns
    piece : Grid

    Raises
    ------
    InputError
        If the layer does not reach the grid (RASTER_OUTSIDE).
    """
    whole = own_grid(layer)
    window = _exact(whole, grid) or _window(whole, grid.bounds, grid.crs, margin=_MARGIN)
    if window is None:
        raise _outside(layer)
    rows, columns = window[2:]
    if rows * columns <= MOST_CELLS:
        yield (slice(None), slice(None)), grid
        return
    side = max(1, int(math.sqrt(MOST_CELLS * grid.cells / (rows * columns))))
    for top in range(0, grid.shape[0], side):
        for left in range(0, grid.shape[1], side):
            high, wide = min(side, grid.shape[0] - top), min(side, grid.shape[1] - left)
            yield (slice(top, top + high), slice(left, left + wide)), part(grid, (top, left, high, wide))


def reaches(layer: LayerFile, grid: Grid) -> bool:
    """Return whether any cell of a raster layer may lie on a grid."""
    whole = own_grid(layer)
    return (_exact(whole, grid) or _window(whole, grid.bounds, grid.crs, margin=_MARGIN)) is not None


def read_features(layer: LayerFile, grid: Grid) -> "gpd.GeoDataFrame":
    """Read the features of a vector layer, in a grid's own system.

    Returns
    -------
    geopandas.GeoDataFrame
        Attributes as text.
    """
    import geopandas as gpd
    from rasterio.warp import transform_bounds

    own = CRS.from_user_input(layer.crs)
    box = transform_bounds(grid.crs.to_wkt(), own.to_wkt(), *grid.bounds, densify_pts=21)
    found = gpd.read_file(layer.path, engine="pyogrio", bbox=box)
    longest = _SEGMENT_DEGREES if own.is_geographic else _SEGMENT_M
    # A long straight line in one system is bent in another.
    shapes = geo.project(shapely.segmentize(np.asarray(found.geometry), longest), own, grid.crs)
    return found.set_geometry(gpd.GeoSeries(shapes, index=found.index, crs=grid.crs.to_wkt()))


def _degrees(grid: Grid) -> tuple[float, float, float, float]:
    """Return a grid's edges in degrees, WGS 84."""
    step = max(grid.shape) * grid.transform.a / 32
    outline = geo.densify(shapely.box(*grid.bounds), max_segment_degrees=step)
    west, south, east, north = (float(edge) for edge in shapely.bounds(geo.project(outline, grid.crs, 4326)))
    return west, south, east, north


def _outside(layer: LayerFile) -> InputError:
    problem = "the layer does not reach the window"
    return InputError(problem, file=layer.name, code="RASTER_OUTSIDE")


def _window(
    whole: Grid, bounds: tuple[float, float, float, float], crs: CRS | int, *, margin: int
) -> tuple[int, int, int, int] | None:
    """Return row, column, rows and columns of the part that a box touches; None where it touches none."""
    from rasterio.warp import transform_bounds

    west, south, east, north = transform_bounds(
        CRS.from_user_input(crs).to_wkt(), whole.crs.to_wkt(), *bounds, densify_pts=21
    )
    if not all(map(math.isfinite, (west, south, east, north))):
        return 0, 0, *whole.shape  # a part of the box lies beyond the edge of the layer's map
    if west > east:  # the box spans the antimeridian
        west, east = whole.bounds[0], whole.bounds[2]
    affine = whole.transform
    first_column, first_row = (west - affine.c) / affine.a, (north - affine.f) / affine.e
    last_column, last_row = (east - affine.c) / affine.a, (south - affine.f) / affine.e
    tolerance = 1e-6
    column = max(0, math.floor(first_column + tolerance) - margin)
    row = max(0, math.floor(first_row + tolerance) - margin)
    columns = min(whole.shape[1], math.ceil(last_column - tolerance) + margin) - column
    rows = min(whole.shape[0], math.ceil(last_row - tolerance) + margin) - row
    return (row, column, rows, columns) if rows > 0 and columns > 0 else None


def _exact(whole: Grid, grid: Grid) -> tuple[int, int, int, int] | None:
    """Return the window where a grid is a part of another."""
    one, other = whole.transform, grid.transform
    if whole.crs != grid.crs or max(abs(one.a - other.a), abs(one.e - other.e)) > 1e-9 * one.a:
        return None
    column, row = (other.c - one.c) / one.a, (other.f - one.f) / one.e
    if max(abs(column - round(column)), abs(row - round(row))) > 1e-3:
        return None
    inside = 0 <= round(column) <= whole.shape[1] - grid.shape[1] and 0 <= round(row) <= whole.shape[0] - grid.shape[0]
    return (round(row), round(column), *grid.shape) if inside else None


def part(whole: Grid, window: tuple[int, int, int, int]) -> Grid:
    """Return a window of a grid as a grid."""
    from affine import Affine

    row, column, rows, columns = window
    return Grid.of(whole.crs, whole.transform @ Affine.translation(column, row), (rows, columns))


def values_at(layer: LayerFile, longitude: Floats, latitude: Floats) -> Floats:
    """Return the values of a raster layer's cells at points.

    Parameters
    ----------
    layer : LayerFile
        A raster of any size, over 180° too.
    longitude, latitude : ndarray of float64, length n
        Degrees, WGS 84.

    Returns
    -------
    ndarray of float64, length n
        nan where the layer has no cell or no data.
    """
    whole = own_grid(layer)
    rows, columns = whole.cells_at(longitude, latitude)
    found = np.full(len(rows), np.nan)
    inside = np.flatnonzero(rows >= 0)
    block = (rows[inside] // _BLOCK) * (whole.shape[1] // _BLOCK + 1) + columns[inside] // _BLOCK
    order = np.argsort(block, kind="stable")
    for at in np.split(inside[order], np.flatnonzero(np.diff(block[order])) + 1) if len(inside) else ():
        row, column = int(rows[at].min()), int(columns[at].min())
        window = row, column, int(rows[at].max()) - row + 1, int(columns[at].max()) - column + 1
        cells, _ = read_cells(layer, part(whole, window))
        found[at] = cells[rows[at] - row, columns[at] - column]
    return found


def choose(rows: Sequence[dict[str, Any]], wanted: str, *, where: str, otherwise: str) -> dict[str, Any]:
    """Return the row of the layer that a name means.

    Parameters
    ----------
    rows : sequence of dict
        Each with `name` and `theme`.
    wanted : str
        The layer's own name, or what it shows where one layer alone shows that.
    where : str
        Where the layers are, for the message.
    otherwise : str
        What else would be right, for the message.

    Raises
    ------
    InputError
        If there is none, or several (LAYER_UNKNOWN).
    """
    chosen = [row for row in rows if row["name"] == wanted]
    chosen = chosen or [row for row in rows if row["theme"] == wanted]
    if len(chosen) == 1:
        return chosen[0]
    listed = ", ".join(sorted(row["name"] for row in chosen or rows)) or "none, as there is no layer"
    problem = f"{len(chosen) or 'no'} layer{'s are' if len(chosen) > 1 else ' is'} called so or shows it"
    expected = f"one of {listed}, {otherwise}"
    raise InputError(problem, file=where, column="layer", value=wanted, expected=expected, code="LAYER_UNKNOWN")


def layer_file(row: dict[str, Any], path: Path, *, version: str) -> LayerFile:
    """Return a layer by its row of the lake's table `layers`, and the file that holds it."""
    return LayerFile(
        row["name"], row["theme"], row["form"] or "raster", path, row["kind"], row["crs"], row["sha256"],
        row["legend"], version, tuple(row["notes"] or ()),
    )  # fmt: skip


def read_polygons(paths: Sequence[Path]) -> gpd.GeoDataFrame:
    """Read files of polygons as one table, in the first file's coordinate system.

    Parameters
    ----------
    paths : sequence of Path
        What GDAL reads: GeoPackage, GeoJSON, shapefile, …; points and lines in them are left out.

    Returns
    -------
    geopandas.GeoDataFrame
        One column, `geometry`; `attrs["left_out"]` has the number of rows that were left out, by the name of the file.

    Raises
    ------
    InputError
        If a file cannot be read (LAYER_UNREADABLE), tells no coordinate system (CRS_MISSING), or has no polygon
        (INPUT_EMPTY).
    """
    found: list[gpd.GeoSeries] = []
    left_out: dict[str, int] = {}
    crs = None
    for path in paths:
        layer = read_frame(path)
        kinds = layer.geom_type.tolist() if "geometry" in layer else []
        polygons = np.array([kind in _POLYGONS for kind in kinds], dtype=np.bool_)
        if not polygons.any():
            problem = "there is no polygon in it"
            raise InputError(problem, file=path.name, code="INPUT_EMPTY")
        if layer.crs is None:
            problem = "the layer tells no coordinate system"
            raise InputError(problem, file=path.name, code="CRS_MISSING")
        shapes = gpd.GeoSeries(layer.geometry.to_numpy()[polygons], crs=layer.crs)
        crs = layer.crs if crs is None else crs
        found.append(shapes.to_crs(crs))
        if not polygons.all():
            left_out[path.name] = int((~polygons).sum())
    table = gpd.GeoDataFrame(geometry=pd.concat(found, ignore_index=True), crs=crs)
    table.attrs["left_out"] = left_out
    return table
