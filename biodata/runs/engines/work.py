"""What an engine is given and what it returns; what engines over a planner's own files or a run of corridors share."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from biodata.core.errors import InputError
from biodata.core.phrases import packed, unpacked
from biodata.core.run_parameters import EngineParameters, OwnGround
from biodata.core.settings import Settings
from biodata.core.vocabularies import EvidenceView
from biodata.runs import standing
from biodata.runs.results import put_finding
from biodata.runs.standing import Standing
from biodata.store import run_records
from biodata.store.lake import Lake
from biodata.store.run_records import Comparison, RunInput, RunRecord, compare

if TYPE_CHECKING:
    import geopandas as gpd

    from biodata.analysis.grid import Floats, Grid

Short = Callable[[Mapping[str, pl.DataFrame], dict[str, Any], str, Mapping[str, Any]], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Work:
    """Where and how an engine works; what it is asked is apart.

    Attributes
    ----------
    settings : Settings
        The installation.
    seed : int
        Start of every random number.
    executor : concurrent.futures.Executor or None
        Where to work: threads, processes, or what `dask.distributed.Client.get_executor` returns; None for here.
    progress : bool
        Whether to show a progress bar.
    workers : int
        How many the executor has, by which an estimate goes.
    """

    settings: Settings
    seed: int = 1
    executor: Executor | None = None
    progress: bool = False
    workers: int = 1


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an engine hands back.

    Attributes
    ----------
    inputs : tuple of RunInput
        All that it read.
    results : mapping of str to polars.DataFrame
        Its tables; no row states when it ran or on which version of the lake.
    snapshot : int or None
        The lake's version that it read.
    notes : tuple of str
        What it said.
    """

    inputs: tuple[RunInput, ...]
    results: Mapping[str, pl.DataFrame]
    snapshot: int | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Ready:
    """A run whose files are read and fit.

    Attributes
    ----------
    run : callable
        Works, writes what is asked, returns what came out.
    notes : tuple of str
        What a person should know before it works.
    estimate : callable or None
        Returns a line that says what it will take.
    """

    run: Callable[[], Outcome]
    notes: tuple[str, ...] = ()
    estimate: Callable[[], str] | None = None


@dataclass(frozen=True, slots=True)
class Engine:
    """What runs an engine.

    Attributes
    ----------
    parameters : type of EngineParameters
    prepare : callable
        Reads what is asked; parameters and Work to Ready.
    finding : str and callable, optional
        What is put beside each result of the run of corridors that it was asked about: under which name, and what
        it is, of the outcome's tables and facts, the result's table and its row.
    """

    parameters: type[EngineParameters]
    prepare: Callable[[Any, Work], Ready]
    finding: tuple[str, Short] | None = None


def at_once(run: Callable[[Any, Work], Outcome]) -> Callable[[Any, Work], Ready]:
    """Return an engine's `prepare` where nothing is said before the work."""
    return lambda asked, work: Ready(partial(run, asked, work))


def facts_table(facts: Mapping[str, Any]) -> pl.DataFrame:
    """Return what a run states as a table of one cell of JSON, so that it is kept beside the others."""
    return pl.DataFrame({"json": [json.dumps(packed(facts), ensure_ascii=False, sort_keys=True, default=str)]})


def facts_of(tables: Mapping[str, pl.DataFrame]) -> dict[str, Any]:
    """Return what a run states from its tables; empty where it states nothing."""
    found: dict[str, Any] = json.loads(tables["told"]["json"][0], object_hook=unpacked) if "told" in tables else {}
    return found


def base_run(asked: Any, work: Work, own: Sequence[str], *, has: str, files: str = "raster and areas") -> Standing:
    """Take up the run of corridors that is asked about, which takes no parameters of a planner's own files.

    Raises
    ------
    InputError
        If one of `own` is stated beside the run (OPTIONS_UNFIT), or the run cannot be taken up.
    """
    given = [name for name in own if getattr(asked, name) is not None]
    if given:
        problem = f"a run has its own {has}, so it takes no {', '.join(given)}"
        raise InputError(problem, column=given[0], expected=f"run alone, or {files}", code="OPTIONS_UNFIT")
    return standing.run_to_continue(work.settings, asked.run, resistance=asked.resistance, progress=work.progress)


def run_inputs(stood: Standing) -> tuple[RunInput, ...]:
    """Return what a run stands on, as inputs of what asks about it."""
    facts = stood.facts
    return (
        RunInput("run", hashlib.sha256(stood.run_id.encode()).hexdigest(), stood.run_id),
        RunInput("layer", facts["layer_sha256"], stood.request.layer),
        RunInput("resistance", facts["resistance_sha256"], stood.table.name),
        *(RunInput(f"layer {name}", sha256) for name, sha256 in sorted(facts["resistance_layers"].items())),
        RunInput("rules", facts["rules"], "sharing rules of the run"),
    )


def read_own_ground(asked: OwnGround) -> "tuple[gpd.GeoDataFrame, Floats, Grid, list[str]]":
    """Read a planner's own raster and areas.

    Returns
    -------
    areas : geopandas.GeoDataFrame
    resistance : ndarray of float64
    grid : Grid
    notes : list of str
        What a reader of the result should know, each with the file that it is about.

    Raises
    ------
    InputError
        If one of them is not stated (OPTIONS_UNFIT) or cannot be read.
    """
    from biodata.analysis import areas as areas_of
    from biodata.analysis import own_ground, sources

    if asked.raster is None or asked.areas is None:
        problem = "it is not told over what"
        raise InputError(problem, expected="a run, or raster and areas", code="OPTIONS_UNFIT")
    values, grid, read = own_ground.read(
        asked.raster, cell_m=asked.cell_m, band=asked.band, nodata=asked.nodata, crs=asked.crs
    )
    if sources.is_raster(asked.areas):
        table = own_ground.areas(asked.areas, grid)
        unfit: list[str] = []
    else:
        table, unfit = areas_of.read(
            asked.areas, layer=asked.areas_layer, id_column=asked.id_column, name_column=asked.name_column
        )
    notes = [f"{asked.raster.name}: {note}" for note in read] + [f"{asked.areas.name}: {note}" for note in unfit]
    return table, values, grid, notes


def input_files(asked: EngineParameters, *, leave: Sequence[str] = ()) -> tuple[RunInput, ...]:
    """Return the files that parameters name, as inputs."""
    return tuple(RunInput.of_file(name, path) for name, path in asked.files("input").items() if name not in leave)


def array_hash(values: Any) -> str:
    """Return the checksum of an array."""
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


ENGINES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "corridors": "biodata.runs.engines.corridors:ENGINE", "own-corridors": "biodata.runs.engines.corridors:OWN",
        "validation": "biodata.runs.engines.validation:ENGINE",
        "uncertainty": "biodata.runs.engines.uncertainty:ENGINE", "scenarios": "biodata.runs.engines.scenarios:ENGINE",
        "climate": "biodata.runs.engines.climate:ENGINE", "resistance": "biodata.runs.engines.rasters:RESISTANCE",
        "cost-distance": "biodata.runs.engines.rasters:COST_DISTANCE",
        "circuit": "biodata.runs.engines.projects:CIRCUIT", "network": "biodata.runs.engines.projects:NETWORK",
        "protconn": "biodata.runs.engines.projects:PROTCONN", "reserves": "biodata.runs.engines.projects:RESERVES",
        "survey-results": "biodata.runs.engines.survey_results:ENGINE",
    }
)  # fmt: skip
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
    outcome = work_on(Work(settings, seed, executor, progress), engine, parameters)
    return keep(settings, engine, parameters, outcome, seed=seed)


def work_on(work: Work, engine: str, parameters: Mapping[str, Any]) -> Outcome:
    """Run an engine and keep nothing."""
    found = engine_named(engine)
    return found.prepare(found.parameters.read(parameters), work).run()


def keep(
    settings: Settings, engine: str, parameters: Mapping[str, Any], outcome: Outcome, *, seed: int = 1
) -> RunRecord:
    """Keep what an engine found when it was called by itself, as `start` does.

    What was found over a run of corridors is put beside that run's results, too, and its report tells it.
    """
    found = engine_named(engine)
    asked: Any = found.parameters.read(parameters)
    record = _described(engine, asked.as_dict(), outcome, seed)
    kept = run_records.keep(settings, record, outcome.results, notes=outcome.notes)
    if found.finding is not None and asked.run is not None:
        kind, short = found.finding
        facts = facts_of(outcome.results)
        with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
            view = EvidenceView(facts["evidence_view"])
            put_finding(lake, facts["run"], kind, partial(short, outcome.results, facts), view=view)
    return kept


def engine_named(name: str) -> Engine:
    """Return an engine by its name."""
    if name not in ENGINES:
        problem = "there is no such engine"
        raise InputError(problem, value=name, expected=f"one of {', '.join(ENGINES)}", code="ENGINE_UNKNOWN")
    module, _, constant = ENGINES[name].partition(":")
    engine: Engine = getattr(import_module(module), constant)
    return engine


def _described(engine: str, parameters: Mapping[str, Any], outcome: Outcome, seed: int) -> RunRecord:
    """Return the record of a run."""
    known = engine_named(engine).parameters
    return run_records.describe(
        engine, parameters, outcome.inputs, seed=seed, snapshot=outcome.snapshot,
        paths=known.of_role("input", "output"), silent=known.of_role("silent"),
    )  # fmt: skip


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
        If there is no such run (RUN_UNKNOWN), or what it read is no
        longer there.
    """
    before = run_records.find(settings, run_id)
    old = run_records.results_of(settings, before.id)
    # What was written the first time stays as it is, too.
    asked = {**before.parameters, **dict.fromkeys(engine_named(before.engine).parameters.of_role("output"))}
    outcome = work_on(Work(settings, before.seed, executor, progress), before.engine, asked)
    record = _described(before.engine, before.parameters, outcome, before.seed)
    if record.id == before.id:  # what came out the first time stays: it is what this is measured by
        after = run_records.finished(settings, record, outcome.results, notes=outcome.notes)
    else:
        after = run_records.keep(settings, record, outcome.results, notes=outcome.notes)
    return after, compare(before, after, old, outcome.results)
