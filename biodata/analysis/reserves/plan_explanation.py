"""Why this unit and not that one: what a unit adds to a plan, what only it can give, what going without it costs."""

import math
from dataclasses import dataclass

import numpy as np

from biodata.analysis.reserves.model import TOLERANCE, build
from biodata.analysis.reserves.portfolio import forced
from biodata.analysis.reserves.problem import Problem
from biodata.analysis.reserves.selection import Selection, solve
from biodata.analysis.reserves.targets import Bools


@dataclass(frozen=True, slots=True)
class Shortage:
    """A requirement that a changed plan does not meet any more."""

    feature: str
    held: float
    need: float


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
        Of the plan where only this unit is taken out, or put in, and nothing else changes; lower is better for the
        minimum set and the shortfall, higher for coverage.
    shortages : tuple of Shortage
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
    shortages: tuple[Shortage, ...]
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
    sign = -1.0 if problem.objective == "maximum_coverage" else 1.0
    change = sign * (model.value(changed) - model.value(plan.chosen))
    other = solve(forced(problem, unit, taken=not plan.chosen[unit]), gap=gap, seconds=seconds)
    infeasible = math.isnan(other.objective)
    worse = math.inf if infeasible else sign * (other.objective - plan.objective)
    at_least = math.inf if other.status == "infeasible" else max(0.0, sign * (other.bound - plan.objective))
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


def exchange(problem: Problem, plan: Selection, unit: int, other: int) -> tuple[float, tuple[Shortage, ...]]:
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
    sign = -1.0 if problem.objective == "maximum_coverage" else 1.0
    return sign * (model.value(changed) - model.value(plan.chosen)), _shortages(problem, changed)


def _shortages(problem: Problem, chosen: Bools) -> tuple[Shortage, ...]:
    """Return what a choice of units misses."""
    held = problem.rows() @ chosen.astype(np.float64)
    return tuple(
        Shortage(problem.requirement_name(requirement), float(amount), requirement.need)
        for requirement, amount in zip(problem.requirements, held, strict=True)
        if amount < requirement.need * (1 - TOLERANCE)
    )


def _in_words(
    name: str,
    in_plan: bool,
    locked: str,
    change: float,
    shortages: tuple[Shortage, ...],
    only: tuple[str, ...],
    worse: float,
) -> str:
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
        told = "as good" if worse == 0 else f"{abs(worse):.6g} {'worse' if worse > 0 else 'better'}"
        words.append(f"The best plan {'without' if in_plan else 'with'} it is {told}.")
    return " ".join(words)
