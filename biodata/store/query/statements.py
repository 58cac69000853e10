"""What is asked of a release: pages, counts, facets, extents."""

# ruff: noqa: S608 - names in SQL come from store.tables and are quoted; every value is a parameter.

from collections.abc import Sequence

import polars as pl

from biodata.store.duck import quote
from biodata.store.query.filters import Filter
from biodata.store.query.sql import Sql, where
from biodata.store.tables import Place, Table


def select(table: Table, columns: Sequence[str], filter_: Filter | None) -> Sql:
    """Return the statement that reads columns of a release's rows in the table's own order."""
    names = ", ".join(quote(table.column(name).name) for name in columns)
    condition, params = where(filter_, table)
    return f"SELECT {names} FROM {quote(table.name)} WHERE {condition}", params


def page(
    table: Table, told: Sequence[str], filter_: Filter | None, *, limit: int, offset: int = 0, after: int = -1
) -> Sql:
    """Return the statement that reads one page of a release's table, in the table's own order.

    Parameters
    ----------
    table : Table
        The table.
    told : sequence of str
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
    text = f"SELECT rowid, {', '.join(told)} FROM {quote(table.name)} WHERE {condition} LIMIT ? OFFSET ?"
    return text, [*params, limit, offset]


def count(table: Table, filter_: Filter | None, *, counted: str = "count(*)") -> Sql:
    """Return the statement that counts rows, as `counted` counts."""
    condition, params = where(filter_, table)
    return f"SELECT {counted} FROM {quote(table.name)} WHERE {condition}", params


def facet(
    table: Table,
    column: str,
    filter_: Filter | None,
    *,
    limit: int,
    offset: int = 0,
    minimum: int = 1,
    signed: bool = False,
) -> Sql:
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
    """Return the statement for the first and the last day of a release's table; None where it tells no days."""
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
