"""Polygons from outside: looked at as text before shapely, GEOS or DuckDB see them."""

import math
import re
from collections.abc import Mapping
from typing import Any, Final

import shapely

from biodata.errors import InputError

MAXIMUM_TEXT: Final = 200_000
MAXIMUM_VERTICES: Final = 5_000

_EXPECTED: Final = "expected a POLYGON or MULTIPOLYGON of longitude and latitude in degrees"
_HEAD: Final = re.compile(r"\s*(?P<kind>MULTIPOLYGON|POLYGON)\s*(?=\()", re.IGNORECASE)
NUMBER: Final = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
PAIR: Final = re.compile(rf"\s*({NUMBER})\s+({NUMBER})\s*", re.ASCII)
"""A longitude and a latitude in WKT."""

_ALLOWED: Final = re.compile(r"[0-9eE+\-. \t\r\n,()]*", re.ASCII)
_DEPTHS: Final[Mapping[str, int]] = {"POLYGON": 2, "MULTIPOLYGON": 3}


def check_wkt(text: str) -> bytes:
    """Read a polygon from WKT.

    Length, brackets, vertices and numbers are checked in the text itself, since neither a watchdog nor an exception
    stops the parsers below (a text of 100,000 nested collections ends the process). Rings may turn either way. A
    polygon that is not valid is refused, never repaired.

    Parameters
    ----------
    text : str
        POLYGON or MULTIPOLYGON, degrees, WGS 84, up to `MAXIMUM_TEXT` characters and `MAXIMUM_VERTICES` vertices.

    Returns
    -------
    bytes
        WKB, for `filters.Intersects`.

    Raises
    ------
    InputError
        With the code GEOMETRY_INVALID.
    """
    check_text(text)
    try:
        geometry = shapely.from_wkt(text)
    except shapely.errors.GEOSException as error:
        raise refuse(
            problem=f"the polygon cannot be read: {str(error).split(':', 1)[-1].strip()}", value=text
        ) from error
    return _valid(geometry)


def check_text(text: str) -> tuple[str, str]:
    """Check length, brackets, vertices and numbers of a polygon's WKT; return its kind and what stands behind it.

    Raises
    ------
    InputError
        With the code GEOMETRY_INVALID.
    """
    if len(text) > MAXIMUM_TEXT:
        raise refuse(problem=f"the polygon's text has more than {MAXIMUM_TEXT} characters")
    head = _HEAD.match(text)
    if head is None or not _ALLOWED.fullmatch(text, head.end()):
        raise refuse(problem="this is no polygon", value=text)
    body, kind = text[head.end() :].strip(), head["kind"].upper()
    _check_brackets(body, _DEPTHS[kind])
    _check_pairs([pair for pair in re.split(r"[(),]+", body) if pair.strip()])
    return kind, body


def check_geojson(geometry: Any) -> bytes:
    """Read a polygon from a GeoJSON geometry that was parsed already; see `check_wkt`.

    Parameters
    ----------
    geometry : dict
        ``{"type": "Polygon" | "MultiPolygon", "coordinates": […]}``.
    """
    kind = geometry.get("type") if isinstance(geometry, dict) else None
    if kind not in ("Polygon", "MultiPolygon"):
        raise refuse(problem="this is no polygon", value=str(kind))
    polygons = [geometry.get("coordinates")] if kind == "Polygon" else geometry.get("coordinates")
    vertices = 0
    checked = []
    for polygon in _list(polygons):
        rings = []
        for ring in _list(polygon):
            vertices += len(_list(ring))
            if vertices > MAXIMUM_VERTICES:
                raise too_many()
            rings.append([_position(position) for position in ring])
        if not rings or any(len(ring) < 4 or ring[0] != ring[-1] for ring in rings):
            raise refuse(problem="a ring needs four positions or more, the last equal to the first")
        checked.append(shapely.Polygon(rings[0], rings[1:]))
    if not checked:
        raise refuse(problem="the polygon is empty")
    return _valid(checked[0] if kind == "Polygon" else shapely.MultiPolygon(checked))


def _check_brackets(body: str, depth: int) -> None:
    """Check that brackets are balanced and just as deep as the kind needs."""
    level = 0
    for place, character in enumerate(body):
        if character == "(":
            level += 1
            if level > depth:
                raise refuse(problem="the polygon's brackets are nested too deep", value=body)
        elif character == ")":
            level -= 1
            if level < 0 or (level == 0 and place != len(body) - 1):
                raise refuse(problem="the polygon's brackets do not match", value=body)
        elif level != depth and character not in ", \t\r\n":
            raise refuse(problem="a position stands outside a ring", value=body)
    if level != 0:
        raise refuse(problem="the polygon's brackets do not match", value=body)


def _check_pairs(pairs: list[str]) -> None:
    """Check the number of vertices and that each is a longitude and a latitude."""
    if len(pairs) > MAXIMUM_VERTICES:
        raise too_many()
    for pair in pairs:
        match = PAIR.fullmatch(pair)
        if match is None:
            raise refuse(problem="a position is not two numbers", value=pair)
        check_position(float(match[1]), float(match[2]))


def _position(position: Any) -> tuple[float, float]:
    """Check one position of GeoJSON."""
    if (
        not isinstance(position, list | tuple)
        or len(position) != 2
        or any(isinstance(v, bool) or not isinstance(v, int | float) for v in position)
    ):
        raise refuse(problem="a position is not two numbers", value=str(position)[:80])
    try:
        longitude, latitude = float(position[0]), float(position[1])
    except OverflowError as error:
        raise refuse(problem="a position is not on Earth") from error
    check_position(longitude, latitude)
    return longitude, latitude


def check_position(longitude: float, latitude: float) -> None:
    """Check that a position is on Earth; one across the 180th meridian is not, the polygon is cut there instead."""
    if not (math.isfinite(longitude) and abs(longitude) <= 180 and math.isfinite(latitude) and abs(latitude) <= 90):
        raise refuse(problem="a position is not on Earth", value=f"{longitude} {latitude}")


def _valid(geometry: shapely.Geometry) -> bytes:
    """Return the geometry's WKB; refuse one that is empty or crosses itself."""
    if shapely.is_empty(geometry):
        raise refuse(problem="the polygon is empty")
    if not shapely.is_valid(geometry):
        raise refuse(problem=f"the polygon is not valid: {shapely.is_valid_reason(geometry)}")
    return bytes(shapely.to_wkb(geometry))


def _list(value: Any) -> list[Any] | tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise refuse(problem="the polygon's coordinates are not nested lists")
    return value


def too_many(most: int = MAXIMUM_VERTICES) -> InputError:
    """Return the error for a polygon with too many vertices."""
    expected = f"expected at most {most:,} vertices"
    if most == MAXIMUM_VERTICES:
        expected += "; the API takes a larger polygon at /v1/areas and gives an id for withinArea"
    return refuse(problem=f"the polygon has more than {most} vertices", expected=expected)


def refuse(*, problem: str, value: str | None = None, expected: str = _EXPECTED) -> InputError:
    """Return the error for a polygon that cannot be used."""
    return InputError(problem, column="geometry", value=value, expected=expected, code="GEOMETRY_INVALID")
