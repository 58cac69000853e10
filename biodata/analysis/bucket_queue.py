"""The compiled search behind `cost_distance`: Dial's bucket queue over a padded raster."""

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Ints32 = NDArray[np.int32]
_Function = TypeVar("_Function", bound=Callable[..., Any])

SOURCE: Final = 8
"""Back-link of a source cell."""
UNREACHED: Final = -1
"""Back-link and allocation of a cell that was not reached."""
_CHUNK: Final = 128


def compiled(function: _Function) -> _Function:
    """Compile a kernel that runs without Python's lock; compiled code is kept on disk where a folder can be written."""
    try:
        return cast("_Function", numba.njit(nogil=True, cache=True)(function))
    except RuntimeError:  # numba's word for: neither the package's folder nor the user's cache can be written
        return cast("_Function", numba.njit(nogil=True)(function))


@compiled
def finite_range(values: Floats) -> tuple[float, float]:
    """Return the lowest and the highest finite value; inf and -inf where there is none."""
    low, high = np.inf, -np.inf
    for value in values:
        if np.isfinite(value):
            low, high = min(low, value), max(high, value)
    return low, high


@compiled
def _more_chunks(chunks: Ints32, following: Ints32) -> tuple[Ints32, Ints32]:
    """Return twice the chunks, the new ones linked as free."""
    size = following.size
    more = np.empty((2 * size, _CHUNK), dtype=np.int32)
    more[:size] = chunks
    links = np.arange(1, 2 * size + 1).astype(np.int32)
    links[:size] = following
    links[2 * size - 1] = -1
    return more, links


@compiled
def search(
    resistance: Floats,
    stride: int,
    sources: Ints,
    ids: Ints32,
    east: Floats,
    south: Floats,
    diagonal: Floats,
    max_cost: float,
    diagonals: bool,
    cut_corners: bool,
    width: float,
    ring: int,
    cost: Floats,
    link: NDArray[np.int8],
    allocation: Ints32,
) -> None:
    """Fill cost, link and allocation of a padded raster; `sources` stand in the order of `ids`.

    A bucket is a list of chunks of cells. A cell that got cheaper is put in again, and what is left of it in a later
    bucket is skipped; where a bucket is wider than the cheapest step a settled cell can get cheaper and is opened again.
    """
    allocate = ids.size > 0
    settled = np.zeros(resistance.size, dtype=np.uint8)
    for cell in range(resistance.size):
        cost[cell] = np.inf if np.isfinite(resistance[cell]) else -np.inf  # -inf: no step into it is an improvement
    offset = np.array([-stride - 1, -stride, -stride + 1, -1, 1, stride - 1, stride, stride + 1])
    half = np.empty(8)
    first = np.full(ring, -1, dtype=np.int32)  # the chunk that a bucket fills
    fill = np.zeros(ring, dtype=np.int32)  # cells in it
    chunks = np.empty((64, _CHUNK), dtype=np.int32)
    following = np.arange(1, 65).astype(np.int32)  # the next chunk of a bucket, or of the free ones
    following[63] = -1
    free = 0
    waiting = 0
    bucket = 0
    inverse = 1.0 / width
    for i in range(sources.size):
        if cost[sources[i]] == np.inf:
            cost[sources[i]] = 0.0
            link[sources[i]] = SOURCE
            if allocate:
                allocation[sources[i]] = ids[i]
    seeded = 0  # sources cost nothing, so they go before everything that waits
    while seeded < sources.size or waiting > 0:
        if seeded < sources.size:
            cell = sources[seeded]
            seeded += 1
        else:
            slot = bucket % ring
            while first[slot] < 0:
                bucket += 1
                slot = bucket % ring
            chunk = first[slot]
            fill[slot] -= 1
            cell = int(chunks[chunk, fill[slot]])
            if fill[slot] == 0:
                first[slot] = following[chunk]
                fill[slot] = _CHUNK
                following[chunk] = free
                free = chunk
            waiting -= 1
        if settled[cell] or cost[cell] == -np.inf:
            continue
        settled[cell] = 1
        row = cell // stride
        half[0] = half[2] = 0.5 * diagonal[row - 1]
        half[1] = 0.5 * south[row - 1]
        half[3] = half[4] = 0.5 * east[row]
        half[5] = half[7] = 0.5 * diagonal[row]
        half[6] = 0.5 * south[row]
        here = cost[cell]
        own = resistance[cell]
        for step in range(8):
            is_diagonal = step == 0 or step == 2 or step == 5 or step == 7
            if is_diagonal and not diagonals:
                continue
            target = cell + offset[step]
            before = cost[target]
            reached = here + (own + resistance[target]) * half[step]
            if not reached <= before or reached > max_cost:  # also where there is no data, and reached is nan
                continue
            if is_diagonal and not cut_corners:
                beside = cell - stride if step < 3 else cell + stride
                across = cell - 1 if step == 0 or step == 5 else cell + 1
                if cost[beside] == -np.inf and cost[across] == -np.inf:
                    continue
            if reached == before:
                if link[target] == SOURCE:
                    continue
                if allocate and allocation[cell] != allocation[target]:
                    if allocation[cell] > allocation[target]:
                        continue
                elif target - offset[link[target]] <= cell:
                    continue
            if allocate:
                allocation[target] = allocation[cell]
            cost[target] = reached
            link[target] = step
            place = int(reached * inverse)
            if before < np.inf and not settled[target] and int(before * inverse) == place:
                continue  # it waits in this bucket already
            settled[target] = 0
            slot = place % ring
            if first[slot] < 0 or fill[slot] == _CHUNK:
                if free < 0:
                    free = following.size
                    chunks, following = _more_chunks(chunks, following)
                chunk = free
                free = following[chunk]
                following[chunk] = first[slot]
                first[slot] = chunk
                fill[slot] = 0
            chunks[first[slot], fill[slot]] = target
            fill[slot] += 1
            waiting += 1
    for cell in range(resistance.size):
        if cost[cell] == -np.inf:
            cost[cell] = np.nan
