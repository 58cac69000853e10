"""Search for good plans by simulated annealing over compiled kernels.

A choice of units is an int8 array; `got` is what it holds of each row. `need` is how much of a row is enough and `price`
what it costs to miss all of it, in proportion for a part; rows whose price is inf are hard: nothing is charged, and only
`fill_up` and `improve` look after them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from biodata.analysis.bucket_queue import Floats, Ints, Ints32, compiled
from biodata.analysis.reserves.mixed_integer import Bound
from biodata.analysis.reserves.model import TOLERANCE, Clock, Model
from biodata.analysis.reserves.problem import Bools

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
    chosen: Int8s, got: Floats, units: Units, need: Floats, price: Floats, candidates: Ints, steps: int, hot: float,
    cold: float, rng: np.random.Generator,
) -> None:  # fmt: skip
    """Flip units at random, taking what makes the objective worse ever more seldom (simulated annealing)."""
    temperature, cooling = hot, (cold / hot) ** (1.0 / steps)
    for _ in range(steps):
        temperature *= cooling
        unit = candidates[rng.integers(0, candidates.size)]
        cost = flip_cost(unit, chosen, got, units, need, price)
        if cost <= -temperature * np.log(rng.random()):
            _flip(unit, chosen, got, units)


@dataclass(frozen=True, eq=False)
class Plan:
    """A choice of units and its objective."""

    value: float
    chosen: Bools


class Search:
    """Looks for plans of one model.

    Parameters
    ----------
    model : Model
    bound : Bound
        Its prices tell what rows are worth, its shares where plans differ.
    """

    def __init__(self, model: Model, bound: Bound) -> None:
        self.model, self.bound = model, bound
        self._pairs = model.beside()
        self._rows = model.rows.T.tocsr()
        self._price = model.price()
        self._fixed = model.locked_in | model.locked_out
        top = float(bound.prices.max(initial=0.0)) or float(np.abs(model.linear).mean()) or 1.0
        self._floor = 2e-3 * top
        self._enough = np.ones(len(self._price))
        self._units = Units(
            model.linear, self._pairs.indptr.astype(np.int32), self._pairs.indices.astype(np.int32),
            self._pairs.data.astype(np.float64), self._rows.indptr.astype(np.int32),
            self._rows.indices.astype(np.int32), self._rows.data.astype(np.float64),
        )  # fmt: skip
        self._free = np.flatnonzero(~self._fixed)

    def complete(self, chosen: Bools, *, among: Ints | None = None) -> Plan | None:
        """Return a choice filled up until it meets every hard row, without what it does not need.

        Parameters
        ----------
        chosen : ndarray of bool, length n
        among : ndarray of int64, optional
            Units to fill up from; all where these do not do.
        """
        state = (chosen & ~self.model.locked_out | self.model.locked_in).astype(np.int8)
        got = self._got(state)
        worth = self.bound.prices + self._floor
        for candidates in (among, self._free):
            if candidates is not None and fill_up(
                state, got, self._units, self._enough, self._price, worth, candidates
            ):
                break
        improve(state, self._got(state), self._units, self._enough, self._price, self._fixed)
        plan = state.astype(bool)
        return Plan(self.model.value(plan), plan) if self.model.allows(plan) else None

    def rounded(self, *, good: float = -np.inf) -> Plan | None:
        """Return the best plan that begins with the units of which the relaxed problem takes a given share."""
        best: Plan | None = None
        for share in (0.3, 0.4, 0.5, 0.6, 0.2, 0.1, 0.7):
            plan = self.complete(self.bound.share >= share)
            if plan is not None and (best is None or plan.value < best.value):
                best = plan
            if best is not None and best.value <= good:
                break
        return best

    def annealed(
        self, start: Plan, *, seed: int, clock: Clock, good: float = -np.inf, rounds: int = 25, heat: float = 1.0,
        told: Callable[[Plan], None] | None = None,
    ) -> Plan:  # fmt: skip
        """Return the best plan found by annealing from one.

        Parameters
        ----------
        start : Plan
        seed : int
        clock : Clock
            Stops it after a round.
        good : float
            Stop where the objective is no more than this.
        rounds : int
            After each, what counts as enough is raised for rows that fell short and lowered for those that did not, so
            that annealing ends where filling up costs little.
        heat : float
            Scales the temperature.
        stated : callable, optional
            Called with every better plan.
        """
        model = self.model
        candidates = self._where_plans_differ(start.chosen)
        if not candidates.size:
            return start
        hard = np.isinf(self._price)
        rate = np.where(hard, 1.5 * self.bound.prices + self._floor, self._price)
        need = np.ones(len(rate))
        hot = 0.05 * heat * float(np.abs(model.linear[candidates]).mean()) + 1e-12
        cold = hot / 25
        state, best = start.chosen.astype(np.int8), start
        steps, rng = 200 * len(candidates), np.random.default_rng(seed)
        for turn in range(rounds):
            begin = hot * (1 - turn / rounds) + cold
            got = self._got(state)
            anneal(state, got, self._units, need, rate, candidates, steps, begin, cold, rng)
            plan = self.complete(state.astype(bool), among=candidates)
            if plan is not None and plan.value < best.value:
                best = plan
                if told is not None:
                    told(plan)
            short = 1 - self._got(state)
            change = np.where(short > TOLERANCE, 0.7 * short, -0.15 * np.clip(-short, 0, 0.02))
            need = np.where(hard, np.clip(need + change, 0.95, 1.1), 1.0)
            if best.value <= good or (turn < rounds - 1 and clock.over()):
                break
        return best

    def _got(self, state: Int8s) -> Floats:
        """Return what a choice holds of each row."""
        held: Floats = self.model.rows @ state.astype(np.float64)
        return held

    def _where_plans_differ(self, chosen: Bools) -> Ints:
        """Return the free units that the relaxed problem takes in part, at the plan's edge, or beside those."""
        share = self.bound.share
        near = (share > 1e-4) & (share < 1 - 1e-4)
        for _ in range(2):
            near |= self._pairs @ near.astype(np.float64) > 0
        edge = chosen[self.model.first] != chosen[self.model.second]
        near[self.model.first[edge]] = True
        near[self.model.second[edge]] = True
        if (
            not self.model.weight.size
        ):  # nothing is beside anything: units that are nearly worth their price, or just so
            reduced = self.model.linear - self._rows @ self.bound.prices
            near |= np.abs(reduced) < 0.3 * float(np.abs(self.model.linear).mean())
        found: Ints = np.flatnonzero(near & ~self._fixed)
        return found if found.size >= min(50, self._free.size) else self._free
