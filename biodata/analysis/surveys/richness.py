"""How many species there are, those that were missed included; how many so many sites hold; and sides at an equal completeness.

Names and results are those of `specaccum` and `specpool` of R's vegan. Estimates are lower bounds in practice: they extrapolate
from the species that were found once or twice.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.special import gammaln

from biodata.analysis.species.richness import Sample
from biodata.geo import Floats

LEAST_SITES: Final = 5
DRAWS: Final = 100
_WIDE: Final = float(stats.norm.ppf(0.975))


@dataclass(frozen=True, slots=True)
class Pool:
    """Species of all sites there are, estimated from in how many sites each was found.

    Chao2 with the small-sample correction (Chiu et al. 2014, https://doi.org/10.1111/biom.12200), first and second jackknife and
    bootstrap (Smith & van Belle 1984, https://doi.org/10.2307/2530750), with standard errors.
    """

    sites: int
    species: int
    chao: float
    chao_se: float
    jack1: float
    jack1_se: float
    jack2: float
    boot: float
    boot_se: float


def pool(counts: NDArray[np.integer]) -> Pool:
    """Return the estimates of a table of sites x species, above 0 where one was found; of no species all are 0, errors nan."""
    seen = np.asarray(counts) > 0
    n, found = len(seen), seen.sum(axis=0)
    seen, found = seen[:, found > 0], found[found > 0]
    species = len(found)
    if not species:
        nan = float("nan")
        return Pool(n, 0, 0.0, nan, 0.0, nan, 0.0, 0.0, nan)
    once, twice = int((found == 1).sum()), int((found == 2).sum())
    small = (n - 1) / n
    if twice:
        ratio = once / twice
        chao = species + small * once**2 / (2 * twice)
        chao_variance = twice * (small / 2 * ratio**2 + small**2 * ratio**3 + small**2 / 4 * ratio**4)
    else:
        pairs = once * (once - 1) / 2
        chao = species + small * pairs
        chao_variance = small * (small * (once * (2 * once - 1) ** 2 / 4 - once**4 / (4 * chao)) + pairs)
    jack2 = species + once * (2 * n - 3) / n - twice * (n - 2) ** 2 / n / (n - 1) if n > 1 else species
    alone = seen[:, found == 1].sum(axis=1)  # how many species each site alone has
    jack1_variance = (float((alone**2).sum()) - once / n) * small if once else 0.0
    missed, away = (1 - found / n) ** n, (~seen).astype(np.float64)
    together = (away.T @ away / n) ** n - np.outer(missed, missed)
    boot_variance = float((missed * (1 - missed)).sum()) + float(together.sum() - np.trace(together))
    return Pool(
        n, species, chao, _root(chao_variance), species + once * small, _root(jack1_variance), float(jack2),
        species + float(missed.sum()), _root(boot_variance),
    )  # fmt: skip


def _root(variance: float) -> float:
    return float(np.sqrt(max(variance, 0.0)))


@dataclass(frozen=True, slots=True)
class Curve:
    """How many species 1, 2, … sites hold, and the standard deviation of drawing other sites."""

    sites: Floats
    richness: Floats
    sd: Floats

    def limits(self) -> tuple[Floats, Floats]:
        """Return the lower and upper 95 % limits, normal, none below 0."""
        return np.maximum(self.richness - _WIDE * self.sd, 0.0), self.richness + _WIDE * self.sd


def accumulation(counts: NDArray[np.integer]) -> Curve:
    """Return the accumulation curve of a table of sites x species: the mean of all orders.

    Ugland et al. 2003, https://doi.org/10.1046/j.1365-2656.2003.00748.x; spread Colwell et al. 2004,
    https://doi.org/10.1890/03-0557, with the species that the first jackknife estimates.
    """
    table = np.asarray(counts)
    n, found = len(table), (table > 0).sum(axis=0)
    drawn, left = np.arange(1, n + 1)[:, None], n - found[found > 0][None, :]
    # The chance that so many sites hold none of a species.
    possible = left >= drawn
    x = np.where(possible, left, drawn)
    logs = gammaln(x + 1) - gammaln(x - drawn + 1) - gammaln(n + 1) + gammaln(n - drawn + 1)
    held = 1 - np.where(possible, np.exp(logs), 0.0)
    curve, every = held.sum(axis=1), pool(table).jack1
    spread = (held**2).sum(axis=1) - curve**2 / (every or 1.0)  # where nothing was found there is no doubt about it
    return Curve(drawn[:, 0].astype(np.float64), curve, np.sqrt(np.maximum(spread, 0.0)))


def at_equal_coverage(tables: Mapping[str, NDArray[np.integer]], *, seed: int = 1) -> dict[str, Any]:
    """Return the richness of sides (tables of sites x species) at an equal completeness, or why they are not compared.

    `coverage` is the smallest that twice the sample of any side would have (Chao & Jost 2012, https://doi.org/10.1890/11-1952.1).
    Intervals are those of samples drawn, by `seed`, from an estimated community, unseen species among them (Chao et al. 2014,
    https://doi.org/10.1890/13-0133.1, appendix G).
    """
    samples = {side: Sample.of_visits((table > 0).sum(axis=0), len(table)) for side, table in tables.items()}
    if len(samples) < 2:
        return {"refused": "there is only one side"}
    for side, sample in samples.items():
        if sample.units < LEAST_SITES:
            return {"refused": f"{side} has {sample.units} sites, and fewer than {LEAST_SITES} tell no completeness"}
        if not len(sample.counts):
            return {"refused": f"nothing was found in {side}"}
    common = min(sample.coverage(2.0 * sample.units) for sample in samples.values())
    if common <= 0:
        return {"refused": "on one side every species was found once: its completeness cannot be told"}
    told: dict[str, dict[str, Any]] = {}
    rng = np.random.default_rng(seed)
    for side, sample in samples.items():
        units = sample.units_for(common) or 2.0 * sample.units
        richness = sample.species_at(units)
        half = _WIDE * float(np.std(_drawn(sample, common, rng), ddof=1))
        told[side] = {
            "sites": sample.units, "species": len(sample.counts), "coverage": sample.coverage(), "units": units,
            "richness": richness, "low": max(richness - half, 0.0), "high": richness + half,
        }  # fmt: skip
    overlap = any(a["low"] <= b["high"] and b["low"] <= a["high"] for a, b in combinations(told.values(), 2))
    return {"coverage": common, "sides": told, "overlap": overlap}


def _drawn(sample: Sample, common: float, rng: np.random.Generator) -> list[float]:
    """Return the species at a coverage of samples drawn from the community that a sample tells of."""
    n, share = sample.units, sample.counts / sample.units
    lacking = (1 - sample.coverage()) * share.sum()
    missed = share * (1 - share) ** n
    known = share * (1 - lacking / missed.sum() * (1 - share) ** n) if missed.sum() > 0 else share
    unseen = int(np.ceil(sample.unseen))
    chance = np.concatenate([known, np.full(unseen, min(lacking / unseen, 1.0) if unseen else 0.0)])
    found = []
    for _ in range(DRAWS):
        other = Sample.of_visits(rng.binomial(n, chance), n)
        found.append(other.species_at(other.units_for(common) or 2.0 * n) if len(other.counts) else 0.0)
    return found
