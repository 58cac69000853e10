"""The compiled search behind `cost_distance`: Dial's bucket queue over a padded raster."""

from collections.abc import Callable
from typing import Any, Final, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_Function = TypeVar("_Function", bound=Callable[..., Any])

SOURCE: Final = 8
"""Back-link of a source cell."""
UNREACHED: Final = -1
"""Back-link and allocation of a cell that was not reached."""
_CHUNK: Final = 128


def compiled(function: _Function) -> _Function:
    """Compile a kernel that runs without Python's lock; compiled code is kept beside the module."""
    return cast("_Function", numba.njit(nogil=True, cache=True)(function))


@compiled
def finite_range(values: Floats) -> tuple[float, float]:
    """Return the lowest and the highest finite value; inf and -inf where there is none."""
    low, high = np.inf, -np.inf
    for value in values:
        if np.isfinite(value):
            low, high = min(low, value), max(high, value)
    return low, high


@compiled
def search(
    resistance: Floats,
    stride: int,
    sources: Ints,
    ids: NDArray[np.int32],
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
    allocation: NDArray[np.int32],
) -> None:
    """Fill cost, link and allocation; buckets are lists of chunks of cells, and chunks are used again."""
    allocate = ids.size > 0
    settled = np.zeros(resistance.size, dtype=np.uint8)
    for cell in range(resistance.size):
        cost[cell] = np.inf if np.isfinite(resistance[cell]) else -np.inf  # -inf: no step into it is an improvement
    offset = np.array([-stride - 1, -stride, -stride + 1, -1, 1, stride - 1, stride, stride + 1])
    length = np.empty(8)
    first = np.full(ring, -1, dtype=np.int32)  # the chunk that a bucket fills
    fill = np.zeros(ring, dtype=np.int32)  # cells in it
    chunks = np.empty((64, _CHUNK), dtype=np.int32)
    following = np.arange(1, 65, dtype=np.int32)  # the next chunk of a bucket, or of the free ones
    following[63] = -1
    free = 0
    waiting = 0
    inverse = 1.0 / width
    # Sources go in as steps of no cost, then each cell that leaves its bucket reaches its neighbours.
    fed = 0
    bucket = 0
    while True:
        if fed < sources.size:
            cell, steps = sources[fed], 1
            if cost[cell] != np.inf:  # no data, or a source already (the lower id came first)
                fed += 1
                continue
        else:
            if waiting == 0:
                break
            slot = bucket % ring
            while first[slot] < 0:
                bucket += 1
                slot = bucket % ring
            chunk = first[slot]
            fill[slot] -= 1
            cell = chunks[chunk, fill[slot]]
            if fill[slot] == 0:
                first[slot] = following[chunk]
                fill[slot] = _CHUNK
                following[chunk] = free
                free = chunk
            waiting -= 1
            if settled[cell]:
                continue
            settled[cell] = 1
            steps = 8
            row = cell // stride
            length[0] = length[2] = diagonal[row - 1]
            length[1] = south[row - 1]
            length[3] = length[4] = east[row]
            length[5] = length[7] = diagonal[row]
            length[6] = south[row]
        here = cost[cell]
        own = resistance[cell]
        for step in range(steps):
            if fed < sources.size:
                target, reached, code = cell, 0.0, SOURCE
                if allocate:
                    allocation[target] = ids[fed]
                fed += 1
            else:
                is_diagonal = step == 0 or step == 2 or step == 5 or step == 7
                if is_diagonal and not diagonals:
                    continue
                target, code = cell + offset[step], step
                if cost[target] <= here:
                    continue
                reached = here + 0.5 * (own + resistance[target]) * length[step]
                if reached > cost[target] or reached > max_cost:
                    continue
                if is_diagonal and not cut_corners:
                    beside = cell - stride if step < 3 else cell + stride
                    across = cell - 1 if step == 0 or step == 5 else cell + 1
                    if cost[beside] == -np.inf and cost[across] == -np.inf:
                        continue
                if reached == cost[target]:
                    if link[target] == SOURCE:
                        continue
                    rival = target - offset[link[target]]
                    if allocate and allocation[cell] != allocation[target]:
                        if allocation[cell] > allocation[target]:
                            continue
                    elif rival <= cell:
                        continue
                if allocate:
                    allocation[target] = allocation[cell]
            before = cost[target]
            cost[target] = reached
            link[target] = code
            place = int(reached * inverse)
            if before < np.inf and not settled[target] and int(before * inverse) == place:
                continue  # it waits in this bucket already
            settled[target] = 0
            slot = place % ring
            if first[slot] < 0 or fill[slot] == _CHUNK:
                if free < 0:
                    size = following.size
                    more = np.empty((2 * size, _CHUNK), dtype=np.int32)
                    more[:size] = chunks
                    chunks = more
                    longer = np.arange(1, 2 * size + 1, dtype=np.int32)
                    longer[:size] = following
                    longer[2 * size - 1] = -1
                    following = longer
                    free = size
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
