"""Engines of kept runs that read files alone: resistance from layers; Circuitscape, Conefor and Marxan projects."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from biodata.errors import InputError
from biodata.run_engines.work import Engine, Outcome, Parameters, Work, parameter
from biodata.run_records import RunInput

_OF_RESISTANCE: Final = Parameters(
    ("table", "layers"),
    MappingProxyType(dict.fromkeys(("use", "cell_m", "box", "out")) | {"resampling": "mode"}),
    paths=frozenset({"table", "layers"}),
    outputs=frozenset({"out"}),
)


def resistance(work: Work) -> Outcome:
    """Make the resistance of every species of a table; its cells' checksum, range and counts are the results.

    Parameters are `table` and `layers` (paths), and optionally `use` (mapping of layer to name), `cell_m`, `box` (west,
    south, east, north), `resampling` and `out` (a folder that gets a GeoTIFF for each species).
    """
    from biodata.analysis.resistance_rules import read_rules
    from biodata.pipeline.layer_folder import LayerFolder

    table, layers = Path(parameter(work, "table", str)), Path(parameter(work, "layers", str))
    box = parameter(work, "box", list | tuple | None)
    if box is not None and not (len(box) == 4 and all(isinstance(edge, int | float) for edge in box)):
        problem, expected = "the parameter is no box", "[west, south, east, north]"
        raise InputError(problem, column="box", value=str(box), expected=expected, code="PARAMETERS_INVALID")
    choices = {
        "box": box,
        "cell_m": parameter(work, "cell_m", int | float | None),
        "resampling": parameter(work, "resampling", str),
        "out": parameter(work, "out", str | None),
    }
    inputs = [RunInput.of_file("table", table)]
    with LayerFolder(layers, progress=work.progress) as folder:
        tasks = []
        for rules in read_rules(table).values():
            found = folder.find(rules.layers, parameter(work, "use", dict | None) or {})
            inputs += [
                RunInput(f"layer {name}", one.sha256, f"{one.name}, {one.version}") for name, one in found.items()
            ]
            tasks.append((rules, found, choices))
        # In the order of the species, whoever is ready first.
        if work.executor is None:
            rows = [_resistance_of(*task, progress=work.progress) for task in tasks]
        else:
            futures = [work.executor.submit(_resistance_of, *task) for task in tasks]
            rows = [future.result() for future in futures]
    return Outcome(tuple(dict.fromkeys(inputs)), {"resistance": pl.DataFrame(rows)})


def _resistance_of(rules: Any, layers: Any, choices: Mapping[str, Any], *, progress: bool = False) -> dict[str, Any]:
    """Make the resistance of one species; a function of its own, so that another process can call it."""
    import numpy as np

    from biodata.analysis.layers import grid_of
    from biodata.analysis.resistance import from_rules
    from biodata.exports.cog import file_name_of, resistance_tags, write_cog

    cell_m, resampling = choices["cell_m"], choices["resampling"]
    grid = grid_of(layers, cell_m=cell_m, box=tuple(choices["box"]) if choices["box"] else None)
    made = from_rules(rules, layers, grid, resampling=resampling, progress=progress)
    if choices["out"]:
        folder = Path(choices["out"])
        folder.mkdir(parents=True, exist_ok=True)
        tags = resistance_tags(made, rules, layers, cell_m=cell_m, resampling=resampling)
        write_cog(made.resistance, grid, folder / f"{file_name_of(rules.species or 'resistance')}.tif", tags=tags)
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


_OF_CIRCUIT: Final = Parameters(
    ("ini",),
    MappingProxyType({"solver": "auto", "out": None}),
    paths=frozenset({"ini"}),
    outputs=frozenset({"out"}),
)


def circuit(work: Work) -> Outcome:
    """Run a project of Circuitscape; the files that it writes are told by name, size and checksum.

    Parameters are `ini` (path), and optionally `solver` and `out` (a folder that keeps the files).
    """
    import tempfile

    from biodata.analysis.circuit.project import read_project
    from biodata.exports.circuits import run_project

    ini = Path(parameter(work, "ini", str))
    project = read_project(ini)
    inputs = [RunInput.of_file("ini", ini), *(RunInput.of_file(*named) for named in sorted(project.files.items()))]
    system = project.files["habitat_file"].with_suffix(".prj")  # it goes into what is written
    if system.is_file():
        inputs.append(RunInput.of_file("habitat_prj", system))
    with tempfile.TemporaryDirectory(prefix="biodata-") as made:
        folder = Path(parameter(work, "out", str | None) or made)
        solver = parameter(work, "solver", str)
        report = run_project(project, folder, solver=solver, executor=work.executor, progress=work.progress)
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


_OF_NETWORK: Final = Parameters(
    ("nodes", "connections"),
    MappingProxyType(
        dict.fromkeys(("kind", "distance", "probability", "threshold", "total_area", "between"))
        | {"importances": True, "links": True, "paths": 3}
    ),
    paths=frozenset({"nodes", "connections"}),
)


def network(work: Work) -> Outcome:
    """Analyse Conefor's files; the tables of nodes, links and the whole are the results.

    Parameters are `nodes` and `connections` (paths), and optionally those of `analysis.network.analyse`.
    """
    import tempfile

    from biodata.analysis.networks.network import analyse
    from biodata.exports.corridors import write_tables
    from biodata.formats.conefor import read_connections, read_nodes
    from biodata.formats.conefor_options import Kind

    files = {name: Path(parameter(work, name, str)) for name in ("nodes", "connections")}
    nodes = read_nodes(files["nodes"])
    choices = {k: v for k, v in work.parameters.items() if k not in ("nodes", "connections", "kind")}
    told = parameter(work, "kind", str | None)
    connections = read_connections(files["connections"], nodes, kind=None if told is None else Kind(told))
    found = analyse(nodes, connections, executor=work.executor, progress=work.progress, **choices)
    with tempfile.TemporaryDirectory(prefix="biodata-") as folder:
        tables = {path.stem: pl.read_csv(path) for path in write_tables(found, Path(folder))}
    return Outcome(tuple(RunInput.of_file(name, path) for name, path in files.items()), tables)


_OF_RESERVES: Final = Parameters(
    ("project",),
    MappingProxyType({"gap": 0.0, "seconds": 300.0, "plans": 1, "objective": "minimum_set", "budget": None}),
    paths=frozenset({"project"}),
)


def reserves(work: Work) -> Outcome:
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
        tables, notes = _solved_project(folder, choices, work.seed)
    else:
        tables, notes = work.executor.submit(_solved_project, folder, choices, work.seed).result()
    return Outcome(inputs, tables, notes=notes)


def _solved_project(
    folder: Path, choices: Mapping[str, Any], seed: int
) -> tuple[dict[str, pl.DataFrame], tuple[str, ...]]:
    """Read and solve a project; a function of its own, so that another process can call it."""
    from biodata.analysis.reserves import marxan_problem, portfolio, spacing
    from biodata.formats.marxan import read_project

    project = read_project(folder)
    problem = marxan_problem.to_problem(project, objective=choices["objective"], budget=choices["budget"])
    asked, missed = marxan_problem.solvable(problem, project, objective=choices["objective"])
    best, asked, left_out = spacing.solve_project(
        project, asked, objective=choices["objective"], gap=choices["gap"], seconds=choices["seconds"], seed=seed
    )
    if best.status in ("infeasible", "no_plan"):
        why = "; ".join(best.problems) or f"no plan was found in {choices['seconds']:g} seconds"
        told = f"there is no plan: {why}"
        raise InputError(told, file=str(folder), code="PROBLEM_INFEASIBLE")
    plans = portfolio.more_plans(asked, best, plans=choices["plans"], seed=seed, seconds=choices["seconds"] / 2)
    plans = spacing.mended(project, problem, plans, choices["objective"])
    figures = ("status", "stopped_by_clock", "objective", "bound", "gap", "cost", "boundary", "connectivity")
    told_of = ("feature", "held", "need", "counts", "met")
    tables = {
        "plan": pl.DataFrame([{name: getattr(best, name) for name in figures}]),
        "units": pl.DataFrame({"unit": project.units["id"], "in_plan": best.chosen, "frequency": plans.frequency}),
        "features": pl.DataFrame([{name: getattr(one, name) for name in told_of} for one in best.holdings]),
    }
    return tables, (*missed, *left_out, *project.notes)


RESISTANCE: Final = Engine(_OF_RESISTANCE, resistance)
CIRCUIT: Final = Engine(_OF_CIRCUIT, circuit)
NETWORK: Final = Engine(_OF_NETWORK, network)
RESERVES: Final = Engine(_OF_RESERVES, reserves)
