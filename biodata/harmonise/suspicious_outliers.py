"""Records far from all others of their species."""

from typing import Final

import numpy as np
import polars as pl

from biodata.places.gazetteer import MEAN_RADIUS_M, on_sphere

LEAST_PLACES: Final = 7
"""Species of fewer places tell nothing, as in CoordinateCleaner's `cc_outl` (`min_occs`)."""
TIMES_RANGE: Final = 5.0
"""`cc_outl`'s `mltpl`: beyond the upper quartile by so many times the range between the quartiles."""
LEAST_M: Final = 300_000.0
"""No place nearer to its neighbours than this is an outlier, however dense the others."""
NEIGHBOUR: Final = 2
"""The distance to the second nearest place counts: one other wrong record does not hide it."""
_STEP_DEGREES: Final = 0.01
_APART_M: Final = 1e8


def outliers(placed: pl.DataFrame) -> pl.DataFrame:
    """Find records far from the others of their species.

    Parameters
    ----------
    placed : polars.DataFrame
        Records with coordinates, columns of `suspicious_sets.COLUMNS`; those of absence do not count.

    Returns
    -------
    polars.DataFrame
        key, flag (SPECIES_OUTLIER), detail.

    Notes
    -----
    The quantile method of CoordinateCleaner (Zizka et al. 2019, https://doi.org/10.1111/2041-210X.13152) on the
    distance to the second nearest distinct place (of 0.01°) of the species instead of the mean distance to all: a
    species of two far ranges keeps both, and a tree answers it for millions of records. Distances are great circles.
    One tree holds all species: each is moved out along a fourth axis, farther than the earth is wide.
    """
    step = [(pl.col(name) / _STEP_DEGREES).round().cast(pl.Int32) for name in ("decimalLongitude", "decimalLatitude")]
    present = placed.filter(
        pl.col("species").is_not_null(), pl.col("occurrenceStatus").fill_null("PRESENT") == "PRESENT"
    ).select("key", "species", x=step[0], y=step[1])
    cells = present.select("species", "x", "y").unique().sort("species", "x", "y")
    cells = cells.filter(pl.len().over("species") >= LEAST_PLACES)
    if cells.is_empty():
        return pl.DataFrame(schema={"key": pl.Int64, "flag": pl.String, "detail": pl.String})
    cells = cells.with_columns(metres=pl.Series(_to_neighbour(cells)))
    distance = pl.col("metres")
    upper, lower = distance.quantile(0.75, "linear"), distance.quantile(0.25, "linear")
    limit = (upper + TIMES_RANGE * (upper - lower)).over("species").clip(LEAST_M)
    far = cells.filter(distance > limit).with_columns(
        flag=pl.lit("SPECIES_OUTLIER"),
        detail=pl.format(
            "{} km from the second nearest other place of the species", (distance / 1000).round().cast(int)
        ),
    )
    return present.join(far, on=["species", "x", "y"]).select("key", "flag", "detail")


def _to_neighbour(cells: pl.DataFrame) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    """Return the metres from each place to the `NEIGHBOUR`-th nearest of its species; there is one."""
    from scipy.spatial import cKDTree

    x, y = (cells[name].to_numpy() * _STEP_DEGREES for name in ("x", "y"))
    species = cells["species"].rle_id().to_numpy().astype(np.float64)
    points = np.column_stack([on_sphere(x, y), species * _APART_M])
    chord = np.asarray(cKDTree(points).query(points, k=[NEIGHBOUR + 1], workers=-1)[0])
    return np.asarray(2 * MEAN_RADIUS_M * np.arcsin(np.minimum(chord[:, 0] / (2 * MEAN_RADIUS_M), 1)))
