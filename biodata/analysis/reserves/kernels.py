"""Compiled steps of the search for plans: fill up, take out what is not needed, anneal.

A choice of units is an int8 array; `got` is what it holds of each row (1 is enough). Rows with a finite `price` may be
missed at that price; the others are hard. The pairs of a unit are `pair_start`, `pair_unit`, `pair_weight`, its rows
`row_start`, `row_of`, `amount`, both as in compressed sparse rows.
"""

import numpy as np
from numpy.typing import NDArray

from biodata.analysis.bucket_queue import Floats, Ints, Ints32, compiled

Int8s = NDArray[np.int8]


@compiled
def flip_cost(
    unit: int,
    chosen: Int8s,
    got: Floats,
    linear: Floats,
    pair_start: Ints32,
    pair_unit: Ints32,
    pair_weight: Floats,
    row_start: Ints32,
    row_of: Ints32,
    amount: Floats,
    price: Floats,
) -> float:
    """Return what the objective grows by where a unit is put in or taken out."""
    sign = 1 - 2 * chosen[unit]
    cost: float = linear[unit]
    for place in range(pair_start[unit], pair_start[unit + 1]):
        if chosen[pair_unit[place]]:
            cost -= pair_weight[place]
    cost *= sign
    for place in range(row_start[unit], row_start[unit + 1]):
        row = row_of[place]
        if price[row] < np.inf:
            cost += price[row] * (max(0.0, 1 - got[row] - sign * amount[place]) - max(0.0, 1 - got[row]))
    return cost


@compiled
def _flip(unit: int, chosen: Int8s, got: Floats, row_start: Ints32, row_of: Ints32, amount: Floats) -> None:
    """Put a unit in or take it out."""
    sign = 1 - 2 * chosen[unit]
    chosen[unit] += sign
    for place in range(row_start[unit], row_start[unit + 1]):
        got[row_of[place]] += sign * amount[place]


@compiled
def fill_up(
    chosen: Int8s,
    got: Floats,
    linear: Floats,
    pair_start: Ints32,
    pair_unit: Ints32,
    pair_weight: Floats,
    row_start: Ints32,
    row_of: Ints32,
    amount: Floats,
    price: Floats,
    worth: Floats,
    candidates: Ints,
) -> bool:
    """Add the unit that costs least for what it is worth until every hard row is met; False where none helps."""
    while True:
        unmet = False
        for row in range(got.size):
            if price[row] == np.inf and got[row] < 1 - 1e-9:
                unmet = True
                break
        if not unmet:
            return True
        best, lowest = -1, np.inf
        for unit in candidates:
            if chosen[unit]:
                continue
            gain = 0.0
            for place in range(row_start[unit], row_start[unit + 1]):
                row = row_of[place]
                if price[row] == np.inf and got[row] < 1 - 1e-9:
                    gain += worth[row] * min(amount[place], 1 - got[row])
            if gain <= 0.0:
                continue
            cost = flip_cost(
                unit, chosen, got, linear, pair_start, pair_unit, pair_weight, row_start, row_of, amount, price
            )
            rate = cost / gain if cost > 0 else cost
            if rate < lowest:
                best, lowest = unit, rate
        if best < 0:
            return False
        _flip(best, chosen, got, row_start, row_of, amount)


@compiled
def improve(
    chosen: Int8s,
    got: Floats,
    linear: Floats,
    pair_start: Ints32,
    pair_unit: Ints32,
    pair_weight: Floats,
    row_start: Ints32,
    row_of: Ints32,
    amount: Floats,
    price: Floats,
    fixed: NDArray[np.bool_],
) -> None:
    """Flip the unit that saves most, over and over, as long as no hard row is lost by it."""
    while True:
        best, lowest = -1, -1e-9
        for unit in range(chosen.size):
            if fixed[unit]:
                continue
            cost = flip_cost(
                unit, chosen, got, linear, pair_start, pair_unit, pair_weight, row_start, row_of, amount, price
            )
            if cost >= lowest:
                continue
            keeps = True
            if chosen[unit]:
                for place in range(row_start[unit], row_start[unit + 1]):
                    row = row_of[place]
                    if price[row] == np.inf and got[row] - amount[place] < 1 - 1e-9:
                        keeps = False
                        break
            if keeps:
                best, lowest = unit, cost
        if best < 0:
            return
        _flip(best, chosen, got, row_start, row_of, amount)


@compiled
def anneal(
    chosen: Int8s,
    got: Floats,
    linear: Floats,
    pair_start: Ints32,
    pair_unit: Ints32,
    pair_weight: Floats,
    row_start: Ints32,
    row_of: Ints32,
    amount: Floats,
    need: Floats,
    rate: Floats,
    candidates: Ints,
    steps: int,
    hot: float,
    cold: float,
    rng: np.random.Generator,
) -> None:
    """Flip units at random, taking what makes the objective worse ever more seldom (simulated annealing).

    `rate` is what missing all of a row costs here, hard or not, and `need` what counts as enough of it.
    """
    temperature, cooling = hot, (cold / hot) ** (1.0 / steps)
    for _ in range(steps):
        temperature *= cooling
        unit = candidates[rng.integers(0, candidates.size)]
        sign = 1 - 2 * chosen[unit]
        cost = linear[unit]
        for place in range(pair_start[unit], pair_start[unit + 1]):
            if chosen[pair_unit[place]]:
                cost -= pair_weight[place]
        cost *= sign
        for place in range(row_start[unit], row_start[unit + 1]):
            row = row_of[place]
            short = max(0.0, need[row] - got[row])
            cost += rate[row] * (max(0.0, need[row] - got[row] - sign * amount[place]) - short)
        if cost <= -temperature * np.log(rng.random()):
            _flip(unit, chosen, got, row_start, row_of, amount)
