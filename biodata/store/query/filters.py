"""The one filter tree: GBIF's parameters, CQL2, command-line filters and area ids all become it; and as plain values.

Text is compared as it stands, upper and lower case being different, unless `ignore_case` is set, and letters with and
without accents (`Cao Bằng`, `Cao Bang`) unless `ignore_accents` is. A comparison with a
missing value is neither true nor false, as in SQL: `Not(Compare("year", "=", 2010))` leaves records without a year
out; put `Or((…, IsNull("year")))` around it to keep them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from datetime import date
from types import MappingProxyType
from typing import Any, Final, Literal, TypeAlias

from biodata.core.errors import InputError

Value: TypeAlias = str | int | float | bool | date
Operator: TypeAlias = Literal["=", "<>", "<", "<=", ">", ">="]
Relation: TypeAlias = Literal["within", "contains", "equals", "touches", "crosses", "overlaps"]

MAXIMUM_DEPTH: Final = 16
MAXIMUM_NODES: Final = 500
MAXIMUM_VALUES: Final = 5_000


@dataclass(frozen=True, slots=True)
class And:
    """True where every part is; true for no parts."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """True where a part is; false for no parts."""

    parts: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """True where the part is false."""

    part: "Filter"


@dataclass(frozen=True, slots=True)
class Compare:
    """A column beside a value."""

    column: str
    operator: Operator
    value: Value
    ignore_case: bool = False
    ignore_accents: bool = False


@dataclass(frozen=True, slots=True)
class In:
    """A column that has one of the values; false for no values."""

    column: str
    values: tuple[Value, ...]
    ignore_case: bool = False
    ignore_accents: bool = False


@dataclass(frozen=True, slots=True)
class Between:
    """A column from `low` to `high`, both included; None leaves that end open."""

    column: str
    low: Value | None
    high: Value | None


@dataclass(frozen=True, slots=True)
class IsNull:
    """A column without a value; a list counts as one when it is missing or empty."""

    column: str


@dataclass(frozen=True, slots=True)
class Contains:
    """A list column that holds the value."""

    column: str
    value: str


@dataclass(frozen=True, slots=True)
class Like:
    r"""Text that fits a pattern: % is any text, _ one character, \\ takes the meaning away from the next."""

    column: str
    pattern: str
    ignore_case: bool = False
    ignore_accents: bool = False


@dataclass(frozen=True, slots=True)
class InBox:
    """A place inside the box, edges included, in degrees; west greater than east crosses the 180th meridian.

    A polygon counts when any part of it is inside.
    """

    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True, slots=True)
class Intersects:
    """A place that meets the polygon, in degrees, WGS 84; its WKB comes from `polygons.read_wkt` or our own tables.

    Of a record whose place was generalised, the published point decides.
    """

    wkb: bytes


@dataclass(frozen=True, slots=True)
class Differ:
    """Two columns that both have a value, and not the same."""

    column: str
    other: str


@dataclass(frozen=True, slots=True)
class Relates:
    """A place in a relation to a geometry, in degrees, WGS 84, as the OGC's Simple Features define it."""

    relation: "Relation"
    wkb: bytes


@dataclass(frozen=True, slots=True)
class DayOfYear:
    """A date whose day of the year lies from `low` to `high`, both included; None leaves that end open."""

    column: str
    low: int | None
    high: int | None


@dataclass(frozen=True, slots=True)
class InCountry:
    """A record of one of the countries, by their ISO 3166-1 alpha-2 codes: the one meaning of a country everywhere.

    A record is of the country of its `countryCode`, also where it lies in the band around a border and `country_codes`
    holds the neighbour. A record without one, whose place was published as a cell, is of each country that the cell
    reaches (`country_codes`), so it is found and counted under each of them. A record with neither is of no country:
    for it this is neither true nor false.
    """

    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """A record of a taxon that lists give a status (`terms.TAXON_STATUS`) in the record's country, division, or everywhere.

    A status of a group is one of all that is below it, but of those of whose own name the list says something else.

    Attributes
    ----------
    kind : str
        What is said.
    values : tuple of str
        Any of these; empty for any value.
    area : str, optional
        Where it is said, wherever the record lies.
    ranks : tuple of str
        Of records the ranks of the taxa of which it is said, at least one: of each two a lower name is held against a higher.
    """

    kind: str
    values: tuple[str, ...] = ()
    area: str | None = None
    ranks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Recorded:
    """A value of a column (a species) that the table's rows state on some sides and on others not.

    Attributes
    ----------
    column : str
        The column.
    present : tuple of Filter
        Under each of them at least `minimum` rows have the value.
    missing : tuple of Filter
        Under none of them a row has it.
    among : Filter
        Only these rows count.
    minimum : int
        Rows that a side needs.
    """

    column: str
    present: tuple["Filter", ...]
    missing: tuple["Filter", ...]
    among: "Filter"
    minimum: int = 1


Filter: TypeAlias = (
    And
    | Or
    | Not
    | Compare
    | In
    | Between
    | IsNull
    | Contains
    | Like
    | InBox
    | Intersects
    | Differ
    | Relates
    | DayOfYear
    | InCountry
    | Listed
    | Recorded
)


def parts_of(filter_: Filter) -> tuple[Filter, ...]:
    """Return what stands directly inside a filter."""
    match filter_:
        case And(parts) | Or(parts):
            return parts
        case Not(part):
            return (part,)
        case Recorded(_, present, missing, among):
            return (*present, *missing, among)
        case _:
            return ()


def check_size(filter_: Filter) -> None:
    """Refuse a tree that is too deep or too large to be turned into SQL; never recurses itself.

    Raises
    ------
    InputError
        With the code FILTER_TOO_LARGE.
    """
    values = 0
    for count, (node, depth) in enumerate(_walk(filter_), start=1):
        values += len(node.values) if isinstance(node, In | Listed) else 1
        if depth > MAXIMUM_DEPTH:
            problem = f"the filter is nested more than {MAXIMUM_DEPTH} deep"
            raise InputError(problem, code="FILTER_TOO_LARGE")
        if count > MAXIMUM_NODES:
            problem = f"the filter has more than {MAXIMUM_NODES} parts"
            raise InputError(problem, code="FILTER_TOO_LARGE")
        if values > MAXIMUM_VALUES:
            problem = f"the filter has more than {MAXIMUM_VALUES} values"
            raise InputError(problem, code="FILTER_TOO_LARGE")


def _walk(filter_: Filter) -> Iterator[tuple[Filter, int]]:
    """Give every node with its depth, the root being 1."""
    waiting = [(filter_, 1)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        waiting.extend((part, depth + 1) for part in parts_of(node))


_NODES: Final[Mapping[str, type[Any]]] = MappingProxyType(
    {
        node.__name__: node
        for node in (
            And, Or, Not, Compare, In, Between, IsNull, Contains, Like, InBox, Intersects,
            Differ, DayOfYear, Recorded, Relates, InCountry, Listed,
        )
    }
)  # fmt: skip


def to_plain(filter_: Filter | None) -> Any:
    """Return a filter as values that JSON knows.

    Parameters
    ----------
    filter_ : Filter, optional
        Every row where none is given.

    Returns
    -------
    dict or None
        ``{"op": name of the node, …its fields}``; a date is ``{"date": "2010-05-03"}``, WKB is hexadecimal text.
    """
    if filter_ is None:
        return None
    check_size(filter_)
    return _plain(filter_)


def from_plain(reported: Any) -> Filter | None:
    """Return the filter that `to_plain` was given.

    Raises
    ------
    InputError
        If it is none (FILTER_INVALID), or too large (FILTER_TOO_LARGE).
    """
    if reported is None:
        return None
    try:
        found: Filter = _node(reported)
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        problem = "this is no kept filter"
        raise InputError(problem, value=str(reported)[:80], code="FILTER_INVALID") from error
    check_size(found)
    return found


def _plain(value: Any) -> Any:
    """Return a node, or a value in it, as plain values."""
    match value:
        case date():
            return {"date": value.isoformat()}
        case bytes():
            return {"wkb": value.hex()}
        case tuple():
            return [_plain(part) for part in value]
        case None | str() | int() | float():
            return value
    parts = {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return {"op": type(value).__name__, **parts}


def _node(stated: Any) -> Any:
    """Return a node, or a value in it, from plain values."""
    match stated:
        case {"op": str(name), **parts}:
            return _NODES[name](**{str(key): _node(value) for key, value in parts.items()})
        case {"date": str(text)}:
            return date.fromisoformat(text)
        case {"wkb": str(text)}:
            return bytes.fromhex(text)
        case list():
            return tuple(_node(part) for part in stated)
        case None | str() | int() | float():
            return stated
    raise ValueError(str(stated)[:80])
