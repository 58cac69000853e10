"""Polygons from people: read as they were meant where that is certain, with a word on what was done."""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import shapely

from biodata.core.edges import problem_of
from biodata.core.errors import InputError
from biodata.store.query.shape_text import MAXIMUM_VERTICES, parse_wkt

MAXIMUM_TEXT: Final = 200_000
_EXPECTED: Final = "expected a POLYGON or MULTIPOLYGON of longitude and latitude in degrees"
CERTAIN: Final = 1e-6
"""Every reading of a polygon that crosses itself must agree but for this part of its area."""

Position = tuple[float, float]
_PARTS: Final = ("Polygon", "MultiPolygon")
_WHOLE: Final = (*_PARTS, "GeometryCollection", "Feature", "FeatureCollection")
_MAXIMUM_PARTS: Final = 1_000
_CLOSED: Final = "a ring that was not closed was closed"
_WGS84: Final = re.compile(r"\s*SRID\s*=\s*4326\s*;")
"""How PostGIS begins."""


@dataclass(frozen=True, slots=True)
class Polygon:
    """A polygon as it was read.

    Attributes
    ----------
    wkb : bytes
        For `filters.Intersects`.
    notes : tuple of str
        What was done to it, in words; empty where nothing was.
    """

    wkb: bytes
    notes: tuple[str, ...]


def read_wkt(text: str) -> Polygon:
    """Read a polygon from WKT, forgiving what can mean one thing only.

    Parameters
    ----------
    text : str
        POLYGON or MULTIPOLYGON, degrees, WGS 84, up to `MAXIMUM_TEXT` characters and `MAXIMUM_VERTICES` vertices.

    Returns
    -------
    Polygon
        A ring may turn either way and means its inside; one that is not closed is closed; one that crosses itself is
        repaired if all readings of it are the same area.

    Raises
    ------
    InputError
        With the code GEOMETRY_INVALID.
    """
    if len(text) > MAXIMUM_TEXT:
        raise refuse(problem=f"the polygon's text has more than {MAXIMUM_TEXT} characters")
    stated = _WGS84.sub("", text, count=1)
    try:
        return read_geojson(parse_wkt(stated))
    except InputError as error:
        if "closed linestring" not in str(error):
            raise
    found = read_geojson(parse_wkt(stated, close=True))
    return replace(found, notes=(_CLOSED, *found.notes))


def read_geojson(document: Any, *, most: int = MAXIMUM_VERTICES) -> Polygon:
    """Read a polygon from GeoJSON that was parsed already; see `read_wkt`.

    Parameters
    ----------
    document : dict
        Polygon, MultiPolygon, a GeometryCollection of them, a Feature or a FeatureCollection; several become one.
    most : int
        Vertices that are taken.
    """
    return _read(_coordinates(document), most=most, notes=[])


def _coordinates(document: Any) -> list[Any]:
    """Return the coordinates of every polygon of a GeoJSON document."""
    waiting: list[tuple[Any, int]] = [(document, 0)]
    found: list[Any] = []
    while waiting:
        part, depth = waiting.pop()
        kind = part.get("type") if isinstance(part, dict) else None
        if kind not in _WHOLE or depth > 4 or len(waiting) + len(found) > _MAXIMUM_PARTS:
            raise refuse(problem="this is no polygon", value=str(kind))
        if kind == "Polygon":
            found.append(part.get("coordinates"))
        elif kind == "MultiPolygon":
            found += _list(part.get("coordinates"))
        else:
            name = {"Feature": "geometry", "FeatureCollection": "features"}.get(kind, "geometries")
            inside = part.get(name)
            waiting += [(one, depth + 1) for one in reversed([inside] if kind == "Feature" else _list(inside))]
    return found


def _read(polygons: Sequence[Any], *, most: int, notes: list[str]) -> Polygon:
    """Return the polygons as one geometry, with words on what was done behind those that stand already."""
    parts, vertices = [], 0
    for polygon in polygons:
        rings = []
        for reported in _list(polygon):
            vertices += len(_list(reported))
            if vertices > most:
                raise too_many(most)
            rings.append(_ring([_position(position, notes) for position in reported], notes))
        if not rings:
            raise refuse(problem="the polygon is empty")
        parts.append(_whole(rings, notes))
    if not parts:
        raise refuse(problem="the polygon is empty")
    geometry = parts[0] if len(parts) == 1 else shapely.MultiPolygon([p for part in parts for p in _polygons(part)])
    if not shapely.is_valid(geometry):
        _check_edges(geometry)
        geometry = shapely.union_all(parts)
        notes.append("parts that overlap or touch were joined")
    return Polygon(bytes(shapely.to_wkb(geometry)), tuple(dict.fromkeys(notes)))


def _check_edges(shape: shapely.Geometry) -> None:
    """Refuse a shape whose edges cross so often that nobody can wait for its repair."""
    if (problem := problem_of(shape)) is not None:
        raise refuse(problem=problem)


def _ring(positions: list[Position], notes: list[str]) -> list[Position]:
    """Return a closed ring."""
    if len(set(positions)) < 3:
        raise refuse(problem="a ring needs three positions or more that differ")
    if positions[0] != positions[-1]:
        notes.append(_CLOSED)
        return [*positions, positions[0]]
    return positions


def _whole(rings: list[list[Position]], notes: list[str]) -> shapely.Geometry:
    """Return one polygon, repaired where that is certain."""
    signed = [_area(ring) for ring in rings]
    if signed[0] < 0:
        notes.append("a ring that turns clockwise was read as its inside")
    polygon = shapely.Polygon(rings[0], rings[1:])
    if shapely.is_valid(polygon):
        return polygon
    _check_edges(polygon)
    reason = shapely.is_valid_reason(polygon)
    # Three readings: the union of what the rings enclose, what they enclose once in their own sense, and a mere number.
    repaired = shapely.union_all(_polygons(shapely.make_valid(polygon, method="structure")))
    other = shapely.buffer(polygon, 0)
    expected = abs(signed[0]) - sum(map(abs, signed[1:]))
    doubt = max(abs(repaired.area - expected), shapely.symmetric_difference(repaired, other).area)
    if repaired.area <= 0 or doubt > CERTAIN * repaired.area:
        raise refuse(problem=f"the polygon is not valid and could mean several areas: {reason}")
    notes.append(f"a ring that meets itself was repaired ({reason})")
    return repaired


def _area(ring: list[Position]) -> float:
    """Return the area inside a ring in square degrees, negative where it turns clockwise (shoelace formula)."""
    west, south = ring[0]
    pairs = itertools.pairwise(ring)
    return sum((x0 - west) * (y1 - south) - (x1 - west) * (y0 - south) for (x0, y0), (x1, y1) in pairs) / 2


def _polygons(geometry: shapely.Geometry) -> list[shapely.Polygon]:
    """Return a geometry's polygons; lines and points that a repair leaves have no inside."""
    return [part for part in shapely.get_parts(shapely.get_parts(geometry)) if isinstance(part, shapely.Polygon)]


def _position(entries: Any, notes: list[str]) -> Position:
    """Return longitude and latitude; one across the 180th meridian is not on Earth, the polygon is cut there instead."""
    if not isinstance(entries, list | tuple) or not 2 <= len(entries) <= 4:
        raise refuse(problem="a position is not two numbers", value=str(entries)[:80])
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in entries):
        raise refuse(problem="a position is not two numbers", value=str(entries)[:80])
    if not (abs(entries[0]) <= 180 and abs(entries[1]) <= 90):  # nor is what is no number
        raise refuse(problem="a position is not on Earth", value=str(entries)[:80])
    if len(entries) > 2:
        notes.append("heights and measures were left out")
    return float(entries[0]), float(entries[1])


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
