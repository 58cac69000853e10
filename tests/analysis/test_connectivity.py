"""Overall indices by their definitions, components, spanning trees and the k best paths against networkx."""

from itertools import pairwise

import networkx
import numpy as np
import pytest

from biodata.analysis.networks import connectivity, graphs, network
from biodata.core.errors import InputError
from networks import best_links, every_path, hop_matrix, product_matrix, random_network


def peer_graph(nodes, best):
    graph = networkx.Graph()
    graph.add_nodes_from(range(nodes))
    for (one, other), chance in best.items():
        graph.add_edge(one, other, length=-np.log(chance))
    return graph


@pytest.mark.parametrize("seed", range(12))
def test_pc_is_the_best_of_all_paths(seed):
    nodes = 1 + seed % 7
    area, first, second, probability = random_network(seed, nodes)
    best = best_links(first, second, probability)
    expected = sum(
        area[i] * area[j] * (1.0 if i == j else every_path(nodes, best, i, j))
        for i in range(nodes)
        for j in range(nodes)
    )
    found = connectivity.overall(area, probability=graphs.with_probabilities(nodes, first, second, probability))
    assert found["PCnum"] == pytest.approx(expected, rel=1e-12)
    assert found["EC(PC)"] == pytest.approx(np.sqrt(expected), rel=1e-12)
    assert found["PC"] is None


@pytest.mark.parametrize("seed", range(12))
def test_every_index_follows_its_definition(seed):
    nodes = 10
    area, first, second, probability = random_network(seed, nodes)
    kept = probability > 0
    best = best_links(first, second, probability)
    total_area = float(area.sum()) * 3 + 1
    found = connectivity.overall(
        area,
        probability=graphs.with_probabilities(nodes, first, second, probability),
        links=graphs.with_links(nodes, first[kept], second[kept]),
        total_area=total_area,
    )
    peer = peer_graph(nodes, best)
    pieces = [sorted(piece) for piece in networkx.connected_components(peer)]
    sizes = np.array([area[piece].sum() for piece in pieces])
    lengths = dict(networkx.all_pairs_shortest_path_length(peer))
    joined = [(i, j) for i in range(nodes) for j in range(nodes) if i != j and j in lengths[i]]
    pairs = {(i, j): best.get((min(i, j), max(i, j)), 0.0) for i in range(nodes) for j in range(nodes) if i != j}
    iic = area @ hop_matrix(nodes, best) @ area
    expected = {
        "nodes": nodes,
        "NL": len(best),
        "NC": len(pieces),
        "MSC": area.sum() / len(pieces),
        "CCP": (sizes**2).sum() / area.sum() ** 2,
        "LCP": (sizes**2).sum() / total_area**2,
        "H": sum(1 / lengths[i][j] for i, j in joined) / 2,
        "IICnum": iic,
        "EC(IIC)": np.sqrt(iic),
        "IIC": iic / total_area**2,
        "F": sum(pairs.values()),
        "AWF": sum(area[i] * area[j] * chance for (i, j), chance in pairs.items()),
        "PC": area @ product_matrix(nodes, best) @ area / total_area**2,
    }
    for name, value in expected.items():
        assert found[name] == pytest.approx(value, rel=1e-12, abs=1e-15), name


def test_the_landscape_is_at_least_its_nodes():
    graph = graphs.with_links(2, [0], [1])
    assert connectivity.overall(np.array([2.0, 3.0]), links=graph, total_area=5.0)["IIC"] == (4 + 9 + 6) / 25
    with pytest.raises(InputError, match=r"value '4'.*smaller than its nodes, which have 5 together"):
        connectivity.overall(np.array([2.0, 3.0]), links=graph, total_area=4.0)


@pytest.mark.parametrize("seed", range(10))
def test_components_and_spanning_tree_are_those_of_networkx(seed):
    nodes = 12
    _, first, second, probability = random_network(seed, nodes)
    graph = graphs.with_probabilities(nodes, first, second, probability)
    peer = peer_graph(nodes, best_links(first, second, probability))
    number = graphs.components(graph)
    pieces = sorted((sorted(piece) for piece in networkx.connected_components(peer)), key=min)
    assert [np.flatnonzero(number == i).tolist() for i in range(number.max() + 1)] == pieces
    tree = graphs.spanning_tree(graph)
    weight = networkx.minimum_spanning_tree(peer, weight="length").size(weight="length")
    assert -np.log(graph.weight[tree]).sum() == pytest.approx(weight, rel=1e-12, abs=1e-12)
    assert tree.size == nodes - len(pieces)


@pytest.mark.parametrize("seed", range(10))
def test_the_k_best_paths_are_those_of_networkx(seed):
    nodes = 8
    _, first, second, probability = random_network(seed, nodes)
    best = best_links(first, second, probability)
    graph = graphs.with_probabilities(nodes, first, second, probability)
    peer = peer_graph(nodes, best)
    for target in range(1, nodes):
        expected = sorted(
            (
                np.prod([best[min(a, b), max(a, b)] for a, b in pairwise(path)])
                for path in networkx.all_simple_paths(peer, 0, target)
            ),
            reverse=True,
        )
        expected = [value for value in expected if value > 0]
        found = network.k_shortest(graph, 0, target, 6)
        np.testing.assert_allclose([path.value for path in found], expected[:6], rtol=1e-12)
        assert len({path.nodes for path in found}) == len(found)
        assert all(len(set(path.nodes)) == len(path.nodes) for path in found)


def test_paths_of_links_are_counted():
    graph = graphs.with_links(5, [0, 1, 0, 3, 2], [1, 2, 3, 2, 4])
    found = network.k_shortest(graph, 0, 4, 5)
    assert [path.nodes for path in found] == [(0, 1, 2, 4), (0, 3, 2, 4)]
    assert [path.value for path in found] == [0.25, 0.25]
    assert network.k_shortest(graph, 3, 3, 2) == [network.Path((3,), 1.0)]


def test_probabilities_of_distances():
    found = graphs.probabilities_at([0, 10, 20, np.inf], known_distance=10, probability=0.5)
    np.testing.assert_allclose(found, [1, 0.5, 0.25, 0], rtol=1e-15)
    assert graphs.probabilities_at(2000.0, known_distance=1000, probability=np.exp(-1)) == pytest.approx(np.exp(-2))
    for distance, known in (([-1.0], 10.0), ([np.nan], 10.0), ([1.0], 0.0)):
        with pytest.raises(ValueError, match="distances must be 0 or more"):
            graphs.probabilities_at(distance, known_distance=known)


@pytest.mark.parametrize(("first", "second", "probability", "message"), [
    pytest.param([0], [3], [0.5], "ends that are nodes", id="no such node"),
    pytest.param([-1], [1], [0.5], "ends that are nodes", id="below the first"),
    pytest.param([0], [1], [1.5], "between 0 and 1", id="above certain"),
    pytest.param([0], [1], [np.nan], "between 0 and 1", id="nan"),
])  # fmt: skip
def test_links_that_cannot_be_are_refused(first, second, probability, message):
    with pytest.raises(ValueError, match=message):
        graphs.with_probabilities(3, first, second, probability)
