"""The steps of a solution: a bound by minimum cuts, plans by a search, HiGHS where plans disagree, HiGHS on the whole."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from biodata.analysis.reserves import mixed_integer, target_bound
from biodata.analysis.reserves.clock import Clock
from biodata.analysis.reserves.model import Model
from biodata.analysis.reserves.search import Plan, Search

Progress = Callable[[float, float], None]

SMALL_UNITS: Final = 200
"""Up to so many units HiGHS alone is quick."""
_HUGE: Final = 60_000
"""With more units and pairs than this HiGHS does not get through the root of the whole in minutes (measured)."""


class Run:
    """A search under way: the best plan and the best bound so far."""

    def __init__(
        self, model: Model, gap: float, clock: Clock, threads: int, seed: int, progress: Progress | None
    ) -> None:
        self.model, self.gap, self.clock = model, gap, clock
        self.threads, self.seed, self.progress = threads, seed, progress
        self.plan: Plan | None = None
        self.bound = -math.inf
        self.infeasible = False

    @property
    def done(self) -> bool:
        """True where the plan is good enough or the time is over."""
        enough = self.plan is not None and relative_gap(self.plan.value, self.bound, self.model.rounding) <= max(
            self.gap, 1e-9
        )
        return self.infeasible or enough or self.clock.over()

    @property
    def fits_highs(self) -> bool:
        """True where HiGHS gets through the root of the whole in minutes."""
        return len(self.model.weight) + self.model.units < _HUGE

    @property
    def good(self) -> float:
        """An objective that is good enough."""
        return self.bound + self.gap * abs(self.bound) / (1 + self.gap)

    def take(self, plan: Plan | None, bound: float = -math.inf) -> None:
        """Keep what is better than before."""
        better = plan is not None and (self.plan is None or plan.value < self.plan.value - 1e-12)
        if better:
            self.plan = plan
        if bound > self.bound:
            self.bound, better = bound, True
        if better and self.progress is not None and self.plan is not None:
            self.progress(self.plan.value, self.bound)

    def search(self) -> None:
        """Raise the bound by minimum cuts, then look for plans until one is good enough or the search stays where it is."""
        clock = self.clock.part(0.3)
        bound = target_bound.raise_bound(self.model, clock=clock)
        self.clock.stopped |= clock.stopped
        self.take(None, bound.value)
        search = Search(self.model, bound)
        self.take(search.rounded(good=self.good))
        if self.plan is None or self.done:
            return
        found: list[Plan] = [self.plan]
        for turn in range(40):
            heat = (1.0, 2.0, 0.5)[turn % 3]
            plan = self._annealed(search, found[0], turn, heat)
            found.append(plan)
            if self.done:
                return
            if turn % 4 == 3:
                before = self.plan.value
                self._merge(found)
                found = [self.plan, *sorted(found, key=lambda one: one.value)[:3]]
                if self.done or (self.fits_highs and before - self.plan.value < 1e-4 * abs(before)):
                    return

    def _annealed(self, search: Search, start: Plan, turn: int, heat: float) -> Plan:
        """Anneal once more."""
        clock = self.clock.part(0.25, least=1.0)
        plan = search.annealed(start, seed=self.seed + turn, good=self.good, clock=clock, heat=heat, told=self.take)
        self.clock.stopped |= clock.stopped
        return plan

    def _merge(self, plans: Sequence[Plan]) -> None:
        """Solve for the units about which plans disagree, the rest as they all have it."""
        if self.plan is None:
            return
        choices = np.array([plan.chosen for plan in plans])
        always, never = choices.all(axis=0), ~choices.any(axis=0)
        narrowed = replace(
            self.model, locked_in=self.model.locked_in | always, locked_out=self.model.locked_out | never
        )
        clock = self.clock.part(0.3, most=40.0)
        found = mixed_integer.minimise(
            narrowed, gap=1e-4, clock=clock, threads=self.threads, start=self.plan.chosen, seed=self.seed
        )
        self.clock.stopped |= clock.stopped
        if found.chosen is not None:
            self.take(Plan(self.model.value(found.chosen), found.chosen))

    def whole(self) -> None:
        """Give the whole to HiGHS, with the best plan so far."""
        found = mixed_integer.minimise(
            self.model,
            gap=self.gap,
            clock=self.clock,
            threads=self.threads,
            start=self.plan.chosen if self.plan is not None else None,
            seed=self.seed,
        )
        self.infeasible = found.infeasible
        plan = Plan(self.model.value(found.chosen), found.chosen) if found.chosen is not None else None
        self.take(plan, found.bound)


def relative_gap(value: float, bound: float, rounding: float) -> float:
    """Return the distance of value and bound as a share of the value; 0 where it is no more than rounding."""
    apart = abs(value - bound)
    if apart <= 1e-9 * abs(value) + rounding:
        return 0.0
    return apart / abs(value) if value else math.inf
