"""Many good plans instead of one: how often each unit is chosen, and what it would cost to go without it."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from biodata.analysis.reserves import mixed_integer, target_bound
from biodata.analysis.reserves.clock import Clock
from biodata.analysis.reserves.model import Model, build
from biodata.analysis.reserves.problem import Problem
from biodata.analysis.reserves.search import Search
from biodata.analysis.reserves.selection import Selection, solve
from biodata.analysis.reserves.targets import Bools, Floats, Ints

_SPREAD: Final = 0.15
"""How far the shares that a further plan begins with are moved at random, and costs where HiGHS finds it."""


@dataclass(frozen=True, eq=False)
class Portfolio:
    """Good plans of one problem.

    Attributes
    ----------
    plans : sequence of ndarray of bool, length n
        The first is the best; the others are found from other beginnings and may repeat.
    values : ndarray of float64
        Their objectives as the solvers have it: lower is better.
    stopped_by_clock : bool
        True where the time was over before one was done: a repeat may find others.
    """

    plans: Sequence[Bools]
    values: Floats
    stopped_by_clock: bool = False

    @property
    def frequency(self) -> Ints:
        """In how many plans each unit is."""
        counts: Ints = np.sum(np.array(self.plans), axis=0, dtype=np.int64)
        return counts


def more_plans(
    problem: Problem,
    best: Selection,
    *,
    plans: int,
    seed: int = 0,
    seconds: float = 300.0,
    progress: Callable[[int], None] | None = None,
) -> Portfolio:
    """Return the best plan and others that are good too.

    Parameters
    ----------
    problem : Problem
    best : Selection
        As `solve` returns it.
    plans : int
        How many in all.
    seed : int
    seconds : float
        After this time no annealing is done any more: further plans are only filled up and thinned.
    progress : callable, optional
        Called with the number of plans that are there.

    Notes
    -----
    Each further plan begins with the units that the relaxed problem takes, moved at random, is filled up, thinned and
    annealed a little; where there is a budget HiGHS solves the problem with costs moved at random. Every plan meets every
    target, but for those that may be missed. They are samples of near-optimal plans, as Marxan's runs are, and no full
    list of them.
    """
    clock = Clock(seconds)
    model = build(problem)
    rng = np.random.default_rng(seed)
    found, values = [best.chosen], [model.value(best.chosen)]
    if plans == 1:
        return Portfolio(tuple(found), np.array(values))
    raising = clock.part(0.2)
    search = Search(model, target_bound.raise_bound(model, clock=raising)) if model.covers else None
    clock.stopped |= raising.stopped
    while len(found) < plans:
        chosen = _by_search(search, model, rng, clock) if search is not None else _by_program(model, rng, clock)
        chosen = best.chosen if chosen is None else chosen
        found.append(chosen)
        values.append(model.value(chosen))
        if progress is not None:
            progress(len(found))
    return Portfolio(tuple(found), np.array(values), clock.stopped)


def _by_search(search: Search, model: Model, rng: np.random.Generator, clock: Clock) -> Bools | None:
    """Return a plan from another beginning."""
    moved = search.bound.share + rng.normal(0, _SPREAD, model.units)
    plan = search.complete(moved >= rng.uniform(0.3, 0.8))
    if plan is not None and not clock.over():
        plan = search.annealed(plan, seed=int(rng.integers(2**31)), rounds=4, clock=clock)
    return None if plan is None else plan.chosen


def _by_program(model: Model, rng: np.random.Generator, clock: Clock) -> Bools | None:
    """Return a plan for costs moved at random."""
    linear = model.linear * (1 + rng.normal(0, _SPREAD, model.units))
    moved = replace(
        model, linear=linear, slack_cost=model.slack_cost * (1 + rng.uniform(0, _SPREAD, len(model.slack_cost)))
    )
    own = Clock(max(min(20.0, clock.left), 1.0))
    found = mixed_integer.minimise(moved, gap=0.02, clock=own)
    clock.stopped |= own.stopped
    return found.chosen


def replacement_costs(
    problem: Problem,
    best: Selection,
    units: Sequence[int],
    *,
    gap: float = 0.0,
    seconds: float = 60.0,
    progress: Callable[[int], None] | None = None,
) -> Floats:
    """Return what the best plan without each unit costs more than the best plan (its irreplaceability).

    Parameters
    ----------
    problem : Problem
    best : Selection
    units : sequence of int
        Units of the plan have the cost of leaving them out, others that of taking them in.
    gap : float
        Accuracy of each solution.
    seconds : float
        Most for one unit.
    progress : callable, optional
        Called after each unit.

    Returns
    -------
    ndarray of float64
        0 or more up to the gaps; inf where there is no plan so: the unit cannot be replaced, or cannot be taken.

    Notes
    -----
    Cabeza & Moilanen 2006, https://doi.org/10.1111/j.1523-1739.2006.00396.x.
    """
    costs = []
    for number, unit in enumerate(units, 1):
        other = solve(forced(problem, unit, taken=not best.chosen[unit]), gap=gap, seconds=seconds)
        worse = other.objective - best.objective
        worse = -worse if problem.objective == "maximum_coverage" else worse
        costs.append(math.inf if math.isnan(other.objective) else worse)
        if progress is not None:
            progress(number)
    return np.array(costs)


def forced(problem: Problem, unit: int, *, taken: bool) -> Problem:
    """Return the problem with one unit locked in or out."""
    locked_in, locked_out = problem.is_locked_in.copy(), problem.is_locked_out.copy()
    locked_in[unit], locked_out[unit] = taken, not taken
    return replace(problem, locked_in=locked_in, locked_out=locked_out)
