"""`biodata reserves`, Marxan's projects solved exactly or to a certified gap, and `biodata analysis-inputs`."""

import json
import math
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from biodata.cli import options as common
from biodata.cli.engine_options import add_engine, run_engine
from biodata.core.engine_parameters import Reserves
from biodata.core.errors import InputError

if TYPE_CHECKING:
    from biodata.analysis.reserves.problem import Problem
    from biodata.analysis.reserves.selection import Selection
    from biodata.exports.engine_inputs import Written
    from biodata.store.releases import Release


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    group = typer.Typer(help="Select reserves: make planning units, solve Marxan's projects.", no_args_is_help=True)
    add_engine(group, "solve", solve, Reserves, arguments=("project",))
    group.command(name="explain")(explain)
    group.command(name="units")(units)
    app.add_typer(group, name="reserves")
    common.add_group(app, "analysis-inputs", _INPUTS, conefor, circuitscape, marxan)


ProjectArgument = Annotated[Path, typer.Argument(help="Folder with input.dat, or that file.", metavar="DIR")]
GapOption = Annotated[
    float, typer.Option(help="Stop within this share of the best plan; 0 is the best plan.", min=0, max=1)
]
SecondsOption = Annotated[float, typer.Option(help="Stop after about this time.", min=1)]


def solve(
    asked: dict[str, Any],
    data: common.KeepOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print objective, bound, gap and status only.")] = False,
) -> None:
    """Solve a Marxan project: the cheapest plan that meets every target, with a bound on how good a plan can be.

    DIR has input.dat and the files that it names. Marxan's output files and plan.json go into --out. Further runs
    (NUMREPS) are other good plans. A target that cannot be met is named, and charged by SPF as Marxan does; everything
    else is met, target2, sepdistance and sepnum too. plan.json says whether the clock stopped it, so that a repeat may
    differ.

    Example: biodata reserves solve sample_data/planning/marxan --out plan --gap 0.01
    """
    tell = partial(typer.echo, err=True) if as_json else common.say
    failure: InputError | None = None
    try:
        run_engine("reserves", asked, data=data, seed=0, kind="here", tell=tell)
    except InputError as error:
        failure = error
        if error.code != "PROBLEM_INFEASIBLE":
            raise
    if as_json and "out" in asked:
        plan = json.loads((Path(asked["out"]) / "plan.json").read_text(encoding="utf-8"))
        common.say(json.dumps({name: plan[name] for name in ("objective", "bound", "gap", "status")}))
    if failure is not None:
        raise failure


def explain(
    project: ProjectArgument,
    unit: Annotated[str, typer.Argument(help="Identifier of a planning unit.")],
    instead_of: Annotated[str | None, typer.Option(help="A unit of the plan that it could replace.")] = None,
    gap: GapOption = 0.0,
    seconds: SecondsOption = 60.0,
) -> None:
    """Tell why a planning unit is in the plan, or why it is not, and how another would do in its place.

    Example: biodata reserves explain sample_data/planning/marxan 12 --instead-of 22
    """
    from biodata.analysis.reserves import marxan_problem, portfolio, spacing
    from biodata.formats import marxan
    from biodata.runs.engines.projects import no_plan

    read = marxan.read_project(project)
    problem, _ = marxan_problem.solvable(marxan_problem.to_problem(read), read)
    places = {name: place for place, name in enumerate(problem.unit_names)}
    for name in filter(None, (unit, instead_of)):
        if name not in places:
            text = "there is no such planning unit"
            raise InputError(text, file=str(project), column="id", value=name, code="ID_UNKNOWN")
    found, problem, _ = spacing.solve_project(read, problem, gap=gap, seconds=seconds)
    if found.status in ("infeasible", "no_plan"):
        raise no_plan(found, project, seconds)
    if instead_of is not None:
        _refuse_exchange(problem, found, places[instead_of], places[unit], project)
    explanation = portfolio.explain(problem, found, places[unit], gap=gap, seconds=seconds)
    common.say(explanation.text)
    if explanation.supplies:
        best = sorted(explanation.supplies.items(), key=lambda item: -item[1])[:10]
        common.say("It holds " + ", ".join(f"{share:.1%} of the target of {name}" for name, share in best) + ".")
    if instead_of is not None:
        change, short = portfolio.exchange(problem, found, places[instead_of], places[unit])
        lost = ", ".join(f"{one.feature} ({one.held:.6g} of {one.need:.6g})" for one in short)
        common.say(
            f"In the place of {instead_of} it changes the objective by {change:+.6g}; the plan then misses {lost or 'nothing'}."
        )


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
    box: common.BoxOption = None,
    cell_km: Annotated[float, typer.Option(help="Side of a square, km; a hexagon has the same area.", min=0.01)] = 10,
    shape: ShapeOption = UnitShape.HEXAGON,
    cost_per_km2: CostOption = None,
    data: common.DataOption = common.DEFAULT_DATA,
) -> None:
    """Make planning units: hexagons or squares of equal area, cut at coasts and at the borders of countries.

    --out gets input/pu.dat and input/bound.dat (kilometres), units.gpkg with the shapes, and an input.dat where there is
    none. A unit costs its area in km², or that times what a square kilometre costs in its country. With spec.dat and
    puvspr.dat in the folder input too, `biodata reserves solve` can solve it.

    Example: biodata reserves units --countries LA,CN --box 100,20,103,23 --cell-km 10 --shape hexagon --out units
    """
    from biodata import places
    from biodata.analysis.reserves import planning_units
    from biodata.exports.marxan_inputs import write_project_of_units

    if countries is None and box is None:
        problem = "it is not told where"
        raise InputError(problem, expected="--countries or --box", code="OPTIONS_UNFIT")
    boundaries = places.load_boundaries(common.settings_for(data).boundaries)
    found = planning_units.cut_at_borders(
        [common.read_country(one, option="--countries") for one in countries.split(",")] if countries else (),
        boundaries,
        unit_km2=cell_km**2,
        shape=shape.value,
        bounds=common.read_box(box) if box else None,
    )
    codes = found["country_code"].value_counts()
    rates = read_rates(cost_per_km2 or []) or dict.fromkeys(codes.index, 1.0)
    files = write_project_of_units(
        found, planning_units.costs_by_country(found, rates), out, facts=boundaries.to_dict()
    )
    counted = ", ".join(f"{count:,} {code}" for code, count in codes.sort_index().items())
    common.say(
        f"{len(found):,} units ({counted}), {found['area_km2'].sum():,.0f} km² → "
        + ", ".join(str(file) for file in files)
    )
    common.say(
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
        rates[common.read_country(country, option="--cost-per-km2")] = value
    return rates


_INPUTS = """Write what is published as a project of another program, which `biodata reserves`, `network` and `circuit` read too.

Only the current release is read: a place that was made coarser stays so. key.csv tells what stands behind each number.

Example: biodata analysis-inputs marxan --data biodata_data --box 101,20,103,22 --side-m 10000 --out marxan
"""
OutOption = Annotated[Path, typer.Option(help="Folder to write into.", file_okay=False)]


def conefor(
    out: OutOption,
    data: common.DataOption = common.DEFAULT_DATA,
    reach_m: Annotated[float | None, typer.Option(help="Pairs farther apart are left out, metres.", min=0)] = None,
    box: common.BoxOption = None,
    corridors: Annotated[
        bool, typer.Option("--corridors", help="Distances are the least costs of the published corridors.")
    ] = False,
) -> None:
    """Write protected areas as nodes (km²) and the distances between them (metres): nodes.txt, distances.txt.

    Example: biodata analysis-inputs conefor --data biodata_data --reach-m 50000 --out conefor
    """
    from biodata.exports.engine_inputs import write_conefor

    release = common.current_release(data)
    written = write_conefor(
        release, out, reach_m=math.inf if reach_m is None else reach_m, box=common.read_box(box) if box else None,
        corridors=corridors,
    )  # fmt: skip
    _print_written(release, written, out)


def circuitscape(
    raster: Annotated[Path, typer.Option(help="Resistance, as `biodata resistance` writes it.")],
    out: OutOption,
    data: common.DataOption = common.DEFAULT_DATA,
    points: Annotated[bool, typer.Option("--points", help="One cell in each area, not all of them.")] = False,
) -> None:
    """Write a resistance raster and the protected areas on it: circuit.ini, resistance.asc, focal_regions.asc.

    Example: biodata analysis-inputs circuitscape --data biodata_data --raster sample_data/planning/resistance.tif --out circuit
    """
    from biodata.analysis import rasters
    from biodata.exports.engine_inputs import write_circuitscape

    release = common.current_release(data)
    _print_written(release, write_circuitscape(release, rasters.read(raster), out, points=points), out)


def marxan(
    out: OutOption,
    box: Annotated[str, typer.Option(help="West,south,east,north in degrees.")],
    side_m: Annotated[
        float, typer.Option(help="Side of a square unit, metres; a hexagon has the same area.", min=100)
    ] = 10_000,
    shape: ShapeOption = UnitShape.SQUARE,
    data: common.DataOption = common.DEFAULT_DATA,
    country: Annotated[
        list[str] | None, typer.Option(help="Only units on the land of this country: a code or a name.")
    ] = None,
    cost_per_km2: CostOption = None,
    target: Annotated[float, typer.Option(help="Share of each species' units to hold.", min=0, max=1)] = 0.3,
    least_units: Annotated[int, typer.Option(help="Species in fewer units are left out.", min=1)] = 1,
    locked_in: Annotated[
        float, typer.Option(help="Units with this share of protected ground are locked in; above 1 for none.", min=0)
    ] = 0.5,
    blm: Annotated[float, typer.Option(help="Boundary length modifier.", min=0)] = 0.0,
) -> None:
    """Write planning units, species and where they are: input.dat, pu, spec, puvspr and bound; and units.gpkg.

    Units are cut at the borders of countries and cost their area.

    Example: biodata analysis-inputs marxan --data biodata_data --box 101,20,103,22 --side-m 10000 --out marxan
    """
    from biodata import places
    from biodata.exports.marxan_inputs import MarxanRequest, write_marxan

    release = common.current_release(data)
    request = MarxanRequest(
        common.read_box(box), side_m, target, least_units, locked_in, tuple(common.read_country(one, option="--country") for one in country or ()), boundary_modifier=blm,
        shape=shape.value, cost_per_km2=read_rates(cost_per_km2 or []),
    )  # fmt: skip
    boundaries = places.load_boundaries(common.settings_for(data).boundaries)
    _print_written(release, write_marxan(release, request, out, boundaries=boundaries), out)


def _print_written(release: "Release", written: "Written", out: Path) -> None:
    """Say what was written."""
    counted = ", ".join(f"{count} {name}" for name, count in written.counts.items() if count)
    common.say(f"release {release.id}: {counted} → {out}: {', '.join(file.name for file in written.files)}")
