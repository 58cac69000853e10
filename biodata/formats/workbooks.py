"""Spreadsheets: sheets as text tables, every cell as it came, with the row that a person sees in the margin."""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Final

import polars as pl

from biodata.errors import InputError

MAX_UNPACKED_BYTES: Final = 300_000_000
MAX_MEMBERS: Final = 2_000
MAX_RATIO: Final = 200
MAX_ROWS: Final = 1_048_576
MAX_COLUMNS: Final = 2_000
"""Bounds of a workbook."""


@dataclass(frozen=True)
class Sheet:
    """One sheet.

    Attributes
    ----------
    name : str
        The sheet's name.
    visible : bool
        False for a hidden sheet.
    heading_row : int
        Row of the headings, as a person counts.
    frame : polars.DataFrame
        n rows that are not wholly blank: `source_row`, then a text column a heading; empty cells are null.
    """

    name: str
    visible: bool
    heading_row: int
    frame: pl.DataFrame


def read_sheets(content: bytes, *, file: str) -> list[Sheet]:
    """Read every sheet of an XLSX workbook.

    Parameters
    ----------
    content : bytes
        The file.
    file : str
        What errors call it.

    Returns
    -------
    list of Sheet
        Without the sheets that are empty. The first row that is not blank holds the headings.

    Raises
    ------
    InputError
        If it is no workbook, a bound is passed, or two columns of a sheet have the same heading.
    """
    _check_container(content, file)
    from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(content))
        sheets = []
        for metadata in workbook.sheets_metadata:
            if metadata.typ != SheetTypeEnum.WorkSheet:
                continue
            rows = workbook.get_sheet_by_name(metadata.name)
            if rows.total_height > MAX_ROWS or rows.total_width > MAX_COLUMNS:
                problem = f"sheet {metadata.name!r} is {rows.total_height} rows by {rows.total_width} columns"
                expected = f"no more than {MAX_ROWS} rows and {MAX_COLUMNS} columns"
                raise InputError(problem, file=file, expected=expected, code="INPUT_TOO_LARGE")
            cells = rows.to_python(skip_empty_area=False)
            sheet = _read(cells, metadata.name, metadata.visible == SheetVisibleEnum.Visible, file)
            if sheet is not None:
                sheets.append(sheet)
    except (CalamineError, ValueError) as error:
        problem = f"the workbook cannot be read ({error})"
        raise InputError(problem, file=file, expected="an XLSX workbook", code="WORKBOOK_INVALID") from error
    return sheets


def read_workbook(path: Path) -> list[Sheet]:
    """Read every sheet of an XLSX file."""
    return read_sheets(path.read_bytes(), file=path.name)


def _check_container(content: bytes, file: str) -> None:
    """Refuse what is no XLSX, holds programs, or unpacks to far more than it is."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, ValueError) as error:
        problem = "this is no XLSX workbook"
        raise InputError(problem, file=file, expected="a file saved as .xlsx", code="WORKBOOK_INVALID") from error
    total = sum(member.file_size for member in members)
    if len(members) > MAX_MEMBERS or total > MAX_UNPACKED_BYTES or total > MAX_RATIO * max(len(content), 100_000):
        problem = f"the workbook unpacks to {total} bytes in {len(members)} parts"
        expected = f"no more than {MAX_UNPACKED_BYTES} bytes in {MAX_MEMBERS} parts"
        raise InputError(problem, file=file, expected=expected, code="INPUT_TOO_LARGE")
    names = {member.filename for member in members}
    if "xl/vbaProject.bin" in names:
        problem = "the workbook holds a program (macros)"
        raise InputError(problem, file=file, expected="a workbook without macros", code="WORKBOOK_MACROS")
    if "xl/workbook.xml" not in names:
        problem = "this is no XLSX workbook"
        raise InputError(problem, file=file, expected="a file saved as .xlsx", code="WORKBOOK_INVALID")


def _read(cells: Sequence[Sequence[object]], name: str, visible: bool, file: str) -> Sheet | None:
    """Turn a sheet's cells into a text table; None for an empty sheet."""
    table = [(number, [_text(cell) for cell in row]) for number, row in enumerate(cells, start=1)]
    filled = [(number, row) for number, row in table if any(cell is not None for cell in row)]
    if not filled:
        return None
    heading_row, headings = filled[0]
    used = [index for index, heading in enumerate(headings) if heading is not None]
    names = [str(headings[index]).strip() for index in used]
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
    return Sheet(name, visible, heading_row, pl.DataFrame(columns))


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


def _text(cell: object) -> str | None:
    """Return a cell as text: a whole number without a point, a date as ISO 8601; None for an empty one."""
    match cell:
        case None | "":
            return None
        case bool():
            return "TRUE" if cell else "FALSE"
        case float() if cell.is_integer() and abs(cell) < 2**53:
            return str(int(cell))
        case datetime():
            return cell.date().isoformat() if cell.time() == time() else cell.isoformat()
        case date() | time():
            return cell.isoformat()
        case timedelta():
            return str(cell)
        case _:
            return str(cell)
