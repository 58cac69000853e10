"""The records of a release that a filter chooses, read in steps of the release's own order: memory stays flat."""

# ruff: noqa: S608 - names in SQL come from store.tables and are quoted; every value is a parameter.

import ctypes
import json
import threading
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeVar

import duckdb
import polars as pl

from biodata import lists
from biodata.core import terms
from biodata.core.errors import StoreError
from biodata.store import Closing
from biodata.store.duck import ATTACHED, connect_exporting, quote
from biodata.store.query.filters import Filter
from biodata.store.query.sql import where
from biodata.store.tables import RELEASE


def give_back() -> None:
    """Give freed memory back.

    Notes
    -----
    glibc keeps what large frames leave, in pieces that the next ones do not fit into: an export of a million records held
    940 MB where it used 500. Elsewhere than on Linux with glibc nothing is done.
    """
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    """Return glibc's `malloc_trim`; None where there is none."""
    try:
        found: Callable[[int], int] = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError, TypeError):
        return None
    return found


CHUNK_ROWS: Final = 20_480
"""Chosen records of one step: a few of DuckDB's vectors, so that a step takes some tens of megabytes."""

_AHEAD: Final = 2
"""Steps that something is made of while one is being written."""

_GIVEN_BACK: Final = 8
"""Steps after which memory is given back to the system: to have it anew takes time."""

_THREADS: Final = 2

_PLACE: Final = "place"
"""Where a record stands in its release; no column of records is called so."""

LABELS_OF_GROUP: Final = (
    "array_to_string(list_sort(list_distinct(flatten(coalesce(list(community_labels) FILTER "
    "(community_labels IS NOT NULL), [])))), ';') AS community_labels"
)
"""The labels of communities that any of some counted records carry: a count is made of them, too."""

Part = TypeVar("Part")

Step = Callable[[float], None]
"""Stated how far the work is (0-1); raises to stop it."""

_BUFFERS: Final = "400MB"
"""What DuckDB may hold of the release at once: it is read once from one end to the other."""

_OCCURRENCES: Final = RELEASE["occurrences"]


class Selection(Closing):
    """Some or all occurrences of a release; use it in a `with` block.

    Attributes
    ----------
    release : str
        The release's id.
    created : str
        When it was made, ISO 8601.
    filter : Filter or None
        Which records.
    info : dict
        What the release tells of itself: `id`, `snapshot`, `rules_hash`, `created` and more, as text.
    """

    def __init__(self, path: Path, filter_: Filter | None) -> None:
        """Open a release's file.

        Parameters
        ----------
        path : Path
            The file.
        filter_ : Filter, optional
            Which records; all where none is given.

        Raises
        ------
        StoreError
            If it is no release.
        InputError
            If the filter does not fit.
        """
        self._condition, self._params = where(filter_, _OCCURRENCES)
        self.filter = filter_
        self._connection = connect_exporting(path, memory_limit=_BUFFERS, threads=_THREADS)
        self._running: set[duckdb.DuckDBPyConnection] = set()
        self._lock = threading.Lock()
        self._stopped = False
        self.info: dict[str, str] = dict(self.query("SELECT key, value FROM release_info").iter_rows())
        self.release = self.info["id"]
        self.created = self.info["created"]
        self._rows = int(json.loads(self.info["counts"])["occurrences"])
        self._empty = frozenset(json.loads(self.info["empty_columns"])["occurrences"])

    def close(self) -> None:
        """Stop what is being read, and close the release."""
        self.interrupt()
        self._connection.close()

    def share(self, place: int) -> float:
        """Return how much of the release has been read (0-1) when the record in a place has."""
        return (place + 1) / max(self._rows, 1)

    def interrupt(self) -> None:
        """Stop what is being read, from any thread; nothing can be read afterwards."""
        with self._lock:
            self._stopped = True
            for cursor in self._running:
                cursor.interrupt()

    def query(self, statement: str, params: Sequence[Any] = ()) -> pl.DataFrame:
        """Answer one question to the release."""
        with self._running_cursor() as cursor:
            try:
                return cursor.execute(statement, list(params)).pl()
            except duckdb.Error as error:
                raise _unreadable(error) from error

    def chosen(self, select: str, *, after: str = "") -> tuple[str, list[Any]]:
        """Return a statement over the chosen records and its parameters: SELECT … FROM … WHERE … and what comes after.

        Parameters
        ----------
        select : str
            Columns or aggregates, quoted.
        after : str
            GROUP BY, ORDER BY.
        """
        return f"SELECT {select} FROM occurrences WHERE {self._condition} {after}", list(self._params)

    def batches(self, select: str, *, after: str, rows: int = CHUNK_ROWS) -> Iterator[pl.DataFrame]:
        """Answer one statement over the chosen records in batches; the first one has no rows.

        DuckDB spills what does not fit into memory.
        """
        statement, params = self.chosen(select, after=after)
        with self._running_cursor() as cursor:
            try:
                reader = cursor.execute(statement, params).to_arrow_reader(rows)
                yield pl.DataFrame(pl.from_arrow(reader.schema.empty_table()))
                for batch in reader:
                    yield pl.DataFrame(pl.from_arrow(batch))
            except duckdb.Error as error:
                raise _unreadable(error) from error

    def chunks(
        self, columns: Sequence[str], then: Callable[[pl.DataFrame], Part], *, rows: int | None = None
    ) -> Iterator[tuple[int, Part]]:
        """Read the chosen records in the release's order, some steps ahead of whoever takes them.

        Parameters
        ----------
        columns : sequence of str
            What is read of each record, of `terms.EXPORTED_OCCURRENCE`.
        then : function of a frame
            What is made of the records of each step, several steps at a time.
        rows : int, optional
            How many records each step has but the last; `CHUNK_ROWS` where it is not stated.

        Yields
        ------
        (int, Part)
            The place of the step's last record, and what was made of its records.
        """
        published = [name for name in columns if name in _OCCURRENCES.columns]
        needed = (*lists.NAMED, "countryCode", "province_code") if len(published) < len(columns) else ()
        listed = [_OCCURRENCES.column(name) for name in dict.fromkeys([*published, *needed])]
        stated = self.query("SELECT * FROM taxon_statuses") if needed else pl.DataFrame()

        def make(frame: pl.DataFrame) -> Part:
            frame = terms.conform(frame, listed)
            return then(lists.of_records(frame, stated).select(columns) if needed else frame)

        waiting: deque[tuple[int, Future[Part]]] = deque()
        taken = 0
        with ThreadPoolExecutor(_AHEAD) as pool:
            try:
                for frame in self._frames(listed, rows or CHUNK_ROWS):
                    waiting.append((frame[_PLACE][-1], pool.submit(make, frame)))
                    del frame
                    if len(waiting) > _AHEAD:
                        done, future = waiting.popleft()
                        yield done, future.result()
                        del future
                        taken += 1
                        if taken % _GIVEN_BACK == 0:
                            give_back()
                while waiting:
                    done, future = waiting.popleft()
                    yield done, future.result()
            finally:
                for _, future in waiting:
                    future.cancel()

    def _frames(self, columns: Sequence[terms.Column], rows: int) -> Iterator[pl.DataFrame]:
        """Read the chosen records, so many in each frame but the last, with the place of each."""
        names = ", ".join([f"rowid AS {_PLACE}", *(quote(c.name) for c in columns if c.name not in self._empty)])
        statement = f"SELECT {names} FROM occurrences WHERE {self._condition}"
        kept: list[pl.DataFrame] = []
        height = 0
        with self._running_cursor() as cursor:
            try:
                for batch in cursor.execute(statement, list(self._params)).to_arrow_reader(rows):
                    kept.append(pl.DataFrame(pl.from_arrow(batch)))
                    height += kept[-1].height
                    while height >= rows:
                        whole = pl.concat(kept)
                        yield whole.head(rows)
                        kept, height = [whole.slice(rows)], height - rows
            except duckdb.Error as error:
                raise _unreadable(error) from error
        if height:
            yield pl.concat(kept)

    @contextmanager
    def _running_cursor(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Give a cursor that is known while it answers, so that it can be interrupted."""
        with self._connection.cursor() as cursor:
            cursor.execute(f"USE {ATTACHED}")
            with self._lock:
                if self._stopped:
                    message = "reading was stopped"
                    raise StoreError(message)
                self._running.add(cursor)
            try:
                yield cursor
            finally:
                with self._lock:
                    self._running.discard(cursor)


def _unreadable(error: duckdb.Error) -> StoreError:
    return StoreError(f"the release could not be read: {str(error).splitlines()[0]}")
