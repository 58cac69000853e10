"""Bodies of requests: read up to a limit, as JSON, as the parameters that an address has, and GBIF's predicates in them."""

import re
from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any, Final

import orjson
from starlette.requests import Request

from api.answers import GEOJSON
from api.dependencies import Opened
from api.errors import Code, ProblemError, invalid, unknown_value
from api.gbif_names import UNAVAILABLE
from api.parameters import ACROSS, NULLS, SEARCH, Kind, Parameter, refused
from api.readers import composed, integer, number, read_dates, within
from biodata.store.query.filters import (
    And,
    Compare,
    Differ,
    Filter,
    InBox,
    InCountry,
    Intersects,
    IsNull,
    Like,
    Listed,
    Not,
    Operator,
    Or,
)

DEPTH_LIMIT: Final = 10
_PARTS_LIMIT: Final = 100

_COMPARISONS: Final[dict[str, Operator]] = {
    "lessThan": "<", "lessThanOrEquals": "<=", "greaterThan": ">", "greaterThanOrEquals": ">=",
}  # fmt: skip
NO_COUNTRY: Final = And((IsNull("countryCode"), IsNull("country_codes")))
"""A record of no country, as `InCountry` has it."""

KINDS: Final = (
    "and", "or", "not", "equals", "in", "within", "geoDistance", "isNull", "isNotNull", "like", "range", *_COMPARISONS,
)  # fmt: skip


def read_predicate(told: Any, lookup: Opened, depth: int = 0) -> Filter:
    """Read a predicate.

    Parameters
    ----------
    told : dict
        ``{"type": one of KINDS, …}``; `key` is a search parameter's name, also as GBIF's enumeration has it
        (BASIS_OF_RECORD).
    lookup : Opened
        The release's look-ups.
    depth : int
        How deep it stands.

    Raises
    ------
    ProblemError
        If it is none, or too deep.
    """
    if not isinstance(told, dict) or told.get("type") not in KINDS:
        raise _refuse(told, f"an object whose type is one of {', '.join(KINDS)}")
    if depth >= DEPTH_LIMIT:
        raise _refuse(told, f"predicates nested at most {DEPTH_LIMIT} deep")
    kind = told["type"]
    match kind:
        case "and" | "or":
            parts = told.get("predicates")
            if not isinstance(parts, list) or not 0 < len(parts) <= _PARTS_LIMIT:
                raise _refuse(told, f"predicates: a list of 1 to {_PARTS_LIMIT}")
            found = tuple(read_predicate(part, lookup, depth + 1) for part in parts)
            return And(found) if kind == "and" else Or(found)
        case "not":
            # As GBIF answers it: whatever the part does not find, rows without a value among them.
            return _without(read_predicate(told.get("predicate"), lookup, depth + 1))
        case "within":
            return lookup.polygon(_member_text(told, "geometry"))
        case "geoDistance":
            value = ",".join(_member_text(told, name) for name in ("latitude", "longitude", "distance"))
            return SEARCH["geoDistance"].to_filter("geoDistance", value, lookup)
    parameter = _parameter(told)
    match kind:
        case "isNull" | "isNotNull":
            missing = NO_COUNTRY if parameter.column == "countryCode" else parameter.null or IsNull(_column(parameter))
            return missing if kind == "isNull" else Not(missing)
        case "in":
            values = told.get("values")
            if not isinstance(values, list) or not 0 < len(values) <= 500:
                raise _refuse(told, "values: a list of 1 to 500")
            return Or(tuple(parameter.to_filter(parameter.name, _as_text(told, value), lookup) for value in values))
        case "like":
            # GBIF's signs: * is any text, ? one character.
            pattern = re.sub(r"([%_\\])", r"\\\1", _member_text(told, "value")).replace("*", "%").replace("?", "_")
            return Like(_column(parameter), pattern, ignore_case=not told.get("matchCase", False))
        case "equals":
            return parameter.to_filter(parameter.name, _member_text(told, "value"), lookup)
        case "range":
            return _range(parameter, told)
    return _compare(parameter, _COMPARISONS[kind], _member_text(told, "value"))


def _without(part: Filter) -> Filter:
    """Return the filter for the rows that a part does not find: it is false there, or unknown for want of a value."""
    match part:
        case And(parts):
            return Or(tuple(map(_without, parts)))
        case Or(parts):
            return And(tuple(map(_without, parts)))
        case Not(inner):
            return _perhaps(inner)
        case IsNull():
            return Not(part)
    return Or((Not(part), *_unknown(part)))


def _perhaps(part: Filter) -> Filter:
    """Return the filter for the rows that a part finds, or that it cannot judge."""
    match part:
        case And(parts):
            return And(tuple(map(_perhaps, parts)))
        case Or(parts):
            return Or(tuple(map(_perhaps, parts)))
        case Not(inner):
            return _without(inner)
        case IsNull():
            return part
    return Or((part, *_unknown(part)))


def _unknown(leaf: Filter) -> tuple[Filter, ...]:
    """Return filters for the rows that lack a value that a leaf looks at."""
    match leaf:
        case InBox() | Intersects():
            return (IsNull("decimalLatitude"),)
        case InCountry():
            return (NO_COUNTRY,)
        case Listed():
            return ()
        case Differ(column, other):
            return (IsNull(column), IsNull(other))
    return (IsNull(getattr(leaf, "column")),)  # noqa: B009 - every other leaf has one


def _range(parameter: Parameter, told: dict[str, Any]) -> Filter:
    """Read a range with open or closed ends: ``{"value": {"gte": 1990, "lt": 2000}}``."""
    ends, names = told.get("value"), {"gte": ">=", "gt": ">", "lte": "<=", "lt": "<"}
    if not isinstance(ends, dict) or not ends or not ends.keys() <= names.keys():
        raise _refuse(told, "value: an object with gte, gt, lte or lt")
    operators: dict[str, Operator] = {"gte": ">=", "gt": ">", "lte": "<=", "lt": "<"}
    return And(tuple(_compare(parameter, operators[end], _as_text(told, value)) for end, value in ends.items()))


def _compare(parameter: Parameter, operator: Operator, value: str) -> Filter:
    """Compare a number or a date."""
    if parameter.kind is Kind.INTEGER:
        return Compare(_column(parameter), operator, integer(parameter.name, value))
    if parameter.kind is Kind.NUMBER:
        return Compare(_column(parameter), operator, number(parameter.name, value))
    if parameter.name != "eventDate":
        raise invalid(field=parameter.name, value=value, expected="a number's or a date's parameter to compare")
    first, last = read_dates(parameter.name, value, separator=",")
    if first is None or last is None:
        raise invalid(field=parameter.name, value=value, expected="a date")
    try:
        ends: dict[Operator, tuple[date | None, date | None]] = {
            "<": (None, first - timedelta(days=1)), "<=": (None, last), ">": (last + timedelta(days=1), None), ">=": (first, None),
        }  # fmt: skip
    except OverflowError as error:
        raise invalid(field=parameter.name, value=value, expected="a date inside the calendar") from error
    return within(*ends[operator])


def _parameter(told: dict[str, Any]) -> Parameter:
    """Return the parameter that a predicate's key names."""
    key = told.get("key", told.get("parameter"))  # as isNull and isNotNull have it in GBIF's own documentation
    if not isinstance(key, str):
        raise _refuse(told, "key: a search parameter's name, such as BASIS_OF_RECORD")
    name = _BY_ENUM.get(key.upper(), key)
    if name in UNAVAILABLE:
        raise refused(name)
    parameter = SEARCH.get(name)
    if parameter is None or parameter.kind is Kind.LIST:
        raise unknown_value(field="predicate.key", value=key, known=_BY_PARAMETER_ENUM)
    return parameter


def _column(parameter: Parameter) -> str:
    """Return the one column behind a parameter."""
    column = parameter.column
    if column is None:
        raise invalid(field="predicate.key", value=parameter.name, expected="a parameter with a column of its own")
    return column


def _member_text(told: dict[str, Any], name: str) -> str:
    """Return a member of a predicate as an address would write it."""
    return _as_text(told, told.get(name))


def _as_text(told: dict[str, Any], value: Any) -> str:
    """Return a value as an address would write it."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        raise _refuse(told, "text, a number, true or false as its value")
    return composed(str(value))


def _refuse(told: Any, expected: str) -> ProblemError:
    """Return the error for what is no predicate."""
    return invalid(field="predicate", value=str(told), expected=expected)


def _by_enum(names: Iterable[str]) -> dict[str, str]:
    """Return names of parameters by what GBIF's enumeration calls them (BASIS_OF_RECORD, RECORDED_BY_ID)."""
    return {re.sub(r"(?<=[a-z])(?=[A-Z0-9])|(?<=[0-9])(?=[A-Z])", "_", name).upper(): name for name in names}


_BY_PARAMETER_ENUM: Final = _by_enum(SEARCH)
_BY_ENUM: Final = _by_enum(UNAVAILABLE) | _BY_PARAMETER_ENUM


BODY_LIMIT_BYTES: Final = 1_000_000
"""Largest body of a search or an area."""

GEOJSON_TYPES: Final = ("Polygon", "MultiPolygon", "GeometryCollection", "Feature", "FeatureCollection")
PREDICATE: Final = "predicate"
_OWN: Final = ("limit", "offset", "cursor", "snapshot", "facet", "facetLimit", "facetOffset", "facetMincount", "facetMultiselect")  # fmt: skip

More = Callable[[Opened], dict[str, Filter]]


async def receive(request: Request, *, limit_bytes: int = BODY_LIMIT_BYTES) -> bytes:
    """Return a request's body.

    Raises
    ------
    ProblemError
        With BODY_TOO_LARGE; no more than the limit is ever kept.
    """
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > limit_bytes:
            detail = f"more than {limit_bytes:,} bytes were sent"
            raise ProblemError(Code.BODY_TOO_LARGE, detail, expected=f"at most {limit_bytes:,} bytes")
        parts.append(part)
    return b"".join(parts)


def read_json(raw: bytes) -> Any:
    """Return what JSON says.

    Raises
    ------
    ProblemError
        With BODY_INVALID.
    """
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise ProblemError(Code.BODY_INVALID, f"the body is no JSON: {error}", expected="a JSON object") from error


def read_search(raw: bytes, media_type: str) -> tuple[list[tuple[str, str]], More | None]:
    """Read the body of a search.

    Parameters
    ----------
    raw : bytes
        A JSON object of search parameters, each a value or a list of values, `geometry` as WKT or GeoJSON, and
        `predicate` as GBIF's downloads have it; or a GeoJSON document, which is the geometry; or, as text/plain or
        text/csv, a list of names, one a line.
    media_type : str
        The Content-Type.

    Returns
    -------
    (list of (name, value), callable or None)
        Parameters, and what gives the predicate's filter.
    """
    if media_type.partition(";")[0].strip().lower() in ("text/plain", "text/csv"):
        try:
            lines = raw.decode("utf-8-sig").splitlines()
        except UnicodeDecodeError as error:
            raise ProblemError(Code.BODY_INVALID, "the list of names is not UTF-8", expected="UTF-8") from error
        return [("speciesList", name) for line in lines if (name := line.strip().strip('"'))], None
    body = read_json(raw)
    if not isinstance(body, dict):
        expected = "a JSON object of search parameters, or GeoJSON"
        raise ProblemError(Code.BODY_INVALID, "the body is no JSON object", expected=expected)
    kind = media_type.partition(";")[0].strip().lower()
    is_geojson = isinstance(body.get("type"), str) and body["type"] in GEOJSON_TYPES
    if kind == GEOJSON and not is_geojson:
        raise ProblemError(
            Code.BODY_INVALID, "the body is no GeoJSON", expected=f"a type of {', '.join(GEOJSON_TYPES)}"
        )
    if is_geojson:
        return [("geometry", orjson.dumps(body).decode())], None
    pairs: list[tuple[str, str]] = []
    for name, value in body.items():
        if name == "geometry" and isinstance(value, dict):
            pairs.append((name, orjson.dumps(value).decode()))
        elif name != PREDICATE:
            pairs += [(name, _text(name, one)) for one in (value if isinstance(value, list) else [value])]
    predicate = body.get(PREDICATE)
    if PREDICATE in body and not isinstance(predicate, dict):
        raise invalid(field=PREDICATE, value=str(predicate), expected='an object such as {"type": "equals", …}')

    if predicate is None:
        return pairs, None
    return pairs, lambda release: {PREDICATE: read_predicate(predicate, release)}


def _text(name: str, value: Any) -> str:
    """Return a value as an address would write it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise invalid(field=name[:80], value=str(value), expected="text, a number, true or false, or a list of them")


def search_body() -> dict[str, Any]:
    """Return what OpenAPI says of the body of a search."""
    one: dict[str, Any] = {"type": ["string", "number", "boolean"]}
    value = {"anyOf": [one, {"type": "array", "items": one, "maxItems": 2_000}]}
    shape = {"type": "object", "required": ["type"], "properties": {"type": {"enum": list(GEOJSON_TYPES)}}}
    names = [*SEARCH, *ACROSS, *NULLS, *_OWN]
    properties: dict[str, Any] = {name: dict(value) for name in names}
    for parameter in SEARCH.values():
        if parameter.kind is Kind.GEOMETRY:
            properties[parameter.name] = {"anyOf": [{"type": "string"}, shape]}
    properties[PREDICATE] = {
        "type": "object",
        "required": ["type"],
        "description": "A predicate as GBIF's downloads have it: and, or, not, equals, in, within, lessThan, …",
    }
    schema = {"type": "object", "properties": properties, "additionalProperties": False}
    names_only = {"schema": {"type": "string", "maxLength": 100_000}}
    return {
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": schema},
                "application/geo+json": {"schema": shape},
                "text/plain": names_only,
            },
        }
    }
