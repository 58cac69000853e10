"""How much there must be before a number is told: below these floors what was counted is said in words, and no more.

A number with an interval is taken for knowledge of the area. Of one camera, of three events or of two years it is none, however
wide its interval: between-site spread cannot be known from so few sites, and a share of so few events is nearly anything.
"""

from typing import Any, Final

from biodata.analysis.surveys.abundance import Rate
from biodata.analysis.surveys.activity import Hours
from biodata.analysis.surveys.occupancy import Occupancy
from biodata.analysis.surveys.richness import Pool
from biodata.analysis.surveys.trends import Trend

LEAST_SITES: Final = 5
"""Sites below which no rate, occupancy, completeness or change is told.

The spread between sites, by which intervals are widened, is itself estimated from the sites. In simulations of counts that differ
between sites as a gamma of shape 1 or 0.5, 95 % limits of rates held the truth in 75-86 % at two to four sites. Small samples depart
from what large ones promise in occupancy, too: Guillera-Arroita et al. 2010, https://doi.org/10.1111/j.2041-210X.2010.00017.x.
"""
FEW_SITES: Final = 60
"""Sites below which occupancy is told with a warning of bias; McKann et al. 2013, https://doi.org/10.1002/jwmg.433."""
LEAST_EVENTS: Final = 10
"""Events below which no share of the night is told: the exact 95 % interval of a half spans more than 60 of 100 points."""
CURVE_EVENTS: Final = 100
"""Events that a curve of activity needs; Lashley et al. 2018, https://doi.org/10.1038/s41598-018-22638-6."""
LONG_YEARS: Final = 10
"""Years that most series of vertebrates need to show a change: 72 % of 822 in White 2019, https://doi.org/10.1093/biosci/biy144."""

SMALL: Final = f"fewer than {FEW_SITES} sites: the estimate may be off, trust the interval"
SHORT: Final = f"fewer than {LONG_YEARS} years: few changes show so soon, so it is no sign that there is none"


def too_few(n: int, unit: str = "site") -> str | None:
    """Return why nothing is told of so many sites, or cells; None where it may be.

    Parameters
    ----------
    n : int
        With effort.
    unit : str
        What they are: `site`, `cell`.
    """
    return f"fewer than {LEAST_SITES} {unit}s" if n < LEAST_SITES else None


def rate(found: Rate | str) -> dict[str, Any]:
    """Return a rate as plain values, or what was counted where there is too little for one."""
    if isinstance(found, str):
        return {"refused": found}
    few = too_few(found.sites)
    if few is None:
        return found.told()
    numbers = {"events": found.events, "effort": found.effort, "unit": found.unit, "sites": found.sites}
    seen = f"{counted(found.events, 'event')} in {counted(found.effort, found.unit)} at {counted(found.sites, 'site')}"
    return {"refused": f"{few}: {seen}", **numbers}


def share_of_sites(found: Occupancy) -> dict[str, Any]:
    """Return occupancy as plain values, or at how many sites it was found where these are too few.

    Of fewer than `FEW_SITES` a note says that the estimate may be off.
    """
    few = too_few(found.sites)
    if few is None:
        told = found.told()
        small = [SMALL] if found.sites < FEW_SITES and found.psi is not None else []
        return {**told, "notes": [*told["notes"], *small]}
    numbers = {"sites": found.sites, "found_at": found.found_at, "visits": found.visits}
    span = f"{100 * found.naive_low:.0f} to {100 * found.naive_high:.0f} % at 95 %"
    return {"refused": f"{few}: found at {found.found_at} of {found.sites} ({span})", **numbers}


def change(found: Trend | str) -> dict[str, Any]:
    """Return a trend as plain values, or what was counted where there is too little for one.

    Of fewer than `LONG_YEARS` years a note says so.
    """
    if isinstance(found, str):
        return {"refused": found}
    few = too_few(found.sites)
    if few is None:
        return {**found.told(), "notes": [SHORT] if found.repeats < LONG_YEARS else []}
    numbers = {"events": found.events, "sites": found.sites, "repeats": found.repeats}
    seen = f"{counted(found.events, 'event')} at {counted(found.sites, 'site')} in {found.repeats} years"
    return {"refused": f"{few}: {seen}", **numbers}


def night(found: Hours) -> dict[str, Any]:
    """Return hours as plain values; of too few events no share of the night."""
    told = found.told()
    return {**told, "night": None, "night_low": 0.0, "night_high": 1.0} if found.events < LEAST_EVENTS else told


def every_species(found: Pool, unit: str = "site") -> dict[str, Any]:
    """Return estimates of all species there are, or what was found where there is too little for one."""
    few = too_few(found.sites, unit) or (None if found.species else "nothing was found")
    return {"sites": found.sites, "species": found.species, "refused": few} if few else found.told()


def counted(number: float, unit: str) -> str:
    """Return a number and what it counts in words; signs such as km have no plural."""
    return f"{number:g} {unit}{'s' if number != 1 and unit.isascii() and len(unit) > 2 else ''}"
