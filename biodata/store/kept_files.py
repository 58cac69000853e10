"""Small tables of what stays coarse, beside the lake: for their owner alone, whole or not at all."""

from pathlib import Path

import polars as pl

from biodata.errors import StoreError
from biodata.store import checksums
from biodata.store.locks import sync_file, sync_folder


def read(path: Path, schema: pl.Schema) -> pl.DataFrame:
    """Return a table; an empty one where nothing is kept yet."""
    return pl.read_parquet(path, schema=schema) if path.exists() else pl.DataFrame(schema=schema)


def write(path: Path, table: pl.DataFrame) -> None:
    """Put a table in place of the one that is there.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        part.touch(0o600)
        table.write_parquet(part)
        sync_file(part)
        checksums.put_in_place(path.parent, part, path)
        sync_folder(path.parent)
    except OSError as error:
        message = f"what stays coarse cannot be kept: {error.strerror}"
        raise StoreError(message) from error
