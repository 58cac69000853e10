"""The compiled search behind `cost_distance`: a bucket queue over a raster, and the step that led into each cell.

Buckets are as wide as the cheapest step (Dial 1969). Those of the next few thousand that are near stand in a row; what
lies farther off waits in lists by the highest bit in which its bucket differs from the one in turn, and is dealt out
when they are reached, as in a radix heap (Ahuja et al. 1990, https://doi.org/10.1145/77600.77615): resistances may
differ by any factor.

A batch goes through three loops that hardly branch (which cells of a bucket still count, what their neighbours would
cost, which of these are cheaper), so that the processor seldom guesses wrong: three times as fast as one loop over
cells and neighbours. Indexes are unsigned, because numba tests signed ones for counting from the end.

All of it stands in one file although it is long: numba compiles a kernel together with all that it calls, but its cache on
disk looks at the kernel's own file only. After a change in another file the old machine code would go on running.
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Ints32 = NDArray[np.int32]
Unsigned32 = NDArray[np.uint32]
_Function = TypeVar("_Function", bound=Callable[..., Any])
_u = np.uint64

SOURCE: Final = 8
"""Back-link of a source cell."""
UNREACHED: Final = -1
"""Back-link and allocation of a cell that was not reached."""
_BATCH: Final = 256
_NEAR: Final = 4096
_FAR: Final = 64
_NEAR_BITS, _IN_NEAR = _u(12), _u(_NEAR - 1)
_BLOCK_BITS, _IN_BLOCK = _u(6), _u(63)
_CHUNK, _IN_CHUNK = _u(32), _u(31)  # places of a chunk, whose first holds where the chunk below it ends
_NONE, _ONE = _u(0), _u(1)
_FREE, _FRESH, _WAITING, _BUCKET = range(4)


class Steps(NamedTuple):
    """How cells are joined: halves of the lengths of steps, and which steps there are."""

    east: Floats
    """Along each row, (rows,)."""
    south: Floats
    """From the row before to each row, (rows,)."""
    diagonal: Floats
    """Askew from the row before to each row, (rows,)."""
    diagonals: bool
    cut_corners: bool


class _Queue(NamedTuple):
    """Cells that wait."""

    state: NDArray[np.uint64]
    """The last chunk that was freed, the first unused place of the pool, cells that wait, the bucket in turn."""
    tails: Unsigned32
    """Where in the pool the next cell of each near bucket and then of each far list goes; 0 for an empty one."""
    busy: Ints32
    """Buckets that are not empty, of each block of 64."""
    per_cost: float
    """Buckets in a unit of cost."""


class _Offers(NamedTuple):
    """What steps into cells would cost, and the sources that they come from."""

    cells: Unsigned32
    costs: Floats
    ids: Ints32


def compiled(function: _Function) -> _Function:
    """Compile a kernel that runs without Python's lock; compiled code is kept on disk where a folder can be written."""
    try:
        return cast("_Function", numba.njit(nogil=True, cache=True)(function))
    except RuntimeError:  # numba's word for: neither the package's folder nor the user's cache can be written
        return cast("_Function", numba.njit(nogil=True)(function))


@compiled
def prepare(resistance: Floats, cost: Floats) -> tuple[float, float]:
    """Set cost to inf, or nan where there is no data; return the lowest and the highest resistance (inf, -inf if none).

    Nothing is less than nan, so that no step into a cell without data is ever an improvement.
    """
    low, high = np.inf, -np.inf
    for cell in range(resistance.size):
        value = resistance[cell]
        known = value < np.inf
        cost[cell] = np.inf if known else np.nan
        if known:
            low, high = min(low, value), max(high, value)
    return low, high


@compiled
def search(
    resistance: Floats, columns: int, sources: Ints, ids: Ints32, steps: Steps, max_cost: float, width: float,
    cost: Floats, allocation: Ints32 | None,
) -> None:  # fmt: skip
    """Fill cost, as `prepare` left it, and allocation of a flat raster; `sources` stand in the order of `ids`.

    A cell that got cheaper waits in one more bucket, and what is left of it in a later one is skipped. Where a bucket
    is wider than the cheapest step, a cell can get cheaper after its turn and has another.
    """
    queue = _Queue(
        np.array([_NONE, _CHUNK, _NONE, _NONE]),
        np.zeros(_NEAR + _FAR, dtype=np.uint32),
        np.zeros((_NEAR + _FAR) >> 6, dtype=np.int32),
        1.0 / width,
    )
    pool = np.empty(4 * 32 * (_NEAR + _FAR), dtype=np.uint32)
    room = _BATCH + 32
    cells, costs = np.empty(room, dtype=np.uint32), np.empty(room)
    offers = _Offers(
        np.empty(8 * room + 1, dtype=np.uint32), np.empty(8 * room + 1), np.empty(8 * room + 1, dtype=np.int32)
    )
    seeded = 0
    while seeded < sources.size or queue.state[_WAITING] > _NONE:
        if queue.state[_FRESH] + _CHUNK * _u(_NEAR + _FAR) > _u(pool.size):  # more than a batch or a deal can need
            pool = _twice(pool)
        made = _NONE
        if seeded < sources.size:  # sources cost nothing, so they go before everything that waits
            for i in range(seeded, min(sources.size, seeded + _BATCH)):
                offers.cells[made], offers.costs[made] = sources[i], 0.0
                if allocation is not None:
                    offers.ids[made] = ids[i]
                made += _ONE
            seeded += _BATCH
        elif _advance(queue):
            taken = _take(queue, pool, cost, cells, costs)
            made = _offer(cells, costs, taken, resistance, columns, steps, cost, allocation, offers)
        else:
            _deal(queue, pool, cost)
        accepted = _accept(offers, made, max_cost, cost, allocation)
        _put(queue, pool, offers.cells, offers.costs, accepted)


@compiled
def _twice(pool: Unsigned32) -> Unsigned32:
    """Return a pool of twice the size."""
    more = np.empty(2 * pool.size, dtype=np.uint32)
    more[: pool.size] = pool
    return more


@compiled
def _put(queue: _Queue, pool: Unsigned32, cells: Unsigned32, costs: Floats, count: Any) -> None:
    """Let cells wait in the buckets of their costs."""
    state, tails, busy, per_cost = queue.state, queue.tails, queue.busy, queue.per_cost
    turn, free, fresh = state[_BUCKET], state[_FREE], state[_FRESH]
    for i in range(count):
        bucket = _u(np.int64(costs[i] * per_cost))
        slot = bucket & _IN_NEAR
        beyond = (bucket ^ turn) >> _NEAR_BITS
        if beyond != _NONE:
            slot = _u(_NEAR - 1)
            while beyond != _NONE:
                beyond >>= _ONE
                slot += _ONE
        place = _u(tails[slot])
        if place & _IN_CHUNK == _NONE:  # the list is empty or its last chunk full
            busy[slot >> _BLOCK_BITS] += place == _NONE
            start = free
            if start != _NONE:
                free = _u(pool[start])
            else:
                start = fresh
                fresh += _CHUNK
            pool[start] = place
            place = start + _ONE
        pool[place] = cells[i]
        tails[slot] = place + _ONE
    state[_FREE], state[_FRESH] = free, fresh
    state[_WAITING] += _u(count)


@compiled
def _pop_chunk(queue: _Queue, pool: Unsigned32, slot: Any) -> tuple[Any, Any]:
    """Free the last chunk of a list, whose cells stay readable until the next `_put`; return where they start and end."""
    end = _u(queue.tails[slot])
    start = (end - _ONE) & ~_IN_CHUNK
    queue.tails[slot] = pool[start]
    queue.busy[slot >> _BLOCK_BITS] -= pool[start] == 0
    pool[start] = queue.state[_FREE]
    queue.state[_FREE] = start
    queue.state[_WAITING] -= end - start - _ONE
    return start + _ONE, end


@compiled
def _advance(queue: _Queue) -> bool:
    """Go on to the next near bucket that is not empty; return whether there is one."""
    slot = queue.state[_BUCKET] & _IN_NEAR
    while slot < _u(_NEAR) and queue.tails[slot] == 0:
        slot += _ONE
        if slot & _IN_BLOCK == _NONE:
            while slot < _u(_NEAR) and queue.busy[slot >> _BLOCK_BITS] == 0:
                slot += _IN_BLOCK + _ONE
    if slot >= _u(_NEAR):
        return False
    queue.state[_BUCKET] = (queue.state[_BUCKET] & ~_IN_NEAR) | slot
    return True


@compiled
def _deal(queue: _Queue, pool: Unsigned32, cost: Floats) -> None:
    """Deal out the first far list that is not empty, as seen from the first bucket in it."""
    slot = _u(_NEAR)
    while queue.tails[slot] == 0:
        slot += _ONE
    count, place = np.int64(0), _u(queue.tails[slot])
    while place != _NONE:
        start = (place - _ONE) & ~_IN_CHUNK
        count += np.int64(place - start - _ONE)
        place = _u(pool[start])
    cells, costs = np.empty(count, dtype=np.uint32), np.empty(count)
    last = queue.state[_BUCKET] | _IN_NEAR
    first = ~_NONE
    count = np.int64(0)
    while queue.tails[slot] != 0:
        start, end = _pop_chunk(queue, pool, slot)
        for i in range(start, end):
            cells[count], costs[count] = pool[i], cost[pool[i]]
            bucket = _u(np.int64(costs[count] * queue.per_cost))
            if bucket > last:  # else it got cheaper and had its turn
                count += 1
                first = min(first, bucket)
    if count:
        queue.state[_BUCKET] = first
    _put(queue, pool, cells, costs, count)


@compiled
def _take(queue: _Queue, pool: Unsigned32, cost: Floats, cells: Unsigned32, costs: Floats) -> Any:
    """Take a batch out of the bucket in turn; return how many cells of it still belong there."""
    bucket = queue.state[_BUCKET]
    slot, turn = bucket & _IN_NEAR, np.int64(bucket)
    taken = _NONE
    while queue.tails[slot] != 0 and taken < _u(_BATCH):
        start, end = _pop_chunk(queue, pool, slot)
        for i in range(start, end):
            cell = pool[i]
            here = cost[cell]
            cells[taken], costs[taken] = cell, here
            taken += _u(np.int64(here * queue.per_cost) == turn)
    return taken


@compiled
def _offer(
    cells: Unsigned32, costs: Floats, taken: Any, resistance: Floats, columns: int, steps: Steps, cost: Floats,
    allocation: Ints32 | None, offers: _Offers,
) -> Any:  # fmt: skip
    """List the neighbours that a batch reaches at no more than they cost; return how many."""
    stride, last_column, last_row = _u(columns), _u(columns - 1), _u(steps.east.size - 1)
    per_column = 1.0 / columns
    made = _NONE
    for i in range(taken):
        cell, here = _u(cells[i]), costs[i]
        own = resistance[cell]
        row = _u((np.int64(cell) + 0.5) * per_column)
        column = cell - row * stride
        first = made
        if row in (_NONE, last_row) or column in (_NONE, last_column):
            made = _offer_at_edge(cell, here, resistance, columns, steps, cost, offers, made)
        else:
            up, down, after = cell - stride, cell + stride, row + _ONE
            made = _write(up, here, own, steps.south[row], True, resistance, cost, offers, made)
            made = _write(cell - _ONE, here, own, steps.east[row], True, resistance, cost, offers, made)
            made = _write(cell + _ONE, here, own, steps.east[row], True, resistance, cost, offers, made)
            made = _write(down, here, own, steps.south[after], True, resistance, cost, offers, made)
            if steps.diagonals:
                above, below = steps.cut_corners or _known(cost[up]), steps.cut_corners or _known(cost[down])
                left, right = _known(cost[cell - _ONE]), _known(cost[cell + _ONE])
                half = steps.diagonal[row]
                made = _write(up - _ONE, here, own, half, above | left, resistance, cost, offers, made)
                made = _write(up + _ONE, here, own, half, above | right, resistance, cost, offers, made)
                half = steps.diagonal[after]
                made = _write(down - _ONE, here, own, half, below | left, resistance, cost, offers, made)
                made = _write(down + _ONE, here, own, half, below | right, resistance, cost, offers, made)
        if allocation is not None:
            for k in range(first, made):
                offers.ids[k] = allocation[cell]
    return made


@compiled
def _known(cost: float) -> bool:
    """Return whether a cell has data."""
    return not np.isnan(cost)


@compiled
def _write(
    cell: Any, here: float, own: float, half: float, allowed: bool, resistance: Floats, cost: Floats, offers: _Offers,
    made: Any,
) -> Any:  # fmt: skip
    """Write down what a step to a neighbour would cost; the next offer overwrites it unless it counts: no branch."""
    offer, before = here + (own + resistance[cell]) * half, cost[cell]
    offers.cells[made], offers.costs[made] = cell, offer
    return made + _u((offer <= before) & allowed)


@compiled
def _offer_at_edge(
    cell: Any, here: float, resistance: Floats, columns: int, steps: Steps, cost: Floats, offers: _Offers, made: Any
) -> Any:
    """List the neighbours of a cell that has fewer than eight."""
    rows, row, column = steps.east.size, np.int64(cell) // columns, np.int64(cell) % columns
    for step in range(9):
        at_row, at_column = row + step // 3 - 1, column + step % 3 - 1
        if step == 4 or not (0 <= at_row < rows and 0 <= at_column < columns):
            continue
        half, allowed = steps.east[row], True
        if at_row != row:
            half = steps.south[max(row, at_row)]
            if at_column != column:
                half = steps.diagonal[max(row, at_row)]
                beside = _known(cost[at_row * columns + column]) or _known(cost[row * columns + at_column])
                allowed = steps.diagonals and (steps.cut_corners or beside)
        neighbour = _u(at_row * columns + at_column)
        made = _write(neighbour, here, resistance[cell], half, allowed, resistance, cost, offers, made)
    return made


@compiled
def _accept(offers: _Offers, made: Any, max_cost: float, cost: Floats, allocation: Ints32 | None) -> Any:
    """Take the offers that are cheaper, or as cheap and from a lower source; move them to the front, return how many."""
    cells, costs, ids = offers.cells, offers.costs, offers.ids
    accepted = _NONE
    for i in range(made):
        cell, offer = cells[i], costs[i]
        as_cheap = allocation is not None and offer == cost[cell] and ids[i] < allocation[cell]
        if (offer < cost[cell] or as_cheap) and offer <= max_cost:
            cost[cell] = offer
            if allocation is not None:
                allocation[cell] = ids[i]
            cells[accepted], costs[accepted] = cell, offer
            accepted += _ONE
    return accepted


@compiled
def link_back(
    resistance: Floats, cost: Floats, allocation: Ints32 | None, steps: Steps, level: bool, link: NDArray[np.int8]
) -> int:
    """Set the back-link of every cell that has none: the step out of the predecessor with the lowest index.

    Returns how many cells that were reached have none still.

    A predecessor is a neighbour of the same source from where the step costs exactly what the cell costs. It is cheaper
    than the cell; with `level`, for steps so short that they did not change the cost, it may cost the same if it has a
    back-link already. Arrays are (rows, columns), Whole rows are compared with
    their neighbours, which compiles to vector instructions: a tenth of what it costs to keep links during the search.
    """
    rows, columns = cost.shape
    missing = 0
    for row in range(rows):
        for step in range(7, -1, -1):  # the last step comes out of the lowest index
            position = step if step < 4 else step + 1
            step_row, step_column = position // 3 - 1, position % 3 - 1
            before = row - step_row
            is_diagonal = step_row != 0 and step_column != 0
            if not 0 <= before < rows or (is_diagonal and not steps.diagonals):
                continue
            half = steps.east[row]
            if step_row != 0:
                half = steps.diagonal[max(row, before)] if is_diagonal else steps.south[max(row, before)]
            start, end = max(0, step_column), columns + min(0, step_column)
            of_start, of_end = start - step_column, end - step_column
            of_resistance, of_cost = resistance[before, of_start:of_end], cost[before, of_start:of_end]
            of_link = link[before, of_start:of_end]
            own_resistance, own_cost, own_link = resistance[row, start:end], cost[row, start:end], link[row, start:end]
            beside, across = cost[before, start:end], cost[row, of_start:of_end]
            if allocation is not None:
                of_source, own_source = allocation[before, of_start:of_end], allocation[row, start:end]
            check_corners = is_diagonal and not steps.cut_corners
            for i in range(end - start):
                fits = of_cost[i] + (own_resistance[i] + of_resistance[i]) * half == own_cost[i]
                fits &= own_link[i] == UNREACHED
                if level:
                    fits &= (of_cost[i] <= own_cost[i]) & (of_link[i] != UNREACHED)
                else:
                    fits &= of_cost[i] < own_cost[i]
                if allocation is not None:
                    fits &= of_source[i] == own_source[i]
                if check_corners:
                    fits &= not (np.isnan(beside[i]) & np.isnan(across[i]))
                own_link[i] = step if fits else own_link[i]
        for column in range(columns):
            missing += (link[row, column] == UNREACHED) & (cost[row, column] < np.inf)
    return missing
