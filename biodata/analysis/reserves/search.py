"""The search for good plans of a covering model, guided by the bound's prices."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from biodata.analysis.reserves import kernels
from biodata.analysis.reserves.clock import Clock
from biodata.analysis.reserves.model import TOLERANCE, Model
from biodata.analysis.reserves.target_bound import Bound
from biodata.analysis.reserves.targets import Bools, Floats, Ints


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
        One that `covers`.
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
        self._units = kernels.Units(
            model.linear,
            self._pairs.indptr.astype(np.int32),
            self._pairs.indices.astype(np.int32),
            self._pairs.data.astype(np.float64),
            self._rows.indptr.astype(np.int32),
            self._rows.indices.astype(np.int32),
            self._rows.data.astype(np.float64),
        )
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
            if candidates is not None and kernels.fill_up(
                state, got, self._units, self._enough, self._price, worth, candidates
            ):
                break
        kernels.improve(state, self._got(state), self._units, self._enough, self._price, self._fixed)
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
        self,
        start: Plan,
        *,
        seed: int,
        clock: Clock,
        good: float = -np.inf,
        rounds: int = 25,
        heat: float = 1.0,
        told: Callable[[Plan], None] | None = None,
    ) -> Plan:
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
        told : callable, optional
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
            kernels.anneal(state, got, self._units, need, rate, candidates, steps, begin, cold, rng)
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

    def _got(self, state: kernels.Int8s) -> Floats:
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
