"""Distinct combinations of columns, found once and shared by the preparations that read them."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

_TABLE: Final = 1 << 22
"""Combinations are numbered by a table of so many places, by sorting beyond."""

Numbers = NDArray[np.int64]


class Coded(NamedTuple):
    """Rows as numbers of their distinct values.

    Attributes
    ----------
    values : polars.DataFrame of m rows
        The distinct values.
    number : ndarray of int64, length n, or None
        Each row's place among them; None where all rows are alike.
    """

    values: pl.DataFrame
    number: Numbers | None

    def spread(self, made: pl.DataFrame, height: int) -> pl.DataFrame:
        """Give each of `height` rows what was made of its distinct values."""
        if self.number is None:
            return pl.DataFrame([column.new_from_index(0, height) for column in made.get_columns()])
        return made[self.number]


class Coder:
    """Finds the distinct values of a frame's columns, each column once.

    Parameters
    ----------
    frame : polars.DataFrame of n rows
        Text columns, n > 0.
    """

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame
        self._of: dict[tuple[str, ...], Coded] = {}
        self.nothing = pl.Series([None], dtype=pl.String).new_from_index(0, frame.height)

    def code(self, names: Sequence[str]) -> Coded:
        """Return the distinct combinations of columns; a column that the frame does not have is null."""
        names = tuple(names)
        if names not in self._of:
            self._of[names] = self._one(names[0]) if len(names) == 1 else self._several(names)
        return self._of[names]

    def _one(self, name: str) -> Coded:
        """Give the values of one column a number each."""
        nothing = pl.DataFrame({name: [None]}, schema={name: pl.String})
        if name not in self._frame.columns or self._frame[name].null_count() == self._frame.height:
            return Coded(nothing, None)
        column = self._frame[name]
        # A category of its own numbers texts in the order in which they come, quicker than any join.
        number = column.cast(pl.Categorical(pl.Categories.random())).to_physical().cast(pl.Int64)
        size = int(number.max()) + 1  # type: ignore[arg-type]  # the column is not all null
        codes = number.fill_null(size).to_numpy()
        first = np.empty(size + 1, dtype=np.int64)
        first[codes[::-1]] = np.arange(len(codes) - 1, -1, -1)
        if number.null_count():
            return Coded(column.gather(first).to_frame(), codes)
        return Coded(column.gather(first[:size]).to_frame(), codes if size > 1 else None)

    def _several(self, names: tuple[str, ...]) -> Coded:
        """Give the combinations of several columns a number each, column after column."""
        first, last = self.code(names[:-1]), self.code(names[-1:])
        if last.number is None:
            alike = last.values[names[-1]].new_from_index(0, first.values.height)
            return Coded(first.values.with_columns(alike), first.number)
        if first.number is None:
            before = [column.new_from_index(0, last.values.height) for column in first.values.get_columns()]
            return Coded(pl.DataFrame([*before, *last.values.get_columns()]), last.number)
        size = last.values.height
        together = first.number * size + last.number
        distinct, number = _number(together, first.values.height * size)
        values = first.values[distinct // size].hstack(last.values[distinct % size].get_columns())
        return Coded(values, number)


def _number(codes: Numbers, size: int) -> tuple[Numbers, Numbers]:
    """Return the distinct codes, all below `size`, in order, and each code's place among them."""
    if size <= _TABLE:
        seen = np.zeros(size, dtype=bool)
        seen[codes] = True
        distinct = np.flatnonzero(seen)
        table = np.empty(size, dtype=np.int64)
        table[distinct] = np.arange(len(distinct))
        return distinct, table[codes]
    distinct = pl.Series(codes).unique().sort().to_numpy()
    return distinct, np.searchsorted(distinct, codes)
