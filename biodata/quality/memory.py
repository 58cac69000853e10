"""What preparations made of values that came before: batches of a file repeat their dates, names and countries."""

from threading import Lock
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from biodata.quality.model import Context, Preparation

MOST: Final = 200_000
"""Combinations remembered of one preparation; more hardly come again."""

_KNOWN: Final = "memory.known"


class Memory:
    """Remembers what preparations made, for one context; several threads may ask at once."""

    def __init__(self) -> None:
        self._known: dict[str, pl.DataFrame] = {}
        self._lock = Lock()

    def made(self, preparation: "Preparation", read: pl.DataFrame, context: "Context") -> pl.DataFrame:
        """Return what a preparation makes of m distinct rows; only rows that are new to it are made now."""
        makes = list(preparation.makes)
        known = self._known.get(preparation.name)
        if known is None:
            fresh = _make(preparation, read, context)
            self._remember(preparation, read, fresh)
            return fresh
        found = read.join(known, on=read.columns, how="left", nulls_equal=True, maintain_order="left")
        new = found[_KNOWN].is_null()
        if not new.any():
            return found.select(makes)
        unseen = read.filter(new)
        fresh = _make(preparation, unseen, context)
        self._remember(preparation, unseen, fresh)
        place = pl.Series(range(read.height), dtype=pl.UInt32)
        order = pl.concat([place.filter(~new), place.filter(new)]).arg_sort()
        return pl.concat([found.filter(~new).select(makes), fresh])[order]

    def _remember(self, preparation: "Preparation", read: pl.DataFrame, made: pl.DataFrame) -> None:
        """Keep m rows and what was made of them."""
        told = pl.concat([read, made.with_columns(pl.lit(value=True).alias(_KNOWN))], how="horizontal")
        with self._lock:
            before = self._known.get(preparation.name)
            both = told if before is None else pl.concat([before, told]).unique(read.columns, keep="any")
            if both.height <= MOST:
                self._known[preparation.name] = both


def _make(preparation: "Preparation", read: pl.DataFrame, context: "Context") -> pl.DataFrame:
    """Return what a preparation makes, in its types."""
    made = preparation.make(read, context)
    return made.select(pl.col(name).cast(dtype) for name, dtype in preparation.makes.items())
