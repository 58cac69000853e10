"""The batches of a table harmonised side by side: each worker takes one from reading to its end, the order stays."""

import gc
import os
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock
from typing import Final, TypeVar

import polars as pl

from biodata.harmonise.date_order import DateOrders
from biodata.harmonise.occurrences import HarmonisedBatch, Harmoniser, Identified

WORKERS: Final = min(os.cpu_count() or 1, 4)
"""Batches in work at once; each takes a few hundred megabytes."""

Finished = TypeVar("Finished")


def harmonise_batches(
    harmoniser: Harmoniser,
    batches: Iterator[pl.DataFrame],
    *,
    finish: Callable[[int, HarmonisedBatch], Finished],
    dataset_key: str,
    declarations: Mapping[str, str],
    orders: DateOrders | None = None,
    heard: DateOrders | None = None,
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
        result = harmoniser.interpret(identified, declarations=declarations, orders=orders)
        return number, finish(number, result)

    finished: dict[int, Finished] = {}
    following = 0
    with _garbage_of_its_own(), ThreadPoolExecutor(WORKERS) as workers:
        coming: deque[Future[tuple[int, Finished] | None]] = deque(workers.submit(work) for _ in range(WORKERS + 1))
        while coming:
            done = coming.popleft().result()
            if done is None:
                continue
            coming.append(workers.submit(work))
            finished[done[0]] = done[1]
            while following in finished:
                yield finished.pop(following)
                following += 1


@contextmanager
def _garbage_of_its_own() -> Iterator[None]:
    """Keep the garbage collector from looking again and again through what there was before."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
