"""Engines by name: each is run, kept, run again and compared in one way."""

import json
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import replace
from importlib import import_module
from types import MappingProxyType
from typing import Any, Final

import polars as pl

from biodata import run_records
from biodata.errors import InputError
from biodata.run_engines.work import Engine, Outcome, Work
from biodata.run_records import Comparison, RunRecord, compare
from biodata.settings import Settings

ENGINES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "corridors": "biodata.run_engines.corridors:ENGINE",
        "validation": "biodata.run_engines.validation:ENGINE",
        "uncertainty": "biodata.run_engines.uncertainty:ENGINE",
        "scenarios": "biodata.run_engines.scenarios:ENGINE",
        "climate": "biodata.run_engines.climate:ENGINE",
        "resistance": "biodata.run_engines.files:RESISTANCE",
        "circuit": "biodata.run_engines.files:CIRCUIT",
        "network": "biodata.run_engines.files:NETWORK",
        "reserves": "biodata.run_engines.files:RESERVES",
        "survey-results": "biodata.run_engines.survey_results:ENGINE",
    }
)
"""Name → "module:name" of an Engine; imported when it runs."""


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
    outcome = work_on(Work(settings, parameters, seed, executor, progress), engine)
    return keep(settings, engine, parameters, outcome, seed=seed)


def work_on(work: Work, engine: str) -> Outcome:
    """Run an engine and keep nothing."""
    found = _engine(engine)
    return found.run(replace(work, parameters=found.parameters.filled(work.parameters)))


def keep(
    settings: Settings, engine: str, parameters: Mapping[str, Any], outcome: Outcome, *, seed: int = 1
) -> RunRecord:
    """Keep what an engine found when it was called by itself, as `start` does.

    What was found over a run of corridors is put beside that run's results, too, and its report tells it.
    """
    found = _engine(engine)
    forget_outdated(settings)
    asked = found.parameters.filled(parameters)
    record = _described(engine, asked, outcome, seed)
    kept = run_records.keep(settings, record, outcome.results, notes=outcome.notes)
    if found.put_into_run is not None:
        found.put_into_run(Work(settings, asked, seed), outcome)
    return kept


def _engine(name: str) -> Engine:
    """Return an engine by its name."""
    if name not in ENGINES:
        problem = "there is no such engine"
        raise InputError(problem, value=name, expected=f"one of {', '.join(ENGINES)}", code="ENGINE_UNKNOWN")
    module, _, constant = ENGINES[name].partition(":")
    engine: Engine = getattr(import_module(module), constant)
    return engine


def _described(engine: str, parameters: Mapping[str, Any], outcome: Outcome, seed: int) -> RunRecord:
    """Return the record of a run."""
    known = _engine(engine).parameters
    return run_records.describe(
        engine, parameters, outcome.inputs, seed=seed, snapshot=outcome.snapshot, paths=known.paths | known.outputs,
        silent=known.silent, version=known.format,
    )  # fmt: skip


def outdated(record: RunRecord) -> bool:
    """Tell whether a run is of the public view and its tables of a format that told more than they may."""
    if record.engine not in ENGINES or record.parameters.get("records") != "public":
        return False
    return record.format < _engine(record.engine).parameters.format


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
            if value != _engine(record.engine).parameters.defaults.get(name)
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
    # What was written the first time stays as it is, too.
    asked = {**before.parameters, **dict.fromkeys(_engine(before.engine).parameters.outputs)}
    outcome = work_on(Work(settings, asked, before.seed, executor, progress), before.engine)
    record = _described(before.engine, before.parameters, outcome, before.seed)
    if record.id == before.id:  # what came out the first time stays: it is what this is measured by
        after = run_records.finished(settings, record, outcome.results, notes=outcome.notes)
    else:
        after = run_records.keep(settings, record, outcome.results, notes=outcome.notes)
    return after, compare(before, after, old, outcome.results)
