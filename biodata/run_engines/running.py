"""Engines by name: each is run, kept, run again and compared in one way."""

import json
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import replace
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from biodata import run_records
from biodata.errors import InputError
from biodata.run_comparison import Comparison, compare
from biodata.run_engines.work import Outcome, Parameters, Work
from biodata.run_records import RunRecord
from biodata.settings import Settings

ENGINES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "corridors": "biodata.run_engines.corridors:run",
        "validation": "biodata.run_engines.validation:run",
        "uncertainty": "biodata.run_engines.uncertainty:run",
        "scenarios": "biodata.run_engines.scenarios:run",
        "climate": "biodata.run_engines.climate:run",
        "resistance": "biodata.run_engines.resistance:run",
        "circuit": "biodata.run_engines.circuit:run",
        "network": "biodata.run_engines.network:run",
        "reserves": "biodata.run_engines.reserves:run",
        "survey-results": "biodata.run_engines.survey_results:run",
    }
)
"""Name → 'module:function' of Work to Outcome, beside which the module has PARAMETERS; imported when its engine runs."""


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
    _, known = _engine(engine)
    outcome = work_on(Work(settings, known.filled(parameters), seed, executor, progress), engine)
    return keep(settings, engine, parameters, outcome, seed=seed)


def work_on(work: Work, engine: str) -> Outcome:
    """Run an engine and keep nothing."""
    call, known = _engine(engine)
    return call(replace(work, parameters=known.filled(work.parameters)))


def keep(
    settings: Settings, engine: str, parameters: Mapping[str, Any], outcome: Outcome, *, seed: int = 1
) -> RunRecord:
    """Keep what an engine found when it was called by itself, as `start` does.

    What was found over a run of corridors is put beside that run's results, too, and its report tells it.
    """
    _, known = _engine(engine)
    forget_outdated(settings)
    asked = known.filled(parameters)
    record = _described(engine, known, asked, outcome, seed)
    kept = run_records.keep(settings, record, outcome.results, notes=outcome.notes)
    beside = getattr(import_module(ENGINES[engine].partition(":")[0]), "put_into_run", None)
    if beside is not None:
        beside(Work(settings, asked, seed), outcome)
    return kept


def _engine(name: str) -> tuple[Callable[[Work], Outcome], Parameters]:
    """Return what runs an engine, and what it can be asked."""
    if name not in ENGINES:
        problem = "there is no such engine"
        raise InputError(problem, value=name, expected=f"one of {', '.join(ENGINES)}", code="ENGINE_UNKNOWN")
    module, _, function = ENGINES[name].partition(":")
    found = import_module(module)
    return getattr(found, function), found.PARAMETERS


def _described(engine: str, known: Parameters, parameters: Mapping[str, Any], outcome: Outcome, seed: int) -> RunRecord:
    """Return the record of a run."""
    return run_records.describe(
        engine, parameters, outcome.inputs, seed=seed, snapshot=outcome.snapshot, paths=known.paths | known.outputs,
        silent=known.silent, version=known.format,
    )  # fmt: skip


def outdated(record: RunRecord) -> bool:
    """Tell whether a run is of the public view and its tables of a format that told more than they may."""
    if record.engine not in ENGINES or record.parameters.get("records") != "public":
        return False
    return record.format < _engine(record.engine)[1].format


def forget_outdated(settings: Settings) -> list[RunRecord]:
    """Remove the tables of outdated runs; return the runs whose tables are gone. What they were asked stays."""
    return [
        record
        for record in run_records.every(settings)
        if outdated(record) and run_records.forget_results(settings, record.id)
    ]


def results_of(settings: Settings, record: RunRecord) -> dict[str, pl.DataFrame]:
    """Return the tables that a run gave; exact, so not for the public.

    Raises
    ------
    InputError
        If the run is outdated (RUN_OUTDATED); its tables are removed.
    """
    if outdated(record):
        run_records.forget_results(settings, record.id)
        problem = "an older biodata kept this run, whose public results can hold exact places; they are removed"
        again = " ".join(
            f"--set {name}={json.dumps(value) if not isinstance(value, str) else value}"
            for name, value in record.parameters.items()
            if value != _engine(record.engine)[1].defaults.get(name)
        )
        raise InputError(
            problem,
            value=record.id,
            expected=f"a new run: biodata runs start {record.engine} {again}",
            code="RUN_OUTDATED",
        )
    return run_records.results_of(settings, record.id)


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
        If there is no such run (RUN_UNKNOWN), its results are not read any more (RUN_OUTDATED), or what it read is no
        longer there.
    """
    before = run_records.find(settings, run_id)
    old = results_of(settings, before)
    _, known = _engine(before.engine)
    # What was written the first time stays as it is, too.
    asked = {**before.parameters, **dict.fromkeys(known.outputs)}
    outcome = work_on(Work(settings, asked, before.seed, executor, progress), before.engine)
    record = _described(before.engine, known, before.parameters, outcome, before.seed)
    if record.id == before.id:  # what came out the first time stays: it is what this is measured by
        after = run_records.finished(settings, record, outcome.results, notes=outcome.notes)
    else:
        after = run_records.keep(settings, record, outcome.results, notes=outcome.notes)
    return after, compare(before, after, old, outcome.results)
