"""Marxan's projects as an engine of kept runs."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from biodata.errors import InputError
from biodata.run_engines.work import Outcome, Parameters, Work, parameter
from biodata.run_records import RunInput

PARAMETERS: Final = Parameters(
    ("project",),
    MappingProxyType({"gap": 0.0, "seconds": 300.0, "plans": 1, "objective": "minimum_set", "budget": None}),
    paths=frozenset({"project"}),
)


def run(work: Work) -> Outcome:
    """Solve a project of Marxan; tables of the plan, its units and its features are the results.

    Parameters are `project` (path), and optionally `gap`, `seconds`, `plans` (how many), `objective` and `budget`.
    """
    from biodata.formats.marxan import read_project

    folder = Path(parameter(work, "project", str))
    choices = {
        "gap": float(parameter(work, "gap", int | float)),
        "seconds": float(parameter(work, "seconds", int | float)),
        "plans": parameter(work, "plans", int),
        "objective": parameter(work, "objective", str),
        "budget": parameter(work, "budget", int | float | None),
    }
    project = read_project(folder)
    inputs = tuple(RunInput.of_file(file.name, file) for file in project.files)
    if work.executor is None:
        tables, notes = _solved(folder, choices, work.seed)
    else:
        tables, notes = work.executor.submit(_solved, folder, choices, work.seed).result()
    return Outcome(inputs, tables, notes=notes)


def _solved(folder: Path, choices: Mapping[str, Any], seed: int) -> tuple[dict[str, pl.DataFrame], tuple[str, ...]]:
    """Read and solve a project; a function of its own, so that another process can call it."""
    from biodata.analysis.reserves import marxan_problem, marxan_spacing, portfolio
    from biodata.formats.marxan import read_project

    project = read_project(folder)
    problem = marxan_problem.to_problem(project, objective=choices["objective"], budget=choices["budget"])
    asked, missed = marxan_problem.solvable(problem, project, objective=choices["objective"])
    best, asked, left_out = marxan_spacing.solve(
        project, asked, objective=choices["objective"], gap=choices["gap"], seconds=choices["seconds"], seed=seed
    )
    if best.status in ("infeasible", "no_plan"):
        why = "; ".join(best.problems) or f"no plan was found in {choices['seconds']:g} seconds"
        told = f"there is no plan: {why}"
        raise InputError(told, file=str(folder), code="PROBLEM_INFEASIBLE")
    plans = portfolio.more_plans(asked, best, plans=choices["plans"], seed=seed, seconds=choices["seconds"] / 2)
    plans = marxan_spacing.mended(project, problem, plans, choices["objective"])
    figures = ("status", "stopped_by_clock", "objective", "bound", "gap", "cost", "boundary", "connectivity")
    told_of = ("feature", "held", "need", "counts", "met")
    tables = {
        "plan": pl.DataFrame([{name: getattr(best, name) for name in figures}]),
        "units": pl.DataFrame({"unit": project.units["id"], "in_plan": best.chosen, "frequency": plans.frequency}),
        "features": pl.DataFrame([{name: getattr(one, name) for name in told_of} for one in best.holdings]),
    }
    return tables, (*missed, *left_out, *project.notes)
