"""A resistance raster out of a file, with what would make a search over it wrong refused by row and column."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pyproj import CRS
from pyproj.exceptions import CRSError

from biodata.analysis.grid import Floats, Grid
from biodata.errors import InputError
from biodata.formats import geotiff


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


def read(
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
        The coordinate system of a file that tells none, as pyproj reads it.

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
            source = geotiff.open_raster(path)
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
    infinite = int(np.isposinf(values).sum())
    if infinite:
        values[np.isposinf(values)] = np.nan
        notes.append(f"{infinite} cells of infinite resistance are taken as cells without data")
    grid = Grid(system, transform, (values.shape[0], values.shape[1]), 0.0)
    _check(values, grid, path)
    wide, high = grid.cell_sizes_m()
    middle = grid.shape[0] // 2
    grid = Grid(system, transform, grid.shape, float(np.sqrt(wide[middle] * high[middle])))
    return ResistanceRaster(values, grid, tuple(notes))


def _system(source: Any, path: Path, declared: str | None) -> CRS:
    """Return the coordinate system, the declared one where the file tells none."""
    own = None if source.crs is None else CRS.from_user_input(source.crs.to_wkt())
    if own is not None and not (own.is_projected or own.is_geographic):
        own = None  # a local system has no place on the ground
    if declared is None:
        if own is None:
            problem, expected = "the raster does not tell its coordinate system", "name it with --crs, as EPSG:32647"
            raise InputError(problem, file=path.name, expected=expected, code="RASTER_CRS_MISSING")
        return own
    try:
        named = CRS.from_user_input(declared)
    except CRSError as error:
        problem = "there is no coordinate system of that name"
        raise InputError(problem, value=declared, expected="for example EPSG:32647", code="CRS_UNKNOWN") from error
    if own is not None and own != named:
        problem = f"the raster tells another coordinate system itself: {own.name}"
        raise InputError(problem, file=path.name, value=declared, expected="leave --crs out", code="CRS_CONTRADICTED")
    return named


def _band(source: Any, path: Path, band: int | None) -> int:
    """Return the band to read; one of transparency is none to choose."""
    from rasterio.enums import ColorInterp

    measured = [number for number, kind in enumerate(source.colorinterp, start=1) if kind != ColorInterp.alpha]
    if band is None and len(measured) != 1:
        problem = f"the raster has {len(measured)} bands"
        raise InputError(problem, file=path.name, expected="name one with --band", code="RASTER_BANDS")
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
    expected = f"1 or more is usual; if {value} stands for no data, say --nodata {value}"
    raise InputError(
        problem, file=path.name, row=row + 1, column=str(column + 1), value=value, expected=expected,
        code="RESISTANCE_NOT_POSITIVE",
    )  # fmt: skip


def _shortest(value: float) -> str:
    """Return a number in as few digits as it can be told again in, single precision being enough where it is one."""
    short = f"{value:g}"
    if float(short) == value:
        return short
    with np.errstate(over="ignore"):
        single = np.float32(value)
    return str(single) if float(single) == value else repr(value)
