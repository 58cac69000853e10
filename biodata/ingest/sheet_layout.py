"""Where on a sheet the table is: titles above, one or two rows of headings, records, rows of totals, notes below.

What is left out is told as a finding; a row is left out only where it can be no record.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final

from biodata.formats.workbooks import Grid, column_letters
from biodata.ingest.protocol import Finding
from biodata.parsers.bundled import read_rows

_LOOKED_AT: Final = 40
_UNIT_CELL: Final = re.compile(
    r"[\[(（]?\s*(?:[ckm]?m[²2]?|ha|ft|[mk]?g|h|min|s|%|°[CNEF]?|dd|n|no\.?|inds?\.?|decimal(?: degrees)?|deg(?:rees)?\.?"
    r"|WGS ?84|[dmy]{1,4}(?:[-/.][dmy]{1,4}){1,2}|hh:mm(?::ss)?|text|number|米|公里|只|头|度|年[/-]?月[/-]?日|เมตร|ตัว|องศา|mét|con|độ"
    r"|ແມັດ|ໂຕ|ອົງສາ|ម៉ែត្រ|ក្បាល|ដឺក្រេ|မီတာ|ကောင်|ဒီဂရီ|ekor|derajat|darjah|piraso)\s*[\])）]?",
    re.IGNORECASE,
)
_DATE_FORM: Final = re.compile(r"[dmy]{1,4}(?:[-/.][dmy]{1,4}){1,2}|hh:mm(?::ss)?", re.IGNORECASE)
_NUMBER: Final = re.compile(r"[\d\s.,%+-]+")
Cells = list[str | None]


@dataclass
class Column:
    """A column of the table.

    Attributes
    ----------
    index : int
        Its place on the sheet; 0 is A.
    heading : str
        As it came; of two rows of headings both where the lower one alone does not tell it.
    row : int
        The row that the heading stands in.
    """

    index: int
    heading: str
    row: int


@dataclass
class Layout:
    """A table found on a sheet.

    Attributes
    ----------
    grid : Grid
        The sheet.
    heading_row : int
        The last row of headings.
    columns : list of Column
        From left to right, without hidden ones.
    rows : list of (row, cells)
        The rows that are records.
    findings : list of Finding
        What was left out, or is wrong with the table's form.
    """

    grid: Grid
    heading_row: int
    columns: list[Column]
    rows: list[tuple[int, Cells]]
    findings: list[Finding] = field(default_factory=list)


def lay_out(grid: Grid, is_heading: Callable[[str], bool], *, one_row: bool = False) -> Layout | None:
    """Find the table on a sheet.

    Parameters
    ----------
    grid : Grid
        A sheet that is shown.
    is_heading : callable
        Tells whether a text is surely a heading.
    one_row : bool
        The headings are one row, whatever stands below: a datum is no unit there.

    Returns
    -------
    Layout or None
        None for a sheet without any filled cell.
    """
    filled = [(number, cells) for number, cells in grid.rows if any(cell is not None for cell in cells)]
    if not filled:
        return None
    out = Layout(grid, 0, [], [])
    first, last = _heading_rows(grid, filled, is_heading)
    last = first if one_row else last
    out.heading_row = filled[last][0]
    if first:
        title = next(cell for cell in filled[0][1] if cell is not None)
        _tell(out, filled[0][0], None, title, "TITLE_ROWS_LEFT_OUT", last=str(filled[first - 1][0]))
    lower = filled[last][1]
    upper = _spread(grid, *filled[first]) if first < last else []
    if upper:
        _tell(out, filled[first][0], None, None, "HEADING_ROWS_JOINED", last=str(out.heading_row))
    _name_columns(out, upper, lower, filled[first][0], is_heading)
    _take_rows(out, filled[last + 1 :], lower)
    return out


def _tell(out: Layout, row: int | None, column: str | None, value: str | None, code: str, *, blocking: bool = False,
          **params: str) -> None:  # fmt: skip
    """Add a finding."""
    out.findings.append(Finding(out.grid.file, out.grid.name, row, column, value, code, blocking, params))


def _heading_rows(grid: Grid, filled: list[tuple[int, Cells]], is_heading: Callable[[str], bool]) -> tuple[int, int]:
    """Return which of the filled rows are the first and the last row of headings."""
    near = filled[:_LOOKED_AT]
    scores = [sum(cell is not None and is_heading(cell) for cell in cells) for _, cells in near]
    best = max(range(len(near)), key=lambda at: (scores[at], -at))
    if not scores[best]:
        return 0, 0
    first = last = best
    if best + 1 < len(near) and near[best + 1][0] == near[best][0] + 1:
        below = [cell for cell in near[best + 1][1] if cell is not None]
        named = scores[best + 1] >= 2 and 2 * scores[best + 1] >= len(below) and not any(map(_NUMBER.fullmatch, below))
        if named or all(_UNIT_CELL.fullmatch(cell) for cell in below):
            last = best + 1
    if first == last and best and near[best - 1][0] == near[best][0] - 1 and _is_upper_row(grid, near, best, scores):
        first = best - 1
    return first, last


def _is_upper_row(grid: Grid, near: list[tuple[int, Cells]], best: int, scores: list[int]) -> bool:
    """Tell whether the row above the headings groups them: it names some, or is merged over some of them."""
    number, cells = near[best - 1]
    width = sum(cell is not None for cell in near[best][1])
    wide = [c2 - c1 + 1 for r1, c1, r2, c2 in grid.merges if r1 == number and c2 > c1]
    tall = any(r1 == number and r2 == number + 1 and c1 == c2 for r1, c1, r2, c2 in grid.merges)
    filled = sum(cell is not None for cell in cells)
    return scores[best - 1] >= 2 or tall or (filled >= 2 and any(2 <= wideness < width for wideness in wide))


def _spread(grid: Grid, number: int, cells: Cells) -> Cells:
    """Return a row of headings with each merged one over all of its columns."""
    out = list(cells)
    for r1, c1, r2, c2 in grid.merges:
        if r1 <= number <= r2 and c1 < len(out):
            out += [None] * (c2 + 1 - len(out))
            out[c1 : c2 + 1] = [out[c1]] * (c2 + 1 - c1)
    return out


def _name_columns(out: Layout, upper: Cells, lower: Cells, upper_row: int, is_heading: Callable[[str], bool]) -> None:
    """Name the columns and tell hidden ones."""
    width = max(len(upper), len(lower))
    above, below = upper + [None] * (width - len(upper)), lower + [None] * (width - len(lower))
    seen = Counter(cell.strip() for cell in below if cell is not None)
    groups = Counter(cell.strip() for cell in above if cell is not None)
    of_units = all(_UNIT_CELL.fullmatch(cell.strip()) for cell in below if cell is not None)
    for index, (high, low) in enumerate(zip(above, below, strict=True)):
        high, low = (high or "").strip(), (low or "").strip()
        if not high and not low:
            continue
        row = out.heading_row if low else upper_row
        is_unit = is_heading(high) and _UNIT_CELL.fullmatch(low) is not None and (of_units or not is_heading(low))
        alone = low and (not high or high == low or (seen[low] == 1 and is_heading(low) and not is_unit))
        heading = (
            low
            if alone
            else high
            if not low
            or (
                is_heading(high)
                and (_DATE_FORM.fullmatch(low) or (groups[high] == 1 and not is_heading(f"{high} {low}")))
            )
            else f"{high} {low}"
        )
        if out.grid.marks.hides_column(index):
            _tell(out, row, heading, None, "COLUMN_HIDDEN")
            continue
        out.columns.append(Column(index, heading, row))


def _take_rows(out: Layout, rows: list[tuple[int, Cells]], headings: Cells) -> None:
    """Sort the rows below the headings into records and what is none."""
    grid, marks = out.grid, out.grid.marks
    before = 0  # the last record so far
    shown = {column.index for column in out.columns}
    hidden_columns = {index for index in range(len(headings)) if marks.hides_column(index)}
    again = [(cell or "").strip() for cell in headings]
    for number, cells in rows:
        told = [cell for cell in cells if cell is not None]
        if number in marks.hidden_rows:
            _tell(out, number, None, None, "ROW_HIDDEN")
        elif [(cell or "").strip() for cell in cells] == again:
            _tell(out, number, None, None, "HEADING_ROW_REPEATED")
        elif told and is_example(told[0]):
            pass  # a template's own row, which it says is left out
        elif _is_totals(told):
            _tell(out, number, None, next(cell for cell in told if is_total(cell)), "TOTALS_ROW_LEFT_OUT")
        elif _is_note(told):
            _tell(out, number, None, told[0], "NOTE_ROW_LEFT_OUT")
        else:
            stray = next(
                (i for i, cell in enumerate(cells) if cell is not None and i not in shown and i not in hidden_columns),
                None,
            )
            if stray is not None and grid.name is None:
                _tell(out, number, None, cells[stray], "ROW_TOO_LONG", blocking=True, found=str(len(cells)),
                      width=str(len(headings)))  # fmt: skip
                continue
            if stray is not None:
                _tell(out, number, column_letters(stray), cells[stray], "HEADING_MISSING", blocking=True)
            # Delimited text leaves blank lines out by itself, and notes stand apart.
            if before and number > before + 1 and grid.name is not None:
                _tell(out, before + 1, None, None, "ROWS_BLANK", last=str(number - 1))
            out.rows.append((number, cells))
            before = number
            continue
        before = number if before else 0


def _is_totals(cells: list[str]) -> bool:
    """Tell whether the filled cells of a row are a word for a total and numbers."""
    words = [cell for cell in cells if not _NUMBER.fullmatch(cell)]
    return any(is_total(cell) for cell in words) and len(words) <= 2


def _is_note(cells: list[str]) -> bool:
    """Tell whether a row is a note: one cell of words, or a word for a note and what follows it."""
    if not cells or len(cells) > 2:
        return False
    return is_note(cells[0]) or (len(cells) == 1 and len(cells[0].split()) > 3)


_AROUND: Final = " \t\r\n\u00a0\u200b:：៖.*※-–—()（）[]"
_MARK: Final = re.compile(r"[:：៖\-–—]")


def plain(text: str) -> str:
    """Return a text in one spelling of letters, without signs around it."""
    return unicodedata.normalize("NFKC", text).casefold().strip(_AROUND)


@cache
def _words() -> Mapping[str, frozenset[str]]:
    """Return by kind what is said in any language."""
    found: dict[str, set[str]] = {}
    for row in read_rows("sheet_words.csv"):
        found.setdefault(row["kind"], set()).update(plain(word) for word in row["words"].split("|"))
    return {kind: frozenset(words) for kind, words in found.items()}


def sheet_kind(name: str) -> str | None:
    """Return what a sheet's name says that it holds: occurrences, events, sites, project or guide; None where it says nothing."""
    told = plain(name)
    return next(
        (kind for kind in ("occurrences", "events", "sites", "project", "guide") if told in _words()[kind]), None
    )


def is_total(cell: str) -> bool:
    """Tell whether a cell is the word for a total."""
    return plain(cell) in _words()["total"]


def is_note(cell: str) -> bool:
    """Tell whether a cell begins as a note does: with a word for it and a sign behind it, or with a star."""
    if cell.lstrip().startswith(("*", "※", "注：")):
        return True
    parts = _MARK.split(cell, maxsplit=1)
    return len(parts) > 1 and plain(parts[0]) in _words()["note"]


def is_example(cell: str) -> bool:
    """Tell whether a row that begins with this cell is a template's example."""
    return cell.lstrip().startswith("#") and plain(cell.lstrip().lstrip("#")) in _words()["example"]
