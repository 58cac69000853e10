"""`biodata runs`: analyses that were run, started, shown, repeated and compared."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, read_options, say, settings_for, show_progress

if TYPE_CHECKING:
    from concurrent.futures import Executor

_HELP = """Analyses that can be had again: what was asked, of what, by which code, and what came out.

A run is named by its id as `biodata runs list` shows it, by how the id begins, or by a corridor or candidate that it found.

Example: biodata runs list --data biodata_data
"""
_START = """Run an engine and keep the run: parameters, inputs with checksums, seed, code, results with checksums.

ENGINE is corridors, validation, uncertainty, scenarios, climate, resistance, circuit, network, reserves or survey-results.

Example: biodata runs start corridors --data biodata_data --set layer=landcover_china_vietnam --set resistance=sample_data/resistance.csv
"""
_REPEAT = """Run again what was run before and say whether the results are identical, or what differs.

The exit code is 1 where they are not identical.

Example: biodata runs repeat landcover_china_vietnam-corridor-1 --data biodata_data
"""
Executors = Annotated[str, typer.Option("--executor", help="here, threads or processes.")]
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
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=VALUE, the value as JSON or text; may be repeated.")
    ] = None,
    parameters: Annotated[Path | None, typer.Option(help="JSON file of parameters.")] = None,
    seed: Annotated[int, typer.Option(help="Start of every random number.")] = 1,
    executor: Executors = "here",
    workers: Workers = None,
) -> None:
    """Run and keep."""
    from biodata import run_engines

    asked: dict[str, Any] = {}
    if parameters is not None:
        asked = _read_json(parameters)
    asked |= {name: _value(text) for name, text in read_options(settings or []).items()}
    with _Executor(executor, workers) as where:
        record = run_engines.start(
            settings_for(data), engine, asked, seed=seed, executor=where, progress=show_progress()
        )
    _print(record.as_dict())


def list_runs(
    data: DataOption = DEFAULT_DATA, as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False
) -> None:
    """List the runs that were kept, the oldest first.

    Example: biodata runs list --data biodata_data
    """
    from biodata import run_engines, run_records

    settings = settings_for(data)
    run_engines.forget_outdated(settings)
    records = run_records.every(settings)
    if as_json:
        say(json.dumps([record.as_dict() for record in records], ensure_ascii=False, indent=1))
        return
    for record in records:
        tables = ", ".join(f"{name} {told['rows']}" for name, told in record.results.items())
        lake = "" if record.snapshot is None else f", lake {record.snapshot}"
        gone = (
            "; its results were public and of an older biodata, and are removed" if run_engines.outdated(record) else ""
        )
        say(f"{record.id}  code {record.code[:8]}{lake}, seed {record.seed}: {tables}{gone}")
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
    from biodata import run_engines
    from biodata.runs.standing import kept_run

    settings = settings_for(data)
    kept = kept_run(settings, run)
    with _Executor(executor, workers) as where:
        record, comparison = run_engines.repeat(settings, kept.id, executor=where, progress=show_progress())
    say(f"{record.id}: {comparison.told()}")
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
    from biodata import run_engines, run_records
    from biodata.runs.standing import kept_run

    settings = settings_for(data)
    one, other = kept_run(settings, first), kept_run(settings, second)
    tables = [run_engines.results_of(settings, record) for record in (one, other)]
    comparison = run_records.compare(one, other, *tables)
    say(comparison.told())
    if not comparison.identical:
        raise typer.Exit(1)


class _Executor:
    """A `with` block around an executor of a kind; None for `here`."""

    def __init__(self, kind: str, workers: int | None) -> None:
        if kind not in ("here", "threads", "processes"):
            message = f"{kind!r} is none of here, threads, processes"
            raise typer.BadParameter(message, param_hint="--executor")
        self.kind, self.workers = kind, workers
        self.made: Executor | None = None

    def __enter__(self) -> "Executor | None":
        from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
        from multiprocessing import get_context
        from os import cpu_count

        workers = self.workers or cpu_count()
        if self.kind == "threads":
            self.made = ThreadPoolExecutor(workers)
        elif self.kind == "processes":
            # A process that was forked from one with threads may stand still.
            self.made = ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
        return self.made

    def __exit__(self, *_: object) -> None:
        if self.made is not None:
            self.made.shutdown(wait=True, cancel_futures=True)


def _value(text: str) -> Any:
    """Read a value as JSON, else as text."""
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object of parameters."""
    from biodata.errors import InputError

    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        problem = "the file is no JSON"
        raise InputError(problem, file=path.name, code="PARAMETERS_INVALID") from error
    if not isinstance(told, dict):
        problem = "the file holds no object of parameters"
        raise InputError(problem, file=path.name, expected='{"layer": …}', code="PARAMETERS_INVALID")
    return told


def _print(record: dict[str, Any]) -> None:
    """Say what a run gave."""
    say(f"run {record['id']}")
    for name, told in record["results"].items():
        say(f"  {name}: {told['rows']} rows, sha256 {told['sha256'][:16]}")
    for note in record["notes"]:
        say(f"  {note}")
