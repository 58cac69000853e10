"""Indices of connectivity of a network (PC, IIC and their kin), and the importance of each node.

PC (Saura & Pascual-Hortal 2007, https://doi.org/10.1016/j.landurbplan.2007.03.005) = sum of a_i a_j p*_ij over all
ordered pairs, i = j too, divided by the landscape's area squared; p* is the largest product of probabilities along a
path. IIC (Pascual-Hortal & Saura 2006, https://doi.org/10.1007/s10980-006-0013-z) has 1 / (1 + links) for p*. The
equivalent connected area is the root of the sum (Saura et al. 2011, https://doi.org/10.1016/j.ecolind.2010.06.011):
EC(PC), also ECA, and EC(IIC). The names are Conefor's.

The importance of a node is the percentage of PC (or IIC) that goes with it, dPC_k = 100 (PC - PC_-k) / PC, the
landscape's area unchanged. Saura & Rubio 2010 (https://doi.org/10.1111/j.1600-0587.2009.05760.x) split it: *intra* is
a_k^2, what the node counts by itself; *flux* is 2 a_k sum a_j p*_kj, its pairs with others; *connector* is what pairs
of other nodes lose because their best path led over k. A link has nothing but a connector. All of it is exact but for
pairs that together are less than the last digit of PC, and none of it is a difference of two large sums, so that small
importances keep their digits.
"""

import math
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from tqdm.auto import tqdm

from biodata.analysis.bucket_queue import Floats, Ints32
from biodata.analysis.networks import graph_search, graphs
from biodata.analysis.networks.graphs import Graph
from biodata.core.errors import InputError

_Result = TypeVar("_Result")
_PARTS = 64
"""Into how many parts the sources are cut, whatever the number of workers: sums come out the same to the last bit."""

_LARGEST_AREA = 1e150
"""Squares of larger ones are no numbers."""

_ROUNDING = 1e-16
"""The part of PC that is no more than its last digit."""

_MANY_LINKS = 4
"""Links a node from which on it pays to look for those that are not needed."""

Sweep = tuple[Floats, Floats, Floats, Floats]
"""Totals (pairs, Harary's sum), flux of each node, losses by node, losses by link; see `graph_search.sweep`."""


def overall(
    area: Floats, *, probability: Graph | None = None, links: Graph | None = None, total_area: float | None = None,
    active: NDArray[np.bool_] | None = None, executor: Executor | None = None, progress: bool = False,
) -> dict[str, float | int | None]:  # fmt: skip
    """Return the indices of the whole landscape.

    Parameters
    ----------
    area : ndarray of float64, (n,)
        Area, or another attribute that adds up, of each node; 0 or more.
    probability : Graph, optional
        With probabilities: gives PCnum, EC(PC) and its other name ECA, PC, F (flux, the sum of direct probabilities over
        ordered pairs), AWF (the same times areas), and the percent of PCnum inside nodes, PCintra(%), by direct moves,
        PCdirect(%), and gained by stepping stones, PCstep(%) (Saura, Bodin & Fortin 2014,
        https://doi.org/10.1111/1365-2664.12179).
    links : Graph, optional
        With links only: gives NL and NC (numbers of links and components), MSC (mean size of components), CCP
        (probability that two points of habitat share a component), LCP (the same of points of the landscape), H
        (Harary's index), IICnum, EC(IIC), IIC.
    total_area : float, optional
        Area of the landscape, in the nodes' unit; PC, IIC and LCP need it and are None without.
    active : ndarray of bool, (n,), optional
        The nodes that are there; all where it is not given.
    executor : concurrent.futures.Executor, optional
        Threads on every processor where it is not given.
    progress : bool
        Whether to show a bar.

    Returns
    -------
    dict of Conefor's names

    Raises
    ------
    ValueError
        If an area is negative or not finite, or the landscape is smaller than its nodes together.
    """
    there = check(area, total_area, active)
    together = float(area[there].sum())
    square = None if total_area is None else total_area**2
    found: dict[str, float | int | None] = {"nodes": int(there.sum()), "area": together, "AL": total_area}
    if links is not None:
        both = there[links.first] & there[links.second]
        number = graphs.components(links, there)
        size = np.bincount(number[there], weights=area[there])
        squares = float((size**2).sum())
        total, harary = sweep(links, area, active=there, executor=executor, progress=progress, title="IIC")[0]
        found |= {
            "NL": int(both.sum()),
            "NC": len(size),
            "MSC": together / len(size) if len(size) else None,
            "CCP": squares / together**2 if together else None,
            "LCP": _over(squares, square),
            "H": float(harary) / 2,
            "IICnum": float(total),
            "EC(IIC)": math.sqrt(total),
            "IIC": _over(float(total), square),
        }
    if probability is not None:
        both = there[probability.first] & there[probability.second]
        direct = probability.weight[both]
        product = area[probability.first[both]] * area[probability.second[both]]
        pairs = sweep(probability, area, active=there, executor=executor, progress=progress, title="PC")[0]
        total = float(pairs[0])
        flux = float(2 * (direct * product).sum())
        intra = float((area[there] ** 2).sum())
        found |= {
            "F": float(2 * direct.sum()),
            "AWF": flux,
            "PCnum": total,
            "PCintra(%)": 100 * intra / total if total else None,
            "PCdirect(%)": 100 * flux / total if total else None,
            "PCstep(%)": 100 * max(total - intra - flux, 0.0) / total if total else None,
            "EC(PC)": math.sqrt(total),
            "ECA": math.sqrt(total),
            "PC": _over(total, square),
        }
    return found


def sweep(
    graph: Graph, area: Floats, *, active: NDArray[np.bool_], nodes: bool = False, links: bool = False,
    executor: Executor | None = None, progress: bool = False, title: str = "",
) -> Sweep:  # fmt: skip
    """Sum over all sources what `graph_search.sweep` finds from some."""
    fewer, kept = without_needless_links(graph, active)
    work = partial(sweep_part, fewer, np.ascontiguousarray(area), active, nodes, links)
    found: Sweep = (np.zeros(2), np.zeros(graph.nodes), np.zeros(graph.nodes), np.zeros(fewer.links))
    for part in over_sources(work, graph.nodes, executor=executor, progress=progress, title=title):
        for total, more in zip(found, part, strict=True):
            total += more
    link_loss = np.zeros(graph.links)
    link_loss[kept] = found[3]
    return *found[:3], link_loss


def without_needless_links(graph: Graph, active: NDArray[np.bool_]) -> tuple[Graph, NDArray[np.bool_]]:
    """Return the graph without links that no best path can need, where it has many, and which are left."""
    kept = np.ones(graph.links, dtype=np.bool_)
    if graph.hops or graph.links <= _MANY_LINKS * graph.nodes:
        return graph, kept
    kept = graph_search.needed(graph, active)
    return (graph if kept.all() else graphs.subset(graph, kept)), kept


def sweep_part(
    graph: Graph, area: Floats, active: NDArray[np.bool_], nodes: bool, links: bool, sources: Ints32
) -> Sweep:
    """Sweep from some sources."""
    found: Sweep = (np.zeros(2), np.zeros(graph.nodes), np.zeros(graph.nodes), np.zeros(graph.links))
    graph_search.sweep(
        sources, graph.starts, graph.targets, graph.origins, graph.link_of, graph.weights, graph.hops, active, area,
        nodes, links, least_probability(area[active]), *found,
    )  # fmt: skip
    return found


def least_probability(area: Floats) -> float:
    """Return a probability such that all pairs below it together are lost in the rounding of PC, which has sum a² too."""
    together = float(area.sum())
    return _ROUNDING * float((area / together) @ (area / together)) if together else 0.0


def over_sources(
    work: Callable[[Ints32], _Result], count: int, *, executor: Executor | None = None, progress: bool = False,
    title: str = "",
) -> Iterator[_Result]:  # fmt: skip
    """Yield what `work` returns for parts of the sources 0 to `count`, in their order, worked on side by side."""
    # Strided, so that parts are alike: near sources have near numbers.
    parts = [np.arange(start, count, _PARTS, dtype=np.int32) for start in range(min(_PARTS, count))]
    if executor is None:
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            yield from tqdm(threads.map(work, parts), total=len(parts), desc=title or None, disable=not progress)
    else:
        yield from tqdm(executor.map(work, parts), total=len(parts), desc=title or None, disable=not progress)


def check(area: Floats, total_area: float | None, active: NDArray[np.bool_] | None) -> NDArray[np.bool_]:
    """Refuse areas that cannot be, and return which nodes are there.

    Raises
    ------
    InputError
        If an area is negative or not finite, or the landscape is smaller than its nodes together.
    """
    if not bool((np.isfinite(area) & (area >= 0)).all()):
        problem = "areas must be finite numbers of 0 or more"
        raise InputError(problem, code="AREA_INVALID")
    there = np.ones(area.size, dtype=np.bool_) if active is None else active
    together = float(area.sum())
    if together > _LARGEST_AREA:
        problem = "the areas are too large to be multiplied"
        expected = f"up to {_LARGEST_AREA:g} together; another unit"
        raise InputError(problem, value=f"{together:g}", expected=expected, code="AREA_INVALID")
    if total_area is not None and not together * (1 - 1e-9) <= total_area <= _LARGEST_AREA:
        problem = f"the landscape is smaller than its nodes, which have {together:g} together"
        expected = "the area of the whole landscape, in the nodes' unit"
        raise InputError(problem, value=f"{total_area:g}", expected=expected, code="TOTAL_AREA_INVALID")
    if total_area == 0:
        problem = "the landscape has no area"
        raise InputError(problem, value="0", code="TOTAL_AREA_INVALID")
    return there


def _over(total: float, square: float | None) -> float | None:
    """Divide where there is something to divide by."""
    return None if square is None else total / square


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
    graph: Graph, area: Floats, *, links: bool = True, active: NDArray[np.bool_] | None = None,
    executor: Executor | None = None, progress: bool = False,
) -> Importance:  # fmt: skip
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
        float(totals[0]), known * area**2, known * (2 * flux), known * node_loss, percent * link_loss if links else None
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
