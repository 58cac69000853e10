"""The lake's catalogue: how it is attached, who of this process has it open, and what an older one lacks."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import duckdb

from biodata.store.cluster import Cluster, Storage
from biodata.store.duck import literal, quote, sql_type
from biodata.store.locks import sync_folder
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
    text = f"KEY_ID {literal(key)}, SECRET {literal(secret)}, REGION {literal(storage.region)}"
    if storage.endpoint is not None:
        scheme, _, host = storage.endpoint.partition("://")
        text += f", ENDPOINT {literal(host)}, URL_STYLE 'path', USE_SSL {str(scheme == 'https').lower()}"
    connection.execute(f"CREATE OR REPLACE SECRET storage (TYPE s3, SCOPE {literal(storage.root)}, {text})")


_COLUMNS: Final = """
    SELECT t.table_name, c.column_name
    FROM __ducklake_metadata_lake.ducklake_table t JOIN __ducklake_metadata_lake.ducklake_column c USING (table_id)
    WHERE t.end_snapshot IS NULL AND c.end_snapshot IS NULL AND c.parent_column IS NULL
"""
"""Asked of the catalogue's own tables: DuckDB's list of columns takes ten times as long, half of what opening a lake takes."""


def lacking(cursor: duckdb.DuckDBPyConnection) -> list[str]:
    """Return the statements that bring the lake's tables up to `store.tables`; a column is never removed or retyped."""
    stored = set(cursor.execute(_COLUMNS).fetchall())
    tables = {table for table, _ in stored}
    statements = []
    for name, table in LAKE.items():
        wanted = [(c.name, f"{quote(c.name)} {sql_type(c.dtype)}") for c in table.columns.values()]
        if name not in tables:
            statements.append(f"CREATE TABLE lake.{name} ({', '.join(text for _, text in wanted)})")
            continue
        lacks = [text for column, text in wanted if (name, column) not in stored]
        statements += [f"ALTER TABLE lake.{name} ADD COLUMN {text}" for text in lacks]
    return statements


def files(cursor: duckdb.DuckDBPyConnection) -> set[str]:
    """Return the files that the lake needs, by their paths below its folder.

    Those whose rows were merged into others are among them until `compaction` removes them: whoever began to read
    before still may.
    """
    query = f"SELECT path FROM ({FILES})".format(metadata="__ducklake_metadata_lake.")  # noqa: S608 - all of it is ours
    return {path for (path,) in cursor.execute(query).fetchall()}


_BELOW: Final = "lake/"


class LakeFiles:
    """Names below the folder of a lake's files, wherever that is.

    Parameters
    ----------
    data : Path
        The installation's folder.
    shared : Cluster, optional
        Where the files lie that several machines share.

    Attributes
    ----------
    root : str
        The folder as DuckLake has it, with a stroke at its end.
    """

    def __init__(self, data: Path, shared: Cluster | None) -> None:
        self._folder = data / "lake"
        self._shared = shared
        self.root = f"{self._folder}/" if shared is None else f"{shared.storage.root}{_BELOW}"

    def take(self, path: Path, name: str) -> str:
        """Let a finished file of this machine become one of the lake's; return its address."""
        if self._shared is not None:
            self._shared.storage.put(path, f"{_BELOW}{name}")
            path.unlink()
        else:
            target = self._folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            path.rename(target)
        return self.root + name

    def settle(self, folder: str) -> None:
        """Make what was taken into a folder durable; storage is so by itself."""
        if self._shared is None:
            (self._folder / folder).mkdir(parents=True, exist_ok=True)
            sync_folder(self._folder / folder)

    def sizes(self, folder: str = "") -> dict[str, int]:
        """Return the size of each Parquet file below a folder, by name.

        Raises
        ------
        StoreError
            If the storage does not answer.
        """
        if self._shared is not None:
            found = self._shared.storage.sizes(f"{_BELOW}{folder}")
            return {name.removeprefix(_BELOW): size for name, size in found.items() if name.endswith(".parquet")}
        paths = (self._folder / folder).rglob("*.parquet")
        return {path.relative_to(self._folder).as_posix(): path.stat().st_size for path in paths}

    def fetched(self, name: str, work: Path) -> Path | None:
        """Return a file of this machine with the content of one of the lake's, in `work` where it lies on storage; None where it is gone."""
        if self._shared is None:
            path = self._folder / name
            return path if path.is_file() else None
        if f"{_BELOW}{name}" not in self._shared.storage.sizes(f"{_BELOW}{Path(name).parent}"):
            return None
        path = work / Path(name).name
        self._shared.storage.fetch(f"{_BELOW}{name}", path)
        return path

    def replace(self, name: str, path: Path) -> None:
        """Put a file of this machine in place of one of the lake's, durably."""
        if self._shared is not None:
            self._shared.storage.put(path, f"{_BELOW}{name}")
            path.unlink()
        else:
            path.replace(self._folder / name)
            sync_folder((self._folder / name).parent)

    def remove(self, name: str) -> None:
        """Remove a file; nothing where it is gone."""
        if self._shared is not None:
            self._shared.storage.remove(f"{_BELOW}{name}")
        else:
            (self._folder / name).unlink(missing_ok=True)
