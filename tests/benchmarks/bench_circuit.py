"""Time all pairs of many areas against one multigrid solve per pair, in one run on one raster; by hand, not by pytest.

OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 python tests/benchmarks/bench_circuit.py [--side 707 1000 1871] [--areas 100] [--area-side 3] [--pairs 3]

Ours is measured in full: every pair of areas, each of which is one node for its own pairs only. The peer, pyamg's
Ruge-Stuben hierarchy with conjugate gradients to 1e-6 as Circuitscape solves a pair, is measured on a few pairs and
multiplied; its hierarchy, which each pair would need anew, is told but not counted. Processor seconds; the variables
keep both sides to one thread.
"""

import argparse
import itertools
import resource
import time

import numpy as np
import pyamg
from bench_cost_distance import landscape as resistances
from scipy.sparse import linalg

from biodata.analysis.circuit import solvers as circuit_solvers
from biodata.analysis.circuit.flows import pairwise
from biodata.analysis.circuit.graph import Circuit, cell_nodes, contracted, landscape
from biodata.analysis.circuit.solvers import grounded_laplacian


def areas(nodes: np.ndarray, circuit: Circuit, count: int, side: int, seed: int) -> list[np.ndarray]:
    """Return the nodes of square areas that lie apart from each other in the largest component."""
    rng = np.random.default_rng(seed)
    largest = np.bincount(circuit.components).argmax()
    taken = np.zeros(nodes.shape, dtype=bool)
    found = []
    while len(found) < count:
        row, column = rng.integers(0, np.array(nodes.shape) - side)
        window = (slice(row, row + side), slice(column, column + side))
        own = nodes[window].reshape(-1)
        if (own < 0).any() or taken[window].any() or (circuit.components[own] != largest).any():
            continue
        taken[max(0, row - 2) : row + side + 2, max(0, column - 2) : column + side + 2] = True
        found.append(np.sort(own).astype(np.int64))
    return found


def peer(circuit: Circuit, first: np.ndarray, second: np.ndarray) -> tuple[float, float, float]:
    """Return resistance, seconds of the hierarchy and seconds of the solve for one pair."""
    smaller, labels = contracted(circuit, [first, second])
    a, b = labels[first[0]], labels[second[0]]
    members = np.flatnonzero(smaller.components == smaller.components[a])
    free = members[members != a]
    matrix = grounded_laplacian(smaller, free)
    start = time.process_time()
    hierarchy = pyamg.ruge_stuben_solver(matrix).aspreconditioner()
    set_up = time.process_time() - start
    right = np.zeros(free.size)
    at = np.searchsorted(free, b)
    right[at] = 1.0
    start = time.process_time()
    voltages, _ = linalg.cg(matrix, right, rtol=1e-6, M=hierarchy)
    return float(voltages[at]), set_up, time.process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, nargs="+", default=[707, 1000, 1871])
    parser.add_argument("--areas", type=int, default=100)
    parser.add_argument("--area-side", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--solver", default="auto", choices=circuit_solvers.SOLVERS)
    parser.add_argument("--seed", type=int, default=20261124)
    arguments = parser.parse_args()
    for side in arguments.side:
        with np.errstate(divide="ignore"):
            conductance = np.nan_to_num(1.0 / resistances(side, arguments.seed))
        nodes, count = cell_nodes(conductance, None, four_neighbours=False)
        circuit = landscape(conductance, nodes, count, four_neighbours=False, average_resistances=True)
        groups = areas(nodes, circuit, arguments.areas, arguments.area_side, arguments.seed)
        allowed = ~np.eye(len(groups), dtype=bool)
        used = circuit_solvers._chosen(count) if arguments.solver == "auto" else arguments.solver
        wall, start = time.perf_counter(), time.process_time()
        flows = {(f.first, f.second): f.resistance for f in pairwise(circuit, groups, allowed, solver=arguments.solver)}
        ours, wall = time.process_time() - start, time.perf_counter() - wall
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(
            f"{side * side:>9} cells, {count} nodes, {len(flows)} pairs of {len(groups)} areas of "
            f"{arguments.area_side}x{arguments.area_side} cells: ours ({used}) {ours:.1f} s CPU, {wall:.1f} s wall, "
            f"in full; peak memory so far {peak:.1f} GiB",
            flush=True,
        )
        chosen = list(itertools.islice(flows, 0, None, max(1, len(flows) // arguments.pairs)))[: arguments.pairs]
        set_ups, solves, differences = [], [], []
        for i, j in chosen:
            found, set_up, solve = peer(circuit, groups[i], groups[j])
            set_ups.append(set_up)
            solves.append(solve)
            differences.append(abs(found / flows[i, j] - 1))
        each = float(np.mean(solves))
        print(
            f"          multigrid: {each:.2f} s CPU a pair ({len(chosen)} measured), hierarchy {np.mean(set_ups):.1f} s "
            f"(not counted); {each * len(flows):.0f} s for all pairs, extrapolated: ratio {each * len(flows) / ours:.0f}; "
            f"largest relative difference {max(differences):.1e}",
            flush=True,
        )


if __name__ == "__main__":
    main()
