"""Places that look wrong only beside the others: what a whole dataset, or a whole lake, tells of its records."""

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biodata import places
from biodata.core.flags import FLAGS
from biodata.core.geo import Floats
from biodata.harmonise import suspicious
from biodata.places.gazetteer import MEAN_RADIUS_M, on_sphere

# Records far from all others of their species.

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


# Datasets whose places stand on a regular grid, or whose minutes were written as decimals.

LEAST_POINTS: Final = 20
LEAST_SHARE: Final = 0.1
"""Fewer points on a grid, or a smaller share of the dataset's distinct points, are left alone."""
CHANCE: Final = 1e-6
"""A dataset is flagged where chance would make its count less often than this."""
LEAST_DEGREES: Final = 20
"""Distinct cells of a whole degree that a dataset must have before its decimals are judged."""
LEAST_SPAN_DEGREES: Final = 2.0
"""`min_span` of CoordinateCleaner's `cd_ddmm`."""
OUTNUMBER: Final = 2.0
"""Decimals below 0.6 must outnumber the others so many times: its `diff` of 1."""
_MINUTE: Final = 0.0035
"""How far off a whole minute may be, in minutes, by four decimals of a degree."""
_POINT: Final = ("decimalLongitude", "decimalLatitude")
_MINUTES, _HUNDREDTH, _TENTH, _ALL = pl.col("minute"), pl.col("hundredth"), pl.col("tenth"), pl.lit(value=True)
_TESTS: Final[dict[str, list[tuple[pl.Expr, float]]]] = {
    "minute": [(~_HUNDREDTH, (2 * _MINUTE) ** 2)],
    "tenth": [(_ALL, 1e-4), (_HUNDREDTH, 1e-2), (_MINUTES, 1 / 36)],
    "quarter": [(~_TENTH, 1.6e-5), (_HUNDREDTH & ~_TENTH, 1.6e-3), (_MINUTES & ~_TENTH, 1 / 225)],
    "half": [(_ALL, 4e-6), (_TENTH, 1 / 25), (pl.col("quarter"), 1 / 4)],
    "whole": [(_ALL, 1e-6), (_TENTH, 1 / 100), (pl.col("half"), 1 / 4)],
}
"""By grid, the finest first: among which points it is counted, and what share of them chance puts on it."""
_TOLD: Final = {"minute": "1'", "tenth": "0.1°", "quarter": "0.25°", "half": "0.5°", "whole": "1°"}


def on_grids(placed: pl.DataFrame) -> pl.DataFrame:
    """Find records on a regular grid that their dataset stands on more often than chance allows.

    Parameters
    ----------
    placed : polars.DataFrame
        Records with coordinates, columns of `suspicious_sets.COLUMNS`.

    Returns
    -------
    polars.DataFrame
        key, flag (COORDINATES_ON_GRID), detail.

    Notes
    -----
    Grids of 1', 0.1°, 0.25°, 0.5° and 1° in both coordinates. Each is counted among the distinct points of the next
    finer grid that holds it, so that places told to two decimals are no grid of 0.1°, and those told to 0.1° none of
    1°; a binomial test tells what chance would give. The question is that of CoordinateCleaner's `cd_round`, asked of
    given steps and not of any period.
    """
    points = placed.select("datasetKey", *_POINT).unique()
    points = points.with_columns(_on(points))
    sums = [
        (parent & column).sum().alias(f"{step} {n} {what}")
        for step, parents in _TESTS.items()
        for n, (parent, _) in enumerate(parents)
        for what, column in (("of", pl.lit(value=True)), ("on", pl.col(step)))
    ]
    counts = points.group_by("datasetKey").agg(pl.len().alias("points"), *(pl.col(s).sum() for s in _TESTS), *sums)
    beyond = counts.select("datasetKey", "points", *(_beyond_chance(counts, step) for step in _TESTS))
    # The coarsest grid that the dataset stands on and that holds the point is told.
    grid = pl.coalesce(
        pl.when(pl.col(step) & pl.col(f"beyond {step}")).then(pl.lit(_TOLD[step])) for step in reversed(_TESTS)
    )
    gridded = points.join(beyond, on="datasetKey").with_columns(grid=grid).drop_nulls("grid")
    detail = pl.format("the dataset's places stand on a grid of {}", "grid")
    gridded = gridded.with_columns(flag=pl.lit("COORDINATES_ON_GRID"), detail=detail)
    return placed.join(gridded, on=["datasetKey", *_POINT]).select("key", "flag", "detail")


def _on(points: pl.DataFrame) -> list[pl.Series]:
    """Return by grid which points stand on it with both coordinates."""
    longitude, latitude = (points[name].to_numpy() for name in _POINT)
    steps = {"hundredth": 100.0, "tenth": 10.0, "quarter": 4.0, "half": 2.0, "whole": 1.0}
    found = {name: _whole(longitude * n, 1e-6) & _whole(latitude * n, 1e-6) for name, n in steps.items()}
    found["minute"] = _whole(longitude * 60, _MINUTE) & _whole(latitude * 60, _MINUTE)
    return [pl.Series(name, mask) for name, mask in found.items()]


def _whole(values: Floats, off: float) -> NDArray[np.bool_]:
    """Tell which values are whole numbers, but for `off`."""
    return np.asarray(np.abs(values - np.rint(values)) <= off)


def _beyond_chance(counts: pl.DataFrame, step: str) -> pl.Series:
    """Tell which datasets stand on a grid more often than chance lets them, by every test of it."""
    beyond = ((counts[step] >= LEAST_POINTS) & (counts[step] >= LEAST_SHARE * counts["points"])).to_numpy()
    for n, (_, chance) in enumerate(_TESTS[step]):
        beyond = beyond & (_tail(counts[f"{step} {n} on"], counts[f"{step} {n} of"], chance) < CHANCE)
    return pl.Series(f"beyond {step}", beyond)


def _tail(successes: pl.Series, trials: pl.Series, chance: float) -> Floats:
    """Return the probability of so many successes or more."""
    # Not with the module: SciPy takes a fifth of a second to load, and `--help` needs none of it.
    from scipy.special import betainc

    k, n = successes.to_numpy().astype(np.float64), trials.to_numpy().astype(np.float64)
    return np.asarray(np.where(k > 0, betainc(np.maximum(k, 1), np.maximum(n - k, 0) + 1, chance), 1.0))


def degree_minutes(placed: pl.DataFrame) -> pl.DataFrame:
    """Find records of datasets whose minutes seem to be written as decimals: 25°45' as 25.45.

    Parameters
    ----------
    placed : polars.DataFrame
        Records with coordinates, columns of `suspicious_sets.COLUMNS`.

    Returns
    -------
    polars.DataFrame
        key, flag (DEGREE_MINUTE_SUSPECTED), detail: of the dataset's records those whose decimals are below 0.6 in
        both coordinates.

    Notes
    -----
    `cd_ddmm` of CoordinateCleaner (Zizka et al. 2019, https://doi.org/10.1111/2041-210X.13152): no minute is above 59,
    so decimals from 0.6 on are missing. Cells of 0.01° by 0.01° of the decimals count once each, as there; of cells
    that lie anyhow, 0.36 have both below 0.6. Stricter than there: `CHANCE` for a p-value, and `LEAST_DEGREES`, since
    places in clusters are not independent.
    """
    x, y = (pl.col(name).abs() for name in _POINT)
    part = placed.select(
        "key",
        "datasetKey",
        *_POINT,
        cell=(x.mod(1) * 100).floor().cast(pl.Int32) * 100 + (y.mod(1) * 100).floor().cast(pl.Int32),
        below=(x.mod(1) < 0.6) & (y.mod(1) < 0.6),
        degree=pl.col(_POINT[0]).floor().cast(pl.Int32) * 1000 + pl.col(_POINT[1]).floor().cast(pl.Int32),
    )
    span = pl.min_horizontal(pl.col(name).max() - pl.col(name).min() for name in _POINT)
    wide = part.group_by("datasetKey").agg(span=span, degrees=pl.col("degree").n_unique())
    wide = wide.filter(pl.col("span") >= LEAST_SPAN_DEGREES, pl.col("degrees") >= LEAST_DEGREES)
    cells = part.join(wide, on="datasetKey", how="semi").unique(["datasetKey", "cell"])
    counts = cells.group_by("datasetKey").agg(pl.len().alias("cells"), pl.col("below").sum().alias("of_minutes"))
    suspected = counts.filter(
        pl.Series(_tail(counts["of_minutes"], counts["cells"], 0.36) < CHANCE),
        pl.col("of_minutes") >= OUTNUMBER * (pl.col("cells") - pl.col("of_minutes")),
    ).with_columns(
        flag=pl.lit("DEGREE_MINUTE_SUSPECTED"),
        detail=pl.format("{} of {} distinct decimals of the dataset are below 0.6 twice", "of_minutes", "cells"),
    )
    return part.filter("below").join(suspected, on="datasetKey").select("key", "flag", "detail")


COLUMNS: Final = (
    "key",
    "datasetKey",
    "species",
    "occurrenceStatus",
    "recordedBy",
    "eventDate",
    "year",
    "decimalLongitude",
    "decimalLatitude",
)
"""What `find` reads of `terms.OCCURRENCE`."""
FOUND: Final = pl.Schema({"key": pl.Int64, "flag": pl.String, "detail": pl.String})


def find(occurrences: pl.DataFrame, *, gazetteer: places.Gazetteer) -> pl.DataFrame:
    """Find the records whose place looks wrong beside the other records.

    Parameters
    ----------
    occurrences : polars.DataFrame of n rows
        `COLUMNS`, of every record that is to be compared: the lake's for analyses. What is published of open records
        is found among open records alone, so that no flag of theirs tells of one that is generalised.
    gazetteer : Gazetteer
        Where the seats are.

    Returns
    -------
    polars.DataFrame of FOUND, sorted by key and flag
        Each pair of a record and a flag once, with the reason in words; the same for any order of the rows.
    """
    rows = placed(occurrences.select(COLUMNS))
    parts = [
        suspicious.used_by_many(rows),
        suspicious.repeated_near_seats(rows, gazetteer=gazetteer),
        outliers(rows),
        on_grids(rows),
        degree_minutes(rows),
    ]
    found = pl.concat([part.select(pl.col(name).cast(dtype) for name, dtype in FOUND.items()) for part in parts])
    return found.unique(["key", "flag"], keep="first", maintain_order=True).sort("key", "flag")


def placed(occurrences: pl.DataFrame) -> pl.DataFrame:
    """Return the records with coordinates, 0° E 0° N not among them."""
    longitude, latitude = pl.col("decimalLongitude"), pl.col("decimalLatitude")
    return occurrences.filter(longitude.is_finite(), latitude.is_finite(), (longitude != 0) | (latitude != 0))


def merged(occurrences: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Return records with what was found among their `quality_flags`, in the order of `biodata.core.flags`.

    Parameters
    ----------
    occurrences : polars.DataFrame of n rows
        With `key` and `quality_flags`.
    found : polars.DataFrame of FOUND
        What `find` returned; keys that are not among the records play no part.

    Returns
    -------
    polars.DataFrame of n rows, in their order
    """
    order = pl.DataFrame({"flag": list(FLAGS)}).with_row_index("order")
    own = occurrences.select("key", flag="quality_flags").join(found.select("key").unique(), on="key", how="semi")
    every = pl.concat(
        [own.explode("flag").drop_nulls("flag"), found.select("key", "flag").join(own, on="key", how="semi")]
    )
    lists = (
        every.unique()
        .join(order, on="flag")
        .sort("key", "order")
        .group_by("key", maintain_order=True)
        .agg(pl.col("flag").alias("_found"))
    )
    return (
        occurrences.join(lists, on="key", how="left", maintain_order="left")
        .with_columns(pl.coalesce("_found", "quality_flags").alias("quality_flags"))
        .drop("_found")
    )
