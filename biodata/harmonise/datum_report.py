"""What the datum doctor found, as tables: one row a candidate, and each point's proposals."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import numpy as np
import polars as pl

from biodata import places
from biodata.datums.operations import NOT_MOVED, UNPUBLISHED_M, to_geographic
from biodata.geo import geodesic_distance_m
from biodata.harmonise.datum_doctor import Group, Ranked, fit_system

SHOWN: Final = 8
"""So many candidates of a group are told."""

CLEARLY: Final = float(np.log(10))
"""A candidate fits clearly better than another when the points are ten times as likely under it."""

_FAR: Final = 5.0
_THROWN_OUT: Final = 1e3

REPORT: Final = pl.Schema(
    {
        "dataset": pl.String,
        "form": pl.String,
        "place": pl.String,
        "points": pl.Int64,
        "rank": pl.Int64,
        "system": pl.String,
        "name": pl.String,
        "share_inside": pl.Float64,
        "share_inside_as_told": pl.Float64,
        "log_likelihood": pl.Float64,
        "fits_as_told": pl.String,
        "metres_moved": pl.Float64,
        "accuracy_m": pl.Float64,
        "approximate": pl.Boolean,
        "operation": pl.String,
        "same_as": pl.String,
        "applied": pl.Boolean,
        "evidence": pl.String,
    }
)

PROPOSED: Final = pl.Schema(
    {
        "row": pl.Int64,
        "rank": pl.Int64,
        "system": pl.String,
        "decimalLatitude": pl.Float64,
        "decimalLongitude": pl.Float64,
        "metres_moved": pl.Float64,
        "accuracy_m": pl.Float64,
        "approximate": pl.Boolean,
        "inside": pl.Boolean,
    }
)


def report(groups: list[Group], *, shown: int = SHOWN) -> pl.DataFrame:
    """Return the candidates as a table.

    Parameters
    ----------
    groups : list of Group
        What `diagnose` found.
    shown : int
        At most so many of a group.

    Returns
    -------
    polars.DataFrame, one row a candidate
        The last row of a group in degrees has rank 0: the points as told, taken for WGS 84.
    """
    rows = [row for group in groups for row in _rows(group, shown)]
    return pl.DataFrame(rows, schema=REPORT, orient="row")


def _rows(group: Group, shown: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of a group."""
    told = group.as_told
    base = {
        "dataset": group.points["dataset"][0],
        "form": group.form,
        "place": group.place,
        "points": group.whole.height,
    }
    inside_as_told = None if told is None else round(told.share_inside, 4)
    for fit in [*group.ranked[:shown], *([told] if told is not None else [])]:
        accuracy = np.nanmedian(fit.moved.accuracy_m)
        yield base | {
            "rank": fit.rank,
            "system": fit.system.id,
            "name": fit.system.name,
            "share_inside": round(fit.share_inside, 4),
            "share_inside_as_told": inside_as_told,
            "log_likelihood": round(fit.log_likelihood, 2),
            "fits_as_told": None if told is None or fit is told else _beside(fit, told),
            "metres_moved": None if np.isnan(fit.metres_moved) else round(fit.metres_moved, 1),
            "accuracy_m": None if np.isnan(accuracy) else round(float(accuracy), 2),
            "approximate": bool(fit.moved.approximate.any()),
            "operation": fit.moved.commonest,
            "same_as": " ".join(o.system.id for o in group.ranked if o.rank == fit.rank and o is not fit) or None,
            "applied": False,
            "evidence": _evidence(fit, group),
        }


def _beside(fit: Ranked, told: Ranked) -> str:
    """Say whether a candidate fits better than the points as told."""
    gain = fit.log_likelihood - told.log_likelihood
    return "better" if gain > CLEARLY else "worse" if gain < -CLEARLY else "no difference"


def _evidence(fit: Ranked, group: Group) -> str:
    """Say in words how a candidate fits."""
    count = len(fit.outside_m)
    inside = int(np.sum(fit.outside_m <= 0))
    words = [f"{inside} of {count} points lie in their stated place"]
    if inside < count and np.isfinite(fit.farthest_m) and fit.farthest_m > 0:
        words.append(f"the farthest near it {fit.farthest_m:,.0f} m outside")
    told = group.as_told
    if told is not None and fit is not told:
        words.append(f"as told {int(np.sum(told.outside_m <= 0))}")
    if group.swapped:
        words.append("easting and northing stand in each other's place")
    others = [other.system.name for other in group.ranked if other.rank == fit.rank and other is not fit]
    if others and fit.rank:
        words.append(f"the points cannot tell it from {', '.join(others[:4])}")
    if fit.moved.commonest == NOT_MOVED:
        words.append(f"{NOT_MOVED}, within about {UNPUBLISHED_M:.0f} m")
    elif not fit.moved.certain.any() and fit.rank:
        words.append("the operation is published for another area")
    return "; ".join(words)


def proposals(groups: list[Group], *, boundaries: places.BoundarySet, shown: int = 3) -> pl.DataFrame:
    """Return for each point the likeliest systems and where it would lie; nothing is applied.

    Parameters
    ----------
    groups : list of Group
        What `diagnose` found.
    boundaries : BoundarySet
        The map.
    shown : int
        So many ranks a point.

    Returns
    -------
    polars.DataFrame
        `row`, `rank` (1 the likeliest for the point, in the light of its group), `system`, `decimalLatitude`,
        `decimalLongitude` (WGS 84), `metres_moved`, `accuracy_m`, `approximate`, `inside` its stated place.
    """
    frames = [_proposed(group, boundaries, shown) for group in groups]
    return pl.concat(frames).sort("row", "rank", "system") if frames else pl.DataFrame(schema=PROPOSED)


def _proposed(group: Group, boundaries: places.BoundarySet, shown: int) -> pl.DataFrame:
    """Return the proposals for the points of a group."""
    points = group.whole
    x, y = points["x"].to_numpy(), points["y"].to_numpy()
    x, y = (y, x) if group.swapped else (x, y)
    fits = group.ranked
    if points.height > group.points.height:
        fits = [
            replace(fit_system(fit.system, points, x, y, boundaries, prior=0.0), rank=fit.rank)
            for fit in fits
            if fit.rank <= SHOWN
        ]
    outside = np.stack([fit.outside_m for fit in fits], axis=1)
    liked = group.preferences[:, : len(fits)]
    # A system that throws a point out of its place comes after all that do not, the nearer the earlier.
    preferred = np.where(outside > _FAR * group.scale_m, liked - _THROWN_OUT - np.fmin(outside, 1e6) / 1e3, liked)
    ranks = np.array([fit.rank for fit in fits])
    # Systems that cannot be told apart stand or fall together.
    best = np.stack([preferred[:, ranks == rank].max(axis=1) for rank in np.unique(ranks)], axis=1)
    place = np.argsort(np.argsort(-best, axis=1, kind="stable"), axis=1, kind="stable")[:, ranks - 1]
    frames = []
    for number, fit in enumerate(fits):
        at = np.flatnonzero(place[:, number] < shown)
        told = to_geographic(fit.system, x, y)
        distance = geodesic_distance_m(*told, fit.moved.longitude, fit.moved.latitude)
        columns = {
            "row": points["row"][at],
            "rank": place[at, number] + 1,
            "system": pl.repeat(fit.system.id, len(at), eager=True),
            "decimalLatitude": fit.moved.latitude[at],
            "decimalLongitude": fit.moved.longitude[at],
            "metres_moved": distance[at],
            "accuracy_m": fit.moved.accuracy_m[at],
            "approximate": fit.moved.approximate[at],
            "inside": outside[at, number] <= 0,
        }
        frames.append(pl.DataFrame(columns).cast(PROPOSED))
    return pl.concat(frames)
