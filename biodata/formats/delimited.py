"""Tables of delimited text (CSV, TSV), streamed: the same strictness for ten rows and for ten million."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import BinaryIO, Final

import polars as pl

from biodata.core.errors import InputError, Refusal
from biodata.formats import encodings
from biodata.formats.encodings import utf8_blocks
from biodata.formats.records import Dialect, Limits, Record, Repairs, cut, split_fields

SEPARATORS: Final = ("\t", ",", ";", "|")
"""What can part the fields of a table whose separator was not stated."""
_SEEN_BYTES: Final = 200_000


def sniff(beginning: bytes, *, separator: str | None = None, told: Dialect | None = None) -> Dialect:
    """Find how a table is written.

    Parameters
    ----------
    beginning : bytes
        Its first block, UTF-8.
    separator : str, optional
        The separator, where it is known.
    stated : Dialect, optional
        Separator and quote, where both are known; the line end is found in any case, since it is often stated wrong.

    Returns
    -------
    Dialect
        The separator is the one that stands most often in the first line; a line without any is a single column.
        Quotes count, except in tab separated files where hardly any field is well quoted: GBIF's downloads do not
        quote, and a name may begin with a quotation mark there.
    """
    line_end = _line_end(beginning)
    if told is not None:
        return replace(told, line_end=line_end)
    end = beginning.find(line_end.encode())
    first_line = (beginning if end < 0 else beginning[:end]).decode("utf-8", "replace")
    if separator is None:
        unquoted = "".join(first_line.split('"')[::2])
        separator = max(SEPARATORS, key=unquoted.count) if any(s in unquoted for s in SEPARATORS) else ","
    if separator == "\t" and not _quotes_are_syntax(beginning, first_line, line_end):
        return Dialect(separator, None, line_end)
    return Dialect(separator, '"', line_end)


def _line_end(beginning: bytes) -> str:
    """Return CR only where it ends the lines by itself; an LF inside a quoted field does not hide that."""
    seen = beginning[:_SEEN_BYTES]
    if b"\r" not in seen and b"\n" not in seen:
        seen = beginning
    returns = seen.count(b"\r") - seen.count(b"\r\n")
    feeds = seen.count(b"\n")
    return "\r" if returns > 10 * feeds and b"\r\n" not in seen else "\n"


def _quotes_are_syntax(beginning: bytes, first_line: str, line_end: str) -> bool:
    """Return whether the quotes of a tab separated file are there to be taken off."""
    if first_line.split("\t")[0] == "gbifID":  # GBIF writes its downloads without quotes
        return False
    seen = beginning[:_SEEN_BYTES]
    with_quotes, without = (_fitting(seen, Dialect("\t", quote, line_end)) for quote in ('"', None))
    if with_quotes != without:
        return with_quotes > without
    lines = seen.decode("utf-8", "ignore").split(line_end)
    fields = [field.rstrip("\r") for line in lines[:-1] for field in line.split("\t") if field.startswith('"')]
    return bool(fields) and all(len(field) > 1 and field.endswith('"') for field in fields)


def _fitting(beginning: bytes, dialect: Dialect) -> int:
    """Return how many records have as many fields as the heading."""
    records = split_fields(beginning, dialect, line=1, at_end=False, file="", limits=Limits()).records
    return sum(record.problem is None and len(record.values) == len(records[0].values) for record in records)


# Tables of delimited text (CSV, TSV), streamed: the same strictness for ten rows and for ten million.
ROW_NAMES: Final = "id"
"""Heading of the row numbers that R's `write.table` puts first without a name: they are the rows' identifiers.

Only numbers from 1 on, in a file whose heading has no identifier, are taken for that."""
LIMITS: Final = Limits()
_SHORT: Final = ("ROW_CELLS_MISSING", "the row ends before the last column; what is missing is read as empty")
_LONG: Final = ("ROW_CELLS_EMPTY", "empty cells stand behind the last column of the row, and are left out")
_SEEN: Final = 100
_BEGINNING_BYTES: Final = 1 << 18


@dataclass
class Delimited:
    """A table of text.

    Attributes
    ----------
    file : str
        What it is called in refusals.
    encoding : str
        Python's name of the encoding, chosen or declared.
    dialect : Dialect
        How it is written.
    headings : tuple of str
        The columns, as stated; `id` for a first column that the heading does not name, `column_3` for a third without
        a name.
    batches : iterator of frames
        `source_row` (Int64), then the headings (String): values as they came, empty ones null.
    refusals : list of Refusal
        Rows that could not be taken, complete when `batches` is exhausted.
    skipped, seen : sequence of Record
        The lines before the data, and the first records.
    """

    file: str
    encoding: str
    dialect: Dialect
    headings: tuple[str, ...]
    batches: Iterator[pl.DataFrame]
    refusals: list[Refusal] = field(default_factory=list)
    skipped: Sequence[Record] = ()
    seen: Sequence[Record] = ()


def read(
    open_stream: Callable[[], BinaryIO], *, file: str, encoding: str | None = None, dialect: Dialect | None = None,
    separator: str | None = None, header_lines: int = 1, named: bool = True, limits: Limits = LIMITS,
    block_bytes: int = 72 << 20, of_people: bool = False, without_blank: bool = False, repairs: Repairs | None = None,
    columns: int = 0,
) -> Delimited:  # fmt: skip
    """Open a table of text.

    Parameters
    ----------
    open_stream : callable
        Opens the bytes anew; called twice where the encoding is not declared.
    file : str
        What the table is called in errors and refusals.
    encoding : str, optional
        The declared encoding; chosen from the text where there is none.
    dialect : Dialect, optional
        Separator and quote, where they are known; the line end is always found in the beginning.
    separator : str, optional
        The separator, where the rest is to be found.
    header_lines : int
        How many lines stand before the data.
    named : bool
        The first of those lines tells the headings; else they are column_1, column_2, …
    limits : Limits
        What is too much.
    block_bytes : int
        How much is read at once; a batch is what it holds.
    of_people : bool
        The table may name people: a row that cannot be taken is stated by its number, never by its text.
    without_blank : bool
        Rows of separators alone are none, as spreadsheets leave them behind the last row of a survey.
    repairs : Repairs, optional
        Counts the rows that are mended (see `records.cut`); without it they are refused.
    columns : int
        How many columns there are at least, where the headings tell no names.

    Returns
    -------
    Delimited
        Its heading is read, its rows are read as `batches` is consumed.

    Raises
    ------
    InputError
        If the file is empty, is no text, or its heading cannot be used; while rows are read, see `records.cut`.
    """
    with open_stream() as stream:
        sample = stream.read(4) if encoding else encodings.sample_of(stream)
    encoding = encodings.choose(sample, declared=encoding, file=file)
    blocks = _blocks(open_stream, encoding, file, block_bytes)
    beginning, dialect, at_end = _beginning(blocks, dialect, separator, limits, header_lines, file)
    head = split_fields(
        beginning, dialect, line=1, at_end=at_end, file=file, limits=limits, most=header_lines, with_empty=not named
    )
    behind = beginning[head.used_bytes :]
    seen = split_fields(behind, dialect, line=head.lines + 1, at_end=at_end, file=file, limits=limits, most=_SEEN)
    headings = (
        _headings(head.records[0], seen.records, file, limits)
        if named
        else _numbered(head.records, seen.records, columns)
    )
    if len(headings) > limits.columns:
        problem = f"{len(headings):,} columns"
        raise InputError(problem, file=file, row=1, expected=f"at most {limits.columns:,}", code="COLUMNS_TOO_MANY")
    refusals: list[Refusal] = []
    batches = _batches(behind, blocks, headings, dialect, head.lines + 1, file, limits, refusals, of_people, repairs)
    if without_blank:
        batches = filter(len, map(_filled, batches))
    return Delimited(file, encoding, dialect, headings, batches, refusals, head.records, seen.records)


def _filled(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows in which any cell is filled."""
    cells = pl.exclude("source_row")
    return frame.filter(pl.any_horizontal(cells.is_not_null() & (cells.str.strip_chars() != "")))


def _blocks(open_stream: Callable[[], BinaryIO], encoding: str, file: str, block_bytes: int) -> Iterator[bytes]:
    """Yield the text's blocks and close the stream after the last."""
    with open_stream() as stream:
        yield from utf8_blocks(stream, encoding=encoding, file=file, block_bytes=block_bytes)


def _beginning(
    blocks: Iterator[bytes], dialect: Dialect | None, separator: str | None, limits: Limits, header_lines: int,
    file: str,
) -> tuple[bytes, Dialect, bool]:  # fmt: skip
    """Return as much of the text as tells how it is written, that, and whether it is all of it."""
    beginning, enough, at_end = b"", _BEGINNING_BYTES, False
    while True:
        while len(beginning) < enough and not at_end:
            block = next(blocks, None)
            beginning, at_end = beginning + (block or b""), block is None
        if (at_end or len(beginning) > limits.record_bytes) and not beginning.strip(b"\r\n"):
            problem = "the file is empty"
            raise InputError(problem, file=file, expected="a heading and rows", code="INPUT_EMPTY")
        found = sniff(beginning, separator=separator, told=dialect)
        if at_end:
            line_end = found.line_end.encode()
            return beginning if beginning.endswith(line_end) else beginning + line_end, found, True
        head = split_fields(beginning, found, line=1, at_end=False, file=file, limits=limits, most=header_lines + 1)
        if len(head.records) > header_lines:
            return beginning, found, False
        enough *= 4


def _headings(heading: Record, seen: Sequence[Record], file: str, limits: Limits) -> tuple[str, ...]:
    """Return the names of the columns."""
    if heading.problem or b"\x00" in heading.raw:
        problem = heading.problem or "the heading holds a NUL character"
        raise InputError(problem, file=file, row=heading.row, code="HEADING_INVALID")
    names = [value.decode() for value in heading.values]
    if len(names) <= limits.columns and seen and all(len(record.values) == len(names) + 1 for record in seen):
        if not any(record.values[-1] for record in seen):
            names.append("")  # every row ends with a separator
        elif _have_row_numbers(seen) and not any(name.lower().endswith("id") for name in names):
            names.insert(0, ROW_NAMES)
    names = [name if name.strip() else f"column_{number}" for number, name in enumerate(names, 1)]
    if len(set(names)) < len(names):
        repeated = next(name for position, name in enumerate(names) if name in names[:position])
        problem = "the heading names this column twice"
        raise InputError(problem, file=file, row=heading.row, column=repeated, code="HEADING_REPEATED")
    return tuple(names)


def _have_row_numbers(seen: Sequence[Record]) -> bool:
    """Return whether the first fields are 1, 2, 3, …; a comma too many in each of the rows must not look like that."""
    return [record.values[0] for record in seen] == [b"%d" % number for number in range(1, len(seen) + 1)]


def _numbered(head: Sequence[Record], seen: Sequence[Record], columns: int) -> tuple[str, ...]:
    """Return names for as many columns as most of the first lines have, the heading included; at least `columns`."""
    counts = [len(record.values) for record in (*head, *seen)]
    return tuple(
        f"column_{number}" for number in range(1, max(columns, *counts and [max(counts, key=counts.count)]) + 1)
    )


def _batches(
    buffer: bytes, blocks: Iterator[bytes], names: Sequence[str], dialect: Dialect, line: int, file: str,
    limits: Limits, refusals: list[Refusal], of_people: bool, repairs: Repairs | None,
) -> Iterator[pl.DataFrame]:  # fmt: skip
    """Yield the rows block by block; what was read as the beginning is the first."""
    line_end, rest = dialect.line_end.encode(), b""
    for block in chain([b""], blocks, [None]):
        # Cut at a line's end first, so that what is used up is mostly the whole and is not copied again.
        end = 0 if block is None else block.rfind(line_end) + 1
        if block is not None and end == len(block) and not buffer and not rest:
            buffer = block
        else:
            buffer = b"".join((buffer, rest, memoryview(block or b"")[:end]))
        rest, at_end = (block or b"")[end:], block is None
        found = cut(
            buffer, names=names, dialect=dialect, line=line, at_end=at_end, file=file, limits=limits,
            mended=repairs is not None,
        )  # fmt: skip
        if repairs is not None:
            repairs.add(file, *_SHORT, count=found.short)
            repairs.add(file, *_LONG, count=found.long)
        buffer, line = buffer[found.used_bytes :], line + found.lines
        refusals += [replace(refusal, value=None) for refusal in found.refusals] if of_people else found.refusals
        if len(refusals) > limits.refusals:
            problem = f"more than {limits.refusals:,} rows cannot be read, the last because: {refusals[-1].message}"
            raise InputError(problem, file=file, row=refusals[-1].row, code="ROWS_REFUSED_TOO_MANY")
        if found.frame.height:
            yield found.frame
