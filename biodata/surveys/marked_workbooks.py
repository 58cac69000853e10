"""The workbook that was sent, with its faulty cells coloured and stated, and a sheet that lists them.

Nothing is computed and no formula is made: a formula stays as it was, and a text that begins like one stays text.
"""

import io
import re
import warnings
import zipfile
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import PurePath
from typing import Any, Final, cast

from openpyxl import Workbook, load_workbook
from openpyxl.cell import Cell
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, MergedCell
from openpyxl.comments import Comment
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import column_index_from_string, get_column_letter
from openpyxl.utils.exceptions import InvalidFileException
from openpyxl.worksheet.hyperlink import Hyperlink
from openpyxl.worksheet.worksheet import Worksheet

from biodata.core.errors import InputError
from biodata.formats.workbooks import read_text_grid
from biodata.ingest.survey_shapes import ACCEPT_MARK, REPORTED
from biodata.surveys import words
from biodata.surveys.problems import rank

MAX_SHEET_BYTES: Final = 80_000_000  # unpacked; of larger sheets the sheet of problems alone is answered
MAX_COMMENTS, MAX_LISTED, MAX_LETTERS = 5_000, 50_000, 1_000  # cells with a comment, problems, letters of a comment
MAX_TEXT_CELLS: Final = 500_000
_UNREADABLE: Final = (
    zipfile.BadZipFile, zlib.error, InvalidFileException, LookupError, ValueError, TypeError, OSError, AttributeError,
    SyntaxError, EOFError, RuntimeError, ArithmeticError, AssertionError,
)  # fmt: skip
"""What openpyxl raises of workbooks that it cannot read; SyntaxError is of broken XML."""

_UNREAD: Final = ("WORKBOOK_INVALID", "WORKBOOK_MACROS", "XML_UNSAFE", "INPUT_TOO_LARGE", "INPUT_NOT_TEXT")
"""What a check says of a file that it did not dare to open; it is not opened for the answer either."""

_NOT_IN_NAMES: Final = re.compile(r"[\\/*?:\[\]\x00-\x1f]")
_HEADING_ROWS: Final = 40  # headings stand within so many rows of the top
_BLOCKING, _DOUBTFUL, _TOP = (PatternFill("solid", one, one) for one in ("FFF4A6A6", "FFFFE699", "FFD9E1F2"))
_WRAPPED: Final = Alignment(wrap_text=True, vertical="top")
_LINKED: Final = Font(color="FF0563C1", underline="single")
_WIDTHS: Final = (16, 8, 24, 28, 10, 30, 60, 60, 28, 14)
Place = tuple[str, int, int] | None


def marked(content: bytes, report: Mapping[str, Any], *, language: str = "en") -> bytes:
    """Return a copy of a workbook (XLSX, or delimited text, which becomes a sheet) with each problem of a report where it is."""
    problems = report["problems"]
    unread = any(problem["code"] in _UNREAD and problem["sheet"] is None for problem in problems)
    book = (None if unread else _opened(content)) or _of_text(b"" if unread else content, str(report["file"]))
    places = _places(book, problems)
    _mark(book, problems, places)
    _list(book, problems, places, language)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _opened(content: bytes) -> Workbook | None:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            sheets = sum(one.file_size for one in archive.infolist() if one.filename.startswith("xl/"))
            if sheets > MAX_SHEET_BYTES or "xl/vbaProject.bin" in archive.namelist():
                return None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it leaves out charts, shapes and other extensions
            # Links to other files are left out: nothing is ever fetched for them.
            return load_workbook(io.BytesIO(content), keep_links=False, keep_vba=False)
    except _UNREADABLE:  # the check stated it already
        return None


def _of_text(content: bytes, name: str) -> Workbook:
    """Return a workbook with delimited text as its one sheet, each line in its row; without a sheet where it is none."""
    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = _NOT_IN_NAMES.sub(" ", PurePath(name).stem)[:28].strip(" '") or "1"
    rows: list[tuple[int, list[str | None]]] = []
    with suppress(InputError):  # the check said it already
        rows = [] if content.startswith(b"PK") else read_text_grid(content, file=name).rows
    if not rows or sum(len(cells) for _, cells in rows) > MAX_TEXT_CELLS:
        book.remove(sheet)
        return book
    for number, cells in rows:
        for at, text in enumerate(cells, start=1):
            if text is not None:
                _set_text(cast("Cell", sheet.cell(number, at)), str(text))
    return book


def _places(book: Workbook, problems: Sequence[Mapping[str, Any]]) -> list[Place]:
    # Asked once of each sheet: openpyxl would count its cells anew for every problem.
    tables = [sheet for sheet in book.worksheets if isinstance(sheet, Worksheet)]
    sheets = {sheet.title: (sheet.max_row, sheet.max_column, _headings(sheet)) for sheet in tables}
    only = next(iter(sheets)) if len(sheets) == 1 else None
    places: list[Place] = []
    for problem in problems:
        name, row, heading = problem.get("sheet") or only, problem.get("row"), problem.get("column")
        last_row, last_column, headings = sheets.get(name or "", (0, 0, {}))
        at, wanted = 1, " ".join(str(heading or "").split())
        if wanted in headings:
            # The heading above the row, else the first.
            at = min((top > (row or 0), top, column) for top, column in headings[wanted])[2]
        elif re.fullmatch("[A-Z]{1,3}", wanted) and column_index_from_string(wanted) <= last_column:
            at = column_index_from_string(wanted)
        places.append((str(name), row, at) if row is not None and 1 <= row <= last_row else None)
    return places


def _headings(sheet: Worksheet) -> dict[str, list[tuple[int, int]]]:
    """Return where texts stand in the upper rows, each by itself and after the one above it, as joined headings are."""
    found: dict[str, list[tuple[int, int]]] = defaultdict(list)
    above: list[str] = []
    for number, cells in enumerate(sheet.iter_rows(max_row=_HEADING_ROWS, values_only=True), start=1):
        texts = [" ".join(str(cell).split()) if cell is not None else "" for cell in cells]
        for at, text in enumerate(texts, start=1):
            if text:
                found[text].append((number, at))
                if over := next((one for one in reversed(above[:at]) if one), ""):
                    found[f"{over} {text}"].append((number, at))
        above = texts
    return dict(found)


def _mark(book: Workbook, problems: Sequence[Mapping[str, Any]], places: Sequence[Place]) -> None:
    cells: dict[tuple[str, int, int], list[Mapping[str, Any]]] = defaultdict(list)
    for problem, place in zip(problems, places, strict=True):
        if place is not None:
            cells[place].append(problem)
    for number, ((name, row, column), there) in enumerate(cells.items()):
        cell = _top_left(book[name], row, column)
        if fill := (_BLOCKING, _DOUBTFUL, None)[min(map(rank, there))]:
            cell.fill = fill
        if number < MAX_COMMENTS:
            cell.comment = _comment(there, cell.comment)


def _top_left(sheet: Worksheet, row: int, column: int) -> Cell:
    cell = sheet.cell(row, column)
    if isinstance(cell, MergedCell):
        merged = next((one for one in sheet.merged_cells.ranges if cell.coordinate in one), None)
        cell = cell if merged is None else sheet.cell(merged.min_row, merged.min_col)
    return cast("Cell", cell)  # the first cell of a merged range is a plain one


def _comment(problems: Iterable[Mapping[str, Any]], before: Comment | None) -> Comment:
    lines = [str(before.text)] if before is not None else []
    for problem in problems:
        lines += [str(problem["message"])] + ([f"→ {problem['expected']}"] if problem["expected"] else [])
    comment = Comment(_clean("\n".join(lines))[:MAX_LETTERS], "biodata")
    comment.width, comment.height = 320, 40 + 20 * min(len(lines), 8)
    return comment


def _list(book: Workbook, problems: Sequence[Mapping[str, Any]], places: Sequence[Place], language: str) -> None:
    def word(code: str, **params: object) -> str:
        return words.message_of(f"REPORT_{code}", params, language)[0]

    title, names = word("TITLE")[:28], {name.casefold() for name in book.sheetnames}
    titles = (title, *(f"{title} {number}" for number in range(2, 100)))
    sheet = book.create_sheet(next(name for name in titles if name.casefold() not in names), 0)
    headings = [word(column.upper()) for column in REPORTED]
    sheet.append([*headings[:-1], f"{headings[-1]} {ACCEPT_MARK}"])
    for cell in sheet[1]:
        cell.font, cell.fill = Font(bold=True), _TOP
    listed = sorted(zip(problems, places, strict=True), key=lambda both: rank(both[0]))[:MAX_LISTED]
    for number, (problem, place) in enumerate(listed, start=2):
        shown = {**problem, "blocking": word("YES" if problem["blocking"] else "NO")}
        for at, column in enumerate(REPORTED, start=1):
            cell, value = sheet.cell(number, at), shown.get(column)
            if isinstance(value, str):
                _set_text(cell, value)
                cell.quotePrefix = value.startswith(("=", "+", "-", "@"))
                if column in ("message", "expected"):
                    cell.alignment = _WRAPPED
            elif value is not None:
                cell.value = value
        if place is not None:
            name, row, at = place
            where, quoted = sheet.cell(number, 2), name.replace("'", "''")
            where.hyperlink = Hyperlink(ref=where.coordinate, location=f"'{quoted}'!{get_column_letter(at)}{row}")
            where.font = _LINKED
    if len(problems) > MAX_LISTED:
        sheet.cell(MAX_LISTED + 2, 1).value = word("MORE", count=len(problems) - MAX_LISTED)
    for at, width in enumerate(_WIDTHS, start=1):
        sheet.column_dimensions[get_column_letter(at)].width = width
    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(REPORTED))}{max(len(listed) + 1, 2)}"
    for one in book.worksheets:
        one.sheet_view.tabSelected = one is sheet
    book.active = sheet


def _set_text(cell: Cell, text: str) -> None:
    cell.value, cell.data_type = _clean(text)[:32_000], "s"


def _clean(text: str) -> str:
    return ILLEGAL_CHARACTERS_RE.sub("\ufffd", text)
