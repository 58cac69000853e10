"""Geometries of any kind from outside, WKT or GeoJSON: read by hand, counted and checked before shapely sees them."""

import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from biodata.core.errors import InputError

MAXIMUM_VERTICES: Final = 5_000
MAXIMUM_PARTS: Final = 500

Floats = NDArray[np.float64]
ToDegrees = Callable[[Floats], Floats]
"""Turns n pairs of coordinates, in the order of their system's axes, into longitude and latitude."""

_NAMES: Final[Mapping[str, tuple[str, int]]] = MappingProxyType(
    {
        "POINT": ("Point", 0),
        "MULTIPOINT": ("MultiPoint", 1),
        "LINESTRING": ("LineString", 1),
        "MULTILINESTRING": ("MultiLineString", 2),
        "POLYGON": ("Polygon", 2),
        "MULTIPOLYGON": ("MultiPolygon", 3),
    }
)
_DEPTHS: Final = MappingProxyType(dict(_NAMES.values()))
_NUMBER: Final = r"[+-]?(?:\d{1,20}\.?\d{0,20}|\.\d{1,20})(?:[eE][+-]?\d{1,3})?"
_TOKEN: Final = re.compile(rf"\s*(?:(?P<word>[A-Za-z]+)|(?P<number>{_NUMBER})|(?P<sign>[(),]))", re.ASCII)
_COLLECTION: Final = "GEOMETRYCOLLECTION"
_HIGHER: Final = re.compile(r"(ZM|Z|M)$")
"""Heights, measures, or both; QGIS writes it as a part of the word before it."""


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


def parse_wkt(text: str) -> dict[str, Any]:
    """Return the GeoJSON geometry that WKT writes, heights and measures with it, if its tokens and brackets are right.

    Raises
    ------
    InputError
        With the code GEOMETRY_INVALID.
    """
    return _Wkt(text).geometry()


class _Wkt:
    """Turns WKT into a GeoJSON geometry."""

    def __init__(self, text: str) -> None:
        self._at, self._numbers = 0, 2
        self._tokens: list[str] = []
        position, end = 0, len(text.rstrip())
        while position < end:
            match = _TOKEN.match(text, position)
            if match is None:
                raise _refuse(problem="the geometry cannot be read")
            if len(self._tokens) > 8 * MAXIMUM_VERTICES:
                raise _refuse(problem=f"the geometry has more than {MAXIMUM_VERTICES} vertices")
            self._tokens.append(match[match.lastgroup or 0].upper())
            position = match.end()

    def geometry(self) -> dict[str, Any]:
        """Read the whole text."""
        found = self._one()
        if self._at < len(self._tokens):
            raise _refuse(problem="something stands behind the geometry")
        return found

    def _one(self, *, inside: bool = False) -> dict[str, Any]:
        """Read one geometry."""
        kind = self._next()
        higher = _HIGHER.search(kind if kind not in (*_NAMES, _COLLECTION) else "")
        kind = kind if higher is None else kind[: higher.start()]
        if higher is None and self._peek() in ("Z", "M", "ZM"):
            higher = _HIGHER.search(self._next())
        self._numbers = 2 + len(higher[0] if higher is not None else "")
        if kind == _COLLECTION and not inside:
            return {"type": "GeometryCollection", "geometries": self._several(lambda: self._one(inside=True))}
        if kind not in _NAMES:
            raise _refuse(problem="there is no such kind of geometry")
        name, depth = _NAMES[kind]
        if depth == 0:
            self._need("(")
            position = self._position()
            self._need(")")
            return {"type": name, "coordinates": position}
        if name == "MultiPoint":
            return {"type": name, "coordinates": self._several(self._bracketed)}
        return {"type": name, "coordinates": self._nested(depth)}

    def _nested(self, depth: int) -> list[Any]:
        """Read lists inside lists."""
        return self._several(self._position if depth == 1 else lambda: self._nested(depth - 1))

    def _several(self, one: Callable[[], Any]) -> list[Any]:
        """Read what stands between brackets, with commas between."""
        self._need("(")
        found = [one()]
        while self._peek() == ",":
            self._at += 1
            found.append(one())
        self._need(")")
        return found

    def _bracketed(self) -> list[float]:
        """Read a position that may stand in brackets of its own."""
        if self._peek() != "(":
            return self._position()
        self._at += 1
        position = self._position()
        self._need(")")
        return position

    def _position(self) -> list[float]:
        """Read two numbers, or more."""
        numbers = []
        while self._peek() not in ("(", ")", ",", ""):
            try:
                numbers.append(float(self._next()))
            except ValueError as error:
                raise _refuse(problem="a position is not two numbers") from error
        if len(numbers) != self._numbers:
            raise _refuse(problem=f"a position is not {self._numbers} numbers")
        return numbers

    def _peek(self) -> str:
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def _next(self) -> str:
        if self._at >= len(self._tokens):
            raise _refuse(problem="the geometry ends too early")
        self._at += 1
        return self._tokens[self._at - 1]

    def _need(self, sign: str) -> None:
        if self._next() != sign:
            raise _refuse(problem=f"the geometry's brackets do not match: {sign} is missing")


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
    if kind not in _DEPTHS:
        raise _refuse(problem="there is no such kind of geometry")
    told = part.get("coordinates")

    def line(value: Any, least: int = 1) -> Floats:
        if not isinstance(value, list) or len(value) < least:
            raise _refuse(problem=f"a line or ring needs {least} positions or more")
        counted[0] += len(value)
        if counted[0] > MAXIMUM_VERTICES:
            raise _refuse(problem=f"the geometry has more than {MAXIMUM_VERTICES} vertices")
        positions = np.array([_pair(position) for position in value], dtype=np.float64)
        degrees = positions if to_degrees is None else to_degrees(positions)
        if not (np.isfinite(degrees).all() and (np.abs(degrees) <= (180, 90)).all()):
            raise _refuse(problem="a position is not on Earth")
        return degrees

    def rings(value: Any) -> Any:
        found = [line(ring, 4) for ring in _listed(value)]
        if any((ring[0] != ring[-1]).any() for ring in found):
            raise _refuse(problem="a ring's last position is not its first")
        return shapely.Polygon(found[0], found[1:])

    match kind:
        case "Point":
            return shapely.Point(line([told])[0])
        case "MultiPoint":
            return shapely.MultiPoint(line(told))
        case "LineString":
            return shapely.LineString(line(told, 2))
        case "MultiLineString":
            return shapely.MultiLineString([line(each, 2) for each in _listed(told)])
        case "Polygon":
            return rings(told)
        case _:
            return shapely.MultiPolygon([rings(each) for each in _listed(told)])


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


def _listed(value: Any) -> list[Any]:
    """Check that a value is a list with something in it, and not too much."""
    if not isinstance(value, list) or not 0 < len(value) <= MAXIMUM_PARTS:
        raise _refuse(problem=f"coordinates are lists of 1 to {MAXIMUM_PARTS} parts")
    return value


def _refuse(*, problem: str) -> InputError:
    """Return the error for a geometry that cannot be used."""
    expected = "expected a geometry of Simple Features such as POLYGON((100 20, 101 20, 101 21, 100 20)), or GeoJSON"
    return InputError(problem, column="geometry", expected=expected, code="GEOMETRY_INVALID")
