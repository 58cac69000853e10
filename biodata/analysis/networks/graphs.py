"""Graphs of a network: probabilities from distances, components, spanning trees, Conefor's files.

Links have no direction. Of several links between two nodes the best is kept; a link of a node with itself, or with
probability 0, is none.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse
from scipy.sparse import csgraph

from biodata.analysis.bucket_queue import Floats, Ints, Ints32
from biodata.core.errors import InputError
from biodata.core.vocabularies import ConnectionKind
from biodata.formats.conefor import Connections, Nodes

PC: Final = "PC"
IIC: Final = "IIC"


@dataclass(frozen=True, eq=False, slots=True)
class Graph:
    """A graph of n nodes and m links.

    Attributes
    ----------
    nodes : int
        How many nodes there are; they are numbered from 0.
    hops : bool
        True where links are merely there and paths are counted in links; else they have probabilities.
    first, second : ndarray of int32, (m,)
        Ends of the links, the lower number first, in ascending order.
    weight : ndarray of float64, (m,)
        Probability of each link, above 0 and up to 1; with `hops` -1.
    starts, targets, origins, link_of, weights : ndarrays
        The same links seen from each node: those of a node begin at `starts[node]`.
    """

    nodes: int
    hops: bool
    first: Ints32
    second: Ints32
    weight: Floats
    starts: Ints32
    targets: Ints32
    origins: Ints32
    link_of: Ints32
    weights: Floats

    @property
    def links(self) -> int:
        """How many links there are."""
        return self.first.size

    def arguments(self) -> tuple[Ints32, Ints32, Floats, bool]:
        """Return what `graph_search`'s kernels take of a graph."""
        return self.starts, self.targets, self.weights, self.hops


def with_probabilities(nodes: int, first: ArrayLike, second: ArrayLike, probability: ArrayLike) -> Graph:
    """Make a graph whose links have probabilities.

    Parameters
    ----------
    nodes : int
    first, second : array-like of int, (m,)
        Ends of the links, from 0.
    probability : array-like of float, (m,)
        Of moving along the link without a stop between, 0 to 1.

    Returns
    -------
    Graph

    Raises
    ------
    ValueError
        If an end is no node, or a probability is outside 0 to 1.
    """
    one, other = _ends(nodes, first, second)
    weight = np.asarray(probability, dtype=np.float64)
    if weight.shape != one.shape or not ((weight >= 0) & (weight <= 1)).all():
        msg = "probabilities must be as many as links, and between 0 and 1"
        raise ValueError(msg)
    kept = (weight > 0) & (one != other)
    return _build(nodes, one[kept], other[kept], weight[kept], hops=False)


def with_links(nodes: int, first: ArrayLike, second: ArrayLike) -> Graph:
    """Make a graph whose links are merely there, for indices that count links.

    Parameters
    ----------
    nodes : int
    first, second : array-like of int, (m,)
        Ends of the links, from 0.

    Returns
    -------
    Graph

    Raises
    ------
    ValueError
        If an end is no node.
    """
    one, other = _ends(nodes, first, second)
    kept = one != other
    return _build(nodes, one[kept], other[kept], np.full(int(kept.sum()), -1.0), hops=True)


def probabilities_at(distance: ArrayLike, *, known_distance: float, probability: float = 0.5) -> Floats:
    """Return the probabilities of distances under a negative exponential kernel, p = exp(-alpha d).

    Parameters
    ----------
    distance : array-like of float
        Of any unit, 0 or more; inf where there is no way.
    known_distance : float
        A distance in the same unit, above 0, whose probability is known.
    probability : float
        That probability, above 0 and below 1: 0.5 makes the known distance the median, exp(-1) the mean.

    Returns
    -------
    ndarray of float64, in the shape of `distance`

    Raises
    ------
    ValueError
        If a distance is negative or nan, the known distance is not positive or the probability not between 0 and 1.
    """
    distances = np.asarray(distance, dtype=np.float64)
    if not (0 < known_distance < np.inf and 0 < probability < 1 and bool((distances >= 0).all())):
        msg = f"distances must be 0 or more, {known_distance} positive and {probability} between 0 and 1"
        raise ValueError(msg)
    found: Floats = np.power(probability, distances / known_distance)  # exp(-alpha d), right to the last digits
    return found


def components(graph: Graph, active: NDArray[np.bool_] | None = None) -> Ints32:
    """Return the number of each node's component, from 0 in the order of their lowest nodes; -1 where it is not active."""
    there = np.ones(graph.nodes, dtype=np.bool_) if active is None else active
    number = np.full(graph.nodes, -1, dtype=np.int32)
    number[there] = csgraph.connected_components(_matrix(graph, np.ones(graph.targets.size))[there][:, there], False)[1]
    return number


def spanning_tree(graph: Graph) -> Ints:
    """Return the links of the tree (or forest, one tree a component) whose probabilities' product is largest.

    It is the minimum spanning tree of the distances that the probabilities come from (Kruskal 1956,
    https://doi.org/10.1090/S0002-9939-1956-0078686-7); between equal links the first is taken.

    Returns
    -------
    ndarray of int64
        Positions of the links, ascending.
    """
    # Their ranks, so that no certain link weighs nothing and no two weigh the same.
    rank = np.empty(graph.links)
    rank[np.argsort(-graph.weight, kind="stable")] = np.arange(1, graph.links + 1)
    tree = csgraph.minimum_spanning_tree(_matrix(graph, rank[graph.link_of]))
    return np.flatnonzero(np.isin(rank, tree.data))


def _matrix(graph: Graph, values: Floats) -> Any:
    """Return the links as a sparse matrix, both ways, with values of the directed links."""
    return sparse.csr_array((values, graph.targets, graph.starts), shape=(graph.nodes, graph.nodes))


def subset(graph: Graph, kept: NDArray[np.bool_]) -> Graph:
    """Return the graph with some of its links."""
    first, second = graph.first[kept].astype(np.int64), graph.second[kept].astype(np.int64)
    return _build(graph.nodes, first, second, graph.weight[kept], hops=graph.hops)


def _ends(nodes: int, first: ArrayLike, second: ArrayLike) -> tuple[Ints, Ints]:
    """Return the ends as arrays, the lower one first."""
    one, other = np.asarray(first, dtype=np.int64).reshape(-1), np.asarray(second, dtype=np.int64).reshape(-1)
    if one.shape != other.shape or (
        one.size and (min(one.min(), other.min()) < 0 or max(one.max(), other.max()) >= nodes)
    ):
        msg = f"links must have two ends that are nodes, 0 to {nodes - 1}"
        raise ValueError(msg)
    return np.minimum(one, other), np.maximum(one, other)


def _build(nodes: int, first: Ints, second: Ints, weight: Floats, *, hops: bool) -> Graph:
    """Keep the best of parallel links and put them in order."""
    order = np.lexsort((-weight, second, first))
    first, second, weight = first[order], second[order], weight[order]
    new = np.ones(first.size, dtype=np.bool_)
    new[1:] = (first[1:] != first[:-1]) | (second[1:] != second[:-1])
    first, second, weight = first[new], second[new], weight[new]
    origins, targets = np.concatenate([first, second]), np.concatenate([second, first])
    order = np.lexsort((targets, origins))
    return Graph(
        nodes, hops, first.astype(np.int32), second.astype(np.int32), weight,
        np.searchsorted(origins[order], np.arange(nodes + 1)).astype(np.int32), targets[order].astype(np.int32),
        origins[order].astype(np.int32), np.tile(np.arange(first.size, dtype=np.int32), 2)[order],
        np.tile(weight, 2)[order],
    )  # fmt: skip


def parameters_of(
    kind: ConnectionKind, *, distance: float | None = None, probability: float | None = None,
    threshold: float | None = None, total_area: float | None = None,
) -> dict[str, Any]:  # fmt: skip
    """Return what is used, defaults filled in."""
    for name, value in (
        ("distance", distance),
        ("threshold", threshold),
        ("probability", probability),
        ("total_area", total_area),
    ):
        if value is not None and not (0 <= value < np.inf and (value > 0 or name == "threshold")):
            problem = "this is not a positive number"
            raise InputError(problem, column=name, value=f"{value:g}", code="OPTION_INVALID")
    if probability is not None and probability > (1 if kind is ConnectionKind.LINK else np.nextafter(1, 0)):
        problem = "the probability at the distance must be below 1"
        expected = "0.5 for a median distance"
        raise InputError(
            problem, column="probability", value=f"{probability:g}", expected=expected, code="OPTION_INVALID"
        )
    if kind is ConnectionKind.DISTANCE:
        if distance is None and threshold is None:
            problem = "of distances, neither the one with a known probability nor the longest of a link is told"
            raise InputError(problem, expected="a distance, a threshold, or both", code="OPTION_MISSING")
        if distance is not None:
            probability = 0.5 if probability is None else probability
            threshold = distance if threshold is None else threshold
    elif distance is not None or (kind is ConnectionKind.PROBABILITY and probability is not None):
        problem = f"the connections are {kind.replace('y', 'ie')}s, which need no distance and its probability"
        name, value = ("probability", probability) if distance is None else ("distance", distance)
        raise InputError(problem, column=name, value=f"{value:g}", code="OPTION_UNFIT")
    return {
        "kind": str(kind), "distance": distance, "probability": probability, "threshold": threshold,
        "total_area": total_area,
    }  # fmt: skip


def networks(
    nodes: Nodes, connections: Connections, parameters: dict[str, Any], indices: Collection[str] = (PC, IIC)
) -> tuple[Graph | None, Graph | None]:
    """Return the binary network and that with probabilities; None where it is not asked for or cannot be had.

    Raises
    ------
    InputError
        If nothing is left of what is asked for (INDEX_UNFIT).
    """
    count = nodes.ids.size
    chances = _chances(connections, parameters) if PC in indices else None
    hops = None
    if IIC in indices:
        binary = _linked(connections, parameters["threshold"])
        hops = with_links(count, connections.first[binary], connections.second[binary])
    if hops is None and chances is None:
        problem = "the probabilities of the connections are not known, so there is no PC"
        expected = "probabilities, or a distance and its probability"
        raise InputError(problem, value=" ".join(indices), expected=expected, code="INDEX_UNFIT")
    if chances is None:
        return hops, None
    return hops, with_probabilities(count, connections.first, connections.second, chances)


def _chances(connections: Connections, parameters: dict[str, Any]) -> Floats | None:
    """Return the probability of each connection; None where it is not known."""
    if connections.kind is ConnectionKind.PROBABILITY:
        return connections.value
    if connections.kind is ConnectionKind.LINK:
        return None if parameters["probability"] is None else connections.value * parameters["probability"]
    if parameters["distance"] is None:
        return None
    return probabilities_at(
        connections.value, known_distance=parameters["distance"], probability=parameters["probability"]
    )


def _linked(connections: Connections, threshold: float | None) -> Any:
    """Return which connections are links of the binary network."""
    if connections.kind is ConnectionKind.DISTANCE:
        return connections.value <= (np.inf if threshold is None else threshold)
    return (connections.value > 0) & (connections.value >= (threshold or 0.0))
