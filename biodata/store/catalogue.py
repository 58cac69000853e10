"""The lake's catalogue: how it is attached, and what an older one lacks."""

from pathlib import Path

import duckdb

from biodata.errors import StoreError
from biodata.store.duck import literal, quote, sql_type
from biodata.store.tables import LAKE


def attach(connection: duckdb.DuckDBPyConnection, data: Path) -> None:
    """Attach the catalogue; its own path to the data is never believed, since the folder may have moved."""
    catalogue, files = literal(f"ducklake:sqlite:{data / 'lake.sqlite'}"), literal(f"{data / 'lake'}/")
    connection.execute(
        f"ATTACH {catalogue} AS lake (DATA_PATH {files}, OVERRIDE_DATA_PATH true, DATA_INLINING_ROW_LIMIT 0, "
        "META_JOURNAL_MODE 'WAL', META_BUSY_TIMEOUT 10000)"
    )


def lacking(cursor: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the statements that bring the lake's tables up to `store.tables`; a column is never removed or retyped."""
    query = "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE database_name = 'lake'"
    stored = {(table, column): dtype for table, column, dtype in cursor.execute(query).fetchall()}
    statements = []
    for name, table in LAKE.items():
        wanted = {c.name: sql_type(c.dtype) for c in table.columns.values()}
        if not any(stored_table == name for stored_table, _ in stored):
            listed = ", ".join(f"{quote(c)} {dtype}" for c, dtype in wanted.items())
            statements.append(f"CREATE TABLE lake.{name} ({listed})")
            continue
        for column, dtype in wanted.items():
            found = stored.get((name, column))
            if found is None:
                statements.append(f"ALTER TABLE lake.{name} ADD COLUMN {quote(column)} {dtype}")
            elif found.replace('"', "") != dtype.replace('"', ""):
                message = f"the lake's column {name}.{column} is {found}, this biodata expects {dtype}"
                raise StoreError(message)
    return statements
