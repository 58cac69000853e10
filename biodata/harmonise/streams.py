"""The batches of a table harmonised side by side: each worker takes one from reading to its end, the order stays.

Where other processes interpret (`Elsewhere`), a thread here waits for each of them: a batch goes out, and what became of
it comes back, as bytes. What identifies a row stays here, with the installation's secret.
"""

import gc
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any, Final, Protocol, TypeVar

import polars as pl

from biodata.core import terms
from biodata.harmonise.dates import DateOrders
from biodata.harmonise.occurrences import INTERPRETED, VERBATIM, HarmonisedBatch, Harmoniser, Identified

WORKERS: Final = min(os.cpu_count() or 1, 4)
"""Batches in work at once; each takes a few hundred megabytes."""

Finished = TypeVar("Finished")


class Elsewhere(Protocol):
    """Workers that interpret batches in other processes; `pipeline.executors.DaskWorkers` is one."""

    @property
    def workers(self) -> int:
        """How many tasks run at once."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Hand a task out."""

    def share(self, value: Any) -> Any:
        """Send a value to the workers once; what is returned stands for it among the values of tasks."""


def harmonise_batches(
    harmoniser: Harmoniser,
    batches: Iterator[pl.DataFrame],
    *,
    finish: Callable[[int, HarmonisedBatch], Finished],
    dataset_key: str,
    declarations: Mapping[str, str],
    orders: DateOrders | None = None,
    heard: DateOrders | None = None,
    elsewhere: Elsewhere | None = None,
) -> Iterator[Finished]:
    """Interpret batches of verbatim records.

    Parameters
    ----------
    harmoniser : Harmoniser
        What interprets.
    batches : iterator of frames
        As for `Harmoniser.occurrences`; asked by several threads, one at a time.
    finish : callable
        What is done with each batch, given its number from 0: equal to what `Harmoniser.occurrences` gives of the
        batches one after the other. Called by several threads, batches in any order. What it returns is kept until
        those before it are finished, so it should be small.
    dataset_key, declarations
        As for `Harmoniser.occurrences`.
    orders : DateOrders, optional
        What the whole table says of the order of day and month.
    heard : DateOrders, optional
        What hears each batch.
    elsewhere : Elsewhere, optional
        Who interprets all batches but the first; the first is interpreted here, so that a small table waits for nobody.

    Yields
    ------
    what `finish` returns, in the order of the batches
    """
    turn, numbers = Lock(), iter(range(2**62))

    def read() -> tuple[int, Identified] | None:
        """Read and identify the next batch; what equal rows are called depends on their order: one by one."""
        with turn:
            batch = next(batches, None)
            if batch is None:
                return None
            identified = harmoniser.identify(batch, dataset_key=dataset_key)
            if heard is not None:
                heard.add(identified.told)
            return next(numbers), identified

    def work() -> tuple[int, Finished] | None:
        """Take a batch from its reading to its end."""
        taken = read()
        if taken is None:
            return None
        number, identified = taken
        if elsewhere is None or number == 0:
            result = harmoniser.interpret(identified, declarations=declarations, orders=orders)
        else:
            packed = elsewhere.submit(interpret_packed, shared(), identified, declarations, orders).result()
            result = packed.unpacked()
        return number, finish(number, result)

    handle: list[Any] = []

    def shared() -> Any:
        """Return what stands for the harmoniser, sent out when it is first asked for."""
        with turn:
            if elsewhere is not None and not handle:
                handle.append(elsewhere.share(harmoniser))
        return handle[0]

    finished: dict[int, Finished] = {}
    following = 0
    # One more than work at once, so that none of them waits for a table to be read.
    at_once = WORKERS if elsewhere is None else elsewhere.workers + 1
    with _garbage_of_its_own(), ThreadPoolExecutor(at_once) as workers:
        coming: deque[Future[tuple[int, Finished] | None]] = deque(workers.submit(work) for _ in range(at_once + 1))
        while coming:
            done = coming.popleft().result()
            if done is None:
                continue
            coming.append(workers.submit(work))
            finished[done[0]] = done[1]
            while following in finished:
                yield finished.pop(following)
                following += 1


@dataclass(frozen=True)
class Packed:
    """What became of a batch, without the columns that have no value: most of them, in most files.

    Attributes
    ----------
    result : HarmonisedBatch
        With those columns left out.
    """

    result: HarmonisedBatch

    def unpacked(self) -> HarmonisedBatch:
        """Return the batch with all of its columns."""
        return replace(
            self.result,
            interpreted=terms.conform(self.result.interpreted, INTERPRETED),
            verbatim=terms.conform(self.result.verbatim, VERBATIM),
        )


def interpret_packed(
    harmoniser: Harmoniser, identified: Identified, declarations: Mapping[str, str], orders: DateOrders | None
) -> Packed:
    """Interpret a batch, in whatever process, for the way back."""
    result = harmoniser.interpret(identified, declarations=declarations, orders=orders)
    return Packed(replace(result, interpreted=_filled(result.interpreted), verbatim=_filled(result.verbatim)))


def _filled(frame: pl.DataFrame) -> pl.DataFrame:
    """Return the columns that have a value; one of a frame without any, which keeps the number of its rows."""
    filled = [column.name for column in frame if column.null_count() < frame.height]
    return frame.select(filled or frame.columns[:1])


@contextmanager
def _garbage_of_its_own() -> Iterator[None]:
    """Keep the garbage collector from looking again and again through what there was before."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
