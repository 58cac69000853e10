"""Whether the coordinate system that a file states can be that of its coordinates, and which it is probably instead."""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Proj
from pyproj.exceptions import CRSError

from biodata.core import geo
from biodata.core.errors import InputError
from biodata.places.datums import Form, all_systems

Bounds = tuple[float, float, float, float]

REGION: Final[Bounds] = (73.0, -13.0, 142.0, 38.0)
"""Southwest China, ASEAN and a margin: west, south, east, north, degrees."""
_WORLD: Final[Bounds] = (-180.001, -90.001, 180.001, 90.001)
_BESIDE_DEGREES: Final = 6.0
"""A system is used this far outside its area, as where one zone stands for a whole country."""
_DATUM_MAY_SHIFT_M: Final = 1000.0
"""How far a place moves at most when its datum, which nobody stated, is taken for WGS 84, by `datum_shifts.csv`."""
_SINUSOIDAL: Final = "+proj=sinu +lon_0=0 +R=6371007.181 +units=m +no_defs +type=crs"
"""MODIS; https://modis-land.gsfc.nasa.gov/MODLAND_grid.html."""
_POINTS: Final = 17
_LISTED: Final = 3


@dataclass(frozen=True, slots=True)
class Placed:
    """Where a layer lies.

    Attributes
    ----------
    crs : pyproj.CRS
        The system that its coordinates are in.
    declared : str or None
        The system that the file tells, where it is another.
    bounds : west, south, east, north
        Degrees, WGS 84.
    notes : tuple of str
        What is doubtful, or was decided, in sentences.
    """

    crs: CRS
    declared: str | None
    bounds: Bounds
    notes: tuple[str, ...]


def place(
    declared: CRS | None, bounds: Bounds, *, file: str, cell: float | None = None, told: CRS | None = None
) -> Placed:
    """Decide which coordinate system a layer is in.

    Parameters
    ----------
    declared : pyproj.CRS, optional
        The system that the file tells.
    bounds : west, south, east, north
        The layer's edges in its own coordinates.
    file : str
        What a person calls it.
    cell : float, optional
        Width of a cell in its own coordinates; of rasters.
    stated : pyproj.CRS, optional
        The system that a person tells; it wins.

    Returns
    -------
    Placed

    Raises
    ------
    InputError
        If there is no system (CRS_UNKNOWN), or the edges cannot be in it (LAYER_PLACE): with what they are probably in.
    """
    crs = declared if told is None else told
    if crs is None:
        problem = f"the layer tells no coordinate system; its edges ({_edges(bounds)}) {_looks(bounds, cell)}"
        raise InputError(problem, file=file, expected="say it with --option crs=EPSG:…", code="CRS_UNKNOWN")
    notes = []
    other = None
    if told is not None and (declared is None or not declared.equals(told)):
        other = "none" if declared is None else name_of(declared)
        said = "no coordinate system" if declared is None else other
        notes.append(f"the file tells {said}; taken for {name_of(told)}, as told")
    degrees = _in_degrees(crs, bounds)
    reason = _impossible(crs, bounds, cell, degrees)
    if reason is not None or degrees is None:
        problem = f"{reason}; they {_looks(bounds, cell)}"
        expected = "say what they are in with --option crs=EPSG:…"
        raise InputError(problem, file=file, expected=expected, code="LAYER_PLACE")
    if told is None and crs.is_geographic and _datum_unknown(crs):
        crs, note = _without_datum(crs, bounds, cell, file)
        other = name_of(declared) if declared is not None else None
        notes.append(note)
    elif told is None and _datum_unknown(crs) and not _is_sphere(crs):
        notes.append(f"{name_of(crs)} tells no datum: places may be off by some hundred metres")
    return Placed(crs, other, degrees, (*notes, *_beside(crs, degrees, bounds, cell)))


def read_crs(text: str) -> CRS:
    """Read a coordinate system that a person tells.

    Raises
    ------
    InputError
        If it is none that PROJ knows (OPTION_INVALID).
    """
    try:
        return CRS.from_user_input(_SINUSOIDAL if text.strip().lower() in {"sinusoidal", "modis"} else text)
    except CRSError as error:
        problem = "this is no coordinate system"
        expected = "a code such as EPSG:32648, WKT, or sinusoidal for that of MODIS"
        raise InputError(problem, column="crs", value=text, expected=expected, code="OPTION_INVALID") from error


def name_of(crs: CRS) -> str:
    """Return a system as authority and code where it has them, else by its name."""
    authority = crs.to_authority()
    if authority:
        return ":".join(authority)
    unnamed = crs.name.lower() in {"unknown", "unnamed"}
    if unnamed and crs.is_projected and crs.coordinate_operation is not None:
        return f"an unnamed {crs.coordinate_operation.method_name}"
    return crs.datum.name if unnamed and crs.datum is not None else crs.name


def text_of(crs: CRS) -> str:
    """Return a system as authority and code where it has them, else as WKT."""
    authority = crs.to_authority()
    return ":".join(authority) if authority else str(crs.to_wkt())


def _impossible(crs: CRS, bounds: Bounds, cell: float | None, degrees: Bounds | None) -> str | None:
    """Tell why the edges cannot be in a system; None where they can."""
    edges = f"the layer's edges ({_edges(bounds)})"
    if crs.is_geographic and not _inside(bounds, _WORLD):
        return f"{edges} are no degrees, as {name_of(crs)} would have them"
    if crs.is_projected and _inside(bounds, _WORLD) and cell is not None and cell < 1:
        return f"{edges} and cells of {cell:.6g} are no metres, as {name_of(crs)} would have them"
    if crs.is_projected and cell is None and _inside(bounds, _WORLD) and _inside(bounds, REGION):
        return f"{edges} are no metres, as {name_of(crs)} would have them"
    if degrees is None:
        return f"{edges} lie outside the world of {name_of(crs)}"
    area = crs.area_of_use
    if area is not None and not _meets(degrees, area.bounds, _BESIDE_DEGREES):
        return f"{edges} in {name_of(crs)} are {_edges_text(degrees)}, outside the area that it is for ({area.name.rstrip('.')})"
    return None


def _without_datum(crs: CRS, bounds: Bounds, cell: float | None, file: str) -> tuple[CRS, str]:
    """Take degrees without a datum for WGS 84 where that cannot matter, or refuse."""
    whole = np.allclose(bounds, (-180, -90, 180, 90), atol=1e-6)
    cell_m = None if cell is None else cell * geo.METRES_PER_DEGREE
    if not whole and (cell_m is None or cell_m < 2 * _DATUM_MAY_SHIFT_M):
        problem = (
            f"the layer is in degrees of no known datum ({name_of(crs)}): places may be off by some hundred metres"
        )
        raise InputError(problem, file=file, expected="say it with --option crs=EPSG:4326", code="CRS_UNKNOWN")
    why = "spans the whole world" if whole else "has cells that are larger than the datum can matter"
    note = (
        f"the coordinate system is declared wrongly: degrees of no known datum ({name_of(crs)}). The layer {why} and is "
        "taken for EPSG:4326 (WGS 84), which it probably is; --option crs=… says otherwise"
    )
    return CRS.from_epsg(4326), note


def _beside(crs: CRS, degrees: Bounds, bounds: Bounds, cell: float | None) -> list[str]:
    """Tell what is odd about a place that is possible."""
    notes = []
    area = crs.area_of_use
    if area is not None and not _inside(degrees, _wider(area.bounds, _BESIDE_DEGREES)):
        notes.append(
            f"{name_of(crs)} is for {area.name.rstrip('.')}; the layer reaches beyond it ({_edges_text(degrees)})"
        )
    if not _meets(degrees, REGION, 0):
        others = _candidates(bounds, cell)[:2] if crs.is_projected else []
        perhaps = f"; were its system told wrongly, it might be {'; or '.join(others)}" if others else ""
        notes.append(f"the layer lies outside Southwest China and ASEAN: {_edges_text(degrees)}{perhaps}")
    return notes


def _looks(bounds: Bounds, cell: float | None) -> str:
    """Tell what coordinates look like, in words that follow `they`."""
    west, south, east, north = bounds
    if _inside(bounds, _WORLD):
        return "look like degrees: probably EPSG:4326"
    if west >= -0.001 and 180.001 < east <= 360.001 and -90.001 <= south <= north <= 90.001:
        return "look like degrees east from 0 to 360: turn them to -180 to 180, with gdalwarp for example"
    if _inside((south, west, north, east), _WORLD):
        return "look like degrees with latitude first: probably EPSG:4326 with its axes swapped"
    found = _candidates(bounds, cell)
    if not found:
        return "fit no coordinate system that is known here"
    return f"look like metres of {'; or of '.join(found)}"


def _candidates(bounds: Bounds, cell: float | None) -> list[str]:
    """Return systems that would put the layer into the region, with the place, the likeliest first."""
    names = {"EPSG:3857": "Web Mercator", _SINUSOIDAL: "MODIS's sinusoidal grid (crs=sinusoidal)"}
    modis = cell is not None and any(abs(cell / side - 1) < 0.01 for side in (231.656, 463.313, 926.625))
    # A tile of MODIS ends at whole tenths of degrees of a great circle: no other system has such edges.
    order = [_SINUSOIDAL, "EPSG:3857"] if modis else ["EPSG:3857"]
    order += [
        use.system.id for use in all_systems() if use.system.form is not Form.DEGREES and " / " not in use.system.id
    ]
    order += [] if modis else [_SINUSOIDAL]
    found: list[str] = []
    for identifier in dict.fromkeys(order):
        if len(found) == _LISTED:
            return [*found, "others"]
        degrees = _roughly_in_degrees(identifier, bounds)
        if degrees is not None:
            crs = _crs(identifier)
            found.append(f"{names.get(identifier, f'{crs.name}, {identifier}')} (then at {_edges_text(degrees)})")
    return found


def _roughly_in_degrees(identifier: str, bounds: Bounds) -> Bounds | None:
    """Return edges in the degrees of a system's own datum, where they lie in the region and in the system's area."""
    crs = _crs(identifier)
    area = crs.area_of_use
    west, south, east, north = bounds
    # The formula alone: to make a transformer for each of hundreds of systems takes half a minute.
    x, y = Proj(crs)([west, west, east, east], [south, north, south, north], inverse=True)
    if not np.isfinite([x, y]).all():
        return None
    degrees = (min(x), min(y), max(x), max(y))
    within = _inside(degrees, REGION) and (area is None or _inside(degrees, _wider(area.bounds, 1.0)))
    return degrees if within else None


@cache
def _crs(identifier: str) -> CRS:
    return CRS.from_user_input(identifier)


def _in_degrees(crs: CRS, bounds: Bounds) -> Bounds | None:
    """Return edges in degrees, WGS 84; None where no part of the layer lies in the world of its system."""
    west, south, east, north = bounds
    x, y = (axis.ravel() for axis in np.meshgrid(np.linspace(west, east, _POINTS), np.linspace(south, north, _POINTS)))
    points = np.column_stack([x, y])
    with np.errstate(invalid="ignore"):
        degrees: NDArray[np.float64] = geo.project(points, crs, 4326)
        # Beyond the edge of a map a formula still gives numbers; they do not lead back.
        again: NDArray[np.float64] = geo.project(degrees, 4326, crs)
        # A single point has no extent: it leads back to itself within rounding.
        allowed = max(max(east - west, north - south) * 1e-3, 1e-9 * max(1.0, *map(abs, bounds)))
        good = np.isfinite(degrees).all(axis=1) & (np.abs(again - points).max(axis=1) <= allowed)
    if not good.any():
        return None
    low, high = degrees[good].min(axis=0), degrees[good].max(axis=0)
    found = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    return found if _inside(found, _WORLD) else None


def _datum_unknown(crs: CRS) -> bool:
    """Return whether a system names no datum that is known."""
    return crs.datum is None or any(word in crs.datum.name.lower() for word in ("unknown", "not specified", "unnamed"))


def _is_sphere(crs: CRS) -> bool:
    """Return whether a system stands on a sphere, as MODIS's sinusoidal grid by its definition does."""
    return crs.ellipsoid is not None and crs.ellipsoid.inverse_flattening == 0


def _inside(inner: Bounds, outer: Bounds) -> bool:
    return inner[0] >= outer[0] and inner[1] >= outer[1] and inner[2] <= outer[2] and inner[3] <= outer[3]


def _wider(bounds: Bounds, by: float) -> Bounds:
    west, south, east, north = bounds
    east = east + 360 if east < west else east
    return west - by, south - by, east + by, north + by


def _meets(one: Bounds, other: Bounds, by: float) -> bool:
    """Return whether two boxes of degrees come within so many degrees of each other."""
    west, south, east, north = _wider(other, by)
    return one[0] <= east and one[2] >= west and one[1] <= north and one[3] >= south


def _edges(bounds: Bounds) -> str:
    return ", ".join(f"{value:.8g}" for value in bounds)


def _edges_text(degrees: Bounds) -> str:
    """Return edges of degrees in words."""
    west, south, east, north = degrees
    return f"{west:.2f} to {east:.2f}° E, {south:.2f} to {north:.2f}° N"
