"""Engines of kept runs that read files alone: resistance from layers; Circuitscape, Conefor and Marxan projects."""

import hashlib
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from biodata.core.errors import InputError
from biodata.core.run_parameters import Circuit, Network, Reserves, Resistance
from biodata.core.vocabularies import ConnectionKind
from biodata.exports.corridors import write_conefor, write_json, write_tables
from biodata.runs.engines.work import Engine, Outcome, Ready, Work, at_once, input_files
from biodata.store.run_records import RunInput

if TYPE_CHECKING:
    from biodata.analysis.networks.network import Network as ConnectedNodes


def resistance(asked: Resistance, work: Work) -> Outcome:
    """Make the resistance of every species of a table; its cells' checksum, range and counts are the results."""
    from biodata.analysis.resistance_rules import read_rules
    from biodata.runs.layer_folder import LayerFolder

    inputs = [RunInput.of_file("table", asked.table)]
    with LayerFolder(asked.layers, progress=work.progress) as folder:
        tasks = []
        for rules in read_rules(asked.table).values():
            found = folder.find(rules.layers, asked.use or {})
            inputs += [
                RunInput(f"layer {name}", one.sha256, f"{one.name}, {one.version}") for name, one in found.items()
            ]
            tasks.append((rules, found, asked))
        # In the order of the species, whoever is ready first.
        if work.executor is None:
            rows = [_resistance_of(*task, progress=work.progress) for task in tasks]
        else:
            futures = [work.executor.submit(_resistance_of, *task) for task in tasks]
            rows = [future.result() for future in futures]
    return Outcome(tuple(dict.fromkeys(inputs)), {"resistance": pl.DataFrame(rows)})


def _resistance_of(rules: Any, layers: Any, asked: Resistance, *, progress: bool = False) -> dict[str, Any]:
    """Make the resistance of one species; a function of its own, so that another process can call it."""
    import numpy as np

    from biodata.analysis.layers import grid_of
    from biodata.analysis.resistance import from_rules
    from biodata.exports.cog import file_name_of, resistance_tags, write_cog

    cell_m, resampling = asked.cell_m, asked.resampling
    grid = grid_of(layers, cell_m=cell_m, box=asked.box)
    made = from_rules(rules, layers, grid, resampling=resampling, progress=progress)
    if asked.out is not None:
        asked.out.mkdir(parents=True, exist_ok=True)
        tags = resistance_tags(made, rules, layers, cell_m=cell_m, resampling=resampling)
        write_cog(made.resistance, grid, asked.out / f"{file_name_of(rules.species or 'resistance')}.tif", tags=tags)
    known = made.resistance[np.isfinite(made.resistance)]
    return {
        "species": rules.species,
        "table_version": rules.version,
        "sha256": hashlib.sha256(np.ascontiguousarray(made.resistance).tobytes()).hexdigest(),
        "rows": grid.shape[0],
        "columns": grid.shape[1],
        "cells": int(known.size),
        "lowest": float(known.min()) if known.size else None,
        "mean": float(known.mean()) if known.size else None,
        "highest": float(known.max()) if known.size else None,
        "counts": json.dumps(dict(made.counts), sort_keys=True),
    }


def circuit(asked: Circuit, work: Work) -> Outcome:
    """Run a project of Circuitscape; the files that it writes are told by name, size and checksum."""
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
        report = run_project(project, folder, solver=asked.solver, executor=work.executor, progress=work.progress)
        rows = [
            {
                "file": str(file.relative_to(folder)),
                "bytes": file.stat().st_size,
                "sha256": RunInput.of_file("", file).sha256,
            }
            for file in sorted(folder.rglob("*"))
            if file.is_file()
        ]
    return Outcome(tuple(inputs), {"files": pl.DataFrame(rows)}, notes=tuple(report.notes))


def network(asked: Network, work: Work) -> Ready:
    """Read Conefor's files; the tables of nodes, links and the whole are the results."""
    from biodata.analysis.networks.graphs import parameters_of
    from biodata.analysis.networks.network import analyse, estimate
    from biodata.formats.conefor import contradicted, read_connections, read_nodes

    known = ("PC", "IIC")
    if not set(asked.index) <= set(known):
        problem, told = "there is no such index", ", ".join(asked.index)
        raise InputError(problem, column="index", value=told, expected=" or ".join(known), code="PARAMETERS_INVALID")
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
        return Outcome(input_files(asked), tables, notes=tuple(_lines(found)))

    notes = (f"{again} pairs stand again with another value; of each the best way counts",) if again else ()
    return Ready(
        run, notes,
        lambda: estimate(nodes, read, parameters_of(read.kind, **used), workers=work.workers, **chosen).message(),
    )  # fmt: skip


def _lines(network: "ConnectedNodes") -> list[str]:
    """Return the indices and the nodes that matter most, as lines for a person."""
    used = {name: value for name, value in network.parameters.items() if value is not None}
    lines = [", ".join(f"{name} {value if isinstance(value, str) else f'{value:g}'}" for name, value in used.items())]
    lines += [f"{name:>8} {value:.10g}" for name, value in network.overall.items() if value is not None]
    for name in ("dPC", "dIIC"):
        if name in network.nodes and network.nodes[name].notna().any():
            first = network.nodes.sort_values(name, ascending=False, kind="stable").head(5)
            told = ", ".join(f"{node} {worth:.4g} %" for node, worth in zip(first["node"], first[name], strict=True))
            lines.append(f"{name:>8} {told}")
    for path in network.paths:
        chance = f", probability {path['probability']:.6g}" if "probability" in path else ""
        lines.append(f"    path {' - '.join(map(str, path['nodes']))}{chance}")
    return [*lines, f"{len(network.nodes)} nodes, {len(network.links)} links"]


def reserves(asked: Reserves, work: Work) -> Outcome:
    """Solve a project of Marxan; tables of the plan, its units and its features are the results."""
    from biodata.formats.marxan import read_project

    project = read_project(asked.project)
    inputs = tuple(RunInput.of_file(file.name, file) for file in project.files)
    if work.executor is None:
        tables, notes = _solved_project(asked, work.seed)
    else:
        tables, notes = work.executor.submit(_solved_project, asked, work.seed).result()
    return Outcome(inputs, tables, notes=notes)


def _solved_project(asked: Reserves, seed: int) -> tuple[dict[str, pl.DataFrame], tuple[str, ...]]:
    """Read and solve a project; a function of its own, so that another process can call it."""
    from biodata.analysis.reserves import marxan_problem, portfolio, spacing
    from biodata.formats.marxan import read_project

    project = read_project(asked.project)
    problem = marxan_problem.to_problem(project)
    wanted, missed = marxan_problem.solvable(problem, project)
    best, wanted, left_out = spacing.solve_project(project, wanted, gap=asked.gap, seconds=asked.seconds, seed=seed)
    if best.status in ("infeasible", "no_plan"):
        why = "; ".join(best.problems) or f"no plan was found in {asked.seconds:g} seconds"
        told = f"there is no plan: {why}"
        raise InputError(told, file=str(asked.project), code="PROBLEM_INFEASIBLE")
    plans = portfolio.more_plans(wanted, best, plans=asked.plans, seed=seed, seconds=asked.seconds / 2)
    plans = spacing.mended(project, problem, plans)
    figures = ("status", "stopped_by_clock", "objective", "bound", "gap", "cost", "boundary", "connectivity")
    told_of = ("feature", "held", "need", "counts", "met")
    tables = {
        "plan": pl.DataFrame([{name: getattr(best, name) for name in figures}]),
        "units": pl.DataFrame({"unit": project.units["id"], "in_plan": best.chosen, "frequency": plans.frequency}),
        "features": pl.DataFrame([{name: getattr(one, name) for name in told_of} for one in best.holdings]),
    }
    return tables, (*missed, *left_out, *project.notes)


RESISTANCE: Final = Engine(Resistance, at_once(resistance))
CIRCUIT: Final = Engine(Circuit, at_once(circuit))
NETWORK: Final = Engine(Network, network)
RESERVES: Final = Engine(Reserves, at_once(reserves))
