"""The datum doctor: which coordinate system unlabelled points are stated in, ranked by how well they fit their stated places.

Points of a dataset that look alike are judged together: they are moved from each system that their country uses, and the
systems are ranked by how likely it is that so many points then lie so far outside their places. Nothing is moved: each
candidate is a proposal. Systems whose places lie closer together than they are accurate share a rank.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import polars as pl

from biodata import places
from biodata.core.geo import Floats, geodesic_distance_m
from biodata.harmonise.datum_points import candidates, region
from biodata.places import datums

MOST_POINTS: Final = 5000
"""So many points of a group are judged, spread evenly over it; more would not change the order."""
SHOWN: Final = 8
"""So many candidates of a group are stated."""
CLEARLY: Final = float(np.log(10))
"""A candidate fits clearly better than another when the points are ten times as likely under it."""
SCALES_M: Final = (5.0, 100.0, 1000.0, 5000.0)
"""How far the map may be off, from a map that the points were drawn on to Natural Earth's band; the points tell which."""
STRAY: Final = 0.002
"""The share of points whose stated place is simply wrong: none of them decides alone."""
_FITS: Final = 0.99
"""Points in metres of which fewer fit one system together are judged by zone and place."""
_FAR_M: Final = 500.0
"""So far outside its place a system throws a point out."""

REPORT: Final = pl.Schema(
    {
        "dataset": pl.String, "form": pl.String, "place": pl.String, "points": pl.Int64, "rank": pl.Int64,
        "system": pl.String, "name": pl.String, "share_inside": pl.Float64, "share_inside_as_told": pl.Float64,
        "fits_as_told": pl.String, "metres_moved": pl.Float64, "accuracy_m": pl.Float64, "operation": pl.String,
        "same_as": pl.String, "evidence": pl.String,
    }
)  # fmt: skip
PROPOSED: Final = pl.Schema(
    {
        "row": pl.Int64, "rank": pl.Int64, "system": pl.String, "decimalLatitude": pl.Float64,
        "decimalLongitude": pl.Float64, "metres_moved": pl.Float64, "accuracy_m": pl.Float64, "inside": pl.Boolean,
    }
)  # fmt: skip


@dataclass(frozen=True)
class Fit:
    """One system beside the points of a group.

    Attributes
    ----------
    system : System
        The candidate.
    rank : int
        From 1; systems that cannot be distinguished share it. 0 for the points as stated.
    log_likelihood : float
        Of the points, if they are stated in this system.
    moved : Moved
        The points in WGS 84 by the best operation.
    metres_moved : ndarray of float64, length n
        Distance from each place as stated; of a projection, from the same place with the datum taken for WGS 84.
    outside_m : ndarray of float64, length n
        How far each point lies outside its stated place, negative inside.
    """

    system: datums.System
    rank: int
    log_likelihood: float
    moved: datums.Moved
    metres_moved: Floats
    outside_m: Floats

    @property
    def inside(self) -> int:
        """How many points lie in their stated place."""
        return int(np.sum(self.outside_m <= 0))


@dataclass(frozen=True)
class Group:
    """Points of a dataset that look alike and that the same systems come into question for.

    Attributes
    ----------
    points : polars.DataFrame
        Those that were judged: columns of `datum_points.POINTS`.
    whole : polars.DataFrame
        All points of the group.
    as_told : Fit, optional
        The points taken for WGS 84; None for metres.
    ranked : list of Fit
        The candidates, best first.
    swapped : bool
        Easting and northing stand in each other's place.
    """

    points: pl.DataFrame
    whole: pl.DataFrame
    as_told: Fit | None
    ranked: list[Fit]
    swapped: bool


def diagnose(points: pl.DataFrame, *, boundaries: places.BoundarySet) -> list[Group]:
    """Rank the systems that points may be stated in.

    Parameters
    ----------
    points : polars.DataFrame
        Columns of `datum_points.POINTS`.
    boundaries : BoundarySet
        The map that has the stated places.

    Returns
    -------
    list of Group
        In the order of dataset, form and place; points without a stated place, or whose numbers are no coordinates, and
        those that no system comes into question for, are in none.
    """
    # In the order of the file: what comes out must not depend on the order in which the rows come in.
    testable = points.filter(pl.col("region").is_not_null() & pl.col("form").is_not_null()).sort("row")
    kinds = ["region", "form", "zone"]
    rows = [
        (*kind, " ".join(sorted(one.system.id for one in candidates(*kind, boundaries))))
        for kind in testable.select(kinds).unique().iter_rows()
    ]
    schema = {"region": pl.String, "form": pl.String, "zone": pl.Int64, "systems": pl.String}
    known = testable.join(pl.DataFrame(rows, schema=schema, orient="row"), on=kinds, maintain_order="left")
    in_degrees = pl.col("form") == datums.Form.DEGREES.value
    # Which zones of a projection come into question differs by province; their dataset still has one.
    known = known.filter(pl.col("systems") != "").with_columns(
        together=pl.when(in_degrees).then("systems").otherwise("country")
    )
    by = ["dataset", "form", "together"]
    groups = []
    for frame in known.sort(by, maintain_order=True).partition_by(by, maintain_order=True):
        group = _group(frame, boundaries)
        if frame["form"][0] != datums.Form.DEGREES.value and group.ranked[0].inside < _FITS * group.points.height:
            parts = frame.partition_by("zone", "region", maintain_order=True)
            groups += [_group(part, boundaries) for part in parts]
        else:
            groups.append(group)
    return groups


def _group(frame: pl.DataFrame, boundaries: places.BoundarySet) -> Group:
    """Judge the points of a group together."""
    some = np.unique(np.linspace(0, frame.height - 1, min(frame.height, MOST_POINTS)).astype(np.int64))
    points = frame[some]
    x, y = points["x"].to_numpy(), points["y"].to_numpy()
    ranked, swapped, as_told = _ranked(points, x, y, boundaries), False, None
    if points["form"][0] == datums.Form.METRES.value and float(np.mean(x > y)) > 0.5:
        other = _ranked(points, y, x, boundaries)
        if other[0].log_likelihood > ranked[0].log_likelihood:
            ranked, swapped = other, True
    if points["form"][0] == datums.Form.DEGREES.value and (wgs84 := datums.find_system(datums.WGS84)) is not None:
        as_told = _fit(wgs84, points, x, y, boundaries)
    return Group(points, frame, as_told, ranked, swapped)


def _ranked(points: pl.DataFrame, x: Floats, y: Floats, boundaries: places.BoundarySet) -> list[Fit]:
    """Return every candidate with its fit and rank, best first."""
    weights: dict[datums.System, float] = {}
    for *kind, count in points.group_by("region", "form", "zone").len().sort("region", "zone").iter_rows():
        for candidate in candidates(*kind, boundaries):
            share = candidate.weight * count / points.height
            weights[candidate.system] = weights.get(candidate.system, 0.0) + share
    fits = [_fit(system, points, x, y, boundaries) for system in weights]
    fits.sort(key=lambda fit: -fit.log_likelihood - float(np.log(weights[fit.system])))
    heads: list[Fit] = []
    numbered = []
    for fit in fits:
        rank = next((number for number, head in enumerate(heads, 1) if _same(fit, head)), None)
        if rank is None:
            heads.append(fit)
            rank = len(heads)
        numbered.append(replace(fit, rank=rank))
    return sorted(numbered, key=lambda fit: fit.rank)


def _fit(system: datums.System, points: pl.DataFrame, x: Floats, y: Floats, boundaries: places.BoundarySet) -> Fit:
    """Set the points beside where they are stated to lie, if they are stated in a system."""
    moved = datums.to_wgs84(system, x, y)
    outside = np.full(points.height, np.inf)
    numbers = points.select("region").with_row_index("at").group_by("region", maintain_order=True).agg("at")
    for code, at in numbers.iter_rows():
        where = np.asarray(at)
        outside[where] = region(code, boundaries).outside_m(moved.longitude[where], moved.latitude[where])
    metres = geodesic_distance_m(*datums.to_geographic(system, x, y), moved.longitude, moved.latitude)
    totals = np.array([log_likelihoods(outside, scale).sum() for scale in SCALES_M])
    likelihood = float(totals.max() + np.log(np.exp(totals - totals.max()).mean()))
    return Fit(system, 0, likelihood, moved, metres, outside)


def log_likelihoods(outside_m: Floats, scale_m: float) -> Floats:
    """Return how likely each point is, given how far it lies outside and how far the map may be off.

    Parameters
    ----------
    outside_m : ndarray of float64, any shape
        Metres, negative inside.
    scale_m : float
        Mean error of the map's edges.

    Returns
    -------
    ndarray of float64, the same shape
        Natural logarithms, between 0 and that of `STRAY`.

    Notes
    -----
    The edge is off by a distance with a Laplace distribution, so a point is within the true area with the probability
    of its tail beyond the point.
    """
    tail = np.exp(-np.abs(outside_m) / scale_m) / 2
    likelihoods: Floats = np.log((1 - STRAY) * np.where(outside_m > 0, tail, 1 - tail) + STRAY)
    return likelihoods


def _same(fit: Fit, head: Fit) -> bool:
    """Return whether two candidates put the points in the same places, as far as their accuracy goes."""
    distance = geodesic_distance_m(fit.moved.longitude, fit.moved.latitude, head.moved.longitude, head.moved.latitude)
    accuracy = np.fmin(np.fmax(fit.moved.accuracy_m, head.moved.accuracy_m), datums.UNPUBLISHED_M)
    return bool(np.isfinite(distance).any() and np.nanmedian(distance) <= np.nanmedian(accuracy))


def report(groups: list[Group], *, shown: int = SHOWN) -> pl.DataFrame:
    """Return the candidates as a table, one row each, at most so many of a group.

    The last row of a group in degrees has rank 0: the points as stated, taken for WGS 84.
    """
    return pl.DataFrame([row for group in groups for row in _rows(group, shown)], schema=REPORT, orient="row")


def _rows(group: Group, shown: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of a group."""
    stated_fit, count = group.as_told, group.points.height
    zones = [str(zone) for zone in group.points["zone"].unique().sort() if zone]
    for fit in [*group.ranked[:shown], *([stated_fit] if stated_fit is not None else [])]:
        metres, accuracy = (
            float(np.nanmedian(values)) if np.isfinite(values).any() else None
            for values in (fit.metres_moved, fit.moved.accuracy_m)
        )
        beside = None
        if stated_fit is not None and fit is not stated_fit:
            gain = fit.log_likelihood - stated_fit.log_likelihood
            beside = "better" if gain > CLEARLY else "worse" if gain < -CLEARLY else "no difference"
        alike = [other.system for other in group.ranked if other.rank == fit.rank and other is not fit]
        yield {
            "dataset": group.points["dataset"][0],
            "form": " ".join([str(group.points["form"][0]), *zones]),
            "place": " ".join(group.points["region"].unique().sort()),
            "points": group.whole.height,
            "rank": fit.rank,
            "system": fit.system.id,
            "name": fit.system.name,
            "share_inside": round(fit.inside / count, 4),
            "share_inside_as_told": None if stated_fit is None else round(stated_fit.inside / count, 4),
            "fits_as_told": beside,
            "metres_moved": None if metres is None else round(metres, 1),
            "accuracy_m": None if accuracy is None else round(accuracy, 2),
            "operation": fit.moved.commonest,
            "same_as": " ".join(system.id for system in alike) or None,
            "evidence": _evidence(fit, group, alike),
        }


def _evidence(fit: Fit, group: Group, alike: list[datums.System]) -> str:
    """Say in words how a candidate fits."""
    words = [f"{fit.inside} of {group.points.height} points lie in their stated place"]
    near = fit.outside_m[np.isfinite(fit.outside_m) & (fit.outside_m > 0)]
    if len(near):
        words.append(f"the farthest near it {near.max():,.0f} m outside")
    if group.as_told is not None and fit is not group.as_told:
        words.append(f"as told {group.as_told.inside}")
    if group.swapped:
        words.append("easting and northing stand in each other's place")
    if alike and fit.rank:
        words.append(f"the points cannot tell it from {', '.join(system.name for system in alike[:4])}")
    if fit.moved.commonest == datums.NOT_MOVED:
        words.append(f"{datums.NOT_MOVED}, within about {datums.UNPUBLISHED_M:.0f} m")
    elif not fit.moved.certain.any() and fit.rank:
        words.append("the operation is published for another area")
    return "; ".join(words)


def proposals(groups: list[Group], *, boundaries: places.BoundarySet, shown: int = 3) -> pl.DataFrame:
    """Return for each point the systems of the first ranks and where it would lie; nothing is applied.

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
        `row`, `rank`, `system`, `decimalLatitude`, `decimalLongitude` (WGS 84), `metres_moved`, `accuracy_m`, `inside` its
        stated place. Ranks are those of the group, but a system that throws the point out of its place comes after all
        that do not.
    """
    frames = [_proposed(group, boundaries, shown) for group in groups]
    return pl.concat(frames).sort("row", "rank", "system") if frames else pl.DataFrame(schema=PROPOSED)


def _proposed(group: Group, boundaries: places.BoundarySet, shown: int) -> pl.DataFrame:
    """Return the proposals for the points of a group."""
    points, fits = group.whole, group.ranked
    x, y = points["x"].to_numpy(), points["y"].to_numpy()
    x, y = (y, x) if group.swapped else (x, y)
    if points.height > group.points.height:
        shown_fits = [fit for fit in fits if fit.rank <= SHOWN]
        fits = [replace(_fit(fit.system, points, x, y, boundaries), rank=fit.rank) for fit in shown_fits]
    each = [
        pl.DataFrame(
            {
                "row": points["row"],
                "of_group": np.full(points.height, fit.rank),
                "system": pl.repeat(fit.system.id, points.height, eager=True),
                "decimalLatitude": fit.moved.latitude,
                "decimalLongitude": fit.moved.longitude,
                "metres_moved": fit.metres_moved,
                "accuracy_m": fit.moved.accuracy_m,
                "inside": fit.outside_m <= 0,
                "out": fit.outside_m > _FAR_M,
            }
        )
        for fit in fits
    ]
    # Systems that cannot be distinguished stand or fall together.
    whole_rank = pl.col("out").all().over("row", "of_group")
    frame = pl.concat(each).with_columns(order=pl.col("of_group") + pl.when(whole_rank).then(len(fits)).otherwise(0))
    ranked = frame.with_columns(rank=pl.col("order").rank("dense").over("row").cast(pl.Int64))
    return ranked.filter(pl.col("rank") <= shown).select(pl.col(name).cast(kind) for name, kind in PROPOSED.items())
