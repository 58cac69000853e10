"""Withdrawn records and events in the lake: in every version their rows stay in their places, and nothing stands in them.

Only the record's key and the dataset stay, which are counts. Row numbers of files stay as they are, so that every older
version still answers, and a citation of it can say how many of its records were withdrawn. What was withdrawn is known
again when it comes a second time, and is not taken in.
"""

# ruff: noqa: S608 - names in SQL are those of the catalogue's own tables; every value is a parameter.

import hmac
import os
import sqlite3
import struct
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from sqlalchemy import select

from biodata.store import checksums, failing_as
from biodata.store.account_models import Tombstone, Withdrawal
from biodata.store.catalogue import FILES, LakeFiles
from biodata.store.cluster import Cluster, cluster_of, connected, lake_exists
from biodata.store.locks import builders_lock, sync_file, writers_lock
from biodata.store.registry import Registry
from biodata.store.staging import WorkFolder

CODE = "RECORD_WITHDRAWN"
_UNFINISHED: Final = "withdrawn records are still in the lake's files, withdraw them again"


@dataclass(frozen=True)
class Tombstones:
    """What was withdrawn.

    Attributes
    ----------
    secret : bytes
        The installation's secret.
    datasets : frozenset of str
        Datasets that were withdrawn as a whole.
    records : mapping of str to set of str
        By dataset, `identity_of` the withdrawn records, and `event_identity` of the events that went with them.
    """

    secret: bytes
    datasets: frozenset[str] = frozenset()
    records: Mapping[str, set[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, registry: Registry, secret: bytes) -> "Tombstones":
        """Read them from the registry."""
        found: dict[str, set[str]] = defaultdict(set)
        with registry.session(read_only=True) as session:
            for dataset, identity in session.execute(select(Tombstone.dataset, Tombstone.identity)):
                found[dataset].add(identity)
            whole = session.scalars(select(Withdrawal.subject).where(Withdrawal.kind == "dataset")).all()
        return cls(secret, frozenset(whole), dict(found))

    def withdrawn(self, records: pl.DataFrame) -> pl.Series:
        """Tell which records (`datasetKey`, `source_record_id`) were withdrawn."""
        known = self.datasets | set(self.records)
        asked = records.select("datasetKey", "source_record_id")
        if not known or not asked["datasetKey"].is_in(list(known)).any():
            return pl.repeat(False, records.height, eager=True)
        return pl.Series(
            "withdrawn",
            [
                dataset in self.datasets
                or identity_of(self.secret, dataset, identifier) in self.records.get(dataset, set())
                for dataset, identifier in asked.iter_rows()
            ],
            dtype=pl.Boolean,
        )

    def withdrawn_events(self, events: pl.DataFrame) -> pl.Series:
        """Tell which events (`datasetKey`, `eventID`) were withdrawn; what has no identifier was not."""
        asked = events.select("datasetKey", "eventID")
        if not self.datasets and not self.records:
            return pl.repeat(False, events.height, eager=True)
        return pl.Series(
            "withdrawn",
            [
                event is not None
                and (
                    dataset in self.datasets
                    or event_identity(self.secret, dataset, event) in self.records.get(dataset, ())
                )
                for dataset, event in asked.iter_rows()
            ],
            dtype=pl.Boolean,
        )


def event_identity(secret: bytes, dataset: str, event: str) -> str:
    """Return what a withdrawn event is known by; no record is known by the same."""
    return hmac.digest(secret, f"withdrawn event\x1f{dataset}\x1f{event}".encode(), "sha256").hex()


def event_number(identity: str) -> int:
    """Return the number under which the registry keeps a withdrawn event: below zero, which no record's is."""
    return -1 - int(identity[:15], 16) % 2**52


def identity_of(secret: bytes, dataset: str, identifier: str) -> str:
    """Return what a withdrawn record is known by; it states nothing of the identifier without the secret."""
    return hmac.digest(secret, f"withdrawn\x1f{dataset}\x1f{identifier}".encode(), "sha256").hex()


TABLES: Final = ("occurrences", "verbatim", "identities", "assessments", "events")
KEPT: Final = frozenset({"key", "datasetKey"})
_OURS: Final = "_ducklake_internal"
_FILES: Final = """
    SELECT f.data_file_id, f.table_id, t.table_name, f.file_size_bytes, f.footer_size, f.begin_snapshot,
           CASE WHEN f.path_is_relative THEN s.path || t.path || f.path ELSE f.path END AS path
    FROM ducklake_data_file f
    JOIN (SELECT DISTINCT table_id, schema_id, table_name, path FROM ducklake_table) t ON t.table_id = f.table_id
    JOIN (SELECT DISTINCT schema_id, path FROM ducklake_schema) s ON s.schema_id = t.schema_id
"""


@dataclass(frozen=True, slots=True)
class Blanked:
    """What was blanked.

    Attributes
    ----------
    files, rows : int
        Files of the lake that were written anew, and rows in them.
    """

    files: int
    rows: int


def blank(data: Path, keys: Collection[int], events: Tombstones | None = None) -> Blanked:
    """Empty the rows of records, and of events, in every file of the lake, whatever version it is of.

    Parameters
    ----------
    data : Path
        The installation's folder. No lake of it may be open in this process.
    keys : collection of int
        The records; those that are still in the present version must have been taken out before.
    events : Tombstones, optional
        Which events, of which the same holds.

    Returns
    -------
    Blanked

    Raises
    ------
    StoreError
        If a file cannot be read or written; called again it goes on.
    """
    wanted = pl.Series("key", list(keys), dtype=pl.Int64)
    files = rows = 0
    is_stated = events is not None and bool(events.datasets or events.records)
    if (wanted.is_empty() and not is_stated) or not lake_exists(data):
        return Blanked(0, 0)
    shared = cluster_of(data)
    of_lake = LakeFiles(data, shared)
    with failing_as(_UNFINISHED, OSError, sqlite3.Error, pa.ArrowException):
        with (
            builders_lock(data),
            writers_lock(data),
            WorkFolder(data / "staging") as work,
            _sqlite(data) if shared is None else _postgresql(shared) as catalogue,
        ):
            _finish_scheduled(catalogue, of_lake)
            _remove_orphans(catalogue, data, of_lake)
            for file in catalogue.rows(_FILES):
                if file["table_name"] not in TABLES:
                    continue
                count = _blank_file(catalogue, data, of_lake, file, wanted, events if is_stated else None, work.folder)
                files, rows = files + bool(count), rows + count
        if shared is None:
            checksums.seal(data)
    return Blanked(files, rows)


class _Catalogue:
    """The lake's catalogue as its own database has it, outside any lake.

    Parameters
    ----------
    connection : sqlite3.Connection or psycopg.Connection
        Each statement is a transaction of its own; rows are read by name.
    mark : str
        What stands for a value in a statement.
    """

    def __init__(self, connection: Any, mark: str) -> None:
        self._connection, self._mark = connection, mark

    def rows(self, question: str) -> list[Mapping[str, Any]]:
        """Return the answer to a question."""
        found: list[Mapping[str, Any]] = self._connection.execute(question).fetchall()
        return found

    def execute(self, statement: str, values: Sequence[object] = ()) -> None:
        """Do what a statement says; `?` stands for each value."""
        self._connection.execute(statement.replace("?", self._mark), values)


@contextmanager
def _sqlite(data: Path) -> Iterator[_Catalogue]:
    """Open the catalogue in an installation's folder; at the end nothing of what went is left in its file."""
    with closing(sqlite3.connect(data / checksums.SEALED, isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA secure_delete = ON")
        yield _Catalogue(connection, "?")
        for statement in ("PRAGMA wal_checkpoint(TRUNCATE)", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
            connection.execute(statement)


@contextmanager
def _postgresql(shared: Cluster) -> Iterator[_Catalogue]:
    """Open the catalogue that machines share; at the end nothing of what went is left in the tables' files."""
    from psycopg import Error
    from psycopg.rows import dict_row

    with connected(shared.libpq) as connection:
        connection.row_factory = dict_row
        with failing_as(_UNFINISHED, Error):
            yield _Catalogue(connection, "%s")
            for table in ("ducklake_file_column_stats", "ducklake_table_column_stats"):
                connection.execute(f"VACUUM FULL {table}")


def _blank_file(
    catalogue: _Catalogue, data: Path, of_lake: LakeFiles, file: Mapping[str, Any], keys: pl.Series,
    events: Tombstones | None, work: Path,
) -> int:  # fmt: skip
    """Write a file anew without what the records say; return how many rows were emptied."""
    if (path := of_lake.fetched(file["path"], work)) is None:
        return 0
    mask = _gone(path, file["table_name"], keys, events)
    if not mask.any():
        return 0
    table = pq.ParquetFile(path).read()
    # To take row None is to have nothing there, whatever the type of the column.
    index = pa.array([None if gone else row for row, gone in enumerate(mask)], type=pa.int64())
    stay = [name in KEPT or name.startswith(_OURS) for name in table.column_names]
    columns = [
        column if kept else pa.chunked_array([column.combine_chunks().take(index)], type=column.type)
        for column, kept in zip(table.columns, stay, strict=True)
    ]
    rest = pa.Table.from_arrays(columns, schema=table.schema)
    # One that was put in its place by a process which ended before the catalogue heard of it is written again.
    known = path.stat().st_size == file["file_size_bytes"]
    if known and not _differ(table, rest):
        return 0
    unnamed = path.with_suffix(".parquet.part")
    # Nobody looks for a range in a file of which some rows are empty; its least and most could be those that went.
    pq.write_table(rest, unnamed, compression="zstd", write_statistics=False)
    before = _footer(path)
    sync_file(unnamed)
    catalogue.execute("BEGIN")
    footer = None if file["footer_size"] is None or not known else file["footer_size"] - before + _footer(unnamed)
    catalogue.execute(
        "UPDATE ducklake_data_file SET file_size_bytes = ?, footer_size = ? WHERE data_file_id = ?",
        [unnamed.stat().st_size, footer, file["data_file_id"]],
    )
    _forget_ranges(catalogue, "ducklake_file_column_stats", "data_file_id", file["data_file_id"])
    _forget_ranges(catalogue, "ducklake_table_column_stats", "table_id", file["table_id"])
    if cluster_of(data) is None:
        checksums.record(data, {str(path.relative_to(data)): unnamed})
    of_lake.replace(file["path"], unnamed)
    catalogue.execute("COMMIT")
    return int(mask.sum())


def _gone(path: Path, table: str, keys: pl.Series, events: Tombstones | None) -> pl.Series:
    """Tell which rows of a file were withdrawn."""
    of_events = table == "events"
    rows = pl.from_arrow(pq.ParquetFile(path).read(columns=["datasetKey", "eventID"] if of_events else ["key"]))
    assert isinstance(rows, pl.DataFrame)
    if of_events:
        return pl.repeat(False, rows.height, eager=True) if events is None else events.withdrawn_events(rows)
    return rows["key"].is_in(keys.implode()).fill_null(value=False)


def _differ(table: pa.Table, rest: pa.Table) -> bool:
    """Return whether anything went."""
    return any(a.null_count != b.null_count for a, b in zip(table.columns, rest.columns, strict=True))


def _forget_ranges(catalogue: _Catalogue, table: str, column: str, number: Any) -> None:
    """Take away the least and the most of columns: they may be the place of a withdrawn record."""
    if table == "ducklake_file_column_stats":
        catalogue.execute(f"DELETE FROM {table} WHERE {column} = ?", [number])
    else:
        catalogue.execute(
            f"UPDATE {table} SET min_value = NULL, max_value = NULL, contains_null = TRUE WHERE {column} = ?", [number]
        )


def _finish_scheduled(catalogue: _Catalogue, of_lake: LakeFiles) -> None:
    """Remove the files whose rows were merged into others: nobody may go on reading what was withdrawn."""
    query = "SELECT path, path_is_relative FROM ducklake_files_scheduled_for_deletion"
    for file in catalogue.rows(query):
        of_lake.remove(file["path"] if file["path_is_relative"] else file["path"].removeprefix(of_lake.root))
    catalogue.execute("DELETE FROM ducklake_files_scheduled_for_deletion")


def _remove_orphans(catalogue: _Catalogue, data: Path, of_lake: LakeFiles) -> None:
    """Remove the files of commits that were cut off: no version has them, and what was withdrawn may stand in them."""
    needed = {file["path"] for file in catalogue.rows(f"SELECT path FROM ({FILES}) AS files".format(metadata=""))}
    orphans = of_lake.sizes().keys() - needed
    for name in orphans:
        of_lake.remove(name)
    checksums.forget(data, [f"lake/{name}" for name in orphans])


def _footer(path: Path) -> int:
    """Return the length of a Parquet file's footer."""
    with path.open("rb") as file:
        file.seek(-8, os.SEEK_END)
        return int(struct.unpack("<I", file.read(4))[0])
