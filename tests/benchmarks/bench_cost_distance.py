"""Time a full cost surface with back-links against scikit-image, in one run on one raster; by hand.

python tests/benchmarks/bench_cost_distance.py [--side 1000 2000 4000] [--repeats 5]

Ratios are of processor seconds of one thread, the median of pairs measured one after the other, so that the load of the
machine counts little.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.graph import MCP_Geometric

from biodata.analysis import cost_distance


def landscape(side: int, seed: int) -> np.ndarray:
    """Return smooth resistances from 1 to 100, of which 12 % have no data."""
    rng = np.random.default_rng(seed)
    field = gaussian_filter(rng.random((side, side)), 8)
    resistance = 1 + 99 * (field - field.min()) / (field.max() - field.min())
    holes = gaussian_filter(rng.random((side, side)), 8)
    resistance[holes < np.quantile(holes, 0.12)] = np.nan
    return resistance


def seconds(work: Callable[[], object]) -> float:
    """Return the processor seconds that this thread takes."""
    start = time.thread_time()
    work()
    return time.thread_time() - start


def difference(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Return the largest relative difference where both reach; both must reach the same cells."""
    reached = np.isfinite(theirs)
    assert (np.isfinite(ours) == reached).all()
    return float(np.max(np.abs(ours[reached] - theirs[reached]) / np.maximum(theirs[reached], 1e-12)))


def compare(side: int, repeats: int, seed: int) -> None:
    """Print one raster's figures."""
    resistance = landscape(side, seed)
    start = int(np.flatnonzero(np.isfinite(resistance.reshape(-1)))[resistance.size // 3])
    peer_cost = np.where(np.isfinite(resistance), resistance, -1)
    taken: dict[str, list[float]] = {"biodata": [], "scikit-image": []}
    for _ in range(repeats):
        taken["biodata"].append(seconds(lambda: cost_distance.surface(resistance, np.array([start]), cell_width_m=1.0)))
        taken["scikit-image"].append(seconds(lambda: MCP_Geometric(peer_cost).find_costs([divmod(start, side)])))
    ours = cost_distance.surface(resistance, np.array([start]), cell_width_m=1.0).cost
    largest = difference(ours, MCP_Geometric(peer_cost).find_costs([divmod(start, side)])[0])
    for name, each in taken.items():
        ratio = statistics.median(b / a for a, b in zip(taken["biodata"], each, strict=True))
        print(f"{resistance.size:>12,} {name:>15} {statistics.median(each):>8.3f} {ratio:>8.1f}  {largest:.1e}")


def scale(side: int, seed: int, surfaces: int = 8) -> None:
    """Print how many surfaces two threads make in the time of one."""
    resistance = landscape(side, seed)
    cells = np.random.default_rng(seed).choice(np.flatnonzero(np.isfinite(resistance)), surfaces, replace=False)

    def search(cell: int) -> None:
        cost_distance.surface(resistance, np.array([cell]), cell_width_m=1.0)

    walls: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(3):
        for threads, wall in walls.items():
            with ThreadPoolExecutor(threads) as executor:
                start = time.perf_counter()
                list(executor.map(search, cells))
                wall.append(time.perf_counter() - start)
    one, two = (min(wall) for wall in walls.values())
    print(
        f"{surfaces} surfaces of {resistance.size:,} cells: {one:.2f} s on 1 thread, {two:.2f} s on 2 ({one / two:.2f} x)"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, nargs="+", default=[1000, 2000, 4000])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=20261124)
    arguments = parser.parse_args()
    cost_distance.surface(np.ones((3, 3)), np.array([0]), cell_width_m=1.0)  # compiled code is loaded once
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print(f"{'cells':>12} {'engine':>15} {'CPU s':>8} {'ratio':>8}  largest relative difference")
    for side in arguments.side:
        compare(side, arguments.repeats, arguments.seed)
    scale(2000, arguments.seed)


if __name__ == "__main__":
    main()
