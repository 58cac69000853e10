"""What a survey would settle: the chance of missing what is there, under stated assumptions.

Every station is taken to stand in ground of its own, nights to be alike and independent, and a cell's animals not to move
away. A frequency found so is one under these assumptions and no more.

MacKenzie & Royle 2005, https://doi.org/10.1111/j.1365-2664.2005.01098.x: (1 - p)^n is the chance to miss a species in n
visits to a site that it occupies.
"""

import math
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from biodata.errors import InputError

FACTOR: Final = 3
"""How far a chance that nobody measured may be off, either way, where its range is not told."""
ASSUMED: Final = "assumed, not measured: give the value of a study of this species in this region"


@dataclass(frozen=True, slots=True)
class Detection:
    """How easily a species is detected.

    Attributes
    ----------
    per_night : float
        Chance to detect the species in one night (or one walk) at a station whose cell it uses.
    source : str
        Where that comes from.
    miss : float
        Chance of missing it that a survey should stay below.
    low, high : float, optional
        The least and the greatest chance that may be true; a third of `per_night`, and that of three nights in one, where none
        is told.
    """

    per_night: float = 0.03
    source: str = ASSUMED
    miss: float = 0.05
    low: float | None = None
    high: float | None = None

    def __post_init__(self) -> None:
        for name in ("per_night", "miss", "low", "high"):
            value = getattr(self, name)
            if value is not None and not 0 < value < 1:
                problem = f"{name} must lie between 0 and 1"
                raise InputError(problem, column=name, value=str(getattr(self, name)), code="PARAMETERS_INVALID")
        low, high = self.range
        if not low <= self.per_night <= high:
            problem = "the chance to detect the species lies outside its own range"
            told, expected = f"{self.per_night:g}", f"{low:g} to {high:g}"
            raise InputError(problem, column="per_night", value=told, expected=expected, code="PARAMETERS_INVALID")
        if not self.source.strip():
            problem = "a detection probability needs its source"
            raise InputError(problem, column="source", expected=ASSUMED, code="PARAMETERS_INVALID")

    @property
    def range(self) -> tuple[float, float]:
        """The least and the greatest chance that may be true."""
        low = self.per_night / FACTOR if self.low is None else self.low
        high = 1 - (1 - self.per_night) ** FACTOR if self.high is None else self.high
        return low, high

    def told(self) -> dict[str, Any]:
        """Return the parameters as plain values."""
        low, high = self.range
        assumed = self.low is None or self.high is None
        how = f"assumed: a third of the chance, and that of {FACTOR} nights" if assumed else "told"
        return asdict(self) | {"low": low, "high": high, "range": how}

    def cases(self) -> dict[str, "Detection"]:
        """Return the low, middle and high chance, each as a detection of its own."""
        low, high = self.range
        return {
            name: replace(self, per_night=chance, low=chance, high=chance)
            for name, chance in (("low", low), ("middle", self.per_night), ("high", high))
        }


def nights_needed(detection: Detection) -> int:
    """Return the nights at one station after which a species that uses its cell is missed less often than `miss`."""
    nights = math.floor(math.log(detection.miss) / math.log1p(-detection.per_night)) + 1
    # Below the limit, not at it; and no night too many where rounding went the other way.
    return max(nights - 1, 1) if (1 - detection.per_night) ** (nights - 1) < detection.miss else nights


def missed(detection: Detection, nights: int) -> float:
    """Return the chance to miss a species in so many nights at a station whose cell it uses."""
    return float((1 - detection.per_night) ** nights)


def smallest_use(detection: Detection, stations: int, nights: int) -> float | None:
    """Return the smallest share of cells that a species must use for a side's survey to find it, missing below `miss`.

    Parameters
    ----------
    detection : Detection
    stations : int
        Stations on that side, in cells chosen regardless of where the species is.
    nights : int
        Nights of each.

    Returns
    -------
    float, optional
        None where even a species that uses every cell would be missed more often.

    Notes
    -----
    Each station finds it with the chance s (1 - m), where s is the share of cells used and m the chance to miss it where
    it is; all miss it with (1 - s (1 - m))^n.
    """
    if stations < 1 or nights < 1:
        return None
    share = float((1 - detection.miss ** (1 / stations)) / (1 - missed(detection, nights)))
    return share if share <= 1 else None
