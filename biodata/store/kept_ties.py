"""Records that releases made coarse since they were tied to a sensitive one: they stay so, also after they were gone a while.

A release tells this of its own records alone. One that was taken out, and comes again after the sensitive record went, would
be told exactly: whoever has the earlier release would know where that was. Kept are numbers and categories, no place.
"""

from pathlib import Path
from typing import Final

import polars as pl

from biodata.errors import StoreError
from biodata.sharing import siblings
from biodata.store import releases
from biodata.store.locks import sync_file, sync_folder
from biodata.store.releases import Release
from biodata.vocabularies import SharingCategory

FILE: Final = "kept_ties.parquet"


def read(data: Path) -> pl.DataFrame:
    """Return the records that the current release, or one before it, made coarse so: `siblings.KEPT`, each once."""
    made = releases.current(data)
    return _strictest(_of_file(data), _of_release(made))


def remember(data: Path, made: Release, *, older: bool) -> None:
    """Keep the records that a release made coarse so, beside those of older ones or, where they are let go, instead.

    Raises
    ------
    StoreError
        If they cannot be written.
    """
    before = _of_file(data)
    found = _strictest(before if older else before.clear(), _of_release(made))
    if found.equals(before):
        return
    part = (data / FILE).with_suffix(".parquet.part")
    try:
        part.touch(0o600)
        found.write_parquet(part)
        sync_file(part)
        part.replace(data / FILE)
        sync_folder(data)
    except OSError as error:
        message = f"what stays coarse cannot be kept: {error.strerror}"
        raise StoreError(message) from error


def _of_file(data: Path) -> pl.DataFrame:
    path = data / FILE
    return pl.read_parquet(path) if path.exists() else pl.DataFrame(schema=siblings.KEPT)


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
    strictness = pl.col("category").replace_strict(
        {str(category): category.strictness for category in SharingCategory}, return_dtype=pl.Int64
    )
    rows = pl.concat(frames).sort(strictness, descending=True).unique("key", keep="first")
    return rows.sort("key").select(siblings.KEPT.keys())
