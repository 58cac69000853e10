"""What a commit changes among records, worked out and written by whole sets in DuckDB; no row passes through Python."""

# ruff: noqa: S608 - names in SQL come from store.tables and are quoted; every value is a parameter.

import secrets
from collections.abc import Collection, Iterable
from typing import Final

import duckdb
import polars as pl

from biodata.errors import Refusal, StoreError
from biodata.store.changes import CommitReport, find_changed, one, repeat
from biodata.store.duck import literal, quote
from biodata.store.staging import STAGED_ROW, Staging
from biodata.store.tables import LAKE

RECORD_TABLES: Final = ("occurrences", "verbatim")


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
        find_changed(cursor, staged, f"lake.{table}", "key", LAKE[table].columns, into=f"changed_{table}")
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
    new, present, changed, leaving = one(
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
        if one(cursor, f"SELECT count(*) FROM {stale}")[0]:
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
    nameless, apart = one(
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
    return [repeat(file or "", row, "source_record_id", value) for file, row, value in repeats]


def _give_keys(cursor: duckdb.DuckDBPyConnection) -> None:
    """Make the table ``keyed``: known records keep their key, new ones get the next ones in an order nobody can guess."""
    last = one(cursor, "SELECT coalesce(max(key), 0) FROM lake.identities")[0]
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


def _parts(staging: Staging, table: str) -> str:
    """Return the staged parts as a table expression."""
    files = staging.files(table)
    if not files:
        columns = ", ".join(f"NULL AS {quote(c)}" for c in LAKE[table].columns)
        return f"(SELECT NULL::BIGINT AS {STAGED_ROW}, {columns} LIMIT 0)"
    return f"read_parquet([{', '.join(literal(file) for file in files)}])"


def _identity_frame(identities: Iterable[tuple[str, str]]) -> pl.DataFrame:
    return pl.DataFrame(list(identities), schema={"datasetKey": pl.String, "source_record_id": pl.String}, orient="row")
