"""Where work is done that needs nothing but what it is given: here, or by the workers of a Dask cluster.

A task is a function of a module and its values, all of them picklable: what it returns follows from them alone, so that
a worker that is killed costs time and nothing else. Whoever hands tasks out never asks where they run.
"""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any, Final, TypeVar

from biodata.core.errors import StoreError
from biodata.core.settings import Settings

Answer = TypeVar("Answer")

KINDS: Final = ("here", "threads", "processes", "dask")
"""Where work may be done: in this thread, in threads or processes of this machine, or by the workers of `scheduler`."""

_ASKED_SECONDS: Final = 10


class DaskWorkers(Executor):
    """The workers of a Dask scheduler as an executor.

    Parameters
    ----------
    address : str
        Of the scheduler: `tcp://127.0.0.1:8786`.

    Raises
    ------
    StoreError
        If nothing answers there, or what asks it is not installed.
    """

    def __init__(self, address: str) -> None:
        try:
            import distributed
        except ModuleNotFoundError as error:
            message = "BIODATA_SCHEDULER needs what is not installed: pip install 'biodata[cluster]'"
            raise StoreError(message) from error
        untyped: Any = distributed
        try:
            self._client = untyped.Client(address, timeout=_ASKED_SECONDS, set_as_default=False)
        except (OSError, ValueError) as error:
            message = f"no scheduler answers at {address}"
            raise StoreError(message) from error
        self._tasks = self._client.get_executor(pure=False)
        self._max_workers = self.workers  # as the executors of the standard library name it

    @property
    def workers(self) -> int:
        """How many tasks run at once, one where no worker has come yet."""
        threads: dict[str, int] = self._client.nthreads()
        return max(1, sum(threads.values()))

    def submit(self, fn: Callable[..., Answer], /, *args: Any, **kwargs: Any) -> "Future[Answer]":
        """Hand a task out."""
        handed_out: Future[Answer] = self._tasks.submit(fn, *args, **kwargs)
        return handed_out

    def share(self, value: Any) -> Any:
        """Send a large value to the workers once; what is returned stands for it among the values of tasks."""
        # As the answer of a task: what is merely scattered is lost with the worker that has it.
        return self._client.submit(_same, value, pure=False)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Leave the cluster."""
        self._tasks.shutdown(wait=wait and not cancel_futures)
        self._client.close()


def _same(value: Answer) -> Answer:
    return value


@contextmanager
def dask_workers(settings: Settings) -> Iterator[DaskWorkers | None]:
    """Give the workers of the scheduler that the settings name; None where they name none."""
    if settings.scheduler is None:
        yield None
        return
    workers = DaskWorkers(settings.scheduler)
    try:
        yield workers
    finally:
        workers.shutdown(cancel_futures=True)


@contextmanager
def executor(settings: Settings, kind: str, *, workers: int | None = None) -> Iterator[Executor | None]:
    """Give an executor of a kind; None for `here`.

    Parameters
    ----------
    settings : Settings
        Where the scheduler is named.
    kind : str
        One of `KINDS`.
    workers : int, optional
        How many at once, on this machine; as many as there are cores where none is given.
    """
    made: Executor
    if kind == "here":
        yield None
        return
    if kind == "dask":
        if settings.scheduler is None:
            message = (
                "no scheduler is named; set BIODATA_SCHEDULER to the scheduler's address, such as tcp://127.0.0.1:8786"
            )
            raise StoreError(message)
        made = DaskWorkers(settings.scheduler)
    elif kind == "threads":
        made = ThreadPoolExecutor(workers or os.cpu_count())
    else:
        # A process that was forked from one with threads may stand still.
        made = ProcessPoolExecutor(workers or os.cpu_count(), mp_context=get_context("spawn"))
    try:
        yield made
    finally:
        made.shutdown(wait=True, cancel_futures=True)
