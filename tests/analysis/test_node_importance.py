"""dPC and dIIC of nodes and links equal removing them one by one, on graphs with everything awkward in them."""

import numpy as np
import pytest

from biodata.analysis.networks import connectivity, graph_search, graphs
from biodata.core.errors import InputError
from networks import best_links, hop_matrix, product_matrix, random_network, without_link, without_node

KINDS = [
    pytest.param(graphs.with_probabilities, product_matrix, id="PC"),
    pytest.param(lambda n, a, b, p: graphs.with_links(n, a[p > 0], b[p > 0]), hop_matrix, id="IIC"),
]


def close(found, expected, of):
    return np.allclose(found, expected, rtol=1e-12, atol=1e-12 * of)


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize(("build", "matrix"), KINDS)
def test_removal_equals_removing_one_by_one(seed, build, matrix):
    nodes = 1 + seed % 12
    area, first, second, probability = random_network(seed, nodes)
    best = best_links(first, second, probability)
    whole = area @ matrix(nodes, best) @ area
    graph = build(nodes, first, second, probability)
    found = connectivity.of_removal(graph, area)
    if whole == 0:
        assert np.isnan(found.nodes).all()
        return
    assert close(found.numerator, whole, whole)
    pairs = matrix(nodes, best)
    for node in range(nodes):
        rest = np.where(np.arange(nodes) == node, 0.0, area)
        lost = whole - rest @ matrix(nodes, without_node(best, node)) @ rest
        flux = 2 * area[node] * (pairs[node] @ rest)
        assert close(found.nodes[node], 100 * lost / whole, 100)
        assert close(found.intra[node], 100 * area[node] ** 2 / whole, 100)
        assert close(found.flux[node], 100 * flux / whole, 100)
        assert close(found.connector[node], 100 * (lost - flux - area[node] ** 2) / whole, 100)
    assert sorted(best) == list(zip(graph.first.tolist(), graph.second.tolist(), strict=True))
    for position, pair in enumerate(sorted(best)):
        lost = whole - area @ matrix(nodes, without_link(best, pair)) @ area
        assert close(found.links[position], 100 * lost / whole, 100)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("build", "matrix"), KINDS)
def test_a_node_to_add_counts_what_it_would_bring_alone(seed, build, matrix):
    nodes = 2 + seed % 10
    area, first, second, probability = random_network(seed + 1000, nodes)
    active = np.random.default_rng(seed).random(nodes) > 0.3
    best = best_links(first, second, probability)

    def total(there):
        kept = {pair: chance for pair, chance in best.items() if there[pair[0]] and there[pair[1]]}
        return np.where(there, area, 0) @ matrix(nodes, kept) @ np.where(there, area, 0)

    before = total(active)
    found = connectivity.of_addition(build(nodes, first, second, probability), area, active=active)
    removed = connectivity.of_removal(build(nodes, first, second, probability), area, active=active)
    for node in range(nodes):
        changed = active.copy()
        changed[node] = ~changed[node]
        if before == 0:
            assert np.isnan(found.nodes[node])
        elif active[node]:
            assert np.isnan(found.nodes[node])
            assert close(removed.nodes[node], 100 * (before - total(changed)) / before, 100)
        else:
            assert np.isnan(removed.nodes[node])
            gained = 100 * (total(changed) - before) / before
            assert close(found.nodes[node], gained, max(100, gained))


def test_the_heap_that_takes_over_after_many_passes_gives_the_same(monkeypatch):
    area, first, second, probability = random_network(7, 40)
    first, second = np.append(first, np.arange(39)), np.append(second, np.arange(1, 40))
    graph = graphs.with_probabilities(40, first, second, np.append(probability, np.full(39, 0.9)))
    usual = connectivity.of_removal(graph, area)
    sources, active = np.arange(40, dtype=np.int32), np.ones(40, dtype=bool)
    totals, flux, nodes, links = np.zeros(2), np.zeros(40), np.zeros(40), np.zeros(graph.links)
    # Plain Python, where the number of passes can be changed: the compiled code has it built in.
    monkeypatch.setattr(graph_search, "_MOST_PASSES", 0)
    monkeypatch.setattr(graph_search, "_repair", graph_search._repair.py_func)
    graph_search.sweep.py_func(sources, graph.starts, graph.targets, graph.origins, graph.link_of, graph.weights,
                               graph.hops, active, area, True, True, 0.0, totals, flux, nodes, links)  # fmt: skip
    np.testing.assert_allclose(100 * nodes / totals[0], usual.connector, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(100 * links / totals[0], usual.links, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_a_table_of_all_distances_needs_few_links_and_loses_nothing_by_it(seed):
    # Areas that one walks through for nothing: ways over other areas are better than most direct ones.
    rng = np.random.default_rng(seed)
    points, nodes = rng.random((14, 2)) * 10, 14
    first, second = np.triu_indices(nodes, 1)
    distance = np.maximum(np.hypot(*(points[first] - points[second]).T) - 1.5, 0)
    probability, area, active = 0.5**distance, rng.random(nodes), rng.random(nodes) > 0.1
    graph = graphs.with_probabilities(nodes, first, second, probability)
    assert graph.links > 4 * nodes
    assert graph_search.needed(graph, active).mean() < 0.7
    found = connectivity.of_removal(graph, area, active=active)
    there = np.where(active, area, 0)
    best = {pair: chance for pair, chance in best_links(first, second, probability).items() if active[list(pair)].all()}
    whole = there @ product_matrix(nodes, best) @ there
    assert close(found.numerator, whole, whole)
    for node in np.flatnonzero(active):
        rest = np.where(np.arange(nodes) == node, 0.0, there)
        lost = whole - rest @ product_matrix(nodes, without_node(best, node)) @ rest
        assert close(found.nodes[node], 100 * lost / whole, 100)
    for position, pair in enumerate(zip(graph.first.tolist(), graph.second.tolist(), strict=True)):
        lost = whole - there @ product_matrix(nodes, without_link(best, pair)) @ there
        assert close(found.links[position], 100 * lost / whole, 100)


def test_small_importances_keep_their_digits():
    # A pair of 1e-9 of the landscape's area hangs on the middle node; a difference of two sums would be noise.
    area = np.array([1e9, 1e-3, 0.0, 1e-3])
    graph = graphs.with_probabilities(4, [1, 2], [2, 3], [0.5, 0.5])
    found = connectivity.of_removal(graph, area)
    assert found.connector[2] == pytest.approx(100 * 2 * 1e-6 * 0.25 / found.numerator, rel=1e-12)


def test_pairs_that_are_lost_in_rounding_are_not_looked_for():
    # A line of 300 nodes whose ends are 1e-90 apart: every importance is still that of removing it.
    area = np.random.default_rng(4).lognormal(0, 1, 300)
    line = graphs.with_probabilities(300, np.arange(299), np.arange(1, 300), np.full(299, 0.5))
    found = connectivity.of_removal(line, area)
    chance = 0.5 ** np.abs(np.subtract.outer(np.arange(300), np.arange(300)))
    whole = area @ chance @ area
    assert found.numerator == pytest.approx(whole, rel=1e-14)
    for node in range(0, 300, 17):
        left, right = area[:node], area[node + 1 :]
        across = 2 * left @ chance[:node, node + 1 :] @ right
        assert found.connector[node] == pytest.approx(100 * across / whole, rel=1e-12, abs=1e-13)
        flux = 2 * area[node] * (chance[node] @ area - area[node])
        assert found.flux[node] == pytest.approx(100 * flux / whole, rel=1e-12)


def test_workers_do_not_change_a_single_bit():
    from concurrent.futures import ThreadPoolExecutor

    area, first, second, probability = random_network(3, 200)
    graph = graphs.with_probabilities(200, first, second, probability)
    usual = connectivity.of_removal(graph, area)
    with ThreadPoolExecutor(1) as one:
        alone = connectivity.of_removal(graph, area, executor=one)
    assert (usual.nodes == alone.nodes).all()
    assert (usual.links == alone.links).all()


@pytest.mark.parametrize("area", [[1.0, -1.0], [np.nan, 1.0], [np.inf, 1.0]])
def test_areas_that_cannot_be_are_refused(area):
    with pytest.raises(InputError, match="areas must be finite"):
        connectivity.of_removal(graphs.with_links(2, [0], [1]), np.array(area))
