"""Trend over repeats: by how much relative abundance changes a year, at the same sites and for the same effort.

Each site is compared with itself. Counts are Poisson with effort as an offset, the error widened by how much more they vary: the
log-linear model of TRIM (Pannekoek & van Strien 2005). Detection that changes over the years looks like a trend.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from scipy import optimize, stats

from biodata.analysis.surveys.abundance import dispersion
from biodata.geo import Floats

LEAST_REPEATS: Final = 3
_STEEPEST: Final = 10.0
"""Slope of the logarithm that is looked for: more than twenty thousand times as many a year."""


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
    """Return the trend of one species, or why it cannot be told, of rows of site, repeat (year), n and effort (of one unit)."""
    usable = repeated(table)
    repeats = usable["repeat"].n_unique()
    if repeats < 2:
        return "no site was looked at in two years"
    if repeats < LEAST_REPEATS:
        return f"sites were looked at in {repeats} years: a change between two is no trend"
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
    worked = table.filter(pl.col("effort") > 0)
    return worked.filter(pl.col("repeat").n_unique().over("site") > 1)
