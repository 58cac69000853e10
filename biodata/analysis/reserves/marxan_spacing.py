"""Marxan's target2, sepdistance and sepnum of a project, kept by its plans."""

from dataclasses import replace
from typing import Any

import numpy as np

from biodata.analysis.reserves import selection, spacing
from biodata.analysis.reserves.model import build
from biodata.analysis.reserves.portfolio import Portfolio
from biodata.analysis.reserves.problem import Problem
from biodata.analysis.reserves.spacing import Landscape, Spacing
from biodata.analysis.reserves.targets import Bools, Floats, Ints
from biodata.errors import InputError
from biodata.formats.marxan import Project


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
            feature,
            row["target"] if row["target2"] > 0 else 0.0,
            row["targetocc"] if row["target2"] > 0 else 0,
            clump_least=row["target2"],
            clump_kind=kind,
            apart=row["sepdistance"],
            separate=row["sepnum"],
        )
        for feature, row in enumerate(project.species.iter_rows(named=True))
        if row["target2"] > 0 or row["sepnum"] > 1
    ]
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


def solve(
    project: Project, problem: Problem, *, objective: str = "minimum_set", **choices: Any
) -> tuple[selection.Selection, Problem, list[str]]:
    """Return the best plan found of a project's problem, the problem with what the rules came to, and what is left out.

    Parameters
    ----------
    project : Project
    problem : Problem
        As `marxan_problem.solvable` returns it.
    objective : str
        The rules are kept by minimum sets only.
    **choices
        As `selection.solve` takes them.
    """
    asked = rules(project)
    if not asked or objective != "minimum_set":
        left = [f"target2 and sepnum are not kept by {objective}: they are left out"] if asked else []
        return selection.solve(problem, **choices), problem, left
    where = landscape_of(project, problem)
    everything = ~problem.is_locked_out
    possible = [rule for rule in asked if where.held(rule, everything).meets(rule)]
    lines = [_told(project, rule, where, everything) for rule in asked if rule not in possible]
    found, cut = spacing.solve_spaced(problem, where, possible, **choices)
    return found, cut, lines


def _told(project: Project, rule: Spacing, where: Landscape, everything: Bools) -> str:
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


def mended(project: Project, problem: Problem, plans: Portfolio, objective: str) -> Portfolio:
    """Return plans that keep the rules: units are added to those that do not."""
    asked = rules(project)
    if not asked or objective != "minimum_set":
        return plans
    where = landscape_of(project, problem)
    possible = [rule for rule in asked if where.held(rule, ~problem.is_locked_out).meets(rule)]
    kept = tuple(spacing.mend(problem, where, possible, chosen) for chosen in plans.plans)
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
