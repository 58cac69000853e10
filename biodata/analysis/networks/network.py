"""A network from end to end: its indices, node and link importances, best paths, and what that takes."""

import math
import time
from collections.abc import Collection
from concurrent.futures import Executor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse import csgraph

from biodata.analysis.bucket_queue import Floats
from biodata.analysis.networks import connectivity, graph_search, graphs
from biodata.analysis.networks.graphs import IIC, PC, Graph, networks, parameters_of
from biodata.core.errors import InputError
from biodata.core.vocabularies import ConnectionKind
from biodata.formats.conefor import Connections, Nodes

_ENOUGH_SECONDS: Final = 0.5
"""Nodes are timed until they took so long."""
_BYTES_OF_NODE, _BYTES_OF_LINK = 150, 2 * 36
"""What a worker holds for a node, and for a link seen from both ends."""


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
        Those with the largest product of probabilities, which is the shortest distance, or with fewest links.

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
    lengths = np.ones(graph.targets.size) if graph.hops else -np.log(graph.weights)
    matrix = sparse.csr_array((lengths, graph.targets, graph.starts), shape=(graph.nodes, graph.nodes))
    if source == target:
        return [Path((source,), 1.0)]
    _, before = csgraph.yen(matrix, source, target, count, return_predecessors=True)
    found = []
    for row in before:
        nodes = [target]
        while nodes[-1] != source:
            nodes.append(int(row[nodes[-1]]))
        nodes.reverse()
        steps = [_weight(graph, *pair) for pair in pairwise(nodes)]
        value = graph_search.value_of(sum(steps), True) if graph.hops else math.prod(steps)
        found.append(Path(tuple(nodes), float(value)))
    return sorted(found, key=lambda path: (-path.value, path.nodes))


def _weight(graph: Graph, node: int, following: int) -> float:
    """Return the weight of the link from a node to the one that follows on a path."""
    own = slice(graph.starts[node], graph.starts[node + 1])
    return float(graph.weights[own][graph.targets[own] == following][0])


@dataclass(frozen=True, eq=False, slots=True)
class Network:
    """What was found.

    Attributes
    ----------
    parameters : dict
        kind, distance, probability, threshold and AL as they were used.
    overall : dict
        Indices of the landscape by Conefor's names; see `connectivity.overall`.
    nodes : pandas.DataFrame
        A row for each node in the file's order: node, area, existing, component, dA and, for each index, the
        importance with its fractions (dPC, dPCintra, dPCflux, dPCconnector). For nodes to add it is
        what they would bring. `component` counts links of the binary network where there is one, else all.
    links : pandas.DataFrame
        A row for each link: first, second (node identifiers), distance or probability, linked (in the binary network),
        spanning_tree, dIIC, dPC.
    paths : list of dict
        The best paths that were asked for, the best first: nodes (identifiers), links, and probability where it is known.
    """

    parameters: dict[str, Any]
    overall: dict[str, float | int | None]
    nodes: pd.DataFrame
    links: pd.DataFrame
    paths: list[dict[str, Any]]


def analyse(
    nodes: Nodes, connections: Connections, *, distance: float | None = None, probability: float | None = None,
    threshold: float | None = None, total_area: float | None = None, indices: Collection[str] = (PC, IIC),
    importances: bool = True, links: bool = True, between: tuple[int, int] | None = None, paths: int = 3,
    executor: Executor | None = None, progress: bool = False,
) -> Network:  # fmt: skip
    """Compute the indices of a network, and what each node and link is worth.

    Parameters
    ----------
    nodes : Nodes
    connections : Connections
    distance : float, optional
        For distances: the one whose probability is known; gives the probabilistic indices.
    probability : float, optional
        That probability, 0.5 where it is not given; for mere links the probability of each, which has no default.
    threshold : float, optional
        For the binary indices: the longest distance of a link, `distance` where it is not given; or its least
        probability, anything above 0 where it is not given.
    total_area : float, optional
        Area of the landscape in the nodes' unit.
    indices : collection of str
        PC, with what goes with probabilities, and IIC, with what goes with mere links; what cannot be had is left out.
    importances : bool
        Whether nodes (and links) are asked for, or the indices of the landscape only.
    links : bool
        Whether the importance of links is asked for.
    between : two int, optional
        Identifiers of two nodes that the best paths are asked for of: by probability, else by number of links.
    paths : int
        How many paths.
    executor : concurrent.futures.Executor, optional
        Threads on every processor where it is not given.
    progress : bool
        Whether to show bars.

    Returns
    -------
    Network

    Raises
    ------
    InputError
        If distances come with neither a distance nor a threshold, an option does not fit the connections, an area
        cannot be, or a path's end is no node.
    """
    parameters = parameters_of(
        connections.kind, distance=distance, probability=probability, threshold=threshold, total_area=total_area
    )
    there = nodes.existing
    hops, chance = networks(nodes, connections, parameters, indices)
    overall = connectivity.overall(
        nodes.area, probability=chance, links=hops, total_area=total_area, active=there, executor=executor,
        progress=progress,
    )  # fmt: skip
    table: dict[str, Any] = {"node": nodes.ids, "area": nodes.area, "existing": there}
    for graph in (hops, chance):
        if graph is not None and "component" not in table:
            table["component"] = graphs.components(graph, there)
    importance: dict[str, Floats] = {}
    if importances:
        together = float(nodes.area[there].sum())
        table["dA"] = nodes.area * (100 / together if together else np.nan)
        for name, graph in (("IIC", hops), ("PC", chance)):
            if graph is not None:
                columns, worth = _importances(graph, nodes, name, links=links, executor=executor, progress=progress)
                table |= columns
                if worth is not None:
                    importance[f"d{name}"] = worth
    searched = hops if chance is None else chance
    ways = [] if between is None or searched is None else _paths(nodes, searched, between, paths)
    return Network(parameters, overall, pd.DataFrame(table), _links(nodes, connections, hops, chance, importance), ways)


def _importances(
    graph: Graph, nodes: Nodes, name: str, *, links: bool, executor: Executor | None, progress: bool
) -> tuple[dict[str, Floats], Floats | None]:
    """Return the columns of one index, by node, and the importance of the graph's links."""
    there = nodes.existing
    lost = connectivity.of_removal(graph, nodes.area, links=links, active=there, executor=executor, progress=progress)
    fractions = {part: getattr(lost, part).copy() for part in ("nodes", "intra", "flux", "connector")}
    if not there.all():
        gained = connectivity.of_addition(graph, nodes.area, active=there, executor=executor, progress=progress)
        for part, values in fractions.items():
            values[~there] = getattr(gained, part)[~there]
    columns = {f"d{name}{'' if part == 'nodes' else part}": values for part, values in fractions.items()}
    return columns, lost.links


def _paths(nodes: Nodes, graph: Graph, between: tuple[int, int], count: int) -> list[dict[str, Any]]:
    """Return the best paths between two nodes."""
    position = {node: place for place, node in enumerate(nodes.ids.tolist())}
    for node in between:
        if node not in position:
            problem = "the node file has no such node"
            raise InputError(problem, value=str(node), expected="a node of the node file", code="NODE_UNKNOWN")
    found = []
    for path in k_shortest(graph, position[between[0]], position[between[1]], count):
        way: dict[str, Any] = {"nodes": nodes.ids[list(path.nodes)].tolist(), "links": len(path.nodes) - 1}
        found.append(way if graph.hops else way | {"probability": path.value})
    return found


def _links(
    nodes: Nodes, connections: Connections, hops: Graph | None, chance: Graph | None, importance: dict[str, Floats]
) -> pd.DataFrame:
    """Return the table of links: all that are in one of the two networks."""
    distances = connections.kind is ConnectionKind.DISTANCE
    # Any falling function of distance gives the same tree; this one does not come to 0 for long ones.
    weight = 1 / (1 + connections.value) if distances else connections.value
    graph = graphs.with_probabilities(nodes.ids.size, connections.first, connections.second, weight)
    both = nodes.existing[graph.first] & nodes.existing[graph.second]
    among = graphs.with_probabilities(nodes.ids.size, graph.first[both], graph.second[both], graph.weight[both])
    tree = np.flatnonzero(both)[graphs.spanning_tree(among)]
    in_tree = np.zeros(graph.links, dtype=np.bool_)
    in_tree[tree] = True
    table = pd.DataFrame({"a": graph.first, "b": graph.second, "linked": False, "spanning_tree": in_tree})
    if distances:
        pairs = pd.DataFrame(
            {
                "a": np.minimum(connections.first, connections.second),
                "b": np.maximum(connections.first, connections.second),
                "distance": connections.value,
            }
        )
        table["distance"] = table[["a", "b"]].merge(pairs.groupby(["a", "b"], as_index=False).min(), how="left")[
            "distance"
        ]
    for own, name in ((chance, "PC"), (hops, "IIC")):
        if own is not None:
            place = _place(graph, own)
            if own.hops:
                table.loc[place, "linked"] = True
            else:
                table["probability"] = 0.0
                table.loc[place, "probability"] = own.weight
            if f"d{name}" in importance:
                table[f"d{name}"] = np.nan
                table.loc[place, f"d{name}"] = importance[f"d{name}"]
                table.loc[~both, f"d{name}"] = np.nan
    kept = table["linked"] | (table["probability"] > 0 if chance is not None else False)
    table.insert(0, "first", nodes.ids[graph.first])
    table.insert(1, "second", nodes.ids[graph.second])
    return table[kept | table["spanning_tree"]].drop(columns=["a", "b"]).reset_index(drop=True)


def _place(whole: Graph, part: Graph) -> Any:
    """Return the positions of a graph's links among those of a graph that has them all."""
    keys = whole.first.astype(np.int64) * whole.nodes + whole.second
    return np.searchsorted(keys, part.first.astype(np.int64) * whole.nodes + part.second)


def estimate(
    nodes: Nodes, connections: Connections, parameters: dict[str, Any], *, indices: Collection[str] = (PC, IIC),
    importances: bool = True, links: bool = True, workers: int = 1,
) -> str:  # fmt: skip
    """Return what a run of `network.analyse` will take, as a line for a person.

    Parameters
    ----------
    nodes : Nodes
    connections : Connections
    parameters : dict
        Of `conefor_graphs.parameters_of`.
    indices, importances, links
        As in `network.analyse`.
    workers : int
        Threads.
    """
    seconds, timed, most_links = 0.0, 0, 0
    for graph in networks(nodes, connections, parameters, indices):
        if graph is not None:
            each, counted = _seconds_per_node(graph, nodes, importances=importances, links=links)
            seconds += each * nodes.ids.size / workers
            timed, most_links = max(timed, counted), max(most_links, graph.links)
    count = nodes.ids.size
    parts = 64 * 8 * (2 * count + most_links)  # what the parts of the sources hand back
    to_add = int((~nodes.existing).sum()) * count * 8 * 2 if importances else 0
    memory = workers * (count * _BYTES_OF_NODE + most_links * _BYTES_OF_LINK) + parts + to_add
    return (
        f"estimate: {count:,} nodes, {most_links:,} links, {memory / 2**20:,.0f} MiB, {max(seconds, 1):,.0f} s "
        f"({timed:,} nodes timed)"
    )


def _seconds_per_node(graph: Graph, nodes: Nodes, *, importances: bool, links: bool) -> tuple[float, int]:
    """Return the processor seconds of a node's searches, and how many nodes were timed."""
    there = nodes.existing
    order = np.random.default_rng(0).permutation(np.flatnonzero(there & (nodes.area > 0))).astype(np.int32)
    fewer = connectivity.without_needless_links(graph, there)[0]

    def work(sources: Any) -> float:
        began = time.thread_time()
        connectivity.sweep_part(fewer, nodes.area, there, False, False, sources)
        if importances:
            connectivity.sweep_part(fewer, nodes.area, there, True, links, sources)
        return time.thread_time() - began

    work(order[:1])  # compiles what is not yet
    took, done = 0.0, 0
    while took < _ENOUGH_SECONDS and done < order.size:
        more = order[done : max(2 * done, 1)]
        took += work(more)
        done += more.size
    return (took / done if done else 0.0), done
