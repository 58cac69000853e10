"""Records that releases made coarse since they were tied to a sensitive one: they stay so, also after they were gone a while.

A release tells this of its own records alone. One that was taken out, and comes again after the sensitive record went, would
be told exactly: whoever has the earlier release would know where that was. Kept are numbers and categories, no place.
"""

from pathlib import Path
from typing import Final

import polars as pl

from biodata.sharing import siblings
from biodata.sharing.stations import strictest
from biodata.store import kept_files, releases
from biodata.store.releases import Release

FILE: Final = "kept_ties.parquet"
_SCHEMA: Final = pl.Schema(siblings.KEPT)


def read(data: Path) -> pl.DataFrame:
    """Return the records that the current release, or one before it, made coarse so: `siblings.KEPT`, each once."""
    made = releases.current(data)
    return _strictest(kept_files.read(data / FILE, _SCHEMA), _of_release(made))


def remember(data: Path, made: Release, *, older: bool) -> None:
    """Keep the records that a release made coarse so, beside those of older ones or, where they are let go, instead.

    Raises
    ------
    StoreError
        If they cannot be written.
    """
    before = kept_files.read(data / FILE, _SCHEMA)
    found = _strictest(before if older else before.clear(), _of_release(made))
    if found.equals(before):
        return
    kept_files.write(data / FILE, found)


def _of_release(made: Release | None) -> pl.DataFrame:
    """Return the records that a release made coarse since they were tied to others, with their category."""
    if made is None:
        return pl.DataFrame(schema=siblings.KEPT)
    with releases.connect(made.path) as connection:
        found = connection.execute(
            "SELECT key, sharing_category AS category FROM occurrences WHERE sharing_rule = ?", [siblings.SAME_EVENT]
        ).pl()
    return found.select(pl.col(name).cast(dtype) for name, dtype in siblings.KEPT.items())


def _strictest(*frames: pl.DataFrame) -> pl.DataFrame:
    """Return each record once, with its strictest category."""
    return strictest(pl.concat(frames), ["key"]).sort("key").select(_SCHEMA.names())
