"""Rows that become again what they were at older versions of the lake, in one commit: nothing of them is made anew."""

# ruff: noqa: S608 - names in SQL come from store.tables and are quoted; versions are numbers of ours.

from dataclasses import dataclass
from typing import Final

import duckdb
import polars as pl

from biodata.store.changes import find_changed, one
from biodata.store.duck import quote
from biodata.store.lake_reading import ROW_KEYS
from biodata.store.tables import LAKE

BECAME: Final = "became"
"""Under which name a version keeps what became of how many rows."""
_RECORDS: Final = ("occurrences", "verbatim", "identities")
_TABLES: Final = (*_RECORDS, "events")


@dataclass(frozen=True, slots=True)
class PutBack:
    """What became of rows.

    Attributes
    ----------
    changed, back, gone : int
        Rows that are again what they were, that are there again, and that are not there any more.
    """

    changed: int
    back: int
    gone: int


def plan_put_back(
    cursor: duckdb.DuckDBPyConnection, records: pl.DataFrame, events: pl.DataFrame
) -> tuple[PutBack, PutBack]:
    """Work out, in temporary tables, which rows differ from what they are to be; see `Lake.put_back`.

    Leaves behind, for each table, ``then_`` (the rows as they were) and ``stale_`` and ``fresh_`` (`key` of the present
    rows that go, and of the rows that are not there and come).
    """
    for table in _TABLES:
        _then(cursor, table, events if table == "events" else records)
    # What another record is called by now, whoever stands says so: one identifier is one record.
    cursor.execute(
        """
        CREATE TEMP TABLE taken AS SELECT t.key FROM then_identities t
        JOIN lake.identities i ON i."datasetKey" = t."datasetKey" AND i.source_record_id = t.source_record_id
        WHERE i.key <> t.key AND i.key IN (SELECT key FROM lake.occurrences)
              AND i.key NOT IN (SELECT id FROM wanted_occurrences WHERE snapshot IS NULL)
        """
    )
    for table in _RECORDS:
        cursor.execute(f"DELETE FROM then_{table} WHERE key IN (FROM taken)")
    for table in _TABLES:
        _differ(cursor, table)
    return _counts(cursor, ("occurrences", "verbatim"), "occurrences"), _counts(cursor, ("events",), "events")


def _then(cursor: duckdb.DuckDBPyConnection, table: str, wanted: pl.DataFrame) -> None:
    """Make the table of rows as they were at the versions that are wanted."""
    key = quote(ROW_KEYS[table])
    cursor.register(f"wanted_{table}", wanted)
    cursor.execute(f"CREATE TEMP TABLE then_{table} AS SELECT * FROM lake.{table} LIMIT 0")
    for version in wanted["snapshot"].drop_nulls().unique().sort():
        # By name: an older version may lack columns. A row that was emptied has nothing to come back with.
        there = key if table == "events" else "source_record_id"
        cursor.execute(
            f"""
            INSERT INTO then_{table} BY NAME SELECT * FROM lake.{table} AT (VERSION => {int(version)})
            WHERE {key} IN (SELECT id FROM wanted_{table} WHERE snapshot = {int(version)}) AND {there} IS NOT NULL
            """
        )


def _differ(cursor: duckdb.DuckDBPyConnection, table: str) -> None:
    """Make the tables of the present rows that go, and of those that are not there and come."""
    key, stale = quote(ROW_KEYS[table]), f"stale_{table}"
    find_changed(cursor, f"then_{table}", f"lake.{table}", ROW_KEYS[table], LAKE[table].columns, into=stale)
    # Whatever a record is called is kept when it goes, so that its number is never given again.
    if table != "identities":
        cursor.execute(
            f"""
            INSERT INTO {stale} SELECT {key} FROM lake.{table}
            WHERE {key} IN (SELECT id FROM wanted_{table}) AND {key} NOT IN (SELECT {key} FROM then_{table})
            """
        )
    cursor.execute(
        f"""
        CREATE TEMP TABLE fresh_{table} AS SELECT {key} AS key FROM then_{table}
        WHERE {key} NOT IN (SELECT {key} FROM lake.{table} WHERE {key} IS NOT NULL)
        """
    )


def write_put_back(cursor: duckdb.DuckDBPyConnection) -> None:
    """Write what `plan_put_back` found, inside the caller's transaction."""
    for table in _TABLES:
        key, names = quote(ROW_KEYS[table]), ", ".join(quote(c) for c in LAKE[table].columns)
        if one(cursor, f"SELECT count(*) FROM stale_{table}")[0]:
            cursor.execute(f"DELETE FROM lake.{table} WHERE {key} IN (FROM stale_{table})")
        written = f"(FROM stale_{table} UNION ALL FROM fresh_{table})"
        if one(cursor, f"SELECT count(*) FROM then_{table} WHERE {key} IN {written}")[0]:
            cursor.execute(
                f"INSERT INTO lake.{table} ({names}) SELECT {names} FROM then_{table} WHERE {key} IN {written}"
            )


def _counts(cursor: duckdb.DuckDBPyConnection, tables: tuple[str, ...], table: str) -> PutBack:
    """Count the rows of a table, or the records that have a row in two."""
    key, stale = quote(ROW_KEYS[table]), " UNION ".join(f"FROM stale_{name}" for name in tables)
    return PutBack(
        *one(
            cursor,
            f"""
            SELECT count(*) FILTER (key IN (SELECT {key} FROM then_{table})), (SELECT count(*) FROM fresh_{table}),
                   count(*) FILTER (key NOT IN (SELECT {key} FROM then_{table})) FROM ({stale})
            """,
        )
    )
