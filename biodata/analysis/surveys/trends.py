"""Trend over repeats: by how much relative abundance changes a year, at the same sites and for the same effort.

Each site is compared with itself: sites that were added or given up change nothing. Counts are taken as Poisson with the
effort as an offset, and the error is widened by how much more they vary. It is the log-linear model of TRIM (Pannekoek &
van Strien 2005), here with effort; detection that changes over the years looks like a trend, and cannot be told from it.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy import optimize, stats

from biodata.analysis.surveys.abundance import dispersion
from biodata.geo import Floats

LEAST_REPEATS: Final = 3
_STEEPEST: Final = 20.0


@dataclass(frozen=True, slots=True)
class Trend:
    """Change of relative abundance a year.

    Attributes
    ----------
    sites, repeats, events : int
        Sites looked at in two repeats or more, years, independent events there.
    slope, error : float
        Of the logarithm, a year.
    change, low, high : float
        Change a year, -1 to infinity (0.05 is 5 % more), and the 95 % interval.
    dispersion : float
    says : str
        increase, decrease, stable or uncertain (as TRIM names them: stable only where the interval excludes 5 % a year).
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

    def told(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def trend(table: pl.DataFrame, *, confidence: float = 0.95) -> Trend | str:
    """Return the trend of one species, or why it cannot be told.

    Parameters
    ----------
    table : polars.DataFrame
        One row a site and repeat: site, repeat (year), n (independent events), effort (above 0; of one unit).
    confidence : float
    """
    usable = _repeated(table)
    repeats = usable["repeat"].n_unique()
    if repeats < 2:
        return "no site was looked at in two years"
    if repeats < LEAST_REPEATS:
        return f"sites were looked at in {repeats} years: a change between two is no trend"
    usable = usable.filter(pl.col("n").sum().over("site") > 0)
    if usable.is_empty():
        return "it was not found at a site that was looked at in two years"
    site = usable["site"].rank("dense").to_numpy().astype(np.int64) - 1
    year = usable["repeat"].to_numpy().astype(np.float64)
    year -= year.mean()
    n, effort = usable["n"].to_numpy().astype(np.float64), usable["effort"].to_numpy().astype(np.float64)
    told = _Sites(site, year, n, effort)
    if told.score(-_STEEPEST) <= 0 or told.score(_STEEPEST) >= 0:
        return "it was found only in the first or only in the last year of its sites: the change has no bound"
    slope = float(optimize.brentq(told.score, -_STEEPEST, _STEEPEST, xtol=1e-10))
    expected = told.expected(slope)
    freedom = len(n) - int(site.max()) - 2
    spread = dispersion(n, expected, freedom)
    error = float(np.sqrt(spread / told.information(slope)))
    wide = float(stats.t.ppf((1 + confidence) / 2, max(freedom, 1))) * error
    change, low, high = (float(np.expm1(np.clip(one, -700, 700))) for one in (slope, slope - wide, slope + wide))
    return Trend(int(site.max()) + 1, repeats, int(n.sum()), slope, error, change, low, high, spread, _named(low, high))


def has_repeats(table: pl.DataFrame) -> bool:
    """Tell whether any site was looked at in two years.

    Parameters
    ----------
    table : polars.DataFrame
        As for `trend`.
    """
    return not _repeated(table).is_empty()


def _repeated(table: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of sites that were looked at in two years or more."""
    worked = table.filter(pl.col("effort") > 0)
    return worked.filter(pl.col("repeat").n_unique().over("site") > 1)


def _named(low: float, high: float) -> str:
    """Return what an interval of change says."""
    if low > 0:
        return "increase"
    if high < 0:
        return "decrease"
    return "stable" if low > -0.05 and high < 0.05 else "uncertain"


@dataclass(frozen=True, slots=True)
class _Sites:
    """Counts of sites, given the sum of each: what a site has of a year follows from effort and the change alone."""

    site: NDArray[np.int64]
    year: Floats
    n: Floats
    effort: Floats

    def _shares(self, slope: float) -> Floats:
        exponent = slope * self.year
        largest = np.full(self.site.max() + 1, -np.inf)
        np.maximum.at(largest, self.site, exponent)
        weight = self.effort * np.exp(exponent - largest[self.site])
        return np.asarray(weight / np.bincount(self.site, weight)[self.site])

    def expected(self, slope: float) -> Floats:
        """Return expected counts."""
        return np.asarray(np.bincount(self.site, self.n)[self.site] * self._shares(slope))

    def score(self, slope: float) -> float:
        """Return the slope of the log likelihood; it only falls."""
        return float((self.year * (self.n - self.expected(slope))).sum())

    def information(self, slope: float) -> float:
        """Return minus the curvature of the log likelihood."""
        share = self._shares(slope)
        mean = np.bincount(self.site, share * self.year)[self.site]
        total = np.bincount(self.site, self.n)[self.site]
        return float((total * share * (self.year - mean) ** 2).sum())
