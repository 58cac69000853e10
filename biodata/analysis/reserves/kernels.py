"""Compiled steps of the search for plans: fill up, take out what is not needed, anneal.

A choice of units is an int8 array; `got` is what it holds of each row. `need` is how much of a row is enough and `price`
what it costs to miss all of it, in proportion for a part; rows whose price is inf are hard: nothing is charged, and only
`fill_up` and `improve` look after them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from biodata.analysis.bucket_queue import Floats, Ints, Ints32, compiled

Int8s = NDArray[np.int8]


class Units(NamedTuple):
    """What units cost, which are paired and which rows they add to, as in compressed sparse rows.

    Attributes
    ----------
    linear : ndarray of float64, length n
    pair_start : ndarray of int32, length n + 1
    pair_unit, pair_weight : ndarrays of int32 and float64
        The units that one is paired with, and what the objective loses where both are in.
    row_start : ndarray of int32, length n + 1
    row_of, amount : ndarrays of int32 and float64
        The rows that a unit adds to, and how much.
    """

    linear: Floats
    pair_start: Ints32
    pair_unit: Ints32
    pair_weight: Floats
    row_start: Ints32
    row_of: Ints32
    amount: Floats


@compiled
def flip_cost(unit: int, chosen: Int8s, got: Floats, units: Units, need: Floats, price: Floats) -> float:
    """Return what the objective grows by where a unit is put in or taken out."""
    sign = 1 - 2 * chosen[unit]
    cost: float = units.linear[unit]
    for place in range(units.pair_start[unit], units.pair_start[unit + 1]):
        if chosen[units.pair_unit[place]]:
            cost -= units.pair_weight[place]
    cost *= sign
    for place in range(units.row_start[unit], units.row_start[unit + 1]):
        row = units.row_of[place]
        if price[row] < np.inf:
            short = need[row] - got[row]
            cost += price[row] * (max(0.0, short - sign * units.amount[place]) - max(0.0, short))
    return cost


@compiled
def _flip(unit: int, chosen: Int8s, got: Floats, units: Units) -> None:
    """Put a unit in or take it out."""
    sign = 1 - 2 * chosen[unit]
    chosen[unit] += sign
    for place in range(units.row_start[unit], units.row_start[unit + 1]):
        got[units.row_of[place]] += sign * units.amount[place]


@compiled
def fill_up(
    chosen: Int8s, got: Floats, units: Units, need: Floats, price: Floats, worth: Floats, candidates: Ints
) -> bool:
    """Add the unit that costs least for what it is worth until every hard row is met; False where none helps."""
    while True:
        unmet = False
        for row in range(got.size):
            if price[row] == np.inf and got[row] < need[row] - 1e-9:
                unmet = True
                break
        if not unmet:
            return True
        best, lowest = -1, np.inf
        for unit in candidates:
            if chosen[unit]:
                continue
            gain = 0.0
            for place in range(units.row_start[unit], units.row_start[unit + 1]):
                row = units.row_of[place]
                if price[row] == np.inf and got[row] < need[row] - 1e-9:
                    gain += worth[row] * min(units.amount[place], need[row] - got[row])
            if gain <= 0.0:
                continue
            cost = flip_cost(unit, chosen, got, units, need, price)
            rate = cost / gain if cost > 0 else cost
            if rate < lowest:
                best, lowest = unit, rate
        if best < 0:
            return False
        _flip(best, chosen, got, units)


@compiled
def improve(chosen: Int8s, got: Floats, units: Units, need: Floats, price: Floats, fixed: NDArray[np.bool_]) -> None:
    """Flip the unit that saves most, over and over, as long as no hard row is lost by it."""
    while True:
        best, lowest = -1, -1e-9
        for unit in range(chosen.size):
            if fixed[unit]:
                continue
            cost = flip_cost(unit, chosen, got, units, need, price)
            if cost >= lowest:
                continue
            keeps = True
            if chosen[unit]:
                for place in range(units.row_start[unit], units.row_start[unit + 1]):
                    row = units.row_of[place]
                    if price[row] == np.inf and got[row] - units.amount[place] < need[row] - 1e-9:
                        keeps = False
                        break
            if keeps:
                best, lowest = unit, cost
        if best < 0:
            return
        _flip(best, chosen, got, units)


@compiled
def anneal(
    chosen: Int8s,
    got: Floats,
    units: Units,
    need: Floats,
    price: Floats,
    candidates: Ints,
    steps: int,
    hot: float,
    cold: float,
    rng: np.random.Generator,
) -> None:
    """Flip units at random, taking what makes the objective worse ever more seldom (simulated annealing)."""
    temperature, cooling = hot, (cold / hot) ** (1.0 / steps)
    for _ in range(steps):
        temperature *= cooling
        unit = candidates[rng.integers(0, candidates.size)]
        cost = flip_cost(unit, chosen, got, units, need, price)
        if cost <= -temperature * np.log(rng.random()):
            _flip(unit, chosen, got, units)
