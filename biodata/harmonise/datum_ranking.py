"""One system beside points whose place is stated: how well they fit it, and which systems cannot be told apart."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

from biodata import places
from biodata.datums import Form, Moved, System, find_system, to_wgs84
from biodata.datums.operations import UNPUBLISHED_M, to_geographic
from biodata.geo import Floats, geodesic_distance_m
from biodata.harmonise.datum_fit import log_mean, marginal, region

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
