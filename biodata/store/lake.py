"""The lake: DuckLake on a SQLite catalogue, every version of every record kept; one writer at a time."""

# ruff: noqa: S608 - names in SQL come from store.tables and are quoted; every value is a parameter.

import json
import logging
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Final, cast

import duckdb
import polars as pl

from biodata import terms
from biodata.errors import StoreError
from biodata.store import commits, duck
from biodata.store.commits import CommitReport
from biodata.store.duck import literal, quote, sql_type
from biodata.store.locks import file_lock
from biodata.store.query import sql
from biodata.store.query.filters import Filter
from biodata.store.staging import STAGED_ROW, Staging, sweep
from biodata.store.tables import LAKE
from biodata.terms import Column

logger = logging.getLogger(__name__)

__all__ = ["CommitReport", "Lake", "Staging"]

SCHEMA_VERSION: Final = 1
"""Goes with every commit; raised when the meaning of a column changes (a column more needs no new version)."""


class Lake:
    """An installation's lake; open it with `Lake.open` and use it in a `with` block.

    Attributes
    ----------
    data : Path
        The installation's folder.
    """

    def __init__(self, data: Path, connection: duckdb.DuckDBPyConnection) -> None:
        self.data = data
        self._connection = connection

    @classmethod
    def open(cls, data: Path, *, memory_limit: str = "2GB") -> "Lake":
        """Open the lake of an installation, or make it; tables and columns that an older one lacks are added.

        Parameters
        ----------
        data : Path
            The installation's folder; made when needed.
        memory_limit : str
            What DuckDB may use before it spills to disk.

        Raises
        ------
        StoreError
            If the catalogue cannot be read, or a column has another type than today's.
        """
        try:
            (data / "lake").mkdir(parents=True, exist_ok=True)
            sweep(data / "staging")
            duck.sweep_spills(data / "tmp")
        except OSError as error:
            message = f"the lake cannot be opened: {error}"
            raise StoreError(message) from error
        connection = duck.workshop(
            spill=data / "tmp",
            memory_limit=memory_limit,
            extensions=("ducklake", "sqlite_scanner"),
        )
        # Sorts and inserts need no order of their own, and need far less memory without it.
        connection.execute("SET preserve_insertion_order = false")
        lake = cls(data, connection)
        try:
            if (data / "lake.sqlite").exists():
                lake._attach()
            else:
                with lake.writing():
                    lake._attach()
            lake._upgrade()
        except duckdb.Error as error:
            connection.close()
            message = f"the lake cannot be opened: {str(error).splitlines()[0]}"
            raise StoreError(message) from error
        except StoreError:
            connection.close()
            raise
        return lake

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def __enter__(self) -> "Lake":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def staging(self) -> Staging:
        """Return a folder for rows on their way in; use it in a `with` block."""
        return Staging(self.data / "staging")

    def writing(self) -> AbstractContextManager[None]:
        """Return the writer's lock, held for the length of a `with` block."""
        return file_lock(self.data / "lake.lock", what="the lake")

    def commit_occurrences(
        self,
        staging: Staging,
        *,
        author: str,
        message: str,
        extra: Mapping[str, Any] = MappingProxyType({}),
        complete_datasets: Collection[str] = (),
        gone: Iterable[tuple[str, str]] = (),
        dry_run: bool = False,
    ) -> CommitReport:
        """Commit staged occurrences and their verbatim rows in one transaction.

        A record is known by its (datasetKey, source_record_id); what changed is found by comparing every column of
        both rows with the stored ones. Where nothing did, no version is made.

        Parameters
        ----------
        staging : Staging
            With rows of `occurrences` and `verbatim`, the n-th of one belonging to the n-th of the other.
        author, message : str
            Kept with the version.
        extra : mapping
            More to keep with the version, as JSON: a submission's id, for example.
        complete_datasets : collection of str
            Datasets whose whole state was staged: their other records are gone.
        gone : iterable of (datasetKey, source_record_id)
            Records that their source says were deleted; one that was staged too stays.
        dry_run : bool
            Only say what would happen.
        dry_run : bool
            Report what would change, and change nothing.

        Returns
        -------
        CommitReport

        Raises
        ------
        StoreError
            If staged rows have no identity or do not belong together, or another writer keeps the lake for too long.
        """
        with self.writing(), self._cursor() as cursor:
            report = commits.plan_occurrences(cursor, staging, complete_datasets=complete_datasets, gone=gone)
            if not dry_run and (report.new or report.changed or report.gone):
                with self._transaction(cursor, author, message, extra):
                    commits.write_occurrences(cursor, staging)
            report = replace(report, snapshot=self.snapshot())
        logger.info(
            "lake %d: %d records new, %d changed, %d unchanged, %d gone, %d refused",
            report.snapshot, report.new, report.changed, report.unchanged, report.gone, len(report.refusals),
        )  # fmt: skip
        return report

    def commit_table(
        self,
        table: str,
        frame: pl.DataFrame,
        *,
        key: str,
        scope: Mapping[str, Any] | None,
        author: str,
        message: str,
        extra: Mapping[str, Any] = MappingProxyType({}),
        dry_run: bool = False,
    ) -> CommitReport:
        """Commit the rows of another table: insert, replace where a column differs, remove.

        Parameters
        ----------
        table : str
            `protected_areas`, `taxa`, `corridors`, `reserve_candidates` or `layers`.
        frame : polars.DataFrame
            n rows; columns that it lacks are null.
        key : str
            The column by which a row is known, inside the scope.
        scope : mapping of column to value, optional
            Rows of the table with these values that are not in the frame go; every row of the frame must have them.
            Without a scope rows are inserted or replaced, and none goes.
        author, message, extra
            Kept with the version.
        dry_run : bool
            Only say what would happen.
        dry_run : bool
            Report what would change, and change nothing.

        Returns
        -------
        CommitReport
        """
        if table in commits.RECORD_TABLES or table not in terms.TABLES:
            problem = f"{table!r} is not committed by itself"
            raise StoreError(problem)
        frame = terms.conform(frame, terms.TABLES[table]).with_row_index(STAGED_ROW)
        for column, value in (scope or {}).items():
            if not frame.filter(pl.col(column).ne_missing(pl.lit(value))).is_empty():
                problem = f"{table}: a row is outside the scope {column} = {value!r}"
                raise StoreError(problem)
        with self.writing(), self._cursor() as cursor:
            report = commits.plan_table(cursor, table, frame, key=key, scope=scope)
            if not dry_run and (report.new or report.changed or report.gone):
                with self._transaction(cursor, author, message, extra):
                    commits.write_table(cursor, table, key=key, scope=scope)
            report = replace(report, snapshot=self.snapshot())
        logger.info(
            "lake %d: %s: %d rows new, %d changed, %d unchanged, %d gone",
            report.snapshot, table, report.new, report.changed, report.unchanged, report.gone,
        )  # fmt: skip
        return report

    def read(
        self,
        table: str,
        *,
        columns: Sequence[str] | None = None,
        where: Filter | None = None,
        snapshot: int | None = None,
    ) -> pl.DataFrame:
        """Read rows of a table into memory.

        Parameters
        ----------
        table : str
            A table of the lake.
        columns : sequence of str, optional
            All where none are given.
        where : Filter, optional
            Which rows.
        snapshot : int, optional
            The version; today's where none is given.

        Returns
        -------
        polars.DataFrame
            The order of rows is not defined.
        """
        return pl.concat(
            [
                pl.DataFrame(schema=terms.schema(self._columns(table, columns))),
                *self.batches(table, columns=columns, where=where, snapshot=snapshot, batch_rows=1_000_000),
            ]
        )

    def batches(
        self,
        table: str,
        *,
        columns: Sequence[str] | None = None,
        where: Filter | None = None,
        snapshot: int | None = None,
        batch_rows: int = 100_000,
    ) -> Iterator[pl.DataFrame]:
        """Read rows of a table in frames of up to `batch_rows`; see `read`."""
        chosen = self._columns(table, columns)
        condition, params = self._condition(table, where)
        names = ", ".join(quote(c.name) for c in chosen)
        with self._cursor() as cursor:
            cursor.execute(f"SELECT {names} FROM {_at(table, snapshot)} WHERE {condition}", params)
            for batch in cursor.to_arrow_reader(batch_rows):
                yield terms.conform(cast("pl.DataFrame", pl.from_arrow(batch)), chosen)

    def count(self, table: str, *, where: Filter | None = None, snapshot: int | None = None) -> int:
        """Count rows of a table; see `read`."""
        self._columns(table, None)
        condition, params = self._condition(table, where)
        with self._cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {_at(table, snapshot)} WHERE {condition}", params)
            return int(cursor.fetchall()[0][0])

    def snapshot(self) -> int:
        """Return the number of the lake's present version."""
        with self._cursor() as cursor:
            return int(cursor.execute("SELECT * FROM ducklake_current_snapshot('lake')").fetchall()[0][0])

    def snapshots(self) -> pl.DataFrame:
        """Return every version: snapshot, time (UTC), author, message, extra (JSON)."""
        query = """
            SELECT snapshot_id::BIGINT AS snapshot, (snapshot_time AT TIME ZONE 'UTC')::TIMESTAMP AS time,
                   author, commit_message AS message, commit_extra_info AS extra
            FROM ducklake_snapshots('lake') ORDER BY snapshot_id
        """
        with self._cursor() as cursor:
            frame = cursor.execute(query).pl()
        return frame.with_columns(pl.col("time").dt.replace_time_zone("UTC"))

    def stored_bytes(self, table: str) -> int:
        """Return how much a table's present files take on disk."""
        with self._cursor() as cursor:
            cursor.execute("SELECT file_size_bytes FROM ducklake_table_info('lake') WHERE table_name = ?", [table])
            return sum(int(size) for (size,) in cursor.fetchall())

    def _condition(self, table: str, where: Filter | None) -> sql.Sql:
        """Return a filter as SQL; load the spatial functions if it needs them (0.3 s of every other command)."""
        condition, params = sql.where(where, LAKE[table])
        if "ST_" in condition:
            duck.load_extensions(self._connection, "spatial")
        return condition, params

    @contextmanager
    def _cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give a cursor of its own: temporary tables and results of one call do not meet another's."""
        with self._connection.cursor() as cursor:
            try:
                yield cursor
            except duckdb.Error as error:
                message = f"the lake could not do it: {str(error).splitlines()[0]}"
                raise StoreError(message) from error

    @contextmanager
    def _transaction(
        self, cursor: duckdb.DuckDBPyConnection, author: str, message: str, extra: Mapping[str, Any]
    ) -> Iterator[None]:
        """Commit what is written inside the block as one version, or nothing."""
        told = json.dumps({**extra, "schema_version": SCHEMA_VERSION}, ensure_ascii=False, sort_keys=True)
        cursor.execute("BEGIN TRANSACTION")
        try:
            yield
            cursor.execute("CALL ducklake_set_commit_message('lake', ?, ?, extra_info => ?)", [author, message, told])
            cursor.execute("COMMIT")
        except duckdb.Error as error:
            with suppress(duckdb.Error):  # a failed COMMIT has already ended the transaction
                cursor.execute("ROLLBACK")
            problem = f"the lake took nothing of this commit: {str(error).splitlines()[0]}"
            raise StoreError(problem) from error

    def _attach(self) -> None:
        """Attach the catalogue; its own path to the data is never believed, since the folder may have moved."""
        catalogue, files = literal(f"ducklake:sqlite:{self.data / 'lake.sqlite'}"), literal(f"{self.data / 'lake'}/")
        self._connection.execute(
            f"ATTACH {catalogue} AS lake (DATA_PATH {files}, OVERRIDE_DATA_PATH true, DATA_INLINING_ROW_LIMIT 0, "
            "META_JOURNAL_MODE 'WAL', META_BUSY_TIMEOUT 10000)"
        )

    def _upgrade(self) -> None:
        """Add the tables and columns that an older lake lacks; a column is never removed or retyped."""
        if not self._lacking():
            return
        with self.writing(), self._cursor() as cursor:
            lacking = self._lacking()  # another process may have been faster
            if lacking:
                with self._transaction(cursor, "biodata", "tables and columns added", {}):
                    for statement in lacking:
                        cursor.execute(statement)

    def _lacking(self) -> list[str]:
        """Return the statements that bring the lake's tables up to `store.tables`."""
        query = "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE database_name = 'lake'"
        with self._cursor() as cursor:
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

    def _columns(self, table: str, columns: Sequence[str] | None) -> list[Column]:
        """Return the chosen columns of a table, all of them where none are chosen."""
        if table not in LAKE:
            message = f"the lake has no table {table!r}; its tables: {', '.join(LAKE)}"
            raise StoreError(message)
        return [LAKE[table].column(name) for name in columns or LAKE[table].columns]


def _at(table: str, snapshot: int | None) -> str:
    """Return a table of the lake, at a version where one is given."""
    return f"lake.{table}" if snapshot is None else f"lake.{table} AT (VERSION => {int(snapshot)})"
