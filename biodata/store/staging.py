"""Rows on their way into the lake: Parquet parts in a folder that is swept when its process is gone."""

# ruff: noqa: S608 - names in SQL come from store.tables and are quoted; paths are literals.

import logging
import os
import secrets
import shutil
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, Literal

import duckdb
import numpy as np
import polars as pl

from biodata.core import terms
from biodata.core.errors import InputError, Refusal, StoreError
from biodata.core.terms import Column
from biodata.store import Closing, failing_as
from biodata.store.duck import literal, quote, sql_type
from biodata.store.locks import sync_file, try_lock
from biodata.store.tables import IDENTITY as IDENTITY_COLUMNS
from biodata.store.tables import LAKE

logger = logging.getLogger(__name__)

RECORD_TABLES: Final = ("occurrences", "verbatim", "identities")
"""The tables that a record has a row in."""

IDENTITY: Final = ("datasetKey", "source_record_id")
"""The columns that a record is known by."""

ROW_GROUP_ROWS: Final = 262_144
"""A part of an ingest is mostly one group, which takes a tenth less to write than two."""

_AT_ONCE: Final = 65_536
"""Rows of another table in a part: as many wide rows as fit into memory in every form at once."""


class WorkFolder(Closing):
    """A folder below ``staging``, removed at the end of the `with` block, or by a sweep when its process is gone.

    Attributes
    ----------
    folder : Path
        The folder.
    """

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self._lock = _claim(root)
        self.folder = Path(self._lock.name).with_suffix("")
        self.folder.mkdir()

    def close(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
        Path(self._lock.name).unlink(missing_ok=True)
        self._lock.close()


class Staging(WorkFolder):
    """Records on their way into the lake, in the files that they will stay in.

    Each part is written once, as the lake keeps it: of a part whose records are all new, a commit takes in the files as
    they are. A new record's key is therefore given here: a random number below 2^53, so that it states nothing of the
    order of the file; the commit gives another to a number that was given before.
    """

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._rows: dict[int, int] = {}
        self._columns: dict[str, set[str]] = {table: set() for table in RECORD_TABLES}

    def add(self, occurrences: pl.DataFrame, verbatim: pl.DataFrame, *, part: int | None = None) -> None:
        """Write n records; several threads may do so at once where they state the part.

        Parameters
        ----------
        occurrences, verbatim : polars.DataFrame
            The interpreted and the verbatim rows of the same records in the same order; columns that are not there
            are null.
        part : int, optional
            The number of the part, which no other has: records are in the order of their parts; else the next.

        Raises
        ------
        StoreError
            If a row has no identity, or the two frames are not of the same records; or there is no room.
        """
        identity = occurrences.select(IDENTITY)
        nameless = identity.null_count().sum_horizontal().item() if occurrences.height else 0
        if nameless or not identity.equals(verbatim.select(IDENTITY)):
            message = (
                f"{nameless} cells of staged rows' identities are empty"
                if nameless
                else "staged rows stand beside another record's verbatim rows"
            )
            raise StoreError(message)
        if occurrences.is_empty():
            return
        keys = new_keys(identity)
        frames = {"occurrences": occurrences, "verbatim": verbatim, "identities": identity}
        part = max(self._rows, default=-1) + 1 if part is None else part
        for table, frame in frames.items():
            columns = IDENTITY_COLUMNS if table == "identities" else terms.TABLES[table]
            whole = terms.conform(frame.with_columns(keys), columns)
            # Most of the columns of a table are empty in most files; a file need not have them.
            lines = filled(whole)
            self._columns[table].update(lines)
            path = self.path(table, part)
            # Nobody looks for a range of what was stated verbatim, and what is least and most takes long to find.
            ranges = table != "verbatim"
            write_part(whole.select(lines), path, compression="zstd", row_group_rows=ROW_GROUP_ROWS, ranges=ranges)
            sync_file(path)
        self._rows[part] = occurrences.height

    @property
    def parts(self) -> list[int]:
        """The numbers of the parts, in order."""
        return sorted(self._rows)

    def rows(self) -> int:
        """Return how many records were added."""
        return sum(self._rows.values())

    def path(self, table: str, part: int) -> Path:
        """Return the file of a part of a table."""
        return self.folder / f"{table}-{part:06d}.parquet"

    def read(self, table: str, *, parts: Sequence[int] | None = None) -> pl.DataFrame:
        """Return the rows of a table, all or those of some parts, in the order of the parts."""
        columns = IDENTITY_COLUMNS if table == "identities" else terms.TABLES[table]
        chosen = self.parts if parts is None else parts
        rows = [terms.conform(pl.read_parquet(self.path(table, part)), columns) for part in chosen]
        return pl.concat(rows) if rows else pl.DataFrame(schema=terms.schema(columns))

    def columns(self, table: str) -> set[str]:
        """Return the columns that any part of the table has."""
        return self._columns[table]


def new_keys(identity: pl.DataFrame) -> pl.Series:
    """Return a random number below 2^53 for each new record."""
    return pl.Series("key", np.frombuffer(os.urandom(8 * identity.height), np.uint64) >> 11).cast(pl.Int64)


class RowFiles(WorkFolder):
    """Rows of a table that holds no records, on their way into the lake: files of few rows each, so that no step holds all.

    Parameters
    ----------
    root : Path
        The folder ``staging``.
    table : str
        A name of `terms.TABLES`.

    Attributes
    ----------
    table : str
        The table.
    parts : list of Path
        The files, in the order of the rows.
    stated : set of str
        The columns that any of the files has.
    """

    def __init__(self, root: Path, table: str) -> None:
        super().__init__(root)
        self.table = table
        self.parts: list[Path] = []
        self.told: set[str] = set()

    def add(self, frame: pl.DataFrame) -> None:
        """Write n rows; columns that are not there are null.

        Raises
        ------
        StoreError
            If there is no room.
        """
        for rows in frame.iter_slices(_AT_ONCE):
            whole = terms.conform(rows, terms.TABLES[self.table])
            lines = filled(whole) or whole.columns[:1]
            path = self.folder / f"{self.table}-{len(self.parts):06d}.parquet"
            write_part(whole.select(lines), path, row_group_rows=_AT_ONCE)
            self.parts.append(path)
            self.told.update(lines)

    def replace(self, frame: pl.DataFrame) -> None:
        """Let these rows stand for all that were added."""
        for path in self.parts:
            path.unlink()
        self.parts, self.told = [], set()
        self.add(frame)

    def read(self, columns: Collection[str] | None = None) -> pl.DataFrame:
        """Return every row, in order, with these columns of the table or with all."""
        wanted = [c for c in terms.TABLES[self.table] if columns is None or c.name in columns]
        parts = [read_part(path, wanted) for path in self.parts]
        return pl.concat(parts) if parts else pl.DataFrame(schema=terms.schema(wanted))


def filled(frame: pl.DataFrame) -> list[str]:
    """Return the columns in which some row has a value: most of a table are empty in most files, which need not have them."""
    return [column.name for column in frame if column.null_count() < frame.height]


def read_part(path: Path, columns: Sequence[Column]) -> pl.DataFrame:
    """Return the rows of a part with these columns; one that it has not is null."""
    had = pl.read_parquet_schema(path)
    found = pl.read_parquet(path, columns=[c.name for c in columns if c.name in had] or [next(iter(had))])
    return terms.conform(found, columns)


def staged_rows(table: str, files: Sequence[Path], lines: Collection[str]) -> str:
    """Return parts that were put aside as a table expression: `part`, `row` in it, and the table's columns.

    Parameters
    ----------
    table : str
        A table of the lake.
    files : sequence of Path
        The parts; their names end with their numbers.
    lines : collection of str
        The columns that any of them has.
    """
    listed = ", ".join(
        quote(c.name) if c.name in lines and files else f"NULL::{sql_type(c.dtype)} AS {quote(c.name)}"
        for c in LAKE[table].columns.values()
    )
    if not files:
        return f"(SELECT NULL::BIGINT AS part, NULL::BIGINT AS row, {listed} LIMIT 0)"
    named = ", ".join(literal(str(path)) for path in files)
    number = "regexp_extract(filename, '(\\d+)\\.parquet$', 1)::BIGINT"
    return (
        f"(SELECT {number} AS part, file_row_number AS row, {listed} "
        f"FROM read_parquet([{named}], filename = true, file_row_number = true, union_by_name = true))"
    )


def write_part(
    frame: pl.DataFrame, path: Path, *, row_group_rows: int, compression: Literal["lz4", "zstd"] = "lz4",
    ranges: bool = True,
) -> None:  # fmt: skip
    """Write rows on their way as Parquet, with the least and most value of each column where `ranges` are wanted.

    Raises
    ------
    StoreError
        If there is no room for them.
    """
    level = 1 if compression == "zstd" else None
    # Polars tells a full disk by either.
    with failing_as("rows could not be put aside", OSError, pl.exceptions.ComputeError):
        frame.write_parquet(
            path, compression=compression, compression_level=level, row_group_size=row_group_rows,
            statistics={"min": ranges, "max": ranges, "null_count": True},
        )  # fmt: skip


def sweep(root: Path) -> int:
    """Remove the folders whose process is gone; return how many there were."""
    swept = 0
    for lock in root.glob("*.lock"):
        with lock.open("ab") as handle:
            if try_lock(handle.fileno()):
                shutil.rmtree(lock.with_suffix(""), ignore_errors=True)
                lock.unlink(missing_ok=True)
                swept += 1
    if swept:
        logger.info("%d folders of interrupted work were removed from %s", swept, root.name)
    return swept


def _claim(root: Path) -> IO[bytes]:
    """Open and lock a new lock file; the lock, and not a process number, says that the folder is in use."""
    while True:
        path = root / f"{secrets.token_hex(8)}.lock"
        handle = path.open("ab")
        # A sweep may take the file between its making and its locking: then it is gone, and another is made.
        if try_lock(handle.fileno()) and path.exists():
            return handle
        handle.close()


# ruff: noqa: S608 - names in SQL come from store.tables and are quoted; every value is a parameter.


NOT_COMPARED: Final = frozenset({"key", "source_file", "source_sheet", "source_row"})
"""Where a row stood in its file is no part of what it says: a re-ordered file changes nothing."""

_OBJECTS: Final = frozenset({"verbatim"})
"""Columns of JSON objects: a file whose columns stand in another order says the same."""

_COLUMNS_AT_ONCE: Final = 48
"""Columns compared in one join; bounds the memory that a row takes in it."""


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


def find_changed(
    cursor: duckdb.DuckDBPyConnection, staged: str, stored: str, key: str, columns: Iterable[str], *, into: str
) -> None:
    """Make a table of the keys whose staged and stored rows differ in any column that is compared."""
    name = quote(key)
    cursor.execute(f"CREATE TEMP TABLE {into} AS SELECT {name} AS key FROM {stored} LIMIT 0")
    if not one(cursor, f"SELECT count(*) FROM {staged}")[0]:
        return  # as in a dataset's first file
    compared = [c for c in columns if c not in NOT_COMPARED and c != key]
    counted = one(cursor, f"SELECT {', '.join(f'count({quote(c)})' for c in compared)} FROM {staged}")
    lines = [c for c, count in zip(compared, counted, strict=True) if count]
    silent = [c for c, count in zip(compared, counted, strict=True) if not count]
    # Most of 260 columns are empty in most files. Such a column differs where the stored one is not empty, which
    # needs no join that carries it: 1.5 s instead of 17 s for a million records.
    if silent:
        differs = " OR ".join(f"{quote(c)} IS NOT NULL" for c in silent)
        cursor.execute(
            f"INSERT INTO {into} SELECT {name} FROM {stored} WHERE ({differs}) AND {name} IN (SELECT {name} FROM {staged})"
        )
    for first in range(0, len(lines), _COLUMNS_AT_ONCE):
        differs = " OR ".join(map(_differs, lines[first : first + _COLUMNS_AT_ONCE]))
        cursor.execute(
            f"""
            INSERT INTO {into} SELECT a.{name} FROM {staged} a JOIN {stored} b USING ({name})
            WHERE ({differs}) AND a.{name} NOT IN (FROM {into})
            """
        )


def _differs(column: str) -> str:
    """Return the condition that a column of the rows `a` and `b` differs."""
    a, b = f"a.{quote(column)}", f"b.{quote(column)}"
    if column not in _OBJECTS:
        return f"{a} IS DISTINCT FROM {b}"
    members = [f"list_sort(map_entries(TRY_CAST(TRY_CAST({one} AS JSON) AS MAP(VARCHAR, VARCHAR))))" for one in (a, b)]
    return f"({a} IS DISTINCT FROM {b} AND ({members[0]} IS NULL OR {members[0]} IS DISTINCT FROM {members[1]}))"


def repeat(file: str, row: int | None, column: str, value: str) -> Refusal:
    """Return the refusal of a row whose identity an earlier row has."""
    return Refusal(file, row, column, value, "IDENTIFIER_DUPLICATE", "an earlier row has the same identifier")


def one(cursor: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    """Return the only row of an answer."""
    row = cursor.execute(query).fetchone()
    if row is None:  # an aggregate always answers with a row
        message = "the lake gave no answer"
        raise StoreError(message)
    return row


def in_two_parts(
    file: str | None, row: int | None, column: str, value: str, other: str | None, other_row: int | None
) -> InputError:
    """Return the error of an identifier that stands in two parts of a dataset, with both places."""
    place = f"the part {other}" if other is not None else "what was taken in without a part"
    problem = f"this identifier stands in {place} of the dataset already" + (f", row {other_row}" if other_row else "")
    expected = "an identifier of its own, or this row in one part only"
    return InputError(
        problem, file=file, row=row, column=column, value=value, expected=expected, code="IDENTIFIER_IN_TWO_PARTS"
    )
