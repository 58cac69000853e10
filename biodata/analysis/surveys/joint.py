"""Totals across a border: an interval, since the same group may have been counted on both sides.

The most is the sum of the sides. The least is that less all that may have been counted twice: groups of one taxon on two sides,
so near in space and time that they may be one. How many that is at most is a flow: each individual is one of the other side once.
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
_PLACE = ("decimalLongitude", "decimalLatitude", "coordinateUncertaintyInMeters")


@dataclass(frozen=True, slots=True)
class Total:
    """Individuals of one species: the least and the most that were counted, and groups that another side may have counted, too."""

    by_side: dict[str, int]
    low: int
    high: int
    groups_in_doubt: int


def total(groups: pl.DataFrame, *, distance_m: float = 5_000.0, hours: float = 72.0) -> Total:
    """Return the total of one species as an interval.

    Each group has a side, individuals (null counts one), a place with its uncertainty, and moments, start and end, between which it
    was seen. Without place or time it may be any other; one of no side adds to the most and never to the least. `distance_m` and
    `hours` are how far apart circles of uncertainty, and times, of one group may be.
    """
    size = groups["individuals"].fill_null(1).clip(lower_bound=0).cast(pl.Int64).to_numpy()
    side = groups["side"].fill_null(NO_SIDE)
    sides = [one for one in side.unique().sort() if one != NO_SIDE]
    number = side.replace_strict({one: n for n, one in enumerate(sides)}, default=-1, return_dtype=pl.Int64).to_numpy()
    by_side = {one: int(size[number == n].sum()) for n, one in enumerate(sides)}
    if (number < 0).any():
        by_side[NO_SIDE] = int(size[number < 0].sum())
    first, second = _pairs(groups, number, distance_m, hours)
    least = max(_least(size, number, first, second), *(by_side[one] for one in sides), 0)
    return Total(by_side, least, int(size.sum()), len(np.union1d(first, second)))


def _pairs(groups: pl.DataFrame, number: Ints, distance_m: float, hours: float) -> tuple[Ints, Ints]:
    longitude, latitude, radius = (groups[name].cast(pl.Float64).fill_null(np.nan).to_numpy() for name in _PLACE)
    radius = np.nan_to_num(radius)
    placed = ~(np.isnan(longitude) | np.isnan(latitude))
    middle = np.nanmean(latitude) if placed.any() else 0.0
    east_m, north_m = (float(one[0]) for one in metres_per_degree(np.array([middle])))
    xy = np.nan_to_num(np.column_stack([longitude * east_m, latitude * north_m]))
    known, anywhere = np.flatnonzero(placed), np.flatnonzero(~placed)
    near = cKDTree(xy[known]).query_pairs(distance_m + 2 * float(radius.max(initial=0.0)), output_type="ndarray")
    any_other = np.stack(np.meshgrid(anywhere, np.arange(len(groups)), indexing="ij"), axis=-1).reshape(-1, 2)
    first, second = np.unique(np.sort(np.concatenate([known[near], any_other]), axis=1), axis=0).T.astype(np.int64)
    apart = np.hypot(*(xy[first] - xy[second]).T) - radius[first] - radius[second]
    close = (apart <= distance_m) | ~placed[first] | ~placed[second]
    start, end = (groups[name].cast(pl.Datetime("us")).dt.epoch("s") for name in ("start", "end"))
    since, until = start.fill_null(-(10**12)).to_numpy(), end.fill_null(10**12).to_numpy()
    late = np.maximum(since[first] - until[second], since[second] - until[first])
    kept = close & (late <= hours * 3600) & (number[first] != number[second])
    kept &= (number[first] >= 0) & (number[second] >= 0)
    return first[kept], second[kept]


def _least(size: Ints, number: Ints, first: Ints, second: Ints) -> int:
    """Return the least number of individuals that explains all groups of a side, part by part of what hangs together."""
    low = int(size[number >= 0].sum())
    graph = coo_array((np.ones(len(first)), (first, second)), shape=(len(size), len(size)))
    _, part = connected_components(graph, directed=False)
    for one in np.unique(part[first]):
        here, members = part[first] == one, np.flatnonzero(part == one)
        # Of three sides or more each two tell a least; their largest holds for all.
        pairs = combinations(np.unique(number[members]), 2)
        least = max(_of_two(size, number, first[here], second[here], members, pair) for pair in pairs)
        low -= int(size[members].sum()) - least
    return low


def _of_two(size: Ints, number: Ints, first: Ints, second: Ints, members: Ints, pair: tuple[int, int]) -> int:
    """Return the sum of two sides less the largest flow of individuals between groups that may be one."""
    left, right = (members[number[members] == side] for side in pair)
    of_pair = np.isin(number[first], pair) & np.isin(number[second], pair)
    one, other = first[of_pair], second[of_pair]
    swapped = number[one] == pair[1]
    one, other = np.where(swapped, other, one), np.where(swapped, one, other)
    source, sink = len(size), len(size) + 1
    rows = np.concatenate([np.full(len(left), source), right, one])
    columns = np.concatenate([left, np.full(len(right), sink), other])
    most = np.concatenate([size[left], size[right], np.minimum(size[one], size[other])]).astype(np.int32)
    graph = csr_array((most, (rows, columns)), shape=(sink + 1, sink + 1))
    return int(size[left].sum() + size[right].sum() - maximum_flow(graph, source, sink).flow_value)
