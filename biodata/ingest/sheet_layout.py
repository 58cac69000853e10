"""Where on a sheet the table is: titles above, one or two rows of headings, records, rows of totals, notes below.

What is left out is told as a finding; a row is left out only where it can be no record.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import groupby, pairwise, zip_longest
from typing import Final

from biodata.formats.workbooks import Grid, column_letters
from biodata.ingest.headings import key
from biodata.ingest.headings.plain import unit_alone
from biodata.ingest.protocol import Finding
from biodata.text.scientific_names import genera
from biodata.text.tables import read_rows

_NUMBER: Final = re.compile(r"[\d\s.,%+-]+")
_PLAIN_NUMBER: Final = re.compile(r"-?\d+(?:[.,]\d+)?")
_DITTO: Final = re.compile(r"""(?i)\s*(?:["”″〃]|'{2}|do\.|ditto|idem|同上|s\.?d\.?a\.?|như trên)\s*""")
Cells = list[str | None]


@dataclass(frozen=True)
class Column:
    """A column of the table: its place on the sheet (0 is A), its heading, of two rows both where the lower one tells too little."""

    index: int
    heading: str
    row: int  # that the heading stands in
    upper: str = ""  # what the heading is joined of, where it is
    lower: str = ""


@dataclass
class Layout:
    """A table found on a sheet."""

    grid: Grid
    heading_row: int  # the last row of headings
    columns: list[Column]  # from left to right, without hidden ones
    rows: list[tuple[int, Cells]]  # that are records
    above: list[tuple[int, Cells]] = field(default_factory=list)  # the filled rows above the headings
    findings: list[Finding] = field(default_factory=list)  # what was left out, or is wrong with the table's form

    def cells(self, index: int) -> Cells:
        """Return a column of the records."""
        return [row[index] if index < len(row) else None for _, row in self.rows]

    def filled(self, index: int) -> Cells:
        """Return a column of the records, with what a cell merged downwards holds in each of its rows."""
        cells, at = self.cells(index), {number: place for place, (number, _) in enumerate(self.rows)}
        for r1, c1, r2, c2 in self.grid.merges:
            if c1 == c2 == index and r1 in at:
                for row in filter(at.__contains__, range(r1 + 1, r2 + 1)):
                    cells[at[row]] = cells[at[r1]]
        return cells

    def finding(
        self, row: int | None, column: str | None, value: str | None, code: str, blocking: bool = False, **params: str
    ) -> Finding:
        """Return a finding about the sheet."""
        return Finding(self.grid.file, self.grid.name, row, column, value, code, blocking, params)


def lay_out(grid: Grid, is_heading: Callable[[str], bool], *, one_row: bool = False) -> Layout | None:
    """Find the table on a sheet; None for a sheet without any filled cell."""
    filled = [(number, cells) for number, cells in grid.rows if any(cell is not None for cell in cells)]
    if not filled:
        return None
    first, last = _heading_rows(grid, filled, is_heading)
    last = first if one_row else max(last, _last_of_block(grid, filled, first))
    out = Layout(grid, filled[last][0], [], [], filled[:first] + filled[first + 1 : last])
    if first:
        title, last_above = next(filter(None, filled[0][1])), str(filled[first - 1][0])
        out.findings.append(out.finding(filled[0][0], None, title, "TITLE_ROWS_LEFT_OUT", last=last_above))
    if first < last:
        out.findings.append(out.finding(filled[first][0], None, None, "HEADING_ROWS_JOINED", last=str(out.heading_row)))
    upper = spread(grid, *filled[first], filled[last][1]) if first < last else []
    _name_columns(out, upper, filled[last][1], filled[first][0], is_heading)
    _take_rows(out, filled[last + 1 :], filled[last][1])
    _join_angles(out)
    return out


def _heading_rows(grid: Grid, filled: list[tuple[int, Cells]], is_heading: Callable[[str], bool]) -> tuple[int, int]:
    near = filled[:40]
    scores = [_heading_score(cells, is_heading) for _, cells in near]
    best = max(range(len(near)), key=lambda at: (scores[at], -at))
    if not scores[best]:
        return 0, 0
    first = last = best
    if best + 1 < len(near) and near[best + 1][0] == near[best][0] + 1:
        below = [cell for cell in near[best + 1][1] if cell is not None]
        named = scores[best + 1] >= 2 and 2 * scores[best + 1] >= len(below) and not any(map(_NUMBER.fullmatch, below))
        joined = _are_below_joined(spread(grid, *near[best]), near[best + 1][1])
        if named or joined or _are_units(near[best + 1][1], [cells for _, cells in near[best + 2 : best + 7]]):
            last = best + 1
    if first == last and best and near[best - 1][0] == near[best][0] - 1 and _is_upper_row(grid, near, best, scores):
        first = best - 1
    return first, last


def _last_of_block(grid: Grid, filled: list[tuple[int, Cells]], first: int) -> int:
    """Return the last row of headings where several of these are merged over the rows in which others say more of their columns."""
    number, at = filled[first][0], {row: at for at, (row, _) in enumerate(filled)}
    ends = Counter(r2 for r1, c1, r2, c2 in grid.merges if r1 == number and c1 == c2 and r2 > r1 + 1)
    end, columns = ends.most_common(1)[0] if ends else (number, 0)
    return at[end] if columns > 1 and end in at else first


def _heading_score(cells: Cells, is_heading: Callable[[str], bool]) -> float:
    """Return how many headings a row has; a label of the cell beside it, by a colon or by the figures there, is half of one."""
    score = 0.0
    for at, cell in enumerate(cells):
        if cell is None or not is_heading(cell):
            continue
        beside, next_ = (cells[n] if n < len(cells) else None for n in (at + 1, at + 2))
        has_value = beside is not None and any(map(str.isdigit, beside)) and not is_heading(beside)
        labels = has_value and (next_ is None or is_heading(next_))
        score += 0.5 if labels or cell.rstrip().endswith((":", "：", "៖")) else 1
    return score


def _are_units(row: Cells, following: Sequence[Cells]) -> bool:
    """Tell whether the cells below headings are units: known ones, or words where every record below has figures."""
    told = {at: cell for at, cell in enumerate(row) if cell is not None}
    if all(_is_unit(cell) for cell in told.values()):
        return True
    below = {at: [cells[at] for cells in following if at < len(cells) and cells[at] is not None] for at in told}
    figures = {at for at, cells in below.items() if cells and all(any(map(str.isdigit, cell or "")) for cell in cells)}
    # A date or a code has figures itself; a record names what it is of, and nothing of the kind stands here.
    worded = {at for at in figures if _is_unit(told[at]) or not any(map(str.isdigit, told[at]))}
    return len(told) > 1 and len(worded) >= 0.6 * len(told) and figures <= worded | {min(told)}


def _are_below_joined(upper: Cells, lower: Cells) -> bool:
    """Tell whether cells stand below headings of several columns and nowhere else, as no record does; none is a bare number."""
    pairs = list(zip_longest(upper, lower))
    beside = enumerate(pairwise(pairs))
    joined = [at for at, ((left, below), (high, low)) in beside if low is not None and below and high in (None, left)]
    groups = {*joined, *(at + 1 for at in joined)}
    filled = {at: low for at, (high, low) in enumerate(pairs) if low is not None and not (high and _is_unit(low))}
    return bool(joined) and filled.keys() <= groups and not any(map(_PLAIN_NUMBER.fullmatch, filled.values()))


def _is_upper_row(grid: Grid, near: list[tuple[int, Cells]], best: int, scores: list[float]) -> bool:
    """Tell whether the row above the headings groups them: it names some, or is merged over some of them."""
    number, cells = near[best - 1]
    wide = [c2 - c1 + 1 for r1, c1, _, c2 in grid.merges if r1 == number and c2 > c1]
    tall = any(r1 == number and r2 == number + 1 and c1 == c2 for r1, c1, r2, c2 in grid.merges)
    if any(cell is not None and _PLAIN_NUMBER.fullmatch(cell) for cell in cells):  # labels with what they say
        return False
    filled, width = (sum(cell is not None for cell in row) for row in (cells, near[best][1]))
    return scores[best - 1] >= 2 or tall or (filled >= 2 and any(2 <= wideness < width for wideness in wide))


def spread(grid: Grid, number: int, cells: Cells, lower: Sequence[str | None] = ()) -> Cells:
    """Return a row of headings with each over its columns: the merged ones, else empty ones behind it that have a lower one."""
    out = list(cells)
    merged: set[int] = set()
    for r1, c1, r2, c2 in grid.merges:
        if r1 <= number <= r2 and c1 < len(out):
            out += [None] * (c2 + 1 - len(out))
            out[c1 : c2 + 1] = [out[c1]] * (c2 + 1 - c1)
            merged.update(range(c1, c2 + 1))
    for at in range(1, min(len(out), len(lower))):
        out[at] = out[at] or (out[at - 1] if lower[at] and lower[at - 1] and at - 1 not in merged else None)
    return out


def _name_columns(out: Layout, upper: Cells, lower: Cells, upper_row: int, is_heading: Callable[[str], bool]) -> None:
    pairs = [((high or "").strip(), (low or "").strip()) for high, low in zip_longest(upper, lower)]
    groups, seen = Counter(high for high, _ in pairs), Counter(low for _, low in pairs)
    of_units = all(_is_unit(low) for _, low in pairs if low)
    for index, (high, low) in enumerate(pairs):
        if not high and not low:
            continue
        is_unit = is_heading(high) and _is_unit(low) and (of_units or not is_heading(low))
        one_of_group = groups[high] == 1 and not is_heading(f"{high} {low}")
        own = seen[low] == 1 and (is_heading(low) or (" " in low and low.split()[0] in genera()))
        if low and (not high or high == low or (own and not is_unit)):
            heading = low
        elif not low or (is_heading(high) and (_is_unit(low, "date_order", "clock") or one_of_group)):
            heading = high
        else:
            heading = f"{high} {low}"
        joined = (high, low) if heading == f"{high} {low}" else ("", "")
        row = out.heading_row if low else upper_row
        if out.grid.marks.hides_column(index):
            out.findings.append(out.finding(row, heading, None, "COLUMN_HIDDEN"))
        else:
            out.columns.append(Column(index, heading, row, *joined))


def _join_angles(out: Layout) -> None:
    """Make one column of those that hold the degrees, minutes and seconds of one coordinate."""
    parts = {column: _ANGLE_PART.fullmatch(column.heading) for column in out.columns}
    groups = groupby(out.columns, lambda column: (part := parts[column]) and part[1].strip())
    for heading, run in [(heading, [*columns]) for heading, columns in groups if heading]:
        if [part and part.lastindex for part in map(parts.get, run)] not in ([2, 3], [2, 3, 4]):
            continue
        for _, cells in out.rows:
            told = [cells[c.index] if c.index < len(cells) else None for c in run]
            if told[0] is not None:
                cells[run[0].index] = " ".join(f"{cell}{sign}" for cell, sign in zip(told, "°′″", strict=False) if cell)
        out.columns[:] = [replace(c, heading=heading) if c is run[0] else c for c in out.columns if c not in run[1:]]


def _take_rows(out: Layout, rows: list[tuple[int, Cells]], headings: Cells) -> None:
    before = 0  # the last record so far
    is_text = out.grid.name is None
    shown = {column.index for column in out.columns}
    hidden = {index for index in range(len(headings)) if out.grid.marks.hides_column(index)}
    for number, cells in rows:
        stray = next((i for i, cell in enumerate(cells) if cell is not None and i not in shown | hidden), None)
        left_out = _why_left_out(out.grid, number, cells, headings)
        if left_out is not None:
            out.findings += [out.finding(number, None, *left_out)] if left_out[1] else []
            before = number if before else 0
            continue
        if stray is not None and is_text:
            width = {"found": str(len(cells)), "width": str(len(headings))}
            out.findings.append(out.finding(number, None, cells[stray], "ROW_TOO_LONG", True, **width))
            continue
        if stray is not None:
            out.findings.append(out.finding(number, column_letters(stray), cells[stray], "HEADING_MISSING", True))
        # Delimited text leaves blank lines out by itself, and notes stand apart.
        if before and number > before + 1 and not is_text:
            out.findings.append(out.finding(before + 1, None, None, "ROWS_BLANK", last=str(number - 1)))
        above = out.rows[-1][1] if out.rows else []
        again = {at for at, cell in enumerate(cells) if cell and _DITTO.fullmatch(cell) and at < len(above)}
        for at in sorted(again & shown):
            heading = next(column.heading for column in out.columns if column.index == at)
            out.findings.append(out.finding(number, heading, cells[at], "VALUE_READ_AS", read=above[at] or ""))
        # What is read into them leaves the sheet as it came.
        out.rows.append((number, [above[at] if at in again else cell for at, cell in enumerate(cells)]))
        before = number


def _why_left_out(grid: Grid, number: int, cells: Cells, headings: Cells) -> tuple[str | None, str] | None:
    """Return the value and the code of a row that is no record; no code for a template's example, None for a record."""
    told = [cell for cell in cells if cell is not None]
    words = [cell for cell in told if not _NUMBER.fullmatch(cell)]
    total = next((cell for cell in words if is_total(cell) or key(cell) in _words()["richness"]), None)
    total = words[0] if words and is_part(words[0]) else total
    if total is None and len(told) <= 2 and words:  # the total of a part of the table, under its name
        total = words[0] if any(map(is_total, words[0].split())) else None
    if number in grid.marks.hidden_rows:
        return None, "ROW_HIDDEN"
    if [(cell or "").strip() for cell in cells] == [(cell or "").strip() for cell in headings]:
        return None, "HEADING_ROW_REPEATED"
    if told and is_example(told[0]):
        return None, ""
    if total is not None and len(words) <= 2:
        return total, "TOTALS_ROW_LEFT_OUT"
    # one cell of words, or a word for a note and what follows it
    over_all = any(r1 == number == r2 and 2 * (c2 - c1) >= len(headings) for r1, c1, r2, c2 in grid.merges)
    is_words = len(told) == 1 and (over_all or len(told[0].split()) > 3)
    return (told[0], "NOTE_ROW_LEFT_OUT") if is_words or (0 < len(told) < 3 and is_note(told[0])) else None


def _is_unit(cell: str, *dimensions: str) -> bool:
    unit = unit_alone(cell)
    is_kind = cell.strip().lower() in ("text", "number") and not dimensions  # as forms write where there is no unit
    return is_kind if unit is None else not dimensions or unit.dimension in dimensions


_ANGLE_PART: Final = re.compile(
    r"(?i)(.*?)[\s(（]*(?:(°|deg\w*|度|องศา|độ|darjah|derajat|ອົງສາ|ដឺក្រេ|ဒီဂရီ)"
    r"|(['′]|min\w*|分|ลิปดา|phút|minit|menit|ນາທີ|នាទី|မိနစ်)|([\"″]|sec\w*|秒|ฟิลิปดา|giây|saat|detik|ວິນາທີ|វិនាទី|စက္ကန့်))[)）]?"
)


@cache
def _words() -> Mapping[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for row in read_rows("sheet_words.csv"):
        found[row["kind"]] = found.get(row["kind"], frozenset()).union(map(key, row["words"].split("|")))
    return found


def sheet_kind(name: str) -> str | None:
    """Return what a sheet's name says that it holds; None where it says nothing."""
    kinds = ("occurrences", "events", "sites", "project", "guide", "summary")
    return next((kind for kind in kinds if key(name) in _words()[kind]), None)


def is_total(cell: str) -> bool:
    """Tell whether a cell is the word for a total, or a few words that begin with it; one without spaces may end with it."""
    totals, begun = _words()["total"], key(re.split(r"[\s(（]", cell.strip())[0]) if cell.strip() else ""
    return key(cell) in totals or (len(cell) <= 20 and (begun in totals or any(begun.endswith(one) for one in totals)))


def is_part(cell: str) -> bool:
    """Tell whether a cell begins with words such as `of which`: numbers under or beside it are a part of those before."""
    return key(cell).startswith((*_words()["part"],))


def is_note(cell: str) -> bool:
    """Tell whether a cell begins as a note does: with a word for it and a sign behind it, or with a star."""
    before, *rest = re.split(r"[:：៖\-–—]", cell, maxsplit=1)
    return cell.lstrip().startswith(("*", "※", "注：")) or (bool(rest) and key(before) in _words()["note"])


def is_example(cell: str) -> bool:
    """Tell whether a row that begins with this cell is a template's example."""
    return cell.lstrip().startswith("#") and key(cell) in _words()["example"]
