"""A Marxan project as a reserve selection problem, and what Marxan itself would say of a plan."""

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from biodata.analysis.reserves.problem import (
    Bools,
    Boundary,
    Connectivity,
    Floats,
    Ints,
    Problem,
    Requirement,
    requirements,
)
from biodata.formats.marxan import Project

_NEARLY_NOTHING = 1e-14
"""Stands for the cost of a unit that costs nothing (`delta` in Marxan)."""


@dataclass(frozen=True, eq=False)
class Score:
    """Marxan's own figures of a plan.

    Attributes
    ----------
    score : float
        cost + BLM × connectivity + penalty.
    cost : float
    units : int
    connectivity : float
        Length of the outline, or the connections that leave the plan.
    total, within, edge, outside : float
        All boundary, that between units of the plan, that around it, and the rest.
    penalty : float
        Σ SPF × penalty × share missed.
    shortfall : float
        Sum of what targets miss, in their own units.
    missing : int
        Features below MISSLEVEL.
    least_met : float
        The smallest share of a target that is met (MPM).
    """

    score: float
    cost: float
    units: int
    connectivity: float
    total: float
    within: float
    edge: float
    outside: float
    penalty: float
    shortfall: float
    missing: int
    least_met: float


def to_problem(project: Project) -> Problem:
    """Return the problem that a project states: targets must be met, the boundary counts BLM, the outer part too."""
    features, units = project.species.height, project.units.height
    status = project.units["status"].to_numpy()
    blm = project.inputs.number("BLM", project.inputs.number("CM", 0.0, least=0.0), least=0.0)
    boundary = connectivity = None
    if (bounds := project.bounds) is not None and bounds.symmetric:
        boundary = Boundary(bounds.first, bounds.second, bounds.length, bounds.outer, blm)
    elif bounds is not None:
        connectivity = Connectivity(bounds.first, bounds.second, bounds.length, blm, symmetric=False)
    places = (project.amounts["species"].to_numpy(), project.amounts["unit"].to_numpy())
    return Problem(
        cost=project.units["cost"].to_numpy(),
        amounts=sparse.csr_array((project.amounts["amount"].to_numpy(), places), shape=(features, units)),
        requirements=requirements(
            project.species["target"].to_numpy(), occurrences=project.species["targetocc"].to_list()
        ),
        locked_in=status == 2,
        locked_out=status == 3,
        boundary=boundary,
        connectivity=connectivity,
        unit_names=project.units["id"].cast(str).to_list(),
        feature_names=project.species["name"].to_list(),
    )


def solvable(problem: Problem, project: Project) -> tuple[Problem, list[str]]:
    """Return the problem to solve, and a line for each target that all units together do not meet.

    Those that cannot be met are charged as Marxan does.
    """
    there = problem.rows() @ (~problem.is_locked_out).astype(np.float64)
    short = there < np.array([requirement.need for requirement in problem.requirements]) * (1 - 1e-8)
    if not short.any():
        return problem, []
    rows, asked = project.species.to_dicts(), problem.requirements
    lines = [
        _shortfall(project.species_file, rows[asked[at].feature], asked[at], float(there[at]))
        for at in np.flatnonzero(short).tolist()
    ]
    charge = project.species["spf"].to_numpy() * penalties(project, problem)
    feature = np.array([requirement.feature for requirement in asked], dtype=np.int64)
    price = charge[feature] / np.bincount(feature, minlength=len(rows))[feature]
    return replace(problem, shortfall_cost=np.where(short, price, np.inf)), lines


def _shortfall(file: str, row: dict[str, object], requirement: Requirement, there: float) -> str:
    """Tell one target that cannot be met."""
    column = "targetocc" if requirement.counts else row["told"]
    value = requirement.need if requirement.counts else row["told_value"]
    what = "units hold it" if requirement.counts else "can be had"
    return (
        f"{file}, row {row['source_row']}, column {column}, value {value:g}: the target of {row['name']} "
        f"(feature {row['id']}) cannot be met: {there:.6g} of {requirement.need:.6g} {what}, "
        f"{requirement.need - there:.6g} short"
    )


def penalties(project: Project, problem: Problem) -> Floats:
    """Return what Marxan charges for missing all of each feature, before SPF.

    Parameters
    ----------
    project : Project
    problem : Problem
        As `to_problem` returns it.

    Returns
    -------
    ndarray of float64, length m
        PENALTYNAME's where given; else the cost, outline included, of meeting the feature's target alone, unit by unit,
        the best amount for its cost first, beginning with what is locked in; scaled up where it cannot be met.

    Notes
    -----
    After Marxan's `computePenalties`. A unit that alone meets what is left is taken before others, the cheapest such.
    """
    if project.penalties is not None:
        return project.penalties
    cost = _unit_costs(problem)
    locked, open_units = problem.is_locked_in, ~problem.is_locked_out
    targets, counts = project.species["target"].to_numpy(), project.species["targetocc"].to_numpy()
    found = np.zeros(len(targets))
    for feature in range(len(targets)):
        row = problem.amounts[[feature]].tocsr()
        units, amounts = row.indices, row.data
        kept = open_units[units]
        units, amounts = units[kept], amounts[kept]
        inside = locked[units]
        held, number = float(amounts[inside].sum()), int(inside.sum())
        found[feature] = float(cost[units[inside]].sum())
        taken = _greedy(amounts[~inside], cost[units[~inside]], targets[feature] - held, counts[feature] - number)
        found[feature] += float(cost[units[~inside]][taken].sum())
        held, number = held + float(amounts[~inside][taken].sum()), number + len(taken)
        short = targets[feature] / held if held and held < targets[feature] else 0.0
        short += counts[feature] / number if number and number < counts[feature] else 0.0
        found[feature] *= short or 1.0
    return found


def _greedy(amount: Floats, price: Floats, missing: float, units: int) -> Ints:
    """Return the units that meet a target alone, in the order in which they are taken."""
    order = np.argsort(-amount / price, kind="stable")
    before = np.append(0.0, np.cumsum(amount[order]))[:-1]
    largest = np.maximum.accumulate(amount[order][::-1])[::-1]
    enough = np.flatnonzero(missing - before <= largest) if missing > 0 else np.array([0])
    if missing > 0 and not enough.size:
        return order
    first = int(enough[0])
    taken, rest = order[:first].tolist(), order[first:]
    rest = rest[np.argsort(price[rest], kind="stable")]  # from here on one unit is enough: the cheapest that is
    if missing > 0:
        one = int(np.flatnonzero(amount[rest] >= missing - before[first])[0])
        taken.append(int(rest[one]))
        rest = np.delete(rest, one)
    more = max(units - len(taken), 0)
    return np.array([*taken, *rest[:more].tolist()], dtype=np.int64)


def _unit_costs(problem: Problem) -> Floats:
    """Return what a unit costs alone, with all of its outline."""
    cost: Floats = problem.cost.astype(np.float64)
    if (boundary := problem.boundary) is not None:
        ends = (np.bincount(end, boundary.length, problem.units) for end in (boundary.first, boundary.second))
        around = sum(ends, boundary.outer)
        cost = cost + boundary.penalty * around
    if (links := problem.connectivity) is not None:
        cost = cost + links.penalty * np.bincount(links.first, links.strength, problem.units)
    return np.where(cost > 0, cost, _NEARLY_NOTHING)


def score(project: Project, problem: Problem, penalty: Floats, chosen: Bools) -> Score:
    """Return what Marxan would say of a plan.

    Parameters
    ----------
    project : Project
    problem : Problem
        As `to_problem` returns it.
    penalty : ndarray of float64, length m
        As `penalties` returns them.
    chosen : ndarray of bool, length n
    """
    x = chosen.astype(np.float64)
    targets, counts = project.species["target"].to_numpy(), project.species["targetocc"].to_numpy()
    held = problem.amounts @ x
    number = (problem.amounts > 0).astype(np.float64) @ x
    asked = np.column_stack([targets > 0, counts > 0])
    with np.errstate(divide="ignore", invalid="ignore"):
        met = np.where(asked, np.column_stack([held / targets, number / counts]), np.inf)
    share = np.where(asked, np.clip(1 - met, 0, 1), 0.0).sum(axis=1) / np.maximum(asked.sum(axis=1), 1)
    charged = float((project.species["spf"].to_numpy() * penalty * share).sum())
    total, within, edge, outside = _connectivity(project, chosen)
    blm = next((part.penalty for part in (problem.boundary, problem.connectivity) if part is not None), 0.0)
    cost = float(problem.cost[chosen].sum())
    level = project.inputs.number("MISSLEVEL", 1.0)
    return Score(
        score=cost + blm * edge + charged, cost=cost, units=int(chosen.sum()), connectivity=edge, total=total,
        within=within, edge=edge, outside=outside, penalty=charged,
        shortfall=float(np.clip(targets - held, 0, None).sum() + np.clip(counts - number, 0, None).sum()),
        missing=int((met.min(axis=1) < level - 1e-9).sum()), least_met=float(min(1.0, met.min(initial=1.0))),
    )  # fmt: skip


def _connectivity(project: Project, chosen: Bools) -> tuple[float, float, float, float]:
    """Return all connections, those within the plan, at its edge and outside."""
    if (bounds := project.bounds) is None:
        return 0.0, 0.0, 0.0, 0.0
    first, second = chosen[bounds.first], chosen[bounds.second]
    at_edge = first != second if bounds.symmetric else first & ~second
    within = float(bounds.length[first & second].sum())
    edge = float(bounds.length[at_edge].sum() + bounds.outer[chosen].sum())
    total = float(bounds.length.sum() + bounds.outer.sum())
    return total, within, edge, total - within - edge
