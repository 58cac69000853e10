"""Engines by name, each called in one way, so that any run can be kept, repeated and compared."""

import hashlib
import json
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from biodata import run_records
from biodata.errors import InputError
from biodata.run_comparison import Comparison, compare
from biodata.run_records import RunInput, RunRecord
from biodata.settings import Settings


@dataclass(frozen=True, slots=True)
class Work:
    """What an engine is handed.

    Attributes
    ----------
    settings : Settings
        The installation.
    parameters : mapping
        Plain values.
    seed : int
        Start of every random number.
    executor : concurrent.futures.Executor or None
        Where to work: threads, processes, or what `dask.distributed.Client.get_executor` returns; None for here.
    progress : bool
        Whether to show a progress bar.
    """

    settings: Settings
    parameters: Mapping[str, Any]
    seed: int = 1
    executor: Executor | None = None
    progress: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an engine hands back.

    Attributes
    ----------
    inputs : tuple of RunInput
        All that it read.
    results : mapping of str to polars.DataFrame
        Its tables; no row tells when it ran or on which version of the lake.
    snapshot : int or None
        The lake's version that it read.
    notes : tuple of str
        What it said.
    """

    inputs: tuple[RunInput, ...]
    results: Mapping[str, pl.DataFrame]
    snapshot: int | None = None
    notes: tuple[str, ...] = ()


ENGINES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "corridors": "biodata.run_engines:run_corridors",
        "resistance": "biodata.run_engines:run_resistance",
        "circuit": "biodata.run_engines:run_circuit",
        "network": "biodata.run_engines:run_network",
    }
)
"""Name → 'module:function' of Work to Outcome; a module is imported when its engine runs."""


def start(
    settings: Settings,
    engine: str,
    parameters: Mapping[str, Any],
    *,
    seed: int = 1,
    executor: Executor | None = None,
    progress: bool = False,
) -> RunRecord:
    """Run an engine and keep the run.

    Parameters
    ----------
    settings : Settings
        The installation.
    engine : str
        A name of `ENGINES`.
    parameters : mapping
        What the engine is asked; plain values for JSON.
    seed : int
        Start of every random number.
    executor : concurrent.futures.Executor, optional
        Where to work. The results are the same wherever that is.
    progress : bool
        Show a progress bar.

    Returns
    -------
    RunRecord

    Raises
    ------
    InputError
        If there is no such engine (ENGINE_UNKNOWN), or what it is asked cannot be.
    """
    record, outcome = _run(settings, engine, parameters, seed, executor, progress=progress)
    return run_records.keep(settings, record, outcome.results, notes=outcome.notes)


def repeat(
    settings: Settings, run_id: str, *, executor: Executor | None = None, progress: bool = False
) -> tuple[RunRecord, Comparison]:
    """Run again what was run before, on what is there now, and compare; the repeated run is kept, too.

    Parameters
    ----------
    settings : Settings
        The installation.
    run_id : str
        The run, or the beginning of its id.
    executor : concurrent.futures.Executor, optional
        Where to work; it need not be the one of before.
    progress : bool
        Show a progress bar.

    Returns
    -------
    record : RunRecord
        Of the repeated run.
    comparison : Comparison

    Raises
    ------
    InputError
        If there is no such run (RUN_UNKNOWN), or what it read is no longer there.
    """
    before = run_records.find(settings, run_id)
    old = run_records.results_of(settings, before.id)
    record, outcome = _run(settings, before.engine, before.parameters, before.seed, executor, progress=progress)
    if record.id == before.id:  # what came out the first time stays: it is what this is measured by
        after = run_records.finished(record, outcome.results, notes=outcome.notes)
    else:
        after = run_records.keep(settings, record, outcome.results, notes=outcome.notes)
    return after, compare(before, after, old, outcome.results)


def _run(
    settings: Settings,
    engine: str,
    parameters: Mapping[str, Any],
    seed: int,
    executor: Executor | None,
    *,
    progress: bool,
) -> tuple[RunRecord, Outcome]:
    """Call an engine and describe the run."""
    if engine not in ENGINES:
        problem = "there is no such engine"
        raise InputError(problem, value=engine, expected=f"one of {', '.join(ENGINES)}", code="ENGINE_UNKNOWN")
    module, _, name = ENGINES[engine].partition(":")
    call: Callable[[Work], Outcome] = getattr(import_module(module), name)
    outcome = call(Work(settings, dict(parameters), seed, executor, progress))
    record = run_records.describe(engine, parameters, outcome.inputs, seed=seed, snapshot=outcome.snapshot)
    return record, outcome


def parameter(work: Work, name: str, kind: type, default: Any = ...) -> Any:
    """Return a parameter of the kind that it must have.

    Raises
    ------
    InputError
        If it is missing or of another kind (PARAMETERS_INVALID).
    """
    value = work.parameters.get(name, default)
    if value is ... or not (isinstance(value, kind) or value is default):
        problem = "the parameter is missing" if value is ... else "the parameter is of another kind"
        told = None if value is ... else str(value)
        raise InputError(problem, column=name, value=told, expected=kind.__name__, code="PARAMETERS_INVALID")
    return value


def run_corridors(work: Work) -> Outcome:
    """Find corridors and candidates over a layer of the installation, as `runs.find_corridors` does.

    The parameters are those of `runs.Request`.
    """
    from biodata import runs
    from biodata.store.lake import Lake

    try:
        request = runs.Request(**{**work.parameters, "seed": work.seed})
    except TypeError as error:
        problem = "the parameters are not those of a run of corridors"
        raise InputError(
            problem, value=str(error), expected="layer, resistance, …", code="PARAMETERS_INVALID"
        ) from error
    report = runs.find_corridors(work.settings, request, progress=work.progress)
    with Lake.open(work.settings.data, memory_limit=work.settings.memory_limit) as lake:
        tables = {
            name: lake.read(name).filter(pl.col("run_id") == report.run_id)
            for name in ("corridors", "reserve_candidates")
        }
        areas = lake.read("protected_areas", snapshot=report.snapshot)
    keys = {"corridors": "corridor_id", "reserve_candidates": "candidate_id"}
    results = {
        name: frame.with_columns(_without_run("evidence")).drop("run_id").sort(keys[name])
        for name, frame in tables.items()
    }
    facts = report.parameters
    inputs = (
        RunInput("layer", facts["layer_sha256"], request.layer),
        RunInput("resistance", facts["resistance_sha256"], Path(request.resistance).name),
        RunInput("protected_areas", run_records.table_hash(areas), f"lake {report.snapshot}"),
        RunInput("rules", facts["rules"], "sharing rules"),
    )
    return Outcome(inputs, results, report.snapshot, (f"{report.pairs} pairs, {report.corridors} corridors",))


def _without_run(column: str) -> pl.Expr:
    """Return evidence without the facts of the run itself, which tell the lake's version."""

    def strip(text: str) -> str:
        return json.dumps({k: v for k, v in json.loads(text).items() if k != "run"}, ensure_ascii=False, sort_keys=True)

    return pl.col(column).map_elements(strip, return_dtype=pl.String)


def run_resistance(work: Work) -> Outcome:
    """Make the resistance of every species of a table; its cells' checksum, range and counts are the results.

    Parameters are `table` and `layers` (paths), and optionally `use` (mapping of layer to name), `cell_m`, `box` (west,
    south, east, north), `resampling` and `out` (a folder that gets a GeoTIFF for each species).
    """
    from biodata.analysis.resistance_rules import read_rules
    from biodata.pipeline.layer_folder import LayerFolder

    table, layers = Path(parameter(work, "table", str)), Path(parameter(work, "layers", str))
    inputs = [RunInput.of_file("table", table)]
    with LayerFolder(layers) as folder:
        tasks = []
        for species, rules in read_rules(table).items():
            found = folder.find(rules.layers, parameter(work, "use", dict, {}))
            inputs += [
                RunInput(f"layer {name}", one.sha256, f"{one.name}, {one.version}") for name, one in found.items()
            ]
            tasks.append((species, rules, found, dict(work.parameters)))
        # In the order of the species, whoever is ready first.
        if work.executor is None:
            rows = [_resistance_of(*task) for task in tasks]
        else:
            futures = [work.executor.submit(_resistance_of, *task) for task in tasks]
            rows = [future.result() for future in futures]
    return Outcome(tuple(dict.fromkeys(inputs)), {"resistance": pl.DataFrame(rows)})


def _resistance_of(species: str | None, rules: Any, layers: Any, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Make the resistance of one species; a function of its own, so that another process can call it."""
    import numpy as np

    from biodata.analysis.grid import equal_area_grid
    from biodata.analysis.layer_reading import own_grid
    from biodata.analysis.layered_resistance import from_rules
    from biodata.exports.cog import write_cog

    box, cell_m = parameters.get("box"), parameters.get("cell_m")
    first = next(iter(layers.values()))
    grid = own_grid(first, tuple(box) if box else None) if cell_m is None else equal_area_grid(tuple(box or ()), cell_m)
    made = from_rules(rules, layers, grid, resampling=parameters.get("resampling", "mode"))
    if parameters.get("out"):
        write_cog(made.resistance, grid, Path(parameters["out"]) / f"{species or 'resistance'}.tif")
    known = made.resistance[np.isfinite(made.resistance)]
    return {
        "species": species,
        "sha256": hashlib.sha256(np.ascontiguousarray(made.resistance).tobytes()).hexdigest(),
        "rows": grid.shape[0],
        "columns": grid.shape[1],
        "cells": int(known.size),
        "lowest": float(known.min()) if known.size else None,
        "mean": float(known.mean()) if known.size else None,
        "highest": float(known.max()) if known.size else None,
        "counts": json.dumps(dict(made.counts), sort_keys=True),
    }


def run_circuit(work: Work) -> Outcome:
    """Run a project of Circuitscape; the files that it writes are told by name, size and checksum.

    Parameters are `ini` (path), and optionally `solver` and `out` (a folder that keeps the files).
    """
    import tempfile

    from biodata.analysis.circuit.project import read_project
    from biodata.exports.circuits import run_project

    ini = Path(parameter(work, "ini", str))
    inputs = [RunInput.of_file("ini", ini)]
    # What a project names lies beside it; what else lies there is an input, too, rather than one be missed.
    inputs += [
        RunInput.of_file(file.name, file) for file in sorted(ini.parent.iterdir()) if file.is_file() and file != ini
    ]
    with tempfile.TemporaryDirectory(prefix="biodata-") as made:
        folder = Path(parameter(work, "out", str, made))
        report = run_project(read_project(ini), folder, solver=parameter(work, "solver", str, "auto"))
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


def run_network(work: Work) -> Outcome:
    """Analyse Conefor's files; the tables of nodes, links and the whole are the results.

    Parameters are `nodes` and `connections` (paths), and optionally those of `analysis.network.analyse`.
    """
    import tempfile

    from biodata.analysis.networks.network import analyse
    from biodata.exports.networks import write_tables
    from biodata.formats.conefor import read_connections, read_nodes
    from biodata.formats.conefor_kinds import Kind

    files = {name: Path(parameter(work, name, str)) for name in ("nodes", "connections")}
    nodes = read_nodes(files["nodes"])
    choices = {k: v for k, v in work.parameters.items() if k not in ("nodes", "connections", "kind")}
    told = parameter(work, "kind", str, None)
    connections = read_connections(files["connections"], nodes, kind=None if told is None else Kind(told))
    try:
        found = analyse(nodes, connections, executor=work.executor, progress=work.progress, **choices)
    except TypeError as error:
        problem = "the parameters are not those of a network"
        raise InputError(problem, value=str(error), code="PARAMETERS_INVALID") from error
    with tempfile.TemporaryDirectory(prefix="biodata-") as folder:
        tables = {path.stem: pl.read_csv(path) for path in write_tables(found, Path(folder))}
    return Outcome(tuple(RunInput.of_file(name, path) for name, path in files.items()), tables)
