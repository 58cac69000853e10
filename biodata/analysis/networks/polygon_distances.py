"""Distances between the edges of many polygons, within reach: exact, and for large polygons far quicker than GEOS.

The edges of each polygon are cut into short runs with a box around each; boxes that are farther apart than the nearest
edges so far are not looked into.
"""

import math
import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray

from biodata.analysis.bucket_queue import Floats, Ints, compiled

_RUN: Final = 6
"""Edges in a run."""
_AT_ONCE: Final = 64


def within_reach(shapes: NDArray[np.object_], *, reach_m: float) -> tuple[Ints, Ints, Floats]:
    """Return the pairs of polygons that are not farther apart than a reach, with their distances.

    Parameters
    ----------
    shapes : ndarray of n shapely polygons or multipolygons
        On a plane, metres; not empty.
    reach_m : float
        Pairs farther apart are left out; inf for all.

    Returns
    -------
    first, second : ndarray of int64, (m,)
        Positions, the lower first.
    distance_m : ndarray of float64, (m,)
        Metres between the nearest edges; 0 where polygons touch or overlap.
    """
    boxes = shapely.bounds(shapes).reshape(-1, 4)
    tree = shapely.STRtree(shapes)
    if math.isfinite(reach_m):
        wide = boxes + np.array([-reach_m, -reach_m, reach_m, reach_m])
        one, other = tree.query(shapely.box(*wide.T))
    else:
        one, other = (index.reshape(-1) for index in np.indices((len(shapes), len(shapes))))
    one, other = one[one < other], other[one < other]
    order = np.lexsort((other, one))
    one, other = one[order].astype(np.int64), other[order].astype(np.int64)
    edges, starts = _edges(shapes)
    runs, run_starts = _runs(edges, starts)
    distance = np.full(one.size, reach_m)
    work = partial(_distances, edges, starts, runs, run_starts, boxes, one, other, distance)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        list(
            threads.map(
                work, range(0, one.size, _AT_ONCE), np.minimum(np.arange(0, one.size, _AT_ONCE) + _AT_ONCE, one.size)
            )
        )
    # One inside the other has distant edges; only polygons whose boxes meet can be so.
    meet = (boxes[one, :2] <= boxes[other, 2:]).all(axis=1) & (boxes[other, :2] <= boxes[one, 2:]).all(axis=1)
    meet &= distance > 0
    distance[meet] = np.where(shapely.intersects(shapes[one[meet]], shapes[other[meet]]), 0.0, distance[meet])
    near = distance < reach_m
    return one[near], other[near], distance[near]


def _edges(shapes: NDArray[np.object_]) -> tuple[Floats, Ints]:
    """Return the edges of all polygons, x1 y1 x2 y2 each, and where those of each begin."""
    parts, part_of = shapely.get_parts(shapes, return_index=True)
    rings, ring_of = shapely.get_rings(parts, return_index=True)
    points, point_of = shapely.get_coordinates(rings, return_index=True)
    same = point_of[1:] == point_of[:-1]
    edges = np.hstack([points[:-1][same], points[1:][same]])
    owner = part_of[ring_of[point_of[:-1][same]]]
    return edges, np.searchsorted(owner, np.arange(len(shapes) + 1)).astype(np.int64)


def _runs(edges: Floats, starts: Ints) -> tuple[Floats, Ints]:
    """Return the boxes of runs of edges, west south east north each, and where those of each polygon begin."""
    counts = -(-np.diff(starts) // _RUN)
    run_starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    first = np.repeat(starts[:-1], counts) + _RUN * (np.arange(run_starts[-1]) - np.repeat(run_starts[:-1], counts))
    low = np.minimum.reduceat(np.minimum(edges[:, :2], edges[:, 2:]), first) if first.size else np.zeros((0, 2))
    high = np.maximum.reduceat(np.maximum(edges[:, :2], edges[:, 2:]), first) if first.size else np.zeros((0, 2))
    return np.hstack([low, high]), run_starts


@compiled
def _between_boxes(one: Floats, i: int, other: Floats, j: int) -> float:
    """Return the squared distance of box i and box j."""
    x = max(one[i, 0] - other[j, 2], other[j, 0] - one[i, 2], 0.0)
    y = max(one[i, 1] - other[j, 3], other[j, 1] - one[i, 3], 0.0)
    squared: float = x * x + y * y
    return squared


@compiled
def _to_edge(x: float, y: float, x1: float, y1: float, x2: float, y2: float) -> float:
    """Return the squared distance from a point to an edge."""
    dx, dy = x2 - x1, y2 - y1
    length = dx * dx + dy * dy
    along = 0.0 if length == 0.0 else min(1.0, max(0.0, ((x - x1) * dx + (y - y1) * dy) / length))
    ex, ey = x - x1 - along * dx, y - y1 - along * dy
    return ex * ex + ey * ey


@compiled
def _between_edges(edges: Floats, i: int, j: int) -> float:
    """Return the squared distance of two edges; 0 where they cross."""
    ax, ay, bx, by = edges[i, 0], edges[i, 1], edges[i, 2], edges[i, 3]
    cx, cy, dx, dy = edges[j, 0], edges[j, 1], edges[j, 2], edges[j, 3]
    best = min(
        min(_to_edge(ax, ay, cx, cy, dx, dy), _to_edge(bx, by, cx, cy, dx, dy)),
        min(_to_edge(cx, cy, ax, ay, bx, by), _to_edge(dx, dy, ax, ay, bx, by)),
    )
    if best > 0.0:
        left = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        right = (bx - ax) * (dy - ay) - (by - ay) * (dx - ax)
        before = (dx - cx) * (ay - cy) - (dy - cy) * (ax - cx)
        behind = (dx - cx) * (by - cy) - (dy - cy) * (bx - cx)
        if left * right < 0.0 and before * behind < 0.0:
            return 0.0
    return best


@compiled
def _nearest_run(runs: Floats, start: int, end: int, boxes: Floats, box: int) -> int:
    """Return the run whose box is nearest to a box."""
    best, nearest = start, np.inf
    for run in range(start, end):
        apart = _between_boxes(runs, run, boxes, box)
        if apart < nearest:
            best, nearest = run, apart
    return best


@compiled
def _between_runs(edges: Floats, starts: Ints, run_starts: Ints, one: int, a: int, other: int, b: int) -> float:
    """Return the squared distance of run a of one polygon and run b of another."""
    best = np.inf
    i0, j0 = starts[one] + _RUN * (a - run_starts[one]), starts[other] + _RUN * (b - run_starts[other])
    for i in range(i0, min(i0 + _RUN, starts[one + 1])):
        for j in range(j0, min(j0 + _RUN, starts[other + 1])):
            best = min(best, _between_edges(edges, i, j))
    return best


@compiled
def _distances(
    edges: Floats,
    starts: Ints,
    runs: Floats,
    run_starts: Ints,
    boxes: Floats,
    first: Ints,
    second: Ints,
    distance: Floats,
    start: int,
    end: int,
) -> None:
    """Fill the distances of some pairs, each of which holds its reach before."""
    facing = np.empty(runs.shape[0], np.int64)
    for pair in range(start, end):
        one, other = first[pair], second[pair]
        best = distance[pair] * distance[pair]
        # A look at runs that face each other gives a bound that rules out most of the rest.
        a = _nearest_run(runs, run_starts[one], run_starts[one + 1], boxes, other)
        b = _nearest_run(runs, run_starts[other], run_starts[other + 1], runs, a)
        a = _nearest_run(runs, run_starts[one], run_starts[one + 1], runs, b)
        best = min(best, _between_runs(edges, starts, run_starts, one, a, other, b))
        count = 0
        for b in range(run_starts[other], run_starts[other + 1]):
            if _between_boxes(runs, b, boxes, one) < best:
                facing[count] = b
                count += 1
        for a in range(run_starts[one], run_starts[one + 1]):
            if _between_boxes(runs, a, boxes, other) >= best:
                continue
            for b in facing[:count]:
                if _between_boxes(runs, a, runs, b) < best:
                    best = min(best, _between_runs(edges, starts, run_starts, one, a, other, b))
        distance[pair] = np.sqrt(best)
