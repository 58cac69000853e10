"""What the columns of one table say of each other: which values go together, and the cell that breaks it."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, product
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biodata.core.terms import WRITTEN
from biodata.ingest.headings import TERMS
from biodata.ingest.protocol import Finding
from biodata.ingest.survey import DATE
from biodata.ingest.survey_shapes import is_nothing
from biodata.surveys.cell_checks import Rows
from biodata.surveys.problems import SETTLED
from biodata.text.numbers import parse_decimals

_LEAST_ROWS, _LEAST_GROUPS, _LEAST_OTHERS, _LEAST_IN_RANGE = 20, 3, 2, 4
_SHEET, _MONTH = f"{WRITTEN}sheet", f"{WRITTEN}month"  # as no heading begins
_GROUPS: Final = {f"{WRITTEN}{rank}": rank for rank in ("class", "order", "family")}  # of the taxon, as read
_FEW_WORDS: Final = 8  # that may stand for ranges of a number: strata, ages
_TRAITS: Final = ("sex", "lifeStage")  # that columns of no term are signs of
_SIGNS: Final = ("reproductiveCondition", "occurrenceRemarks", "behavior")
_LEAST_OF_SIGN, _BY_CHANCE = 5, 0.01
_ROWS_EACH: Final = 50  # of a table with one exception
_Codes = NDArray[np.uint32]


def going_together(parts: Sequence[tuple[Rows, pl.DataFrame]], known: Collection[Finding]) -> Iterator[Finding]:
    """Find the cell that does not go with another one of its row as it does in every other row; it may be right.

    A column determines another one where each of its values has one value beside it, save in a row or two. Of two cells
    that do not go together none is named where something is `known` of either. The `parts` are one table on several
    sheets, each with its rows as interpreted; a sheet may determine a column too, and the month of the dates.
    """
    cells = [(rows, row) for rows, _ in parts for row in rows.own]
    table = parts[0][0].table
    names = [n for n in table.frame.columns if n in table.headings and not n.startswith(WRITTEN)]
    beside = sorted(set.intersection(*({*rows.table.beside} for rows, _ in parts)) - {*names})
    frame = pl.concat([_with_sheet(*part, names, beside) for part in parts])
    # 0 of an empty cell; large and small letters are no difference.
    text = (pl.when(~is_nothing(n)).then(pl.col(n).str.strip_chars().str.to_lowercase()) for n in frame.columns)
    codes = frame.select(one.rank("dense").fill_null(0).alias(name) for one, name in zip(text, frame.columns, strict=True))  # fmt: skip
    columns = {one.name: one.to_numpy() for one in codes} if frame.height >= _LEAST_ROWS else {}
    able = [n for n, numbers in columns.items() if 1 < numbers.max() <= frame.height / _LEAST_OTHERS and n != _MONTH]
    derived = {_SHEET, *_GROUPS}
    against: dict[int, list[tuple[str, str, int]]] = defaultdict(list)
    for one, other in ((one, other) for one in able for other in columns if other not in {one, *derived}):
        for at, like in _exceptions(columns[one], columns[other]).items() if other != _MONTH or one == _SHEET else ():
            against[at].append((one, other, like))
    open_ones = [name for name in (*names, *beside) if (name not in TERMS or name in _SIGNS) and name in columns]
    for sign, trait in product(open_ones, (one for one in _TRAITS if one in columns)):
        for at, like in _against_signs(columns[sign], columns[trait]).items():
            against[at].append((sign, trait, like))
    few = [name for name in able if name not in derived and columns[name].max() <= _FEW_WORDS]
    for number in (*names, *beside) if few else ():
        numbers = parse_decimals(frame[number])["number"]
        is_number = numbers.count() == frame[number].count() >= _LEAST_ROWS
        for word in (word for word in few if is_number and word != number):
            for at, like in _outside_of_ranges(columns[word], numbers.to_numpy()).items():
                against[at].append((number, word, like))
    said = {(f.file, f.sheet, f.row, f.column) for f in known if f.code not in SETTLED}
    for at, pairs in against.items():
        rows, row = cells[at]
        # The wrong value is in every pair of columns that do not go together; where two are, the one that another determines.
        determining, determined = Counter(one for one, *_ in pairs), Counter(name for _, name, _ in pairs)
        every = determined + determining
        worst = max(every, key=lambda name: (every[name], determined[name]))
        of_worst = [(one, like) for one, name, like in pairs if name == worst]
        other = of_worst[0][0] if of_worst else pairs[0][1]
        own = rows.table.beside.get(worst, {})
        column = worst if row in own else rows.column(row, DATE if worst == _MONTH else (worst,))
        of_pairs = {column or worst, *(name for pair in pairs for name in pair[:2])}
        named = any((rows.table.file, rows.table.sheet, *rows.table.place(row, name)) in said for name in of_pairs)
        if not named and column is not None:
            of_column = rows.table.heading("scientificName" if other in _GROUPS else other)
            heading = rows.table.sheet or "" if other == _SHEET else of_column
            usual = next((_cell(*cells[like], column) for _, like in of_worst), None)
            found = rows.finding(row, column, "VALUE_GOES_WITH_ANOTHER", other=heading, usual=usual)
            yield replace(found, value=own.get(row, found.value))


def _cell(rows: Rows, row: int, column: str) -> str | None:
    return rows.table.beside.get(column, {}).get(row) or rows.own[row].get(column)


def _with_sheet(rows: Rows, read: pl.DataFrame, names: Sequence[str], beside: Sequence[str]) -> pl.DataFrame:
    days = rows.table.frame.select("source_row").join(read, on="source_row", how="left", maintain_order="left")
    months = days["event_start"].dt.strftime("%Y-%m").alias(_MONTH)
    groups = [days[rank].cast(pl.String).alias(name) for name, rank in _GROUPS.items()]
    numbers = rows.table.frame["source_row"]
    others = [pl.Series(name, [rows.table.beside[name].get(row) for row in numbers], pl.String) for name in beside]
    return rows.table.frame.select(*names, *others, months, pl.lit(rows.table.sheet, pl.String).alias(_SHEET), *groups)


def _outside_of_ranges(words: _Codes, numbers: NDArray[np.float64]) -> dict[int, int]:
    """Return the few rows whose number lies in the range of another word, where each word has a range of its own; each with a row of that."""
    full = np.flatnonzero((words > 0) & ~np.isnan(numbers))
    kinds = len(np.unique(np.column_stack([words[full], numbers[full]]), axis=0))
    groups = [full[words[full] == word] for word in np.unique(words[full])]
    if kinds < 3 * len(groups) or len(groups) < 2 or min(map(len, groups)) < _LEAST_IN_RANGE:
        return {}
    groups.sort(key=lambda rows: float(np.median(numbers[rows])))
    odd, wrong = dict[int, int](), 0
    for below, above in pairwise(groups):
        low, high = np.sort(numbers[below]), np.sort(numbers[above])
        # Where the two are parted so that the fewest rows lie on the wrong side.
        ends = np.concatenate([low, high])
        beyond = len(low) - np.searchsorted(low, ends, "right") + np.searchsorted(high, ends, "right")
        end = ends[int(np.argmin(beyond))]
        wrong += int(beyond.min())
        # One near the border of two ranges may be of either.
        deep = [(end + float(np.median(numbers[rows]))) / 2 for rows in (below, above)]
        odd |= {int(at): int(above[0]) for at in below[numbers[below] > deep[1]]}
        odd |= {int(at): int(below[0]) for at in above[numbers[above] < deep[0]]}
    return odd if wrong <= max(1, len(full) // _ROWS_EACH) else {}


def _against_signs(signs: _Codes, traits: _Codes) -> dict[int, int]:
    """Return the row of a sign, such as a brood patch, whose trait is another than that of all other rows of it, as chance would seldom have it."""
    full = np.flatnonzero((signs > 0) & (traits > 0))
    odd = dict[int, int]()
    for sign in np.unique(signs[full]):
        rows = full[signs[full] == sign]
        usual = np.bincount(traits[rows]).argmax()
        alike, others = rows[traits[rows] == usual], rows[traits[rows] != usual]
        share = (traits[full] == usual).mean()
        if len(others) == 1 and len(alike) >= _LEAST_OF_SIGN and share ** len(alike) < _BY_CHANCE:
            odd[int(others[0])] = int(alike[0])
    return odd


def _exceptions(one: _Codes, other: _Codes) -> dict[int, int]:
    """Return the few rows in which a column does not determine another one, each with a row that is as usual; none of any other columns."""
    full = np.flatnonzero((one > 0) & (other > 0))
    pairs = one[full] * np.uint64(other.max() + 1) + other[full]
    if not 0 < len(np.unique(pairs)) - len(np.unique(one[full])) <= max(1, len(full) // _ROWS_EACH):
        return {}
    groups: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for at, value, beside in zip(full.tolist(), one[full].tolist(), other[full].tolist(), strict=True):
        groups[value][beside].append(at)
    mixed = [sorted(beside.values(), key=len) for beside in groups.values() if len(beside) > 1]
    alone = all(len(each) == 2 and len(each[0]) == 1 and len(each[1]) >= _LEAST_OTHERS for each in mixed)
    usuals = {next(iter(beside)) for beside in groups.values() if len(beside) == 1}
    large = sum(sum(map(len, beside.values())) > _LEAST_OTHERS for beside in groups.values())
    return {odd[0]: usual[0] for odd, usual in mixed} if alone and min(large, len(usuals) + 1) >= _LEAST_GROUPS else {}
