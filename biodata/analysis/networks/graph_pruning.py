"""Which links of a dense network a search can do without: exact, for tables of all distances."""

import numpy as np
from numpy.typing import NDArray

from biodata.analysis.bucket_queue import Floats, Ints32, compiled
from biodata.analysis.networks.graphs import Graph


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
    first: Ints32,
    second: Ints32,
    weight: Floats,
    starts: Ints32,
    targets: Ints32,
    weights: Floats,
    active: NDArray[np.bool_],
) -> NDArray[np.bool_]:
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
