"""Records sorted into a species' own, those that tell effort, and those whose place is certain enough."""

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biodata.analysis.grid import Floats, Grid
from biodata.errors import InputError
from biodata.formats import delimited


def of_species(records: pl.DataFrame, species: str | None, *, file: str) -> tuple[pl.DataFrame, pl.DataFrame | None]:
    """Return the records of a species, and the others of its class, which tell effort.

    Parameters
    ----------
    records : polars.DataFrame of n rows
        As `record_files.read` returns them.
    species : str or None
        All and none where it is not told.
    file : str
        Where the records come from, for an error.

    Raises
    ------
    InputError
        If no record is of the species (SPECIES_MISSING).
    """
    if species is None:
        return records, None
    own = records.filter(pl.col("species") == species)
    if own.is_empty():
        counts = records["species"].drop_nulls().value_counts().sort("count", "species", descending=[True, False])
        known = ", ".join(counts["species"].head(5))
        problem = "no record is of this species" if known else "the file tells no species"
        expected = f"one of {known}" if known else "a column species, or no --species where all records are of one"
        raise InputError(problem, file=file, column="species", value=species, expected=expected, code="SPECIES_MISSING")
    others = records.filter(pl.col("species").is_not_null() & (pl.col("species") != species))
    classes = own["class"].drop_nulls().unique().to_list()
    return own, others.filter(pl.col("class").is_in(classes)) if classes else others


def certain(records: pl.DataFrame, limit_m: float) -> tuple[pl.DataFrame, dict[str, int]]:
    """Take the records whose place is told and certain enough, and count the others by reason.

    A record that tells no uncertainty is taken to lie where it says; `untold` counts those.
    """
    placed = records.drop_nulls(["x", "y"])
    kept = placed.filter(pl.col("uncertainty_m").fill_null(0) <= limit_m)
    reasons = {
        "no place": records.height - placed.height,
        "uncertainty wider than a block": placed.height - kept.height,
    }
    return kept, {reason: count for reason, count in reasons.items() if count}


def untold(records: pl.DataFrame) -> list[str]:
    """Return what has to be said of test records that tell no uncertainty."""
    count = records["uncertainty_m"].null_count()
    if not count:
        return []
    return [f"{count} of {records.height} test records tell no uncertainty and are taken to lie exactly where they say"]


def distinct(records: pl.DataFrame, limit_m: float) -> Floats:
    """Return x and y of a target group, each species once at a place on a day."""
    kept, _ = certain(records, limit_m)
    places: Floats = kept.unique(["species", "x", "y", "date"], maintain_order=True).select("x", "y").to_numpy()
    return places.astype(np.float64)


def outside_used(records: pl.DataFrame, grid: Grid, side_m: float) -> NDArray[np.bool_]:
    """Return which cells lie in no block of a record that was used: null points come from the test's ground only.

    Parameters
    ----------
    records : polars.DataFrame
        With x, y and used.
    grid : Grid
        Blocks are counted from its south-western corner, as `holding_out.hold_out` is told to.
    side_m : float
        Side of a block; 0 for none.
    """
    marked = records.filter(pl.col("used"))
    if marked.is_empty() or side_m <= 0:
        return np.ones(grid.shape, dtype=bool)
    corner = np.array(grid.bounds[:2])
    blocks = np.floor((marked.select("x", "y").to_numpy() - corner) / side_m).astype(np.int64)
    rows, columns = np.divmod(np.arange(grid.cells), grid.shape[1])
    own = np.floor((grid.centres(rows, columns) - corner) / side_m).astype(np.int64)
    taken = np.unique(blocks[:, 0] * (1 << 32) + blocks[:, 1])
    return ~np.isin(own[:, 0] * (1 << 32) + own[:, 1], taken).reshape(grid.shape)


def ids_of(path: Path | None) -> list[str]:
    """Return the ids that the first column of a table tells; none where there is no table."""
    if path is None:
        return []
    table = delimited.read(lambda: path.open("rb"), file=path.name)
    batches = list(table.batches)
    return pl.concat(batches)[table.headings[0]].drop_nulls().to_list() if batches else []
