"""What the columns of one table say of each other: values that go together, numbers that are never above others, numbers of one size."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from itertools import permutations
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biodata.core.terms import WRITTEN
from biodata.ingest.headings.plain import Unit, split_unit
from biodata.ingest.protocol import Finding
from biodata.ingest.survey_shapes import is_nothing
from biodata.surveys.cell_checks import Rows
from biodata.text import dates
from biodata.text.numbers import parse_decimals

_LEAST_ROWS, _LEAST_GROUPS, _LEAST_OTHERS = 20, 3, 2
_LEAST_BREAKS: Final = 10.0
"""So many rows would break the order of two columns that had nothing to do with each other, where one or none does."""
_NUMBER, _CLOCK = r"^[-+]?\d[\d.,]*$", r"^\d{1,2}[:.]\d\d"
_ROWS_EACH: Final = 50  # of a table with one exception
_SPREADS, _LEAST_LOG, _MOSTLY = 6.0, 0.25, 0.9
_SLIPS: Final = (10.0, 100.0, 1000.0, 0.1, 0.01, 0.001, 3.2808, 1 / 3.2808, 2.54, 1 / 2.54)
"""A point at another digit, feet for metres, inches for centimetres."""
_FAHRENHEIT: Final = (50.0, 110.0)  # degrees that may stand among degrees Celsius
_NOT_NUMBERS: Final = ("decimalLatitude", "decimalLongitude", "verbatimCoordinates", "individualCount", "eventDate", "year",
                       "month", "day", "eventTime", "occurrenceID", "eventID", "recordNumber", "catalogNumber")  # fmt: skip


def of_columns(rows: Rows) -> Iterator[Finding]:
    """Find cells that contradict what all other rows of their table say; nothing of it blocks, since each may be right."""
    if len(rows.own) < _LEAST_ROWS:
        return
    frame = rows.table.frame
    names = [name for name in frame.columns if name in rows.table.headings and not name.startswith(WRITTEN)]
    texts = frame.select(pl.when(~is_nothing(name)).then(pl.col(name).str.strip_chars()).alias(name) for name in names)
    numbers = {
        name: found
        for name in names
        if name not in _NOT_NUMBERS and (found := _values(rows, texts[name], _NUMBER, _decimals))
    }
    clocks = {
        name: found for name in names if name not in numbers and (found := _values(rows, texts[name], _CLOCK, _hours))
    }
    yield from _going_together(rows, texts)
    yield from _in_order(rows, numbers)
    yield from _in_order(rows, clocks)
    yield from _of_one_size(rows, numbers)


def _going_together(rows: Rows, texts: pl.DataFrame) -> Iterator[Finding]:
    """Find the row of a table in which a value does not have beside it what it has in every other row."""
    against: dict[int, list[tuple[str, str, str]]] = defaultdict(list)
    # 0 of an empty cell; large and small letters are no difference
    codes = {one.name: one.str.to_lowercase().rank("dense").fill_null(0).to_numpy() for one in texts}
    able = [name for name, numbers in codes.items() if 1 < numbers.max() <= len(numbers) / _LEAST_OTHERS]
    for one, other in ((one, other) for one in able for other in codes if one != other):
        if _may_determine(codes[one], codes[other]):
            for row, like in _exceptions(
                *(dict(zip(rows.own, codes[name], strict=True)) for name in (one, other))
            ).items():
                against[row].append((one, other, rows.own[like][other]))
    for row, pairs in against.items():
        # A value that goes with nothing beside it is the wrong one itself.
        determining, determined = (Counter(pair[at] for pair in pairs) for at in (0, 1))
        column = max(determined, key=lambda name: determined[name] - determining[name])
        other, usual = next((one, usual) for one, name, usual in pairs if name == column)
        if rows.column(row, (column,)) is not None:
            yield rows.finding(row, column, "VALUE_GOES_WITH_ANOTHER", other=rows.table.heading(other), usual=usual)


def _may_determine(one: NDArray[np.uint32], other: NDArray[np.uint32]) -> bool:
    """Return whether two columns hold more pairs than the first has values, and few more."""
    full = (one > 0) & (other > 0)
    pairs, values = (len(np.unique(x[full])) for x in (one * np.uint64(other.max() + 1) + other, one))
    return 0 < pairs - values <= max(1, int(full.sum()) // _ROWS_EACH)


def _exceptions(one: Mapping[int, int], other: Mapping[int, int]) -> dict[int, int]:
    """Return the few rows in which a column does not determine another one, each with a row that is as usual; none of any other columns."""
    groups: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    both = [row for row in one if one[row] and other[row]]
    for row in both:
        groups[one[row]][other[row]].append(row)
    mixed = [sorted(beside.values(), key=len) for beside in groups.values() if len(beside) > 1]
    alone = all(len(each) == 2 and len(each[0]) == 1 and len(each[1]) >= _LEAST_OTHERS for each in mixed)
    usuals = {next(iter(beside)) for beside in groups.values() if len(beside) == 1}
    large = sum(sum(map(len, beside.values())) > _LEAST_OTHERS for beside in groups.values())
    few = len(mixed) <= max(1, len(both) // _ROWS_EACH) and min(large, len(usuals) + 1) >= _LEAST_GROUPS
    return {odd[0]: usual[0] for odd, usual in mixed} if alone and few else {}


def _values(rows: Rows, cells: pl.Series, form: str, read: Callable[[pl.Series], pl.Series]) -> dict[int, float]:
    """Return the values of a column by row, as they are read; nothing where most of its cells have another form."""
    if (cells.str.contains(form).sum() or 0) < max(_LEAST_ROWS, _MOSTLY * cells.count()):
        return {}
    return {row: value for row, value in zip(rows.own, read(cells), strict=True) if value is not None}


def _decimals(cells: pl.Series) -> pl.Series:
    """Return the numbers of cells."""
    return parse_decimals(cells)["number"]


def _hours(cells: pl.Series) -> pl.Series:
    """Return times of day as hours."""
    parts = dates.parse_times(cells)["clock"].str.split(":").cast(pl.List(pl.Float64))
    return parts.list.get(0) + parts.list.get(1, null_on_oob=True) / 60


def _in_order(rows: Rows, numbers: Mapping[str, Mapping[int, float]]) -> Iterator[Finding]:
    """Find the one row in which a number is above another that it is never above else."""
    for low, high in permutations(numbers, 2):
        both = sorted(numbers[low].keys() & numbers[high].keys())
        if len(both) < _LEAST_ROWS or _unit(rows, low) != _unit(rows, high):
            continue
        a, b = (np.array([numbers[name][row] for row in both]) for name in (low, high))
        above = np.flatnonzero(a > b)
        if len(above) != 1:
            continue
        by_chance = 1 - np.searchsorted(np.sort(a), b, side="right").mean() / len(a)
        if by_chance * len(both) >= _LEAST_BREAKS:
            row = both[above[0]]
            far_a, far_b = (abs(x[above[0]] - np.median(x)) / (np.std(np.delete(x, above[0])) or 1) for x in (a, b))
            column, other = (low, high) if far_a >= far_b else (high, low)
            if rows.column(row, (column,)) is not None:
                yield rows.finding(row, column, "NUMBER_OUT_OF_ORDER", other=rows.table.heading(other))


def _unit(rows: Rows, column: str) -> Unit | None:
    """Return the unit that a heading names; numbers of two units are in no order."""
    return split_unit(rows.table.heading(column))[1]


def _of_one_size(rows: Rows, numbers: Mapping[str, Mapping[int, float]]) -> Iterator[Finding]:
    """Find numbers far from all others of their column that would be one of them with the point at another digit or in another unit."""
    for column, cells in numbers.items():
        above = {row: number for row, number in cells.items() if number > 0}
        if len(above) < _LEAST_ROWS or len({*above.values()}) > _MOSTLY * len(above):  # numbers that count the rows
            continue
        logs = np.log10(np.array([*above.values()]))
        middle = np.median(logs)
        reach = max(_LEAST_LOG, _SPREADS * 1.4826 * float(np.median(np.abs(logs - middle))))
        usual = logs[np.abs(logs - middle) <= reach]
        for row, log in zip(above, logs, strict=True):
            slipped = [log + np.log10(slip) for slip in _SLIPS]
            slipped += [np.log10((10**log - 32) / 1.8)] if _FAHRENHEIT[0] <= 10**log <= _FAHRENHEIT[1] else []
            fits = any(usual.min() <= one <= usual.max() for one in slipped)
            if abs(log - middle) > reach and fits and len(usual) == len(logs) - 1 and rows.column(row, (column,)):
                low, high = (f"{10**end:.4g}" for end in (usual.min(), usual.max()))
                yield rows.finding(row, column, "NUMBER_OF_ANOTHER_SIZE", least=low, greatest=high)
