"""CQL2 (JSON, or text through `api.cql2`) into the store's filter tree: what it can answer, places and times among it, and a 400 for the rest."""

from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Final

import orjson
import polars as pl
import shapely

from api import collections
from api.collections import CRS84, SYSTEMS, System, among, check_value, equal, is_country
from api.cql2 import DEPTH_LIMIT, LENGTH_LIMIT, parse_text, refuse
from api.dependencies import Opened
from api.errors import unavailable_parameter, unknown_parameter
from api.gbif_names import UNAVAILABLE
from api.readers import overlaps, read_dates, within
from biodata.core.errors import InputError, shorten
from biodata.store.query.filters import (
    And,
    Between,
    Compare,
    Contains,
    Filter,
    In,
    InBox,
    Intersects,
    IsNull,
    Like,
    Not,
    Operator,
    Or,
    Relates,
    Relation,
    Value,
)
from biodata.store.query.shape_text import read_geojson, read_wkt
from biodata.store.tables import Place, Table

LANGUAGES: Final = ("cql2-text", "cql2-json")

_FLIPPED: Final[Mapping[str, Operator]] = MappingProxyType(
    {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
)
_OPERATORS: Final[Mapping[str, Operator]] = MappingProxyType({name: name for name in _FLIPPED.values()})
_TRUE: Final = And(())
_FALSE: Final = Or(())


def read_filter(
    text: str, language: str, table: Table, system: System = SYSTEMS[CRS84], release: Opened | None = None
) -> Filter:
    """Read a CQL2 filter.

    Parameters
    ----------
    text : str
        The filter; at most 10,000 characters, at most 32 levels.
    language : str
        cql2-text or cql2-json.
    table : Table
        What it asks; its columns are the properties.
    system : System
        What the coordinates of its geometries are in.
    release : Opened, optional
        Tells what the records hold beside an open vocabulary.

    Returns
    -------
    Filter
        Where `countryCode` is compared by =, <> or IN, it means what `InCountry` says.

    Raises
    ------
    InputError
        With the code FILTER_INVALID, if it cannot be read or asks for what we do not answer.
    ProblemError
        If it asks for a value outside its vocabulary, or for what only GBIF's records have.
    """
    if language == "cql2-json":
        if len(text) > LENGTH_LIMIT:
            raise refuse(problem=f"the filter has {len(text):,} characters", expected=f"at most {LENGTH_LIMIT:,}")
        try:
            tree = orjson.loads(text)
        except orjson.JSONDecodeError as error:
            raise refuse(problem="the filter is no JSON", expected="CQL2 JSON") from error
    else:
        tree = parse_text(text)
    return _Reader(table, system, release).node(tree, 0)


class _Reader:
    """Turns nodes of one filter, knowing the table's columns."""

    def __init__(self, table: Table, system: System, release: Opened | None) -> None:
        self._table, self._system, self._release = table, system, release
        self._operators: Mapping[str, Callable[[list[Any]], Filter]] = {
            "like": self._like,
            "between": self._between,
            "in": self._in,
            "isnull": self._is_null,
            "a_contains": lambda args: self._array("a_contains", args),
            "a_overlaps": lambda args: self._array("a_overlaps", args),
        }

    def node(self, node: Any, depth: int) -> Filter:
        """Turn one node that is true or false."""
        if depth > DEPTH_LIMIT:
            raise refuse(problem="the filter is nested too deep", expected=f"at most {DEPTH_LIMIT} levels")
        if isinstance(node, bool):
            return _TRUE if node else _FALSE
        if not isinstance(node, dict) or not isinstance(node.get("op"), str) or not isinstance(node.get("args"), list):
            raise refuse(
                problem=f"{_show(node)} is no condition",
                expected='an operator with its arguments, {"op": …, "args": […]}',
            )
        operator, args = node["op"].lower(), node["args"]
        if operator in ("and", "or"):
            if not args:
                raise refuse(problem=f"{operator} has no arguments", expected="conditions")
            parts = tuple(self.node(part, depth + 1) for part in args)
            return And(parts) if operator == "and" else Or(parts)
        if operator == "not":
            return Not(self.node(_only(args, 1)[0], depth + 1))
        if operator in _FLIPPED:
            return self._compare(_OPERATORS[operator], *_only(args, 2))
        if operator in TEMPORAL:
            return relate_times(operator, args, self._table)
        if operator in SPATIAL:
            return relate_shapes(operator, _only(args, 2), self._system)
        if operator not in self._operators:
            known = ", ".join(["and, or, not, =, <>, <, <=, >, >=", *self._operators, *SPATIAL, *TEMPORAL])
            raise refuse(problem=f"operator {_show(node['op'])} is not answered", expected=f"one of {known}")
        return self._operators[operator](args)

    def _compare(self, operator: Operator, left: Any, right: Any) -> Filter:
        """Turn a comparison of a property with a value, whichever stands first."""
        (left, *folds), (right, *others) = _unfold(left), _unfold(right)
        case, accents = (one or other for one, other in zip(folds, others, strict=True))
        if _property(left) is None:
            left, right, operator = right, left, _FLIPPED[operator]
        column = self._column(left)
        if accents:
            return Compare(column, operator, _text(right), case, ignore_accents=True)
        value = self._value(column, right)
        if operator in ("=", "<>"):
            found = equal(self._table, column, value, self._release, ignore_case=case)
            if operator == "=":
                return found
            if is_country(self._table, column):
                return Not(found)
        return Compare(column, operator, value, ignore_case=case)

    def _like(self, args: list[Any]) -> Filter:
        """Turn LIKE."""
        (left, *folds), (right, *others) = (_unfold(arg) for arg in _only(args, 2))
        case, accents = (one or other for one, other in zip(folds, others, strict=True))
        column = self._column(left)
        return Like(column, _text(right), case, accents)

    def _between(self, args: list[Any]) -> Filter:
        """Turn BETWEEN."""
        left, low, high = _only(args, 3)
        column = self._column(left)
        return Between(column, self._value(column, low), self._value(column, high))

    def _in(self, args: list[Any]) -> Filter:
        """Turn IN."""
        reported, values = _only(args, 2)
        if not isinstance(values, list):
            raise refuse(problem=f"{_show(values)} is no list", expected="a list of values")
        left, case, accents = _unfold(reported)
        unfolded = [_unfold(value) for value in values]
        column = self._column(left)
        case, accents = case or any(each[1] for each in unfolded), accents or any(each[2] for each in unfolded)
        if accents:
            return In(column, tuple(_text(value) for value, *_ in unfolded), case, ignore_accents=True)
        kept = tuple(self._value(column, value) for value, *_ in unfolded)
        return among(self._table, column, kept, self._release, ignore_case=case)

    def _is_null(self, args: list[Any]) -> Filter:
        """Turn IS NULL."""
        reported = _only(args, 1)[0]
        if _property(reported) == "geometry" and self._table.place is Place.POINT:
            return Or((IsNull("decimalLongitude"), IsNull("decimalLatitude")))
        return IsNull(self._column(reported))

    def _array(self, name: str, args: list[Any]) -> Filter:
        """Turn the question whether a list holds all of some values, or any."""
        left, right = _only(args, 2)
        column = self._column(left)
        values = tuple(_text(value) for value in (right if isinstance(right, list) else [right]))
        for value in values:
            check_value(self._table, column, value, self._release)
        parts = tuple(Contains(column, value) for value in values)
        return And(parts) if name == "a_contains" else Or(parts)

    def _column(self, node: Any) -> str:
        """Return a property's name."""
        name = _property(node)
        if name is None:
            raise refuse(problem=f"{_show(node)} is no property", expected="a property and a value")
        if self._table.place is Place.POINT and name in UNAVAILABLE:
            raise unavailable_parameter(name, UNAVAILABLE[name])
        if name not in self._table.columns:
            problem = f"{self._table.name} has no column of this name"
            near = unknown_parameter(name, self._table.columns).expected
            raise InputError(problem, column=name, expected=near, code="COLUMN_UNKNOWN")
        return name

    def _value(self, column: str, value: Any) -> Value:
        """Return a literal, a whole number for a column of whole numbers where it is one."""
        if isinstance(value, dict) and len(value) == 1 and next(iter(value)) in ("date", "timestamp"):
            value = _text(next(iter(value.values())))
        if (
            isinstance(value, float)
            and value.is_integer()
            and self._table.columns[column].dtype in (pl.Int32, pl.Int64)
        ):
            value = int(value)
        if not isinstance(value, str | int | float | bool):
            raise refuse(problem=f"{_show(value)} is no value", expected="text, a number, true or false")
        return value


def _only(args: list[Any], count: int) -> list[Any]:
    """Return the arguments where there are as many as there should be."""
    if len(args) != count:
        raise refuse(problem=f"{_show(args)} has {len(args)} arguments", expected=f"{count}")
    return args


def _property(node: Any) -> str | None:
    """Return the name where a node is a property."""
    name = node.get("property") if isinstance(node, dict) else None
    return name if isinstance(name, str) else None


def _unfold(node: Any) -> tuple[Any, bool, bool]:
    """Return what stands inside CASEI(…) and ACCENTI(…), and whether case and accents are folded."""
    folded = {"casei": False, "accenti": False}
    while isinstance(node, dict) and isinstance(node.get("op"), str) and node["op"].lower() in folded:
        folded[node["op"].lower()] = True
        args = node.get("args")
        node = _only(args, 1)[0] if isinstance(args, list) else args
    return node, folded["casei"], folded["accenti"]


def _text(node: Any) -> str:
    """Return a node that is text."""
    if not isinstance(node, str):
        raise refuse(problem=f"{_show(node)} is no text", expected="text in single quotes")
    return node


def _show(node: Any) -> str:
    """Return the beginning of a node for a message."""
    return shorten(orjson.dumps(node).decode(), 60)


_SHAPE_RELATIONS: Final[Mapping[str, Relation]] = MappingProxyType(
    {
        "s_within": "within", "s_contains": "contains", "s_equals": "equals", "s_touches": "touches",
        "s_crosses": "crosses", "s_overlaps": "overlaps",
    }
)  # fmt: skip
_OTHER_WAY: Final[Mapping[str, str]] = MappingProxyType({"s_within": "s_contains", "s_contains": "s_within"})
SPATIAL: Final = ("s_intersects", "s_disjoint", *_SHAPE_RELATIONS)
"""The functions that are answered."""


def relate_shapes(name: str, args: list[Any], system: System) -> Filter:
    """Return the filter of a spatial function.

    Parameters
    ----------
    name : str
        Of `SPATIAL`.
    args : list of two
        The property geometry and a box or a geometry of WKT or GeoJSON, in any order.
    system : System
        What their coordinates are in.

    Raises
    ------
    InputError
        If a geometry cannot be used, or both are the property, or neither.
    """
    ours = [isinstance(arg, dict) and arg.get("property") == "geometry" for arg in args]
    if ours[0] is ours[1]:
        problem = "the geometry is compared with itself" if ours[0] else "the property geometry is missing"
        raise refuse(problem=problem, expected="the property geometry, and a geometry")
    other = args[1] if ours[0] else args[0]
    name = name if ours[0] else _OTHER_WAY.get(name, name)
    if name in _SHAPE_RELATIONS:
        return Relates(_SHAPE_RELATIONS[name], _simple(_wkb(other, system)))
    meets = _box(other, system) or Intersects(_wkb(other, system))
    return Not(meets) if name == "s_disjoint" else meets


def _box(facts: Any, system: System) -> InBox | None:
    """Return the filter for a box; None where it is none."""
    if not isinstance(facts, dict) or not isinstance(facts.get("bbox"), list) or "type" in facts:
        return None
    corners = facts["bbox"]
    if len(corners) == 6:
        corners = [*corners[:2], *corners[3:5]]
    if len(corners) != 4 or not all(isinstance(c, int | float) and not isinstance(c, bool) for c in corners):
        raise refuse(problem=f"{_beginning(facts)} is no box", expected="west, south, east, north")
    refusal = refuse(problem=f"{_beginning(facts)} is no box on Earth", expected="the lower corner, then the upper one")
    west, south, east, north = map(float, corners)
    return collections.box(system, (west, south, east, north), refusal)


def _wkb(facts: Any, system: System) -> bytes:
    """Return the WKB of a box or geometry, in degrees."""
    found = _box(facts, system)
    if found is not None:
        if found.west > found.east:
            halves = [
                shapely.box(found.west, found.south, 180, found.north),
                shapely.box(-180, found.south, found.east, found.north),
            ]
            return bytes(shapely.to_wkb(shapely.MultiPolygon(halves)))
        return bytes(shapely.to_wkb(shapely.box(found.west, found.south, found.east, found.north)))
    if isinstance(facts, dict) and isinstance(facts.get("wkt"), str):
        return read_wkt(facts["wkt"], system.to_degrees)
    if isinstance(facts, dict) and "type" in facts:
        return read_geojson(facts, system.to_degrees)
    raise refuse(problem=f"{_beginning(facts)} is no geometry", expected="the property geometry, and a geometry")


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


def _beginning(reported: Any) -> str:
    """Return the beginning of a node for a message."""
    return shorten(str(reported), 60)


EVENT: Final = ("event_start", "event_end")
"""The days that `eventDate` tells, the first and the last."""

_TIMES_SWAPPED: Final[Mapping[str, str]] = MappingProxyType(
    {"t_before": "t_after", "t_after": "t_before", "t_during": "t_contains", "t_contains": "t_during"}
)
TEMPORAL: Final = (*_TIMES_SWAPPED, "t_disjoint", "t_equals", "t_intersects")
"""The functions that are answered, by their names in lower case; see OGC 21-065r2, table 8."""


def relate_times(name: str, args: list[Any], table: Table) -> Filter:
    """Return the filter of a temporal function.

    Parameters
    ----------
    name : str
        One of `TEMPORAL`.
    args : list
        A property with a time, and a date, a timestamp or an interval of them, whichever stands first; ``'..'`` is an
        open end.
    table : Table
        What is asked.

    Raises
    ------
    InputError
        Where it is neither.
    """
    if len(args) != 2:
        raise refuse(problem=f"{name} has {len(args)} arguments", expected="two")
    column, reported = args
    if _property(column) is None:
        column, reported, name = reported, column, _TIMES_SWAPPED.get(name, name)
    literal = _literal(reported)
    if _property(column) is None or literal is None:
        problem = f"{shorten(str(reported), 60)} is no time beside a property"
        raise refuse(problem=problem, expected="DATE('2010-05-01'), INTERVAL('…', '…')")
    start, end = _columns(str(_property(column)), table)
    first, last = literal
    # Of some records only the year is published; these two questions have an answer for them, too.
    if (start, end) == EVENT and name == "t_intersects":
        return overlaps(first, last)
    if (start, end) == EVENT and name == "t_during":
        return within(first, last)
    before = _beside(end, "<", first)
    after = _beside(start, ">", last)
    match name:
        case "t_before":
            return before or _FALSE
        case "t_after":
            return after or _FALSE
        case "t_disjoint":
            return Or(tuple(part for part in (before, after) if part is not None))
        case "t_intersects":
            return _all(_beside(end, ">=", first), _beside(start, "<=", last))
        case "t_during":
            return _all(_beside(start, ">", first), _beside(end, "<", last))
        case "t_contains":
            return _all(_beside(start, "<", first) or _FALSE, _beside(end, ">", last) or _FALSE)
        case _:
            return _all(_beside(start, "=", first) or _FALSE, _beside(end, "=", last) or _FALSE)


def _beside(column: str, operator: Operator, day: date | None) -> Filter | None:
    """Return the comparison of a column with a day; None for an open end."""
    return None if day is None else Compare(column, operator, day)


def _all(*parts: Filter | None) -> Filter:
    """Return the filter under which each of some parts holds."""
    return And(tuple(part for part in parts if part is not None))


def _columns(name: str, table: Table) -> tuple[str, str]:
    """Return the columns of the first and the last day that a property tells."""
    if name == "eventDate" and _timed(table):
        return EVENT
    column = table.columns.get(name)
    if column is None or column.dtype != pl.Date:
        days = [each.name for each in table.columns.values() if each.dtype == pl.Date]
        known = ", ".join([*(["eventDate"] if _timed(table) else []), *days]) or "none in this collection"
        raise refuse(problem=f"{shorten(name, 40)!r} has no time", expected=f"a property with one: {known}")
    return name, name


def _literal(node: Any) -> tuple[date | None, date | None] | None:
    """Return the two ends of a date, a timestamp or an interval of them; None where it is none."""
    if isinstance(node, str):
        return read_dates("filter", node, separator="/")
    if not isinstance(node, dict) or len(node) != 1:
        return None
    kind, stated = next(iter(node.items()))
    if kind in ("date", "timestamp") and isinstance(stated, str):
        return read_dates("filter", stated, separator="/")
    if kind != "interval" or not isinstance(stated, list) or len(stated) != 2:
        return None
    texts = [end.get("date", end.get("timestamp")) if isinstance(end, dict) else end for end in stated]
    if not all(isinstance(text, str) for text in texts):
        return None
    return read_dates("filter", "/".join(map(str, texts)), separator="/")


def _timed(table: Table) -> bool:
    """Tell whether a table tells of events."""
    return EVENT[0] in table.columns and "eventDate" in table.columns
