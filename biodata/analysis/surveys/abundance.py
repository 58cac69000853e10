"""Relative abundance of a species by effort, and its trend over the years.

It is an index, not a density: it mixes how many there are with how easily they are detected. So two sides are compared only
where they looked in the same way and the effort of every event is known.

Each site is compared with itself. Counts are Poisson with effort as an offset, the error widened by how much more they vary: the
log-linear model of TRIM (Pannekoek & van Strien 2005). Detection that changes over the years looks like a trend.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from scipy import optimize, stats

from biodata.analysis.surveys.joining import PLACE, Joined, of_stations, one_unit, placed
from biodata.core.geo import Floats
from biodata.core.phrases import Phrase, joined

_STEEPEST: Final = 10.0
"""Slope of the logarithm that is looked for: more than twenty thousand times as many a year."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Independent events for each unit of effort.

    `effort`, in `unit`, is of cameras that of stations (`effort.of_stations`), `sites` those with effort, one of each side; `low` to
    `high` is the 95 % interval of `rate`, `dispersion` how many times the sites differ as much as chance alone would make them.
    """

    events: int
    effort: float
    unit: str
    sites: int
    rate: float
    low: float
    high: float
    dispersion: float


def independent_events(joined: Joined, *, gap_minutes: float = 30.0, within_m: float = 200.0) -> pl.DataFrame:
    """Return the records that are events of their own: none of its species less than the gap before it at its site.

    What both sides saw at a site that they share is an event of each. Cameras within `within_m` of each other are one station;
    O'Brien et al. 2003, https://doi.org/10.1017/S1367943003003172, take a gap of 30 minutes.
    """
    from biodata.analysis.evidence.independence import independent

    if joined.records.is_empty():
        return joined.records
    # What counts as one species here is the name that results are stated by.
    species = pl.concat_str("name", "site", "side", separator="\x1f")
    asked = placed(joined, joined.records).with_columns(pl.col(PLACE).fill_null(0.0), species=species)
    return joined.records.filter(independent(asked, minutes=gap_minutes, metres=within_m))


def rate(events: pl.DataFrame, counted: pl.DataFrame) -> Rate | str:
    """Return the relative abundance of a species, or why it cannot be stated: of events that looked for it, by its independent ones."""
    if refused := one_unit(events):
        return refused
    worked = events.filter(pl.col("effort_value") > 0)
    own = counted.join(worked.select("event_key").unique(), on="event_key", how="semi")
    at = ["site", "side"]
    by_site = of_stations(worked).join(own.group_by(at).len("n"), on=at, how="left").fill_null(0).sort(at)
    n, effort = by_site["n"].to_numpy().astype(np.float64), by_site["effort"].to_numpy()
    total = float(effort.sum())
    if total <= 0:
        return "there was no effort"
    return Rate(int(n.sum()), total, str(events["effort_unit"][0]), len(n), *limits(n, effort))


def limits(n: Floats, effort: Floats) -> tuple[float, float, float, float]:
    """Return the rate of counts of places, of which some have effort, the ends of its 95 % interval, and the dispersion.

    Exact Poisson limits of a count divided by the dispersion (Pearson's, over places; McCullagh & Nelder 1989). A dispersion above 1
    is itself estimated, so tails are those of Student's t: of eight sites that differ as a gamma of shape 1 the limits held the
    truth in 92 % of simulations, in 89 % without.
    """
    total = float(effort.sum())
    spread = dispersion(n, n.sum() * effort / total, len(n) - 1)
    tail = _tail(spread, len(n) - 1)
    scaled = n.sum() / spread
    low = float(stats.gamma.ppf(tail, scaled)) if scaled else 0.0
    high = float(stats.gamma.isf(tail, scaled + 1))
    return float(n.sum()) / total, spread * low / total, spread * high / total, spread


def dispersion(observed: Floats, expected: Floats, freedom: int) -> float:
    """Return Pearson's dispersion, at least 1."""
    usable = expected > 0
    if freedom < 1 or not usable.any():
        return 1.0
    return max(float(((observed - expected)[usable] ** 2 / expected[usable]).sum()) / freedom, 1.0)


def _tail(spread: float, freedom: int) -> float:
    """Return the share of each tail outside limits: that of the normal at Student's quantile where a spread was estimated."""
    return float(stats.norm.sf(stats.t.isf(0.025, freedom))) if spread > 1 and freedom else 0.025


def ratio(one: Rate | str, other: Rate | str) -> dict[str, Any]:
    """Return how many times the first rate is the second, or why they are not compared.

    The interval is that of the exact binomial test (Przyborowski & Wilenski 1940) of counts divided by the larger dispersion; where
    one count is 0 it has one end only.
    """
    if isinstance(one, str) or isinstance(other, str):
        return {"refused": one if isinstance(one, str) else other}
    if one.unit != other.unit:
        return {"refused": Phrase("units of effort differ ({a})", a=joined([one.unit, other.unit]))}
    if not one.events + other.events:
        return {"refused": "found on neither side"}
    widest = max(one, other, key=lambda rate: rate.dispersion)
    tail = _tail(widest.dispersion, widest.sites - 1)
    a, b = one.events / widest.dispersion, other.events / widest.dispersion
    # Of events of both sides the share that is of the first, as a ratio of the rates.
    low = float(stats.beta.ppf(tail, a, b + 1)) if a else 0.0
    high = float(stats.beta.isf(tail, a + 1, b)) if b else 1.0
    ends = [share / (1 - share) * other.effort / one.effort if share < 1 else None for share in (low, high)]
    return {"ratio": one.rate / other.rate if other.events else None, "low": ends[0], "high": ends[1]}


@dataclass(frozen=True, slots=True)
class Trend:
    """Change of relative abundance a year.

    `sites` are those looked at in two years or more, `events` independent ones there; `slope` and `error` of the logarithm; `change`
    from -1 (0.05 is 5 % more) with its 95 % interval. It `says` increase, decrease, stable or uncertain, as TRIM names them: stable
    only where the interval excludes 5 % a year.
    """

    sites: int
    repeats: int
    events: int
    slope: float
    error: float
    change: float
    low: float
    high: float
    dispersion: float
    says: str


def trend(table: pl.DataFrame) -> Trend | str:
    """Return the trend of one species, or why it cannot be stated, of rows of site, repeat (year), n and effort (of one unit)."""
    usable = repeated(table)
    repeats = usable["repeat"].n_unique()
    if repeats < 2:
        return "no site was looked at in two years"
    if repeats < 3:
        return Phrase("sites were looked at in {n} years: a change between two is no trend", n=repeats)
    usable = usable.filter(pl.col("n").sum().over("site") > 0)
    if usable.is_empty():
        return "it was not found at a site that was looked at in two years"
    site = usable["site"].rank("dense").to_numpy().astype(np.int64) - 1
    year, n, effort = (usable[name].to_numpy().astype(np.float64) for name in ("repeat", "n", "effort"))
    year -= year.mean()
    totals = np.bincount(site, n)[site]

    def shares(slope: float) -> Floats:
        """Return what a year has of its site's counts: it follows from effort and the change alone."""
        weight = effort * np.exp(slope * year)
        return np.asarray(weight / np.bincount(site, weight)[site])

    def score(slope: float) -> float:
        """Return the slope of the log likelihood; it only falls."""
        return float((year * (n - totals * shares(slope))).sum())

    if score(-_STEEPEST) <= 0 or score(_STEEPEST) >= 0:
        return "it was found only in the first or only in the last year of its sites: the change has no bound"
    slope = float(optimize.brentq(score, -_STEEPEST, _STEEPEST, xtol=1e-10))
    share, sites = shares(slope), int(site.max()) + 1
    freedom = len(n) - sites - 1
    spread = dispersion(n, totals * share, freedom)
    information = float((totals * share * (year - np.bincount(site, share * year)[site]) ** 2).sum())
    error = float(np.sqrt(spread / information))
    wide = float(stats.t.ppf(0.975, max(freedom, 1))) * error
    change, low, high = (float(np.expm1(np.clip(one, -700, 700))) for one in (slope, slope - wide, slope + wide))
    flat = "stable" if low > -0.05 and high < 0.05 else "uncertain"
    says = "increase" if low > 0 else "decrease" if high < 0 else flat
    return Trend(sites, repeats, int(n.sum()), slope, error, change, low, high, spread, says)


def repeated(table: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of sites that were looked at in two years or more."""
    return table.filter(pl.col("effort") > 0).filter(pl.col("repeat").n_unique().over("site") > 1)
