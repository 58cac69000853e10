"""The rows of a CSV file for `biodata parse`: lenient with quotes, strict about what would lose a row."""

import csv
from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Final

from biodata.errors import InputError

_TOO_LONG: Final = "field larger than field limit"
"""How Python's reader begins to say that a field has more characters than `csv.field_size_limit`."""
_MOST_CHARACTERS: Final = 131_072
"""Python's own limit of a field. It is one for the process, and a library that is loaded may have raised it."""


def read_rows(lines: Iterator[str], source: Path) -> Iterator[list[str]]:
    """Return the rows of a file, the heading first; an empty line is a row of a table with one column.

    Parameters
    ----------
    lines : iterator of str
        The text line by line, with its line ends.
    source : Path
        Named in errors.

    Raises
    ------
    InputError
        If the file is empty, names a column twice, has a row of another width, a field without an end or a byte that
        is not in its encoding. A row's number is the line that it begins in.
    """
    record = _Record(lines, source)
    csv.field_size_limit(_MOST_CHARACTERS)
    try:
        first = record.first_line()
        mark = max(",;\t", key=first.count)
        mark = mark if first.count(mark) else ","
        width = 0
        for row in csv.reader(chain([first], record), delimiter=mark):
            begin = record.taken(mark)
            if not width:
                row = _headings(row, source, begin)
                width = len(row)
            elif not row:
                if width > 1:
                    continue
                row = [""]
            elif len(row) != width:
                problem = f"the row has {len(row)} cells, the heading {width}"
                raise InputError(problem, file=str(source), row=begin, expected="as many cells in every row")
            yield row
    except UnicodeDecodeError as error:
        problem = f"a byte behind row {max(record.number, 1)} is not {error.encoding}"
        expected = "a file saved in one encoding throughout, or --encoding with the right one"
        raise InputError(problem, file=str(source), expected=expected, code="INPUT_ENCODING_WRONG") from error
    except csv.Error as error:
        raise _said(error, record, source) from error


class _Record:
    """The lines of a file, of which those of the record that is being read are kept."""

    def __init__(self, lines: Iterator[str], source: Path) -> None:
        self.lines, self.source = lines, source
        self.number = 0
        self.kept: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self.lines, None)
        if line is None:
            # The reader asks for another line inside a record only where a quote is open.
            if self.kept:
                problem = "a quoted field is not closed"
                raise InputError(problem, file=str(self.source), row=self.begin, code="QUOTE_NOT_CLOSED")
            raise StopIteration
        self.number += 1
        self.kept.append(line)
        return line

    @property
    def begin(self) -> int:
        """The line that the record begins in."""
        return self.number - len(self.kept) + 1

    def first_line(self) -> str:
        """Return the first line that is not empty, without a byte order mark."""
        for line in self:
            if text := line.removeprefix("\ufeff").strip("\r\n"):
                self.kept = [text + line[len(line.rstrip("\r\n")) :]]
                return self.kept[0]
            self.kept.clear()
        problem = "the file is empty"
        raise InputError(problem, file=str(self.source), expected="a heading and rows", code="INPUT_EMPTY")

    def taken(self, mark: str) -> int:
        """Return the line that the record began in, and begin the next."""
        begin, kept = self.begin, self.kept
        self.kept = []
        if len(kept) > 1:
            # A quote that nobody closed ends at the next row's: behind it stands that row's text.
            try:
                list(csv.reader(kept, delimiter=mark, strict=True))
            except csv.Error as error:
                problem = "text after the closing quote of a field that goes on over several lines"
                expected = "a closing quote in every quoted field"
                raise InputError(
                    problem, file=str(self.source), row=begin, expected=expected, code="ROW_QUOTE_INVALID"
                ) from error
        return begin


def _headings(row: Sequence[str], source: Path, line: int) -> list[str]:
    """Return the names of the columns, `column_3` for a third without a name."""
    names = [name if name.strip() else f"column_{number}" for number, name in enumerate(row, 1)]
    if len(set(names)) < len(names):
        repeated = next(name for position, name in enumerate(names) if name in names[:position])
        problem = "the heading names this column twice"
        raise InputError(problem, file=str(source), row=line, column=repeated, code="HEADING_REPEATED")
    return names


def _said(error: csv.Error, record: _Record, source: Path) -> InputError:
    """Return in our words what Python's reader found."""
    if not str(error).startswith(_TOO_LONG):
        return InputError(f"the row is no CSV: {error}", file=str(source), row=record.begin)
    most = f"{_MOST_CHARACTERS:,}"
    if len(record.kept) > 1:
        problem = f"a quoted field is not closed within {most} characters"
        return InputError(problem, file=str(source), row=record.begin, code="QUOTE_NOT_CLOSED")
    problem = f"a field of more than {most} characters"
    return InputError(problem, file=str(source), row=record.begin, expected=f"at most {most}", code="FIELD_TOO_LONG")
