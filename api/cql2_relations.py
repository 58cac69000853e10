"""CQL2's spatial and temporal functions: how a feature's geometry or days stand to others."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import polars as pl
import shapely

from api import systems
from api.cql2 import refuse
from api.readers import overlaps, read_dates, within
from api.systems import System
from biodata.errors import shorten
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
_Relation = Callable[[_Interval, _Interval], Filter]

_TRUE: Final = And(())
_FALSE: Final = Or(())
_FLIPPED: Final[Mapping[str, Operator]] = MappingProxyType(
    {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<=", "<>": "<>"}
)


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
    return TEMPORAL[name](left, right)


def _before(a: _Interval, b: _Interval) -> Filter:
    return _compare_ends(a[1], "<", b[0], open_left=1, open_right=-1)


def _starts_together(a: _Interval, b: _Interval) -> Filter:
    return _compare_ends(a[0], "=", b[0], open_left=-1, open_right=-1)


def _ends_together(a: _Interval, b: _Interval) -> Filter:
    return _compare_ends(a[1], "=", b[1], open_left=1, open_right=1)


def _starts_earlier(a: _Interval, b: _Interval) -> Filter:
    return _compare_ends(a[0], "<", b[0], open_left=-1, open_right=-1)


def _ends_earlier(a: _Interval, b: _Interval) -> Filter:
    return _compare_ends(a[1], "<", b[1], open_left=1, open_right=1)


def _meets(a: _Interval, b: _Interval) -> Filter:
    return _compare_ends(a[1], "=", b[0], open_left=1, open_right=-1)


def _during(a: _Interval, b: _Interval) -> Filter:
    return And((_starts_earlier(b, a), _ends_earlier(a, b)))


def _equals(a: _Interval, b: _Interval) -> Filter:
    return And((_starts_together(a, b), _ends_together(a, b)))


def _finishes(a: _Interval, b: _Interval) -> Filter:
    return And((_starts_earlier(b, a), _ends_together(a, b)))


def _starts(a: _Interval, b: _Interval) -> Filter:
    return And((_starts_together(a, b), _ends_earlier(a, b)))


def _overlaps(a: _Interval, b: _Interval) -> Filter:
    begun = _compare_ends(b[0], "<", a[1], open_left=-1, open_right=1)
    return And((_starts_earlier(a, b), begun, _ends_earlier(a, b)))


def _disjoint(a: _Interval, b: _Interval) -> Filter:
    return Or((_before(a, b), _before(b, a)))


def _other_way(relation: _Relation) -> _Relation:
    """Return the relation with its sides exchanged."""
    return lambda a, b: relation(b, a)


TEMPORAL: Final[Mapping[str, _Relation]] = MappingProxyType(
    {
        "t_after": _other_way(_before),
        "t_before": _before,
        "t_contains": _other_way(_during),
        "t_disjoint": _disjoint,
        "t_during": _during,
        "t_equals": _equals,
        "t_finishedby": _other_way(_finishes),
        "t_finishes": _finishes,
        "t_intersects": lambda a, b: Not(_disjoint(a, b)),
        "t_meets": _meets,
        "t_metby": _other_way(_meets),
        "t_overlappedby": _other_way(_overlaps),
        "t_overlaps": _overlaps,
        "t_startedby": _other_way(_starts),
        "t_starts": _starts,
    }
)
"""OGC 21-065r2, table 8: relations of Allen's interval algebra, by their names in lower case."""


def _compare_ends(left: _End, operator: Operator, right: _End, *, open_left: int, open_right: int) -> Filter:
    """Compare two ends; an open one is before all days (-1) or behind them (1)."""
    if isinstance(left, _Column) and isinstance(right, _Column):
        return CompareColumns(left.name, operator, right.name)
    if isinstance(left, _Column) and isinstance(right, date):
        return Compare(left.name, operator, right)
    if isinstance(left, date) and isinstance(right, _Column):
        return Compare(right.name, _FLIPPED[operator], left)
    sides = [
        0 if isinstance(end, _Column) else (direction if end is None else 0)
        for end, direction in ((left, open_left), (right, open_right))
    ]
    if isinstance(left, date) and isinstance(right, date):
        holds = left < right if operator == "<" else left == right
    else:
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
