"""What was made of values that came before: batches of a file repeat their dates, names and countries."""

import secrets
from collections.abc import Callable, Hashable, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from biodata.quality.keys import Index, Keys, Longs, keys_of

if TYPE_CHECKING:
    from biodata.quality.model import Context, Preparation

MOST: Final = 200_000
"""Combinations remembered of one preparation; when there are more, the older ones are forgotten."""
_TABLES: Final = 500
"""Preparations remembered, each for every set of columns that it was made of."""


class Table:
    """What was made of distinct rows; who comes while it is being made waits and finds it."""

    def __init__(self) -> None:
        self._index, self._made = Index(), pl.DataFrame()
        self._lock = Lock()

    def look_up(self, keys: Keys, make: Callable[[Longs], pl.DataFrame]) -> tuple[pl.DataFrame, Longs]:
        """Return what was made of distinct rows, and the place of each of n rows in it.

        Parameters
        ----------
        keys : Keys of n rows
            Which rows are alike.
        make : callable
            Takes the numbers of rows that are new, one of each sort; returns what is made of them.
        """
        with self._lock:
            place = self._index.find(keys)
            new = np.flatnonzero(place < 0)
            if not len(new):
                return self._made, place
            unseen = keys.take(new)
            distinct = unseen.distinct()
            fresh, added = make(new[distinct]), unseen.take(distinct)
            own = Index()
            own.add(added)
            known = len(self._index)
            place[new] = known + own.find(unseen)
            both = pl.concat([self._made, fresh]).rechunk() if known else fresh
            if len(own) > MOST:
                self._index, self._made = Index(), pl.DataFrame()
            elif known + len(own) > MOST:
                self._index, self._made = own, fresh
            else:
                self._index.add(added)
                self._made = both
            return both, place


class Memory:
    """Remembers what preparations made, for one context; several threads may ask at once."""

    def __init__(self) -> None:
        self.seeds = (secrets.randbits(62), secrets.randbits(62))
        self.plans: dict[tuple[str, ...], Any] = {}
        self._tables: dict[Hashable, Table] = {}
        self._lock = Lock()

    def table(self, name: Hashable) -> Table:
        """Return the table of a name."""
        with self._lock:
            if len(self._tables) >= _TABLES and name not in self._tables:
                self._tables.clear()
            return self._tables.setdefault(name, Table())

    def made(self, preparation: "Preparation", frame: pl.DataFrame, context: "Context") -> pl.DataFrame:
        """Return what a preparation makes of n > 0 rows of a frame; only values that are new to it are read."""
        told = filled(frame, preparation.reads)
        cells = pl.DataFrame([frame[name] for name in told])

        def make(rows: Longs) -> pl.DataFrame:
            read = cells[rows] if told else cells
            return make_of(preparation, with_all(read, preparation.reads, len(rows)), context)

        made, place = self.table((preparation.name, *told)).look_up(keys_of(cells, self.seeds), make)
        if len(place) < frame.height:
            return pl.DataFrame([column.new_from_index(int(place[0]), frame.height) for column in made.get_columns()])
        return made[place]


def filled(frame: pl.DataFrame, names: Sequence[str]) -> list[str]:
    """Return the columns among the names that a frame of n > 0 rows has something in."""
    return [name for name in names if name in frame.columns and frame[name].null_count() < frame.height]


def with_all(frame: pl.DataFrame, names: Sequence[str], height: int) -> pl.DataFrame:
    """Return the columns of these names; those that the frame of so many rows does not have are null."""
    nothing = pl.Series([None], dtype=pl.String).new_from_index(0, height)
    return pl.DataFrame([frame[name] if name in frame.columns else nothing.alias(name) for name in names])


def make_of(preparation: "Preparation", read: pl.DataFrame, context: "Context") -> pl.DataFrame:
    """Return what a preparation makes, in its types."""
    made = preparation.make(read, context)
    return made.select(pl.col(name).cast(dtype) for name, dtype in preparation.makes.items())
