"""Time dPC and dIIC of every node against naive removal, and ProtConn of many areas; by hand, not by pytest.

python tests/benchmarks/bench_network.py [--nodes 500 1000 2000 5000] [--sample 5] [--areas 1000]

Naive removal takes a node out, recomputes all pairs with SciPy's Dijkstra and sums again. It is measured on a sample of
nodes and multiplied by the number of nodes ("est."). Seconds are those of one thread's processor, and for ours also the
wall's with a thread on every processor. Networks are Delaunay triangulations of random points, about 3 links a node.
"""

import argparse
import os
import time
from concurrent.futures import ThreadPoolExecutor

import geopandas as gpd
import numpy as np
import shapely
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import Delaunay

from biodata.analysis.networks import connectivity, graphs
from biodata.analysis.networks.graphs import Graph
from biodata.analysis.networks.protconn import protconn


def triangulation(nodes: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return areas, pairs of nodes and their distances: a node on every square kilometre."""
    rng = np.random.default_rng(seed)
    points = rng.random((nodes, 2)) * np.sqrt(nodes) * 1000
    corners = Delaunay(points).simplices
    pairs = np.unique(
        np.sort(np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]]]), axis=1), axis=0
    )
    return rng.lognormal(3, 1, nodes), pairs, np.hypot(*(points[pairs[:, 0]] - points[pairs[:, 1]]).T)


def naive_total(graph: Graph, area: np.ndarray, without: int | None) -> float:
    """Return the index without a node, all pairs anew."""
    kept = np.ones(graph.links, dtype=bool) if without is None else (graph.first != without) & (graph.second != without)
    lengths = np.ones(int(kept.sum())) if graph.hops else -np.log(graph.weight[kept])
    matrix = csr_matrix((lengths, (graph.first[kept], graph.second[kept])), shape=(graph.nodes, graph.nodes))
    distances = dijkstra(matrix, directed=False)
    rest = area.copy()
    if without is not None:
        rest[without] = 0
    return float(rest @ (1 / (1 + distances) if graph.hops else np.exp(-distances)) @ rest)


def compare(graph: Graph, area: np.ndarray, sample: int, rng: np.random.Generator) -> None:
    """Print what all nodes take ours and naively, and the largest difference on the sample."""
    started = time.perf_counter()
    connectivity.of_removal(graph, area, links=False)
    wall = time.perf_counter() - started
    with ThreadPoolExecutor(1) as one:
        started = time.process_time()
        found = connectivity.of_removal(graph, area, links=False, executor=one)
        ours = time.process_time() - started
        started = time.process_time()
        connectivity.of_removal(graph, area, links=True, executor=one)
        both = time.process_time() - started
    whole = naive_total(graph, area, None)
    difference = 0.0
    nodes = rng.choice(graph.nodes, sample, replace=False)
    started = time.process_time()
    for node in nodes:
        expected = 100 * (whole - naive_total(graph, area, int(node))) / whole
        difference = max(difference, abs(float(found.nodes[node]) - expected))
    naive = (time.process_time() - started) / sample * graph.nodes
    name = "dIIC" if graph.hops else "dPC"
    print(
        f"{name:>5} {graph.nodes:>6} {graph.links:>7} {ours:>9.2f} {both:>11.2f} {wall:>7.2f} {naive:>12,.0f} "
        f"{naive / ours:>9,.0f} x  {difference:.1e} % on {sample} nodes"
    )


def bench_protconn(count: int, seed: int) -> None:
    """Print what ProtConn of scattered jagged areas takes."""
    rng = np.random.default_rng(seed)
    side = 500_000.0
    shapes = []
    for _ in range(count):
        corners = int(rng.integers(50, 1000))
        angle = np.sort(rng.random(corners)) * 2 * np.pi
        radius = rng.lognormal(8.3, 0.6) * rng.uniform(0.8, 1.2, corners)
        centre = rng.uniform(-0.1 * side, 1.1 * side, 2)
        shapes.append(
            shapely.make_valid(
                shapely.Polygon(centre + np.column_stack([np.cos(angle), np.sin(angle)]) * radius[:, None])
            )
        )
    areas = gpd.GeoSeries(shapes, crs="ESRI:54034")
    region = gpd.GeoSeries([shapely.box(0, 0, side, side)], crs="ESRI:54034")
    started, cpu = time.perf_counter(), time.process_time()
    found = protconn(areas, region)
    print(
        f"ProtConn of {count} areas of {shapely.get_num_coordinates(shapes).sum():,} points in 500 x 500 km, 50 km beyond "
        f"the border: {time.perf_counter() - started:.2f} s wall, {time.process_time() - cpu:.2f} s CPU; {found.pieces} "
        f"pieces and {found.beyond} beyond, Prot {found.prot:.2f} %, ProtConn {found.protconn:.2f} %"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, nargs="+", default=[500, 1000, 2000, 5000])
    parser.add_argument("--sample", type=int, default=5)
    parser.add_argument("--areas", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=20261126)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    area, pairs, distance = triangulation(30, 1)  # compiles what is not yet
    connectivity.of_removal(graphs.with_probabilities(30, *pairs.T, np.full(len(pairs), 0.5)), area)
    bench_protconn(20, 1)
    print(f"{os.cpu_count()} processors; seconds of one thread's processor, 'wall' with all of them")
    print(
        f"{'':>5} {'nodes':>6} {'links':>7} {'ours':>9} {'with links':>11} {'wall':>7} {'naive, est.':>12} {'ratio':>11}  difference"
    )
    for nodes in arguments.nodes:
        area, pairs, distance = triangulation(nodes, arguments.seed)
        chance = graphs.probabilities_at(distance, known_distance=3000.0)
        compare(graphs.with_probabilities(nodes, *pairs.T, chance), area, arguments.sample, rng)
        compare(graphs.with_links(nodes, *pairs.T), area, arguments.sample, rng)
    bench_protconn(arguments.areas, arguments.seed)


if __name__ == "__main__":
    main()
