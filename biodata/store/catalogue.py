"""The lake's catalogue: how it is attached, who of this process has it open, and what an older one lacks."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import Final

import duckdb

from biodata.core.errors import StoreError
from biodata.store.cluster import Cluster
from biodata.store.duck import literal, quote, sql_type
from biodata.store.storage import Storage
from biodata.store.tables import LAKE

FILES: Final = """
    SELECT CASE WHEN f.path_is_relative THEN s.path || t.path || f.path ELSE f.path END AS path, f.bytes, f.rows
    FROM (
        SELECT table_id, path, path_is_relative, file_size_bytes AS bytes, record_count AS rows
        FROM {metadata}ducklake_data_file
        UNION ALL
        SELECT table_id, path, path_is_relative, file_size_bytes, delete_count FROM {metadata}ducklake_delete_file
    ) f
    JOIN (SELECT DISTINCT table_id, schema_id, path FROM {metadata}ducklake_table) t ON t.table_id = f.table_id
    JOIN (SELECT DISTINCT schema_id, path FROM {metadata}ducklake_schema) s ON s.schema_id = t.schema_id
    UNION ALL
    SELECT path, NULL, NULL FROM {metadata}ducklake_files_scheduled_for_deletion
"""
"""The files of any version, with sizes and rows; of the catalogue's own tables, so that SQLite answers it too."""


class Handles:
    """The connections of this process that have a catalogue open.

    DuckDB's SQLite and Python's are two libraries: a file that one of them closes loses the locks of the other
    (POSIX locks belong to the process). So Python looks at a catalogue only while this process has none open.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[int] = set()

    def opening(self, connection: duckdb.DuckDBPyConnection) -> None:
        """Count a connection in, before it attaches."""
        with self._lock:
            self._open.add(id(connection))

    @contextmanager
    def closing(self, connection: duckdb.DuckDBPyConnection) -> Iterator[bool]:
        """Close a connection; inside the block, True where it was the last, no other opens."""
        with self._lock:
            was_open = id(connection) in self._open
            connection.close()
            self._open.discard(id(connection))
            yield was_open and not self._open


handles: Final = Handles()
"""Of this process."""


EXTENSIONS: Final = ("ducklake", "sqlite_scanner")
"""What a lake in an installation's folder is read with."""
SHARED_EXTENSIONS: Final = ("ducklake", "postgres_scanner", "httpfs")
"""What a lake is read with that several machines share."""


def attach(connection: duckdb.DuckDBPyConnection, data: Path, *, files: str, shared: Cluster | None) -> None:
    """Attach the catalogue; its own path to the data is never believed, since the folder may have moved."""
    if shared is None:
        catalogue, more = f"sqlite:{data / 'lake.sqlite'}", ", META_JOURNAL_MODE 'WAL', META_BUSY_TIMEOUT 10000"
    else:
        _give_keys(connection, shared.storage)
        catalogue, more = f"postgres:{shared.libpq}", ""
    connection.execute(
        f"ATTACH {literal(f'ducklake:{catalogue}')} AS lake (DATA_PATH {literal(files)}, OVERRIDE_DATA_PATH true, "
        f"DATA_INLINING_ROW_LIMIT 0{more})"
    )


def _give_keys(connection: duckdb.DuckDBPyConnection, storage: Storage) -> None:
    """Let a connection, and no other of its process, read and write a storage."""
    key, secret = storage.keys
    told = f"KEY_ID {literal(key)}, SECRET {literal(secret)}, REGION {literal(storage.region)}"
    if storage.endpoint is not None:
        scheme, _, host = storage.endpoint.partition("://")
        told += f", ENDPOINT {literal(host)}, URL_STYLE 'path', USE_SSL {str(scheme == 'https').lower()}"
    connection.execute(f"CREATE OR REPLACE SECRET storage (TYPE s3, SCOPE {literal(storage.root)}, {told})")


_TYPES: Final = MappingProxyType(
    {
        "int64": "BIGINT", "int32": "INTEGER", "float64": "DOUBLE", "varchar": "VARCHAR", "boolean": "BOOLEAN",
        "date": "DATE", "timestamp": "TIMESTAMP", "blob": "BLOB",
    }
)  # fmt: skip
"""DuckLake's names of the types that columns have (`duck.sql_type`)."""

_COLUMNS: Final = """
    SELECT t.table_name, t.table_id, c.column_id, c.parent_column, c.column_name, c.column_type
    FROM __ducklake_metadata_lake.ducklake_table t JOIN __ducklake_metadata_lake.ducklake_column c USING (table_id)
    WHERE t.end_snapshot IS NULL AND c.end_snapshot IS NULL ORDER BY c.column_order
"""
"""Asked of the catalogue's own tables: DuckDB's list of columns takes ten times as long, half of what opening a lake takes."""


def _stored(cursor: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], str]:
    """Return the type of each column that the lake's tables have, by table and column."""
    rows = cursor.execute(_COLUMNS).fetchall()
    parts: dict[tuple[int, int], list[tuple[int, str, str]]] = {}
    for _, table_id, column_id, parent, name, dtype in rows:
        if parent is not None:
            parts.setdefault((table_id, parent), []).append((column_id, name, dtype))

    def column_type(table_id: int, column_id: int, dtype: str) -> str:
        inner = parts.get((table_id, column_id), [])
        if dtype == "list" and len(inner) == 1:
            return f"{column_type(table_id, inner[0][0], inner[0][2])}[]"
        if dtype == "struct":
            return f"STRUCT({', '.join(f'{quote(n)} {column_type(table_id, c, t)}' for c, n, t in inner)})"
        return _TYPES.get(dtype, dtype)

    return {
        (table, name): column_type(of, column, dtype)
        for table, of, column, parent, name, dtype in rows
        if parent is None
    }


def lacking(cursor: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the statements that bring the lake's tables up to `store.tables`; a column is never removed or retyped."""
    stored = _stored(cursor)
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
            elif found != dtype:
                message = f"the lake's column {name}.{column} is {found}, this biodata expects {dtype}"
                raise StoreError(message)
    return statements


def files(cursor: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the files that the lake needs, by their paths below its folder.

    Those whose rows were merged into others are among them until `compaction` removes them: whoever began to read
    before still may.
    """
    query = f"SELECT path FROM ({FILES})".format(metadata="__ducklake_metadata_lake.")  # noqa: S608 - all of it is ours
    return {path for (path,) in cursor.execute(query).fetchall()}
