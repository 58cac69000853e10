"""What a commit changes in a table that holds no records: protected areas, taxa, results, layers."""

# ruff: noqa: S608 - names in SQL come from store.tables and are quoted; every value is a parameter.

from collections.abc import Mapping
from typing import Final

import duckdb
import polars as pl

from biodata.errors import StoreError
from biodata.store.changes import CommitReport, find_changed, one, repeat
from biodata.store.duck import literal, quote
from biodata.store.tables import LAKE

STAGED_ROW: Final = "staged_row"
"""Position of a row in the frame."""


def plan_table(
    cursor: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame, *, key: str, scope: Mapping[str, str] | None
) -> CommitReport:
    """Work out what a frame changes in one table; leaves ``incoming``, ``changed_rows`` and ``leaving`` behind."""
    columns = LAKE[table].columns
    cursor.register("told", frame)
    if frame.get_column(key).null_count():
        message = f"{table}: a row has no {key}"
        raise StoreError(message)
    cursor.execute(f"CREATE TEMP TABLE incoming AS SELECT DISTINCT ON ({quote(key)}) * FROM told ORDER BY {STAGED_ROW}")
    places = [quote(c) if c in columns else "NULL" for c in ("source_file", "source_row")]
    repeats = cursor.execute(
        f"""
        SELECT {places[0]}, {places[1]}, {quote(key)}::VARCHAR FROM told
        WHERE {STAGED_ROW} NOT IN (SELECT {STAGED_ROW} FROM incoming) ORDER BY {STAGED_ROW}
        """
    ).fetchall()
    cursor.execute(f"CREATE TEMP TABLE stored AS SELECT * FROM lake.{table} WHERE {_in_scope(scope)}")
    find_changed(cursor, "incoming", "stored", key, columns, into="changed_rows")
    name = quote(key)
    absent = f"{name} NOT IN (SELECT {name} FROM incoming)" if scope is not None else "false"
    cursor.execute(f"CREATE TEMP TABLE leaving AS SELECT {name} AS key FROM stored WHERE {absent}")
    new, rows, changed, leaving = one(
        cursor,
        f"""
        SELECT (SELECT count(*) FROM incoming WHERE {name} NOT IN (SELECT {name} FROM stored)),
               (SELECT count(*) FROM incoming), (SELECT count(*) FROM changed_rows), (SELECT count(*) FROM leaving)
        """,
    )
    refusals = [repeat(file or table, row, key, value) for file, row, value in repeats]
    return CommitReport(-1, new, changed, rows - new - changed, leaving, refusals)


def write_table(cursor: duckdb.DuckDBPyConnection, table: str, *, key: str, scope: Mapping[str, str] | None) -> None:
    """Write what `plan_table` found, inside the caller's transaction."""
    names, name = ", ".join(quote(c) for c in LAKE[table].columns), quote(key)
    stale = "(FROM changed_rows UNION ALL FROM leaving)"
    if one(cursor, f"SELECT count(*) FROM {stale}")[0]:
        cursor.execute(f"DELETE FROM lake.{table} WHERE {name} IN {stale} AND {_in_scope(scope)}")
    cursor.execute(
        f"""
        INSERT INTO lake.{table} ({names}) SELECT {names} FROM incoming
        WHERE {name} IN (FROM changed_rows) OR {name} NOT IN (SELECT {name} FROM stored)
        """
    )


def _in_scope(scope: Mapping[str, str] | None) -> str:
    """Return the condition that a row is inside the scope."""
    return " AND ".join(f"{quote(c)} = {literal(value)}" for c, value in (scope or {}).items()) or "true"
