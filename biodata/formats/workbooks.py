"""Spreadsheets: sheets as text tables, every cell as it came, with the row that a person sees in the margin."""

import io
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import polars as pl

from biodata.errors import InputError
from biodata.formats.cells import cell_text
from biodata.formats.other_workbooks import read_other
from biodata.formats.spreadsheet_kinds import ODS, XLS, kind_of
from biodata.formats.workbook_parts import Marks, open_parts


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
