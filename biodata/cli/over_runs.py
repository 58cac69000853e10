"""What commands that ask about a run of corridors, or about one's own files, have in common."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from biodata.cli.options import say, settings_for
from biodata.errors import InputError

if TYPE_CHECKING:
    from biodata.run_engines import Outcome
    from biodata.settings import Settings


def settings_of(run: str | None, data: Path | None, out: Path | None) -> "Settings":
    """Return the settings of the installation that a run is of or that keeps one; the environment's where there is none.

    Raises
    ------
    InputError
        If a run is named without its installation, or nothing takes what comes out (OPTIONS_UNFIT).
    """
    if run is not None and data is None:
        problem = "a run lies in an installation"
        raise InputError(problem, column="--run", value=run, expected="--data DIR with it", code="OPTIONS_UNFIT")
    if out is None and data is None:
        problem = "it is not told where the answer goes"
        raise InputError(problem, expected="--out FILE, or --data DIR that keeps the run", code="OPTIONS_UNFIT")
    return settings_for(Path() if data is None else data)


def text_of(path: Path | None) -> str | None:
    """Return a path as a run's parameter."""
    return None if path is None else str(path)


def kept(settings: "Settings", engine: str, asked: dict[str, Any], found: "Outcome", *, seed: int = 1) -> None:
    """Keep what an engine found, and say under which name."""
    from biodata import run_engines

    record = run_engines.keep(settings, engine, asked, found, seed=seed)
    beside = f", and beside the results of run {found_run}" if (found_run := _run_of(found)) else ""
    say(f"kept as {record.id}{beside}")


def _run_of(found: "Outcome") -> str | None:
    """Return the run that was asked about."""
    from biodata.run_engines.work import told_of

    run: str | None = told_of(found.results).get("run")
    return run
