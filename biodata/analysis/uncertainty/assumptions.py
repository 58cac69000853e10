"""What is taken to be uncertain, and how far: everything that a frequency is a frequency under."""

import math
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np

from biodata.analysis.grid import Floats
from biodata.core.errors import InputError

SHAPES: Final = ("linear", "negative exponential", "power")


@dataclass(frozen=True, slots=True)
class ClassRange:
    """What the resistance of a class may be.

    Attributes
    ----------
    value : float
        The class, or of a raster of measured resistance the value that the range is stated at.
    name : str
    resistance, low, high : float
        The stated resistance and the ends of its range, all above 0.
    """

    value: float
    name: str
    resistance: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Assumptions:
    """All that is varied, and how.

    Attributes
    ----------
    ranges : tuple of ClassRange
        In rising order of the class's value. A class's error is one draw for all its cells; a class that is stated to
        resist more than another never resists less in any draw.
    between : bool
        True where the values are measured resistance: what lies between two of `ranges` is drawn with them, as a straight
        line of logarithms. False for classes.
    shapes : tuple of str
        Of `SHAPES`: how resistance rises between the lowest and the highest class, one of them in each draw.
    bend : float
        Most that the negative exponential is bent, either way: (1 - exp(-c h)) / (1 - exp(-c)), c from -bend to bend
        (Keeley et al. 2016, https://doi.org/10.1007/s10980-016-0387-5, for one sign).
    exponent : float
        Highest exponent of the power h^k; the lowest is 1 / exponent.
    cut_fraction : (low, high)
    dispersal_cost : (low, high), optional
        Cost-metres; a link functions where it costs no more. Without it every link that has a way functions.
    """

    ranges: tuple[ClassRange, ...]
    between: bool = False
    shapes: tuple[str, ...] = SHAPES
    bend: float = 3.0
    exponent: float = 2.0
    cut_fraction: tuple[float, float] = (0.05, 0.2)
    dispersal_cost: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        if unknown := [shape for shape in self.shapes if shape not in SHAPES]:
            problem = "there is no such shape"
            raise InputError(problem, value=unknown[0], expected=", ".join(SHAPES), code="SHAPE_UNKNOWN")
        spans = [self.cut_fraction, *([self.dispersal_cost] if self.dispersal_cost else [])]
        if not all(0 <= low <= high < math.inf for low, high in spans):
            problem = "the assumptions cannot be used"
            raise InputError(problem, expected="0 <= low <= high of cut and cost", code="ASSUMPTIONS_INVALID")

    def to_dict(self) -> dict[str, Any]:
        """Return the assumptions as plain values for JSON."""
        return asdict(self)

    def lines(self) -> list[str]:
        """Return the assumptions as lines for a person."""
        found = [
            f"resistance of {one.name or f'{one.value:g}'}: {one.low:g} to {one.high:g} around {one.resistance:g}"
            for one in self.ranges
        ]
        found += [
            "a class's error is one draw for all its cells, and the order of classes is kept",
            f"shape of the transform: {', '.join(self.shapes)} (bend to {self.bend:g}, exponent to {self.exponent:g})",
            f"cut: {self.cut_fraction[0]:g} to {self.cut_fraction[1]:g} of the "
            f"{'median least' if self.dispersal_cost is None else 'dispersal'} cost, the same for every link",
            "dispersal cost: no limit, every link that has a way functions"
            if self.dispersal_cost is None
            else f"dispersal cost: {self.dispersal_cost[0]:,.0f} to {self.dispersal_cost[1]:,.0f} cost-metres",
            "points are moved inside their stated uncertainty",
            "every value inside a range is as likely as its logarithm's width; errors of different kinds are independent",
        ]
        return found


def around(
    values: Floats, *, factor: float, classes: int = 10, most_classes: int = 32
) -> tuple[tuple[ClassRange, ...], bool]:
    """Return ranges of the same factor up and down around a raster's own resistances.

    Parameters
    ----------
    values : ndarray of float64
        The raster; nan where there is no data.
    factor : float
        From resistance / factor to resistance x factor; 1 or more.
    classes : int
        Where there are more than `most_classes` values they are taken as measured, and ranges are stated at so many of
        them that lie evenly from the lowest to the highest on the scale of logarithms.
    most_classes : int

    Returns
    -------
    ranges : tuple of ClassRange
    between : bool
        As in `Assumptions`.
    """
    known = np.unique(values[np.isfinite(values)])
    between = known.size > most_classes
    stated = np.geomspace(known[0], known[-1], classes) if between else known
    ranges = (ClassRange(float(one), "", float(one), float(one / factor), float(one * factor)) for one in stated)
    return tuple(ranges), between


# Measured on one thread (the Sabah raster of CoLa, 123,000 cells, 50 points): a search settles 15 million cells a second,
# and a pair's corridor reads and adds 100 million.
