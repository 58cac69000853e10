"""The coordinate reference systems that features are told and asked in (OGC API Features, part 2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer

from api.errors import invalid
from biodata.store.query.filters import Filter, InBox, Intersects

CRS84: Final = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG: Final = "http://www.opengis.net/def/crs/EPSG/0/"

Floats = NDArray[np.float64]
_STEPS: Final = 32


@dataclass(frozen=True, slots=True)
class System:
    """A coordinate reference system.

    Attributes
    ----------
    uri : str
        Its name in requests.
    title : str
        For people.
    code : int
        EPSG's number; 4326 for CRS84.
    flipped : bool
        Degrees with the latitude first.
    projected : bool
        Coordinates are metres, east before north.
    straight : bool
        Its axes run along meridians and parallels, so that a box in it is a box in degrees.
    """

    uri: str
    title: str
    code: int
    flipped: bool = False
    projected: bool = False
    straight: bool = True

    def from_degrees(self, positions: Floats) -> Floats:
        """Return n pairs in the order of the system's axes from n pairs of longitude and latitude."""
        if not self.projected:
            return positions[:, ::-1] if self.flipped else positions
        return _moved(_transformer(self.code), positions, inverse=False)

    def to_degrees(self, positions: Floats) -> Floats:
        """Return n pairs of longitude and latitude; infinite where a position lies outside the system."""
        if not self.projected:
            return positions[:, ::-1] if self.flipped else positions
        return _moved(_transformer(self.code), positions, inverse=True)


SYSTEMS: Final[Mapping[str, System]] = MappingProxyType(
    {
        system.uri: system
        for system in (
            System(CRS84, "WGS 84, longitude first", 4326),
            System(f"{EPSG}4326", "WGS 84, latitude first", 4326, flipped=True),
            # EPSG's operation between the two moves nothing: they agree to a metre.
            System(f"{EPSG}4490", "China Geodetic Coordinate System 2000, latitude first", 4490, flipped=True),
            System(f"{EPSG}3857", "Web Mercator", 3857, projected=True),
            System(f"{EPSG}6933", "EASE-Grid 2.0, equal areas", 6933, projected=True),
            *(
                System(f"{EPSG}{32600 + zone}", f"UTM zone {zone}N", 32600 + zone, projected=True, straight=False)
                for zone in range(46, 52)
            ),
        )
    }
)
"""Every system by its name; the first is the one that is meant where none is named."""


def find(parameter: str, uri: str) -> System:
    """Return a system, or fail with a 400 that names them all."""
    if uri not in SYSTEMS:
        raise invalid(field=parameter, value=uri, expected=f"one of {', '.join(SYSTEMS)}")
    return SYSTEMS[uri]


def box(system: System, corners: tuple[float, float, float, float], refusal: Exception) -> Filter:
    """Return the filter for a box given in a system's own axes: lower corner, then upper corner.

    Notes
    -----
    The edges of a box in UTM are no meridians: it is asked as a polygon whose edges follow them.
    """
    if system.straight:
        lower, upper = system.to_degrees(np.array(corners, dtype=np.float64).reshape(2, 2))
        edges = (*lower, *upper)
        if not all(np.isfinite(edges)) or lower[1] > upper[1] or max(abs(lower[1]), abs(upper[1])) > 90:
            raise refusal
        if max(abs(lower[0]), abs(upper[0])) > 180 or (system.projected and lower[0] > upper[0]):
            raise refusal
        return InBox(*map(float, edges))
    left, bottom, right, top = corners
    if left > right or bottom > top:
        raise refusal
    outline = shapely.segmentize(shapely.box(left, bottom, right, top), max(right - left, top - bottom, 1e-9) / _STEPS)
    degrees = system.to_degrees(shapely.get_coordinates(outline))
    if not (np.isfinite(degrees).all() and (np.abs(degrees) <= (180, 90)).all()):
        raise refusal
    polygon = shapely.Polygon(degrees)
    if not shapely.is_valid(polygon) or (np.abs(np.diff(degrees[:, 0])) > 180).any():
        raise refusal
    return Intersects(bytes(shapely.to_wkb(polygon)))


def geometry(system: System, told: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return a GeoJSON geometry in degrees as one in the system; None where it cannot be told in it."""
    if told is None:
        return None
    if told["type"] == "GeometryCollection":
        parts = [geometry(system, part) for part in told["geometries"]]
        return None if None in parts else {**told, "geometries": parts}
    moved = _coordinates(system, told["coordinates"])
    return None if moved is None else {**told, "coordinates": moved}


def _coordinates(system: System, told: Any) -> Any:
    """Return nested positions in a system; None where one of them lies outside it."""
    if isinstance(told[0], int | float):
        return _pairs(system, [told], lone=True)
    if isinstance(told[0][0], int | float):
        return _pairs(system, told)
    parts = [_coordinates(system, part) for part in told]
    return None if any(part is None for part in parts) else parts


def _pairs(system: System, told: Any, *, lone: bool = False) -> Any:
    """Return positions in a system, to the millimetre."""
    moved = system.from_degrees(np.array(told, dtype=np.float64)[:, :2])
    if not np.isfinite(moved).all():
        return None
    rounded = np.round(moved, 3).tolist() if system.projected else moved.tolist()
    return rounded[0] if lone else rounded


def _moved(transformer: Transformer, positions: Floats, *, inverse: bool) -> Floats:
    """Return transformed pairs; infinite where there is no such place (beyond its edge Web Mercator begins anew)."""
    x, y = transformer.transform(
        positions[:, 0], positions[:, 1], direction="INVERSE" if inverse else "FORWARD", errcheck=False
    )
    found = np.column_stack([x, y]).astype(np.float64)
    if inverse:
        again = _moved(transformer, found, inverse=False)
        with np.errstate(invalid="ignore"):
            found[~(np.abs(again - positions) < 1.0).all(axis=1)] = np.inf
    return found


@cache
def _transformer(code: int) -> Transformer:
    """Return what moves longitude and latitude into a projected system."""
    return Transformer.from_crs(4326, code, always_xy=True)
