"""Time a full cost surface against scikit-image, in one run on one raster; by hand, not by pytest.

python tests/benchmarks/bench_cost_distance.py [--side 500 1000 2000] [--repeats 5]
"""

import argparse
import statistics
import time
from collections.abc import Callable
from functools import partial

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


def seconds(work: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Return the median wall and CPU seconds of some repeats, after one that is not counted."""
    work()
    wall, cpu = [], []
    for _ in range(repeats):
        start_wall, start_cpu = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - start_wall)
        cpu.append(time.process_time() - start_cpu)
    return statistics.median(wall), statistics.median(cpu)


def peer_surface(cost: np.ndarray, start: tuple[int, int]) -> np.ndarray:
    """Return the peer's surface."""
    return MCP_Geometric(cost).find_costs([start])[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, nargs="+", default=[500, 1000, 2000])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=20261124)
    arguments = parser.parse_args()
    print(f"{'cells':>12} {'engine':>14} {'wall s':>8} {'CPU s':>8} {'cells/s':>12}  largest relative difference")
    for side in arguments.side:
        resistance = landscape(side, arguments.seed)
        start = int(np.flatnonzero(np.isfinite(resistance.reshape(-1)))[resistance.size // 3])
        peer_cost = np.where(np.isfinite(resistance), resistance, -1)
        ours = cost_distance.surface(resistance, np.array([start]), cell_width_m=1.0).cost
        theirs = peer_surface(peer_cost, divmod(start, side))
        reached = np.isfinite(theirs)
        difference = float(np.max(np.abs(ours[reached] - theirs[reached]) / np.maximum(theirs[reached], 1e-12)))
        surface = partial(cost_distance.surface, resistance, np.array([start]), cell_width_m=1.0)
        peer = partial(peer_surface, peer_cost, divmod(start, side))
        engines: dict[str, Callable[[], object]] = {"biodata": surface, "scikit-image": peer}
        for name, work in engines.items():
            wall, cpu = seconds(work, arguments.repeats)
            print(
                f"{resistance.size:>12,} {name:>14} {wall:>8.3f} {cpu:>8.3f} {resistance.size / cpu:>12,.0f}  {difference:.1e}"
            )


if __name__ == "__main__":
    main()
