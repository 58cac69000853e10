"""Richness of sides at an equal completeness, or why they are not compared.

More effort finds more species, so numbers found are never set beside each other as they are. They are brought to the same
coverage, the share of all incidences that belongs to species that were found (Chao & Jost 2012,
https://doi.org/10.1890/11-1952.1); a side whose sample is too small for that is refused. Intervals are those of samples drawn
from an estimated community, unseen species among them (Chao et al. 2014, https://doi.org/10.1890/13-0133.1, appendix G).
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from biodata.analysis.species.richness import Sample

LEAST_SITES: Final = 5
DRAWS: Final = 100


@dataclass(frozen=True, slots=True)
class Standardised:
    """Richness of one side at the common coverage.

    Attributes
    ----------
    sites, species : int
        Units looked at, species found.
    coverage : float
        Of these sites.
    units : float
        How many sites have the common coverage; more than `sites` is an extrapolation.
    richness, low, high : float
        Species at the common coverage and the 95 % interval, of other samples of so many sites.
    """

    sites: int
    species: int
    coverage: float
    units: float
    richness: float
    low: float
    high: float

    def told(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def at_equal_coverage(
    tables: Mapping[str, NDArray[np.integer]], *, seed: int = 1, confidence: float = 0.95
) -> dict[str, Any]:
    """Return the richness of sides at their common coverage.

    Parameters
    ----------
    tables : mapping of side to ndarray of int, n sites x m species
        Above 0 where a species was found.
    seed : int
        Of the samples drawn for the intervals.
    confidence : float

    Returns
    -------
    dict
        `coverage`, the smallest that twice the sample of any side would have, and `sides`; or `refused`, why not. `overlap` tells
        whether any two intervals overlap.
    """
    samples = {side: _sample(table) for side, table in tables.items()}
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
    told = {}
    rng = np.random.default_rng(seed)
    wide = float(stats.norm.ppf((1 + confidence) / 2))
    for side, sample in samples.items():
        units = sample.units_for(common) or 2.0 * sample.units
        richness = sample.species_at(units)
        half = wide * float(np.std(_drawn(sample, common, rng), ddof=1))
        told[side] = Standardised(
            sample.units, len(sample.counts), sample.coverage(), units, richness, max(richness - half, 0.0), richness + half
        )  # fmt: skip
    ends = [(one.low, one.high) for one in told.values()]
    overlap = any(a[0] <= b[1] and b[0] <= a[1] for place, a in enumerate(ends) for b in ends[place + 1 :])
    return {"coverage": common, "sides": {side: one.told() for side, one in told.items()}, "overlap": overlap}


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


def _sample(table: NDArray[np.integer]) -> Sample:
    """Return sites as units in which species were found."""
    seen = np.asarray(table) > 0
    return Sample.of_visits(seen.sum(axis=0), len(seen))
