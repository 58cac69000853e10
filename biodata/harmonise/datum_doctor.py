"""The datum doctor: which coordinate system unlabelled points are told in, ranked by how well they fit their places.

Nothing is moved: each candidate is a proposal. All points of a dataset that look alike share a system, so they are
judged together: one point that a move of 400 m takes over its province's edge says more than a thousand in the middle.
Systems whose places lie closer together than they are accurate share a rank, since no data can tell them apart.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl

from biodata import places
from biodata.datums import Form, System, find_system
from biodata.datums.systems import WGS84
from biodata.geo import Floats
from biodata.harmonise.datum_candidates import candidates
from biodata.harmonise.datum_fit import likeliest_scale, log_likelihoods
from biodata.harmonise.datum_ranking import Ranked, bonus, fit_system, stated_shares, with_ranks

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
