"""CQL2's spatial and temporal functions: how a feature's geometry or days stand to others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import polars as pl
import shapely

from api import collections
from api.collections import System
from api.cql2 import refuse
from api.readers import overlaps, read_dates, within
from biodata.core.errors import shorten
from biodata.store.query.filters import (
    And,
    Compare,
    CompareColumns,
    Filter,
    InBox,
    Intersects,
    Not,
    Operator,
    Or,
    Relates,
    Relation,
)
from biodata.store.query.shape_text import read_geojson, read_wkt
from biodata.store.tables import Table

_SHAPE_RELATIONS: Final[Mapping[str, Relation]] = MappingProxyType(
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
        **{name: getattr(shapely, relation) for name, relation in _SHAPE_RELATIONS.items()},
    }
)
SPATIAL: Final = tuple(_FOLDED)
"""The functions that are answered."""


def relate_shapes(name: str, args: list[Any], system: System) -> Filter:
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
    if name in _SHAPE_RELATIONS:
        return Relates(_SHAPE_RELATIONS[name], _simple(_wkb(other, system)))
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
        raise refuse(problem=f"{_beginning(told)} is no box", expected="west, south, east, north")
    refusal = refuse(problem=f"{_beginning(told)} is no box on Earth", expected="the lower corner, then the upper one")
    west, south, east, north = map(float, corners)
    return collections.box(system, (west, south, east, north), refusal)


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
    raise refuse(problem=f"{_beginning(told)} is no geometry", expected="the property geometry, and a geometry")


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


def _beginning(told: Any) -> str:
    """Return the beginning of a node for a message."""
    return shorten(str(told), 60)


EVENT: Final = ("event_start", "event_end")
"""The days that `eventDate` tells, the first and the last."""


@dataclass(frozen=True, slots=True)
class _Column:
    """A day that a column holds."""

    name: str


_End: TypeAlias = "_Column | date | None"
_Interval: TypeAlias = tuple[_End, _End]

_TRUE: Final = And(())
_FALSE: Final = Or(())
_FLIPPED: Final[Mapping[Operator, Operator]] = MappingProxyType({"=": "=", "<": ">"})


def relate_times(name: str, args: list[Any], table: Table) -> Filter:
    """Return the filter of a temporal function.

    Parameters
    ----------
    name : str
        In lower case, of `FUNCTIONS`.
    args : list of two
        Properties, dates, timestamps or intervals of CQL2 JSON. A timestamp counts as its day: records tell days.
    table : Table
        What is asked.

    Raises
    ------
    InputError
        With the code FILTER_INVALID.
    """
    if len(args) != 2:
        raise refuse(problem=f"{name} has {len(args)} arguments", expected="two")
    # Of some records only the year is published; these two questions have an answer for them, too.
    literal = _literal(args[1])
    if literal is not None and _property(args[0]) == "eventDate" and _timed(table):
        if name == "t_intersects":
            return overlaps(*literal)
        if name == "t_during":
            return within(*literal)
    left, right = (_interval(arg, table) for arg in args)
    return _ordered(name, left, right)


_ORDERS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "t_before": ("a1 < b0",),
        "t_meets": ("a1 = b0",),
        "t_overlaps": ("a0 < b0", "b0 < a1", "a1 < b1"),
        "t_starts": ("a0 = b0", "a1 < b1"),
        "t_during": ("b0 < a0", "a1 < b1"),
        "t_finishes": ("b0 < a0", "a1 = b1"),
        "t_equals": ("a0 = b0", "a1 = b1"),
    }
)
"""OGC 21-065r2, table 8: relations of Allen's interval algebra, by the order of both starts (0) and ends (1)."""
_SWAPPED: Final[Mapping[str, str]] = MappingProxyType(
    {
        "t_after": "t_before",
        "t_metby": "t_meets",
        "t_overlappedby": "t_overlaps",
        "t_startedby": "t_starts",
        "t_contains": "t_during",
        "t_finishedby": "t_finishes",
    }
)
TEMPORAL: Final = (*_ORDERS, *_SWAPPED, "t_disjoint", "t_intersects")
"""The functions that are answered, by their names in lower case."""


def _ordered(name: str, a: _Interval, b: _Interval) -> Filter:
    """Return the filter of a relation between two intervals."""
    if name in ("t_disjoint", "t_intersects"):
        apart = Or((_ordered("t_before", a, b), _ordered("t_before", b, a)))
        return apart if name == "t_disjoint" else Not(apart)
    if name in _SWAPPED:
        return _ordered(_SWAPPED[name], b, a)
    ends: dict[str, tuple[_End, int]] = {"a0": (a[0], -1), "a1": (a[1], 1), "b0": (b[0], -1), "b1": (b[1], 1)}
    parts = []
    for order in _ORDERS[name]:
        left, operator, right = order.split()
        parts.append(_compare_ends(ends[left], "<" if operator == "<" else "=", ends[right]))
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _compare_ends(left: tuple[_End, int], operator: Operator, right: tuple[_End, int]) -> Filter:
    """Compare two ends; an open one lies before all days (-1) or behind them (1)."""
    (one, before), (other, behind) = left, right
    match one, other:
        case _Column(), _Column():
            return CompareColumns(one.name, operator, other.name)
        case _Column(), date():
            return Compare(one.name, operator, other)
        case date(), _Column():
            return Compare(other.name, _FLIPPED[operator], one)
        case date(), date():
            holds = one < other if operator == "<" else one == other
        case _:
            sides = (before if one is None else 0, behind if other is None else 0)
            holds = sides[0] < sides[1] if operator == "<" else sides[0] == sides[1]
    return _TRUE if holds else _FALSE


def _interval(node: Any, table: Table) -> _Interval:
    """Return the two ends of a property, a date or an interval."""
    name = _property(node)
    if name is not None:
        return _of_property(name, table)
    literal = _literal(node)
    if literal is not None:
        return literal
    ends = node.get("interval") if isinstance(node, dict) else None
    if not isinstance(ends, list) or len(ends) != 2:
        raise _no_time(node)
    return _end(ends[0], table, last=False), _end(ends[1], table, last=True)


def _end(node: Any, table: Table, *, last: bool) -> _End:
    """Return one end of an interval."""
    name = _property(node)
    if name is not None:
        return _of_property(name, table)[1 if last else 0]
    found = _literal(node)
    if found is None:
        raise _no_time(node)
    return found[1 if last else 0]


def _of_property(name: str, table: Table) -> _Interval:
    """Return the two ends that a property tells."""
    if name == "eventDate" and _timed(table):
        return _Column(EVENT[0]), _Column(EVENT[1])
    column = table.columns.get(name)
    if column is None or column.dtype != pl.Date:
        days = [each.name for each in table.columns.values() if each.dtype == pl.Date]
        known = ", ".join([*(["eventDate"] if _timed(table) else []), *days]) or "none in this collection"
        raise refuse(problem=f"{shorten(name, 40)!r} has no time", expected=f"a property with one: {known}")
    return _Column(name), _Column(name)


def _literal(node: Any) -> tuple[date | None, date | None] | None:
    """Return the two ends of a date, a timestamp or an interval of them; None where it is none."""
    if isinstance(node, str):
        return read_dates("filter", node, separator="/")
    if not isinstance(node, dict) or len(node) != 1:
        return None
    kind, told = next(iter(node.items()))
    if kind in ("date", "timestamp") and isinstance(told, str):
        return read_dates("filter", told, separator="/")
    if kind != "interval" or not isinstance(told, list) or len(told) != 2:
        return None
    texts = [end.get("date", end.get("timestamp")) if isinstance(end, dict) else end for end in told]
    if not all(isinstance(text, str) for text in texts):
        return None
    return read_dates("filter", "/".join(map(str, texts)), separator="/")


def _property(node: Any) -> str | None:
    """Return the name where a node is a property."""
    name = node.get("property") if isinstance(node, dict) else None
    return name if isinstance(name, str) else None


def _timed(table: Table) -> bool:
    """Tell whether a table tells of events."""
    return EVENT[0] in table.columns and "eventDate" in table.columns


def _no_time(node: Any) -> Exception:
    """Return the error for something that is no time."""
    return refuse(problem=f"{shorten(str(node), 60)} is no time", expected="DATE('2010-05-01'), INTERVAL('…', '…')")
