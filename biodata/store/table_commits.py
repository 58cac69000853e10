"""What a commit changes in a table that holds no records: events, protected areas, taxa, results, layers."""

# ruff: noqa: S608 - names in SQL come from store.tables and are quoted; every value is a parameter.

from collections.abc import Collection, Iterable, Mapping

import duckdb
import polars as pl

from biodata.errors import StoreError
from biodata.store.changes import CommitReport, find_changed, one, repeat
from biodata.store.duck import literal, quote
from biodata.store.staging import RowFiles, staged_rows
from biodata.store.tables import LAKE

Scope = Mapping[str, str | Collection[str]]
"""Values of columns that bound which rows what was put aside tells the whole state of."""


def plan_table(
    cursor: duckdb.DuckDBPyConnection,
    rows: RowFiles,
    *,
    key: str,
    scope: Scope | None,
    whole: Scope | None = None,
    gone: Iterable[str] = (),
) -> CommitReport:
    """Work out what rows change in their table; leaves ``incoming``, ``changed_rows`` and ``leaving_rows`` behind.

    Rows of the scope that are not among them leave; where `whole` is given, only those of them that it bounds. Rows whose
    key is in `gone` leave, too. Of rows with the same key the first counts.
    """
    table = rows.table
    columns = LAKE[table].columns
    places = ("source_file", "source_row")
    told = rows.read([*places, key])
    if told.get_column(key).null_count():
        message = f"{table}: a row has no {key}"
        raise StoreError(message)
    again = told.filter(~told.get_column(key).is_first_distinct())
    shown = [pl.col(c) if c in told.columns else pl.lit(None).alias(c) for c in places]
    repeats = again.select(*shown, pl.col(key).cast(pl.String)).rows()
    # Read where they stand, part by part: a table of them takes their memory at once.
    others = staged_rows(table, rows.parts, rows.told)
    if repeats:
        first = f"row_number() OVER (PARTITION BY {quote(key)} ORDER BY part, row) = 1"
        others = (
            f"(SELECT * FROM {others} SEMI JOIN (SELECT part, row FROM {others} QUALIFY {first}) USING (part, row))"
        )
    cursor.execute(f"CREATE TEMP VIEW incoming AS SELECT * FROM {others}")
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
    new, came, changed, leaving = one(
        cursor,
        f"""
        SELECT (SELECT count(*) FROM incoming WHERE {name} NOT IN (SELECT {name} FROM stored)),
               (SELECT count(*) FROM incoming), (SELECT count(*) FROM changed_rows), (SELECT count(*) FROM leaving_rows)
        """,
    )
    refusals = [repeat(file or table, row, key, value) for file, row, value in repeats]
    return CommitReport(-1, new, changed, came - new - changed, leaving, refusals)


def write_table(cursor: duckdb.DuckDBPyConnection, rows: RowFiles, *, key: str, scope: Scope | None) -> None:
    """Write what `plan_table` found, inside the caller's transaction."""
    table = rows.table
    names, name = ", ".join(quote(c) for c in LAKE[table].columns), quote(key)
    stale = "(FROM changed_rows UNION ALL FROM leaving_rows)"
    if one(cursor, f"SELECT count(*) FROM {stale}")[0]:
        cursor.execute(f"DELETE FROM lake.{table} WHERE {name} IN {stale} AND {_in_scope(scope)}")
    # Part by part: what is written of all of them at once waits in memory for the ends of the columns.
    for part in range(len(rows.parts)):
        cursor.execute(
            f"""
            INSERT INTO lake.{table} ({names}) SELECT {names} FROM incoming
            WHERE part = {part} AND ({name} IN (FROM changed_rows) OR {name} NOT IN (SELECT {name} FROM stored))
            """
        )


def _in_scope(scope: Scope | None) -> str:
    """Return the condition that a row is inside the scope."""
    return " AND ".join(f"{quote(c)} IN ({_listed(values)})" for c, values in (scope or {}).items()) or "true"


def _listed(values: str | Collection[str]) -> str:
    told = [values] if isinstance(values, str) else sorted(values)
    return ", ".join(literal(value) for value in told) or "NULL"
