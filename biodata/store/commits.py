"""What a commit changes in the lake, worked out and written by whole sets in DuckDB; no row passes through Python."""

# ruff: noqa: S608 - names in SQL come from store.tables and are quoted; every value is a parameter.

import secrets
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import duckdb
import polars as pl

from biodata.errors import Refusal, StoreError
from biodata.store.duck import literal, quote
from biodata.store.staging import STAGED_ROW, Staging
from biodata.store.tables import LAKE

NOT_COMPARED: Final = frozenset({"key", "source_file", "source_row"})
"""Where a row stood in its file is no part of what it says: a re-ordered file changes nothing."""

_COLUMNS_AT_ONCE: Final = 48
"""Columns compared in one join; bounds the memory that a row takes in it."""

RECORD_TABLES: Final = ("occurrences", "verbatim")


@dataclass(frozen=True)
class CommitReport:
    """What a commit did.

    Attributes
    ----------
    snapshot : int
        The lake's version after it; the one before where nothing had changed.
    new, changed, unchanged, gone : int
        Records (rows of other tables) by what happened to them; one that came back counts as new.
    refusals : list of Refusal
        Rows that were not taken in: a second row of the same identity.
    """

    snapshot: int
    new: int
    changed: int
    unchanged: int
    gone: int
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def changes(self) -> int:
        """How many records were new, changed or gone."""
        return self.new + self.changed + self.gone


def plan_occurrences(
    cursor: duckdb.DuckDBPyConnection,
    staging: Staging,
    *,
    complete_datasets: Collection[str],
    gone: Iterable[tuple[str, str]],
) -> CommitReport:
    """Work out, in temporary tables, what the staged records change; the caller holds the writer's lock.

    Leaves behind the tables ``keyed`` (staged_row, key, fresh, present), ``changed_occurrences`` and
    ``changed_verbatim`` (key), ``leaving`` (key), which `write_occurrences` reads.
    """
    refusals = _number_rows(cursor, staging)
    _give_keys(cursor)
    for table in RECORD_TABLES:
        staged = f"(SELECT k.key, p.* EXCLUDE (key) FROM {_parts(staging, table)} p JOIN keyed k USING ({STAGED_ROW}))"
        _find_changed(cursor, staged, f"lake.{table}", "key", LAKE[table].columns, into=f"changed_{table}")
    cursor.register("told_gone", _identity_frame(gone))
    cursor.execute(
        """
        CREATE TEMP TABLE leaving AS
        SELECT o.key FROM lake.occurrences o
        WHERE (list_contains(?, o."datasetKey")
               OR (o."datasetKey", o.source_record_id) IN (SELECT ("datasetKey", source_record_id) FROM told_gone))
          AND o.key NOT IN (SELECT key FROM keyed)
        """,
        [list(complete_datasets)],
    )
    new, present, changed, leaving = _one(
        cursor,
        """
        SELECT (SELECT count(*) FROM keyed WHERE NOT present), (SELECT count(*) FROM keyed WHERE present),
               (SELECT count(*) FROM (FROM changed_occurrences UNION FROM changed_verbatim)),
               (SELECT count(*) FROM leaving)
        """,
    )
    return CommitReport(-1, new, changed, present - changed, leaving, refusals)


def write_occurrences(cursor: duckdb.DuckDBPyConnection, staging: Staging) -> None:
    """Write what `plan_occurrences` found, inside the caller's transaction."""
    for table in RECORD_TABLES:
        columns = [quote(c) for c in LAKE[table].columns if c != "key"]
        stale = f"(FROM changed_{table} UNION ALL FROM leaving)"
        if _one(cursor, f"SELECT count(*) FROM {stale}")[0]:
            cursor.execute(f"DELETE FROM lake.{table} WHERE key IN {stale}")
        cursor.execute(
            f"""
            INSERT INTO lake.{table} (key, {", ".join(columns)})
            SELECT k.key, {", ".join(f"p.{c}" for c in columns)} FROM {_parts(staging, table)} p JOIN keyed k USING ({STAGED_ROW})
            WHERE NOT k.present OR k.key IN (FROM changed_{table})
            """
        )
    cursor.execute(
        """
        INSERT INTO lake.identities (key, "datasetKey", source_record_id)
        SELECT key, "datasetKey", source_record_id FROM keyed WHERE fresh
        """
    )


def plan_table(
    cursor: duckdb.DuckDBPyConnection, table: str, frame: pl.DataFrame, *, key: str, scope: Mapping[str, Any] | None
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
    condition, params = _in_scope(scope)
    cursor.execute(f"CREATE TEMP TABLE stored AS SELECT * FROM lake.{table} WHERE {condition}", params)
    _find_changed(cursor, "incoming", "stored", key, columns, into="changed_rows")
    name = quote(key)
    absent = f"{name} NOT IN (SELECT {name} FROM incoming)" if scope is not None else "false"
    cursor.execute(f"CREATE TEMP TABLE leaving AS SELECT {name} AS key FROM stored WHERE {absent}")
    new, rows, changed, leaving = _one(
        cursor,
        f"""
        SELECT (SELECT count(*) FROM incoming WHERE {name} NOT IN (SELECT {name} FROM stored)),
               (SELECT count(*) FROM incoming), (SELECT count(*) FROM changed_rows), (SELECT count(*) FROM leaving)
        """,
    )
    refusals = [_repeat(file or table, row, key, value) for file, row, value in repeats]
    return CommitReport(-1, new, changed, rows - new - changed, leaving, refusals)


def write_table(cursor: duckdb.DuckDBPyConnection, table: str, *, key: str, scope: Mapping[str, Any] | None) -> None:
    """Write what `plan_table` found, inside the caller's transaction."""
    names, name = ", ".join(quote(c) for c in LAKE[table].columns), quote(key)
    condition, params = _in_scope(scope)
    stale = "(FROM changed_rows UNION ALL FROM leaving)"
    if _one(cursor, f"SELECT count(*) FROM {stale}")[0]:
        cursor.execute(f"DELETE FROM lake.{table} WHERE {name} IN {stale} AND {condition}", params)
    cursor.execute(
        f"""
        INSERT INTO lake.{table} ({names}) SELECT {names} FROM incoming
        WHERE {name} IN (FROM changed_rows) OR {name} NOT IN (SELECT {name} FROM stored)
        """
    )


def _number_rows(cursor: duckdb.DuckDBPyConnection, staging: Staging) -> list[Refusal]:
    """Make the table ``numbered`` of first rows of each identity; refuse the others."""
    if staging.rows("occurrences") != staging.rows("verbatim"):
        message = f"{staging.rows('occurrences')} interpreted rows were staged beside {staging.rows('verbatim')} verbatim ones"
        raise StoreError(message)
    cursor.execute(
        f"""
        CREATE TEMP TABLE numbered AS
        SELECT {STAGED_ROW}, "datasetKey", source_record_id, source_file, source_row, row_number() OVER (
            PARTITION BY "datasetKey", source_record_id ORDER BY {STAGED_ROW}) AS turn
        FROM {_parts(staging, "occurrences")}
        """
    )
    nameless, apart = _one(
        cursor,
        f"""
        SELECT (SELECT count(*) FROM numbered WHERE "datasetKey" IS NULL OR source_record_id IS NULL),
               (SELECT count(*) FROM numbered n JOIN {_parts(staging, "verbatim")} v USING ({STAGED_ROW})
                WHERE (n."datasetKey", n.source_record_id) IS DISTINCT FROM (v."datasetKey", v.source_record_id))
        """,
    )
    if nameless or apart:
        message = f"{nameless} staged rows have no identity, {apart} stand beside another record's verbatim row"
        raise StoreError(message)
    repeats = cursor.execute(
        f"SELECT source_file, source_row, source_record_id FROM numbered WHERE turn > 1 ORDER BY {STAGED_ROW}"
    ).fetchall()
    return [_repeat(file or "", row, "source_record_id", value) for file, row, value in repeats]


def _give_keys(cursor: duckdb.DuckDBPyConnection) -> None:
    """Make the table ``keyed``: known records keep their key, new ones get the next ones in an order nobody can guess."""
    last = _one(cursor, "SELECT coalesce(max(key), 0) FROM lake.identities")[0]
    seed = secrets.token_hex(16)
    cursor.execute(
        f"""
        CREATE TEMP TABLE keyed AS
        WITH known AS (
            SELECT n.{STAGED_ROW}, n."datasetKey", n.source_record_id, i.key
            FROM numbered n LEFT JOIN lake.identities i USING ("datasetKey", source_record_id) WHERE n.turn = 1
        ), given AS (
            SELECT {STAGED_ROW}, "datasetKey", source_record_id, key, false AS fresh FROM known WHERE key IS NOT NULL
            UNION ALL
            SELECT {STAGED_ROW}, "datasetKey", source_record_id,
                   ? + row_number() OVER (ORDER BY sha256(? || {STAGED_ROW}::VARCHAR)), true
            FROM known WHERE key IS NULL
        )
        SELECT g.*, o.key IS NOT NULL AS present FROM given g LEFT JOIN lake.occurrences o ON o.key = g.key
        """,
        [last, seed],
    )


def _find_changed(
    cursor: duckdb.DuckDBPyConnection, staged: str, stored: str, key: str, columns: Iterable[str], *, into: str
) -> None:
    """Make a table of the keys whose staged and stored rows differ in any column that is compared."""
    name = quote(key)
    cursor.execute(f"CREATE TEMP TABLE {into} AS SELECT {name} AS key FROM {stored} LIMIT 0")
    compared = [c for c in columns if c not in NOT_COMPARED and c != key]
    counted = _one(cursor, f"SELECT {', '.join(f'count({quote(c)})' for c in compared)} FROM {staged}")
    told = [c for c, count in zip(compared, counted, strict=True) if count]
    silent = [c for c, count in zip(compared, counted, strict=True) if not count]
    # Most of 260 columns are empty in most files. Such a column differs where the stored one is not empty, which
    # needs no join that carries it: 1.5 s instead of 17 s for a million records.
    if silent:
        differs = " OR ".join(f"{quote(c)} IS NOT NULL" for c in silent)
        cursor.execute(
            f"INSERT INTO {into} SELECT {name} FROM {stored} WHERE ({differs}) AND {name} IN (SELECT {name} FROM {staged})"
        )
    for first in range(0, len(told), _COLUMNS_AT_ONCE):
        differs = " OR ".join(
            f"a.{quote(c)} IS DISTINCT FROM b.{quote(c)}" for c in told[first : first + _COLUMNS_AT_ONCE]
        )
        cursor.execute(
            f"""
            INSERT INTO {into} SELECT a.{name} FROM {staged} a JOIN {stored} b USING ({name})
            WHERE ({differs}) AND a.{name} NOT IN (FROM {into})
            """
        )


def _in_scope(scope: Mapping[str, Any] | None) -> tuple[str, list[Any]]:
    """Return the condition that a row is inside the scope."""
    if not scope:
        return "true", []
    return " AND ".join(f"{quote(c)} = ?" for c in scope), list(scope.values())


def _parts(staging: Staging, table: str) -> str:
    """Return the staged parts as a table expression."""
    files = staging.files(table)
    if not files:
        columns = ", ".join(f"NULL AS {quote(c)}" for c in LAKE[table].columns)
        return f"(SELECT NULL::BIGINT AS {STAGED_ROW}, {columns} LIMIT 0)"
    return f"read_parquet([{', '.join(literal(file) for file in files)}])"


def _identity_frame(identities: Iterable[tuple[str, str]]) -> pl.DataFrame:
    return pl.DataFrame(list(identities), schema={"datasetKey": pl.String, "source_record_id": pl.String}, orient="row")


def _repeat(file: str, row: int | None, column: str, value: str) -> Refusal:
    return Refusal(file, row, column, value, "IDENTIFIER_DUPLICATE", "an earlier row has the same identifier")


def _one(cursor: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    """Return the only row of an answer."""
    row = cursor.execute(query).fetchone()
    if row is None:  # an aggregate always answers with a row
        message = "the lake gave no answer"
        raise StoreError(message)
    return row
