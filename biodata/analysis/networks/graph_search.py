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
from biodata.analysis.networks.graphs import Graph

Bools = NDArray[np.bool_]


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
    source: int, starts: Ints32, targets: Ints32, weights: Floats, hops: bool, active: Bools, labels: Floats,
    via: Ints32, order: Ints32, keys: Floats, places: Ints32, least: float,
) -> int:  # fmt: skip
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
    sources: Ints32, candidates: Ints32, reach: Floats, starts: Ints32, targets: Ints32, weights: Floats, hops: bool,
    active: Bools, area: Floats, gain: Floats,
) -> None:  # fmt: skip
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


_MOST_PASSES: Final = 24
"""A heap takes over after so many passes; on real networks four or five are enough."""


def needed(graph: Graph, active: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which links with probabilities can be part of a best path, with any one node or link gone or none.

    A link is not needed where two other nodes offer a better way of two links each: no single removal takes both, and
    both consist of better links. In a table of all distances few are needed.

    Returns
    -------
    ndarray of bool, (m,)
    """
    return _needed(graph.first, graph.second, graph.weight, graph.starts, graph.targets, graph.weights, active)


@compiled
def _needed(
    first: Ints32, second: Ints32, weight: Floats, starts: Ints32, targets: Ints32, weights: Floats,
    active: NDArray[np.bool_],
) -> NDArray[np.bool_]:  # fmt: skip
    """Look for two better ways of two links: neighbours stand in order, so two lists are gone through side by side."""
    kept = np.ones(first.size, dtype=np.bool_)
    for link in range(first.size):
        i, j = starts[first[link]], starts[second[link]]
        better = 0
        while better < 2 and i < starts[first[link] + 1] and j < starts[second[link] + 1]:
            if targets[i] < targets[j]:
                i += 1
            elif targets[i] > targets[j]:
                j += 1
            else:
                better += active[targets[i]] and weights[i] * weights[j] > weight[link]
                i += 1
                j += 1
        kept[link] = better < 2
    return kept


@compiled
def _number(
    reached: int, order: Ints32, via: Ints32, origins: Ints32, size: Ints32, following: Ints32, number: Ints32
) -> None:
    """Give the nodes of a tree numbers so that every subtree is a range of numbers; -1 where it was not reached."""
    for node in range(number.size):
        number[node] = -1
    for i in range(reached):
        size[order[i]] = 1
    for i in range(reached - 1, 0, -1):
        size[origins[via[order[i]]]] += size[order[i]]
    for i in range(reached):  # a node is settled before its children, so it has its number before they get theirs
        node = order[i]
        if i == 0:
            number[node] = 0
        else:
            parent = origins[via[node]]
            number[node] = following[parent]
            following[parent] += size[node]
        following[node] = number[node] + 1


@compiled
def _repair(
    first: int, last: int, gone: int, node_goes: bool, starts: Ints32, targets: Ints32, weights: Floats, hops: bool,
    labels: Floats, area: Floats, found: Floats, waits: NDArray[np.int8], keys: Floats, places: Ints32,
) -> float:  # fmt: skip
    """Return the value, times area, that the nodes from `first` to before `last` lose; all in a tree's numbers.

    The range is all that lies behind node `gone`, which goes; or, unless `node_goes`, behind the link between `gone`
    and `first`, which goes.
    """
    unreached = -np.inf if hops else 0.0
    worse = 0
    for i in range(first, last):  # from outside, and along the range as far as it is known
        best = unreached
        for link in range(starts[i], starts[i + 1]):
            target = targets[link]
            if first <= target < last:
                if target >= i:
                    continue
                known = found[target]
            elif target == gone and (node_goes or i == first):
                continue
            else:
                known = labels[target]
            best = max(best, known + weights[link] if hops else known * weights[link])
        found[i] = best
        waits[i] = 1
        worse += best < labels[i]
    if worse == 0:  # equal ways lead around
        return 0.0
    waiting = last - first
    passes = 0
    while waiting > 0 and passes < _MOST_PASSES:
        passes += 1
        for j in range(last - first):
            i = last - 1 - j if passes % 2 else first + j
            if waits[i] == 0:
                continue
            waits[i] = 0
            waiting -= 1
            for link in range(starts[i], starts[i + 1]):
                target = targets[link]
                if first <= target < last:
                    label = found[i] + weights[link] if hops else found[i] * weights[link]
                    if label > found[target]:
                        found[target] = label
                        waiting += 1 - waits[target]
                        waits[target] = 1
    size = 0
    if waiting > 0:
        for i in range(first, last):
            if waits[i]:
                size = push(keys, places, size, found[i], i)
    while size > 0:
        key, i = keys[0], places[0]
        size = pop(keys, places, size)
        if key < found[i]:
            continue
        for link in range(starts[i], starts[i + 1]):
            target = targets[link]
            if first <= target < last:
                label = key + weights[link] if hops else key * weights[link]
                if label > found[target]:
                    found[target] = label
                    size = push(keys, places, size, label, target)
    lost = 0.0
    for i in range(first, last):
        if found[i] < labels[i]:
            lost += area[i] * (value_of(labels[i], hops) - value_of(found[i], hops))
    return lost


@compiled
def sweep(
    sources: Ints32, starts: Ints32, targets: Ints32, origins: Ints32, link_of: Ints32, weights: Floats, hops: bool,
    active: Bools, area: Floats, with_nodes: bool, with_links: bool, least: float, totals: Floats, flux: Floats,
    node_loss: Floats, link_loss: Floats,
) -> None:  # fmt: skip
    """Add what the pairs of some sources count, and what the removal of each node and link between takes from it.

    Parameters
    ----------
    sources : ndarray of int32
    starts, targets, origins, link_of, weights : ndarrays
        The directed links of each node, from `starts[node]` on, and the number of the undirected link.
    hops : bool
        What labels are, see the module.
    active : ndarray of bool, (n,)
        Nodes that are there.
    area : ndarray of float64, (n,)
    with_nodes, with_links : bool
        Whether removals are asked for.
    least : float
        Pairs of a lower probability are left out.
    totals : ndarray of float64, (2,)
        Gets the sum over the ordered pairs and, with hops, the sum of 1 / links over the ordered pairs of two nodes.
    flux : ndarray of float64, (n,)
        Gets the sum over the pairs of a source with others.
    node_loss, link_loss : ndarrays of float64, (n,) and (links,)
        Get what pairs lose whose best path leads over the node (and which it is no end of), or over the link.
    """
    count = area.size
    labels, via, order = np.empty(count), np.empty(count, np.int32), np.empty(count, np.int32)
    keys, places = np.empty(targets.size + count + 1), np.empty(targets.size + count + 1, np.int32)
    size, following, number = np.empty(count, np.int32), np.empty(count, np.int32), np.empty(count, np.int32)
    # The tree in its own numbers
    nodes, parents, sizes = np.empty(count, np.int32), np.empty(count, np.int32), np.empty(count, np.int32)
    tree_starts = np.empty(count + 1, np.int32)
    tree_targets, tree_weights = np.empty(targets.size, np.int32), np.empty(targets.size)
    tree_labels, tree_area, found, waits = np.empty(count), np.empty(count), np.empty(count), np.zeros(count, np.int8)
    for source in sources:
        if not active[source] or (area[source] == 0.0 and not hops):
            continue
        reached = search(source, starts, targets, weights, hops, active, labels, via, order, keys, places, least)
        others = 0.0
        for i in range(1, reached):
            node = order[i]
            others += area[node] * value_of(labels[node], hops)
            if hops:
                totals[1] -= 1.0 / labels[node]
        flux[source] += area[source] * others
        totals[0] += area[source] * (area[source] + others)
        if area[source] == 0.0 or not (with_nodes or with_links):
            continue
        _number(reached, order, via, origins, size, following, number)
        for i in range(reached):
            node = order[i]
            nodes[number[node]] = node
            parents[number[node]] = -1 if i == 0 else number[origins[via[node]]]
        used = 0
        for i in range(reached):
            node = nodes[i]
            tree_starts[i] = used
            tree_labels[i], tree_area[i], sizes[i] = labels[node], area[node], size[node]
            for link in range(starts[node], starts[node + 1]):
                if number[targets[link]] >= 0:
                    tree_targets[used], tree_weights[used] = number[targets[link]], weights[link]
                    used += 1
        tree_starts[reached] = used
        for i in range(1, reached):
            for node_goes in (True, False):
                first, last = i + node_goes, i + sizes[i]
                if first == last or not (with_nodes if node_goes else with_links):
                    continue
                lost = area[source] * _repair(
                    first, last, i if node_goes else parents[i], node_goes, tree_starts, tree_targets, tree_weights,
                    hops, tree_labels, tree_area, found, waits, keys, places,
                )  # fmt: skip
                if node_goes:
                    node_loss[nodes[i]] += lost
                else:
                    link_loss[link_of[via[nodes[i]]]] += lost
