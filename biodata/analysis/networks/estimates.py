"""What the indices of a network will take, told before: from the time that a few of its nodes take."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from biodata.analysis.networks import connectivity, node_importance
from biodata.analysis.networks.conefor_graphs import IIC, PC, networks
from biodata.analysis.networks.graphs import Graph
from biodata.formats.conefor import Connections, Nodes

_ENOUGH_SECONDS: Final = 0.5
"""Nodes are timed until they took so long."""
_BYTES_OF_NODE, _BYTES_OF_LINK = 150, 2 * 36
"""What a worker holds for a node, and for a link seen from both ends."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the indices will take.

    Attributes
    ----------
    nodes, links : int
        Nodes, and links of the larger network after parallel ones are joined.
    timed : int
        Nodes whose searches were timed for each network.
    memory_bytes : int
        Most that is held at a time.
    seconds : float
        On an otherwise idle machine.
    """

    nodes: int
    links: int
    timed: int
    memory_bytes: int
    seconds: float

    def told(self) -> str:
        """Return the estimate as a line for a person."""
        memory = f"{self.memory_bytes / 2**20:,.0f} MiB"
        return (
            f"estimate: {self.nodes:,} nodes, {self.links:,} links, {memory}, {max(self.seconds, 1):,.0f} s "
            f"({self.timed:,} nodes timed)"
        )


def estimate(
    nodes: Nodes,
    connections: Connections,
    parameters: dict[str, Any],
    *,
    indices: Collection[str] = (PC, IIC),
    importances: bool = True,
    links: bool = True,
    workers: int = 1,
) -> Estimate:
    """Estimate a run of `network.analyse`.

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

    Returns
    -------
    Estimate
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
    return Estimate(count, most_links, timed, memory, round(seconds, 1))


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
            node_importance.between_part(graph, nodes.area, there, sources)
        return time.thread_time() - began

    work(order[:1])  # compiles what is not yet
    took, done = 0.0, 0
    while took < _ENOUGH_SECONDS and done < order.size:
        more = order[done : max(2 * done, 1)]
        took += work(more)
        done += more.size
    return (took / done if done else 0.0), done
