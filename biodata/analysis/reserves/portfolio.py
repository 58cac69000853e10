"""Several good plans beside the best, how often each unit is in them, and why a plan is as it is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from tqdm.auto import trange

from biodata.analysis.reserves import mixed_integer
from biodata.analysis.reserves.model import TOLERANCE, Clock, Model, build
from biodata.analysis.reserves.problem import Bools, Floats, Ints, Problem
from biodata.analysis.reserves.search import Search
from biodata.analysis.reserves.selection import Holding, Selection, holdings, solve

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
    problem: Problem, best: Selection, *, plans: int, seed: int = 0, seconds: float = 300.0, progress: bool = False
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
    progress : bool
        Show a progress bar.

    Notes
    -----
    Each further plan begins with the units that the relaxed problem takes, moved at random, is filled up, thinned and
    annealed a little. Every plan meets every
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
    search = Search(model, mixed_integer.raise_bound(model, clock=raising))
    clock.stopped |= raising.stopped
    for _ in trange(plans - 1, unit="plan", disable=not progress, leave=False):
        chosen = _by_search(search, model, rng, clock)
        chosen = best.chosen if chosen is None else chosen
        found.append(chosen)
        values.append(model.value(chosen))
    return Portfolio(tuple(found), np.array(values), clock.stopped)


def _by_search(search: Search, model: Model, rng: np.random.Generator, clock: Clock) -> Bools | None:
    """Return a plan from another beginning."""
    moved = search.bound.share + rng.normal(0, _SPREAD, model.units)
    plan = search.complete(moved >= rng.uniform(0.3, 0.8))
    if plan is not None and not clock.over():
        plan = search.annealed(plan, seed=int(rng.integers(2**31)), rounds=4, clock=clock)
    return None if plan is None else plan.chosen


def forced(problem: Problem, unit: int, *, taken: bool) -> Problem:
    """Return the problem with one unit locked in or out."""
    locked_in, locked_out = problem.is_locked_in.copy(), problem.is_locked_out.copy()
    locked_in[unit], locked_out[unit] = taken, not taken
    return replace(problem, locked_in=locked_in, locked_out=locked_out)


@dataclass(frozen=True, eq=False)
class Explanation:
    """What is said of a unit.

    Attributes
    ----------
    unit : str
    in_plan : bool
    locked : str
        'in', 'out' or empty.
    objective_change : float
        Of the plan where only this unit is taken out, or put in, and nothing else changes; lower is better.
    shortages : tuple of Holding
        What the plan misses then.
    supplies : dict of str to float
        What the unit holds, by requirement, as a share of the need.
    only_here : tuple of str
        Requirements that no plan without this unit meets.
    other_way : float
        How much worse the best plan is with this unit the other way: left out, or forced in; inf where there is none.
    other_way_at_least : float
        The same by the bound: certainly no less than this.
    text : str
        All of it in words.
    """

    unit: str
    in_plan: bool
    locked: str
    objective_change: float
    shortages: tuple[Holding, ...]
    supplies: dict[str, float]
    only_here: tuple[str, ...]
    other_way: float
    other_way_at_least: float
    text: str


def explain(problem: Problem, plan: Selection, unit: int, *, gap: float = 0.0, seconds: float = 60.0) -> Explanation:
    """Tell why a unit is in a plan, or why it is not.

    Parameters
    ----------
    problem : Problem
    plan : Selection
        As `solve` returns it.
    unit : int
    gap, seconds : float
        Of the solution with the unit the other way.
    """
    changed = plan.chosen.copy()
    changed[unit] = not changed[unit]
    model = build(problem)
    change = model.value(changed) - model.value(plan.chosen)
    other = solve(forced(problem, unit, taken=not plan.chosen[unit]), gap=gap, seconds=seconds)
    infeasible = math.isnan(other.objective)
    worse = math.inf if infeasible else other.objective - plan.objective
    at_least = math.inf if other.status == "infeasible" else max(0.0, other.bound - plan.objective)
    rows = problem.rows()
    column = rows[:, [unit]].toarray().ravel()
    need = np.array([requirement.need for requirement in problem.requirements])
    names = [problem.requirement_name(requirement) for requirement in problem.requirements]
    supplies = {
        names[row]: float(column[row] / need[row]) for row in np.flatnonzero((column > 0) & (need > 0)).tolist()
    }
    others = ~problem.is_locked_out
    others[unit] = False
    without = rows @ others.astype(np.float64)
    only = tuple(names[row] for row in np.flatnonzero((column > 0) & (without < need * (1 - TOLERANCE))).tolist())
    locked = "in" if problem.is_locked_in[unit] else "out" if problem.is_locked_out[unit] else ""
    shortages = _shortages(problem, changed)
    in_plan = bool(plan.chosen[unit])
    name = problem.unit_name(unit)
    text = _in_words(name, in_plan, locked, change, shortages, only, worse)
    return Explanation(name, in_plan, locked, change, shortages, supplies, only, worse, at_least, text)


def exchange(problem: Problem, plan: Selection, unit: int, other: int) -> tuple[float, tuple[Holding, ...]]:
    """Return how the objective changes where another unit stands in the place of one, and what the plan misses then.

    Parameters
    ----------
    problem : Problem
    plan : Selection
    unit : int
        In the plan.
    other : int
        Not in it.
    """
    changed = plan.chosen.copy()
    changed[unit], changed[other] = False, True
    model = build(problem)
    return model.value(changed) - model.value(plan.chosen), _shortages(problem, changed)


def _shortages(problem: Problem, chosen: Bools) -> tuple[Holding, ...]:
    """Return what a choice of units misses."""
    return tuple(one for one in holdings(problem, chosen) if not one.met)


def _in_words(
    name: str, in_plan: bool, locked: str, change: float, shortages: tuple[Holding, ...], only: tuple[str, ...],
    worse: float,
) -> str:  # fmt: skip
    """Tell it."""
    words = [f"Unit {name} is {'in' if in_plan else 'not in'} the plan{f': it is locked {locked}' if locked else ''}."]
    if only:
        words.append(f"No plan without it can meet {', '.join(only)}.")
    if in_plan and shortages:
        short = ", ".join(f"{one.feature} ({one.held:.6g} of {one.need:.6g})" for one in shortages)
        words.append(f"Taken out, the plan misses {short}.")
    words.append(f"{'Taken out' if in_plan else 'Put in'} by itself it changes the objective by {change:+.6g}.")
    if math.isinf(worse):
        words.append(f"There is no plan {'without' if in_plan else 'with'} it.")
    else:
        text = "as good" if worse == 0 else f"{abs(worse):.6g} {'worse' if worse > 0 else 'better'}"
        words.append(f"The best plan {'without' if in_plan else 'with'} it is {text}.")
    return " ".join(words)
