"""The same exact point again and again: used by many collectors over many years, or repeated beside a seat."""

from typing import Final

import numpy as np
import polars as pl

from biodata import places
from biodata.places.gazetteer import SEAT_FLAGS

MANY_COLLECTORS: Final = 5
MANY_YEARS: Final = 10
"""So many collectors, and so many years between the first and the last, do not stand on one spot by themselves."""
REPEATED: Final = 3
"""So many collectors, species and dates make a point beside a seat a stand-in for the town."""
BESIDE_SEAT_M: Final = 1000.0
_POINT: Final = ("decimalLongitude", "decimalLatitude")


def used_by_many(placed: pl.DataFrame) -> pl.DataFrame:
    """Find points that many collectors used over many years.

    Parameters
    ----------
    placed : polars.DataFrame
        Records with coordinates, columns of `suspicious_sets.COLUMNS`.

    Returns
    -------
    polars.DataFrame
        key, flag (POINT_USED_BY_MANY), detail.
    """
    points = _points(placed).filter(
        pl.col("collectors") >= MANY_COLLECTORS, pl.col("last") - pl.col("first") >= MANY_YEARS
    )
    detail = pl.format("{} collectors from {} to {} at this exact point", "collectors", "first", "last")
    return _records(placed, points.with_columns(flag=pl.lit("POINT_USED_BY_MANY"), detail=detail))


def repeated_near_seats(placed: pl.DataFrame, *, gazetteer: places.Gazetteer) -> pl.DataFrame:
    """Find points beside a seat that stand for several collectors, species and dates: whichever source gave them.

    Parameters
    ----------
    placed : polars.DataFrame
        As for `used_by_many`.
    gazetteer : Gazetteer
        Where the seats are.

    Returns
    -------
    polars.DataFrame
        key, flag (NEAR_COUNTY_SEAT and so on), detail.
    """
    points = _points(placed).filter(pl.min_horizontal("collectors", "species", "dates") >= REPEATED)
    points = points[gazetteer.near_any(points[_POINT[0]], points[_POINT[1]])]
    longitude, latitude = (points[name].to_numpy() for name in _POINT)
    parts = [pl.DataFrame(schema={"key": pl.Int64, "flag": pl.String, "detail": pl.String})]
    if points.height:
        for kind, flag in SEAT_FLAGS.items():
            metres, row = gazetteer.seats[kind].nearest(longitude, latitude)
            beside = np.flatnonzero(np.rint(metres[:, 0]) <= BESIDE_SEAT_M)
            near = points[beside].with_columns(
                metres=np.rint(metres[beside, 0]).astype(np.int64),
                seat=gazetteer.seats[kind].name.gather(row[beside, 0]),
            )
            detail = pl.format(
                "{} collectors and {} species at this exact point, {} m from the seat {}",
                "collectors", "species", "metres", "seat",
            )  # fmt: skip
            parts.append(_records(placed, near.with_columns(flag=pl.lit(flag), detail=detail)))
    return pl.concat(parts)


def _points(placed: pl.DataFrame) -> pl.DataFrame:
    """Return the distinct points with their collectors, species, dates, and first and last year."""
    # Most points of most datasets stand once: the costly counts are made for the others only.
    repeated = placed.filter(pl.len().over(_POINT) >= REPEATED)
    plain = pl.col("recordedBy").str.to_lowercase().str.replace_all(r"[^\p{L}\p{M}]", "")
    return (
        repeated.with_columns(who=pl.when(plain != "").then(plain))
        .group_by(_POINT)
        .agg(
            collectors=pl.col("who").drop_nulls().n_unique(),
            species=pl.col("species").drop_nulls().n_unique(),
            dates=pl.col("eventDate").drop_nulls().n_unique(),
            first=pl.col("year").min(),
            last=pl.col("year").max(),
        )
    )


def _records(placed: pl.DataFrame, points: pl.DataFrame) -> pl.DataFrame:
    """Return the records at some points."""
    return placed.join(points.select(*_POINT, "flag", "detail"), on=_POINT).select("key", "flag", "detail")
