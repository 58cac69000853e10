"""Engines of kept runs over projects of other programs: Circuitscape, Conefor, Makurhini's ProtConn, and Marxan."""

import hashlib
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl
from tqdm.auto import tqdm

from biodata.core.engine_parameters import Circuit, Network, ProtConn, Reserves
from biodata.core.errors import InputError
from biodata.core.vocabularies import ConnectionKind
from biodata.exports.corridors import write_conefor, write_json, write_tables
from biodata.runs.engines.work import Engine, Outcome, Ready, Work, at_once, input_files
from biodata.store.run_records import RunInput

if TYPE_CHECKING:
    from biodata.analysis.networks.network import Network as ConnectedNodes
    from biodata.analysis.reserves.portfolio import Portfolio
    from biodata.analysis.reserves.problem import Problem
    from biodata.analysis.reserves.selection import Selection
    from biodata.formats.marxan import Project


def circuit(asked: Circuit, work: Work) -> Outcome:
    """Run a project of Circuitscape; the files that it writes are stated by name, size and checksum."""
    from biodata.analysis.circuit.project import read_project
    from biodata.exports.circuits import run_project

    project = read_project(asked.ini)
    inputs = [
        RunInput.of_file("ini", asked.ini),
        *(RunInput.of_file(*named) for named in sorted(project.files.items())),
    ]
    system = project.files["habitat_file"].with_suffix(".prj")  # it goes into what is written
    if system.is_file():
        inputs.append(RunInput.of_file("habitat_prj", system))
    with tempfile.TemporaryDirectory(prefix="biodata-") as made:
        folder = asked.out or Path(made)
        report = run_project(project, folder, executor=work.executor, progress=work.progress)
        rows = [
            {
                "file": str(file.relative_to(folder)),
                "bytes": file.stat().st_size,
                "sha256": RunInput.of_file("", file).sha256,
            }
            for file in sorted(folder.rglob("*"))
            if file.is_file()
        ]
    units = {"advanced": "components", "pairwise": "pairs"}
    missing = f", {report.unconnected} not connected or left out" if report.unconnected else ""
    line = (
        f"{project.scenario}: {report.nodes} nodes in {report.components} components; "
        f"{report.solved} {units.get(project.scenario, 'focal nodes')} solved{missing}; {report.files} files"
    )
    notes = (*(f"note: {note}" for note in report.notes), line)
    return Outcome(tuple(inputs), {"files": pl.DataFrame(rows)}, notes=notes)


def network(asked: Network, work: Work) -> Ready:
    """Read Conefor's files; the tables of nodes, links and the whole are the results."""
    from biodata.analysis.networks.graphs import parameters_of
    from biodata.analysis.networks.network import analyse, estimate
    from biodata.formats.conefor import contradicted, read_connections, read_nodes

    known = ("PC", "IIC")
    if not set(asked.index) <= set(known):
        problem, text = "there is no such index", ", ".join(asked.index)
        raise InputError(problem, column="index", value=text, expected=" or ".join(known), code="PARAMETERS_INVALID")
    kind = asked.kind
    if kind is None and (asked.distance is not None or (asked.threshold is not None and asked.threshold > 1)):
        kind = ConnectionKind.DISTANCE
    nodes = read_nodes(asked.nodes)
    read = read_connections(asked.connections, nodes, kind=kind, layout=asked.layout)
    again = contradicted(read)
    used = asked.model_dump(include={"distance", "probability", "threshold", "total_area"})
    chosen: dict[str, Any] = {
        "indices": list(asked.index), "importances": not asked.only_overall, "links": not asked.no_links
    }  # fmt: skip

    def run() -> Outcome:
        found = analyse(
            nodes, read, **used, **chosen, between=asked.between, paths=asked.paths, executor=work.executor,
            progress=work.progress,
        )  # fmt: skip
        if asked.out is not None:
            write_json(found, asked.out)
        if asked.conefor is not None:
            write_conefor(found, asked.conefor)
        with tempfile.TemporaryDirectory(prefix="biodata-") as folder:
            tables = {path.stem: pl.read_csv(path) for path in write_tables(found, asked.tables or Path(folder))}
        return Outcome(input_files(asked), tables, notes=tuple(_network_lines(found)))

    notes = (f"{again} pairs stand again with another value; of each the best way counts",) if again else ()
    return Ready(
        run, notes,
        lambda: estimate(nodes, read, parameters_of(read.kind, **used), workers=work.workers, **chosen),
    )  # fmt: skip


def _network_lines(network: "ConnectedNodes") -> list[str]:
    """Return the indices and the nodes that matter most, as lines for a person."""
    used = {name: value for name, value in network.parameters.items() if value is not None}
    lines = [", ".join(f"{name} {value if isinstance(value, str) else f'{value:g}'}" for name, value in used.items())]
    lines += [f"{name:>8} {value:.10g}" for name, value in network.overall.items() if value is not None]
    for name in ("dPC", "dIIC"):
        if name in network.nodes and network.nodes[name].notna().any():
            first = network.nodes.sort_values(name, ascending=False, kind="stable").head(5)
            text = ", ".join(f"{node} {worth:.4g} %" for node, worth in zip(first["node"], first[name], strict=True))
            lines.append(f"{name:>8} {text}")
    for path in network.paths:
        chance = f", probability {path['probability']:.6g}" if "probability" in path else ""
        lines.append(f"    path {' - '.join(map(str, path['nodes']))}{chance}")
    return [*lines, f"{len(network.nodes)} nodes, {len(network.links)} links"]


_UNITS: Final = {"EC(PC)": " km²", "PC": "", "Maximum landscape attribute": " km²", "Protected surface": " km²"}
"""Of the values that are no percents."""


def protconn(asked: ProtConn, work: Work) -> Outcome:
    """Compute ProtConn of a country or a landscape, cut once, for each distance."""
    from biodata import places
    from biodata.analysis.layers import read_polygons
    from biodata.analysis.networks.protconn import of_pieces, reach_of
    from biodata.analysis.networks.protconn_pieces import cut

    if (asked.country is None) == (asked.region is None):
        problem = "the region is told neither or both ways"
        raise InputError(problem, expected="either --country CODE or --region FILE", code="OPTION_MISSING")
    if not all(0 < distance < float("inf") for distance in asked.distance_m):
        problem = "a distance is not positive"
        raise InputError(problem, column="distance_m", code="OPTION_INVALID")
    boundaries = places.load_boundaries(work.settings.boundaries) if asked.country else None
    land: Any = (
        places.country_geometry(asked.country, boundaries)
        if asked.country and boundaries
        else read_polygons([asked.region] if asked.region else [])
    )
    parks = read_polygons(asked.areas)
    lines = [
        f"{file}: {count} rows are no polygons and were left out" for file, count in parks.attrs["left_out"].items()
    ]
    pieces = cut(
        parks, land,
        transboundary_m=None if asked.transboundary_m < 0 else asked.transboundary_m,
        reach_m=max(reach_of(distance, asked.probability) for distance in asked.distance_m),
    )  # fmt: skip
    found = []
    for distance in asked.distance_m:
        values = of_pieces(pieces, distance_m=distance, probability=asked.probability).as_dict()
        found.append({"distance_m": distance, "probability": asked.probability, **values})
        lines.append(f"distance {distance:g} m, probability {asked.probability:g}")
        for name, value in values.items():
            unit = _UNITS.get(name, " %" if isinstance(value, float) else "")
            lines.append(f"{name:>28} {value:,.4f}{unit}" if isinstance(value, float) else f"{name:>28} {value}")
    facts: dict[str, Any] = {"plane": pieces.crs.to_string(), "units": "areas in km², the others in percent"}
    if boundaries:
        facts["boundaries"] = boundaries.to_dict()
    if asked.out is not None:
        asked.out.write_text(json.dumps({**facts, "results": found}, indent=2, ensure_ascii=False), encoding="utf-8")
    drawn = hashlib.sha256(b"".join(parks.geometry.to_wkb())).hexdigest()
    inputs = (
        RunInput("areas", drawn, ", ".join(path.name for path in asked.areas)),
        *input_files(asked, leave=("areas",)),
    )
    return Outcome(inputs, {"protconn": pl.DataFrame(found)}, notes=tuple(lines))


def reserves(asked: Reserves, work: Work) -> Outcome:
    """Solve a project of Marxan; tables of the plan, its units and its features are the results."""
    from biodata.formats.marxan import read_project

    project = read_project(asked.project)
    inputs = tuple(RunInput.of_file(file.name, file) for file in project.files)
    if work.executor is None:
        tables, notes = _solved_project(asked, work.seed, progress=work.progress)
    else:
        tables, notes = work.executor.submit(_solved_project, asked, work.seed, progress=work.progress).result()
    return Outcome(inputs, tables, notes=notes)


def _solved_project(asked: Reserves, seed: int, *, progress: bool) -> tuple[dict[str, pl.DataFrame], tuple[str, ...]]:
    """Read, solve and write a project; a function of its own, so that another process can call it."""
    from biodata.analysis.reserves import marxan_problem, portfolio, spacing
    from biodata.formats import marxan, marxan_output

    read = marxan.read_project(asked.project)
    problem = marxan_problem.to_problem(read)
    penalties = marxan_problem.penalties(read, problem)
    wanted, missed = marxan_problem.solvable(problem, read)
    spacing.rules(read)  # what is wrong with them is stated before the work
    seed = max(int(read.inputs.number("RANDSEED", 0)), 0) or seed
    with tqdm(desc="gap", unit="bound", disable=not progress, leave=False) as bar:

        def show(objective: float, bound: float) -> None:
            apart = (objective - bound) / abs(objective) if objective else 0.0
            bar.set_postfix_str(f"objective {objective:.6g}, gap {apart:.2%}")
            bar.update()

        best, wanted, left_out = spacing.solve_project(
            read, wanted, gap=asked.gap, seconds=asked.seconds, threads=asked.threads, seed=seed, progress=show
        )
    notes, missed = list(read.notes), [*missed, *left_out]
    if asked.out is not None:
        asked.out.mkdir(parents=True, exist_ok=True)
    if best.status in ("infeasible", "no_plan"):
        if asked.out is not None:
            why = {"missed": [*missed, *best.problems], "notes": notes}
            _write_plan(asked.out / "plan.json", read, best, None, why)
        raise no_plan(best, asked.project, asked.seconds)
    runs = asked.runs or max(int(read.inputs.number("NUMREPS", 1)), 1)
    plans = portfolio.more_plans(wanted, best, plans=runs, seed=seed, seconds=asked.seconds / 2, progress=progress)
    plans = spacing.mended(read, problem, plans)
    scores = [marxan_problem.score(read, problem, penalties, chosen) for chosen in plans.plans]
    state = f"{best.status}: objective {best.objective:.10g}, bound {best.bound:.10g}, gap {best.gap:.4%}"
    lines = [*missed, *notes, state]
    if asked.out is not None:
        written = _runs(read, problem, plans, scores)
        marxan_output.write_outputs(read, written, asked.out, [f"biodata: {state}", *lines[:-1]], penalties=penalties)
        more: dict[str, Any] = {
            "missed": missed, "notes": notes, "marxan_score": scores[0].score, "marxan_penalty": scores[0].penalty,
            "runs": len(plans.plans),
        }  # fmt: skip
        _write_plan(asked.out / "plan.json", read, best, plans, more)
    distinct = len({chosen.tobytes() for chosen in plans.plans})
    lines.append(
        f"{int(best.chosen.sum())} of {problem.units} units, cost {best.cost:.10g}, boundary {scores[0].connectivity:.10g}; "
        f"Marxan's score {scores[0].score:.10g}"
    )
    lines.append(f"{sum(holding.met for holding in best.holdings)} of {len(best.holdings)} targets met")
    lines.append(
        f"{len(plans.plans)} plans" + (f", {distinct} of them different" if distinct < len(plans.plans) else "")
    )
    figures = ("status", "stopped_by_clock", "objective", "bound", "gap", "cost", "boundary", "connectivity")
    told_of = ("feature", "held", "need", "counts", "met")
    tables = {
        "plan": pl.DataFrame([{name: getattr(best, name) for name in figures}]),
        "units": pl.DataFrame({"unit": read.units["id"], "in_plan": best.chosen, "frequency": plans.frequency}),
        "features": pl.DataFrame([{name: getattr(one, name) for name in told_of} for one in best.holdings]),
    }
    return tables, tuple(lines)


def no_plan(found: "Selection", project: Path, seconds: float) -> InputError:
    """Return the error that states why there is no plan."""
    why = "; ".join(found.problems) or f"none was found in {seconds:g} seconds"
    return InputError(f"there is no plan: {why}", file=str(project), code="PROBLEM_INFEASIBLE")


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
    facts = {
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
    path.write_text(json.dumps(facts, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _finite(values: Any) -> list[float | None]:
    """Return numbers as JSON has them: none for what is no number or has no end."""
    return [float(value) if abs(value) < float("inf") else None for value in values]


CIRCUIT: Final = Engine(Circuit, at_once(circuit))
NETWORK: Final = Engine(Network, network)
PROTCONN: Final = Engine(ProtConn, at_once(protconn))
RESERVES: Final = Engine(Reserves, at_once(reserves))
