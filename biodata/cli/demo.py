"""`biodata demo`: the whole way once, from the sample files to the map."""

import csv
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Final

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, open_registry, say, settings_for, show_progress
from biodata.cli.serve import run_server
from biodata.cli.web_build import build_map
from biodata.core.errors import InputError
from biodata.core.settings import Settings

INPUTS: Final = (
    ("checklist", "checklist.csv"), ("gbif", "occurrences_gbif.zip"), ("dwca", "xishuangbanna_namha.zip"),
    ("protected-areas", "protected_areas.geojson"), ("protected-areas", "protected_areas_old_schema.gpkg"),
)  # fmt: skip
"""What is taken in: source and file below `sample_data`."""


def add_commands(app: typer.Typer) -> None:
    """Add this file's command to the application."""
    app.command(name="demo")(demo)


def demo(
    data: DataOption = DEFAULT_DATA,
    port: Annotated[int, typer.Option(help="Port to serve on.", min=1, max=65535)] = 8000,
    no_serve: Annotated[bool, typer.Option("--no-serve", help="Stop before serving.")] = False,
) -> None:
    """Take in the sample data, analyse it, release it and serve the map.

    A second start finds what the first one made and serves it at once.

    Example: biodata demo --data biodata_data
    """
    folder = _sample_data()
    if not no_serve:
        _need_free(port)
    _make(settings_for(data), folder)
    note = build_map()
    if folder.parent.resolve() != Path.cwd():
        say(f"the sample files that the examples of --help name are in {folder}")
    if no_serve:
        say(f"ready: biodata serve --data {data}")
        return
    if note:
        say(f"the map is not served: {note}")
    # uvicorn gives the signal on when it has stopped; as an exception it also ends the worker.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with _worker(data):
        run_server(data, host="127.0.0.1", port=port)


def _make(settings: Settings, folder: Path) -> None:
    """Ingest, analyse and release, unless the same was made before."""
    stamp, wanted = settings.data / "demo.json", _fingerprint(folder)
    if stamp.exists() and json.loads(stamp.read_text()) == wanted:
        say(f"{settings.data} is up to date with {folder.name}")
        return
    from biodata import pipeline
    from biodata.runs.engines import work as run_engines

    _put_rules(settings, folder / "sensitive_species.csv")
    _appoint(settings)
    layers = sorted((folder / "layers").glob("landcover*.tif"))
    for source, name in (*INPUTS, *(("layer", f"layers/{layer.name}") for layer in layers)):
        with _timed(f"ingest {source} {name}") as tell:
            reports = pipeline.ingest(source, [folder / name], settings, progress=show_progress())
            tell(", ".join(f"{r.rows} rows, {r.stored} stored, {r.refused} refused" for r in reports))
    _describe(settings, folder / "datasets.csv")
    # What is coarse beside a sensitive record is settled by a release: the runs read the records as it states them.
    with _timed("release of the records"):
        pipeline.release(settings, progress=show_progress())
    for layer in layers:
        with _timed(f"corridors over {layer.stem}") as tell:
            asked = {"layer": layer.stem, "resistance": str(folder / "resistance.csv")}
            run = run_engines.start(settings, "corridors", asked, progress=show_progress())
            rows = {name: facts["rows"] for name, facts in run.results.items()}
            tell(
                f"{run.notes[0]}, {rows['reserve_candidates']} candidates of {rows['considered_ground']} looked at; "
                f"kept as {run.id}"
            )
    with _timed("release") as tell:
        made = pipeline.release(settings, progress=show_progress())
        tell(f"{made.id}: {made.counts['occurrences']} records")
    stamp.write_text(json.dumps(wanted))


def _put_rules(settings: Settings, file: Path) -> None:
    """Let the rules of a file hold, unless they do; labels and consents stay."""
    from biodata.access.rule_changes import read_files
    from biodata.store import sharing_rules

    with open_registry(settings) as registry:
        before, wanted = read_files(registry, file)
        if before is None or before.texts() != wanted.texts():
            with registry.session() as session, session.begin():
                sharing_rules.write(session, wanted, actor="demo", reason=f"imported from {file.name}")


def _appoint(settings: Settings) -> None:
    """Make the two people whom an appointment needs: one gives a role, the other confirms it."""
    from biodata.access import accounts
    from biodata.access.roles import Role, RoleBinding

    with open_registry(settings) as registry:
        for name, label in (("office", "The demo's office"), ("witness", "The demo's second person")):
            if accounts.find(registry, name) is None:
                accounts.new(registry, name, label=label, roles=[RoleBinding(Role.ADMINISTRATOR)])


def _describe(settings: Settings, file: Path) -> None:
    """State titles and licences of the datasets whose files state none."""
    from biodata.pipeline import descriptions

    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            descriptions.describe(settings, row.pop("key"), row, actor="demo")


@contextmanager
def _timed(what: str) -> Iterator[Callable[[str], None]]:
    """Print what was done, what came out and how long it took."""
    said: list[str] = []
    start = time.monotonic()
    yield said.append
    say(f"{time.monotonic() - start:6.1f} s  {what}: {' '.join(said)}")


def _fingerprint(folder: Path) -> dict[str, str]:
    """Return what the demo's data folder was made from: the files and the code's version."""
    digest = hashlib.sha256()
    for file in sorted(p for p in folder.rglob("*") if p.suffix in {".csv", ".zip", ".geojson", ".gpkg", ".tif"}):
        digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    return {"sample_data": digest.hexdigest(), "biodata": version("biodata")}


def _sample_data() -> Path:
    """Return the folder of the sample files: of the working folder, of the clone, or of the installed package."""
    package = Path(__file__).parents[1]
    for folder in (Path.cwd() / "sample_data", package.parent / "sample_data", package / "sample_data"):
        if (folder / "README.md").exists():
            return folder
    problem = "the sample data are missing from this installation"
    raise InputError(problem, file="sample_data", expected="install biodata again, or run this command inside a clone")


def _need_free(port: int) -> None:
    """Stop before the work where somebody else has the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            problem = f"port {port} is in use"
            raise InputError(problem, expected="give another with --port", code="PORT_IN_USE") from None


@contextmanager
def _worker(data: Path) -> Iterator[None]:
    """Run a worker beside the server, and end it by its process id."""
    worker = subprocess.Popen([sys.executable, "-m", "biodata.cli", "worker", "--data", os.fspath(data)])
    try:
        yield
    finally:
        worker.send_signal(signal.SIGTERM)
        worker.wait(timeout=30)
