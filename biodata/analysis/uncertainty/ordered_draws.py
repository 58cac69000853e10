"""Resistances drawn inside ranges so that the order of classes is kept, and the shape of the transform."""

import math

import numpy as np

from biodata.analysis.bucket_queue import compiled
from biodata.analysis.grid import Floats, Ints
from biodata.analysis.uncertainty.assumptions import Assumptions, ClassRange
from biodata.errors import InputError

_SWEEPS = 40
_RELAXATIONS = 6
"""Of the start exp(-6) is left, a quarter of a percent."""


def order_bounds(ranges: tuple[ClassRange, ...]) -> tuple[Floats, Floats]:
    """Return the ranges made narrower by the order: no class can lie below one that is stated to resist less.

    Raises
    ------
    InputError
        If the ranges of two classes leave no room for their order (RANGES_CROSS).
    """
    stated = np.array([one.resistance for one in ranges])
    low, high = np.array([one.low for one in ranges]), np.array([one.high for one in ranges])
    itself = np.eye(len(ranges), dtype=bool)
    lows = np.where((stated[:, None] > stated) | itself, low, 0).max(axis=1)
    highs = np.where((stated[:, None] < stated) | itself, high, np.inf).min(axis=1)
    crossed = np.flatnonzero(lows > highs)
    if crossed.size:
        one = ranges[int(crossed[0])]
        problem = f"the range of class {one.name or one.value} leaves no room for the order of the resistances"
        raise InputError(problem, value=f"{one.low:g} to {one.high:g}", code="RANGES_CROSS")
    return lows, highs


def draw(assumptions: Assumptions, rng: np.random.Generator) -> tuple[Floats, str, float]:
    """Draw the resistances of all classes, then bend them by a shape.

    Parameters
    ----------
    assumptions : Assumptions
    rng : numpy.random.Generator

    Returns
    -------
    resistance : ndarray of float64, (classes,)
        Inside their ranges and in their stated order.
    shape : str
        Which shape was drawn.
    strength : float
        Its bend or exponent; 0 for a line.
    """
    low, high = order_bounds(assumptions.ranges)
    values = _ordered(np.array([one.resistance for one in assumptions.ranges]), np.log(low), np.log(high), rng)
    shape = str(rng.choice(assumptions.shapes))
    if shape == "negative exponential":
        strength = float(rng.uniform(-assumptions.bend, assumptions.bend))
    elif shape == "power":
        strength = float(np.exp(rng.uniform(-1, 1) * math.log(assumptions.exponent)))
    else:
        strength = 0.0
    return np.clip(bent(values, shape, strength), low, high), shape, strength


def bent(resistance: Floats, shape: str, strength: float) -> Floats:
    """Bend how resistance rises from its lowest to its highest value; both stay, and so does the order.

    Parameters
    ----------
    resistance : ndarray of float64, (classes,)
    shape : str
        Of `assumptions.SHAPES`.
    strength : float
        c of (1 - exp(-c h)) / (1 - exp(-c)), or k of h^k, where h runs from 0 to 1.

    Returns
    -------
    ndarray of float64, (classes,)
    """
    low, high = resistance.min(), resistance.max()
    if high <= low:
        return resistance
    share = (resistance - low) / (high - low)
    if shape == "negative exponential" and abs(strength) > 1e-9:
        share = np.expm1(-strength * share) / math.expm1(-strength)
    elif shape == "power":
        share = share**strength
    risen: Floats = low + (high - low) * share
    return risen


def _ordered(stated: Floats, low: Floats, high: Floats, rng: np.random.Generator) -> Floats:
    """Draw logarithms uniformly inside their ranges among all vectors of the stated order (Gibbs sampling).

    Each sweep draws every class anew between the levels below and above it: Gelfand, Smith & Lee 1992,
    https://doi.org/10.1080/01621459.1992.10475235. Classes stated equal are one level and free of each other. What a sweep
    leaves of the start falls by cos²(pi / (levels + 1)) where all ranges are one, so sweeps grow with the square of levels.
    """
    levels, of = np.unique(stated, return_inverse=True)
    order = np.argsort(of.reshape(-1), kind="stable")
    level = of.reshape(-1)[order]
    starts = np.searchsorted(level, np.arange(levels.size))
    lowest, highest = low[order], high[order]
    found = np.empty(stated.size)
    if (np.maximum.reduceat(highest, starts)[:-1] <= np.minimum.reduceat(lowest, starts)[1:]).all():
        found[order] = rng.uniform(lowest, highest)  # no two levels overlap: plain draws keep the order
        return np.asarray(np.exp(found), dtype=np.float64)
    values = np.clip(np.log(stated[order]), lowest, highest)
    sweeps = _SWEEPS + math.ceil(_RELAXATIONS * ((levels.size + 1) / math.pi) ** 2)
    _swept(values, lowest, highest, level, np.append(starts, level.size), rng.random((sweeps, level.size)))
    found[order] = values
    return np.asarray(np.exp(found), dtype=np.float64)


@compiled
def _swept(values: Floats, lowest: Floats, highest: Floats, level: Ints, starts: Ints, chance: Floats) -> None:
    """Draw every value anew between the levels below and above it, once for each row of chances."""
    for sweep in range(chance.shape[0]):
        for k in range(values.size):
            at_least, at_most = lowest[k], highest[k]
            if level[k] > 0:
                for other in range(starts[level[k] - 1], starts[level[k]]):
                    at_least = max(at_least, values[other])
            if level[k] + 2 < starts.size:
                for other in range(starts[level[k] + 1], starts[level[k] + 2]):
                    at_most = min(at_most, values[other])
            values[k] = at_least + chance[sweep, k] * max(0.0, at_most - at_least)
