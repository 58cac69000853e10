"""`biodata reserves`: Marxan's projects, solved exactly or to a certified gap."""

import json
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, read_box, read_country, say, settings_for, show_progress
from biodata.core.errors import InputError

if TYPE_CHECKING:
    from biodata.analysis.reserves.portfolio import Portfolio
    from biodata.analysis.reserves.problem import Problem
    from biodata.analysis.reserves.selection import Selection
    from biodata.formats.marxan import Project

_SOLVE = """Solve a Marxan project: the cheapest plan that meets every target, with a bound on how good a plan can be.

DIR has input.dat and the files that it names. Marxan's output files and plan.json go into --out. Further runs (NUMREPS)
are other good plans. A target that cannot be met is named, and charged by SPF as Marxan does; everything else is met,
target2, sepdistance and sepnum too. plan.json says whether the clock stopped it, so that a repeat may differ.

Example: biodata reserves solve sample_data/planning/marxan --out plan --gap 0.01
"""
_EXPLAIN = """Tell why a planning unit is in the plan, or why it is not, and how another would do in its place.

Example: biodata reserves explain sample_data/planning/marxan 12 --instead-of 22
"""


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    group = typer.Typer(help="Select reserves: make planning units, solve Marxan's projects.", no_args_is_help=True)
    group.command(name="solve", help=_SOLVE)(solve)
    group.command(name="explain", help=_EXPLAIN)(explain)
    group.command(name="units", help=UNITS_HELP)(units)
    app.add_typer(group, name="reserves")


ProjectArgument = Annotated[Path, typer.Argument(help="Folder with input.dat, or that file.", metavar="DIR")]
GapOption = Annotated[
    float, typer.Option(help="Stop within this share of the best plan; 0 is the best plan.", min=0, max=1)
]
SecondsOption = Annotated[float, typer.Option(help="Stop after about this time.", min=1)]
ThreadsOption = Annotated[int, typer.Option(help="Threads of the solver.", min=1)]


def solve(
    project: ProjectArgument,
    out: Annotated[Path, typer.Option(help="Folder to write into.", file_okay=False)],
    as_json: Annotated[bool, typer.Option("--json", help="Print objective, bound, gap and status only.")] = False,
    gap: GapOption = 0.0,
    seconds: SecondsOption = 300.0,
    threads: ThreadsOption = 1,
    runs: Annotated[int | None, typer.Option(help="Plans to write; NUMREPS where not given.", min=1)] = None,
) -> None:
    """Read, solve, write, say."""
    from biodata.analysis.reserves import marxan_problem, portfolio, spacing
    from biodata.formats import marxan, marxan_output

    read = marxan.read_project(project)
    problem = marxan_problem.to_problem(read)
    penalties = marxan_problem.penalties(read, problem)
    asked, missed = marxan_problem.solvable(problem, read)
    spacing.rules(read)  # what is wrong with them is told before the work
    for line in [*missed, *read.notes]:
        typer.echo(f"biodata: {line}", err=True)
    seed = max(int(read.inputs.number("RANDSEED", 0)), 0)
    with _Watch("gap", seconds) as watch:
        found, asked, left_out = spacing.solve_project(
            read, asked, gap=gap, seconds=seconds, threads=threads, seed=seed,
            progress=watch.show_progress,
        )  # fmt: skip
    for line in left_out:
        typer.echo(f"biodata: {line}", err=True)
    missed += left_out
    if found.status in ("infeasible", "no_plan"):
        out.mkdir(parents=True, exist_ok=True)
        _write_plan(
            out / "plan.json", read, found, None, {"missed": [*missed, *found.problems], "notes": list(read.notes)}
        )
        if as_json:
            say(json.dumps(_brief(found, missed)))
        _refuse_no_plan(found, project, seconds)
    wanted = runs or max(int(read.inputs.number("NUMREPS", 1)), 1)
    with _Bar(wanted, "plan") as bar:
        plans = portfolio.more_plans(asked, found, plans=wanted, seed=seed, seconds=seconds / 2, progress=bar)
        plans = spacing.mended(read, problem, plans)
    scores = [marxan_problem.score(read, problem, penalties, chosen) for chosen in plans.plans]
    more: dict[str, Any] = {
        "missed": missed,
        "notes": list(read.notes),
        "marxan_score": scores[0].score,
        "marxan_penalty": scores[0].penalty,
        "runs": len(plans.plans),
    }
    log = [f"biodata: {found.status}, objective {found.objective:.10g}, bound {found.bound:.10g}, gap {found.gap:.6g}"]
    log += [f"Marxan's score {scores[0].score:.10g}, penalty {scores[0].penalty:.10g}", *missed, *read.notes]
    marxan_output.write_outputs(read, _runs(read, problem, plans, scores), out, log, penalties=penalties)
    _write_plan(out / "plan.json", read, found, plans, more)
    if as_json:
        say(json.dumps(_brief(found, missed)))
        return
    say(
        f"{found.status}: objective {found.objective:.10g}, bound {found.bound:.10g}, gap {found.gap:.4%}; "
        f"{int(found.chosen.sum())} of {problem.units} units, cost {found.cost:.10g}, "
        f"boundary {scores[0].connectivity:.10g}; Marxan's score {scores[0].score:.10g}"
    )
    met = sum(holding.met for holding in found.holdings)
    say(f"{met} of {len(found.holdings)} targets met")
    distinct = len({chosen.tobytes() for chosen in plans.plans})
    alike = f", {distinct} of them different" if distinct < len(plans.plans) else ""
    say(f"{len(plans.plans)} plans{alike} → {out}")


def explain(
    project: ProjectArgument,
    unit: Annotated[str, typer.Argument(help="Identifier of a planning unit.")],
    instead_of: Annotated[str | None, typer.Option(help="A unit of the plan that it could replace.")] = None,
    gap: GapOption = 0.0,
    seconds: SecondsOption = 60.0,
) -> None:
    """Read, solve, explain."""
    from biodata.analysis.reserves import marxan_problem, portfolio, spacing
    from biodata.formats import marxan

    read = marxan.read_project(project)
    problem, _ = marxan_problem.solvable(marxan_problem.to_problem(read), read)
    places = {name: place for place, name in enumerate(problem.unit_names)}
    for name in filter(None, (unit, instead_of)):
        if name not in places:
            text = "there is no such planning unit"
            raise InputError(text, file=str(project), column="id", value=name, code="ID_UNKNOWN")
    found, problem, _ = spacing.solve_project(read, problem, gap=gap, seconds=seconds)
    _refuse_no_plan(found, project, seconds)
    if instead_of is not None:
        _refuse_exchange(problem, found, places[instead_of], places[unit], project)
    told = portfolio.explain(problem, found, places[unit], gap=gap, seconds=seconds)
    say(told.text)
    if told.supplies:
        best = sorted(told.supplies.items(), key=lambda item: -item[1])[:10]
        say("It holds " + ", ".join(f"{share:.1%} of the target of {name}" for name, share in best) + ".")
    if instead_of is not None:
        change, short = portfolio.exchange(problem, found, places[instead_of], places[unit])
        lost = ", ".join(f"{one.feature} ({one.held:.6g} of {one.need:.6g})" for one in short)
        say(
            f"In the place of {instead_of} it changes the objective by {change:+.6g}; the plan then misses {lost or 'nothing'}."
        )


def _refuse_no_plan(found: "Selection", project: Path, seconds: float) -> None:
    """Refuse to go on without a plan, and tell why there is none."""
    if found.status in ("infeasible", "no_plan"):
        why = "; ".join(found.problems) or f"none was found in {seconds:g} seconds"
        problem = f"there is no plan: {why}"
        raise InputError(problem, file=str(project), code="PROBLEM_INFEASIBLE")


def _refuse_exchange(problem: "Problem", found: "Selection", out: int, into: int, project: Path) -> None:
    """Refuse an exchange of units where the first is not in the plan, or the second is."""
    if found.chosen[into]:
        text = "this unit is in the plan already: it takes no other's place"
        raise InputError(text, file=str(project), column="UNIT", value=problem.unit_name(into), code="UNIT_IN_PLAN")
    if not found.chosen[out]:
        inside = [problem.unit_name(unit) for unit, taken in enumerate(found.chosen) if taken]
        more = f" and {len(inside) - 20} more" if len(inside) > 20 else ""
        text, expected = "this unit is not in the plan", f"one of {', '.join(inside[:20])}{more}"
        name = problem.unit_name(out)
        raise InputError(
            text, file=str(project), column="--instead-of", value=name, expected=expected, code="UNIT_NOT_IN_PLAN"
        )
    for unit, option, locked in ((out, "--instead-of", problem.is_locked_in), (into, "UNIT", problem.is_locked_out)):
        if locked[unit]:
            text = f"this unit is locked {'in' if option != 'UNIT' else 'out'}: it cannot be exchanged"
            raise InputError(text, file=str(project), column=option, value=problem.unit_name(unit), code="UNIT_LOCKED")


def _brief(found: "Selection", missed: list[str]) -> dict[str, Any]:
    """Return what --json prints."""
    objective, bound, gap = _finite([found.objective, found.bound, found.gap])
    return {"objective": objective, "bound": bound, "gap": gap, "status": "infeasible" if missed else found.status}


def _finite(values: Any) -> list[float | None]:
    """Return numbers as JSON has them: none for what is no number or has no end."""
    return [float(value) if abs(value) < float("inf") else None for value in values]


def _runs(read: "Project", problem: "Problem", plans: "Portfolio", scores: list[Any]) -> list[Any]:
    """Return the plans with the figures that Marxan's files tell."""
    from biodata.analysis.reserves import spacing
    from biodata.formats.marxan_output import Run

    found = []
    for chosen, score in zip(plans.plans, scores, strict=True):
        share = score.within / score.total if score.total > 0 else 0.0
        connected = (score.connectivity, score.total, score.within, score.edge, score.outside, share)
        missed = (score.penalty, score.shortfall, score.missing, score.least_met)
        figures = (score.score, score.cost, score.units, *connected, *missed)
        found.append(Run(chosen, *spacing.held(read, problem, chosen), figures))
    return found


def _write_plan(
    path: Path, read: "Project", found: "Selection", plans: "Portfolio | None", more: dict[str, Any]
) -> None:
    """Write plan.json."""
    objective, bound, gap = _finite([found.objective, found.bound, found.gap])
    ids = read.units["id"].to_list()
    frequency = {} if plans is None else dict(zip(map(str, ids), plans.frequency.tolist(), strict=True))
    told = {
        "objective": objective,
        "bound": bound,
        "gap": gap,
        "status": "infeasible" if more["missed"] else found.status,
        "plan_status": found.status,
        "stopped_by_clock": found.stopped_by_clock or (plans is not None and plans.stopped_by_clock),
        "seconds": round(found.seconds, 3),
        "cost": found.cost,
        "boundary": found.boundary,
        "connectivity": found.connectivity,
        "units": [unit for unit, taken in zip(ids, found.chosen, strict=True) if taken],
        "features": [
            {"name": one.feature, "held": one.held, "need": one.need, "counts_units": one.counts, "met": one.met}
            for one in found.holdings
        ],
        "selection_frequency": {unit: count for unit, count in frequency.items() if count},
        **more,
    }
    path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


class _Watch:
    """A bar over the time that a solution may take, with objective and gap so far; silent where nobody watches."""

    def __init__(self, unit: str, seconds: float) -> None:
        from tqdm.auto import tqdm

        self._began, self._seconds = time.monotonic(), round(seconds)
        self._bar = tqdm(total=self._seconds, unit="s", desc=unit, disable=not show_progress(), leave=False)

    def show_progress(self, objective: float, bound: float) -> None:
        """Show where the solution is."""
        self._bar.n = min(round(time.monotonic() - self._began), self._seconds)
        apart = (objective - bound) / abs(objective) if objective else 0.0
        self._bar.set_postfix_str(f"objective {objective:.6g}, gap {apart:.2%}")

    def __enter__(self) -> "_Watch":
        """Begin."""
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._bar.close()


class _Bar:
    """A bar over things that are counted."""

    def __init__(self, total: int, unit: str) -> None:
        from tqdm.auto import tqdm

        self._bar = tqdm(total=total, unit=unit, disable=not show_progress() or total < 2, leave=False)

    def __enter__(self) -> Callable[[int], None]:
        """Return what is to be called with how many are done."""

        def done(count: int) -> None:
            self._bar.update(count - self._bar.n)

        return done

    def __exit__(self, *_: object) -> None:
        """End."""
        self._bar.close()


UNITS_HELP = """Make planning units: hexagons or squares of equal area, cut at coasts and at the borders of countries.

--out gets input/pu.dat and input/bound.dat (kilometres), units.gpkg with the shapes, and an input.dat where there is
none. A unit costs its area in km², or that times what a square kilometre costs in its country. With spec.dat and
puvspr.dat in the folder input too, `biodata reserves solve` can solve it.

Example: biodata reserves units --countries LA,CN --box 100,20,103,23 --cell-km 10 --shape hexagon --out units
"""


class UnitShape(StrEnum):
    """Shapes of planning units."""

    HEXAGON = "hexagon"
    SQUARE = "square"


ShapeOption = Annotated[UnitShape, typer.Option(help="Shape of a whole unit.")]
CostOption = Annotated[
    list[str] | None,
    typer.Option(help="COUNTRY=COST of a square kilometre, once for each country; 1 where none is named."),
]


def units(
    out: Annotated[Path, typer.Option(help="Folder of the project.", file_okay=False)],
    countries: Annotated[
        str | None, typer.Option(help="Codes or names, with commas; else all that have land in the box.")
    ] = None,
    box: Annotated[
        str | None, typer.Option(help="Only inside west,south,east,north in degrees; west above east goes across ±180.")
    ] = None,
    cell_km: Annotated[float, typer.Option(help="Side of a square, km; a hexagon has the same area.", min=0.01)] = 10,
    shape: ShapeOption = UnitShape.HEXAGON,
    least_share: Annotated[
        float, typer.Option(help="Smaller parts of a whole unit join a neighbour of their country.", min=0, max=1)
    ] = 0.0,
    cost_per_km2: CostOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Cut, write, say."""
    from biodata import places
    from biodata.analysis.reserves import planning_units
    from biodata.exports.engine_inputs import write_project_of_units

    if countries is None and box is None:
        problem = "it is not told where"
        raise InputError(problem, expected="--countries or --box", code="OPTIONS_UNFIT")
    boundaries = places.load_boundaries(settings_for(data).boundaries)
    found = planning_units.cut_at_borders(
        [read_country(one, option="--countries") for one in countries.split(",")] if countries else (),
        boundaries,
        unit_km2=cell_km**2,
        shape=shape.value,
        bounds=read_box(box) if box else None,
        smallest_share=least_share,
    )
    codes = found["country_code"].value_counts()
    rates = read_rates(cost_per_km2 or []) or dict.fromkeys(codes.index, 1.0)
    files = write_project_of_units(
        found, planning_units.costs_by_country(found, rates), out, facts=boundaries.to_dict()
    )
    counted = ", ".join(f"{count:,} {code}" for code, count in codes.sort_index().items())
    say(
        f"{len(found):,} units ({counted}), {found['area_km2'].sum():,.0f} km² → "
        + ", ".join(str(file) for file in files)
    )
    say(
        f"cut by boundary set {boundaries.name} {boundaries.version}, band {boundaries.band_m:g} m: {boundaries.viewpoint}"
    )


def read_rates(texts: list[str]) -> dict[str, float]:
    """Read COUNTRY=COST.

    Raises
    ------
    InputError
        If one is no such text (COST_INVALID), or there is no such country (COUNTRY_UNKNOWN).
    """
    rates = {}
    for text in texts:
        country, _, cost = text.partition("=")
        try:
            value = float(cost)
        except ValueError:
            value = float("nan")
        if not 0 <= value < float("inf"):
            problem = "this is no cost of a country"
            expected = "COUNTRY=COST, such as LA=2.5"
            raise InputError(problem, column="--cost-per-km2", value=text, expected=expected, code="COST_INVALID")
        rates[read_country(country, option="--cost-per-km2")] = value
    return rates
