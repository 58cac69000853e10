"""CQL2's spatial functions: how the geometry of a feature stands to another one."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import shapely

from api import systems
from api.cql2 import refuse
from api.systems import System
from biodata.errors import shorten
from biodata.store.query.filters import And, Filter, InBox, Intersects, Not, Or, Relates, Relation
from biodata.store.query.shape_text import read_geojson, read_wkt

_RELATIONS: Final[Mapping[str, Relation]] = MappingProxyType(
    {
        "s_within": "within",
        "s_contains": "contains",
        "s_equals": "equals",
        "s_touches": "touches",
        "s_crosses": "crosses",
        "s_overlaps": "overlaps",
    }
)
_OTHER_WAY: Final[Mapping[str, str]] = MappingProxyType({"s_within": "s_contains", "s_contains": "s_within"})
_FOLDED: Final[Mapping[str, Callable[[Any, Any], Any]]] = MappingProxyType(
    {
        "s_intersects": shapely.intersects,
        "s_disjoint": shapely.disjoint,
        **{name: getattr(shapely, relation) for name, relation in _RELATIONS.items()},
    }
)
SPATIAL: Final = tuple(_FOLDED)
"""The functions that are answered."""


def relate(name: str, args: list[Any], system: System) -> Filter:
    """Return the filter of a spatial function.

    Parameters
    ----------
    name : str
        Of `SPATIAL`.
    args : list of two
        The property geometry and a box or a geometry of WKT or GeoJSON, in any order; or two of the latter.
    system : System
        What their coordinates are in.

    Raises
    ------
    InputError
        If a geometry cannot be used, or both are the property.
    """
    ours = [isinstance(arg, dict) and arg.get("property") == "geometry" for arg in args]
    if all(ours):
        raise refuse(problem="the geometry is compared with itself", expected="the property geometry, and a geometry")
    if not any(ours):
        left, right = (shapely.from_wkb(_wkb(arg, system)) for arg in args)
        return And(()) if bool(_FOLDED[name](left, right)) else Or(())
    other = args[1] if ours[0] else args[0]
    name = name if ours[0] else _OTHER_WAY.get(name, name)
    if name in _RELATIONS:
        return Relates(_RELATIONS[name], _simple(_wkb(other, system)))
    meets = _box(other, system) or Intersects(_wkb(other, system))
    return Not(meets) if name == "s_disjoint" else meets


def _box(told: Any, system: System) -> Filter | None:
    """Return the filter for a box; None where it is none."""
    if not isinstance(told, dict) or not isinstance(told.get("bbox"), list) or "type" in told:
        return None
    corners = told["bbox"]
    if len(corners) == 6:
        corners = [*corners[:2], *corners[3:5]]
    if len(corners) != 4 or not all(isinstance(c, int | float) and not isinstance(c, bool) for c in corners):
        raise refuse(problem=f"{_show(told)} is no box", expected="west, south, east, north")
    refusal = refuse(problem=f"{_show(told)} is no box on Earth", expected="the lower corner, then the upper one")
    west, south, east, north = map(float, corners)
    return systems.box(system, (west, south, east, north), refusal)


def _wkb(told: Any, system: System) -> bytes:
    """Return the WKB of a box or geometry, in degrees."""
    found = _box(told, system)
    if isinstance(found, InBox):
        if found.west > found.east:
            halves = [
                shapely.box(found.west, found.south, 180, found.north),
                shapely.box(-180, found.south, found.east, found.north),
            ]
            return bytes(shapely.to_wkb(shapely.MultiPolygon(halves)))
        return bytes(shapely.to_wkb(shapely.box(found.west, found.south, found.east, found.north)))
    if isinstance(found, Intersects):
        return found.wkb
    if isinstance(told, dict) and isinstance(told.get("wkt"), str):
        return read_wkt(told["wkt"], system.to_degrees)
    if isinstance(told, dict) and "type" in told:
        return read_geojson(told, system.to_degrees)
    raise refuse(problem=f"{_show(told)} is no geometry", expected="the property geometry, and a geometry")


def _simple(wkb: bytes) -> bytes:
    """Return a collection of one kind as a geometry of that kind; of others a relation is not defined."""
    geometry = shapely.from_wkb(wkb)
    if geometry.geom_type != "GeometryCollection":
        return wkb
    joined = shapely.union_all(shapely.get_parts(geometry))
    if joined.geom_type == "GeometryCollection":
        raise refuse(
            problem="a collection of different kinds has no such relation", expected="S_INTERSECTS, or one kind"
        )
    return bytes(shapely.to_wkb(joined))


def _show(told: Any) -> str:
    """Return the beginning of a node for a message."""
    return shorten(str(told), 60)
