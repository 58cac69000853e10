"""Select reserves: choose the way to solve, run it, and state how good the plan is.

Small problems go to HiGHS as they are. Larger ones get a bound from minimum cuts and plans
from a search first; where these leave a gap, HiGHS looks at the units about which good plans disagree, and at the whole.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from biodata.analysis.reserves import mixed_integer
from biodata.analysis.reserves.model import TOLERANCE, Clock, Model, build
from biodata.analysis.reserves.problem import Bools, Problem
from biodata.analysis.reserves.search import Plan, Search

Progress = Callable[[float, float], None]

SMALL_UNITS: Final = 200
"""Up to so many units HiGHS alone is quick."""
_HUGE: Final = 60_000
"""With more units and pairs than this HiGHS does not get through the root of the whole in minutes (measured)."""


Status = Literal["optimal", "within_gap", "time_limit", "infeasible", "no_plan"]


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
        bound = mixed_integer.raise_bound(self.model, clock=clock)
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
            self.model, gap=self.gap, clock=self.clock, threads=self.threads,
            start=self.plan.chosen if self.plan is not None else None, seed=self.seed,
        )  # fmt: skip
        self.infeasible = found.infeasible
        plan = Plan(self.model.value(found.chosen), found.chosen) if found.chosen is not None else None
        self.take(plan, found.bound)


def relative_gap(value: float, bound: float, rounding: float) -> float:
    """Return the distance of value and bound as a share of the value; 0 where it is no more than rounding."""
    apart = abs(value - bound)
    if apart <= 1e-9 * abs(value) + rounding:
        return 0.0
    return apart / abs(value) if value else math.inf


@dataclass(frozen=True, slots=True)
class Holding:
    """What a plan holds of a requirement.

    Attributes
    ----------
    feature : str
        With the country where the requirement is for one.
    held, need : float
        Amounts, or units where `counts`.
    counts, met : bool
    """

    feature: str
    held: float
    need: float
    counts: bool
    met: bool


@dataclass(frozen=True, eq=False)
class Selection:
    """A plan and what is known of it.

    Attributes
    ----------
    objective : float
        Costs and penalties, or weights of features met, or the weighted shortfall; NaN where there is no plan.
    bound : float
        No plan is better.
    gap : float
        Distance between the two as a share of the objective; 0 is proven to be the best.
    status : str
        'optimal', 'within_gap' (of what was asked), 'time_limit', 'infeasible', or 'no_plan' (none found in time).
    chosen : ndarray of bool, length n
        Units of the plan.
    cost, boundary, connectivity : float
        Cost of the units; length of the outline, edge factor included; strength of the connections that the penalty
        counts. Penalties are not multiplied in.
    holdings : tuple of Holding
        One for each requirement.
    problems : tuple of str
        Why there is no plan: the features that cannot be met, and by how much.
    seconds : float
    stopped_by_clock : bool
        True where the time was over before a step was done: a repeat may find another plan. Otherwise the same seed
        gives the same plan.
    """

    objective: float
    bound: float
    gap: float
    status: Status
    chosen: Bools
    cost: float
    boundary: float
    connectivity: float
    holdings: tuple[Holding, ...]
    problems: tuple[str, ...]
    seconds: float
    stopped_by_clock: bool = False


def solve(
    problem: Problem, *, gap: float = 0.0, seconds: float = 300.0, threads: int = 1, seed: int = 0,
    progress: Progress | None = None,
) -> Selection:  # fmt: skip
    """Return the best plan found, with its bound.

    Parameters
    ----------
    problem : Problem
    gap : float
        Stop where the plan is certainly within this share of the best.
    seconds : float
        Stop after about this time.
    threads : int
        Of HiGHS; the rest takes one.
    seed : int
    progress : callable, optional
        Called with objective and bound whenever one of them gets better.
    """
    began = time.monotonic()
    model = build(problem)
    if impossible := _impossible(problem):
        return _without_plan(problem, "infeasible", math.inf, impossible, began)
    run = Run(model, gap, Clock(seconds), threads, seed, progress)
    if model.units > SMALL_UNITS:
        run.search()
    if not run.done and (run.plan is None or run.fits_highs):
        run.whole()
    if run.plan is None:
        if not run.infeasible:
            nothing = _without_plan(problem, "no_plan", run.bound, (), began)
            return replace(nothing, stopped_by_clock=run.clock.stopped)
        why = ("no choice of units meets every requirement",)
        return _without_plan(problem, "infeasible", math.inf, why, began)
    found = _selection(problem, model, run.plan, run.bound, gap, began)
    return replace(found, stopped_by_clock=run.clock.stopped)


def evaluate(problem: Problem, chosen: Bools) -> Selection:
    """Return what is known of a given choice of units; its bound is -inf and its status 'time_limit', or 'infeasible'."""
    began = time.monotonic()
    model = build(problem)
    found = _selection(problem, model, Plan(model.value(chosen), chosen), -math.inf, 0.0, began)
    return found if model.allows(chosen) else replace(found, status="infeasible")


def unmeetable(problem: Problem) -> tuple[str, ...]:
    """Return a sentence for each requirement that even all units together do not meet."""
    open_units = (~problem.is_locked_out).astype(np.float64)
    found = []
    for requirement, there in zip(problem.requirements, problem.rows() @ open_units, strict=True):
        if there < requirement.need * (1 - TOLERANCE):
            what = "units" if requirement.counts else "amount"
            found.append(
                f"{problem.requirement_name(requirement)}: {what} {there:.6g} of {requirement.need:.6g} can be had, "
                f"{requirement.need - there:.6g} short"
            )
    return tuple(found)


def _impossible(problem: Problem) -> tuple[str, ...]:
    """Tell which requirements rule every plan out: those that must be met and that all units together do not meet."""
    if problem.shortfall_cost is None:
        return unmeetable(problem)
    hard = [row for row, cost in enumerate(problem.shortfall_cost) if math.isinf(cost)]
    return unmeetable(replace(problem, requirements=[problem.requirements[row] for row in hard], shortfall_cost=None))


def _selection(problem: Problem, model: Model, plan: Plan, bound: float, gap: float, began: float) -> Selection:
    """Return the plan with everything that is stated of it."""
    value, lowest = plan.value, min(bound, plan.value)
    apart = relative_gap(value, lowest, model.rounding)
    boundary, connectivity = _penalised(problem, plan.chosen)
    return Selection(
        objective=value, bound=lowest, gap=apart, status=_status(apart, gap), chosen=plan.chosen,
        cost=float(problem.cost[plan.chosen].sum()), boundary=boundary, connectivity=connectivity,
        holdings=holdings(problem, plan.chosen), problems=(), seconds=time.monotonic() - began,
    )  # fmt: skip


def _status(apart: float, gap: float) -> Status:
    """Return what a plan is whose gap is `apart` where `gap` was asked for."""
    return "optimal" if apart <= 1e-6 else "within_gap" if apart <= gap else "time_limit"


def rated(found: Selection, bound: float, gap: float) -> Selection:
    """Return a plan of a minimum set with another bound, and its gap and status by that."""
    lowest = min(bound, found.objective)
    apart = relative_gap(found.objective, lowest, 0.0)
    return replace(found, bound=lowest, gap=apart, status=_status(apart, gap))


def _penalised(problem: Problem, chosen: Bools) -> tuple[float, float]:
    """Return the outline's length and the connections that count."""
    outline = strength = 0.0
    if (boundary := problem.boundary) is not None:
        apart = chosen[boundary.first] != chosen[boundary.second]
        outline = float(boundary.length[apart].sum() + boundary.outer[chosen].sum())
    if (links := problem.connectivity) is not None:
        first, second = chosen[links.first], chosen[links.second]
        strength = float(links.strength[first & (second if links.symmetric else ~second)].sum())
    return outline, strength


def holdings(problem: Problem, chosen: Bools) -> tuple[Holding, ...]:
    """Return what a choice holds of each requirement."""
    held = problem.rows() @ chosen.astype(np.float64)
    return tuple(
        Holding(
            problem.requirement_name(requirement), float(amount), requirement.need, requirement.counts,
            bool(amount >= requirement.need * (1 - TOLERANCE)),
        )
        for requirement, amount in zip(problem.requirements, held, strict=True)
    )  # fmt: skip


def _without_plan(problem: Problem, status: Status, bound: float, why: tuple[str, ...], began: float) -> Selection:
    """Return that there is no plan, and why."""
    nothing = np.zeros(problem.units, dtype=bool)
    seconds = time.monotonic() - began
    return Selection(
        math.nan, bound, math.inf, status, nothing, 0.0, 0.0, 0.0, holdings(problem, nothing), why, seconds
    )
