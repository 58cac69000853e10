"""The fields of a text table one by one: for its heading, and where its quotes are not well formed."""

import re
from dataclasses import dataclass
from functools import cache
from typing import NoReturn

from biodata.errors import InputError
from biodata.formats.dialects import Dialect, Limits


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
    block: bytes,
    dialect: Dialect,
    *,
    line: int,
    at_end: bool,
    file: str,
    limits: Limits,
    most: int | None = None,
    with_empty: bool = False,
) -> Fields:
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
        match = self.quoted.match(self.block, begin)
        if match is None:
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
def _patterns(
    dialect: Dialect,
) -> tuple[re.Pattern[bytes], re.Pattern[bytes], re.Pattern[bytes], re.Pattern[bytes]]:
    """Return what matches an unquoted field, a quoted one, empty lines, and a single one."""
    ends = re.escape(dialect.separator + dialect.line_end).encode()
    quote = re.escape(dialect.quote or '"').encode()
    plain = re.compile(b"[^" + ends + b"]*+")
    quoted = re.compile(quote + b"((?:[^" + quote + b"]++|" + quote + quote + b")*+)" + quote)
    empty_lines = re.compile(rb"(?:\r?\n)++" if dialect.line_end == "\n" else rb"\r++")
    empty_line = re.compile(rb"\r?\n" if dialect.line_end == "\n" else rb"\r")
    return plain, quoted, empty_lines, empty_line
