"""Locks between processes, threads and machines that die with their owner."""

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from biodata.core.errors import StoreError
from biodata.store.cluster import cluster_of, connected

if TYPE_CHECKING:
    import psycopg


@contextmanager
def file_lock(path: Path, *, what: str, timeout_seconds: float = 600.0) -> Iterator[None]:
    """Hold an exclusive lock on a file; each caller has a handle of its own, so threads exclude each other too.

    Parameters
    ----------
    path : Path
        The lock's file, made when needed and never removed.
    what : str
        What is being locked, for the message.
    timeout_seconds : float
        How long to wait for another holder.

    Raises
    ------
    StoreError
        If another holder keeps it for longer.
    """
    # For its owner alone, as all that is private in an installation.
    with open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600)) as handle:
        _wait(lambda: try_lock(handle.fileno()), what, timeout_seconds, pause=0.02)
        yield  # closing the handle gives the lock back


@contextmanager
def server_lock(address: str, *, what: str, timeout_seconds: float = 600.0) -> Iterator[None]:
    """Hold an exclusive lock of a PostgreSQL database, an advisory one: whatever machine asks, one has it.

    Parameters
    ----------
    address : str
        Of the database, as libpq reads it; not of a pool that shares sessions.
    what : str
        What is being locked: its name is the lock's.
    timeout_seconds : float
        How long to wait for another holder.

    Raises
    ------
    StoreError
        If another holder keeps it for longer, the server does not answer, or it was lost meanwhile.
    """
    number = int.from_bytes(hashlib.sha256(f"biodata: {what}".encode()).digest()[:8], "big", signed=True)
    with connected(address) as connection:
        _wait(lambda: _answer(connection, "SELECT pg_try_advisory_lock(%s)", number), what, timeout_seconds, pause=0.05)
        yield  # closing the connection gives the lock back


def _wait(taken: Callable[[], bool], what: str, timeout_seconds: float, *, pause: float) -> None:
    """Try to take a lock until it is taken, or the time is over."""
    deadline = time.monotonic() + timeout_seconds
    while not taken():
        if time.monotonic() > deadline:
            message = f"{what} is being written by another process for more than {timeout_seconds:.0f} s"
            raise StoreError(message)
        time.sleep(pause)


def _answer(connection: "psycopg.Connection[Any]", question: str, *values: object) -> bool:
    row = connection.execute(question, values).fetchone()
    return bool(row and row[0])


def writers_lock(data: Path, *, timeout_seconds: float = 600.0) -> AbstractContextManager[None]:
    """Return the lock of whoever writes to the lake of an installation; what needs the lake still takes it too."""
    return _lock(data, "lake.lock", what="the lake", timeout_seconds=timeout_seconds)


def builders_lock(data: Path) -> AbstractContextManager[None]:
    """Return the lock of whoever makes or removes releases; where both are needed it is taken before the writer's."""
    return _lock(data, "releases.lock", what="the folder of releases", timeout_seconds=600.0)


def _lock(data: Path, name: str, *, what: str, timeout_seconds: float) -> AbstractContextManager[None]:
    """Return the lock of a file in an installation's folder; of the catalogue's server where machines share the lake."""
    if (shared := cluster_of(data)) is None:
        return file_lock(data / name, what=what, timeout_seconds=timeout_seconds)
    return server_lock(shared.libpq, what=what, timeout_seconds=timeout_seconds)


def try_lock(descriptor: int) -> bool:
    """Take an exclusive lock on an open file if nobody has it; False where somebody does."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def sync_file(path: Path) -> None:
    """Make what was written to a file durable."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make the folder's entries (a rename, a new file) durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
