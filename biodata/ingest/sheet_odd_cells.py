"""Cells that are unlike all others of their column, whatever its heading means: doubts, which block nothing.

In a column of ten cells or more whose others agree, the one that does not is found: no number, a negative one, one far beyond
the next, a code that stands twice, an end before its beginning, a total that is none.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final

import polars as pl

from biodata.ingest.protocol import Finding
from biodata.ingest.sheet_layout import Column, Layout, is_total
from biodata.ingest.survey_sites import ANY_DAY
from biodata.text.dates import parse_dates
from biodata.text.numbers import ascii_digits, parse_decimal

_FEWEST: Final = 10
_MOSTLY: Final = 0.9
_BEYOND: Final = 4.0
_CODES: Final = frozenset(
    {"recordNumber", "organismID", "catalogNumber", "fieldNumber", "otherCatalogNumbers", "taxonID"}
)
"""Terms that may be told twice, and are codes of one thing each where all others of the column are."""
_MANY_WORDS: Final = 3
_CODE: Final = re.compile(r"(?=.*\d)(?=.*[^\W\d])\S{2,20}")
_CLOCK: Final = re.compile(r"([01]?\d|2[0-3])[:hH]([0-5]\d)(?::\d{2})?(?: ?น\.)?")


def odd_cells(layout: Layout, names: Mapping[int, str]) -> Iterator[Finding]:
    """Yield a doubt for each cell that is unlike the others of its column; terms that are checked on their own are left to that."""
    columns = {column: layout.cells(column.index) for column in layout.columns}
    open_ = [column for column in columns if names[column.index] in (column.heading, *_CODES)]
    for column in open_:
        yield from _of_numbers(layout, column, columns[column])
        yield from _of_codes(layout, column, columns[column])
    moments = {column: _moments(cells) for column, cells in columns.items() if _has_figures(cells)}
    for first, second in pairwise(layout.columns):
        if first in moments and second in moments:
            yield from _in_order(layout, second, columns[first], columns[second], moments[first], moments[second])
    for column in layout.columns:
        if is_total(column.heading):
            yield from _of_sums(layout, column, columns)


def _numbers(cells: Sequence[str | None]) -> list[float | None]:
    return [None if cell is None else parse_decimal(ascii_digits(cell.strip()))[0] for cell in cells]


def _odd(layout: Layout, at: int, column: Column, cell: str | None, like: str) -> Finding:
    return layout.finding(layout.rows[at][0], column.heading, cell, "CELL_ODD", like=like)


def _of_numbers(layout: Layout, column: Column, cells: Sequence[str | None]) -> Iterator[Finding]:
    """Yield cells that are no number, negative or far beyond, where the others are numbers."""
    filled = [at for at, cell in enumerate(cells) if cell is not None and cell.strip() not in ("-", "–", "0")]
    numbers = _numbers(cells)
    known = sorted((number, at) for at in filled if (number := numbers[at]) is not None)
    if len(filled) < _FEWEST or len(known) < _MOSTLY * len(filled):
        return
    like = ", ".join(str(cells[at]) for _, at in known[len(known) // 2 : len(known) // 2 + _MANY_WORDS])
    odd = {at for at in filled if numbers[at] is None}
    negative = [at for number, at in known if number < 0]
    odd |= set(negative) if len(negative) <= (1 - _MOSTLY) * len(known) else set()
    (largest, at), (next_largest, _) = known[-1], known[-2]
    odd |= {at} if next_largest > 0 and largest > _BEYOND * next_largest else set()
    for at in sorted(odd):
        yield _odd(layout, at, column, cells[at], like)


def _of_codes(layout: Layout, column: Column, cells: Sequence[str | None]) -> Iterator[Finding]:
    """Yield codes that stand twice in a column where each other one stands once."""
    told = [cell.strip() for cell in cells if cell is not None]
    counts = Counter(told)
    twice = {code for code, count in counts.items() if count > 1}
    if not twice or len(told) < _FEWEST or len(twice) > (1 - _MOSTLY) * len(told) or max(counts.values()) > 2:
        return
    running = all(code.isdigit() for code in map(ascii_digits, told))
    if not running and sum(_CODE.fullmatch(ascii_digits(code)) is not None for code in told) < _MOSTLY * len(told):
        return
    if running and not _in_sequence([int(ascii_digits(code)) for code in told]):
        return
    seen: set[str] = set()
    for at, cell in enumerate(cells):
        code = (cell or "").strip()
        if code in twice and code in seen:
            yield _odd(layout, at, column, cell, "≠")
        seen.add(code)


def _in_sequence(numbers: Sequence[int]) -> bool:
    """Tell whether whole numbers count the rows, or nearly so: then one that stands twice is a slip."""
    return sum(0 < after - before <= 2 for before, after in pairwise(numbers)) >= (_MOSTLY - 0.1) * len(numbers)


def _moments(cells: Sequence[str | None]) -> list[str | None]:
    """Return what cells tell of a time, so written that later ones sort behind: dates with or without a time, or a clock's time."""
    texts = [ascii_digits((cell or "").strip()) for cell in cells]
    read = parse_dates(pl.Series(texts), today=ANY_DAY)
    dates = read.select(pl.coalesce("event_date", "proposal"))["event_date"].to_list()
    clocks = [_CLOCK.fullmatch(text) for text in texts]
    return [(clock and f"{clock[1]:0>2}:{clock[2]}") or date for clock, date in zip(clocks, dates, strict=True)]


def _has_figures(cells: Sequence[str | None]) -> bool:
    return any(cell is not None and any(map(str.isdigit, cell)) for cell in cells)


def _in_order(
    layout: Layout, second: Column, beginnings: Sequence[str | None], ends: Sequence[str | None],
    first_moments: Sequence[str | None], last_moments: Sequence[str | None],
) -> Iterator[Finding]:  # fmt: skip
    """Yield the ends that are before their beginnings, where the others of two columns side by side are after them."""
    both = enumerate(zip(first_moments, last_moments, strict=True))
    compared = [(at, first <= last) for at, (first, last) in both if first and last and len(first) == len(last)]
    after = sum(ordered for _, ordered in compared)
    if len(compared) < _MANY_WORDS or after == len(compared) or after < (_MOSTLY - 0.1) * len(compared):
        return
    for at, ordered in compared:
        if not ordered:
            yield _odd(layout, at, second, ends[at], f"> {beginnings[at]}")


def _of_sums(layout: Layout, column: Column, columns: Mapping[Column, Sequence[str | None]]) -> Iterator[Finding]:
    """Yield totals that the numbers left of them do not add up to, where those of the other rows do."""
    totals = _numbers(columns[column])
    left = layout.columns[: layout.columns.index(column)]
    for begin in range(len(left) - 1):
        parts = [_numbers(columns[one]) for one in left[begin:]]
        sums = [sum(number or 0 for number in row) for row in zip(*parts, strict=True)]
        compared = [at for at, total in enumerate(totals) if total is not None]
        wrong = [at for at in compared if totals[at] != sums[at]]
        if len(compared) >= _MANY_WORDS and len(wrong) <= (1 - _MOSTLY + 0.1) * len(compared):
            for at in wrong:
                yield _odd(layout, at, column, columns[column][at], f"{sums[at]:g}")
            return
