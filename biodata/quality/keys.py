"""Rows known again by a key: 128 bits of two hashes, found in a table without a text being compared."""

from typing import Final, NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

Longs = NDArray[np.int64]
Words = NDArray[np.uint64]

_FEWEST: Final = 1 << 10
_ROOM: Final = 4
"""Places in the table for each key, at least: most keys are found at the first place looked at."""


class Keys(NamedTuple):
    """Keys of n rows: two independent hashes of 64 bits.

    Two rows that differ share a key once in 2^128: among as many rows as there have ever been records of life, that
    is less likely than a wrong bit in memory.
    """

    first: Words
    second: Words

    def take(self, rows: Longs) -> "Keys":
        """Return the keys of some rows."""
        return Keys(self.first[rows], self.second[rows])

    def distinct(self) -> Longs:
        """Return the row in which each key comes first, in order."""
        frame = pl.DataFrame({"first": self.first, "second": self.second}).with_row_index("row")
        rows = frame.unique(["first", "second"], keep="first", maintain_order=True)["row"]
        return rows.to_numpy().astype(np.int64)


def keys_of(frame: pl.DataFrame, seeds: tuple[int, int]) -> Keys:
    """Return the keys of the rows of a frame.

    Parameters
    ----------
    frame : polars.DataFrame of n rows
        Whatever columns; null is a value like others. Without columns all rows are alike: there is one key.
    seeds : two int
        What makes the hashes two, and such that nobody can prepare texts with equal keys.
    """
    if not frame.width:
        return Keys(np.zeros(1, dtype=np.uint64), np.zeros(1, dtype=np.uint64))
    first, second = (frame.hash_rows(seed=seed).to_numpy() for seed in seeds)
    return Keys(first, second)


class Index:
    """Distinct keys by number, in the order in which they were added: an open table that is looked up column-wise."""

    def __init__(self) -> None:
        self._first = self._second = np.empty(0, dtype=np.uint64)
        self._table = np.full(_FEWEST, -1, dtype=np.int32)

    def __len__(self) -> int:
        return len(self._first)

    def find(self, keys: Keys) -> Longs:
        """Return each key's number, -1 where it was not added."""
        found = np.full(len(keys.first), -1, dtype=np.int64)
        if not len(self):
            return found
        last = np.uint64(len(self._table) - 1)
        place = (keys.first & last).astype(np.int64)
        found[:] = self._table[place]
        rest = self._wrong(found, keys)
        while len(rest):
            place[rest] = (place[rest] + 1) & (len(self._table) - 1)
            found[rest] = self._table[place[rest]]
            rest = rest[self._wrong(found[rest], keys.take(rest))]
        return found

    def _wrong(self, found: Longs, keys: Keys) -> Longs:
        """Return the rows at whose place there is another key."""
        other = (self._first[found] != keys.first) | (self._second[found] != keys.second)
        return np.flatnonzero(other & (found >= 0))

    def add(self, keys: Keys) -> None:
        """Add distinct keys that are not there."""
        before = len(self)
        self._first = np.concatenate([self._first, keys.first])
        self._second = np.concatenate([self._second, keys.second])
        if len(self) * _ROOM <= len(self._table):
            self._place(before)
            return
        self._table = np.full(1 << (len(self) * _ROOM * 2 - 1).bit_length(), -1, dtype=np.int32)
        self._place(0)

    def _place(self, start: int) -> None:
        """Give the keys from number `start` the next free place each."""
        number = np.arange(start, len(self), dtype=np.int32)
        place = (self._first[start:] & np.uint64(len(self._table) - 1)).astype(np.int64)
        while len(number):
            free = self._table[place] < 0
            self._table[place[free]] = number[free]
            waits = self._table[place] != number
            number, place = number[waits], (place[waits] + 1) & (len(self._table) - 1)
