"""How many species so many sites, or so many individuals, would hold: accumulation curves with their spread.

Names and results are those of `specaccum` of R's vegan. Curves of two sides are comparable only at the same effort; at
the same number of sites they are not where the sites of one were watched longer (`comparing.at_equal_coverage`).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import gammaln

from biodata.analysis.surveys import richness
from biodata.geo import Floats

Counts = NDArray[np.int64]
MOST_CORRELATIONS: Final = 5_000
"""Species beyond which the spread of an exact curve is not told: it takes a number for each pair of species."""


class Method(StrEnum):
    """How a curve is found."""

    EXACT = "exact"
    RANDOM = "random"
    RAREFACTION = "rarefaction"
    COLEMAN = "coleman"
    COLLECTOR = "collector"


@dataclass(frozen=True, slots=True)
class Curve:
    """An accumulation curve.

    Attributes
    ----------
    method : Method
    sites : ndarray of float64, length n
        Numbers of sites; of rarefaction by individuals, sites that hold so many on average.
    richness : ndarray of float64, length n
        Species that so many hold.
    sd : ndarray of float64, length n
        Standard deviation; nan where the method tells none.
    individuals : ndarray of int64 or None
        Of rarefaction: the individuals drawn.
    """

    method: Method
    sites: Floats
    richness: Floats
    sd: Floats
    individuals: Counts | None = None

    def limits(self, confidence: float = 0.95) -> tuple[Floats, Floats]:
        """Return the lower and upper limits, normal, none below 0; nan where no spread is told."""
        wide = float(stats.norm.ppf((1 + confidence) / 2)) * self.sd
        return np.maximum(self.richness - wide, 0.0), self.richness + wide


def accumulation(
    counts: NDArray[np.integer],
    method: Method = Method.EXACT,
    *,
    conditioned: bool = True,
    permutations: int | NDArray[np.integer] = 100,
    seed: int = 1,
) -> Curve:
    """Return the accumulation curve of sites.

    Parameters
    ----------
    counts : ndarray of int, n sites x m species
        Individuals or records; where only presences are known, 0 and 1.
    method : Method
        EXACT: the mean of all orders (Ugland et al. 2003, https://doi.org/10.1046/j.1365-2656.2003.00748.x). RANDOM: mean
        of random orders. RAREFACTION: by individuals (Hurlbert 1971; spread Heck et al. 1975,
        https://doi.org/10.2307/1934716). COLEMAN: Coleman et al. 1982, https://doi.org/10.2307/1937249. COLLECTOR: the
        sites as they stand.
    conditioned : bool
        The spread of EXACT is that of drawing from the sites that were looked at, which is 0 for all of them; False tells
        that of drawing from all sites there are (Colwell et al. 2004, https://doi.org/10.1890/03-0557), by which curves are compared.
    permutations : int or ndarray of int, k x n
        Of RANDOM: how many orders, or the orders themselves, from 0.
    seed : int
        Of RANDOM.

    Returns
    -------
    Curve
    """
    table = np.asarray(counts)
    table = table[:, table.sum(axis=0) > 0]
    n, found = len(table), (table > 0).sum(axis=0)
    sites = np.arange(1, n + 1, dtype=np.float64)
    none = np.full(n, np.nan)
    match method:
        case Method.COLLECTOR:
            return Curve(method, sites, _collected(table, np.arange(n)[None, :])[0], none)
        case Method.RANDOM:
            orders = _orders(n, permutations, seed)
            drawn = _collected(table, orders)
            return Curve(method, sites, drawn.mean(axis=0), drawn.std(axis=0, ddof=1) if len(drawn) > 1 else none)
        case Method.COLEMAN:
            chance = 1 - (1 - sites[:, None] / n) ** found
            return Curve(method, sites, chance.sum(axis=1), np.sqrt((chance * (1 - chance)).sum(axis=1)))
        case Method.RAREFACTION:
            return _by_individuals(table.sum(axis=0), n)
        case Method.EXACT:
            missed = _missed(found, n)
            curve = (1 - missed).sum(axis=1)
            sd = _sd_of_these(table, missed) if conditioned else _sd_of_all(table, missed, curve)
            return Curve(method, sites, curve, sd)


def _orders(n: int, permutations: int | NDArray[np.integer], seed: int) -> NDArray[np.integer]:
    """Return orders of n sites."""
    if not isinstance(permutations, int):
        return np.asarray(permutations)
    rng = np.random.default_rng(seed)
    return np.array([rng.permutation(n) for _ in range(permutations)])


def _collected(table: NDArray[np.integer], orders: NDArray[np.integer]) -> Floats:
    """Return for each order the species among its first 1, 2, … sites."""
    seen = np.asarray(table > 0)
    return np.array([np.logical_or.accumulate(seen[order], axis=0).sum(axis=1) for order in orders], dtype=np.float64)


def _missed(found: Counts, n: int) -> Floats:
    """Return the chance that i of n sites hold none of a species of `found` sites: n rows, one column a species."""
    drawn, left = np.arange(1, n + 1)[:, None], n - found[None, :]
    possible = left >= drawn
    x = np.where(possible, left, drawn)
    logs = gammaln(x + 1) - gammaln(x - drawn + 1) - gammaln(n + 1) + gammaln(n - drawn + 1)
    return np.where(possible, np.exp(logs), 0.0)


def _sd_of_these(table: NDArray[np.integer], missed: Floats) -> Floats:
    """Return the spread between the orders of these sites, species correlated as they are."""
    if table.shape[1] > MOST_CORRELATIONS:
        return np.full(len(missed), np.nan)
    spread = np.sqrt(missed * (1 - missed))
    seen = (table > 0).astype(np.float64)
    centred = seen - seen.mean(axis=0)
    size = np.sqrt((centred**2).sum(axis=0))
    # A species of every site varies with none.
    scaled = np.divide(centred, size, out=np.zeros_like(centred), where=size > 0)
    correlated = scaled.T @ scaled
    np.fill_diagonal(correlated, 1.0)
    return np.asarray(np.sqrt(np.maximum(np.einsum("is,st,it->i", spread, correlated, spread, optimize=True), 0.0)))


def _sd_of_all(table: NDArray[np.integer], missed: Floats, curve: Floats) -> Floats:
    """Return the spread of drawing from all sites there are, of which the first jackknife tells the species."""
    if not table.shape[1]:  # sites at which nothing was found: there is no species, and no doubt about it
        return np.zeros(len(missed))
    every = richness.pool(table).jack1
    if not every:
        return np.zeros(len(missed))
    return np.asarray(np.sqrt(np.maximum(((1 - missed) ** 2).sum(axis=1) - curve**2 / every, 0.0)))


def _by_individuals(abundance: NDArray[np.integer], n: int) -> Curve:
    """Return the curve of drawing individuals, told at as many steps as there are sites."""
    total = int(abundance.sum())
    drawn = np.rint(np.linspace(total / n, total, n)).astype(np.int64)
    curve = np.array([richness.rarefy(abundance, int(size)) for size in drawn])
    return Curve(Method.RAREFACTION, drawn / total * n, curve[:, 0], curve[:, 1], drawn)
