"""The datum doctor: which coordinate system unlabelled points are told in, ranked by how well they fit their places.

Nothing is moved: each candidate is a proposal. All points of a dataset that look alike share a system, so they are
judged together: one point that a move of 400 m takes over its province's edge says more than a thousand in the middle.
Systems whose places lie closer together than they are accurate share a rank, since no data can tell them apart.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
import polars as pl

from biodata import places
from biodata.core.geo import Floats, geodesic_distance_m
from biodata.harmonise.datum_points import candidates, likeliest_scale, log_likelihoods, log_mean, marginal, region
from biodata.places.datums import Form, Moved, System, find_system, to_wgs84
from biodata.places.datums.operations import NOT_MOVED, UNPUBLISHED_M, to_geographic
from biodata.places.datums.systems import WGS84

STATED_BONUS: Final = 2.0
"""What a stated datum adds to the logarithm of how likely a system on that datum is."""

_MOSTLY: Final = 0.5


@dataclass(frozen=True)
class Ranked:
    """One system beside the points of a group.

    Attributes
    ----------
    system : System
        The candidate.
    rank : int
        From 1; systems that cannot be told apart share it.
    score : float
        Logarithm of how likely the points are, plus that of how common the system is there.
    log_likelihood : float
        Of the points, if they are told in this system.
    share_inside : float
        Share of the points that then lie in their stated place.
    farthest_m : float
        How far outside the farthest of those lies that are within half a degree of it.
    moved : Moved
        The points in WGS 84 by the best operation.
    metres_moved : float
        Median distance from the place as told; of a projection, from the same place with the datum taken for WGS 84.
    outside_m : ndarray of float64, length n
        How far each point lies outside its stated place, negative inside.
    """

    system: System
    rank: int
    score: float
    log_likelihood: float
    share_inside: float
    farthest_m: float
    moved: Moved
    metres_moved: float
    outside_m: Floats


def stated_shares(points: pl.DataFrame) -> dict[str, float]:
    """Return the share of the points by the code of the datum that they state."""
    told = points["stated"].drop_nulls().value_counts()
    shares: dict[str, float] = {}
    for text, count in told.iter_rows():
        system = find_system("EPSG:4326" if text.upper().replace(" ", "") in ("WGS84", "WGS-84") else text)
        if system is not None:
            for code in {system.id, _datum(system)}:
                shares[code] = shares.get(code, 0.0) + count / points.height
    return shares


def _datum(system: System) -> str:
    """Return the code of the datum that a system stands on."""
    geodetic = system.crs.geodetic_crs
    return "" if geodetic is None else f"EPSG:{geodetic.to_epsg()}"


def bonus(system: System, stated: dict[str, float]) -> float:
    """Return what a system gains because its points state it, or its datum."""
    if not stated or (system.form == Form.DEGREES and system.id not in stated):
        return 0.0
    return STATED_BONUS * max(stated.get(system.id, 0.0), stated.get(_datum(system), 0.0))


def fit_system(
    system: System, points: pl.DataFrame, x: Floats, y: Floats, boundaries: places.BoundarySet, *, prior: float
) -> Ranked:
    """Set the points beside where they are stated to lie, if they are told in a system."""
    moved = to_wgs84(system, x, y)
    outside = _outside(points, moved.longitude, moved.latitude, boundaries)
    likelihood = marginal(outside)
    on_datum = to_geographic(system, x, y)
    if np.mean(moved.certain) < _MOSTLY:
        # Nobody knows the operation here, and who wrote the points had none either: both ways are as good.
        unmoved = _outside(points, *on_datum, boundaries)
        ways = [marginal(unmoved), likelihood]
        likelihood = log_mean(np.array(ways))
        outside = unmoved if ways[0] >= ways[1] else outside
    near = outside[np.isfinite(outside)]
    distance = geodesic_distance_m(*on_datum, moved.longitude, moved.latitude)
    return Ranked(
        system=system,
        rank=0,
        score=likelihood + prior,
        log_likelihood=likelihood,
        share_inside=float(np.mean(outside <= 0)),
        farthest_m=max(float(near.max()), 0.0) if len(near) else float("inf"),
        moved=moved,
        metres_moved=float(np.nanmedian(distance)) if np.isfinite(distance).any() else float("nan"),
        outside_m=outside,
    )


def _outside(points: pl.DataFrame, longitude: Floats, latitude: Floats, boundaries: places.BoundarySet) -> Floats:
    """Return how far points lie outside the place that each is stated in."""
    outside = np.full(points.height, np.inf)
    numbers = points.select("region").with_row_index("at").group_by("region", maintain_order=True).agg("at")
    for code, at in numbers.iter_rows():
        where = np.asarray(at)
        outside[where] = region(code, boundaries).outside_m(longitude[where], latitude[where])
    return outside


def with_ranks(fits: list[Ranked]) -> list[Ranked]:
    """Give the candidates, best first, their ranks; one closer to a better one than both are accurate shares its rank."""
    heads: list[Ranked] = []
    numbered: list[Ranked] = []
    for fit in fits:
        rank = next((number for number, head in enumerate(heads, 1) if _same(fit, head)), None)
        if rank is None:
            heads.append(fit)
            rank = len(heads)
        numbered.append(replace(fit, rank=rank))
    return sorted(numbered, key=lambda fit: fit.rank)


def _same(fit: Ranked, head: Ranked) -> bool:
    """Tell whether two candidates put the points in the same places, as far as their accuracy goes."""
    distance = geodesic_distance_m(fit.moved.longitude, fit.moved.latitude, head.moved.longitude, head.moved.latitude)
    accuracy = np.fmin(np.fmax(fit.moved.accuracy_m, head.moved.accuracy_m), UNPUBLISHED_M)
    return bool(np.isfinite(distance).any() and np.nanmedian(distance) <= np.nanmedian(accuracy))


MOST_POINTS: Final = 5000
"""So many points of a group are judged, spread evenly over it; more would not change the order."""

_FITS: Final = 0.99
_PART: Final = 10.0
_PURE: Final = 0.95
_STEPS: Final = 60
_HELD: Final = 0.05


@dataclass(frozen=True)
class Group:
    """Points of a dataset that look alike and that the same systems come into question for.

    Attributes
    ----------
    points : polars.DataFrame
        Those that were judged: columns of `datum_points.POINTS`.
    whole : polars.DataFrame
        All points of the group.
    as_told : Ranked, optional
        The points taken for WGS 84; None for metres.
    ranked : list of Ranked
        The candidates, best first.
    swapped : bool
        Easting and northing stand in each other's place.
    """

    points: pl.DataFrame
    whole: pl.DataFrame
    as_told: Ranked | None
    ranked: list[Ranked]
    swapped: bool

    @property
    def form(self) -> str:
        """What the numbers look like, with their zone."""
        zones = self.points["zone"].unique().sort().to_list()
        return " ".join([str(self.points["form"][0]), *(str(zone) for zone in zones if zone)])

    @property
    def place(self) -> str:
        """Codes of the places that the points are stated in."""
        return " ".join(self.points["region"].unique().sort())

    @cached_property
    def preferences(self) -> Floats:
        """How much each candidate is preferred for a point that fits several, shape (1, candidates); larger is better.

        Where one candidate explains nearly all points it is the order of the ranks. Else the dataset is a mixture, and
        the shares that make its points likeliest are found by expectation and maximisation, from how common the systems
        are; systems of one rank have one share.
        """
        ranks = np.array([ranked.rank for ranked in self.ranked])
        if self.ranked[0].share_inside >= _PURE:
            return -ranks[np.newaxis].astype(np.float64)
        prior = np.exp([ranked.score - ranked.log_likelihood for ranked in self.ranked])
        likelihoods = np.exp(log_likelihoods(self.outside_m, self.scale_m))
        shares = prior / prior.sum()
        held = shares * max(1.0, _HELD * self.points.height)
        for _ in range(_STEPS):
            joint = likelihoods * shares
            expected = (joint / joint.sum(axis=1, keepdims=True)).sum(axis=0) + held
            shares = expected / expected.sum()
        together = np.array([shares[ranks == rank].sum() for rank in ranks])
        preferences: Floats = np.log(together)[np.newaxis]
        return preferences

    @property
    def outside_m(self) -> Floats:
        """How far each point lies outside its stated place under each candidate, metres, shape (points, candidates)."""
        return np.stack([ranked.outside_m for ranked in self.ranked], axis=1)

    @property
    def scale_m(self) -> float:
        """The map's error that the points fit best."""
        return likeliest_scale(self.ranked[0].outside_m)


def diagnose(points: pl.DataFrame, *, boundaries: places.BoundarySet) -> list[Group]:
    """Rank the systems that points may be told in.

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
    kinds = testable.select("region", "form", "zone").unique()
    keys = [(*kind, " ".join(sorted(c.system.id for c in candidates(*kind, boundaries)))) for kind in kinds.iter_rows()]
    schema = {"region": pl.String, "form": pl.String, "zone": pl.Int64, "systems": pl.String}
    named = testable.join(
        pl.DataFrame(keys, schema=schema, orient="row"), on=["region", "form", "zone"], maintain_order="left"
    ).with_columns(
        # Which zones of a projection come into question differs by province; their dataset still has one.
        pl.when(pl.col("form") == Form.DEGREES.value).then("systems").otherwise("country").alias("together"),
    )
    named = named.filter(pl.col("systems") != "").sort("dataset", "form", "together", maintain_order=True)
    groups = named.partition_by("dataset", "form", "together", maintain_order=True)
    return [group for frame in groups for group in _judged(frame, boundaries, ("zone", "region"))]


def _judged(frame: pl.DataFrame, boundaries: places.BoundarySet, split_by: tuple[str, ...]) -> list[Group]:
    """Return a group; points in metres as several where their zones or places fit better one by one."""
    group = _group(frame, boundaries)
    if group.points["form"][0] == Form.DEGREES.value or group.ranked[0].share_inside >= _FITS:
        return [group]
    for number, column in enumerate(split_by, 1):
        parts = frame.partition_by(column, maintain_order=True)
        if len(parts) == 1:
            continue
        split = [one for part in parts for one in _judged(part, boundaries, split_by[number:])]
        gain = sum(one.ranked[0].log_likelihood for one in split) - group.ranked[0].log_likelihood
        if gain > _PART * len(split):
            return split
    return [group]


def _group(frame: pl.DataFrame, boundaries: places.BoundarySet) -> Group:
    """Judge the points of a group together."""
    some = np.unique(np.linspace(0, frame.height - 1, min(frame.height, MOST_POINTS)).astype(np.int64))
    points = frame[some].drop("systems", "together")
    x, y = points["x"].to_numpy(), points["y"].to_numpy()
    found = _ranked(points, x, y, boundaries)
    swapped = False
    if points["form"][0] == Form.METRES.value and float(np.mean(x > y)) > 0.5:
        other = _ranked(points, y, x, boundaries)
        if other[0].score > found[0].score:
            found, swapped = other, True
    as_told = None
    if points["form"][0] == Form.DEGREES.value:
        wgs84 = find_system(WGS84)
        if wgs84 is not None:
            as_told = fit_system(wgs84, points, x, y, boundaries, prior=0.0)
    return Group(points, frame, as_told, found, swapped)


def _ranked(points: pl.DataFrame, x: Floats, y: Floats, boundaries: places.BoundarySet) -> list[Ranked]:
    """Return every candidate with its fit, best first."""
    shares = points.group_by("region", "form", "zone").len().sort("region", "form", "zone")
    systems: dict[str, tuple[System, float]] = {}
    for *kind, count in shares.iter_rows():
        for candidate in candidates(*kind, boundaries):
            _, weight = systems.get(candidate.system.id, (candidate.system, 0.0))
            systems[candidate.system.id] = (candidate.system, weight + candidate.weight * count / points.height)
    stated = stated_shares(points)
    fits = [
        fit_system(system, points, x, y, boundaries, prior=float(np.log(weight)) + bonus(system, stated))
        for system, weight in systems.values()
    ]
    return with_ranks(sorted(fits, key=lambda fit: -fit.score))


# What the datum doctor found, as tables: one row a candidate, and each point's proposals.

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


# One system beside points whose place is stated: how well they fit it, and which systems cannot be told apart.
