"""Tasks that do not wait for each other, here or on any executor, with their answers in order."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def at_once(executor: Executor) -> int:
    """Return how many tasks to hand out at once: enough to keep all workers busy, and no more than fit into memory."""
    return 2 * int(getattr(executor, "_max_workers", None) or os.cpu_count() or 1)


def in_order(work: Callable[[Item], Result], items: Iterable[Item], executor: Executor | None) -> Iterator[Result]:
    """Yield the answer of each item, in the order of the items.

    Parameters
    ----------
    work : function of an item
        One that can be pickled where the executor works in other processes.
    items : iterable
        Taken only as fast as they are worked at.
    executor : concurrent.futures.Executor, optional
        Where to work; here, one after the other, where none is given.
    """
    if executor is None:
        yield from map(work, items)
        return
    room = at_once(executor)
    running: deque[Future[Result]] = deque()
    try:
        for item in items:
            running.append(executor.submit(work, item))
            if len(running) >= room:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        for future in running:
            future.cancel()
