"""Functions of a table of resistance: points, how the line runs between them, and what it gives."""

import itertools
import math
import re
from dataclasses import dataclass
from typing import Final

import numpy as np

from biodata.analysis.grid import Floats

BARRIER: Final = "barrier"
_NUMBER: Final = r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?"
_POINT: Final = re.compile(rf"({_NUMBER})\s*:\s*(\S+)", re.IGNORECASE)
_STEEPEST: Final = 100.0


@dataclass(frozen=True, slots=True)
class Curve:
    """How a function runs between its points.

    Attributes
    ----------
    name : str
        `straight` or `exponential`, with its number.
    steepness : float
        0 for straight lines. c of the exponential: above 0 resistance falls steeply at first and stays near its lowest
        level; below 0 it stays near its highest and falls at last.
    """

    name: str
    steepness: float


STRAIGHT: Final = Curve("straight", 0.0)


def read_level(text: str, lowest: float, highest: float) -> float:
    """Read a resistance, a number or `barrier`; inf for a barrier.

    Raises
    ------
    ValueError
        What is wrong; and what would be right, behind `; `.
    """
    if text.lower() == BARRIER:
        return math.inf
    expected = f"a number from {lowest:g} to {highest:,.0f}, or barrier"
    try:
        value = float(text)
    except ValueError:
        message = f"the resistance is no number; {expected}"
        raise ValueError(message) from None
    if not lowest <= value <= highest:
        message = f"the resistance is out of range; {expected}"
        raise ValueError(message)
    return value


def read_points(text: str, lowest: float, highest: float) -> tuple[tuple[float, float], ...]:
    """Read the points of a function, as in `0:200 500:50 2000:1`.

    Parameters
    ----------
    text : str
        Pairs of what was measured and its resistance, a number or `barrier`.
    lowest, highest : float
        Resistances that there can be.

    Returns
    -------
    tuple of (float, float)
        Rising in what was measured; inf for a barrier.

    Raises
    ------
    ValueError
        What is wrong; and what would be right, behind `; `.
    """
    expected = "points in rising order, as in 0:200 500:50 2000:1"
    found = []
    for match in _POINT.finditer(text):
        found.append((float(match[1]), read_level(match[2].rstrip(";,"), lowest, highest)))
    if not found or _POINT.sub("", text).strip(" ;,"):
        message = f"these are no points of a function; {expected}"
        raise ValueError(message)
    if any(b[0] <= a[0] for a, b in itertools.pairwise(found)):
        message = f"the points do not rise; {expected}"
        raise ValueError(message)
    return tuple(found)


def read_curve(text: str, points: tuple[tuple[float, float], ...], *, of_class: bool) -> Curve:
    """Read how a function runs: `straight` (also where nothing is told), or `exponential` with a number.

    Parameters
    ----------
    text : str
        As in `exponential 4`.
    points : tuple of (float, float)
        An exponential runs between two, as of suitability `0:100 1:1`.
    of_class : bool
        A class has no curve.

    Returns
    -------
    Curve

    Raises
    ------
    ValueError
        What is wrong; and what would be right, behind `; `.

    Notes
    -----
    Resistance falls less than suitability rises, along R = 100 - 99 (1 - exp(-c h)) / (1 - exp(-c)) of suitability h:
    Trainor et al. 2013, https://doi.org/10.1007/s10980-013-9861-5; Keeley, Beier and Gagnon 2016,
    https://doi.org/10.1007/s10980-016-0387-5. R = 1000^-h brought to a range is the same with c = ln 1000 = 6.908.
    """
    words = text.lower().replace(":", " ").split()
    if not words or words == [STRAIGHT.name]:
        return STRAIGHT
    expected = "straight, or exponential and a number other than 0, as in exponential 4"
    try:
        name, number = words
        steepness = float(number)
    except ValueError:
        name, steepness = "", 0.0
    if name != "exponential" or not 0 < abs(steepness) <= _STEEPEST:
        message = f"there is no such curve; {expected}"
        raise ValueError(message)
    if of_class:
        message = "a class has no curve; none, or a function"
        raise ValueError(message)
    if len(points) != 2 or any(math.isinf(level) for _, level in points):
        message = "the curve runs between two points that have a resistance; two points, as in 0:100 1:1"
        raise ValueError(message)
    return Curve(f"exponential {steepness:g}", steepness)


def curve_at(measured: Floats, points: tuple[tuple[float, float], ...], curve: Curve = STRAIGHT) -> Floats:
    """Return the resistance of what was measured.

    Parameters
    ----------
    measured : ndarray of float64
        nan where it is not known.
    points : tuple of (float, float)
        As `read_points` returns them; beyond the first and the last the level stays.
    curve : Curve

    Returns
    -------
    ndarray of float64, as `measured`
        nan where it is not known, inf for a barrier: from its point on, up to the next one.
    """
    at, resistance = np.array(points).T
    if curve.steepness:
        share = np.clip((measured - at[0]) / (at[1] - at[0]), 0, 1)
        fallen = np.expm1(-curve.steepness * share) / math.expm1(-curve.steepness)
        return np.asarray(resistance[0] + (resistance[1] - resistance[0]) * fallen, dtype=np.float64)
    known = np.isfinite(resistance)
    made = np.interp(measured, at[known], resistance[known]) if known.any() else np.ones_like(measured)
    for index in np.flatnonzero(~known):
        upper = at[index + 1] if index + 1 < at.size else np.inf
        made = np.where((measured >= at[index]) & (measured < upper), np.inf, made)
    return np.where(np.isnan(measured), np.nan, made)
