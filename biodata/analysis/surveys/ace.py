"""The abundance-based coverage estimator of richness and its errors: vegan's, and that of the delta method."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from biodata.geo import Floats

RARE: Final = 10
"""Individuals of a species up to which it is rare."""


def ace_of(known: NDArray[np.integer], of: Floats) -> tuple[float, float, float]:
    """Return the ACE, its standard error as vegan has it, and that of the delta method.

    Both are of the numbers of species of 1, 2, … 10 individuals.
    """
    sizes = np.arange(1, RARE + 1, dtype=np.float64)
    common = int((known > RARE).sum())
    once, rare_species, rare = of[0], of.sum(), float((sizes * of).sum())
    if rare_species and rare in (once, 1.0):
        return float("nan"), float("nan"), float("nan")
    if not rare_species:
        return float(common), 0.0, 0.0
    spread = float((sizes * (sizes - 1) * of).sum())
    cover = 1 - once / rare
    variation = max(rare_species * spread / (cover * rare * (rare - 1)) - 1, 0.0)
    ace = common + rare_species / cover + once / cover * variation
    cover_by = once * sizes / rare**2
    cover_by[0] -= 1 / rare
    slope = _slope(of, cover, cover_by, bounded=True)
    # vegan's cover is 1 - once / (1 - rare), and its variation may lie below 0.
    other_by = -once * sizes / (1 - rare) ** 2
    other_by[0] -= 1 / (1 - rare)
    other = _slope(of, 1 - once / (1 - rare), other_by, bounded=False)
    vegan = root(float(other**2 @ of - (other @ of) ** 2 / ace))
    return float(ace), vegan, delta(slope, of, common, ace)


def _slope(of: Floats, cover: float, cover_by: Floats, *, bounded: bool) -> Floats:
    """Return the derivatives of rare species / cover + once / cover x variation by each of the ten numbers.

    `cover_by` has those of the cover. Where `bounded`, a variation below 0 is 0.
    """
    sizes = np.arange(1, RARE + 1, dtype=np.float64)
    once, species, rare = of[0], of.sum(), float((sizes * of).sum())
    spread = float((sizes * (sizes - 1) * of).sum())
    below = cover * rare * (rare - 1)
    below_by = cover_by * rare * (rare - 1) + cover * sizes * (2 * rare - 1)
    variation = species * spread / below - 1
    variation_by = (spread + species * sizes * (sizes - 1)) / below - species * spread * below_by / below**2
    if bounded and variation <= 0:
        variation, variation_by = 0.0, np.zeros_like(sizes)
    slope = 1 / cover - species * cover_by / cover**2 + once / cover * variation_by
    slope -= once * variation * cover_by / cover**2
    slope[0] += variation / cover
    return np.asarray(slope)


def delta(slope: Floats, of: Floats, common: float, estimate: float) -> float:
    """Return the standard error of an estimate by the delta method, of numbers of species that share a multinomial.

    `slope` has the derivatives by the numbers of species of 1, 2, … 10 individuals; that by the number of more is 1.
    """
    if not estimate:
        return 0.0
    return root(float(slope**2 @ of + common - (slope @ of + common) ** 2 / estimate))


def root(variance: float) -> float:
    """Return a standard error; rounding may leave a variance a little below 0."""
    return float(np.sqrt(max(variance, 0.0)))
