"""Spacing of reserves: clumps of enough size and distance, also as Marxan asks for them.

Neither is linear in the units, but adding a unit never breaks one. So a plan that breaks a rule, made as large as it can be
while it still does, tells which units are missing: at least one of all the others that hold the feature. That is a
requirement like others, and solving again with it, until no rule is broken, gives the best plan (a cutting-plane method;
Marxan's manual, target2, sepdistance and sepnum).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph

from biodata.analysis.reserves import selection
from biodata.analysis.reserves.model import TOLERANCE, Clock, build
from biodata.analysis.reserves.portfolio import Portfolio
from biodata.analysis.reserves.problem import Bools, Floats, Ints, Problem, Requirement, Sparse
from biodata.analysis.reserves.selection import Selection, evaluate, rated, solve
from biodata.core.errors import InputError
from biodata.formats.marxan import Project

_MOST_ROUNDS: Final = 200
_CUTS_A_ROUND: Final = 8


@dataclass(frozen=True, eq=False)
class Spacing:
    """How a feature must lie.

    Attributes
    ----------
    feature : int
    need : float
        Amount in clumps; 0 for none.
    occurrences : int
        Units in clumps; 0 for none.
    clump_least : float
        Clumps with less do not count in full (target2); 0 where every unit counts.
    clump_kind : int
        What a smaller clump counts: 0 nothing, 1 half of it, 2 its share of `clump_least` of it (CLUMPTYPE).
    apart : float
        Distance of units that are separate, in the unit of `places` (sepdistance).
    separate : int
        How many units must be so far from each other (sepnum); 0 or 1 for none.
    """

    feature: int
    need: float
    occurrences: int = 0
    clump_least: float = 0.0
    clump_kind: int = 0
    apart: float = 0.0
    separate: int = 0


@dataclass(frozen=True, eq=False)
class Held:
    """What a plan holds under a rule: the amount and the units that count, and how many units are separate."""

    amount: float
    occurrences: int
    separate: int

    def meets(self, spacing: Spacing) -> bool:
        """Return whether the rule is kept."""
        enough = self.amount >= spacing.need * (1 - TOLERANCE)
        return enough and self.occurrences >= spacing.occurrences and self.separate >= spacing.separate


class Landscape:
    """Where the features' units are, and which of them touch.

    Parameters
    ----------
    amounts : sparse array, features × units
    first, second : ndarray of int64
        Units that touch.
    places : ndarray of float64, (units, 2)
        Of the units, in the unit of `apart`.
    """

    def __init__(self, amounts: Sparse, first: Ints, second: Ints, places: Floats) -> None:
        n = amounts.shape[1]
        self.amounts, self.places = amounts.tocsr(), places
        self._touching = sparse.csr_array((np.ones(len(first)), (first, second)), shape=(n, n))

    def units_of(self, feature: int) -> tuple[Ints, Floats]:
        """Return the units that hold a feature, and how much."""
        part = slice(self.amounts.indptr[feature], self.amounts.indptr[feature + 1])
        order = np.argsort(self.amounts.indices[part])
        return self.amounts.indices[part][order].astype(np.int64), self.amounts.data[part][order]

    def held(self, spacing: Spacing, chosen: Bools) -> Held:
        """Return what a choice of units holds under a rule; units apart are counted no further than asked for."""
        units, amounts = self.units_of(spacing.feature)
        inside = chosen[units] & (amounts > 0)
        units, amounts = units[inside], amounts[inside]
        counted = amounts.copy()
        if spacing.clump_least > 0 and units.size:
            count, clump = csgraph.connected_components(self._touching[units][:, units], directed=False)
            sizes: Floats = np.bincount(clump, amounts, count).astype(np.float64)
            counted = amounts * _share(sizes, spacing)[clump]
        valid = counted > 0
        separate = _most_apart(self.places[units[valid]], spacing.apart, spacing.separate)
        return Held(float(counted.sum()), int(valid.sum()), separate)

    def steps_from(self, units: Ints, chosen: Bools) -> Floats:
        """Return how many steps over units that touch it takes to each of some units from those chosen; inf for no way."""
        begin = np.flatnonzero(chosen[units])
        if not begin.size:
            return np.zeros(len(units))
        touching = self._touching[units][:, units]
        found: Floats = csgraph.dijkstra(touching, directed=False, unweighted=True, indices=begin, min_only=True)
        return found


def _share(sizes: Floats, spacing: Spacing) -> Floats:
    """Return which part of clumps of these amounts counts."""
    smaller = (np.zeros_like(sizes), np.full_like(sizes, 0.5), sizes / spacing.clump_least)[spacing.clump_kind]
    return np.where(sizes >= spacing.clump_least * (1 - TOLERANCE), 1.0, smaller)


def _most_apart(places: Floats, apart: float, wanted: int) -> int:
    """Return how many of some places are all at least so far from each other, no more than `wanted`."""
    if wanted <= 1 or apart <= 0:
        return min(len(places), wanted)
    known = min(len(places), 1)
    while known < wanted and _has_apart(places, apart, known + 1):
        known += 1
    return known


def _has_apart(places: Floats, apart: float, wanted: int) -> bool:
    """Return whether so many of some places are all at least so far from each other."""
    if wanted == 0:
        return True
    cells = np.floor(places / (apart / 1.5))  # two places in such a cell are less than `apart` from each other
    if len(np.unique(cells, axis=0)) < wanted:
        return False
    for one in range(len(places) - wanted + 1):
        after = places[one + 1 :]
        far = np.hypot(*(after - places[one]).T) >= apart * (1 - TOLERANCE)
        if _has_apart(after[far], apart, wanted - 1):
            return True
    return False


def solve_spaced(
    problem: Problem, landscape: Landscape, spacings: Sequence[Spacing], *, seconds: float = 300.0, **choices: Any
) -> tuple[Selection, Problem]:
    """Return the best plan found that keeps the rules, with its bound; and the problem with what the rules came to.

    Parameters
    ----------
    problem : Problem
    landscape : Landscape
    spacings : sequence of Spacing
        Rules that all units together keep.
    seconds : float
        Stop after about this time.
    **choices
        As `selection.solve` takes them.

    Returns
    -------
    Selection, Problem
        The bound is that of the last problem solved: no plan that keeps the rules is better.
    """
    clock, asked, gap = Clock(seconds), problem, choices.get("gap", 0.0)
    found = solve(asked, seconds=clock.left, **choices)
    best: Selection | None = None
    for turn in range(_MOST_ROUNDS + 1):
        if found.status in ("infeasible", "no_plan"):
            return found, asked
        best = _better(problem, best, mend(problem, landscape, spacings, found.chosen), found.bound, gap)
        broken = [rule for rule in spacings if not landscape.held(rule, found.chosen).meets(rule)]
        if not broken or best.status != "time_limit" or turn == _MOST_ROUNDS or clock.over():
            break
        asked = _with_cuts(asked, landscape, broken, found.chosen)
        found = solve(asked, seconds=max(clock.left, 1.0), **choices)
    if best is None:
        return found, asked
    stopped = found.stopped_by_clock or clock.stopped
    return replace(best, seconds=seconds - clock.left, stopped_by_clock=stopped), asked


def _better(problem: Problem, best: Selection | None, chosen: Bools, bound: float, gap: float) -> Selection:
    """Return the better of a plan known and a choice of units, with the higher of their bounds."""
    tried = evaluate(problem, chosen)
    if best is None:
        return rated(tried, bound, gap)
    return rated(tried if tried.objective < best.objective else best, max(bound, best.bound), gap)


def mend(problem: Problem, landscape: Landscape, spacings: Sequence[Spacing], chosen: Bools) -> Bools:
    """Return a choice with units added until every rule is kept, and without those that are then not needed.

    The units nearest to those that hold the feature already come first, the cheaper of these before others; where units
    must be apart, the cheapest.
    """
    kept = chosen.copy()
    for rule in spacings:
        if landscape.held(rule, kept).meets(rule):
            continue
        units, _ = landscape.units_of(rule.feature)
        spare = units[~kept[units] & ~problem.is_locked_out[units]]
        steps = landscape.steps_from(units, kept)[~kept[units] & ~problem.is_locked_out[units]]
        if landscape.held(rule, kept).separate < rule.separate:
            steps = np.zeros_like(steps)
        added = spare[np.lexsort([problem.cost[spare], steps])]
        low, high = 0, len(added)  # adding never breaks a rule: the fewest of these are found by halving
        while low < high:
            middle = (low + high) // 2
            tried = kept.copy()
            tried[added[:middle]] = True
            low, high = (low, middle) if landscape.held(rule, tried).meets(rule) else (middle + 1, high)
        kept[added[:low]] = True
    return kept if (kept == chosen).all() else _trimmed(problem, landscape, spacings, kept)


def _trimmed(problem: Problem, landscape: Landscape, spacings: Sequence[Spacing], chosen: Bools) -> Bools:
    """Return a choice without the units, dearest first, that no requirement and no rule needs and that save something."""
    model, kept = build(problem), chosen.copy()
    holds = {rule.feature: landscape.amounts[[rule.feature]].toarray().ravel() > 0 for rule in spacings}
    value, free = model.value(kept), np.flatnonzero(kept & ~model.locked_in)
    for unit in free[np.argsort(-problem.cost[free], kind="stable")].tolist():
        kept[unit] = False
        saved = model.value(kept)
        concerned = [rule for rule in spacings if holds[rule.feature][unit]]
        needed = saved >= value or not model.allows(kept)
        if needed or not all(landscape.held(rule, kept).meets(rule) for rule in concerned):
            kept[unit] = True
        else:
            value = saved
    return kept


def _with_cuts(problem: Problem, landscape: Landscape, broken: Sequence[Spacing], chosen: Bools) -> Problem:
    """Return the problem with requirements that the plan does not meet and that every plan that keeps the rules does."""
    rng = np.random.default_rng(len(problem.requirements))
    cuts = []
    for rule in broken:
        units, _ = landscape.units_of(rule.feature)
        free = units[~chosen[units] & ~problem.is_locked_out[units]]
        for _ in range(_CUTS_A_ROUND):
            outside = np.zeros(problem.units, dtype=bool)
            largest = _largest_breaking(landscape, rule, chosen, rng.permutation(free))
            outside[units] = ~largest[units] & ~problem.is_locked_out[units]
            cuts.append(Requirement(rule.feature, 1.0, counts=True, units=outside, place="what its spacing lacks"))
    prices = problem.shortfall_cost
    if prices is not None:
        prices = np.append(prices, np.full(len(cuts), np.inf))
    return replace(problem, requirements=(*problem.requirements, *cuts), shortfall_cost=prices)


def _largest_breaking(landscape: Landscape, rule: Spacing, chosen: Bools, free: Ints) -> Bools:
    """Return the plan with as many units more as leave the rule broken, tried in the order given."""
    kept, waiting = chosen.copy(), [free]
    while waiting:
        part = waiting.pop()
        if not part.size:
            continue
        tried = kept.copy()
        tried[part] = True
        if not landscape.held(rule, tried).meets(rule):
            kept = tried
        elif part.size > 1:
            waiting += [part[part.size // 2 :], part[: part.size // 2]]
    return kept


def rules(project: Project) -> list[Spacing]:
    """Return the rules of a project's features.

    Raises
    ------
    InputError
        If there is a distance to keep and the units have no places.
    """
    kind = int(project.inputs.number("CLUMPTYPE", 0))
    if kind not in (0, 1, 2):
        problem = "there is no such type of clump"
        row, value = project.inputs.rows["CLUMPTYPE"], project.inputs.values["CLUMPTYPE"]
        raise InputError(
            problem, file=project.inputs.path.name, row=row, column="CLUMPTYPE", value=value, expected="0, 1 or 2",
            code="CLUMPTYPE_UNKNOWN",
        )  # fmt: skip
    found = [
        Spacing(
            feature, row["target"] if row["target2"] > 0 else 0.0, row["targetocc"] if row["target2"] > 0 else 0,
            clump_least=row["target2"], clump_kind=kind, apart=row["sepdistance"], separate=row["sepnum"],
        )
        for feature, row in enumerate(project.species.iter_rows(named=True))
        if row["target2"] > 0 or row["sepnum"] > 1
    ]  # fmt: skip
    placed = project.units.select("xloc", "yloc").n_unique() > 1
    far = next((rule for rule in found if rule.apart > 0 and rule.separate > 1), None)
    if far is not None and not placed:
        problem, feature = "a distance is to be kept and the planning units have no xloc and yloc", far.feature
        raise InputError(
            problem, file=project.species_file, row=project.species["source_row"][feature], column="sepdistance",
            value=f"{far.apart:g}", expected="xloc and yloc in the table of planning units", code="COLUMN_MISSING",
        )  # fmt: skip
    return found


def landscape_of(project: Project, problem: Problem) -> Landscape:
    """Return where the units are, and which touch: the pairs of bound.dat."""
    bounds = project.bounds
    nothing = np.zeros(0, dtype=np.int64)
    first, second = (nothing, nothing) if bounds is None else (bounds.first, bounds.second)
    return Landscape(problem.amounts, first, second, project.units.select("xloc", "yloc").to_numpy())


def solve_project(project: Project, problem: Problem, **choices: Any) -> tuple[selection.Selection, Problem, list[str]]:
    """Return the best plan found of a project's problem, the problem with what the rules came to, and what is left out.

    Parameters
    ----------
    project : Project
    problem : Problem
        As `marxan_problem.solvable` returns it.
    **choices
        As `selection.solve` takes them.
    """
    if not (asked := rules(project)):
        return selection.solve(problem, **choices), problem, []
    where = landscape_of(project, problem)
    everything = ~problem.is_locked_out
    possible = [rule for rule in asked if where.held(rule, everything).meets(rule)]
    lines = [_unmet_rule(project, rule, where, everything) for rule in asked if rule not in possible]
    found, cut = solve_spaced(problem, where, possible, **choices)
    return found, cut, lines


def _unmet_rule(project: Project, rule: Spacing, where: Landscape, everything: Bools) -> str:
    """Tell a rule that all units together do not keep."""
    row, held = project.species.row(rule.feature, named=True), where.held(rule, everything)
    column = "sepnum" if held.separate < rule.separate else "target2"
    what = (
        f"{held.separate} of {rule.separate} units are {rule.apart:g} apart"
        if column == "sepnum"
        else f"{held.amount:.6g} of {rule.need:.6g} lies in clumps of {rule.clump_least:g} or more"
    )
    return (
        f"{project.species_file}, row {row['source_row']}, column {column}, value {row[column]:g}: the spacing of "
        f"{row['name']} (feature {row['id']}) cannot be had and is left out: {what}"
    )


def mended(project: Project, problem: Problem, plans: Portfolio) -> Portfolio:
    """Return plans that keep the rules: units are added to those that do not."""
    if not (asked := rules(project)):
        return plans
    where = landscape_of(project, problem)
    possible = [rule for rule in asked if where.held(rule, ~problem.is_locked_out).meets(rule)]
    kept = tuple(mend(problem, where, possible, chosen) for chosen in plans.plans)
    model = build(problem)
    return replace(plans, plans=kept, values=np.array([model.value(chosen) for chosen in kept]))


def held(project: Project, problem: Problem, chosen: Bools) -> tuple[Floats, Ints, Ints]:
    """Return what a plan holds of each feature: the amount, the units, and how many of these are apart."""
    x = chosen.astype(np.float64)
    amounts = problem.amounts @ x
    units = ((problem.amounts > 0).astype(np.float64) @ x).round().astype(np.int64)
    apart = np.zeros(len(amounts), dtype=np.int64)
    where = landscape_of(project, problem)
    for rule in rules(project):
        found = where.held(rule, chosen)
        amounts[rule.feature], units[rule.feature] = found.amount, found.occurrences
        apart[rule.feature] = found.separate
    return amounts, units, apart
