"""Small graphs with everything awkward in them, and the indices by their definitions, from nothing of ours."""

from itertools import pairwise

import networkx
import numpy as np


def random_network(seed, nodes=9):
    """Return areas and (first, second, probability) with ties, islands, empty areas, 0 and 1, doubles and loops."""
    rng = np.random.default_rng(seed)
    area = np.round(rng.lognormal(1, 1, nodes), 3) * (rng.random(nodes) > 0.2)
    links = int(rng.integers(0, 3 * nodes))
    first, second = rng.integers(0, nodes, links), rng.integers(0, nodes, links)
    chances = np.array([0.0, 1.0, 0.5, 0.25, 0.125, *rng.random(5), 1e-300])
    return area, first, second, rng.choice(chances, links)


def best_links(first, second, probability):
    """Return the best probability of each pair that is joined."""
    best = {}
    for one, other, chance in zip(first, second, probability, strict=True):
        pair = (min(one, other), max(one, other))
        if one != other and chance > best.get(pair, 0.0):
            best[pair] = float(chance)
    return best


def product_matrix(nodes, best):
    """Return the largest products along paths, by Floyd and Warshall."""
    found = np.eye(nodes)
    for (one, other), chance in best.items():
        found[one, other] = found[other, one] = chance
    for middle in range(nodes):
        found = np.maximum(found, np.outer(found[:, middle], found[middle]))
    return found


def hop_matrix(nodes, best):
    """Return 1 / (1 + links), with the links counted by networkx."""
    graph = networkx.Graph()
    graph.add_nodes_from(range(nodes))
    graph.add_edges_from(best)
    found = np.zeros((nodes, nodes))
    for one, reached in networkx.all_pairs_shortest_path_length(graph):
        for other, links in reached.items():
            found[one, other] = 1 / (1 + links)
    return found


def every_path(nodes, best, source, target):
    """Return the best product over all simple paths, one after the other."""
    graph = networkx.Graph()
    graph.add_nodes_from(range(nodes))
    graph.add_edges_from(best)
    products = [
        np.prod([best[min(a, b), max(a, b)] for a, b in pairwise(path)])
        for path in networkx.all_simple_paths(graph, source, target)
    ]
    return max(products, default=0.0)


def without_node(best, node):
    """Return the links that do not end in a node."""
    return {pair: chance for pair, chance in best.items() if node not in pair}


def without_link(best, pair):
    """Return all links but one."""
    return {other: chance for other, chance in best.items() if other != pair}
