"""Rows on their way into the lake: Parquet parts in a folder that is swept when its process is gone."""

import logging
import secrets
import shutil
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

import polars as pl

from biodata import terms
from biodata.errors import StoreError
from biodata.store.locks import try_lock

logger = logging.getLogger(__name__)

STAGED_ROW: Final = "staged_row"
"""Position of a row among the staged rows of its table; the n-th occurrence belongs to the n-th verbatim row."""


class WorkFolder:
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

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Staging(WorkFolder):
    """Parts of tables on their way into the lake."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self._rows: dict[str, int] = {}
        self._parts: dict[str, int] = {}

    def add(self, table: str, frame: pl.DataFrame) -> None:
        """Write n rows of a table; `occurrences` and `verbatim` come row for row in the same order.

        Parameters
        ----------
        table : str
            A name of `terms.TABLES`.
        frame : polars.DataFrame
            n rows; columns of the table that are not there are null.
        """
        if table not in terms.TABLES:
            message = f"the lake has no table {table!r}; its tables: {', '.join(terms.TABLES)}"
            raise StoreError(message)
        if frame.is_empty():
            return
        first, part = self.rows(table), self._parts.get(table, 0)
        frame = terms.conform(frame, terms.TABLES[table]).with_row_index(STAGED_ROW, offset=first)
        frame = frame.with_columns(pl.col(STAGED_ROW).cast(pl.Int64))
        write_part(frame, self.folder / f"{table}-{part:06d}.parquet", row_group_rows=100_000)
        self._rows[table], self._parts[table] = first + frame.height, part + 1

    def rows(self, table: str) -> int:
        """Return how many rows of the table were added."""
        return self._rows.get(table, 0)

    def files(self, table: str) -> list[str]:
        """Return the paths of the table's parts in order."""
        return [str(self.folder / f"{table}-{part:06d}.parquet") for part in range(self._parts.get(table, 0))]


def write_part(frame: pl.DataFrame, path: Path, *, row_group_rows: int) -> None:
    """Write rows on their way as Parquet.

    Raises
    ------
    StoreError
        If there is no room for them.
    """
    try:
        frame.write_parquet(path, compression="lz4", row_group_size=row_group_rows)
    except (OSError, pl.exceptions.ComputeError) as error:  # Polars tells a full disk by either
        message = f"rows could not be put aside: {str(error).splitlines()[0]}"
        raise StoreError(message) from error


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
