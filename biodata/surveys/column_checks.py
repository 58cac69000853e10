"""What the columns of one table say of each other: which values go together, and the cell that breaks it."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biodata.core.terms import WRITTEN
from biodata.ingest.protocol import Finding
from biodata.ingest.survey_shapes import is_nothing
from biodata.surveys.cell_checks import Rows
from biodata.surveys.problems import SETTLED

_LEAST_ROWS, _LEAST_GROUPS, _LEAST_OTHERS = 20, 3, 2
_ROWS_EACH: Final = 50  # of a table with one exception
_Codes = NDArray[np.uint32]


def going_together(rows: Rows, known: Collection[Finding]) -> Iterator[Finding]:
    """Find the cell that does not go with another one of its row as it does in every other row; it may be right.

    A column determines another one where each of its values has one value beside it, save in a row or two. Of two cells
    that do not go together none is named where something is `known` of either.
    """
    frame = rows.table.frame
    names = [name for name in frame.columns if name in rows.table.headings and not name.startswith(WRITTEN)]
    # 0 of an empty cell; large and small letters are no difference.
    text = (pl.when(~is_nothing(name)).then(pl.col(name).str.strip_chars().str.to_lowercase()) for name in names)
    codes = frame.select(one.rank("dense").fill_null(0).alias(name) for one, name in zip(text, names, strict=True))
    columns = {one.name: one.to_numpy() for one in codes} if frame.height >= _LEAST_ROWS else {}
    able = [name for name, numbers in columns.items() if 1 < numbers.max() <= frame.height / _LEAST_OTHERS]
    against: dict[int, list[tuple[str, str, int]]] = defaultdict(list)
    for one, other in ((one, other) for one in able for other in columns if one != other):
        for at, like in _exceptions(columns[one], columns[other]).items():
            against[at].append((one, other, like))
    of_table = {(f.row, f.column) for f in known if (f.file, f.sheet) == (rows.table.file, rows.table.sheet) and f.code not in SETTLED}  # fmt: skip
    row_numbers = list(rows.own)
    for at, pairs in against.items():
        row = row_numbers[at]
        # A value that goes with nothing beside it is the wrong one itself.
        determining, determined = Counter(one for one, *_ in pairs), Counter(name for _, name, _ in pairs)
        column = max(determined, key=lambda name: determined[name] - determining[name])
        other, like = next((one, like) for one, name, like in pairs if name == column)
        named = any(rows.table.place(row, name) in of_table for pair in pairs for name in pair[:2])
        if not named and rows.column(row, (column,)) is not None:
            usual = rows.own[row_numbers[like]].get(column)
            yield rows.finding(row, column, "VALUE_GOES_WITH_ANOTHER", other=rows.table.heading(other), usual=usual)


def _exceptions(one: _Codes, other: _Codes) -> dict[int, int]:
    """Return the few rows in which a column does not determine another one, each with a row that is as usual; none of any other columns."""
    full = np.flatnonzero((one > 0) & (other > 0))
    pairs = one[full] * np.uint64(other.max() + 1) + other[full]
    most = max(1, len(full) // _ROWS_EACH)
    if not 0 < len(np.unique(pairs)) - len(np.unique(one[full])) <= most:
        return {}
    groups: dict[int, dict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for at, value, beside in zip(full.tolist(), one[full].tolist(), other[full].tolist(), strict=True):
        groups[value][beside].append(at)
    mixed = [sorted(beside.values(), key=len) for beside in groups.values() if len(beside) > 1]
    alone = all(len(each) == 2 and len(each[0]) == 1 and len(each[1]) >= _LEAST_OTHERS for each in mixed)
    usuals = {next(iter(beside)) for beside in groups.values() if len(beside) == 1}
    large = sum(sum(map(len, beside.values())) > _LEAST_OTHERS for beside in groups.values())
    return {odd[0]: usual[0] for odd, usual in mixed} if alone and min(large, len(usuals) + 1) >= _LEAST_GROUPS else {}
