"""A planner's own resistance raster, checked and made ready for corridors; areas that come as a raster."""

import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import shapely
from pyproj import CRS
from pyproj.exceptions import CRSError

from biodata.analysis import rasters
from biodata.analysis.corridors import SQUARE_WITHIN
from biodata.analysis.grid import Floats, Grid, equal_area_grid, require_aligned
from biodata.core import geo, grouped
from biodata.core.errors import InputError
from biodata.formats import grids

_STRETCH: Final = 0.02
_WARP: Final = "give cell_m, and it is put into an equal-area grid of such cells (nearest value)"


@dataclass(frozen=True, slots=True)
class ResistanceRaster:
    """Resistances that a search can run over.

    Attributes
    ----------
    values : ndarray of float64, (rows, columns)
        Above 0; nan where there is no data.
    grid : Grid
    notes : tuple of str
        What a reader of the result should know.
    """

    values: Floats
    grid: Grid
    notes: tuple[str, ...]


def read_resistance(
    path: Path, *, band: int | None = None, nodata: float | None = None, crs: str | None = None
) -> ResistanceRaster:
    """Read resistances.

    Parameters
    ----------
    path : Path
        Any raster that GDAL reads, north up.
    band : int, optional
        Which band, from 1; needed where there are several.
    nodata : float, optional
        A value that stands for no data besides the one that the file declares.
    crs : str, optional
        The coordinate system of a file that states none, as pyproj reads it.

    Returns
    -------
    ResistanceRaster

    Raises
    ------
    InputError
        If the file cannot be read, is rotated, has several bands of which none is named, no data, or no coordinate
        system in which a cell has a size; or if a resistance is 0 or less, with the first one's row and column.
    """
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            source = grids.open_raster(path)
        with source:
            system = _system(source, path, crs)
            values, notes = _values(source, path, _band(source, path, band), nodata)
            transform = source.transform
    except (RasterioError, OSError) as error:
        problem = "the file is no raster that can be read" if path.exists() else "there is no such file"
        expected = "a GeoTIFF or an ASCII grid"
        raise InputError(problem, file=path.name, expected=expected, code="RASTER_UNREADABLE") from error
    if transform.b or transform.d or transform.e >= 0 or transform.a <= 0:
        problem = "the raster is rotated or not north up"
        raise InputError(problem, file=path.name, expected="warp it first (gdalwarp)", code="RASTER_ROTATED")
    if infinite := int(np.isposinf(values).sum()):
        values[np.isposinf(values)] = np.nan
        notes.append(f"{infinite} cells of infinite resistance are taken as cells without data")
    _check(values, Grid(system, transform, (values.shape[0], values.shape[1]), 0.0), path)
    grid = Grid.of(system, transform, (values.shape[0], values.shape[1]))
    return ResistanceRaster(values, grid, tuple(notes))


def _system(source: Any, path: Path, declared: str | None) -> CRS:
    """Return the coordinate system, the declared one where the file states none."""
    own = None if source.crs is None else CRS.from_user_input(source.crs.to_wkt())
    if own is not None and not (own.is_projected or own.is_geographic):
        own = None  # a local system has no place on the ground
    if declared is None:
        if own is None:
            problem, expected = "the raster does not tell its coordinate system", "name it (crs), as EPSG:32647"
            raise InputError(problem, file=path.name, expected=expected, code="RASTER_CRS_MISSING")
        return own
    try:
        named = CRS.from_user_input(declared)
    except CRSError as error:
        problem = "there is no coordinate system of that name"
        raise InputError(problem, value=declared, expected="for example EPSG:32647", code="CRS_UNKNOWN") from error
    if own is not None and own != named:
        problem = f"the raster tells another coordinate system itself: {own.name}"
        raise InputError(problem, file=path.name, value=declared, expected="leave crs out", code="CRS_CONTRADICTED")
    return named


def _band(source: Any, path: Path, band: int | None) -> int:
    """Return the band to read; one of transparency is none to choose."""
    from rasterio.enums import ColorInterp

    measured = [number for number, kind in enumerate(source.colorinterp, start=1) if kind != ColorInterp.alpha]
    if band is None and len(measured) != 1:
        problem = f"the raster has {len(measured)} bands"
        raise InputError(problem, file=path.name, expected="name one (band)", code="RASTER_BANDS")
    if band is not None and not 1 <= band <= source.count:
        problem = f"the raster has {source.count} bands"
        raise InputError(problem, file=path.name, value=str(band), expected="a band of it", code="RASTER_BANDS")
    return measured[0] if band is None else band


def _values(source: Any, path: Path, band: int, nodata: float | None) -> tuple[Floats, list[str]]:
    """Read a band as float64 with nan where it has no data, in the unit that its scale and offset lead to."""
    if source.dtypes[band - 1].startswith("complex"):
        problem = "the raster's values are complex numbers"
        raise InputError(problem, file=path.name, code="RASTER_COMPLEX")
    values: Floats = source.read(band, out_dtype="float64")
    values[source.read_masks(band) == 0] = np.nan
    if nodata is not None:
        kind = np.dtype(source.dtypes[band - 1])
        # -3.4028235e+38 is the same number only once it is rounded as the file rounds it.
        values[values == (float(kind.type(nodata)) if kind.kind == "f" else nodata)] = np.nan
    scale, offset = source.scales[band - 1], source.offsets[band - 1]
    if (scale, offset) == (1.0, 0.0):
        return values, []
    values *= scale
    values += offset
    return values, [f"values are scaled as the file says: x {scale:g} + {offset:g}"]


def _check(values: Floats, grid: Grid, path: Path) -> None:
    """Refuse a raster without data or beyond the poles, and resistances that are not above 0."""
    if grid.crs.is_geographic and not (grid.bounds[1] >= -90 - 1e-6 and grid.bounds[3] <= 90 + 1e-6):
        problem = f"the raster reaches from latitude {grid.bounds[1]:g} to {grid.bounds[3]:g}"
        expected = f"degrees between -90 and 90, as {grid.crs.name} has"
        raise InputError(problem, file=path.name, expected=expected, code="RASTER_BEYOND_POLES")
    if np.isnan(values).all():
        problem = "the raster has no data"
        raise InputError(problem, file=path.name, code="RASTER_EMPTY")
    bad = np.flatnonzero(values.reshape(-1) <= 0)
    if not bad.size:
        return
    row, column = divmod(int(bad[0]), grid.shape[1])
    value = _shortest(float(values[row, column]))
    more = f" ({bad.size} cells are not)" if bad.size > 1 else ""
    problem = f"resistance must be above 0{more}"
    expected = f"1 or more is usual; if {value} stands for no data, say so (nodata {value})"
    raise InputError(
        problem, file=path.name, row=row + 1, column=str(column + 1), value=value, expected=expected,
        code="RESISTANCE_NOT_POSITIVE",
    )  # fmt: skip


def _shortest(value: float) -> str:
    """Return a number in as few digits as it can be stated again in, single precision being enough where it is one."""
    short = f"{value:g}"
    if float(short) == value:
        return short
    with np.errstate(over="ignore"):
        single = np.float32(value)
    return str(single) if float(single) == value else repr(value)


def read(
    path: Path, *, cell_m: float | None = None, band: int | None = None, nodata: float | None = None,
    crs: str | None = None,
) -> tuple[Floats, Grid, list[str]]:  # fmt: skip
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
    found = read_resistance(path, band=band, nodata=nodata, crs=crs)
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


def doubt(resistance: Floats, *, raster: str) -> list[str]:
    """Return what is doubtful in a raster of resistance: values that look like suitabilities, of which more is better."""
    known = resistance[np.isfinite(resistance)]
    if known.size and known.min() < known.max() <= 1:
        return [
            f"{raster}: every value lies between {known.min():g} and {known.max():g}; resistance is usually 1 or more: if these "
            "are habitat suitabilities, of which more is better, corridors go where they should not"
        ]
    return []


def areas(path: Path, grid: Grid) -> gpd.GeoDataFrame:
    """Read areas from a raster of their ids, on the same cells as the resistance.

    Parameters
    ----------
    path : Path
        Whole numbers above 0 are ids; 0 and cells without data are no area. One that states no system has the grid's.
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
    found = features.shapes(whole, mask=whole > 0, transform=grid.transform)
    pieces = grouped((int(value), shapely.geometry.shape(shape)) for shape, value in found)
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
    grid = equal_area_grid((*lonlat.min(axis=0), *lonlat.max(axis=0)), cell_m)
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
