"""Servers of a cluster on 127.0.0.1: PostgreSQL, S3-compatible storage, a Dask scheduler with workers."""

import logging
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Final

import pytest

from biodata.core.settings import Settings
from biodata.store.registry import Registry

HOST: Final = "127.0.0.1"
_SECONDS: Final = 60.0
# Nothing of what a test writes has to outlive the machine's next fall.
_FAST: Final = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB")


def free_port() -> int:
    """Return a port that nobody listens at."""
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


def binaries() -> Path:
    """Return the folder of PostgreSQL's server; skip where there is none."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    command = shutil.which("initdb")
    if not found and command is None:
        pytest.skip("there is no PostgreSQL server on this machine (Debian: postgresql)")
    return found[-1].parent if found else Path(str(command)).parent


@contextmanager
def postgres() -> Iterator["Postgres"]:
    """Start a PostgreSQL server; it is gone with its content at the end."""
    bin_folder, port = binaries(), free_port()
    # The server refuses to run as root; its folder then belongs to another user.
    user = "postgres" if os.geteuid() == 0 else None
    if user is not None:
        try:
            pwd.getpwnam(user)
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
    # A folder of its own: those of pytest are closed to every other user.
    data = Path(mkdtemp(prefix="biodata-postgres-"))
    if user is not None:
        shutil.chown(data, user)
    subprocess.run(
        [bin_folder / "initdb", "-D", data, "-A", "trust", "-U", "biodata", "-E", "UTF8", "--no-sync", "--locale=C"],
        user=user, check=True, capture_output=True, cwd="/",
    )  # fmt: skip
    options = [option for setting in _FAST for option in ("-c", setting)]
    server = subprocess.Popen([bin_folder / "postgres", "-D", data, "-h", HOST, "-p", str(port), "-k", data, *options],
                              user=user, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        _wait_for(port, server, "PostgreSQL")
        yield Postgres(port)
    finally:
        server.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown
        server.wait(_SECONDS)
        shutil.rmtree(data, ignore_errors=True)


@dataclass
class Postgres:
    """A running PostgreSQL server."""

    port: int
    made: int = 0
    template: str | None = None

    def registry(self) -> str:
        """Make a database with the tables of a new registry; return its address."""
        if self.template is None:
            address = self.database()
            with TemporaryDirectory() as data:
                Registry.open(Settings(data=Path(data), registry_url=address)).close()
            self.template = address.rsplit("/", 1)[1]
        return self.database(f" TEMPLATE {self.template}")

    def database(self, like: str = "") -> str:
        """Make an empty database; return its address."""
        import psycopg

        self.made += 1
        name = f"test_{self.made}"
        address = f"postgresql://biodata@{HOST}:{self.port}/"
        for attempt in range(100):
            try:
                with psycopg.connect(f"{address}postgres", autocommit=True) as connection:
                    connection.execute(f"CREATE DATABASE {name}{like}")
                break
            except psycopg.OperationalError:  # it listens before it answers
                if attempt == 99:
                    raise
                time.sleep(0.1)
        return f"{address}{name}"


@contextmanager
def s3() -> Iterator[str]:
    """Start an S3-compatible server whose content is gone at the end; give its address."""
    pytest.importorskip("moto.server")
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer(HOST, 0, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    server.start()
    try:
        host, port = server.get_host_and_port()
        yield f"http://{host}:{port}"
    finally:
        server.stop()


def make_bucket(address: str, name: str) -> None:
    """Make a bucket."""
    from pyarrow.fs import S3FileSystem

    scheme, _, host = address.partition("://")
    S3FileSystem(scheme=scheme, endpoint_override=host, allow_bucket_creation=True).create_dir(name)


@contextmanager
def dask_cluster(folder: Path, *, workers: int = 2) -> Iterator["DaskCluster"]:
    """Start a Dask scheduler and workers of one thread, each a process; give the scheduler's address."""
    pytest.importorskip("distributed")
    port = free_port()
    cluster = DaskCluster(f"tcp://{HOST}:{port}", folder, [])
    cluster.start("scheduler", "--host", HOST, "--port", str(port), "--no-dashboard", "--no-show")
    try:
        _wait_for(port, cluster.processes[0], "Dask's scheduler")
        for _ in range(workers):
            cluster.add_worker()
        yield cluster
    finally:
        for process in reversed(cluster.processes):
            process.terminate()
        for process in cluster.processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@dataclass
class DaskCluster:
    """A running scheduler and its workers; the first process is the scheduler."""

    address: str
    folder: Path
    processes: list["subprocess.Popen[bytes]"]

    def start(self, kind: str, *arguments: str) -> None:
        """Start a process of Dask."""
        command = [sys.executable, "-m", "distributed.cli.dask_" + kind, *arguments]
        environment = {**os.environ, "POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}
        output = (self.folder / f"dask-{len(self.processes)}.log").open("wb")
        with output:
            self.processes.append(
                subprocess.Popen(command, cwd=self.folder, env=environment, stdout=output, stderr=output)
            )

    def add_worker(self) -> None:
        """Start a worker of one thread."""
        self.start("worker", self.address, "--host", HOST, "--nthreads", "1", "--no-nanny", "--no-dashboard")


def _wait_for(port: int, process: "subprocess.Popen[bytes]", what: str) -> None:
    """Wait until a process listens at its port."""
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as tried:
            if tried.connect_ex((HOST, port)) == 0:
                return
        if process.poll() is not None:
            break
        time.sleep(0.05)
    pytest.fail(f"{what} did not start")


def main(folder: Path) -> None:
    """Run PostgreSQL and storage with a bucket beside a script of bash until it ends; tell where in ``ready``."""
    folder.mkdir(parents=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    os.environ |= {"AWS_ACCESS_KEY_ID": "a-key", "AWS_SECRET_ACCESS_KEY": "its-secret"}
    with postgres() as database, s3() as endpoint:
        make_bucket(endpoint, "biodata")
        told = {name: os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
        told |= {"CATALOGUE": database.database(), "REGISTRY": database.database(), "ENDPOINT": endpoint}
        part = folder / "part"
        part.write_text("".join(f"export {name}={value}\n" for name, value in told.items()), encoding="utf-8")
        part.rename(folder / "ready")
        signal.pause()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
