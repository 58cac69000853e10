"""`biodata circuit`: run a Circuitscape project."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biodata.cli.options import say, show_progress
from biodata.errors import InputError

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from contextlib import AbstractContextManager

_CIRCUIT = """Run a Circuitscape project as it is: pairwise, advanced, one-to-all, all-to-one; rasters and networks.

What comes out has Circuitscape's own names. Paths in the .ini are looked for in its folder, in those above it and in the
current one. What was taken in another way than it may have been meant stands on standard error.

Example: biodata circuit sample_data/planning/circuit.ini --out results
"""


def add_commands(app: typer.Typer) -> None:
    """Add this file's command to the application."""
    app.command(name="circuit", help=_CIRCUIT)(circuit)


def _processes(workers: int) -> "AbstractContextManager[Executor | None]":
    """Return so many processes as a `with` block; None for one, which is this."""
    from concurrent.futures import ProcessPoolExecutor
    from contextlib import nullcontext
    from multiprocessing import get_context

    # A process that was forked from one with threads may stand still.
    return nullcontext() if workers == 1 else ProcessPoolExecutor(workers, mp_context=get_context("spawn"))


def circuit(
    ini: Annotated[Path, typer.Argument(help="The project's .ini file.")],
    out: Annotated[Path, typer.Option(help="Folder for what comes out.", file_okay=False)],
    solver: Annotated[
        str, typer.Option(help="auto, cholmod, pardiso, superlu, multigrid or gradients; the answers are the same.")
    ] = "auto",
    left_out_maps: Annotated[
        bool, typer.Option(help="Small maps of pairs that a list leaves out, as Circuitscape's verification has them.")
    ] = True,
    workers: Annotated[
        int, typer.Option(help="Processes that write maps and solve pairs of large regions.", min=1)
    ] = 1,
) -> None:
    """Read, solve, write."""
    from biodata.analysis.circuit.project import read_project
    from biodata.exports.circuits import run_project

    if not ini.is_file():
        problem = "there is no such file"
        raise InputError(problem, file=str(ini), code="CIRCUIT_FILE_MISSING")
    project = read_project(ini)
    with _processes(workers) as executor:
        report = run_project(
            project, out, solver=solver, left_out_maps=left_out_maps, executor=executor, progress=show_progress()
        )
    for note in report.notes:
        typer.echo(f"biodata: note: {note}", err=True)
    unit = (
        "components" if project.scenario == "advanced" else "pairs" if project.scenario == "pairwise" else "focal nodes"
    )
    missing = f", {report.unconnected} not connected or left out" if report.unconnected else ""
    say(
        f"{project.scenario}: {report.nodes} nodes in {report.components} components; "
        f"{report.solved} {unit} solved{missing}; {report.files} files → {out}"
    )
