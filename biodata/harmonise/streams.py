"""The batches of a table harmonised side by side: one is read while others are interpreted, the order stays."""

import os
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final

import polars as pl

from biodata.harmonise.date_order import DateOrders
from biodata.harmonise.occurrences import HarmonisedBatch, Harmoniser, Identified

WORKERS: Final = min(max(1, (os.cpu_count() or 1) // 2), 4)
"""Batches interpreted at once; each keeps a few hundred megabytes. One more is being read, one more written."""


def harmonise_batches(
    harmoniser: Harmoniser,
    batches: Iterator[pl.DataFrame],
    *,
    dataset_key: str,
    declarations: Mapping[str, str],
    orders: DateOrders | None = None,
    heard: DateOrders | None = None,
) -> Iterator[HarmonisedBatch]:
    """Interpret batches of verbatim records.

    Parameters
    ----------
    harmoniser : Harmoniser
        What interprets.
    batches : iterator of frames
        As for `Harmoniser.occurrences`; read in a thread of its own, ahead of what is asked for.
    dataset_key, declarations
        As for `Harmoniser.occurrences`.
    orders : DateOrders, optional
        What the whole table says of the order of day and month.
    heard : DateOrders, optional
        What hears each batch.

    Yields
    ------
    HarmonisedBatch
        One a batch, in their order, equal to what `Harmoniser.occurrences` gives one after the other.
    """

    def read() -> Identified | None:
        """Identify the next batch; what equal rows are called depends on the order, so this is done one by one."""
        batch = next(batches, None)
        if batch is None:
            return None
        identified = harmoniser.identify(batch, dataset_key=dataset_key)
        if heard is not None:
            heard.add(identified.told)
        return identified

    with ThreadPoolExecutor(1) as reader, ThreadPoolExecutor(WORKERS) as workers:
        coming: deque[Future[HarmonisedBatch]] = deque()
        following = reader.submit(read)
        while (identified := following.result()) is not None:
            following = reader.submit(read)
            coming.append(workers.submit(harmoniser.interpret, identified, declarations=declarations, orders=orders))
            if len(coming) >= WORKERS:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()
