"""A planner's own resistance raster, made ready for corridors, and areas that come as a raster."""

import math
from pathlib import Path
from typing import Final

import geopandas as gpd
import numpy as np
import shapely

from biodata import geo
from biodata.analysis import rasters, resistance_raster
from biodata.analysis.corridors import SQUARE_WITHIN
from biodata.analysis.grid import Floats, Grid, equal_area_grid, require_aligned
from biodata.errors import InputError

_STRETCH: Final = 0.02
_WARP: Final = "give --cell-m, and it is put into an equal-area grid of such cells (nearest value)"


def read(
    path: Path,
    *,
    cell_m: float | None = None,
    band: int | None = None,
    nodata: float | None = None,
    crs: str | None = None,
) -> tuple[Floats, Grid, list[str]]:
    """Read a resistance raster on a grid that corridors can be computed on.

    Parameters
    ----------
    path : Path
        Any raster that GDAL reads, north up.
    cell_m : float, optional
        Put it into an equal-area grid of such cells, by nearest value. Where not given, a raster in metres stays as it is,
        and one in degrees is put into cells as wide as its narrowest, so that none of its cells is passed over.
    band, nodata, crs : optional
        As `resistance_raster.read` takes them.

    Returns
    -------
    resistance : ndarray of float64, (rows, columns)
        nan where there is no data.
    grid : Grid
    notes : list of str
        What was done, and where the grid's metres are not those on the ground.

    Raises
    ------
    InputError
        As `resistance_raster.read`; or if the raster is in feet, or its cells are not square.
    """
    found = resistance_raster.read(path, band=band, nodata=nodata, crs=crs)
    resistance, grid, notes = found.values, found.grid, list(found.notes)
    if cell_m is None and not grid.crs.is_projected:
        cell_m = _narrowest_m(grid)
    if cell_m is not None:
        resistance, grid, warped = _warped(resistance, grid, path, cell_m)
        return resistance, grid, [*notes, *warped]
    wide, high = grid.transform.a, -grid.transform.e
    if not grid.in_metres:
        problem = f"the raster is in {grid.crs.axis_info[0].unit_name}, not in metres"
        raise InputError(problem, file=path.name, expected=_WARP, code="RASTER_UNIT")
    if not grid.square(within=SQUARE_WITHIN):
        problem = f"cells are {wide:.10g} m wide and {high:.10g} m high, and must be square"
        raise InputError(problem, file=path.name, expected=_WARP, code="RASTER_NOT_SQUARE")
    if not grid.square():
        notes.append(f"cells of {wide:.6g} x {high:.6g} m are taken as squares of {grid.cell_m:.6g} m")
    return resistance, grid, [*notes, *_stretch(grid)]


def areas(path: Path, grid: Grid) -> gpd.GeoDataFrame:
    """Read areas from a raster of their ids, on the same cells as the resistance.

    Parameters
    ----------
    path : Path
        Whole numbers above 0 are ids; 0 and cells without data are no area. One that tells no system has the grid's.
    grid : Grid
        The resistance raster's.

    Returns
    -------
    geopandas.GeoDataFrame
        Columns area_id, name and geometry, one row for each id in rising order.

    Raises
    ------
    InputError
        If the raster does not lie on the same cells, exactly telling in what, or a value is no whole number.
    """
    from rasterio import features

    values, own = rasters.read(path, crs=grid.crs)
    require_aligned({"the resistance raster": grid, path.name: own})
    ids = np.nan_to_num(values, nan=0.0)
    odd = np.flatnonzero((ids.reshape(-1) != np.floor(ids.reshape(-1))) | (np.abs(ids.reshape(-1)) > 2**31 - 1))
    if odd.size:
        row, column = divmod(int(odd[0]), grid.shape[1])
        problem, expected = f"row {row + 1}, column {column + 1} of the raster is no id", "whole numbers"
        raise InputError(
            problem, file=path.name, value=f"{ids[row, column]:g}", expected=expected, code="AREA_ID_INVALID"
        )
    whole = np.maximum(ids, 0).astype(np.int32)
    pieces: dict[int, list[shapely.Geometry]] = {}
    for shape, value in features.shapes(whole, mask=whole > 0, transform=grid.transform):
        pieces.setdefault(int(value), []).append(shapely.geometry.shape(shape))
    names = [str(value) for value in sorted(pieces)]
    shapes = [shapely.union_all(pieces[value]) for value in sorted(pieces)]
    return gpd.GeoDataFrame({"area_id": names, "name": names}, geometry=shapes, crs=grid.crs)


def _warped(resistance: Floats, own: Grid, path: Path, cell_m: float) -> tuple[Floats, Grid, list[str]]:
    """Put a raster into an equal-area grid."""
    rows, columns = own.shape
    edge = np.linspace(-0.5, max(rows, columns) - 0.5, 33)
    along, across = np.clip(edge, -0.5, rows - 0.5), np.clip(edge, -0.5, columns - 0.5)
    at_rows = np.concatenate([along, along, np.full(33, -0.5), np.full(33, rows - 0.5)])
    at_columns = np.concatenate([np.full(33, -0.5), np.full(33, columns - 0.5), across, across])
    x, y = own.transform.c + (at_columns + 0.5) * own.transform.a, own.transform.f + (at_rows + 0.5) * own.transform.e
    lonlat = geo.project(np.column_stack([x, y]), own.crs, 4326)
    if not np.isfinite(lonlat).all():
        problem = "the raster's edge has no place on the globe"
        raise InputError(problem, file=path.name, expected="clip it first", code="RASTER_OUTSIDE")
    (west, south), (east, north) = lonlat.min(axis=0), lonlat.max(axis=0)
    grid = equal_area_grid((float(west), float(south), float(east), float(north)), cell_m)
    warped = rasters.warp_values(resistance, own, grid, resampling="nearest")
    if np.isnan(warped).all():
        problem = "the raster has no data in cells of this size"
        raise InputError(problem, file=path.name, value=f"{cell_m:g} m", code="RASTER_EMPTY")
    was = f"{own.shape[0]} x {own.shape[1]} cells of {own.cell_m:.6g} m"
    return warped, grid, [f"{was} put into {grid.shape[0]} x {grid.shape[1]} equal-area cells of {cell_m:g} m"]


def _narrowest_m(grid: Grid) -> float:
    """Return the shortest side of any cell of a raster in degrees, in whole tenths of a metre where that is enough."""
    side = min(float(sizes.min()) for sizes in grid.cell_sizes_m())
    return math.floor(side * 10) / 10 or side


def _stretch(grid: Grid) -> list[str]:
    """Tell where a cell's sides on the ground, in the middle and near the corners, are not what the grid says."""
    rows, columns = grid.shape
    at = np.array([[0.5, 0.5], [0.1, 0.1], [0.1, 0.9], [0.9, 0.1], [0.9, 0.9]]) * np.array([rows, columns])
    here = grid.lonlat(at[:, 0], at[:, 1])
    sides = []
    for down, right in ((1, 0), (0, 1)):
        there = grid.lonlat(at[:, 0] + down, at[:, 1] + right)
        sides.append(geo.geodesic_distance_m(*here.T, *there.T) / grid.cell_m)
    shares = np.concatenate(sides)
    shares = shares[np.isfinite(shares)]
    if not shares.size or math.isclose(float(np.abs(shares - 1).max()), 0, abs_tol=_STRETCH):
        return []
    low, high = float(shares.min()), float(shares.max())
    return [f"a metre of this raster's system ({grid.crs.name}) is {low:.3f} to {high:.3f} m on the ground here"]
