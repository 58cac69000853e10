"""`biodata serve`, `worker` and `release`: the processes of an installation."""

import os
import resource
import signal
import socket
import threading
from importlib.util import find_spec
from tempfile import TemporaryDirectory
from typing import Annotated, Final

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, say, say_held_runs, settings_for, show_progress, stages

STOP_S: Final = 30
"""Seconds that answers which were begun may take when the server is stated to stop; a question may take ten."""

HEALTH_S: Final = 30
"""Seconds after which a worker that gives no sign of life is replaced; a busy one can be silent for some."""


MOST_FILES: Final = 65_536
"""Open files of a process of the API, where the system allows as many."""


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    app.command(name="serve")(serve)
    app.command(name="worker")(worker)
    app.command(name="release")(release)


def serve(
    data: DataOption = DEFAULT_DATA,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8000,
    workers: Annotated[int, typer.Option(help="API processes.", min=1)] = 1,
    user: Annotated[
        str | None,
        typer.Option(help="System user to serve as, by name or number, which can then not read lake and secrets."),
    ] = None,
) -> None:
    """Serve the API and the map of the current release.

    Example: biodata serve --data biodata_data
    """
    from biodata.cli.web_build import build_map

    settings = settings_for(data)  # what is wrong with them is stated here, and not by each of the processes
    if note := build_map():
        say(f"the map is not served: {note}")
    if user is not None:
        from biodata.cli.service_user import start_as

        command = ["serve", "--data", str(data), "--host", host, f"--port={port}", f"--workers={workers}"]
        start_as(settings, user, command, workers=workers)
    _say_who_works(data)
    run_server(data, host=host, port=port, workers=workers)


def run_server(data: os.PathLike[str], *, host: str, port: int, workers: int = 1) -> None:
    """Run uvicorn until it is stated to stop; the API's processes find their settings in the environment.

    Notes
    -----
    Stated to stop, by SIGTERM or SIGINT, it takes no more connections, ends the answers that it has begun, for half a
    minute at most, and closes idle connections. Whose word is taken for a client's address the API decides by itself
    (`BIODATA_TRUSTED_PROXIES`); uvicorn would believe everybody on this machine.
    """
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    class Workers(Multiprocess):
        """Processes that share one socket."""

        def terminate_all(self) -> None:
            """Let go of the socket first, so that a new connection is refused and does not wait for nobody."""
            for shared in self.sockets:
                shared.close()
            super().terminate_all()

    class Server(uvicorn.Server):
        """One process, which says where it is as soon as it listens."""

        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets=sockets)
            if self.started:
                _say_where(host, port)

    os.environ["BIODATA_DATA"] = os.fspath(data)
    _allow_connections()
    config = uvicorn.Config(
        "api.app:create_app", factory=True, host=host, port=port, workers=workers, http="api.workers:Protocol",
        loop="api.workers:Loop" if workers > 1 and find_spec("uvloop") else "auto", log_config=None,
        log_level="warning", access_log=False, proxy_headers=False, server_header=False,
        timeout_graceful_shutdown=STOP_S, timeout_worker_healthcheck=HEALTH_S,
    )  # fmt: skip
    if workers == 1:
        Server(config).run()
    else:
        sockets = [config.bind_socket()]
        _say_where(host, port)
        with TemporaryDirectory(prefix="biodata-metrics-") as folder:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder  # the workers count into it, and any tells what all counted
            Workers(config, sockets).run()


def _allow_connections() -> None:
    """Let this process and those that it starts open as many files as the system allows: each connection is one."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if most == resource.RLIM_INFINITY else min(most, MOST_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(wanted, resource.getrlimit(resource.RLIMIT_NOFILE)[0]), most))


def _say_where(host: str, port: int) -> None:
    """Say on stderr where the map is and how to stop."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
    address = f"http://{name}:{port}/"
    typer.echo(
        f"the map is at {address}, surveys at {address}surveys, the API at {address}docs; stop with Ctrl-C", err=True
    )


def _say_who_works(data: os.PathLike[str]) -> None:
    """Say on stderr what this process leaves to another one."""
    typer.echo(
        f"checks, reviews and downloads are worked on by `biodata worker --data {data}`: let one run beside this",
        err=True,
    )


def worker(
    data: DataOption = DEFAULT_DATA,
    once: Annotated[bool, typer.Option("--once", help="Stop when nothing waits any more.")] = False,
) -> None:
    """Do the work that waits in the queue.

    Example: biodata worker --data biodata_data
    """
    from api.logs import written
    from biodata.worker import work

    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):  # the job in hand is given back, or ends where it cannot be
        signal.signal(number, lambda *_: stop.set())
    until = "ends when nothing waits any more" if once else "stop with Ctrl-C"
    typer.echo(f"working on what waits in {data}; {until}", err=True)
    with written():
        count = work(settings_for(data), stop=stop, once=once)
    say(f"{count} jobs done")


def release(
    data: DataOption = DEFAULT_DATA,
    full: Annotated[bool, typer.Option("--full", help="Make a whole new file in any case.")] = False,
) -> None:
    """Make what the sharing rules let out the current release.

    What changed stands in a small file beside the release before, and both are merged when that has grown.

    Example: biodata release --data biodata_data
    """
    from biodata import pipeline, runs
    from biodata.access.exact_building import follow_release
    from biodata.pipeline import descriptions
    from biodata.store.release_merge import merge, merge_owed
    from biodata.store.releases import current

    settings = settings_for(data)
    with stages():
        before = current(settings.data)
        made = pipeline.release(settings, full=full, progress=show_progress())
    if before is not None and made.id == before.id:
        say("nothing new: the release before stays")
    counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in made.counts.items())
    say(f"release {made.id} of lake version {made.snapshot}: {counts}")
    for line in (*descriptions.undescribed(made.path, settings), *runs.held_back(settings), follow_release(settings)):
        if line is not None:
            say(line)
    say_held_runs(settings)
    if merge_owed(settings.data) is not None:
        merge(settings.data, memory_limit=settings.memory_limit)
