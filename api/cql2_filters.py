"""CQL2 (JSON, or text through `api.cql2`) into the store's filter tree: what it can answer, and a 400 for the rest."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

import orjson
import polars as pl

from api import cql2_relations
from api.collections import CRS84, SYSTEMS, System, among, check_value, equal, is_country
from api.cql2 import DEPTH_LIMIT, LENGTH_LIMIT, parse_text, refuse
from api.cql2_relations import SPATIAL, relate_shapes
from api.dependencies import Opened
from api.errors import unavailable_parameter, unknown_parameter
from api.gbif_names import UNAVAILABLE
from biodata.core.errors import InputError, shorten
from biodata.store.query.filters import (
    And,
    Between,
    Compare,
    CompareColumns,
    Contains,
    Filter,
    IsNull,
    Like,
    ListIs,
    Not,
    Operator,
    Or,
    Unaccented,
    Value,
)
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
            "a_containedby": lambda args: self._array("a_containedby", args),
            "a_equals": lambda args: self._array("a_equals", args),
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
        if operator in cql2_relations.TEMPORAL:
            return cql2_relations.relate_times(operator, args, self._table)
        if operator in SPATIAL:
            return relate_shapes(operator, _only(args, 2), self._system)
        if operator not in self._operators:
            known = ", ".join(
                ["and, or, not, =, <>, <, <=, >, >=", *self._operators, *SPATIAL, *cql2_relations.TEMPORAL]
            )
            raise refuse(problem=f"operator {_show(node['op'])} is not answered", expected=f"one of {known}")
        return self._operators[operator](args)

    def _compare(self, operator: Operator, left: Any, right: Any) -> Filter:
        """Turn a comparison of two properties, of a property with a value whichever stands first, or of two values."""
        (left, *folds), (right, *others) = _unfold(left), _unfold(right)
        case, accents = (one or other for one, other in zip(folds, others, strict=True))
        if _property(left) is None and _property(right) is None:
            return _TRUE if _holds(operator, left, right, case=case) else _FALSE
        if _property(left) is None:
            left, right, operator = right, left, _FLIPPED[operator]
        column = self._column(left)
        if _property(right) is not None:
            other = self._column(right)
            return CompareColumns(column, operator, other, ignore_case=case, ignore_accents=accents)
        if accents:
            return Unaccented(column, operator, (_text(right),), ignore_case=case)
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
        if accents:
            return Unaccented(column, "like", (_text(right),), ignore_case=case)
        return Like(column, _text(right), ignore_case=case)

    def _between(self, args: list[Any]) -> Filter:
        """Turn BETWEEN."""
        left, low, high = _only(args, 3)
        if _property(left) is None or _property(low) is not None or _property(high) is not None:
            return And((self._compare(">=", left, low), self._compare("<=", left, high)))
        column = self._column(left)
        return Between(column, self._value(column, low), self._value(column, high))

    def _in(self, args: list[Any]) -> Filter:
        """Turn IN."""
        told, values = _only(args, 2)
        if not isinstance(values, list):
            raise refuse(problem=f"{_show(values)} is no list", expected="a list of values")
        left, case, accents = _unfold(told)
        unfolded = [_unfold(value) for value in values]
        if _property(left) is None or any(_property(value) is not None for value, *_ in unfolded):
            return Or(tuple(self._compare("=", told, value) for value in values))
        column = self._column(left)
        case, accents = case or any(each[1] for each in unfolded), accents or any(each[2] for each in unfolded)
        if accents:
            return Unaccented(column, "in", tuple(_text(value) for value, *_ in unfolded), ignore_case=case)
        kept = tuple(self._value(column, value) for value, *_ in unfolded)
        return among(self._table, column, kept, self._release, ignore_case=case)

    def _is_null(self, args: list[Any]) -> Filter:
        """Turn IS NULL."""
        told = _only(args, 1)[0]
        if _property(told) == "geometry" and self._table.place is Place.POINT:
            return Or((IsNull("decimalLongitude"), IsNull("decimalLatitude")))
        return IsNull(self._column(told))

    def _array(self, name: str, args: list[Any]) -> Filter:
        """Turn a comparison of a list with values, whichever stands first."""
        left, right = _only(args, 2)
        if _property(left) is None:
            left, right = right, left
            name = {"a_contains": "a_containedby", "a_containedby": "a_contains"}.get(name, name)
        column = self._column(left)
        values = tuple(_text(value) for value in (right if isinstance(right, list) else [right]))
        for value in values:
            check_value(self._table, column, value, self._release)
        match name:
            case "a_contains":
                return And(tuple(Contains(column, value) for value in values))
            case "a_overlaps":
                return Or(tuple(Contains(column, value) for value in values))
            case "a_equals":
                return ListIs(column, "equal", values)
            case _:
                return ListIs(column, "contained", values)

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


def _holds(operator: Operator, left: Any, right: Any, *, case: bool) -> bool:
    """Tell whether a comparison of two values holds."""
    sides = [next(iter(side.values())) if isinstance(side, dict) and len(side) == 1 else side for side in (left, right)]
    kinds = [float if isinstance(side, int | float) and not isinstance(side, bool) else type(side) for side in sides]
    if kinds[0] is not kinds[1] or kinds[0] not in (float, bool, str):
        raise refuse(problem=f"{_show(left)} and {_show(right)} cannot be compared", expected="two values of a kind")
    low, high = (side.casefold() if case and isinstance(side, str) else side for side in sides)
    found: Mapping[str, Callable[[], bool]] = {
        "=": lambda: low == high,
        "<>": lambda: low != high,
        "<": lambda: low < high,
        "<=": lambda: low <= high,
        ">": lambda: low > high,
        ">=": lambda: low >= high,
    }
    return bool(found[operator]())


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
