"""What each node and each link is worth to a landscape's connectivity: dPC and dIIC, split in fractions.

The importance of a node is the percentage of PC (or IIC) that goes with it, dPC_k = 100 (PC - PC_-k) / PC, the
landscape's area unchanged. Saura & Rubio 2010 (https://doi.org/10.1111/j.1600-0587.2009.05760.x) split it: *intra* is
a_k^2, what the node counts by itself; *flux* is 2 a_k sum a_j p*_kj, its pairs with others; *connector* is what pairs
of other nodes lose because their best path led over k. A link has nothing but a connector. All of it is exact but for
pairs that together are less than the last digit of PC, and none of it is a difference of two large sums, so that small
importances keep their digits.
"""

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from biodata.analysis.bucket_queue import Floats, Ints32
from biodata.analysis.networks import graph_search
from biodata.analysis.networks.connectivity import check, least_probability, over_sources, sweep
from biodata.analysis.networks.graphs import Graph


@dataclass(frozen=True, eq=False, slots=True)
class Importance:
    """What nodes and links are worth, in percent of the index; nan where the index is 0.

    Attributes
    ----------
    numerator : float
        PCnum or IICnum: the sum over ordered pairs before anything is removed.
    intra, flux, connector : ndarray of float64, (n,)
        Fractions of each node; nan for nodes that are not there.
    links : ndarray of float64, (m,), optional
        Importance of each link of the graph, all of it connector; None unless asked for.
    """

    numerator: float
    intra: Floats
    flux: Floats
    connector: Floats
    links: Floats | None

    @property
    def nodes(self) -> Floats:
        """The importance of each node: the sum of its fractions."""
        return self.intra + self.flux + self.connector


def of_removal(
    graph: Graph,
    area: Floats,
    *,
    links: bool = True,
    active: NDArray[np.bool_] | None = None,
    executor: Executor | None = None,
    progress: bool = False,
) -> Importance:
    """Return what is lost with each node and each link.

    Parameters
    ----------
    graph : Graph
        With probabilities for dPC, with links only for dIIC.
    area : ndarray of float64, (n,)
        0 or more.
    links : bool
        Whether links are asked for too; it takes about as long again.
    active : ndarray of bool, (n,), optional
        The nodes that are there; all where it is not given.
    executor : concurrent.futures.Executor, optional
        Threads on every processor where it is not given.
    progress : bool
        Whether to show a bar.

    Returns
    -------
    Importance

    Raises
    ------
    InputError
        If an area is negative or not finite.
    """
    there = check(area, None, active)
    title = "dIIC" if graph.hops else "dPC"
    totals, flux, node_loss, link_loss = sweep(
        graph, area, active=there, nodes=True, links=links, executor=executor, progress=progress, title=title
    )
    percent = 100.0 / totals[0] if totals[0] > 0 else np.nan
    known = np.where(there, percent, np.nan)
    return Importance(
        float(totals[0]),
        known * area**2,
        known * (2 * flux),
        known * node_loss,
        percent * link_loss if links else None,
    )


def of_addition(
    graph: Graph, area: Floats, *, active: NDArray[np.bool_], executor: Executor | None = None, progress: bool = False
) -> Importance:
    """Return what each node that is not there yet would add, alone, to the nodes that are.

    Parameters
    ----------
    graph : Graph
        Of all nodes and their links, those to add too.
    area : ndarray of float64, (n,)
    active : ndarray of bool, (n,)
        The nodes that are there.
    executor, progress
        As in `of_removal`.

    Returns
    -------
    Importance
        In percent of the index of the nodes that are there; nan for these. `links` is None.

    Notes
    -----
    A node's gain needs no new all-pairs search: with r_i the best way from i to the new node, a pair changes only where
    r_i r_j is above its p*.
    """
    check(area, None, active)
    numerator = float(sweep(graph, area, active=active, executor=executor, progress=progress, title="before")[0][0])
    candidates = np.flatnonzero(~active).astype(np.int32)
    reach = np.empty((candidates.size, graph.nodes))
    graph_search.rows(candidates, *graph.arguments(), active, reach)
    reach[np.arange(candidates.size), candidates] = -np.inf if graph.hops else 0.0
    gain = np.zeros(candidates.size)
    work = partial(_gains, graph, area, active, candidates, reach)
    for part in over_sources(work, graph.nodes, executor=executor, progress=progress, title="nodes to add"):
        gain += part
    value = 1.0 / (1.0 - reach) if graph.hops else reach
    percent = 100.0 / numerator if numerator > 0 else np.nan
    intra, flux, connector = (np.full(graph.nodes, np.nan) for _ in range(3))
    intra[candidates] = percent * area[candidates] ** 2
    flux[candidates] = percent * 2 * area[candidates] * (value[:, active] @ area[active])
    connector[candidates] = percent * gain
    return Importance(numerator, intra, flux, connector, None)


def _gains(
    graph: Graph, area: Floats, active: NDArray[np.bool_], candidates: Ints32, reach: Floats, sources: Ints32
) -> Floats:
    """Return what pairs from some sources gain with each candidate."""
    gain = np.zeros(candidates.size)
    graph_search.gains(sources, candidates, reach, *graph.arguments(), active, area, gain)
    return gain


def betweenness(
    graph: Graph,
    area: Floats,
    *,
    active: NDArray[np.bool_] | None = None,
    executor: Executor | None = None,
    progress: bool = False,
) -> tuple[Floats, Floats]:
    """Return on how many best paths between two other nodes each node lies, plain and weighted; both orders counted.

    The weighted form counts a_i a_j p*_ij, or a_i a_j / (1 + links), for each pair: BC(PC) and BC(IIC) after Bodin &
    Saura 2010, https://doi.org/10.1016/j.ecolmodel.2010.06.017. Pairs with several equal best paths are shared among
    them, as in Freeman's betweenness; links of probability 1 can be walked to and fro for nothing, so of equal paths
    only those with fewest of these count. Pairs whose probability is lost in the rounding of PC are not counted.

    Returns
    -------
    two ndarrays of float64, (n,)
    """
    there = check(area, None, active)
    plain, weighted = np.zeros(graph.nodes), np.zeros(graph.nodes)
    work = partial(between_part, graph, area, there)
    title = "BC(IIC)" if graph.hops else "BC(PC)"
    for part in over_sources(work, graph.nodes, executor=executor, progress=progress, title=title):
        plain += part[0]
        weighted += part[1]
    return plain, weighted


def between_part(graph: Graph, area: Floats, active: NDArray[np.bool_], sources: Ints32) -> tuple[Floats, Floats]:
    """Return betweenness from some sources."""
    plain, weighted = np.zeros(graph.nodes), np.zeros(graph.nodes)
    graph_search.betweenness(
        sources,
        graph.starts,
        graph.targets,
        graph.origins,
        graph.weights,
        graph.hops,
        active,
        area,
        least_probability(area[active]),
        plain,
        weighted,
    )
    return plain, weighted
