"""Raster files, polygons and lines put into a grid."""

import itertools
import math
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from pyproj import CRS

from biodata.analysis.grid import Floats, Grid, Ints
from biodata.core import geo
from biodata.core.errors import InputError
from biodata.formats import grids

CATEGORICAL: Final = ("nearest", "mode")
"""Ways to resample classes: a mean of two classes is no class."""
CONTINUOUS: Final = ("bilinear", "average", "max", "min", "nearest")
"""Ways to resample measured values."""


_INSET: Final = 1e-3
"""How far inside its cell a corner is taken, in cells: a corner on the edge belongs to the neighbour."""
_CHUNK: Final = 200_000


def read(path: Path, *, crs: CRS | None = None) -> tuple[Floats, Grid]:
    """Read the first band of a raster file on its own grid.

    Parameters
    ----------
    path : Path
        Any raster that GDAL reads, north up.
    crs : pyproj.CRS, optional
        The coordinate system of a file that states none.

    Returns
    -------
    values : ndarray of float64, (rows, columns)
        nan where there is no data.
    grid : Grid

    Raises
    ------
    InputError
        If the file cannot be read, has no coordinate system or is rotated.
    """
    with _open(path, crs_needed=crs is None) as source:
        values = source.read(1, masked=True).astype(np.float64).filled(np.nan)
        transform = source.transform
        if crs is None or source.crs is not None:
            crs = CRS.from_user_input(source.crs.to_wkt())
    if transform.b or transform.d or transform.e >= 0 or transform.a <= 0:
        problem = "the raster is rotated or not north up"
        raise InputError(problem, file=path.name, expected="warp it first", code="RASTER_ROTATED")
    return values, Grid.of(crs, transform, values.shape)


def warp_values(values: Floats, own: Grid, grid: Grid, *, resampling: str) -> Floats:
    """Put a raster's values into another grid.

    Parameters
    ----------
    values : ndarray of float64, own.shape
        nan where there is no data.
    own, grid : Grid
        Where the values lie, and where to put them.
    resampling : str
        One of `CATEGORICAL` for classes, of `CONTINUOUS` for measured values.

    Returns
    -------
    ndarray of float64, grid.shape
        nan where there is no data or the raster does not reach.

    Raises
    ------
    InputError
        If there is no resampling of that name.
    """
    from rasterio.warp import Resampling, reproject

    if resampling not in CATEGORICAL + CONTINUOUS:
        known = ", ".join(dict.fromkeys(CATEGORICAL + CONTINUOUS))
        problem = "there is no resampling of that name"
        raise InputError(problem, value=resampling, expected=f"known: {known}", code="RESAMPLING_UNKNOWN")
    warped = np.full(grid.shape, np.nan)
    reproject(
        values, warped, src_transform=own.transform, src_crs=own.crs.to_wkt(), src_nodata=np.nan,
        dst_transform=grid.transform, dst_crs=grid.crs.to_wkt(), dst_nodata=np.nan, resampling=Resampling[resampling],
    )  # fmt: skip
    return warped


def _open(path: Path, *, crs_needed: bool = True) -> Any:
    """Open a raster file, by default one that has a coordinate system."""
    from rasterio.errors import RasterioError

    try:
        source = grids.open_raster(path)
    except (RasterioError, OSError) as error:
        problem = "the file is no raster that can be read"
        expected = "a GeoTIFF or an ASCII grid"
        raise InputError(problem, file=path.name, expected=expected, code="RASTER_UNREADABLE") from error
    if crs_needed and source.crs is None:
        source.close()
        problem = "the raster does not tell its coordinate system"
        raise InputError(problem, file=path.name, expected="set it with gdal_edit -a_srs", code="RASTER_CRS_MISSING")
    return source


def cells_inside(geometry: shapely.Geometry, grid: Grid) -> Ints:
    """Return the cells whose centres a polygon holds.

    Parameters
    ----------
    geometry : shapely geometry
        In the grid's own system.
    grid : Grid

    Returns
    -------
    ndarray of int64, (n,)
        Flat indexes in rising order; for a polygon that holds no centre, the one cell of a point inside it; empty for
        what lies outside the grid.
    """
    from rasterio.features import rasterize

    rows, columns = grid.shape
    west, south, east, north = shapely.bounds(shapely.intersection(geometry, shapely.box(*grid.bounds)))
    if np.isnan(west):
        return np.zeros(0, dtype=np.int64)
    left, right = ((x - grid.transform.c) / grid.transform.a for x in (west, east))
    top, bottom = ((y - grid.transform.f) / grid.transform.e for y in (north, south))
    first_column, first_row = max(0, math.floor(left)), max(0, math.floor(top))
    shape = (min(rows, math.ceil(bottom) + 1) - first_row, min(columns, math.ceil(right) + 1) - first_column)
    if min(shape) > 0 and shapely.area(geometry) > 0:
        corner = (grid.transform.c + first_column * grid.transform.a, grid.transform.f + first_row * grid.transform.e)
        transform = Affine(grid.transform.a, 0.0, corner[0], 0.0, grid.transform.e, corner[1])
        inside = rasterize([(geometry, 1)], out_shape=shape, transform=transform, dtype="uint8")
        at_row, at_column = np.nonzero(inside)
        if at_row.size:
            return np.asarray((at_row + first_row) * columns + at_column + first_column, dtype=np.int64)
    point = shapely.point_on_surface(geometry)
    column = math.floor((point.x - grid.transform.c) / grid.transform.a)
    row = math.floor((point.y - grid.transform.f) / grid.transform.e)
    inside_grid = 0 <= row < rows and 0 <= column < columns
    return np.array([row * columns + column] if inside_grid else [], dtype=np.int64)


def outline(inside: NDArray[np.bool_], grid: Grid, row: int, column: int) -> shapely.Geometry:
    """Return the outline of a set of cells, half way between cells inside and outside.

    Corners are cut (marching squares), so that an edge which runs askew to the grid is straight and has no steps; cells
    that meet at a corner belong together, as steps may be diagonal.

    Parameters
    ----------
    inside : ndarray of bool, (rows, columns)
        A window of the grid.
    grid : Grid
    row, column : int
        Where the window starts in the grid.

    Returns
    -------
    shapely.Polygon or MultiPolygon
        In the grid's own system; empty where no cell is inside.
    """
    from contourpy import FillType, contour_generator

    padded = np.zeros((inside.shape[0] + 2, inside.shape[1] + 2))
    padded[1:-1, 1:-1] = inside
    transform = grid.transform
    x = transform.c + (np.arange(padded.shape[1]) + column - 0.5) * transform.a
    y = transform.f + (np.arange(padded.shape[0]) + row - 0.5) * transform.e
    filled = contour_generator(x, y, padded, fill_type=FillType.OuterOffset).filled(0.5 - 1e-6, 2.0)
    found, offsets = cast("tuple[list[Floats], list[Ints]]", filled)
    polygons = []
    for points, ends in zip(found, offsets, strict=True):
        rings = [points[start:end] for start, end in itertools.pairwise(ends)]
        polygons.append(shapely.Polygon(rings[0], rings[1:]))
    return shapely.make_valid(shapely.union_all(polygons))


def burn_cells(values: Floats, own: Grid, grid: Grid) -> Floats:
    """Put cells of lines into another grid so that no piece of a line is lost.

    Parameters
    ----------
    values : ndarray of float64, own.shape
        nan where there is no line.
    own, grid : Grid
        Where the values lie, and where to put them.

    Returns
    -------
    ndarray of float64, grid.shape
        The highest value of any line that runs through the cell; nan where none does. Cells that meet in `values` meet
        here, at a corner at least; `sealed` closes those corners.

    Notes
    -----
    Each cell's points are taken to where they lie, and not the other way round: GDAL's warper looks back from the
    coarse cell through a box around two of its corners, and between two such boxes of grids that stand askew to each
    other a line falls through.
    """
    burnt = np.full(grid.cells, -np.inf)
    rows, columns = np.nonzero(~np.isnan(values))
    finer = max(1, math.ceil(2 * own.cell_m / grid.cell_m))
    offsets = np.linspace(_INSET, 1 - _INSET, finer + 1)
    for start in range(0, rows.size, _CHUNK):
        at = slice(start, start + _CHUNK)
        cells = values[rows[at], columns[at]]
        for down in offsets:
            for right in offsets:
                x = own.transform.c + (columns[at] + right) * own.transform.a
                y = own.transform.f + (rows[at] + down) * own.transform.e
                moved = geo.project(np.column_stack([x, y]), own.crs, grid.crs)
                row, column, inside = grid.cells_under(moved)
                np.maximum.at(burnt, row[inside] * grid.shape[1] + column[inside], cells[inside])
    return np.where(burnt == -np.inf, np.nan, burnt).reshape(grid.shape)


def burn_shapes(shapes: NDArray[Any], values: Floats, grid: Grid) -> Floats:
    """Put shapes into a grid: every cell that one touches.

    Parameters
    ----------
    shapes : ndarray of n shapely geometries
        In the grid's own system.
    values : ndarray of float64, (n,)
        inf is higher than any other value.
    grid : Grid

    Returns
    -------
    ndarray of float64, grid.shape
        The highest value of any shape that touches the cell; nan where none does.
    """
    from rasterio.features import rasterize

    order = np.argsort(values, kind="stable")
    ranks = np.searchsorted(np.unique(values), values) + 1
    # Later ones overwrite earlier ones: the highest comes last.
    if not (pairs := [(shapes[index], int(ranks[index])) for index in order]):
        return np.full(grid.shape, np.nan)
    burnt = rasterize(pairs, out_shape=grid.shape, transform=grid.transform, all_touched=True, dtype="int32")
    level: Floats = np.concatenate([[np.nan], np.unique(values)])
    return np.asarray(level[burnt], dtype=np.float64)


def sealed(lines: Floats) -> tuple[Floats, int]:
    """Close the corners of lines: a diagonal step would slip through where two cells meet at a corner only.

    Parameters
    ----------
    lines : ndarray of float64, (rows, columns)
        nan where there is no line, inf for barriers.

    Returns
    -------
    lines : ndarray of float64, (rows, columns)
        With one cell at every such corner as high as the lower of the two, which whoever crosses pays anyway. A lower
        line beside it, as a track along a fence, is no way through either.
    filled : int
        How many cells were raised.
    """
    level = np.where(np.isnan(lines), -np.inf, lines)
    filled = 0
    for left, right in ((0, 1), (1, 0)):
        end_left, end_right = level.shape[1] - 1 + left, level.shape[1] - 1 + right
        upper, lower = level[:-1, left:end_left], level[1:, right:end_right]
        beside, below = level[:-1, right:end_right], level[1:, left:end_left]
        needed = np.minimum(upper, lower)
        gap = needed > np.maximum(beside, below)
        filled += int(gap.sum())
        beside[gap] = needed[gap]
    return np.where(level == -np.inf, np.nan, level), filled


def padded(grid: Grid, cells: int) -> Grid:
    """Return a grid with so many more cells on every side."""
    transform = grid.transform @ Affine.translation(-cells, -cells)
    return Grid(grid.crs, transform, (grid.shape[0] + 2 * cells, grid.shape[1] + 2 * cells), grid.cell_m)


def distance_m(present: NDArray[np.bool_], grid: Grid) -> Floats:
    """Return the distance from the middle of every cell to the middle of the nearest one that something is in.

    Parameters
    ----------
    present : ndarray of bool, grid.shape
    grid : Grid

    Returns
    -------
    ndarray of float64, grid.shape
        Metres, on the ellipsoid where the grid is one of degrees, else on the grid's plane; inf where nothing is.
    """
    from scipy.ndimage import distance_transform_edt
    from scipy.spatial import cKDTree

    if not present.any():
        return np.full(grid.shape, np.inf)
    if grid.crs.is_projected:
        wide, high = grid.cell_sizes_m()
        return np.asarray(distance_transform_edt(~present, sampling=(high[0], wide[0])), dtype=np.float64)
    rows, columns = (axis.ravel() for axis in np.indices(grid.shape))
    # The chord through the ellipsoid is as good as the way over it: a millimetre shorter at 10 km.
    xyz = geocentric_m(grid.lonlat(rows, columns))
    found, _ = cKDTree(xyz[present.ravel()]).query(xyz)
    return np.asarray(found, dtype=np.float64).reshape(grid.shape)


def geocentric_m(lonlat: Floats) -> Floats:
    """Return places on the ellipsoid in space, metres, shape (n, 3); what is nearer through it is nearer over it."""
    longitude, latitude = np.radians(lonlat).T
    normal = geo.SEMI_MAJOR_M / np.sqrt(1 - geo.ECCENTRICITY_2 * np.sin(latitude) ** 2)
    return np.column_stack(
        [
            normal * np.cos(latitude) * np.cos(longitude),
            normal * np.cos(latitude) * np.sin(longitude),
            normal * (1 - geo.ECCENTRICITY_2) * np.sin(latitude),
        ]
    )
