"""Delimited text as people hand it in: whole, small, with titles above the heading and notes below the rows."""

import io
from collections import Counter
from typing import Final

from biodata.errors import InputError
from biodata.formats import encodings
from biodata.formats.delimited import SEPARATORS, sniff
from biodata.formats.encodings import utf8_blocks
from biodata.formats.records import Dialect, Limits, Record, split_fields
from biodata.formats.workbook_parts import MAX_CELLS, MAX_COLUMNS
from biodata.formats.workbooks import Grid

_SEEN: Final = 60
_SAMPLE_BYTES: Final = 1 << 18
_LIMITS: Final = Limits(field_bytes=100_000)


def read_text_grid(content: bytes, *, file: str, encoding: str | None = None, separator: str | None = None) -> Grid:
    """Read delimited text cell by cell.

    Parameters
    ----------
    content : bytes
        The file.
    file : str
        What errors call it.
    encoding, separator : str, optional
        Where they are declared; found in the text where not.

    Returns
    -------
    Grid
        Rows are numbered by the line in which they begin; blank lines are left out. A cell is text as it came, or None
        where it is empty.

    Raises
    ------
    InputError
        If it is no text, or its encoding cannot be told (ENCODING_UNSURE), or a quote is not closed, or a bound is passed.
    """
    chosen = encodings.chosen(encodings.sample_of(io.BytesIO(content)), declared=encoding, file=file)
    if chosen.rival is not None:
        problem = f"its letters may be of the encoding {chosen.name} or {encodings.Choice(chosen.rival).name}"
        expected = f"a file saved as UTF-8 or XLSX, or its encoding declared, such as --encoding {chosen.name}"
        raise InputError(problem, file=file, expected=expected, code="ENCODING_UNSURE")
    text = b"".join(utf8_blocks(io.BytesIO(content), encoding=chosen.encoding, file=file))
    if (position := text.find(b"\0")) >= 0:
        problem = "the text holds a character that is none (NUL)"
        raise InputError(problem, file=file, row=text.count(b"\n", 0, position) + 1, code="INPUT_NOT_TEXT")
    first_line = 1
    if text[:4].lower() == b"sep=" and text[5:6] in (b"\r", b"\n"):  # Excel writes how a file is separated into it
        separator = separator or chr(text[4])
        _, _, text = text.partition(b"\n")
        first_line = 2
    dialect = sniff(text[:_SAMPLE_BYTES], separator=separator or _separator(text[:_SAMPLE_BYTES], file))
    # A spreadsheet may write a million rows without a cell behind the last one.
    end = _end_of_cells(text, f"{dialect.separator}\r\n \t".encode())
    text = b"".join((memoryview(text)[:end], dialect.line_end.encode()))
    if text.count(dialect.separator.encode()) + text.count(dialect.line_end.encode()) > 2 * MAX_CELLS:
        problem, expected = "the file has too many cells", f"no more than {MAX_CELLS}"
        raise InputError(problem, file=file, expected=expected, code="INPUT_TOO_LARGE")
    records = _records(text, dialect, file, line=first_line, at_end=True)
    widest = max((len(record.values) for record in records), default=0)
    if widest > MAX_COLUMNS or sum(len(record.values) for record in records) > MAX_CELLS:
        problem = f"the file has {widest} columns and {len(records)} rows"
        expected = f"no more than {MAX_COLUMNS} columns and {MAX_CELLS} cells"
        raise InputError(problem, file=file, expected=expected, code="INPUT_TOO_LARGE")
    for record in records:
        if record.problem is not None:
            raise InputError(record.problem, file=file, row=record.row, code="QUOTE_WRONG")
    rows = [(record.row, [value.decode() or None for value in record.values]) for record in records]
    return Grid(file, None, True, rows, guessed_encoding=chosen.name if chosen.guessed else None)


def _end_of_cells(text: bytes, blanks: bytes) -> int:
    """Return where the last cell of a text ends, without a copy of the whole."""
    end = len(text)
    while end:
        start = max(0, end - _SAMPLE_BYTES)
        if rest := text[start:end].rstrip(blanks):
            return start + len(rest)
        end = start
    return 0


def _records(
    text: bytes, dialect: Dialect, file: str, *, line: int, at_end: bool, most: int | None = None
) -> list[Record]:
    """Return the records of a text."""
    return split_fields(text, dialect, line=line, at_end=at_end, file=file, limits=_LIMITS, most=most).records


def _separator(sample: bytes, file: str) -> str:
    """Return the separator under which most records of the beginning have the same number of fields."""
    best, most = ",", 0
    for separator in SEPARATORS:
        dialect = sniff(sample, separator=separator)
        try:
            records = _records(sample, dialect, file, line=1, at_end=False, most=_SEEN)
        except InputError:
            continue
        widths = Counter(len(record.values) for record in records if record.problem is None)
        score = max((count * (width - 1) for width, count in widths.items()), default=0)
        if score > most:
            best, most = separator, score
    return best
