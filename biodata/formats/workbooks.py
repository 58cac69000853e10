"""Spreadsheets and delimited text as people hand them in: every cell as it came, with the row that a person sees in the margin."""

import io
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import polars as pl

from biodata.core.errors import InputError
from biodata.formats import encodings
from biodata.formats.delimited import SEPARATORS, sniff
from biodata.formats.encodings import utf8_blocks
from biodata.formats.other_workbooks import ODS, XLS, cell_text, kind_of, read_other
from biodata.formats.records import Dialect, Limits, Record, split_fields
from biodata.formats.workbook_parts import MAX_CELLS, MAX_COLUMNS, Marks, open_parts


@dataclass(frozen=True)
class Grid:
    """A sheet, or a file of delimited text, cell by cell.

    Attributes
    ----------
    file : str
        What a person calls the file.
    name : str or None
        The sheet's name; None for delimited text.
    visible : bool
        False for a hidden sheet; its cells are not read.
    rows : list of (row, cells)
        Every row with its number as a person counts, blank ones too; a cell is text or None. Rows may differ in length.
    marks : Marks
        Formulas, errors, what is hidden.
    merges : list of (first row, first column, last row, last column)
        Merged cells; rows count from 1, columns from 0.
    guessed_encoding : str or None
        Of delimited text: the encoding, where nothing but its letters tells it.
    """

    file: str
    name: str | None
    visible: bool
    rows: list[tuple[int, list[str | None]]]
    marks: Marks = field(default_factory=Marks)
    merges: list[tuple[int, int, int, int]] = field(default_factory=list)
    guessed_encoding: str | None = None


@dataclass(frozen=True)
class Sheet:
    """One sheet.

    Attributes
    ----------
    name : str
        The sheet's name.
    heading_row : int
        Row of the headings, as a person counts.
    frame : polars.DataFrame
        n rows that are not wholly blank: `source_row`, then a text column a heading; empty cells are null.
    """

    name: str
    heading_row: int
    frame: pl.DataFrame


def read_grids(content: bytes, *, file: str) -> list[Grid]:
    """Read every sheet of a workbook (XLSX, ODS, XLS) cell by cell; formulas are not computed, hidden sheets not read.

    Parameters
    ----------
    content : bytes
        The file.
    file : str
        What errors call it.

    Raises
    ------
    InputError
        If it is no workbook, holds programs, or a bound is passed.
    """
    if content.startswith(XLS) or (content.startswith(b"PK") and kind_of(content) == ODS):
        return [
            Grid(file, sheet["name"], sheet["visible"], list(enumerate(sheet["rows"], start=1)),
                 merges=[(a, b, c, d) for a, b, c, d in sheet["merges"]])
            for sheet in read_other(content, file=file)
        ]  # fmt: skip
    parts, clean = open_parts(content, file=file)
    from python_calamine import CalamineError, CalamineWorkbook

    grids = []
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(clean)) as workbook:
            for part in parts:
                if not part.visible:
                    grids.append(Grid(file, part.name, False, []))
                    continue
                sheet = workbook.get_sheet_by_name(part.name)
                cells = sheet.to_python(skip_empty_area=False)
                rows = [(number, [cell_text(cell) for cell in row]) for number, row in enumerate(cells, start=1)]
                merges = [(r1 + 1, c1, r2 + 1, c2) for (r1, c1), (r2, c2) in sheet.merged_cell_ranges or ()]
                grids.append(Grid(file, part.name, True, rows, part.marks, merges))
    except (CalamineError, ValueError, zlib.error, EOFError) as error:
        problem = f"the workbook cannot be read ({error})"
        raise InputError(problem, file=file, expected="an XLSX workbook", code="WORKBOOK_INVALID") from error
    return grids


def read_sheets(content: bytes, *, file: str, numbered: bool = False) -> list[Sheet]:
    """Read every shown sheet of a workbook as a table.

    Parameters
    ----------
    content : bytes
        The file.
    file : str
        What errors call it.
    numbered : bool
        Of columns with the same heading the second is called `heading (2)`; else they are refused.

    Returns
    -------
    list of Sheet
        Without the sheets that are empty. The first row that is not blank holds the headings.

    Raises
    ------
    InputError
        If it is no workbook, a bound is passed, or two columns of a sheet have the same heading.
    """
    read = [
        _read(grid.rows, grid.name or "", file, numbered=numbered)
        for grid in read_grids(content, file=file)
        if grid.visible
    ]
    return [sheet for sheet in read if sheet is not None]


def _read(table: Sequence[tuple[int, list[str | None]]], name: str, file: str, *, numbered: bool) -> Sheet | None:
    """Turn a sheet's cells into a text table; None for an empty sheet."""
    filled = [(number, row) for number, row in table if any(cell is not None for cell in row)]
    if not filled:
        return None
    heading_row, headings = filled[0]
    used = [index for index, heading in enumerate(headings) if heading is not None]
    names = [str(headings[index]).strip() for index in used]
    if numbered:
        names = _numbered(names)
    for heading in names:
        if names.count(heading) > 1:
            problem = f"two columns of sheet {name!r} have the same heading"
            raise InputError(problem, file=file, row=heading_row, column=heading, code="HEADING_REPEATED")
    rows = filled[1:]
    _check_nameless(rows, used, name, file)
    columns = {"source_row": pl.Series([number for number, _ in rows], dtype=pl.Int64)}
    columns |= {
        heading: pl.Series([row[index] for _, row in rows], dtype=pl.String)
        for heading, index in zip(names, used, strict=True)
    }
    return Sheet(name, heading_row, pl.DataFrame(columns))


def _numbered(headings: Sequence[str]) -> list[str]:
    """Return headings of which no two are the same: the second `label` is `label (2)`."""
    names: list[str] = []
    for heading in headings:
        again = (f"{heading} ({count})" for count in range(2, len(headings) + 2))
        taken = {*names, "source_row", "source_file"}
        names.append(heading if heading not in taken else next(name for name in again if name not in taken))
    return names


def _check_nameless(rows: list[tuple[int, list[str | None]]], used: list[int], name: str, file: str) -> None:
    """Refuse a value below no heading: nobody could say what it is."""
    named = set(used)
    for number, row in rows:
        for index, cell in enumerate(row):
            if cell is not None and index not in named:
                problem = f"a value of sheet {name!r} stands below no heading"
                column = column_letters(index)
                raise InputError(problem, file=file, row=number, column=column, value=cell, code="HEADING_MISSING")


def column_letters(index: int) -> str:
    """Return a column's letters as a spreadsheet shows them; 0 is A."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


# Delimited text as people hand it in: whole, small, with titles above the heading and notes below the rows.
_SEEN_RECORDS: Final = 60
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
            records = _records(sample, dialect, file, line=1, at_end=False, most=_SEEN_RECORDS)
        except InputError:
            continue
        widths = Counter(len(record.values) for record in records if record.problem is None)
        score = max((count * (width - 1) for width, count in widths.items()), default=0)
        if score > most:
            best, most = separator, score
    return best
