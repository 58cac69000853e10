"""`biodata runs`: analyses that were run, started, shown, repeated and compared."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from biodata.cli.engine_options import ParametersOption, SeedOption, SetOption, read_parameters, read_set
from biodata.cli.options import DEFAULT_DATA, DataOption, say, settings_for, show_progress

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from contextlib import AbstractContextManager

    from biodata.core.settings import Settings

_HELP = """Analyses that can be had again: what was asked, of what, by which code, and what came out.

A run is named by its id as `biodata runs list` shows it, by how the id begins, or by a corridor or candidate that it found.

Example: biodata runs list --data biodata_data
"""
_START = """Run an engine and keep the run: parameters, inputs with checksums, seed, code, results with checksums.

ENGINE is corridors, own-corridors, validation, uncertainty, scenarios, climate, resistance, cost-distance, circuit, network,
protconn, reserves or survey-results.

Example: biodata runs start corridors --data biodata_data --set layer=landcover_china_vietnam --set resistance=sample_data/resistance.csv
"""
_REPEAT = """Run again what was run before and say whether the results are identical, or what differs.

The exit code is 1 where they are not identical.

Example: biodata runs repeat landcover_china_vietnam-corridor-1 --data biodata_data
"""
Executors = Annotated[
    str, typer.Option("--executor", help="here, threads, processes, or dask: the workers of BIODATA_SCHEDULER.")
]
Workers = Annotated[int | None, typer.Option(help="How many threads or processes; one a core.", min=1)]


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    group = typer.Typer(help=_HELP, no_args_is_help=True)
    group.command(name="start", help=_START)(start)
    group.command(name="list")(list_runs)
    group.command(name="show")(show)
    group.command(name="repeat", help=_REPEAT)(repeat)
    group.command(name="compare")(compare)
    app.add_typer(group, name="runs")


def start(
    engine: Annotated[str, typer.Argument(help="What to run.")],
    data: DataOption = DEFAULT_DATA,
    settings: SetOption = None,
    parameters: ParametersOption = None,
    seed: SeedOption = 1,
    executor: Executors = "here",
    workers: Workers = None,
) -> None:
    """Run and keep."""
    from biodata.runs.engines import work as run_engines

    asked = {**read_parameters(parameters), **read_set(settings)}
    installation = settings_for(data)
    with _executor(installation, executor, workers) as where:
        record = run_engines.start(installation, engine, asked, seed=seed, executor=where, progress=show_progress())
    _print(record.as_dict())


def list_runs(
    data: DataOption = DEFAULT_DATA, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """List the runs that were kept, the oldest first.

    Example: biodata runs list --data biodata_data
    """
    from biodata.store import run_records

    settings = settings_for(data)
    records = run_records.every(settings)
    if as_json:
        say(json.dumps([record.as_dict() for record in records], ensure_ascii=False, indent=1))
        return
    for record in records:
        tables = ", ".join(f"{name} {told['rows']}" for name, told in record.results.items())
        lake = "" if record.snapshot is None else f", lake {record.snapshot}"
        say(f"{record.id}  code {record.code[:8]}{lake}, seed {record.seed}: {tables}")
    if not records:
        say("no run is kept yet")


def show(
    run: Annotated[str, typer.Argument(help="Its id, how that begins, or one of its results.")],
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Show a run as JSON: parameters, inputs, code, versions, results with their checksums.

    Example: biodata runs show landcover_china_laos-corridor-1 --data biodata_data
    """
    from biodata.runs.standing import kept_run

    say(json.dumps(kept_run(settings_for(data), run).as_dict(), ensure_ascii=False, indent=1))


def repeat(
    run: Annotated[str, typer.Argument(help="Its id, how that begins, or one of its results.")],
    data: DataOption = DEFAULT_DATA,
    executor: Executors = "here",
    workers: Workers = None,
) -> None:
    """Run again and compare."""
    from biodata.runs.engines import work as run_engines
    from biodata.runs.standing import kept_run

    settings = settings_for(data)
    kept = kept_run(settings, run)
    with _executor(settings, executor, workers) as where:
        record, comparison = run_engines.repeat(settings, kept.id, executor=where, progress=show_progress())
    say(f"{record.id}: {comparison.message()}")
    if not comparison.identical:
        raise typer.Exit(1)


def compare(
    first: Annotated[str, typer.Argument(help="A run.")],
    second: Annotated[str, typer.Argument(help="Another one.")],
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Compare two runs: identical, or what differs. The exit code is 1 where they are not identical.

    Example: biodata runs compare landcover_china_laos-corridor-1 landcover_china_vietnam-corridor-1 --data biodata_data
    """
    from biodata.runs.standing import kept_run
    from biodata.store import run_records

    settings = settings_for(data)
    one, other = kept_run(settings, first), kept_run(settings, second)
    tables = [run_records.results_of(settings, record.id) for record in (one, other)]
    comparison = run_records.compare(one, other, *tables)
    say(comparison.message())
    if not comparison.identical:
        raise typer.Exit(1)


def _executor(settings: "Settings", kind: str, workers: int | None) -> "AbstractContextManager[Executor | None]":
    """Return an executor of a kind as a `with` block; None for `here`."""
    from biodata.pipeline.executors import KINDS, executor

    if kind not in KINDS:
        message = f"{kind!r} is none of {', '.join(KINDS)}"
        raise typer.BadParameter(message, param_hint="--executor")
    return executor(settings, kind, workers=workers)


def _print(record: dict[str, Any]) -> None:
    """Say what a run gave."""
    say(f"run {record['id']}")
    for name, told in record["results"].items():
        say(f"  {name}: {told['rows']} rows, sha256 {told['sha256'][:16]}")
    for note in record["notes"]:
        say(f"  {note}")
