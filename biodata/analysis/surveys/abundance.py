"""Relative abundance: independent events for each unit of effort, with limits that count how sites differ.

It is an index, not a density: it mixes how many there are with how easily they are detected. So two sides are compared only
where they looked in the same way and the effort of every event is known; else the comparison is refused and says why.
"""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import polars as pl
from scipy import stats

from biodata.analysis.surveys.effort import of_stations, one_unit
from biodata.analysis.surveys.joining import Joined
from biodata.geo import Floats


@dataclass(frozen=True, slots=True)
class Rate:
    """Independent events for each unit of effort.

    Attributes
    ----------
    events : int
        Independent ones.
    individuals : int
        In these; a record that tells no number counts one.
    effort : float
        In `unit`; of cameras that of stations (`effort.of_stations`).
    unit : str
    sites : int
        With effort; a site of two sides is one of each.
    rate, low, high : float
        Events for a unit, and the 95 % interval.
    dispersion : float
        How much more the sites differ than chance alone would make them; 1 for no more.
    """

    events: int
    individuals: int
    effort: float
    unit: str
    sites: int
    rate: float
    low: float
    high: float
    dispersion: float

    def told(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def independent_events(joined: Joined, *, gap_minutes: float = 30.0, within_m: float = 200.0) -> pl.DataFrame:
    """Return the records that are events of their own: none of its species less than the gap before it at its site.

    Sides are apart: what both saw at a site that they share is an event of each.

    Parameters
    ----------
    joined : Joined
        Records without coordinates stand at their event's.
    gap_minutes : float
        O'Brien et al. 2003, https://doi.org/10.1017/S1367943003003172, take 30.
    within_m : float
        Cameras so near to each other are one station.

    Returns
    -------
    polars.DataFrame
        Rows of `joined.records`.
    """
    from biodata.analysis.evidence.independence import independent

    if joined.records.is_empty():
        return joined.records
    place = ("decimalLatitude", "decimalLongitude", "coordinateUncertaintyInMeters")
    of_event = joined.events.select("event_key", *(pl.col(name).alias(f"_{name}") for name in place)).unique(
        "event_key"
    )
    placed = joined.records.join(of_event, on="event_key", how="left", maintain_order="left")
    asked = placed.with_columns(
        *(pl.coalesce(name, f"_{name}").fill_null(0.0).alias(name) for name in place),
        # What counts as one species here is the name that results are told by.
        species=pl.concat_str("name", "site", "side", separator="\x1f"),
    )
    return joined.records.filter(independent(asked, minutes=gap_minutes, metres=within_m))


def rate(joined: Joined, events: pl.DataFrame, counted: pl.DataFrame, *, confidence: float = 0.95) -> Rate | str:
    """Return the relative abundance of one species, or why it cannot be told.

    Parameters
    ----------
    joined : Joined
    events : polars.DataFrame
        Events in which it was looked for, of one method (`joining.looked_for`).
    counted : polars.DataFrame
        Its independent events.
    """
    if events.is_empty():
        return "no event looked for it"
    refused = one_unit(events)
    if refused:
        return refused
    worked = events.filter(pl.col("effort_value") > 0)
    own = counted.join(worked.select("event_key").unique(), on="event_key", how="semi")
    by_site = (
        of_stations(worked)
        .join(own.group_by("site", "side").len("n"), on=["site", "side"], how="left")
        .with_columns(pl.col("n").fill_null(0))
        .sort("site", "side")
    )
    n, effort = by_site["n"].to_numpy().astype(np.float64), by_site["effort"].to_numpy()
    total = float(effort.sum())
    if total <= 0:
        return "there was no effort"
    found = limits(n, effort, confidence=confidence)
    return Rate(
        int(n.sum()), int(own["individualCount"].fill_null(1).sum()), total, str(events["effort_unit"][0]), len(n),
        found.rate, found.low, found.high, found.dispersion,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Limits:
    """Counts for a unit of effort, the ends of the interval, and how much more places differ than chance would make them."""

    rate: float
    low: float
    high: float
    dispersion: float


def limits(n: Floats, effort: Floats, *, confidence: float = 0.95) -> Limits:
    """Return the rate of counts of places and its interval.

    Parameters
    ----------
    n, effort : ndarray of float64
        Of each place; some effort is above 0.

    Notes
    -----
    Exact Poisson limits of a count that is divided by the dispersion (Pearson's, over places; McCullagh & Nelder 1989). Where
    these differ more than chance, that dispersion is itself estimated from them, so tails are those of Student's t: of eight
    sites that differ as a gamma of shape 1 the 95 % limits held the truth in 92 % of simulations, in 89 % without.
    """
    total = float(effort.sum())
    spread = dispersion(n, n.sum() * effort / total, len(n) - 1)
    tail = _tail(confidence, spread, len(n) - 1)
    scaled = n.sum() / spread
    low = float(stats.gamma.ppf(tail, scaled)) if scaled else 0.0
    high = float(stats.gamma.isf(tail, scaled + 1))
    return Limits(float(n.sum()) / total, spread * low / total, spread * high / total, spread)


def dispersion(observed: Floats, expected: Floats, freedom: int) -> float:
    """Return Pearson's dispersion, at least 1."""
    usable = expected > 0
    if freedom < 1 or not usable.any():
        return 1.0
    return max(float(((observed - expected)[usable] ** 2 / expected[usable]).sum()) / freedom, 1.0)


def _tail(confidence: float, spread: float, freedom: int) -> float:
    """Return the share of each tail outside limits: that of the normal at Student's quantile where a spread was estimated."""
    tail = (1 - confidence) / 2
    return float(stats.norm.sf(stats.t.isf(tail, freedom))) if spread > 1 and freedom else tail


def ratio(one: Rate | str, other: Rate | str, *, confidence: float = 0.95) -> dict[str, Any]:
    """Return how many times the first rate is the second, or why they are not compared.

    Notes
    -----
    The logarithm's error is that of two Poisson counts times the larger dispersion; where one count is 0 the interval
    is that of the exact binomial test (Przyborowski & Wilenski 1940) and has one end only.
    """
    for told in (one, other):
        if isinstance(told, str):
            return {"refused": told}
    assert isinstance(one, Rate)
    assert isinstance(other, Rate)
    if one.unit != other.unit:
        return {"refused": f"units of effort differ ({one.unit}, {other.unit})"}
    if not one.events + other.events:
        return {"refused": "found on neither side"}
    widest = max(one, other, key=lambda rate: rate.dispersion)
    spread = widest.dispersion
    a, b = one.events / spread, other.events / spread
    by_effort = other.effort / one.effort
    tail = _tail(confidence, spread, widest.sites - 1)
    # Of events of both sides the share that is of the first, as a ratio of the rates.
    low = float(stats.beta.ppf(tail, a, b + 1)) if a else 0.0
    high = float(stats.beta.isf(tail, a + 1, b)) if b else 1.0
    ends = [share / (1 - share) * by_effort if share < 1 else None for share in (low, high)]
    return {"ratio": one.rate / other.rate if other.events else None, "low": ends[0], "high": ends[1]}
