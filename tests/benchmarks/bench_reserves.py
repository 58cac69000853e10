"""How soon a plan is certified: ours and plain HiGHS (prioritizr's way) on the same model with the same time limit.

usage: python tests/benchmarks/bench_reserves.py [WIDTH HEIGHT [PENALTY [GAP [SECONDS [PEER]]]]]

PEER is 1 (with HiGHS), 0 (ours only). Without arguments: 100 × 100 and 250 × 200 units. Run by hand. Seconds are the
processor's, of one thread each, and of the wall.
"""

import resource
import sys
import time

import numpy as np
from scipy import ndimage, sparse

from biodata.analysis.reserves import mixed_integer
from biodata.analysis.reserves import model as reserve_model
from biodata.analysis.reserves import problem as targets
from biodata.analysis.reserves import selection as reserve_selection
from biodata.analysis.reserves.model import Clock
from biodata.analysis.reserves.problem import Boundary, Problem

FEATURES = 200


def landscape(width: int, height: int, *, penalty: float, seed: int = 1) -> Problem:
    """Return a grid with clustered features, targets of 17 %, smooth costs 1-10, and 2 % of it protected already."""
    rng = np.random.default_rng(seed)
    n = width * height
    row, column = np.divmod(np.arange(n), width)
    smooth = ndimage.gaussian_filter(rng.normal(size=(height, width)), 3).ravel()
    cost = 1 + 9 * (smooth - smooth.min()) / np.ptp(smooth)
    scale, features = np.sqrt(n), []
    for _ in range(FEATURES):
        density = np.zeros(n)
        for _ in range(rng.integers(1, 5)):
            x, y, spread = rng.uniform(0, width), rng.uniform(0, height), rng.uniform(0.05, 0.2) * scale
            density += np.exp(-((column - x) ** 2 + (row - y) ** 2) / (2 * spread**2))
        features.append(
            sparse.csr_array(np.where(density > rng.uniform(0.1, 0.5), density * rng.uniform(0.2, 1, n), 0.0)[None])
        )
    amounts = sparse.csr_array(sparse.vstack(features))
    place = np.arange(n).reshape(height, width)
    first = np.concatenate([place[:, :-1].ravel(), place[:-1].ravel()])
    second = np.concatenate([place[:, 1:].ravel(), place[1:].ravel()])
    outer = 0.0 + (row == 0) + (row == height - 1) + (column == 0) + (column == width - 1)
    x, y = rng.uniform(0, width), rng.uniform(0, height)
    protected = np.zeros(n, dtype=bool)
    protected[np.argsort((column - x) ** 2 + (row - y) ** 2)[: n // 50]] = True
    return Problem(
        cost,
        amounts,
        targets.requirements(targets.relative(amounts.sum(axis=1), 0.17)),
        locked_in=protected,
        boundary=Boundary(first, second, np.ones(len(first)), outer, penalty) if penalty else None,
    )


def tell(who: str, objective: float, bound: float, began: tuple[float, float]) -> tuple[float, float]:
    """Print a line; return the gap and the processor's seconds."""
    gap = (objective - bound) / abs(objective)
    cpu, wall = time.process_time() - began[0], time.monotonic() - began[1]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"  {who:<34} objective {objective:>10.1f} bound {bound:>10.1f} gap {gap:>8.3%} {cpu:>7.1f} s cpu {wall:>7.1f} s wall {memory:.2f} GiB",
        flush=True,
    )
    return gap, cpu


def compare(width: int, height: int, *, penalty: float, gap: float, seconds: float, peer: bool) -> None:
    """Solve one landscape by both."""
    problem = landscape(width, height, penalty=penalty)
    model = reserve_model.build(problem)
    print(
        f"{problem.units:,} units × {FEATURES} features ({problem.amounts.nnz:,} amounts), penalty {penalty:g}, to {gap:.1%}"
    )
    began = time.process_time(), time.monotonic()
    found = reserve_selection.solve(problem, gap=gap, seconds=seconds)
    assert model.allows(found.chosen), "every target is met and every lock is kept"
    ours = tell(f"ours: {found.status}", found.objective, found.bound, began)
    if peer:
        for name, interior in (("HiGHS as it is", False), ("HiGHS, interior point at the root", True))[
            : 2 if penalty else 1
        ]:
            began = time.process_time(), time.monotonic()
            theirs = mixed_integer.minimise(model, gap=gap, clock=Clock(seconds), interior_point=interior)
            value = model.value(theirs.chosen) if theirs.chosen is not None else float("nan")
            told = tell(name, value, theirs.bound, began)
            both = ours[0] <= gap and told[0] <= gap
            ratio = f"{told[1] / ours[1]:.1f} times our processor time"
            print(f"    {ratio}" if both else f"    {ratio}, and not both are certified to {gap:.1%}", flush=True)


def main(arguments: list[str]) -> None:
    """Compile, then compare."""
    reserve_selection.solve(landscape(24, 24, penalty=1.0), gap=0.2, seconds=60)
    if arguments:
        width, height, *rest = (float(value) for value in arguments)
        penalty, gap, seconds, peer = (*rest, *(1.0, 0.01, 300.0, 1.0)[len(rest) :])
        compare(int(width), int(height), penalty=penalty, gap=gap, seconds=seconds, peer=bool(peer))
        return
    for width, height, gap in ((100, 100, 0.01), (250, 200, 0.03)):
        compare(width, height, penalty=1.0, gap=gap, seconds=300, peer=True)
        compare(width, height, penalty=0.0, gap=0.01, seconds=300, peer=True)


if __name__ == "__main__":
    main(sys.argv[1:])
