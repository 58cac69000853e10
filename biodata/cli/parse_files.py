"""A CSV file in, the same rows out with what a parser made of them, a few thousand rows at a time."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import Final

import polars as pl
from tqdm import tqdm

from biodata.cli.parse_kinds import READERS, Kind, Reader
from biodata.core.errors import InputError
from biodata.formats import encodings

# The rows of a CSV file for `biodata parse`: lenient with quotes, strict about what would lose a row.

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
            begin = record.begin_next(mark)
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
        raise _reader_error(error, record, source) from error


class _Record:
    """The lines of a file, of which those of the record that is being read are kept."""

    def __init__(self, lines: Iterator[str], source: Path) -> None:
        self.lines, self.source = lines, source
        self.number = 0
        self.kept: list[str] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if (line := next(self.lines, None)) is None:
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

    def begin_next(self, mark: str) -> int:
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


def _reader_error(error: csv.Error, record: _Record, source: Path) -> InputError:
    """Return in our words what Python's reader found."""
    if not str(error).startswith(_TOO_LONG):
        return InputError(f"the row is no CSV: {error}", file=str(source), row=record.begin)
    most = f"{_MOST_CHARACTERS:,}"
    if len(record.kept) > 1:
        problem = f"a quoted field is not closed within {most} characters"
        return InputError(problem, file=str(source), row=record.begin, code="QUOTE_NOT_CLOSED")
    problem = f"a field of more than {most} characters"
    return InputError(problem, file=str(source), row=record.begin, expected=f"at most {most}", code="FIELD_TOO_LONG")


BATCH: Final = 20_000
"""Rows that are held at a time."""
DECLARED: Final = {
    Kind.DATE: ("calendar", "day_month_order", "spreadsheet_dates", "time_zone"),
    Kind.AREA: ("decimal_mark", "unit"),
}


def parse_file(
    kind: str, source: Path, target: Path, *, declared: Mapping[str, str], encoding: str | None = None, progress: bool
) -> tuple[int, list[str], str]:
    """Parse a column, or some that belong together, of a CSV file into another.

    Parameters
    ----------
    kind : str
        A `Kind`.
    source, target : Path
        Files; `target` appears when it is complete.
    declared : mapping
        What the dataset declares of its values.
    encoding : str, optional
        The encoding of `source`; chosen from its text where none is stated.
    progress : bool
        Show how far it is.

    Returns
    -------
    int, list of str, str
        Number of rows, the headings that were read, and the encoding of `source`.

    Raises
    ------
    InputError
        If the kind is not known, or the file is no table with the columns that the kind needs.
    """
    if kind not in set(Kind):
        problem = "there is no such kind"
        raise InputError(problem, column="KIND", value=kind, expected=f"one of: {', '.join(Kind)}", code="KIND_UNKNOWN")
    if target.exists() and target.samefile(source):
        problem = "the file would be written over itself"
        raise InputError(problem, file=str(target), expected="another name for --out")
    known = DECLARED.get(Kind(kind), ())
    for name in declared:
        if name not in known:
            problem = f"nothing of that name can be declared of {kind}"
            raise InputError(
                problem, column="--declare", value=name, expected=f"one of: {', '.join(known) or 'nothing'}",
                code="DECLARATION_UNKNOWN",
            )  # fmt: skip
    reader = READERS[Kind(kind)]
    with source.open("rb") as stream:
        chosen_encoding = encodings.choose(encodings.sample_of(stream), declared=encoding, file=source.name)
    part = target.with_name(f"{target.name}.part")
    rows = 0
    try:
        with (
            source.open(encoding=chosen_encoding, newline="") as read,
            part.open("w", encoding="utf-8", newline="") as write,
        ):
            table = read_rows(read, source)
            headings = next(table)
            chosen = _chosen(headings, reader, kind, source)
            writer = csv.writer(write, lineterminator="\n")
            bar = tqdm(unit="row", disable=not progress)
            for batch in _batches(table):
                answers = reader.parse(_columns(batch, headings, chosen), declared)
                if not rows:
                    writer.writerow([*_own_headings(headings, answers.columns), *answers.columns])
                writer.writerows(
                    [*row, *map(_cell, more)] for row, more in zip(batch, answers.iter_rows(), strict=True)
                )
                rows += len(batch)
                bar.update(len(batch))
            bar.close()
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return rows, [headings[at] for at in chosen.values()], chosen_encoding


def _chosen(headings: Sequence[str], reader: Reader, kind: str, source: Path) -> dict[str, int]:
    """Return the position of each column that is read, by its heading in lower case."""
    names_read = [heading.strip().lower() for heading in headings]
    at = {name: position for position, name in enumerate(names_read)}
    if found := [names for names in reader.headings if set(names) <= at.keys()]:
        names = [name for alternative in found if reader.together or alternative is found[0] for name in alternative]
        chosen = {name: at[name] for name in (*names, *reader.more) if name in at}
        for name, position in chosen.items():
            if names_read.count(name) > 1:
                problem = "the heading names this column twice, white space and capitals aside"
                raise InputError(problem, file=str(source), row=1, column=headings[position], code="HEADING_REPEATED")
        return chosen
    if reader.any_column:
        return {names_read[0]: 0}
    problem = f"no column for {kind}"
    raise InputError(
        problem, file=str(source), row=1, column=", ".join(headings), expected=reader.wanted,
        code="COLUMN_MISSING",
    )  # fmt: skip


def _batches(table: Iterator[list[str]]) -> Iterator[list[list[str]]]:
    """Yield the rows some thousands at a time; of a table without rows one empty batch, for its added columns."""
    batch = [*islice(table, BATCH)]
    yield batch
    while batch := [*islice(table, BATCH)]:
        yield batch


def _own_headings(headings: Sequence[str], added: Sequence[str]) -> list[str]:
    """Return the headings, `told_` before those that would stand there twice."""
    names: list[str] = []
    for heading in headings:
        name = heading
        while name in added or name in names or (name != heading and name in headings):
            name = f"told_{name}"
        names.append(name)
    return names


def _columns(batch: list[list[str]], headings: Sequence[str], chosen: Mapping[str, int]) -> dict[str, pl.Series]:
    """Return the columns that are read, without white space around their cells, null where there is nothing."""
    return {
        name: pl.Series(headings[at], [row[at].strip() or None for row in batch], dtype=pl.String)
        for name, at in chosen.items()
    }


def _cell(value: object) -> str:
    """Write a value into a cell."""
    return "" if value is None else str(value)
