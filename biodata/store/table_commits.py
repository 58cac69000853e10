"""What a commit changes in a table that holds no records: events, protected areas, taxa, results, layers."""

# ruff: noqa: S608 - names in SQL come from store.tables and are quoted; every value is a parameter.

from collections.abc import Collection, Iterable, Mapping

import duckdb
import polars as pl

from biodata.errors import StoreError
from biodata.store.changes import CommitReport, find_changed, one, repeat
from biodata.store.duck import literal, quote
from biodata.store.tables import LAKE

Scope = Mapping[str, str | Collection[str]]
"""Values of columns that bound which rows a frame tells the whole state of."""


def plan_table(
    cursor: duckdb.DuckDBPyConnection,
    table: str,
    frame: pl.DataFrame,
    *,
    key: str,
    scope: Scope | None,
    whole: Scope | None = None,
    gone: Iterable[str] = (),
) -> CommitReport:
    """Work out what a frame changes in one table; leaves ``incoming``, ``changed_rows`` and ``leaving_rows`` behind.

    Rows of the scope that are not in the frame leave; where `whole` is given, only those of them that it bounds. Rows
    whose key is in `gone` leave, too.
    """
    columns = LAKE[table].columns
    if frame.get_column(key).null_count():
        message = f"{table}: a row has no {key}"
        raise StoreError(message)
    first = frame.get_column(key).is_first_distinct()
    places = [pl.col(c) if c in columns else pl.lit(None).alias(c) for c in ("source_file", "source_row")]
    repeats = frame.filter(~first).select(*places, pl.col(key).cast(pl.String)).rows()
    # Read where it stands: a table of it takes its memory once more.
    cursor.register("incoming", frame.filter(first))
    cursor.execute(f"CREATE TEMP TABLE stored AS SELECT * FROM lake.{table} WHERE {_in_scope(scope)}")
    find_changed(cursor, "incoming", "stored", key, columns, into="changed_rows")
    name = quote(key)
    absent = _in_scope(scope if whole is None else whole) if (scope, whole) != (None, None) else "false"
    cursor.register("gone_rows", pl.DataFrame({"key": list(gone)}, schema={"key": pl.String}))
    cursor.execute(
        f"""
        CREATE TEMP TABLE leaving_rows AS SELECT {name} AS key FROM stored
        WHERE ({absent} OR {name}::VARCHAR IN (FROM gone_rows)) AND {name} NOT IN (SELECT {name} FROM incoming)
        """
    )
    new, rows, changed, leaving = one(
        cursor,
        f"""
        SELECT (SELECT count(*) FROM incoming WHERE {name} NOT IN (SELECT {name} FROM stored)),
               (SELECT count(*) FROM incoming), (SELECT count(*) FROM changed_rows), (SELECT count(*) FROM leaving_rows)
        """,
    )
    refusals = [repeat(file or table, row, key, value) for file, row, value in repeats]
    return CommitReport(-1, new, changed, rows - new - changed, leaving, refusals)


def write_table(cursor: duckdb.DuckDBPyConnection, table: str, *, key: str, scope: Scope | None) -> None:
    """Write what `plan_table` found, inside the caller's transaction."""
    names, name = ", ".join(quote(c) for c in LAKE[table].columns), quote(key)
    stale = "(FROM changed_rows UNION ALL FROM leaving_rows)"
    if one(cursor, f"SELECT count(*) FROM {stale}")[0]:
        cursor.execute(f"DELETE FROM lake.{table} WHERE {name} IN {stale} AND {_in_scope(scope)}")
    cursor.execute(
        f"""
        INSERT INTO lake.{table} ({names}) SELECT {names} FROM incoming
        WHERE {name} IN (FROM changed_rows) OR {name} NOT IN (SELECT {name} FROM stored)
        """
    )


def _in_scope(scope: Scope | None) -> str:
    """Return the condition that a row is inside the scope."""
    return " AND ".join(f"{quote(c)} IN ({_listed(values)})" for c, values in (scope or {}).items()) or "true"


def _listed(values: str | Collection[str]) -> str:
    told = [values] if isinstance(values, str) else sorted(values)
    return ", ".join(literal(value) for value in told) or "NULL"
