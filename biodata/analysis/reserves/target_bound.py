"""A bound on what any plan can reach: rows are priced (Lagrange), and the prices raised by a bundle method.

For given prices the best choice of units is a minimum cut, which takes milliseconds where the linear program with its two
rows a pair takes minutes. The highest bound over all prices equals that program's, since the cut is integral.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from biodata.analysis.reserves.clock import Clock
from biodata.analysis.reserves.min_cut import MinimumCut
from biodata.analysis.reserves.model import Model
from biodata.analysis.reserves.targets import Floats

_MOST_CUTS: Final = 60
"""Choices kept in the bundle; the least used are merged into one."""


@dataclass(frozen=True, eq=False)
class Bound:
    """The bound and what led to it.

    Attributes
    ----------
    value : float
        No plan has a lower objective.
    prices : ndarray of float64, length r
        Of missing all of each row.
    share : ndarray of float64, length n
        How much of each unit the relaxed problem takes, 0-1: the mean of the choices at the last prices.
    steps : int
    """

    value: float
    prices: Floats
    share: Floats
    steps: int


def raise_bound(model: Model, *, clock: Clock, accuracy: float = 5e-5, most_steps: int = 800) -> Bound:
    """Return the highest bound that is found.

    Parameters
    ----------
    model : Model
        One that `covers`: no limit, no slack that rows share.
    clock : Clock
        Stops it.
    accuracy : float
        Stop where the bundle promises less than this share of the bound.
    most_steps : int

    Notes
    -----
    A proximal bundle method (Kiwiel 1990, https://doi.org/10.1007/BF01585731): each step goes to where the cutting planes
    so far, minus the squared distance from the best prices, are highest; a row's prices stay between 0 and what its
    slack costs.
    """
    r = model.rows.shape[0]
    transposed, cut = model.rows.T.tocsr(), MinimumCut(model)
    ceiling = model.price()

    def ask(prices: Floats) -> tuple[float, Floats, Floats]:
        value, chosen = cut.cheapest(model.linear - transposed @ prices)
        units = chosen.astype(np.float64)
        return value + float(prices.sum()) + model.constant, 1 - model.rows @ units, units

    prices = np.zeros(r)
    best, slope, units = ask(prices)
    if not r:
        return Bound(best, prices, units, 0)
    slopes, constants, choices = [slope], [best - float(slope @ prices)], [units]
    weights = np.ones(1)
    reach = _first_reach(model, slope)
    steps = 0
    while steps < most_steps:
        steps += 1
        planes, offsets = np.array(slopes), np.array(constants)
        errors = np.maximum(offsets + planes @ prices - best, 0)
        weights = _simplex_weights(planes, errors, prices, ceiling, reach, weights)
        direction = planes.T @ weights
        tried = np.clip(prices + reach * direction, 0, ceiling)
        promised = float((offsets + planes @ tried) @ weights) - best
        value, slope, units = ask(tried)
        if len(slopes) >= _MOST_CUTS:
            kept = np.argsort(-weights)[: _MOST_CUTS - 2]
            mean = np.tensordot(weights, np.array(choices), axes=1)
            slopes = [*(slopes[i] for i in kept), direction]
            constants = [*(constants[i] for i in kept), float(offsets @ weights)]
            choices = [*(choices[i] for i in kept), mean]
            weights = np.append(np.zeros(len(kept)), 1.0)
        slopes.append(slope)
        constants.append(value - float(slope @ tried))
        choices.append(units)
        weights = np.append(weights, 0.0)
        gain = value - best
        if gain > 0.1 * promised:
            prices, best = tried, value
            reach *= 1.5 if gain > 0.5 * promised else 1.0
        elif -gain > promised:
            reach *= 0.7
        if promised < accuracy * abs(best) or clock.over():
            break
    share: Floats = np.clip(np.tensordot(weights, np.array(choices), axes=1), 0, 1)
    return Bound(best, prices, share, steps)


def _first_reach(model: Model, slope: Floats) -> float:
    """Return a first step length: prices of the size of the cost that a row would have if all shared it."""
    typical: float = 0.2 * float(np.abs(model.linear).sum()) / max(model.rows.shape[0], 1)
    return typical / max(float(np.linalg.norm(slope)), 1e-9) + 1e-12


def _simplex_weights(
    planes: Floats, errors: Floats, prices: Floats, ceiling: Floats, reach: float, weights: Floats, *, rounds: int = 300
) -> Floats:
    """Return the weights of the planes that give the next direction: the dual of the bundle's quadratic program.

    Accelerated projected gradients; exactness is not needed, since every step's bound is computed anew.
    """
    steepness = reach * float(np.linalg.norm(planes @ planes.T, 2)) + 1e-12
    current, looked, momentum = weights.copy(), weights.copy(), 1.0
    for _ in range(rounds):
        moved = np.clip(prices + reach * (planes.T @ looked), 0, ceiling) - prices
        gradient = planes @ moved + errors
        following = _onto_simplex(looked - gradient / steepness)
        grown = (1 + np.sqrt(1 + 4 * momentum * momentum)) / 2
        if (following - current) @ gradient > 0:
            grown = 1.0
        looked = following + (momentum - 1) / grown * (following - current)
        change = float(np.abs(following - current).max())
        current, momentum = following, grown
        if change < 1e-9:
            break
    return current


def _onto_simplex(values: Floats) -> Floats:
    """Return the nearest weights that are not negative and add up to 1."""
    falling = np.sort(values)[::-1]
    excess = np.cumsum(falling) - 1
    last = int(np.flatnonzero(falling > excess / np.arange(1, len(values) + 1))[-1])
    nearest: Floats = np.maximum(values - excess[last] / (last + 1), 0)
    return nearest
