"""The compiled search behind the graph indices: best paths from a source to all nodes.

A search keeps labels that only fall along a path, and looks for the largest. Two kinds of graph share the code: with
*probabilities* a label is the product of the links' probabilities (1 at the source, 0 where there is no path); with
*hops* it is minus the number of links (0 at the source, -inf where there is no path). Products, not sums of logarithms:
they need no `exp`, and an answer is right to the last digits however small it is.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from biodata.analysis.bucket_queue import Floats, Ints32, compiled

Bools = NDArray[np.bool_]
_EQUAL: Final = 1e-10
"""Paths whose products differ by no more than this part of them are equal: more than rounding, less than any measurement."""


@compiled
def value_of(label: float, hops: bool) -> float:
    """Return what a pair with this label counts: the probability, or 1 / (1 + links)."""
    return 1.0 / (1.0 - label) if hops else label


@compiled
def push(keys: Floats, places: Ints32, size: int, key: float, place: int) -> int:
    """Put an entry into the heap, the largest key first; return its new size."""
    child = size
    while child > 0:
        parent = (child - 1) >> 2
        if keys[parent] >= key:
            break
        keys[child] = keys[parent]
        places[child] = places[parent]
        child = parent
    keys[child] = key
    places[child] = place
    return size + 1


@compiled
def pop(keys: Floats, places: Ints32, size: int) -> int:
    """Take the first entry out of the heap (read it before); return its new size."""
    size -= 1
    key, place = keys[size], places[size]
    hole = 0
    while True:
        first = 4 * hole + 1
        if first >= size:
            break
        best = first
        for child in range(first + 1, min(first + 4, size)):
            if keys[child] > keys[best]:
                best = child
        if keys[best] <= key:
            break
        keys[hole] = keys[best]
        places[hole] = places[best]
        hole = best
    keys[hole] = key
    places[hole] = place
    return size


@compiled
def search(
    source: int,
    starts: Ints32,
    targets: Ints32,
    weights: Floats,
    hops: bool,
    active: Bools,
    labels: Floats,
    via: Ints32,
    order: Ints32,
    keys: Floats,
    places: Ints32,
    least: float,
) -> int:
    """Fill labels, `via` (the directed link that led into a node, -1 where none) and the order of settling.

    Return how many nodes were reached. Nodes that are not `active` are not there, and those of a probability below
    `least` are not reached. A node's last entry in the heap is
    the only one with its label, since an entry is made only for a larger one; the others are skipped.
    """
    unreached = -np.inf if hops else 0.0
    for node in range(labels.size):
        labels[node] = unreached
        via[node] = -1
    labels[source] = 0.0 if hops else 1.0
    reached = 0
    if hops:  # in the order of their links nodes need no heap
        order[0] = source
        found = 1
        while reached < found:
            node = order[reached]
            reached += 1
            for link in range(starts[node], starts[node + 1]):
                target = targets[link]
                if labels[target] == unreached and active[target] and weights[link] > unreached:
                    labels[target] = labels[node] + weights[link]
                    via[target] = link
                    order[found] = target
                    found += 1
        return reached
    size = push(keys, places, 0, labels[source], source)
    while size > 0:
        key, node = keys[0], places[0]
        size = pop(keys, places, size)
        if key < labels[node]:
            continue
        order[reached] = node
        reached += 1
        for link in range(starts[node], starts[node + 1]):
            target = targets[link]
            label = key * weights[link]
            if label > labels[target] and label >= least and active[target]:
                labels[target] = label
                via[target] = link
                size = push(keys, places, size, label, target)
    return reached


@compiled
def rows(
    sources: Ints32, starts: Ints32, targets: Ints32, weights: Floats, hops: bool, active: Bools, labels: Floats
) -> None:
    """Fill the labels from some sources, a row for each; a source is there itself, active or not."""
    count = active.size
    via, order = np.empty(count, np.int32), np.empty(count, np.int32)
    keys, places = np.empty(targets.size + count + 1), np.empty(targets.size + count + 1, np.int32)
    for i in range(sources.size):
        search(sources[i], starts, targets, weights, hops, active, labels[i], via, order, keys, places, 0.0)


@compiled
def gains(
    sources: Ints32,
    candidates: Ints32,
    reach: Floats,
    starts: Ints32,
    targets: Ints32,
    weights: Floats,
    hops: bool,
    active: Bools,
    area: Floats,
    gain: Floats,
) -> None:
    """Add what pairs of the active nodes gain where one candidate is put in; `reach` are the candidates' labels."""
    labels = np.empty((1, active.size))
    own = np.empty(1, np.int32)
    for source in sources:
        if not active[source] or area[source] == 0.0:
            continue
        own[0] = source
        rows(own, starts, targets, weights, hops, active, labels)
        for i in range(candidates.size):
            near = reach[i, source]
            total = 0.0
            for node in range(active.size):
                if active[node]:
                    label = near + reach[i, node] if hops else near * reach[i, node]
                    if label > labels[0, node]:
                        total += area[node] * (value_of(label, hops) - value_of(labels[0, node], hops))
            gain[i] += area[source] * total


@compiled
def betweenness(
    sources: Ints32,
    starts: Ints32,
    targets: Ints32,
    origins: Ints32,
    weights: Floats,
    hops: bool,
    active: Bools,
    area: Floats,
    least: float,
    plain: Floats,
    weighted: Floats,
) -> None:
    """Add how many pairs of two other nodes a node lies between, plain and times areas and value; ties are shared.

    After Brandes 2001, https://doi.org/10.1080/0022250X.2001.9990249. Certain links count as a little less than certain
    where paths are compared, so that the number of best paths is finite: of equal paths those with fewest certain links
    are left. Paths are equal that differ by less than rounding does. Pairs of a probability below `least` do not count.
    """
    count = area.size
    labels, via, order = np.empty(count), np.empty(count, np.int32), np.empty(count, np.int32)
    keys, places = np.empty(targets.size + count + 1), np.empty(targets.size + count + 1, np.int32)
    paths, pairs, worth, value = np.empty(count), np.empty(count), np.empty(count), np.empty(count)
    steps = weights if hops else np.minimum(weights, 1.0 - 2.0 * _EQUAL)
    for source in sources:
        if not active[source]:
            continue
        reached = search(source, starts, targets, steps, hops, active, labels, via, order, keys, places, least)
        paths[:] = 0.0
        paths[source] = 1.0
        for i in range(reached):
            node = order[i]
            value[node] = 1.0 if i == 0 else value_of(labels[node], True)
            if i > 0 and not hops:
                value[node] = value[origins[via[node]]] * weights[via[node]]
            for link in range(starts[node], starts[node + 1]):
                if _leads(labels[node], steps[link], labels[targets[link]], hops) and active[targets[link]]:
                    paths[targets[link]] += paths[node]
            pairs[node] = 0.0
            worth[node] = 0.0
        for i in range(reached - 1, 0, -1):
            node = order[i]
            plain[node] += pairs[node]
            weighted[node] += worth[node]
            above_pairs = (1.0 + pairs[node]) / paths[node]
            above_worth = (area[source] * area[node] * value[node] + worth[node]) / paths[node]
            for link in range(starts[node], starts[node + 1]):
                target = targets[link]
                if _leads(labels[target], steps[link], labels[node], hops) and active[target]:
                    pairs[target] += paths[target] * above_pairs
                    worth[target] += paths[target] * above_worth


@compiled
def _leads(label: float, step: float, following: float, hops: bool) -> bool:
    """Tell whether a best path to a node leads over the link that makes `following` of `label`, rounding aside."""
    if hops:
        return label + step == following and following > -np.inf
    return 0.0 < following < label and label * step >= following * (1.0 - _EQUAL)
