"""What columns of numbers show by themselves, whatever they mean: sums that are none, shares and counts out of bounds, numbers twice."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import combinations, groupby, pairwise
from typing import Final

import numpy as np
import polars as pl

from biodata.ingest.headings.plain import units_in
from biodata.ingest.protocol import Finding
from biodata.ingest.sheet_layout import Column, Layout
from biodata.ingest.survey_shapes import ANY_DAY
from biodata.text import dates
from biodata.text.numbers import parse_decimals
from biodata.text.tables import NA, PLACEHOLDERS

_FEWEST, _HALF, _MOSTLY, _ALONE, _WIDEST = 5, 0.5, 0.9, 0.03, 40
_SEVERAL: Final = 3  # rows in which more than one part is told, so that a column and its copy are no sum
_NUMBERED: Final = re.compile(r"(.*?)(\d{1,18})(\D*)")
_NUMBERS_OF: Final = frozenset(
    "recordNumber organismID catalogNumber fieldNumber materialSampleID associatedMedia mediaID".split()
)


def odd_numbers(layout: Layout, names: Mapping[int, str], known: Collection[str]) -> Iterator[Finding]:
    """Find numbers that are none of their column; a column of a `known` term has checks of its own."""
    numbers: dict[int, np.ndarray] = {}
    for column in layout.columns:
        name, cells = names[column.index], layout.cells(column.index)
        if (read := _numbers(cells)) is not None:
            numbers[column.index] = read
        if name not in known and read is not None:
            yield from _outside(layout, column, read, cells)
        if name not in known or name in _NUMBERS_OF:
            yield from _twice(layout, column, cells)
    yield from _sums(layout, numbers)
    yield from _ends(layout, numbers)


def _numbers(cells: Sequence[str | None]) -> np.ndarray | None:
    """Return the numbers of a column; None where it holds anything else."""
    plain = pl.Series(cells, dtype=pl.String).str.strip_chars().str.replace(r"^(\d{1,3}),(\d{3})$", "$1$2")
    read = parse_decimals(plain)["number"]
    words = plain.is_not_null().sum() - read.count()
    return read.to_numpy() if read.count() >= _FEWEST and words <= _ALONE * read.count() else None


def _is_share(column: Column) -> bool:
    return "%" in column.heading or any(unit.name == "percent" for unit in units_in(column.heading)[1])


def _outside(layout: Layout, column: Column, numbers: np.ndarray, cells: Sequence[str | None]) -> Iterator[Finding]:
    """Find percents that are none, the one whole number below zero, and words among numbers."""
    share, told = _is_share(column), numbers[~np.isnan(numbers)]
    warmth = any(unit.dimension == "temperature" for unit in units_in(column.heading)[1])
    counts = not warmth and (told % 1 == 0).all() and (told < 0).sum() == 1
    share = share and (told > 100).mean() <= _HALF
    texts = pl.Series(cells, dtype=pl.String).str.strip_chars()
    worded = (texts.str.contains(r"^\p{L}\D+$") & ~texts.is_in([*PLACEHOLDERS, NA])).fill_null(value=False).to_numpy()
    limits = {"least": "0"} | ({"greatest": "100"} if share else {})
    for at in np.flatnonzero((numbers < 0) & (share | counts) | (numbers > 100) & share | worded).tolist():
        yield _at(layout, at, column, "MEASUREMENT_INVALID", **limits)


def _twice(layout: Layout, column: Column, cells: Sequence[str | None]) -> Iterator[Finding]:
    """Find a number that stands twice in a column that counts something up from row to row."""
    told = [(row, cell.strip()) for (row, _), cell in zip(layout.rows, cells, strict=True) if cell is not None]
    parts = [_NUMBERED.fullmatch(cell) for _, cell in told]
    if len(told) < 3 * _FEWEST or len({part and (part[1], part[3]) for part in parts}) > 1 or parts[0] is None:
        return
    steps = [int(after[2]) - int(before[2]) for before, after in pairwise(filter(None, parts))]
    plain = all(part and cell == str(int(part[2])) for (_, cell), part in zip(told, parts, strict=True))
    usual = sum(step == 1 for step in steps) if plain else sum(step > 0 for step in steps)
    first: dict[str, int] = {}
    again = [(row, cell, before) for row, cell in told if (before := first.setdefault(cell, row)) != row]
    if usual >= _MOSTLY * len(steps) and len(again) <= max(1, _ALONE * len(told)):
        for row, cell, before in again:
            yield layout.finding(row, column.heading, cell, "IDENTIFIER_REPEATED", other_row=str(before))


def _sums(layout: Layout, numbers: Mapping[int, np.ndarray]) -> Iterator[Finding]:
    """Find totals that are not what the columns beside them make, and shares that make no hundred, as in nearly all rows."""
    found: dict[tuple[int, int], Finding] = {}
    beside = groupby(layout.columns, key=lambda column: column.index in numbers)
    for block in (list(columns)[:_WIDEST] for are_numbers, columns in beside if are_numbers):
        told = np.column_stack([numbers[column.index] for column in block])
        shares = [_is_share(column) for column in block]
        for first, last in combinations(range(len(block)), 2):
            parts = told[:, first : last + 1]
            filled = ~np.isnan(parts).all(axis=1) & ~(parts < 0).any(axis=1)
            targets = {at: told[:, at] for at in (first - 1, last + 1) if 0 <= at < len(block)}
            if all(shares[first : last + 1]):
                targets[-1] = np.full(len(told), 100.0)
            for target, total in targets.items():
                asked = filled & ~np.isnan(total)
                right = np.isclose(np.nansum(parts, axis=1), total, rtol=1e-3, atol=0.06)
                several = (asked & right & ((parts > 0).sum(axis=1) > 1)).sum() >= _SEVERAL
                wrong = np.flatnonzero(asked & ~right)
                if not several or len(wrong) > max(1, (1 - _MOSTLY) * asked.sum()):
                    continue
                fixed = len(set(total[asked])) == 1  # then it is a part that is wrong
                for row in wrong.tolist():
                    column = block[first + int(np.nanargmax(parts[row])) if fixed else target]
                    params = {"sum": f"{np.nansum(parts[row]):g}", "total": f"{total[row]:g}"}
                    found[row, column.index] = _at(layout, row, column, "SUM_DISAGREES", **params)
    yield from found.values()


def _ends(layout: Layout, numbers: Collection[int]) -> Iterator[Finding]:
    """Find ends before their beginning: of two columns of times or days beside each other, the second is later in nearly all rows."""
    for first, last in pairwise(column for column in layout.columns if column.index not in numbers):
        begins, ends = (_moments(layout.cells(column.index)) for column in (first, last))
        if begins is None or ends is None or begins.dtype != ends.dtype or last.index != first.index + 1:
            continue
        wrong, right = (ends < begins).fill_null(value=False), int((ends > begins).sum())
        for at in wrong.arg_true() if right >= 2 * _FEWEST and wrong.sum() <= (1 - _MOSTLY) * right else ():
            overnight = begins.dtype == pl.String and begins[at] > "15" and ends[at] < "10"
            if not overnight:
                yield _at(layout, at, last, "EVENT_ENDS_BEFORE_START", start=str(begins[at]))


def _moments(cells: Sequence[str | None]) -> pl.Series | None:
    """Return a column's times of day, or its days; None where it holds anything else."""
    texts = pl.Series(cells, dtype=pl.String)
    if texts.count() < 2 * _FEWEST or not texts.drop_nulls().str.contains(r"\d").all():
        return None
    order = dates.OrderEvidence.of(texts, today=ANY_DAY).order
    days = dates.parse_dates(texts, today=ANY_DAY, day_first=order)["start"]
    read = (dates.parse_times(texts)["clock"].str.zfill(5), days)
    return next((one for one in read if one.count() >= (1 - _ALONE) * texts.count()), None)


def _at(layout: Layout, at: int, column: Column, code: str, **params: str) -> Finding:
    row, cells = layout.rows[at]
    return Finding(layout.grid.file, layout.grid.name, row, column.heading, cells[column.index], code, False, params)
