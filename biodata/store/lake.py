"""The lake: DuckLake, every version of every record kept; one writer at a time.

Its catalogue is a SQLite file and its files lie beside it; or both are shared by several machines (`store.cluster`).
"""

import json
import logging
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import duckdb
import polars as pl

from biodata.core import terms
from biodata.core.errors import StoreError
from biodata.store import catalogue, checksums, commits, duck, folders, name_changes
from biodata.store.catalogue import LakeFiles
from biodata.store.cluster import Cluster, cluster_of, made_already
from biodata.store.commits import Survey
from biodata.store.lake_reading import LakeReading
from biodata.store.locks import writers_lock
from biodata.store.staging import RECORD_TABLES, CommitReport, RowFiles, Staging, sweep

logger = logging.getLogger(__name__)

__all__ = ["CommitReport", "Lake", "RowFiles", "Staging"]

SCHEMA_VERSION: Final = 1
"""Goes with every commit; raised when the meaning of a column changes (a column more needs no new version)."""


class Lake(LakeReading):
    """An installation's lake; open it with `Lake.open` and use it in a `with` block.

    Attributes
    ----------
    data : Path
        The installation's folder.
    files : LakeFiles
        Its files, wherever they lie.
    """

    def __init__(self, data: Path, connection: duckdb.DuckDBPyConnection, shared: Cluster | None = None) -> None:
        super().__init__(data, connection)
        self._shared = shared
        self.files = LakeFiles(data, shared)

    @classmethod
    def open(cls, data: Path | str, *, memory_limit: str = "2GB") -> "Lake":
        """Open the lake of an installation, or make it; tables and columns that an older one lacks are added.

        Parameters
        ----------
        data : path
            The installation's folder; made when needed.
        memory_limit : str
            What DuckDB may use before it spills to disk.

        Raises
        ------
        StoreError
            If the catalogue cannot be read, or a column has another type than today's.
        """
        data = Path(data)
        shared = cluster_of(data)
        try:
            (data / "lake").mkdir(parents=True, exist_ok=True)
            if shared is None:
                (data / checksums.SEALED).touch(0o600)
            folders.close(data)
            sweep(data / "staging")
            duck.sweep_spills(data / "tmp")
        except OSError as error:
            message = f"the lake cannot be opened: {error}"
            raise StoreError(message) from error
        connection = duck.workshop(
            spill=data / "tmp",
            memory_limit=memory_limit,
            extensions=catalogue.EXTENSIONS if shared is None else catalogue.SHARED_EXTENSIONS,
        )
        # Sorts and inserts need no order of their own, and need far less memory without it.
        connection.execute("SET preserve_insertion_order = false")
        # DuckLake takes a column for never null that only some of the files taken in have: IS NULL then finds nothing.
        connection.execute("SET disabled_optimizers = 'statistics_propagation'")
        lake = cls(data, connection, shared)
        catalogue.handles.opening(connection)
        try:
            lake._attach()
            lake._upgrade()
        except duckdb.Error as error:
            lake.close()
            message = f"the lake cannot be opened: {str(error).splitlines()[0]}"
            raise StoreError(message) from error
        except StoreError:
            lake.close()
            raise
        return lake

    def close(self) -> None:
        """Close the connection; the last lake of this process seals a catalogue that it changed."""
        folders.close(self.data)  # what was made since it was opened
        with catalogue.handles.closing(self._connection) as last:
            if self._changed and last and self._shared is None:
                try:
                    # Whoever writes just now makes another version, and seals that.
                    with self.writing(timeout_seconds=1.0):
                        checksums.seal(self.data)
                except (StoreError, OSError, sqlite3.Error) as error:
                    logger.warning("the lake's catalogue has no checksum at this version: %s", error)

    def staging(self) -> Staging:
        """Return a folder for rows on their way in; use it in a `with` block."""
        return Staging(self.data / "staging")

    def row_files(self, table: str) -> RowFiles:
        """Return a folder for rows of another table on their way in; use it in a `with` block."""
        return RowFiles(self.data / "staging", table)

    def writing(self, *, timeout_seconds: float = 600.0) -> AbstractContextManager[None]:
        """Return the writer's lock, held for the length of a `with` block."""
        return writers_lock(self.data, timeout_seconds=timeout_seconds)

    @contextmanager
    def maintenance(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give a cursor for what changes files and catalogue, and nothing that a version says.

        The caller holds the writer's lock. The catalogue has no seal until the lake is closed.
        """
        if self._shared is None:
            checksums.unseal(self.data)
        self._changed = True
        with self._cursor() as cursor:
            # Row numbers of a file are counted from its beginning: a merged one keeps the order of its rows.
            cursor.execute("SET preserve_insertion_order = true")
            try:
                yield cursor
            finally:
                cursor.execute("SET preserve_insertion_order = false")

    def commit_occurrences(
        self, staging: Staging, *, author: str, message: str, extra: Mapping[str, Any] = MappingProxyType({}),
        complete_datasets: Collection[str] = (), gone: Iterable[tuple[str, str]] = (), dry_run: bool = False,
    ) -> CommitReport:  # fmt: skip
        """Commit staged occurrences and their verbatim rows in one transaction.

        A record is known by its (datasetKey, source_record_id); what changed is found by comparing every column of
        both rows with the stored ones. Where nothing did, no version is made.

        Parameters
        ----------
        staging : Staging
            The records; its files become the lake's own.
        author, message : str
            Kept with the version.
        extra : mapping
            More to keep with the version, as JSON: a submission's id, for example.
        complete_datasets : collection of str
            Datasets whose whole state was staged: their other records are gone.
        gone : iterable of (datasetKey, source_record_id)
            Records that their source says were deleted; one that was staged too stays.
        dry_run : bool
            Report what would change, and change nothing.

        Returns
        -------
        CommitReport

        Raises
        ------
        StoreError
            If the lake cannot take them, or another writer keeps it for too long.
        """
        report, _ = self.commit_survey(
            staging, None, author=author, message=message, extra=extra,
            complete_datasets=complete_datasets, gone=gone, dry_run=dry_run,
        )  # fmt: skip
        return report

    def commit_survey(
        self, staging: Staging, events: RowFiles | None, *, author: str, message: str,
        extra: Mapping[str, Any] = MappingProxyType({}), complete_datasets: Collection[str] = (),
        gone: Iterable[tuple[str, str]] = (), gone_events: Collection[str] = (), part: tuple[str, str] | None = None,
        check: Callable[[], None] | None = None, dry_run: bool = False,
    ) -> tuple[CommitReport, CommitReport]:  # fmt: skip
        """Commit sampling events and the occurrences of them in one transaction: no version has half a survey.

        Parameters
        ----------
        staging : Staging
            The occurrences, as `commit_occurrences` has them; there may be none.
        events : RowFiles of `events`, optional
            Each is known by its `event_key`; a second row of one is refused.
        author, message, extra, gone, dry_run
            As `commit_occurrences` has them.
        complete_datasets : collection of str
            Datasets whose whole state was given: their other records and events are gone.
        gone_events : collection of str
            Keys of events that are gone.
        part : (datasetKey, part), optional
            The part whose whole state was given: its other records and events are gone, those of other parts stay.
        check : function, optional
            Raises where they are not to be committed any more; asked when nobody else can write.

        Returns
        -------
        records, events : CommitReport

        Raises
        ------
        InputError
            With IDENTIFIER_IN_TWO_PARTS, if a record or an event stands in another part of its dataset.
        """
        survey = None
        if events is not None and (events.parts or complete_datasets or gone_events or part is not None):
            survey = Survey(events, frozenset(complete_datasets), part, tuple(gone_events))
        with self.writing(), self._cursor() as cursor:
            if check is not None:
                check()
            plan = commits.plan_occurrences(cursor, staging, complete_datasets=complete_datasets, gone=gone, part=part)
            commit_report = CommitReport(-1, 0, 0, 0, 0) if survey is None else survey.plan(cursor)
            if not dry_run and (plan.report.changes or commit_report.changes):
                self._forget_adopted(cursor)
                try:
                    with self._transaction(cursor, author, message, extra):
                        commits.write_occurrences(cursor, staging, plan, files=self.files)
                        if survey is not None and commit_report.changes:
                            survey.write(cursor)
                except StoreError:
                    self._forget_adopted(cursor)
                    raise
            snapshot = self.snapshot()
            report, commit_report = replace(plan.report, snapshot=snapshot), replace(commit_report, snapshot=snapshot)
        logger.info(
            "lake %d: %d records new, %d changed, %d unchanged, %d gone, %d refused",
            report.snapshot, report.new, report.changed, report.unchanged, report.gone, len(report.refusals),
        )  # fmt: skip
        if survey is not None:
            logger.info(
                "lake %d: %d events new, %d changed, %d unchanged, %d gone",
                commit_report.snapshot, commit_report.new, commit_report.changed, commit_report.unchanged, commit_report.gone,
            )  # fmt: skip
        return report, commit_report

    def commit_table(
        self, table: str, frame: pl.DataFrame, *, key: str, scope: Mapping[str, str] | None, author: str, message: str,
        extra: Mapping[str, Any] = MappingProxyType({}), dry_run: bool = False,
    ) -> CommitReport:  # fmt: skip
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
            Report what would change, and change nothing.

        Returns
        -------
        CommitReport
        """
        if table in RECORD_TABLES or table not in terms.TABLES:
            problem = f"{table!r} is not committed by itself"
            raise StoreError(problem)
        frame = terms.conform(frame, terms.TABLES[table])
        for column, value in (scope or {}).items():
            if not frame.filter(pl.col(column).ne_missing(pl.lit(value))).is_empty():
                problem = f"{table}: a row is outside the scope {column} = {value!r}"
                raise StoreError(problem)
        with self.row_files(table) as rows, self.writing(), self._cursor() as cursor:
            rows.add(frame)
            report = commits.plan_table(cursor, rows, key=key, scope=scope)
            if not dry_run and report.changes:
                with self._transaction(cursor, author, message, extra):
                    commits.write_table(cursor, rows, key=key, scope=scope)
            report = replace(report, snapshot=self.snapshot())
        logger.info(
            "lake %d: %s: %d rows new, %d changed, %d unchanged, %d gone",
            report.snapshot, table, report.new, report.changed, report.unchanged, report.gone,
        )  # fmt: skip
        return report

    def resolve_names(
        self, resolve: Callable[[pl.DataFrame], pl.DataFrame], *, terms: Sequence[str], columns: Sequence[str],
        flags: Collection[str], doubts: Callable[[pl.DataFrame], pl.Series], author: str,
        extra: Mapping[str, Any] = MappingProxyType({}), dry_run: bool = False,
    ) -> tuple[int, int]:  # fmt: skip
        """Resolve the distinct names of all records, and change the records whose values differ, in one version.

        Parameters
        ----------
        resolve : function
            Given the names (`name_changes.distinct_names`), what is made of each (`name_changes.plan`).
        terms, columns, flags, doubts
            As `name_changes.plan` has them.
        author, extra
            Kept with the version.
        dry_run : bool
            Count, and change nothing.

        Returns
        -------
        records, names : int
            How many changed.
        """
        with self.writing(), self._cursor() as cursor:
            names = name_changes.distinct_names(cursor, terms)
            if names.is_empty():
                return 0, 0
            answers = resolve(names)
            counts = name_changes.plan(cursor, answers, terms=terms, columns=columns, flags=flags, doubts=doubts)
            if counts[0] and not dry_run:
                message = f"names resolved again: {counts[0]} records changed ({counts[1]} names)"
                with self._transaction(cursor, author, message, extra):
                    name_changes.write(cursor, columns)
        logger.info("lake %d: names resolved, %d records changed (%d names)", self.snapshot(), *counts)
        return counts

    @contextmanager
    def _transaction(
        self, cursor: duckdb.DuckDBPyConnection, author: str, message: str, extra: Mapping[str, Any]
    ) -> Iterator[None]:
        """Commit what is written inside the block as one version, or nothing."""
        text = json.dumps({**extra, "schema_version": SCHEMA_VERSION}, ensure_ascii=False, sort_keys=True)
        cursor.execute("BEGIN TRANSACTION")
        try:
            yield
            said = f"{duck.literal(author)}, {duck.literal(message)}, extra_info => {duck.literal(text)}"
            cursor.execute(f"CALL ducklake_set_commit_message('lake', {said})")
            checksums.record_new_lake_files(self.data)
            cursor.execute("COMMIT")
        except (duckdb.Error, OSError, StoreError) as error:
            with suppress(duckdb.Error):  # a failed COMMIT has already ended the transaction
                cursor.execute("ROLLBACK")
            problem = f"the lake took nothing of this commit: {str(error).splitlines()[0]}"
            raise StoreError(problem) from error
        self._changed = True

    def _forget_adopted(self, cursor: duckdb.DuckDBPyConnection) -> None:
        """Remove files of commits that never came."""
        if count := commits.forget_adopted(cursor, self.files):
            logger.info("%d files of an interrupted commit were removed", count)

    def _attach(self) -> None:
        """Attach the catalogue; the first to come makes it, under the writer's lock."""
        if (self.data / checksums.SEALED).exists() if self._shared is None else made_already(self._shared):
            try:
                catalogue.attach(self._connection, self.data, files=self.files.root, shared=self._shared)
            except duckdb.Error:  # somebody may be making it just now
                logger.info("the lake's catalogue is tried again under the writer's lock")
            else:
                return
        with self.writing():
            catalogue.attach(self._connection, self.data, files=self.files.root, shared=self._shared)

    def _upgrade(self) -> None:
        """Add the tables and columns that an older lake lacks."""
        with self._cursor() as cursor:
            if not catalogue.lacking(cursor):
                return
            with self.writing():
                statements = catalogue.lacking(cursor)  # another process may have been faster
                if statements:
                    with self._transaction(cursor, "biodata", "tables and columns added", {}):
                        for statement in statements:
                            cursor.execute(statement)
