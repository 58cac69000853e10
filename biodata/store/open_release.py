"""A release that is open: questions to it, each on a cursor of its own and under a watchdog."""

import base64
import binascii
import hashlib
import json
import logging
import re
import threading
import time
import weakref
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from biodata.core.errors import InputError, QueryTimeoutError, StoreError
from biodata.store import pointer, tiles
from biodata.store.duck import connect, joined, literal, quote, sql_type
from biodata.store.query import sql
from biodata.store.query.filters import Filter
from biodata.store.tables import RELEASE, RELEASE_FORMAT, Place, Table

logger = logging.getLogger(__name__)

T = TypeVar("T")

_RECORD_COLUMNS: Final = frozenset({*RELEASE["occurrences"].columns, "mx", "my", "hk", "rowid"})
_WORD: Final = re.compile(r"\w+")
_STATEMENTS_KEPT: Final = 512

_BATCH_ROWS: Final = 16_384
"""Rows of one batch of columns. One of a million rows is made room for at once, which costs half of a tile's time."""

_MERGED: Final = "SELECT 1 FROM duckdb_tables() WHERE table_name = 'came_beside'"
"""Answers where a file was merged of two, and knows which records stood beside its base."""

_FEATURES_KEPT: Final = 100
"""Expressions for features that are kept as text: one for each choice of properties."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of the rows that were asked for.

    Attributes
    ----------
    rows : list of tuple
        Values in the order of the columns that were asked for.
    cursor : str, optional
        What asks for the next page of the same release; None after the last.
    """

    rows: list[tuple[Any, ...]]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Cursor:
    """Where a page ended.

    Attributes
    ----------
    release : str
        The release that the page was read from.
    table : str
        Its table.
    question : str
        What tells which rows were asked for from others.
    after : int
        Place of the page's last row.
    part : int
        0 in a whole file; 1 where the row stands in the base of a file that differs from one, 2 beside it.
    key : int
        The row's, of records of such a file: by it the place is found when the file was merged with its base meanwhile.
    """

    release: str
    table: str
    question: str
    after: int
    part: int = 0
    key: int = 0

    def encode(self) -> str:
        """Return the cursor as text for a link."""
        text = json.dumps(list(astuple(self)), separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, text: str) -> Self:
        """Read a cursor.

        Raises
        ------
        InputError
            With the code CURSOR_INVALID.
        """
        try:
            if len(text) > 200:
                raise ValueError  # noqa: TRY301 - told below, as every other fault of a cursor
            content = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
            release, table, question, *numbers = content
            after, part, key = numbers
        except (ValueError, TypeError, binascii.Error) as error:
            raise _no_cursor(text) from error
        texts = isinstance(release, str) and isinstance(question, str)
        known = all(type(one) is int and 0 <= one < 2**62 for one in numbers)
        if not (texts and known and table in RELEASE and part <= 2):
            raise _no_cursor(text)
        return cls(release, table, question, after, part, key)


class OpenRelease:
    """A release that is open for questions, from any thread.

    Attributes
    ----------
    path : Path
        Its file; one of the same release that was merged has another, and its rows another order.
    id : str
        The release's id.
    info : dict
        What the release tells of itself: snapshot, created, counts, rules_hash, content_hash, biodata, and of its
        boundary set: boundary_set, boundary_version, viewpoint, band_m.
    """

    def __init__(self, path: Path, *, timeout_seconds: float) -> None:
        self.path = path
        self._differs = path.name.endswith(pointer.DELTA)
        self._gone: NDArray[np.int64] = np.array([], np.int64)
        """Places of the base's records that are gone, in their order."""
        self._base_rows = 0
        self._connection = connect(path)
        self._features: dict[tuple[str, str, tuple[str, ...], bool], str] = {}
        self._watchdog = Watchdog(timeout_seconds)
        # The reader lets go of a release without closing it, while requests still hold it.
        weakref.finalize(self, self._watchdog.close)
        try:
            facts = dict(self.run("SELECT key, value FROM release_info", []))
            if facts.get("format") != RELEASE_FORMAT:
                raise ValueError  # noqa: TRY301 - told below
            self._empty: Mapping[str, list[str]] = json.loads(facts.pop("empty_columns"))
            """Columns without any value are not read."""
            if self._differs:
                gone = self.run("SELECT place FROM occurrences_gone ORDER BY place", [])
                self._gone = np.array([place for (place,) in gone], np.int64)
                self._base_rows = int(json.loads(facts["changed"])["base"])
            self._crowds = frozenset(self.run("SELECT z, x, y FROM occurrence_crowds", []))
            self.id: str = facts["id"]
            self.info: dict[str, Any] = {
                **facts,
                "snapshot": int(facts["snapshot"]),
                "counts": json.loads(facts["counts"]),
                "boundaries": json.loads(facts["boundaries"]),
            }  # fmt: skip
        except (StoreError, KeyError, ValueError) as error:
            self.close()
            message = f"{path.name} is no release of this version of biodata; run `biodata release`"
            raise StoreError(message) from error

    def run(self, statement: str, params: list[Any]) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows; see `_ask`."""
        return self._ask(statement, params, lambda answer: answer.fetchall())

    def _columns(self, statement: str, params: list[Any], then: Callable[[pa.RecordBatchReader], T]) -> T:
        """Run one statement and return what is made of its columns as they come; see `_ask`."""
        return self._ask(statement, params, lambda answer: then(answer.to_arrow_reader(_BATCH_ROWS)))

    def frame(self, table: str, columns: Sequence[str], where: Filter | None = None) -> pl.DataFrame:
        """Return columns of rows as a frame, in the table's own order: for many rows, which then need no tuples."""
        return self._ask(*sql.select(_table(table), columns, where), lambda answer: answer.pl())

    def _ask(self, statement: str, params: list[Any], fetch: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """Run one statement on a cursor of its own; a watchdog interrupts it when its time is over.

        Raises
        ------
        QueryTimeoutError
            If it took too long.
        StoreError
            If it cannot be answered.
        """
        with self._connection.cursor() as cursor, self._watchdog.over(cursor.interrupt):
            try:
                return fetch(cursor.execute(self._narrowed(statement), params))
            except duckdb.InterruptException as error:
                message = f"the answer took longer than {self._watchdog.timeout_seconds:g} s"
                raise QueryTimeoutError(message) from error
            except duckdb.Error as error:
                # The message may hold paths and SQL: it goes to the log and not to whoever asked.
                logger.warning("a question failed: %s", error)
                message = "the release could not answer"
                raise StoreError(message) from error

    def _narrowed(self, statement: str) -> str:
        """Return a statement that sees only the columns of records that it names.

        Where records are a view of two files, half of a small question's time is making it of 106 columns.
        """
        if not self._differs or "occurrences" not in statement or statement.startswith("WITH "):
            return statement
        return over_both_files(statement, gone=self._gone.size > 0)

    def _is_signed(self, table: str) -> bool:
        """Whether rows of a table are counted by their signs: in less time than by leaving out those that are gone."""
        return self._gone.size > 0 and table == "occurrences"

    def page(
        self, table: str, where: Filter | None, columns: Sequence[str], *, limit: int, offset: int = 0,
        cursor: str | None = None,
    ) -> Page:  # fmt: skip
        """Read a page of rows; the order is the release's own and never changes.

        Parameters
        ----------
        table : str
            A table of `tables.RELEASE`.
        where : Filter, optional
            Which rows.
        columns : sequence of str
            What is read of each.
        limit, offset : int
            How many rows, and how many of the first (behind the cursor) to leave out.
        cursor : str, optional
            Of the page before.

        Raises
        ------
        InputError
            If the cursor is of another release or table, a column is unknown, or limit or offset are negative.
        """
        found, empty = _table(table), self._empty.get(table, ())
        lines = [value(found, name, empty) for name in columns]
        return self._page(found, lines, where, limit=limit, offset=offset, cursor=cursor)

    def features(
        self, table: str, where: Filter | None, key: str, properties: Sequence[str], *,
        documents: frozenset[str] = frozenset(), shapes: frozenset[str] = frozenset(), limit: int, offset: int = 0,
        cursor: str | None = None, flipped: bool = False,
    ) -> Page:  # fmt: skip
        """Read a page of rows as GeoJSON features: each row is one text.

        Parameters
        ----------
        table : str
            A table of `tables.RELEASE` with places.
        where, limit, offset, cursor
            As of `page`.
        key : str
            The column that is a feature's id.
        properties : sequence of str
            The columns that stand in every feature.
        documents, shapes : frozenset of str
            Those of them that are JSON, and WKB.
        flipped : bool
            Latitude first.

        Raises
        ------
        InputError
            As of `page`.
        """
        found = _table(table)
        kind = (table, key, tuple(properties), flipped)
        text = self._features.get(kind)
        if text is None:
            empty = self._empty.get(table, ())
            text = feature(found, key, properties, documents=documents, shapes=shapes, empty=empty, flipped=flipped)
            if len(self._features) < _FEATURES_KEPT:
                self._features[kind] = text
        return self._page(found, [text], where, limit=limit, offset=offset, cursor=cursor)

    def _page(
        self, table: Table, lines: Sequence[str], where: Filter | None, *, limit: int, offset: int, cursor: str | None
    ) -> Page:
        """Read expressions of a page of rows."""
        if limit < 0 or offset < 0:
            problem = "limit and offset cannot be negative"
            raise InputError(problem, value=f"{limit}, {offset}", code="PAGE_INVALID")
        place = None if cursor is None else self._place(cursor, table, where)
        if limit == 0:
            return Page([], None)
        # One row more than asked says whether there is a next page.
        merged_since = place is not None and place.part > 0 and not self._differs
        key = "key" if merged_since or (self._differs and table.name == "occurrences") else "0"
        if merged_since and place is not None:
            rows = self._rows_as_before([*lines, key], where, limit + 1, offset, place)
        else:
            rows = self._rows(table, [*lines, key], where, limit + 1, offset, -1 if place is None else place.after)
        more = len(rows) > limit > 0
        rows = rows[:limit]
        following = None
        if more:
            at, *_, number = rows[-1]
            part = self._part_of(number) if merged_since else 1 + (at >= self._base_rows) if self._differs else 0
            following = Cursor(self.id, table.name, self._question(where), at, part, number).encode()
        return Page([row[1:-1] for row in rows], following)

    def _place(self, cursor: str, table: Table, where: Filter | None) -> Cursor:
        """Return where the page before ended; refuse a cursor by which this file cannot go on."""
        place = Cursor.decode(cursor)
        same = (place.release, place.table, place.question) == (self.id, table.name, self._question(where))
        # Of the other tables of a file of two nobody knows the order when it is merged.
        goes_on = bool(place.part) == self._differs or (
            place.part and table.name == "occurrences" and self.run(_MERGED, [])
        )
        if not (same and goes_on):
            raise _no_cursor(cursor)
        return place

    def _part_of(self, key: int) -> int:
        """Return in which of two files a record stood that were merged since."""
        return 1 + len(self.run("SELECT 1 FROM came_beside WHERE key = ?", [key]))

    def _rows_as_before(
        self, lines: Sequence[str], where: Filter | None, limit: int, offset: int, place: Cursor
    ) -> list[tuple[Any, ...]]:
        """Read records in the order that they had before the file was merged: those of its base first."""
        condition, params = sql.where(where, RELEASE["occurrences"])
        at = self.run("SELECT rowid FROM occurrences WHERE key = ?", [place.key])
        beside = "key IN (FROM came_beside)"
        behind = f"({beside} {'OR' if place.part == 1 else 'AND'} rowid > ?)"
        statement = (
            f"SELECT rowid, {', '.join(lines)} FROM occurrences WHERE {behind} AND {condition} "  # noqa: S608 - our own names
            f"ORDER BY {beside}, rowid LIMIT ? OFFSET ?"
        )
        return self.run(statement, [at[0][0], *params, limit, offset])

    def _rows(
        self, table: Table, lines: Sequence[str], where: Filter | None, limit: int, offset: int, after: int
    ) -> list[tuple[Any, ...]]:
        """Read expressions of rows with their places before them, those that are gone left out."""
        if offset or not self._is_signed(table.name):
            return self.run(*sql.page(table, lines, where, limit=limit, offset=offset, after=after))
        found: list[tuple[Any, ...]] = []
        wanted = limit + limit // 32 + 1
        while True:
            statement, params = sql.page(table, lines, where, limit=wanted, after=after)
            rows = self.run(over_both_files(statement), params)
            gone = tiles.is_among(np.array([row[0] for row in rows], np.int64), self._gone)
            found += [row for row, went in zip(rows, gone, strict=True) if not went]
            if len(rows) < wanted or len(found) >= limit:
                return found[:limit]
            after = rows[-1][0]

    def _question(self, where: Filter | None) -> str:
        """Return what states a question from others."""
        return hashlib.blake2b(repr(where).encode(), digest_size=6).hexdigest()

    def count(self, table: str, where: Filter | None = None) -> int:
        """Count rows."""
        if where is None:
            return int(self.info["counts"][_table(table).name])
        if self._is_signed(table):
            statement, params = sql.count(_table(table), where, counted="coalesce(sum(sign), 0)")
            return int(self.run(over_both_files(statement, signed=True), params)[0][0])
        return int(self.run(*sql.count(_table(table), where))[0][0])

    def facet(
        self, table: str, where: Filter | None, column: str, *, limit: int, offset: int = 0, minimum: int = 1
    ) -> list[tuple[Any, int]]:
        """Count rows by the values of a column, the most frequent first; see `query.sql.facet`."""
        signed = self._is_signed(table)
        statement, params = sql.facet(
            _table(table), column, where, limit=limit, offset=offset, minimum=minimum, signed=signed
        )
        statement = over_both_files(statement, signed=True) if signed else statement
        return [(value, int(count)) for value, count in self.run(statement, params)]

    def extent(self, table: str) -> tuple[float, float, float, float]:
        """Return west, south, east, north of a table's places, degrees; the whole Earth where it has none."""
        statement = sql.extent(_table(table))
        edges = self.run(statement, [])[0] if statement is not None else (None,)
        return (-180.0, -90.0, 180.0, 90.0) if None in edges else (edges[0], edges[1], edges[2], edges[3])

    def days(self, table: str) -> tuple[date | None, date | None]:
        """Return the first and the last day that a table's rows tell; None where there are none."""
        statement = sql.days(_table(table))
        first, last = self.run(statement, [])[0] if statement is not None else (None, None)
        return first, last

    def tile(
        self, table: str, z: int, x: int, y: int, where: Filter | None = None, properties: Sequence[str] | None = None
    ) -> bytes:
        """Return a vector tile; see `tiles.tile`."""
        changes = tiles.Changes(self._gone, over_both_files) if self._is_signed(table) else None
        return tiles.tile(
            self._columns, table, z, x, y, where=where, properties=properties, crowds=self._crowds, changes=changes
        )

    def close(self) -> None:
        """Close it; a question that is being answered ends first."""
        self._watchdog.close()
        self._connection.close()


@lru_cache(maxsize=_STATEMENTS_KEPT)
def over_both_files(statement: str, *, gone: bool = False, signed: bool = False) -> str:
    """Return a statement that sees the columns that it names of the records of both files; see `duck.joined`."""
    columns = [name for name in dict.fromkeys(_WORD.findall(statement)) if name in _RECORD_COLUMNS] or ["key"]
    records = joined("occurrences", columns, gone=gone, signed=signed)
    return f"WITH occurrences AS NOT MATERIALIZED ({records}) {statement}"


def _table(name: str) -> Table:
    """Return a table of a release."""
    if name not in RELEASE:
        problem = f"a release has no table {name[:40]!r}"
        raise InputError(problem, expected=f"its tables: {', '.join(RELEASE)}", code="TABLE_UNKNOWN")
    return RELEASE[name]


def _no_cursor(text: str) -> InputError:
    problem = "this cursor is not of this answer"
    return InputError(problem, value=text, expected="take the one from the last page", code="CURSOR_INVALID")


_LONGITUDE = "decimalLongitude"
_LATITUDE = "decimalLatitude"


def feature(
    table: Table, key: str, properties: Sequence[str], *, documents: Collection[str] = (),
    shapes: Collection[str] = (), empty: Collection[str] = (), flipped: bool = False,
) -> str:  # fmt: skip
    """Return the SQL expression of a row as a GeoJSON feature.

    Parameters
    ----------
    table : Table
        A table with places.
    key : str
        The column that is the feature's id.
    properties : sequence of str
        Columns that stand in every feature in this order, null where nothing is known.
    documents, shapes : collection of str
        Those of them that are JSON, and WKB.
    empty : collection of str
        Columns that are null in every row of the release: they are not read.
    flipped : bool
        Latitude first, as EPSG:4326 has it.

    Returns
    -------
    str
        An expression of type JSON.
    """

    def member(name: str) -> str:
        if name in shapes:
            return _drawn(name, flipped=flipped)
        text = value(table, name, empty)
        return f"{text}::JSON" if name in documents else text

    members = ", ".join(f"{literal(name)}, {member(name)}" for name in properties)
    place = _drawn("geometry", flipped=flipped)
    if table.place is Place.POINT:
        x, y = (quote(name) for name in ((_LATITUDE, _LONGITUDE) if flipped else (_LONGITUDE, _LATITUDE)))
        place = f"""CASE WHEN {x} IS NOT NULL AND {y} IS NOT NULL
            THEN json_object('type', 'Point', 'coordinates', [{x}, {y}]) END"""
    return f"""json_object('type', 'Feature', 'id', {quote(table.column(key).name)}, 'geometry', {place},
        'properties', json_object({members}))"""


def _drawn(name: str, *, flipped: bool) -> str:
    """Return a column of WKB as GeoJSON."""
    shape = f"ST_GeomFromWKB({quote(name)})"
    return f"ST_AsGeoJSON({f'ST_FlipCoordinates({shape})' if flipped else shape})"


def value(table: Table, name: str, empty: Collection[str]) -> str:
    """Return a column as an expression; a null of its type where the release has nothing in it."""
    column = table.column(name)
    if name in empty:
        return f"NULL::{sql_type(column.dtype)}"
    return quote(column.name)


_LOOKS: Final = 20
"""How often the thread looks in the time that one question may take: a question ends at most a 20th of it late."""


class Watchdog:
    """Interrupts what takes too long.

    Parameters
    ----------
    timeout_seconds : float
        What one question may take.

    Notes
    -----
    A `threading.Timer` a question costs as much as a short question itself. Here a question costs two operations on a
    dictionary; the thread starts with the first.
    """

    def __init__(self, timeout_seconds: float) -> None:
        self.timeout_seconds = timeout_seconds
        self._lock = threading.Lock()
        self._running: dict[object, tuple[float, Callable[[], None]]] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @contextmanager
    def over(self, interrupt: Callable[[], None]) -> Iterator[None]:
        """Call `interrupt` if the block takes too long, at most once and never after its end."""
        mark = object()
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)
                self._thread.start()
            self._running[mark] = (time.monotonic() + self.timeout_seconds, interrupt)
        try:
            yield
        finally:
            with self._lock:
                self._running.pop(mark, None)

    def close(self) -> None:
        """End the thread."""
        self._stop.set()

    def _watch(self) -> None:
        """Look at what runs, again and again."""
        while not self._stop.wait(self.timeout_seconds / _LOOKS):
            now = time.monotonic()
            with self._lock:
                late = [mark for mark, (deadline, _) in self._running.items() if deadline <= now]
                for mark in late:
                    # Under the lock: a question that has just ended cannot give its cursor to another meanwhile.
                    self._running.pop(mark)[1]()
