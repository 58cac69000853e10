"""The datum doctor: which coordinate system unlabelled points are told in, ranked by how well they fit their places.

Nothing is moved: each candidate is a proposal. All points of a dataset that look alike share a system, so they are
judged together: one point that a move of 400 m takes over its province's edge says more than a thousand in the middle.
Systems whose places lie closer together than they are accurate share a rank, since no data can tell them apart.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl

from biodata import places
from biodata.datums import Form, Moved, System, find_system, to_wgs84
from biodata.datums.operations import UNPUBLISHED_M, to_geographic
from biodata.datums.systems import WGS84
from biodata.geo import Floats, geodesic_distance_m
from biodata.harmonise.datum_points import candidates, likeliest_scale, log_likelihoods, log_mean, marginal, region

# One system beside points whose place is stated: how well they fit it, and which systems cannot be told apart.

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
