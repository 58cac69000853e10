"""Totals across a border: an interval, since the same group may have been counted on both sides.

The most there can have been is the sum of the sides. The least is the sum less all that may have been counted twice: groups
of one taxon on two sides, so near in space and time that they may be one. How many that is at most is a flow: each
individual of one side can be one of the other only once.
"""

from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, maximum_flow
from scipy.spatial import cKDTree

from biodata.analysis.surveys.joining import NO_SIDE
from biodata.geo import metres_per_degree

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Total:
    """Individuals of one species: the least and the most that were counted, and groups that another side may have counted, too."""

    by_side: dict[str, int]
    low: int
    high: int
    groups_in_doubt: int


def total(groups: pl.DataFrame, *, distance_m: float = 5_000.0, hours: float = 72.0) -> Total:
    """Return the total of one species as an interval.

    Parameters
    ----------
    groups : polars.DataFrame
        Groups that were counted: side; individuals (null counts one); decimalLongitude, decimalLatitude and
        coordinateUncertaintyInMeters; start and end, moments between which it was seen. A group without a place or time may be
        anywhere or at any time, so it may be any other. A group of no side adds to the most and never to the least.
    distance_m, hours : float
        How far apart circles of uncertainty, and times, of one group may be.

    Returns
    -------
    Total
        `low` is at least the largest side's total. Of what one side counted twice by itself it says nothing.
    """
    size = groups["individuals"].fill_null(1).clip(lower_bound=0).cast(pl.Int64).to_numpy()
    side = groups["side"].fill_null(NO_SIDE)
    named = [one for one in side.unique().sort().to_list() if one != NO_SIDE]
    number = side.replace_strict({one: n for n, one in enumerate(named)}, default=-1, return_dtype=pl.Int64).to_numpy()
    by_side = {one: int(size[number == n].sum()) for n, one in enumerate(named)}
    first, second = _pairs(groups, number, distance_m, hours)
    surely = number >= 0
    low = _least(size, number, first, second, len(groups))
    return Total(
        {**by_side, **({NO_SIDE: int(size[~surely].sum())} if not surely.all() else {})},
        max(low, max(by_side.values(), default=0)), int(size.sum()), len(np.union1d(first, second)),
    )  # fmt: skip


def _pairs(groups: pl.DataFrame, number: Ints, distance_m: float, hours: float) -> tuple[Ints, Ints]:
    """Return the pairs of groups of two sides that may be one."""
    n = len(groups)
    if n < 2:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    longitude, latitude, radius = (
        groups[name].cast(pl.Float64).fill_null(np.nan).to_numpy()
        for name in ("decimalLongitude", "decimalLatitude", "coordinateUncertaintyInMeters")
    )
    radius = np.nan_to_num(radius)
    placed = ~(np.isnan(longitude) | np.isnan(latitude))
    middle = np.nanmean(latitude) if placed.any() else 0.0
    east_m, north_m = (float(one[0]) for one in metres_per_degree(np.array([middle])))
    xy = np.nan_to_num(np.column_stack([longitude * east_m, latitude * north_m]))
    known = np.flatnonzero(placed)
    tree = cKDTree(xy[known])
    near = tree.query_pairs(distance_m + 2 * float(radius.max(initial=0.0)), output_type="ndarray")
    pairs = [known[near]]
    anywhere = np.flatnonzero(~placed)
    if len(anywhere):
        one, other = np.meshgrid(anywhere, np.arange(n), indexing="ij")
        pairs.append(np.column_stack([one.ravel(), other.ravel()]))
    every = np.unique(np.sort(np.concatenate(pairs), axis=1), axis=0)
    first, second = every[:, 0].astype(np.int64), every[:, 1].astype(np.int64)
    apart = np.hypot(*(xy[first] - xy[second]).T) - radius[first] - radius[second]
    close = (apart <= distance_m) | ~placed[first] | ~placed[second]
    start, end = (groups[name].cast(pl.Datetime("us")).dt.epoch("s") for name in ("start", "end"))
    since = start.fill_null(-(10**12)).to_numpy()
    until = end.fill_null(10**12).to_numpy()
    late = np.maximum(since[first] - until[second], since[second] - until[first])
    kept = close & (late <= hours * 3600) & (number[first] != number[second])
    kept &= (number[first] >= 0) & (number[second] >= 0)
    return first[kept], second[kept]


def _least(size: Ints, number: Ints, first: Ints, second: Ints, n: int) -> int:
    """Return the least number of individuals that explains all groups of a side, part by part of what hangs together."""
    surely = number >= 0
    total_of_sides = int(size[surely].sum())
    if not len(first):
        return total_of_sides
    graph = coo_array((np.ones(len(first)), (first, second)), shape=(n, n))
    _, part = connected_components(graph, directed=False)
    low = total_of_sides
    for one in np.unique(part[first]):
        here = part[first] == one
        members = np.flatnonzero((part == one) & surely)
        sides = np.unique(number[members])
        whole = int(size[members].sum())
        # Of three sides or more each two tell a least; their largest holds for all.
        least = max(_of_two(size, number, first[here], second[here], members, pair) for pair in combinations(sides, 2))
        low -= whole - least
    return low


def _of_two(size: Ints, number: Ints, first: Ints, second: Ints, members: Ints, pair: tuple[int, int]) -> int:
    """Return the sum of two sides less the largest flow of individuals between groups that may be one."""
    of_pair = members[np.isin(number[members], pair)]
    kept = np.isin(first, of_pair) & np.isin(second, of_pair)
    total_of_pair = int(size[of_pair].sum())
    if not kept.any():
        return total_of_pair
    at = {int(member): place + 2 for place, member in enumerate(of_pair)}
    left = of_pair[number[of_pair] == pair[0]]
    right = of_pair[number[of_pair] == pair[1]]
    swapped = number[first[kept]] == pair[1]
    a = np.where(swapped, second[kept], first[kept])
    b = np.where(swapped, first[kept], second[kept])
    rows = [*([0] * len(left)), *(at[int(m)] for m in right), *(at[int(m)] for m in a)]
    columns = [*(at[int(m)] for m in left), *([1] * len(right)), *(at[int(m)] for m in b)]
    most = [*size[left], *size[right], *np.minimum(size[a], size[b])]
    shape = (len(of_pair) + 2, len(of_pair) + 2)
    graph = csr_array((np.array(most, dtype=np.int32), (rows, columns)), shape=shape)
    return total_of_pair - int(maximum_flow(graph, 0, 1).flow_value)
