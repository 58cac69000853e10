"""CQL2 (JSON, or text through `api.cql2`) into the store's filter tree: what it can answer, and a 400 for the rest."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Final

import orjson
import polars as pl
import shapely

from api.cql2 import DEPTH_LIMIT, LENGTH_LIMIT, parse_text, refuse
from api.intervals import overlaps, read_dates, within
from biodata.errors import shorten
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
    Value,
)  # fmt: skip
from biodata.store.query.geometry import check_geojson, check_wkt
from biodata.store.tables import Table

_POINT: Final = re.compile(
    r"\s*POINT\s*\(\s*(-?\d{1,3}(?:\.\d{1,15})?)\s+(-?\d{1,3}(?:\.\d{1,15})?)\s*\)\s*", re.I | re.ASCII
)
LANGUAGES: Final = ("cql2-text", "cql2-json")

_FLIPPED: Final[Mapping[str, Operator]] = MappingProxyType(
    {"=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<="}
)


def read_filter(text: str, language: str, table: Table) -> Filter:
    """Read a CQL2 filter.

    Parameters
    ----------
    text : str
        The filter; at most 10,000 characters, at most 32 levels.
    language : str
        cql2-text or cql2-json.
    table : Table
        What it asks; its columns are the properties.

    Returns
    -------
    Filter

    Raises
    ------
    InputError
        With the code FILTER_INVALID, if it cannot be read or asks for what we do not answer.
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
    return _Reader(table).node(tree, 0)


class _Reader:
    """Turns nodes of one filter, knowing the table's columns."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._operators: Mapping[str, Callable[[list[Any]], Filter]] = {
            "like": self._like,
            "between": self._between,
            "in": self._in,
            "isNull": self._is_null,
            "s_intersects": self._meets,
            "s_disjoint": lambda args: Not(self._meets(args)),
            "t_intersects": lambda args: overlaps(*self._interval(args)),
            "t_during": lambda args: within(*self._interval(args)),
            "a_contains": lambda args: And(self._contained(args)),
            "a_overlaps": lambda args: Or(self._contained(args)),
        }

    def node(self, node: Any, depth: int) -> Filter:
        """Turn one node that is true or false."""
        if depth > DEPTH_LIMIT:
            raise refuse(problem="the filter is nested too deep", expected=f"at most {DEPTH_LIMIT} levels")
        if not isinstance(node, dict) or not isinstance(node.get("op"), str) or not isinstance(node.get("args"), list):
            raise refuse(
                problem=f"{_show(node)} is no condition",
                expected='an operator with its arguments, {"op": …, "args": […]}',
            )
        operator, args = node["op"], node["args"]
        if operator in ("and", "or"):
            parts = tuple(self.node(part, depth + 1) for part in args)
            return And(parts) if operator == "and" else Or(parts)
        if operator == "not":
            return Not(self.node(_only(args, 1)[0], depth + 1))
        if operator in _FLIPPED:
            return self._compare(operator, args)
        if operator not in self._operators:
            known = ", ".join(["and, or, not, =, <>, <, <=, >, >=", *self._operators])
            raise refuse(problem=f"operator {_show(operator)} is not answered", expected=f"one of {known}")
        return self._operators[operator](args)

    def _compare(self, operator: str, args: list[Any]) -> Filter:
        """Turn a comparison of a property with a value, whichever stands first."""
        left, right = _only(args, 2)
        if _property(left) is None:
            left, right, operator = right, left, _FLIPPED[operator]
        column, folded = self._column(left)
        value = self._value(column, right)
        return Compare(column, _OPERATORS[operator], value, ignore_case=folded or _folds(right))

    def _like(self, args: list[Any]) -> Filter:
        """Turn LIKE."""
        left, right = _only(args, 2)
        column, folded = self._column(left)
        return Like(column, _text(_unfold(right)), ignore_case=folded or _folds(right))

    def _between(self, args: list[Any]) -> Filter:
        """Turn BETWEEN."""
        left, low, high = _only(args, 3)
        column, _ = self._column(left)
        return Between(column, self._value(column, low), self._value(column, high))

    def _in(self, args: list[Any]) -> Filter:
        """Turn IN."""
        left, values = _only(args, 2)
        column, folded = self._column(left)
        if not isinstance(values, list):
            raise refuse(problem=f"{_show(values)} is no list", expected="a list of values")
        folded = folded or any(_folds(value) for value in values)
        return In(column, tuple(self._value(column, value) for value in values), ignore_case=folded)

    def _is_null(self, args: list[Any]) -> Filter:
        """Turn IS NULL."""
        return IsNull(self._column(_only(args, 1)[0])[0])

    def _contained(self, args: list[Any]) -> tuple[Filter, ...]:
        """Return, for each value of an array, the filter for lists that hold it."""
        left, values = _only(args, 2)
        column, _ = self._column(left)
        listed = values if isinstance(values, list) else [values]
        return tuple(Contains(column, _text(value)) for value in listed)

    def _meets(self, args: list[Any]) -> Filter:
        """Turn an intersection of the feature's geometry with a box or polygon."""
        shapes = [arg for arg in _only(args, 2) if _property(arg) != "geometry"]
        if len(shapes) != 1:
            raise refuse(problem="two geometries are compared", expected="the property geometry, and a polygon or box")
        shape = shapes[0]
        if isinstance(shape, dict) and isinstance(shape.get("bbox"), list) and "type" not in shape:
            corners = shape["bbox"]
            if len(corners) != 4 or not all(isinstance(c, int | float) and not isinstance(c, bool) for c in corners):
                raise refuse(problem=f"{_show(shape)} is no box", expected="west, south, east, north")
            return InBox(*(float(c) for c in corners))
        if (point := _point(shape)) is not None:
            return Intersects(point)
        if isinstance(shape, dict) and isinstance(shape.get("wkt"), str):
            return Intersects(check_wkt(shape["wkt"]))
        return Intersects(check_geojson(shape))

    def _interval(self, args: list[Any]) -> tuple[date | None, date | None]:
        """Return first and last day of the interval that a record's date is compared with."""
        left, right = _only(args, 2)
        name = _property(left)
        if name not in ("eventDate", "event_start") or "event_start" not in self._table.columns:
            raise refuse(problem=f"{_show(left)} has no time", expected="the property eventDate of occurrences")
        if isinstance(right, dict) and isinstance(right.get("interval"), list):
            ends = [_text(end) for end in _only(right["interval"], 2)]
            return read_dates("filter", "/".join(ends), separator="/")
        moment = right.get("date", right.get("timestamp")) if isinstance(right, dict) else right
        return read_dates("filter", _text(moment), separator="/")

    def _column(self, node: Any) -> tuple[str, bool]:
        """Return a property's name, and whether case is folded."""
        name = _property(_unfold(node))
        if name is None:
            raise refuse(problem=f"{_show(node)} is no property", expected="a property and a value")
        return self._table.column(name).name, _folds(node)

    def _value(self, column: str, node: Any) -> Value:
        """Return a literal, a whole number for a column of whole numbers where it is one."""
        value = _unfold(node)
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


_OPERATORS: Final[Mapping[str, Operator]] = MappingProxyType({name: name for name in _FLIPPED.values()})


def _point(shape: Any) -> bytes | None:
    """Return the WKB of a shape that is a point in WKT or GeoJSON; None for every other."""
    if not isinstance(shape, dict):
        return None
    match = _POINT.fullmatch(shape["wkt"]) if isinstance(shape.get("wkt"), str) else None
    position = shape.get("coordinates") if shape.get("type") == "Point" else None
    if match is not None:
        longitude, latitude = float(match[1]), float(match[2])
    elif isinstance(position, list) and len(position) == 2 and all(type(c) in (int, float) for c in position):
        longitude, latitude = map(float, position)
    else:
        return None
    if not (abs(longitude) <= 180 and abs(latitude) <= 90):
        raise refuse(problem=f"{_show(shape)} is not on Earth", expected="longitude and latitude in degrees")
    return bytes(shapely.to_wkb(shapely.Point(longitude, latitude)))


def _only(args: list[Any], count: int) -> list[Any]:
    """Return the arguments where there are as many as there should be."""
    if len(args) != count:
        raise refuse(problem=f"{_show(args)} has {len(args)} arguments", expected=f"{count}")
    return args


def _property(node: Any) -> str | None:
    """Return the name where a node is a property."""
    name = node.get("property") if isinstance(node, dict) else None
    return name if isinstance(name, str) else None


def _folds(node: Any) -> bool:
    """Tell whether a node is CASEI(…)."""
    return isinstance(node, dict) and node.get("op") == "casei"


def _unfold(node: Any) -> Any:
    """Return what stands inside CASEI(…), or the node itself."""
    if not _folds(node):
        return node
    args = node.get("args")
    return _only(args, 1)[0] if isinstance(args, list) else args


def _text(node: Any) -> str:
    """Return a node that is text."""
    if not isinstance(node, str):
        raise refuse(problem=f"{_show(node)} is no text", expected="text in single quotes")
    return node


def _show(node: Any) -> str:
    """Return the beginning of a node for a message."""
    return shorten(orjson.dumps(node).decode(), 60)
