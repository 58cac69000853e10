"""Tables of text cut into records: how one is written, what it may hold, its records as columns or field by field, and what was mended.

A block in which every record has the fields that it should is cut whole columns at once; another one is halved until only
small pieces are left, which are read field by field.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Final, NamedTuple, NoReturn

import numpy as np
import numpy.typing as npt
import polars as pl

from biodata.core.errors import InputError, Refusal, shorten
from biodata.formats.encodings import count_of


@dataclass(frozen=True, slots=True)
class Dialect:
    """How a table of text is written.

    Attributes
    ----------
    separator : str
        One ASCII character between fields.
    quote : str, optional
        The ASCII character around a field that may hold separators and line ends, doubled inside it; None where
        quotes are letters like others.
    line_end : str
        LF (a CR before it belongs to it), or CR in files of old Macintoshes.
    """

    separator: str = ","
    quote: str | None = '"'
    line_end: str = "\n"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a text table may hold at most.

    Attributes
    ----------
    columns : int
        Columns of the heading.
    field_bytes : int
        UTF-8 bytes of one field.
    record_bytes : int
        UTF-8 bytes of one record.
    refusals : int
        Refused rows, after which the file is refused as a whole: its separator or its heading must be wrong.
    """

    columns: int = 2_000
    field_bytes: int = 1_000_000
    record_bytes: int = 8_000_000
    refusals: int = 100_000


# What a reader mended while it read a file: named, counted and reported, since a repair is never silent.
@dataclass(frozen=True, slots=True)
class Repair:
    """One kind of thing that was mended in one file.

    Attributes
    ----------
    file : str
        What a person calls the file.
    code : str
        A stable name, such as ROW_CELLS_MISSING.
    count : int
        How often it was mended.
    message : str
        What was found, and how it is read.
    """

    file: str
    code: str
    count: int
    message: str


class Repairs:
    """What was mended so far; complete when all of the file was read."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, str, str], int] = {}

    def add(self, file: str, code: str, message: str, *, count: int = 1) -> None:
        """Count a repair; none where `count` is 0."""
        if count:
            key = (file, code, message)
            self._counts[key] = self._counts.get(key, 0) + count

    def __iter__(self) -> Iterator[Repair]:
        """Yield each kind in the order in which it was found first."""
        return (Repair(file, code, count, message) for (file, code, message), count in self._counts.items())


# The fields of a text table one by one: for its heading, and where its quotes are not well formed.
@dataclass(frozen=True, slots=True)
class Record:
    """One record: the line it begins in, its fields, its bytes, and what is wrong with its quotes."""

    row: int
    values: list[bytes]
    raw: bytes
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Fields:
    """The complete records of a block, how many bytes they take, and how many physical lines."""

    records: list[Record]
    used_bytes: int
    lines: int


def split_fields(
    block: bytes, dialect: Dialect, *, line: int, at_end: bool, file: str, limits: Limits, most: int | None = None,
    with_empty: bool = False,
) -> Fields:  # fmt: skip
    """Split a block into records and fields, one after the other.

    Parameters
    ----------
    block : bytes
        UTF-8 that begins with a record; at the end of a file it ends with a line end.
    dialect : Dialect
        How the table is written. A quote inside an unquoted field is a letter; text between a closing quote and the
        next separator makes the record unusable, and the record ends where the line does. Empty lines are left out.
    line : int
        The physical line that the block begins with.
    at_end : bool
        Nothing follows.
    file : str
        Named in errors.
    limits : Limits
        What is too much.
    most : int, optional
        Stop after so many records.
    with_empty : bool
        An empty line is a record without fields: lines before the data are counted so.

    Raises
    ------
    InputError
        Where a field or a record is over the limit, or a quote is not closed, with the row.
    """
    splitter = _Splitter(block, dialect, at_end, file, limits)
    records: list[Record] = []
    position, lines = 0, 0
    while most is None or len(records) < most:
        if with_empty and (line_end := splitter.empty_line.match(block, position)):
            records.append(Record(line + lines, [], line_end[0]))
            position, lines = line_end.end(), lines + 1
            continue
        if empty := splitter.empty_lines.match(block, position):
            position = empty.end()
            lines += empty[0].count(splitter.line_end)
        record = splitter.record(position, line + lines) if position < len(block) else None
        if record is None:
            break
        position += len(record.raw)
        lines += record.raw.count(splitter.line_end)
        records.append(record)
    return Fields(records, position, lines)


class _Splitter:
    """A block on its way to being split."""

    def __init__(self, block: bytes, dialect: Dialect, at_end: bool, file: str, limits: Limits) -> None:
        self.block, self.at_end, self.file, self.limits = block, at_end, file, limits
        self.plain, self.quoted, self.empty_lines, self.empty_line = _patterns(dialect)
        self.line_end = dialect.line_end.encode()
        self.quote = dialect.quote.encode() if dialect.quote else b""

    def record(self, start: int, line: int) -> Record | None:
        """Return the record that begins at `start`; None where the block ends before it does."""
        values: list[bytes] = []
        problem = None
        position = start
        while True:
            begin = position
            found = self.field(begin)
            if found is None or found[1] == len(self.block):
                self.refuse_what_never_ends(start, begin, line)
                return None
            value, position, fits = found
            if position - begin > self.limits.field_bytes:
                self.refuse_length(position - begin, line)
            values.append(value)
            if not fits and problem is None:
                problem = f"text after the closing quote of field {len(values)}"
            position += 1
            if self.block.startswith(self.line_end, position - 1):
                return Record(line, values, self.block[start:position], problem)

    def field(self, begin: int) -> tuple[bytes, int, bool] | None:
        """Return a field, where it ends, and whether nothing follows its closing quote; None where that is missing."""
        if not self.quote or not self.block.startswith(self.quote, begin):
            value, end = self.rest_of_field(begin)
            return value, end, True
        if (match := self.quoted.match(self.block, begin)) is None:
            return None
        trailing, end = self.rest_of_field(match.end())
        return match[1].replace(self.quote * 2, self.quote), end, not trailing

    def rest_of_field(self, begin: int) -> tuple[bytes, int]:
        """Return what stands before the next separator or line end, without the CR of a CR LF, and where that is."""
        match = self.plain.match(self.block, begin)
        end = match.end() if match else begin
        value = self.block[begin:end]
        if self.line_end == b"\n" and value.endswith(b"\r") and self.block.startswith(b"\n", end):
            value = value[:-1]
        return value, end

    def refuse_what_never_ends(self, start: int, begin: int, line: int) -> None:
        """Raise an error for a record that the block cuts, where more text cannot complete it within the limits."""
        length = len(self.block) - begin
        if self.quote and self.block.startswith(self.quote, begin):
            if self.at_end or length > self.limits.field_bytes:
                problem = "a quoted field is not closed"
                problem += "" if self.at_end else f" within {self.limits.field_bytes:,} bytes"
                raise InputError(problem, file=self.file, row=line, code="QUOTE_NOT_CLOSED")
        elif length > self.limits.field_bytes:
            self.refuse_length(length, line)
        if len(self.block) - start > self.limits.record_bytes:
            problem = f"a record of more than {self.limits.record_bytes:,} bytes"
            raise InputError(problem, file=self.file, row=line, code="RECORD_TOO_LONG")

    def refuse_length(self, length: int, line: int) -> NoReturn:
        """Raise the error for a field over the limit."""
        problem = f"a field of {length:,} bytes or more"
        expected = f"at most {self.limits.field_bytes:,}"
        raise InputError(problem, file=self.file, row=line, expected=expected, code="FIELD_TOO_LONG")


@cache
def _patterns(dialect: Dialect) -> tuple[re.Pattern[bytes], re.Pattern[bytes], re.Pattern[bytes], re.Pattern[bytes]]:
    """Return what matches an unquoted field, a quoted one, empty lines, and a single one."""
    ends = re.escape(dialect.separator + dialect.line_end).encode()
    quote = re.escape(dialect.quote or '"').encode()
    plain = re.compile(b"[^" + ends + b"]*+")
    quoted = re.compile(quote + b"((?:[^" + quote + b"]++|" + quote + quote + b")*+)" + quote)
    empty_lines = re.compile(rb"(?:\r?\n)++" if dialect.line_end == "\n" else rb"\r++")
    empty_line = re.compile(rb"\r?\n" if dialect.line_end == "\n" else rb"\r")
    return plain, quoted, empty_lines, empty_line


# A block of a text table cut into records.
Positions = npt.NDArray[np.int64]

_CR: Final = ord("\r")
_BLANK: Final = b" \t\r\n"
_SMALL: Final = 1 << 16
"""Bytes of a block that is not cut in two any more."""
_PIECE: Final = 1 << 17
"""Bytes that are compared at once, so that what comes of it stays in the processor's cache."""


@dataclass(slots=True)
class Cut:
    """What came out of a block.

    Attributes
    ----------
    frame : polars.DataFrame
        The records that have the right number of fields: `source_row` and the columns, in the file's order.
    refusals : list of Refusal
        The others.
    used_bytes : int
        How much of the block was used up; the rest is the beginning of the next record.
    lines : int
        Physical lines in what was used up.
    short, long : int
        Records whose last cells were left out, and records with empty cells behind the last column, where they are mended.
    """

    frame: pl.DataFrame
    refusals: list[Refusal] = field(default_factory=list)
    used_bytes: int = 0
    lines: int = 0
    short: int = 0
    long: int = 0

    def joined(self, following: "Cut") -> "Cut":
        """Return this and the cut of what follows as one."""
        return Cut(
            pl.concat([self.frame, following.frame]), self.refusals + following.refusals,
            self.used_bytes + following.used_bytes, self.lines + following.lines, self.short + following.short,
            self.long + following.long,
        )  # fmt: skip


def cut(
    block: bytes, *, names: Sequence[str], dialect: Dialect, line: int, at_end: bool, file: str, limits: Limits,
    mended: bool = False,
) -> Cut:  # fmt: skip
    """Cut a block into records.

    Parameters
    ----------
    block : bytes
        UTF-8 that begins with a record; its last record may be incomplete.
    names : sequence of str
        The columns.
    dialect : Dialect
        How the table is written.
    line : int
        The physical line that the block begins with.
    at_end : bool
        Nothing follows, so that the last record needs no line end.
    file : str
        Named in refusals.
    limits : Limits
        What is too much.
    mended : bool
        A record that ends early has empty cells for the rest, and empty cells behind the last column are left out; else
        both are refused. Cells behind the last column that hold something are always refused: a separator inside a cell
        has moved the others.

    Returns
    -------
    Cut
        Values as they came, empty ones null. A record's row is the physical line that it begins in, also where a
        quoted field goes on over several; empty lines are no records.

    Raises
    ------
    InputError
        Where a field or a record is over the limit (FIELD_TOO_LONG, RECORD_TOO_LONG), or a quote is not closed
        (QUOTE_NOT_CLOSED), with the row.
    """
    if at_end and block and not block.endswith(dialect.line_end.encode()):
        block += dialect.line_end.encode()
    ends = _record_ends(block, dialect)
    if ends is not None and ends.records.size:
        if (whole := _even(block, ends, names, dialect, line, at_end, limits)) is not None:
            return whole
        if len(block) > _SMALL:
            # What is amiss stands in one half, mostly.
            middle = int(ends.records[(ends.records.size - 1) // 2]) + 1
            options: dict[str, Any] = {
                "names": names, "dialect": dialect, "file": file, "limits": limits, "mended": mended,
            }  # fmt: skip
            if middle < len(block):
                first = cut(block[:middle], line=line, at_end=False, **options)
                return first.joined(cut(block[middle:], line=line + first.lines, at_end=at_end, **options))
    return _field_by_field(block, names, dialect, line, at_end, file, limits, mended=mended)


class _Ends(NamedTuple):
    """Where the lines of a block end, and those lines that end a record; where its quotes stand."""

    lines: Positions
    records: Positions
    quotes: Positions


def _record_ends(block: bytes, dialect: Dialect) -> _Ends | None:
    """Return where the records of a block end; None where only reading field by field tells it."""
    bytes_ = np.frombuffer(block, np.uint8)
    lines = _positions(bytes_, ord(dialect.line_end))
    # One sign is looked for ten times as fast as each of its places, or as two signs together.
    has_quotes = dialect.quote is not None and dialect.quote.encode() in block
    quotes = np.flatnonzero(bytes_ == ord(str(dialect.quote))) if has_quotes else np.empty(0, np.int64)
    # Polars leaves out a byte order mark, and a CR before a separator.
    before_separator = b"\r" in block and b"\r" + dialect.separator.encode() in block
    if block.startswith(b"\xef\xbb\xbf") or before_separator or not _well_formed(bytes_, quotes, dialect):
        return None
    return _Ends(lines, lines[np.searchsorted(quotes, lines) % 2 == 0] if quotes.size else lines, quotes)


def _positions(bytes_: npt.NDArray[np.uint8], wanted: int) -> Positions:
    """Return where a byte stands."""
    pieces = range(0, bytes_.size, _PIECE)
    found = [np.flatnonzero(bytes_[at : at + _PIECE] == wanted) + at for at in pieces]
    return np.concatenate(found) if found else np.empty(0, np.int64)


def _even(
    block: bytes, ends: _Ends, names: Sequence[str], dialect: Dialect, line: int, at_end: bool, limits: Limits
) -> Cut | None:
    """Return the records of a block in which nothing is amiss, as many fields in each; else None.

    Polars refuses a record that is too long. Where it does not, and all records together have the separators that they
    should, none is too short either, and none is empty.
    """
    used = int(ends.records[-1]) + 1
    rest = len(block) - used
    longest = max(int(np.diff(ends.records, prepend=-1).max()) - 1, rest)
    if len(names) < 2 or longest > limits.field_bytes or (at_end and rest) or block.find(b"\x00", 0, used) >= 0:
        return None
    if ends.quotes.size:
        separators = np.flatnonzero(np.frombuffer(block, np.uint8, used) == ord(dialect.separator))
        count = int((np.searchsorted(ends.quotes, separators) % 2 == 0).sum())
    else:
        count = count_of(memoryview(block)[:used], dialect.separator)
    if count != ends.records.size * (len(names) - 1):
        return None
    try:
        frame = _polars(block[:used] if rest else block, names, dialect, quoted=bool(ends.quotes.size))
    except pl.exceptions.PolarsError:
        return None
    if frame.height != ends.records.size:
        return None
    starts = np.concatenate(([0], ends.records[:-1] + 1))
    rows = pl.Series("source_row", line + np.searchsorted(ends.lines, starts), pl.Int64)
    return Cut(frame.insert_column(0, rows), [], used, int(np.searchsorted(ends.lines, used)))


def _well_formed(bytes_: npt.NDArray[np.uint8], quotes: Positions, dialect: Dialect) -> bool:
    """Return whether every opening quote begins a field and every closing one ends it, doubled ones aside."""
    if not quotes.size:
        return True
    outside = [ord(dialect.separator), ord(dialect.line_end)]
    opening, closing = quotes[::2], quotes[1::2]
    before = bytes_[opening - 1]
    opens = np.isin(before, outside) | (opening == 0)
    opens[1:] |= closing[: opening.size - 1] == opening[1:] - 1
    closes = closing[:-1] if closing.size and closing[-1] == bytes_.size - 1 else closing
    after = bytes_[closes + 1]
    ends = np.isin(after, outside) | (after == ord(dialect.quote or ""))
    if dialect.line_end == "\n":
        ends |= (after == _CR) & (bytes_[np.minimum(closes + 2, bytes_.size - 1)] == ord("\n"))
    return bool(opens.all() and ends.all())


def _refusal(record: bytes, row: int, count: int, expected: int, file: str) -> Refusal:
    """Return why a record cannot be taken."""
    value = shorten(record[:400].decode("utf-8", "ignore").rstrip("\r\n"))
    if b"\x00" in record:
        return Refusal(file, row, None, value.replace("\x00", "␀"), "ROW_HAS_NUL", "the row holds a NUL character")
    problem = f"{count} fields where the heading has {expected}"
    return Refusal(file, row, None, value, "ROW_FIELD_COUNT", problem)


def _polars(good: bytes, names: Sequence[str], dialect: Dialect, *, quoted: bool) -> pl.DataFrame:
    """Return well-formed records as a frame."""
    schema = dict.fromkeys(names, pl.String)
    if not good:
        return pl.DataFrame(schema=schema)
    frame = pl.read_csv(
        good, has_header=False, schema=schema, separator=dialect.separator,
        quote_char=dialect.quote if quoted else None, eol_char=dialect.line_end, infer_schema=False,
    )  # fmt: skip
    # Polars keeps a quoted empty field apart from an empty one; here both say nothing.
    return frame.with_columns(pl.all().replace("", None)) if quoted else frame


def _field_by_field(
    block: bytes, names: Sequence[str], dialect: Dialect, line: int, at_end: bool, file: str, limits: Limits, *,
    mended: bool,
) -> Cut:  # fmt: skip
    """Return the same as `cut` for a block whose quotes are not well formed."""
    found = split_fields(block, dialect, line=line, at_end=at_end, file=file, limits=limits)
    good, rows, refusals = [], [], []
    short = long = 0
    for record in found.records:
        values, beyond = record.values[: len(names)], record.values[len(names) :]
        fits = not any(value.strip(_BLANK) for value in beyond) if mended else len(record.values) == len(names)
        if record.problem:
            value = shorten(record.raw.decode("utf-8", "ignore").rstrip("\r\n"))
            refusals.append(Refusal(file, record.row, None, value, "ROW_QUOTE_INVALID", record.problem))
        elif not fits or b"\x00" in record.raw:
            refusals.append(_refusal(record.raw, record.row, len(record.values), len(names), file))
        else:
            short, long = short + (len(values) < len(names)), long + bool(beyond)
            good.append([value.decode() or None for value in values] + [None] * (len(names) - len(values)))
            rows.append(record.row)
    frame = pl.DataFrame(good, schema=dict.fromkeys(names, pl.String), orient="row")
    frame.insert_column(0, pl.Series("source_row", rows, pl.Int64))
    return Cut(frame, refusals, found.used_bytes, found.lines, short, long)
