"""Geometries of any kind from outside, WKT or GeoJSON: read by shapely, counted, and checked position by position."""

import math
from collections.abc import Callable
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import mapping, shape

from biodata.core.errors import InputError

MAXIMUM_VERTICES: Final = 5_000
MAXIMUM_PARTS: Final = 500

Floats = NDArray[np.float64]
ToDegrees = Callable[[Floats], Floats]
"""Turns n pairs of coordinates, in the order of their system's axes, into longitude and latitude."""

_DEPTHS: Final = MappingProxyType(
    {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
)
"""How many lists a kind's positions stand in."""
_DEEPEST: Final = 6
"""Brackets in brackets that WKT may have; GEOS reads them by calling itself, and thousands would end the process."""


def read_wkt(text: str, to_degrees: ToDegrees | None = None) -> bytes:
    """Read a geometry from WKT.

    Parameters
    ----------
    text : str
        Any kind of Simple Features; a collection holds no collections. Heights are left out.
    to_degrees : callable, optional
        Where the coordinates are no longitudes and latitudes.

    Returns
    -------
    bytes
        WKB, degrees, WGS 84.

    Raises
    ------
    InputError
        With the code GEOMETRY_INVALID, if it cannot be read, is not valid or not on Earth, or has too many parts.
    """
    return _built(parse_wkt(text), to_degrees)


def read_geojson(geometry: Any, to_degrees: ToDegrees | None = None) -> bytes:
    """Read a geometry from GeoJSON that was parsed already; see `read_wkt`."""
    return _built(geometry, to_degrees)


def parse_wkt(text: str, *, close: bool = False) -> dict[str, Any]:
    """Return the GeoJSON geometry that WKT writes, heights and measures with it.

    Parameters
    ----------
    text : str
    close : bool
        Whether rings that are not closed are closed.

    Raises
    ------
    InputError
        With the code GEOMETRY_INVALID.
    """
    signs = np.frombuffer(text.encode(errors="replace"), dtype=np.uint8)
    nested = np.cumsum((signs == ord("(")).astype(np.int64) - (signs == ord(")")))
    if nested.max(initial=0) > _DEEPEST or "\0" in text:
        raise _refuse(problem="the geometry cannot be read")
    try:
        with np.errstate(all="ignore"):
            found = shapely.from_wkt(text, on_invalid="fix" if close else "raise")
    except (shapely.GEOSException, NotImplementedError) as error:
        raise _refuse(problem=f"the geometry cannot be read: {str(error).partition(': ')[2].strip()[:200]}") from error
    if found is None or shapely.get_num_coordinates(found) > 8 * MAXIMUM_VERTICES:
        raise _refuse(problem="the geometry cannot be read, or is too large")
    return mapping(found)


def _built(geometry: Any, to_degrees: ToDegrees | None) -> bytes:
    """Return the WKB of a GeoJSON geometry."""
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    parts = geometry.get("geometries") if kind == "GeometryCollection" else [geometry]
    if not isinstance(parts, list) or not 0 < len(parts) <= MAXIMUM_PARTS:
        raise _refuse(problem="a collection needs one geometry or more")
    counted = [0]
    shapes = [_shape(part, to_degrees, counted) for part in parts]
    found = shapely.GeometryCollection(shapes) if kind == "GeometryCollection" else shapes[0]
    if shapely.is_empty(found):
        raise _refuse(problem="the geometry is empty")
    if not shapely.is_valid(found):
        raise _refuse(problem=f"the geometry is not valid: {shapely.is_valid_reason(found).split('[')[0]}")
    return bytes(shapely.to_wkb(found))


def _shape(part: Any, to_degrees: ToDegrees | None, counted: list[int]) -> Any:
    """Return one geometry that is no collection."""
    kind = part.get("type") if isinstance(part, dict) else None
    if not isinstance(kind, str) or kind not in _DEPTHS:
        raise _refuse(problem="there is no such kind of geometry")
    positions = _positions(part.get("coordinates"), _DEPTHS[kind], counted)
    rings = {"Polygon": [positions], "MultiPolygon": positions}.get(kind, [])
    if any(ring[0] != ring[-1] for polygon in rings for ring in polygon):
        raise _refuse(problem="a ring's last position is not its first")
    try:
        found = shape({"type": kind, "coordinates": positions})
    except (shapely.GEOSException, ValueError) as error:
        raise _refuse(problem="a line or ring has too few positions") from error
    degrees = found if to_degrees is None else shapely.transform(found, to_degrees)
    if not (np.abs(shapely.get_coordinates(degrees)) <= (180, 90)).all():  # nor is what is no number
        raise _refuse(problem="a position is not on Earth")
    return degrees


def _positions(value: Any, depth: int, counted: list[int]) -> Any:
    """Check positions that stand in so many lists, and return them."""
    if not depth:
        counted[0] += 1
        return _pair(value)
    if not isinstance(value, list | tuple) or not value or counted[0] + len(value) > MAXIMUM_VERTICES:
        raise _refuse(problem=f"coordinates are lists with something in them, of at most {MAXIMUM_VERTICES} positions")
    return [_positions(one, depth - 1, counted) for one in value]


def _pair(position: Any) -> tuple[float, float]:
    """Check one position; a height or a measure behind the two is left out."""
    if (
        not isinstance(position, list | tuple)
        or not 2 <= len(position) <= 4
        or any(isinstance(v, bool) or not isinstance(v, int | float) or abs(v) > 1e9 for v in position)
        or not all(math.isfinite(v) for v in position)
    ):
        raise _refuse(problem="a position is not two numbers")
    return float(position[0]), float(position[1])


def _refuse(*, problem: str) -> InputError:
    """Return the error for a geometry that cannot be used."""
    expected = "expected a geometry of Simple Features such as POLYGON((100 20, 101 20, 101 21, 100 20)), or GeoJSON"
    return InputError(problem, column="geometry", expected=expected, code="GEOMETRY_INVALID")
