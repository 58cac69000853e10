"""The filter tree, and patterns of text, as SQL: names only from `store.tables`, every value a parameter."""

# ruff: noqa: S608 - names in SQL come from store.tables and are quoted; every value is a parameter.

import math
import re
from collections.abc import Callable, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any, Final

import polars as pl
import shapely

from biodata.core.errors import InputError
from biodata.core.terms import Column
from biodata.lists import GLOBAL, GROUPS
from biodata.store.duck import quote
from biodata.store.query import filters as f
from biodata.store.query.filters import Filter
from biodata.store.tables import Place, Table


def unaccented(expression: str) -> str:
    """Return an expression without the accents of its letters; the stroke of Vietnamese Đ counts as one."""
    return f"translate(strip_accents({expression}), 'Đđ', 'Dd')"


_WILDCARDS = frozenset("%_")


def matches(
    column: str, pattern: str, *, ignore_case: bool, around: Callable[[str], str] = str
) -> tuple[str, list[Any]]:
    r"""Return the condition that a text column fits a pattern.

    Parameters
    ----------
    column : str
        The column's quoted name.
    pattern : str
        % is any text, _ one character, \ takes the meaning away from the next; it does not end in a single \.
    ignore_case : bool
        Upper and lower case are the same.
    around : callable
        What becomes of the column and of the pattern's text before both are compared, as `unaccented`.

    Returns
    -------
    (str, list)
        SQL with a ? for each parameter.
    """
    parts, column, mark = _parts(pattern), around(column), around("?")
    literals = [text for is_wild, text in parts if not is_wild]
    shape = "".join(text if is_wild else "x" for is_wild, text in parts)
    plain = _PLAIN.get(shape)
    if plain is not None and len(literals) == 1:
        left, right = (f"lower({column})", f"lower({mark})") if ignore_case else (column, mark)
        return plain.format(left=left, mark=right), literals
    expression = "".join({"%": ".*", "_": "."}[text] if is_wild else re.escape(text) for is_wild, text in parts)
    return f"regexp_full_match({column}, {mark}, '{'si' if ignore_case else 's'}')", [expression]


_PLAIN = {
    "x": "({left} = {mark})",
    "x%": "starts_with({left}, {mark})",
    "%x": "suffix({left}, {mark})",
    "%x%": "contains({left}, {mark})",
}
"""Shapes of patterns that need no regular expression."""


def _parts(pattern: str) -> list[tuple[bool, str]]:
    """Return wildcards and the text between them; several % in a row are one."""
    parts: list[tuple[bool, str]] = []
    characters = iter(pattern)
    for character in characters:
        if character in _WILDCARDS:
            if (character, parts[-1:]) != ("%", [(True, "%")]):
                parts.append((True, character))
            continue
        text = next(characters) if character == "\\" else character
        if parts and not parts[-1][0]:
            parts[-1] = (False, parts[-1][1] + text)
        else:
            parts.append((False, text))
    return parts


_MAXIMUM_TEXT: Final = 10_000
_MAXIMUM_WILDCARDS: Final = 10
_MAXIMUM_PATTERN: Final = 1_000
_RELATIONS: Final = MappingProxyType(
    {
        name: f"ST_{name.capitalize()}"
        for name in ("intersects", "within", "contains", "equals", "touches", "crosses", "overlaps")
    }
)
_OPERATORS: Final = frozenset({"=", "<>", "<", "<=", ">", ">="})

_STATED: Final = Column("value", pl.String, "A value of a status.")

Sql = tuple[str, list[Any]]
"""An expression with ? for each of its parameters."""


def where(filter_: f.Filter | None, table: Table) -> Sql:
    """Return the filter as a condition on the table's rows.

    Parameters
    ----------
    filter_ : Filter, optional
        Every row where none is given.
    table : Table
        The table that is asked.

    Returns
    -------
    (str, list)
        A SQL expression with a ? for each parameter.

    Raises
    ------
    InputError
        If a column is not the table's, a value does not fit its column, or the tree is too large.
    """
    if filter_ is None:
        return "true", []
    f.check_size(filter_)
    return _sql(filter_, table)


def _sql(node: f.Filter, table: Table) -> Sql:
    """Turn one node into SQL."""
    match node:
        case f.And(parts):
            return _join(parts, table, " AND ", "true")
        case f.Or(parts):
            return _join(parts, table, " OR ", "false")
        case f.Not(part):
            sql, params = _sql(part, table)
            return f"(NOT {sql})", params
        case f.Compare(column, operator, value):
            if operator not in _OPERATORS:
                problem = "no such comparison"
                raise InputError(problem, column=column, value=operator, code="FILTER_INVALID")
            found = table.column(column)
            return f"({_side(node, found, quote(column))} {operator} {_side(node, found, '?')})", [_value(found, value)]
        case f.In(column, values):
            if not values:
                return "false", []
            found = table.column(column)
            marks = ", ".join([_side(node, found, "?")] * len(values))
            return f"({_side(node, found, quote(column))} IN ({marks}))", [_value(found, value) for value in values]
        case f.Between(column, low, high):
            ends = [f.Compare(column, ">=", low)] if low is not None else []
            ends += [f.Compare(column, "<=", high)] if high is not None else []
            name = quote(table.column(column).name)
            return _join(tuple(ends), table, " AND ", f"({name} = {name})")
        case f.IsNull(column):
            name = quote(table.column(column).name)
            if isinstance(table.columns[column].dtype, pl.List):
                return f"(coalesce(len({name}), 0) = 0)", []
            return f"({name} IS NULL)", []
        case f.Contains(column, value):
            found = table.column(column)
            if found.dtype != pl.List(pl.String):
                problem = "is no list"
                raise InputError(problem, column=column, code="FILTER_INVALID")
            return f"list_contains({quote(column)}, ?)", [_text(found, value)]
        case f.Like():
            return _like(table, node)
        case f.InBox():
            return _box(node, table)
        case f.Intersects(wkb):
            return _intersects(wkb, table)
        case f.Differ(column, other):
            return f"({quote(table.column(column).name)} <> {quote(table.column(other).name)})", []
        case f.Relates(relation, wkb):
            return _related(wkb, table, relation)
        case f.DayOfYear(column, low, high):
            return _day_of_year(table, column, low, high)
        case f.InCountry(codes):
            return _in_country(table, codes)
        case f.Listed():
            return _listed(node, table)
        case f.Recorded():
            return _recorded(node, table)


def _join(parts: tuple[f.Filter, ...], table: Table, word: str, nothing: str) -> Sql:
    """Join parts with AND or OR."""
    if not (done := [_sql(part, table) for part in parts]):
        return nothing, []
    return "(" + word.join(sql for sql, _ in done) + ")", [p for _, params in done for p in params]


def _side(node: f.Compare | f.In, column: Column, expression: str) -> str:
    """Return a side of a comparison, without letter case and accents where text is compared so."""
    if column.dtype != pl.String:
        return expression
    expression = unaccented(expression) if node.ignore_accents else expression
    return f"lower({expression})" if node.ignore_case else expression


def _value(column: Column, value: f.Value) -> f.Value:
    """Check that a value fits its column; return it as DuckDB should get it."""
    if column.dtype == pl.String:
        return _text(column, value)
    if column.dtype in (pl.Int64, pl.Int32):
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63:
            return value
        if isinstance(value, float) and math.isfinite(value):
            return value
        raise _unfit(column, value, "a whole number")
    if column.dtype == pl.Float64:
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
        raise _unfit(column, value, "a number")
    if column.dtype == pl.Boolean:
        if isinstance(value, bool):
            return value
        raise _unfit(column, value, "true or false")
    if column.dtype == pl.Date:
        try:
            return value if type(value) is date else date.fromisoformat(str(value))
        except ValueError as error:
            raise _unfit(column, value, "a date, YYYY-MM-DD") from error
    raise _unfit(column, value, "a column with single values")


def _text(column: Column, value: f.Value) -> str:
    """Check a text value: no lone surrogate, not too long."""
    if not isinstance(value, str):
        raise _unfit(column, value, "text")
    if len(value) > _MAXIMUM_TEXT or any("\ud800" <= c <= "\udfff" for c in value):
        raise _unfit(column, value.encode("utf-8", "replace").decode(), f"text of up to {_MAXIMUM_TEXT} characters")
    return value


def _unfit(column: Column, value: f.Value, expected: str) -> InputError:
    problem = "the value does not fit the column"
    return InputError(
        problem, column=column.name, value=str(value), expected=f"expected {expected}", code="FILTER_VALUE"
    )


def _like(table: Table, node: f.Like) -> Sql:
    column, pattern = table.column(node.column), node.pattern
    if column.dtype != pl.String:
        raise _unfit(column, pattern, "a text column")
    if pattern.count("%") > _MAXIMUM_WILDCARDS or len(pattern) > _MAXIMUM_PATTERN:
        expected = f"a pattern of up to {_MAXIMUM_PATTERN} characters, with up to {_MAXIMUM_WILDCARDS} times %"
        raise _unfit(column, pattern, expected)
    if (len(pattern) - len(pattern.rstrip("\\"))) % 2:
        raise _unfit(column, pattern, "a pattern that does not end in a single \\")
    around = unaccented if node.ignore_accents else str
    return matches(quote(column.name), _text(column, pattern), ignore_case=node.ignore_case, around=around)


def _box(box: f.InBox, table: Table) -> Sql:
    """Turn a box into ranges that zone maps can use."""
    edges = (box.west, box.south, box.east, box.north)
    if not all(isinstance(e, int | float) and math.isfinite(e) for e in edges):
        problem = "a box needs four finite numbers"
        raise InputError(problem, value=str(edges), code="BOX_INVALID")
    if box.south > box.north or min(edges[1::2]) < -90 or max(edges[1::2]) > 90 or max(map(abs, edges[::2])) > 180:
        problem = "the box is not on Earth or has its south above its north"
        expected = "expected west, south, east, north in degrees"
        raise InputError(problem, value=str(edges), expected=expected, code="BOX_INVALID")
    if box.west > box.east:
        halves = (f.InBox(box.west, box.south, 180, box.north), f.InBox(-180, box.south, box.east, box.north))
        return _join(halves, table, " OR ", "false")
    if table.place is Place.POINT:
        return _ranges("decimalLongitude", "decimalLatitude", edges)
    return _intersects(shapely.to_wkb(shapely.box(*edges)), table)


def _ranges(x: str, y: str, bounds: tuple[float, ...]) -> Sql:
    west, south, east, north = map(float, bounds)
    return f"({quote(x)} BETWEEN ? AND ? AND {quote(y)} BETWEEN ? AND ?)", [west, east, south, north]


def _intersects(wkb: bytes, table: Table) -> Sql:
    """Ask whether a place meets a geometry."""
    return _related(wkb, table, "intersects")


def _related(wkb: bytes, table: Table, relation: str) -> Sql:
    """Ask the box first, so that few rows meet the geometry itself; every relation here needs that they meet."""
    function = _RELATIONS.get(relation)
    bounds = shapely.from_wkb(wkb).bounds
    if function is None or not all(map(math.isfinite, bounds)):
        problem = "no such relation to a geometry"
        raise InputError(problem, value=relation, code="FILTER_INVALID")
    west, south, east, north = bounds
    if table.place is Place.POINT:
        sql, params = _ranges("decimalLongitude", "decimalLatitude", bounds)
        point = 'ST_Point("decimalLongitude", "decimalLatitude")'
        return f"({sql} AND {function}({point}, ST_GeomFromWKB(?)))", [*params, wkb]
    if table.place is Place.SHAPE:
        meets = f"{function}(ST_GeomFromWKB(geometry), ST_GeomFromWKB(?))"
        if not table.boxed:
            return meets, [wkb]
        box = '("west" <= ? AND "east" >= ? AND "south" <= ? AND "north" >= ?)'
        return f"({box} AND {meets})", [east, west, north, south, wkb]
    problem = f"{table.name} has no places"
    raise InputError(problem, code="FILTER_INVALID")


def _day_of_year(table: Table, name: str, low: int | None, high: int | None) -> Sql:
    """Ask for days of the year, 1 to 366."""
    column = table.column(name)
    if column.dtype != pl.Date:
        problem = "is no date"
        raise InputError(problem, column=name, code="FILTER_INVALID")
    if any(type(end) not in (int, type(None)) or (end is not None and abs(end) >= 2**31) for end in (low, high)):
        raise _unfit(column, f"{low}, {high}", "days of the year")
    return f"(dayofyear({quote(name)}) BETWEEN ? AND ?)", [1 if low is None else low, 366 if high is None else high]


def _in_country(table: Table, codes: tuple[str, ...]) -> Sql:
    """Ask for countries; the cell's are looked at only where a row has none of its own."""
    own, reached = table.column("countryCode"), table.column("country_codes")
    if not (values := [_text(own, code) for code in codes]):
        return "false", []
    name, several = quote(own.name), quote(reached.name)
    listed = f"CASE WHEN len({several}) > 0 THEN list_has_any({several}, ?::VARCHAR[]) END"
    marks = ", ".join("?" * len(values))
    return f"(CASE WHEN {name} IS NULL THEN {listed} ELSE {name} IN ({marks}) END)", [values, *values]


def _recorded(node: f.Recorded, table: Table) -> Sql:
    """Ask for the values that enough rows state on each side, and none on others: one reading of the table for all."""
    column = table.column(node.column)
    if column.dtype != pl.String or type(node.minimum) is not int or not 0 < node.minimum < 2**31:
        problem = "needs a text column and a whole number of rows"
        raise InputError(problem, column=node.column, value=str(node.minimum), code="FILTER_INVALID")
    present, missing = ([_sql(side, table) for side in sides] for sides in (node.present, node.missing))
    among, params = _sql(node.among, table)
    enough = [f"count(*) FILTER (WHERE {side}) >= ?" for side, _ in present]
    none = [f"count(*) FILTER (WHERE {side}) = 0" for side, _ in missing]
    params = [
        *params,
        *(p for _, side in present for p in (*side, node.minimum)),
        *(p for _, side in missing for p in side),
    ]
    name = quote(column.name)
    statement = f"SELECT {name} FROM {quote(table.name)} WHERE {name} IS NOT NULL AND {among} GROUP BY ALL"
    return f"({name} IN ({statement} HAVING {' AND '.join([*enough, *none]) or 'true'}))", params


_RANKED: Final = MappingProxyType(
    {
        **dict.fromkeys(("SUBSPECIES", "VARIETY", "FORM"), """concat_ws(' ', "species", "infraspecificEpithet")"""),
        **{rank.upper(): quote(rank) for rank in ("species", *GROUPS)},
    }
)
"""Where a record has the name of each rank, the lowest first."""


def _listed(node: f.Listed, table: Table) -> Sql:
    """Ask for taxa that lists give a status: each rank's names beside the areas where they have it."""
    said = [_text(_STATED, value) for value in (node.kind, *node.values)]
    among = f" AND value IN ({', '.join('?' * len(node.values))})" if node.values else ""
    if table.name == "taxa":
        area = "" if node.area is None else " AND area = ?"
        names = f"SELECT checklist, taxon_id FROM taxon_statuses WHERE kind = ?{among}{area}"
        return f"((checklist, taxon_id) IN ({names}))", [*said, *([node.area] if node.area is not None else [])]
    if "province_code" not in table.columns:
        problem = f"{table.name} have no statuses of lists"
        raise InputError(problem, column=node.kind, code="FILTER_INVALID")
    parts, params = list[str](), list[Any]()
    ranks = [rank for rank in _RANKED if rank in node.ranks]
    if not node.ranks:
        problem = "what lists say of records is asked for by rank, and none is named"
        raise InputError(problem, column=node.kind, expected=f"some of {', '.join(_RANKED)}", code="FILTER_INVALID")
    for column in (None, "countryCode", "province_code") if node.area is None else (None,):
        places = [_text(_STATED, node.area or GLOBAL)] if column is None else []
        reported, of_area = ("taxon", " AND area = ?") if column is None else ("taxon, area", "")
        beside = "" if column is None else f', "{column}"'
        for level, rank in enumerate(ranks):
            asked = f"FROM taxon_statuses WHERE taxonRank = ? AND kind = ?{among}{of_area}"
            part, values = f"({_RANKED[rank]}{beside}) IN (SELECT {reported} {asked})", [rank, *said, *places]
            # A list that says something of a lower name says that, and nothing of it by its group.
            for lower in ranks[:level]:
                own = f"FROM taxon_statuses WHERE taxonRank = ? AND kind = ?{of_area}"
                same = f"SELECT {reported} {own} AND checklist IN (SELECT checklist {asked})"
                part += f" AND coalesce(({_RANKED[lower]}{beside}) NOT IN ({same}), true)"
                values += [lower, said[0], *places, rank, *said, *places]
            parts.append(f"coalesce({part}, false)")
            params += values
    return f"({' OR '.join(parts) or 'false'})", params


def select(table: Table, columns: Sequence[str], filter_: Filter | None) -> Sql:
    """Return the statement that reads columns of a release's rows in the table's own order."""
    names = ", ".join(quote(table.column(name).name) for name in columns)
    condition, params = where(filter_, table)
    return f"SELECT {names} FROM {quote(table.name)} WHERE {condition}", params


def page(
    table: Table, lines: Sequence[str], filter_: Filter | None, *, limit: int, offset: int = 0, after: int = -1
) -> Sql:
    """Return the statement that reads one page of a release's table, in the table's own order.

    Parameters
    ----------
    table : Table
        The table.
    lines : sequence of str
        Expressions that are read, in this order, after the row's place in the table; see `feature_text`.
    filter_ : Filter, optional
        Which rows.
    limit, offset : int
        How many rows, and how many of the first to leave out.
    after : int
        Only rows whose place is behind this one.

    Notes
    -----
    A release never changes and DuckDB keeps the order in which rows were inserted, so a page needs no sorting: it
    ends as soon as it is full.
    """
    condition, params = where(filter_, table)
    if after >= 0:
        condition, params = f"rowid > ? AND {condition}", [after, *params]
    text = f"SELECT rowid, {', '.join(lines)} FROM {quote(table.name)} WHERE {condition} LIMIT ? OFFSET ?"
    return text, [*params, limit, offset]


def count(table: Table, filter_: Filter | None, *, counted: str = "count(*)") -> Sql:
    """Return the statement that counts rows, as `counted` counts."""
    condition, params = where(filter_, table)
    return f"SELECT {counted} FROM {quote(table.name)} WHERE {condition}", params


def facet(
    table: Table, column: str, filter_: Filter | None, *, limit: int, offset: int = 0, minimum: int = 1,
    signed: bool = False,
) -> Sql:  # fmt: skip
    """Return the statement that counts rows by the values of a column, the most frequent first.

    Parameters
    ----------
    table : Table
        The table.
    column : str
        Single values, or a list whose every member counts; missing values do not.
    filter_ : Filter, optional
        Which rows.
    limit, offset : int
        How many values, and how many of the first to leave out.
    minimum : int
        Values of fewer rows are left out.
    signed : bool
        A row counts as its column `sign` says.
    """
    found = table.column(column)
    value = f"unnest({quote(column)})" if isinstance(found.dtype, pl.List) else quote(column)
    condition, params = where(filter_, table)
    counted, sign = ("sum(sign)::BIGINT", ", sign") if signed else ("count(*)", "")
    text = f"""
        SELECT value, {counted} AS n FROM (SELECT {value} AS value{sign} FROM {quote(table.name)} WHERE {condition})
        WHERE value IS NOT NULL GROUP BY value HAVING {counted} >= ? ORDER BY n DESC, value LIMIT ? OFFSET ?
    """
    return text, [*params, minimum, limit, offset]


def days(table: Table) -> str | None:
    """Return the statement for the first and the last day of a release's table; None where it states no days."""
    if "event_start" not in table.columns:
        return None
    return f"SELECT min(event_start), max(event_end) FROM {quote(table.name)}"


def extent(table: Table) -> str | None:
    """Return the statement for west, south, east, north of a release's table; None where it has no places."""
    if table.place is Place.NONE:
        return None
    edges = ("west", "south", "east", "north")
    if table.place is Place.POINT:
        edges = ("decimalLongitude", "decimalLatitude") * 2
    lowest, highest = (
        ", ".join(f"{word}({quote(e)})" for e in part) for word, part in (("min", edges[:2]), ("max", edges[2:]))
    )
    return f"SELECT {lowest}, {highest} FROM {quote(table.name)}"
