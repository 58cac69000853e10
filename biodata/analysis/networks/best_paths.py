"""The k best paths between two nodes, none of which visits a node twice (Yen 1971)."""

import heapq
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from biodata.analysis.networks import graph_search
from biodata.analysis.networks.graphs import Graph


@dataclass(frozen=True, slots=True)
class Path:
    """A path.

    Attributes
    ----------
    nodes : tuple of int
        From one end to the other.
    value : float
        The product of its probabilities; or, in a graph of links only, 1 / (1 + links).
    """

    nodes: tuple[int, ...]
    value: float


def k_shortest(graph: Graph, source: int, target: int, count: int) -> list[Path]:
    """Return the best paths between two nodes, the best first.

    Parameters
    ----------
    graph : Graph
    source, target : int
        Two nodes.
    count : int
        How many are wanted; fewer are returned where there are no more.

    Returns
    -------
    list of Path
        Those with the largest product of probabilities, which is the shortest distance, or with fewest links; of equal
        ones the one with the lower nodes first.

    Raises
    ------
    ValueError
        If an end is no node.

    Notes
    -----
    Yen 1971, https://doi.org/10.1287/mnsc.17.11.712.
    """
    if not (0 <= source < graph.nodes and 0 <= target < graph.nodes):
        msg = f"{source} and {target} must be nodes, 0 to {graph.nodes - 1}"
        raise ValueError(msg)
    first = _best(graph, (source,), target, set())
    waiting = [] if first is None else [first]
    known = set(waiting)
    taken: list[Path] = []
    while waiting and len(taken) < count:
        minus, nodes = heapq.heappop(waiting)
        taken.append(Path(nodes, float(graph_search.value_of(-minus, graph.hops))))
        for turn in range(len(nodes) - 1):
            root = nodes[: turn + 1]
            # What goes on from this root already is barred, so that a new path leaves it here.
            barred = {
                path.nodes[turn + 1] for path in taken if path.nodes[: turn + 1] == root and len(path.nodes) > turn + 1
            }
            found = _best(graph, root, target, barred)
            if found is not None and found not in known:
                known.add(found)
                heapq.heappush(waiting, found)
    return taken


def _best(graph: Graph, root: tuple[int, ...], target: int, barred: set[int]) -> tuple[float, tuple[int, ...]] | None:
    """Return minus the label and the nodes of the best path that begins with `root` and does not go on to `barred`."""
    active = np.ones(graph.nodes, dtype=np.bool_)
    active[list(root[:-1])] = False
    weights = graph.weights
    spur = root[-1]
    if barred:
        weights = weights.copy()
        own = slice(graph.starts[spur], graph.starts[spur + 1])
        weights[own][np.isin(graph.targets[own], list(barred))] = -np.inf if graph.hops else 0.0
    labels, via = np.empty(graph.nodes), np.empty(graph.nodes, dtype=np.int32)
    order, places = np.empty(graph.nodes, dtype=np.int32), np.empty(graph.targets.size + 1, dtype=np.int32)
    keys = np.empty(graph.targets.size + 1)
    graph_search.search(
        spur, graph.starts, graph.targets, weights, graph.hops, active, labels, via, order, keys, places, 0.0
    )
    if target != spur and via[target] < 0:
        return None
    rest = [target]
    while rest[-1] != spur:
        rest.append(int(graph.origins[via[rest[-1]]]))
    nodes = root[:-1] + tuple(reversed(rest))
    return -_label(graph, nodes), nodes


def _label(graph: Graph, nodes: tuple[int, ...]) -> float:
    """Return a path's label, put together from its beginning, so that equal paths are equal to the last digit."""
    label = 0.0 if graph.hops else 1.0
    for node, following in pairwise(nodes):
        own = slice(graph.starts[node], graph.starts[node + 1])
        weight = float(graph.weights[own][graph.targets[own] == following][0])
        label = label + weight if graph.hops else label * weight
    return label
