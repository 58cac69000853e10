"""The recipe's tables of real facts (names, places, categories), and the streams of chance."""

from pathlib import Path
from typing import Final
from zlib import crc32

import numpy as np
import polars as pl

from recipe import SEED

FOLDER: Final = Path(__file__).parent / "tables"


def table(name: str, *, numbers: tuple[str, ...] = ()) -> pl.DataFrame:
    """Read a table of the recipe; every column is text but those of `numbers`."""
    frame = pl.read_csv(FOLDER / f"{name}.csv", infer_schema=False)
    return frame.with_columns(pl.col(column).cast(pl.Float64) for column in numbers)


def chance(subject: str) -> np.random.Generator:
    """Return the subject's own stream of chance, so that changing one subject leaves the others as they were."""
    return np.random.default_rng([SEED, crc32(subject.encode())])


def one_of(row: str | None) -> list[str]:
    """Split a cell that holds several values with bars between."""
    return [] if not row else row.split("|")
