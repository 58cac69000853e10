"""How long a million points take: countries, divisions, border distances and both sides of the band.

Usage: python tests/benchmarks/bench_places.py [POINTS]

Half of the points lie around land borders of the region, half anywhere in its window. The first figure is what a fresh
process pays in all (reading the set, building the indexes, the answer), the others are repeated answers.
"""

import sys
import time

import numpy as np

from biodata.places import load_boundaries, locate

WEST, SOUTH, EAST, NORTH = 92, -8, 122, 30


def points(n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return n points of the window, the first half of them within some 15 km of a land border."""
    rng = np.random.default_rng(seed)
    longitude, latitude = rng.uniform(WEST, EAST, n), rng.uniform(SOUTH, NORTH, n)
    # Another instance of the set, so that the timed one starts without anything cached.
    ends = load_boundaries.__wrapped__("natural_earth").border_edges.ends
    x, y = ends[:, 0], ends[:, 1]
    ends = ends[(x > WEST) & (x < EAST) & (y > SOUTH) & (y < NORTH)]
    chosen = ends[rng.integers(0, len(ends), n // 2), :2] + rng.normal(0, 0.15, (n // 2, 2))
    longitude[: n // 2], latitude[: n // 2] = chosen.T
    return longitude, latitude


def main() -> None:
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    longitude, latitude = points(n, 1)
    locate(np.array([0.0]), np.array([0.0]), load_boundaries.__wrapped__("natural_earth"))  # imports done
    for run in ("first, with everything built", "second", "third"):
        start = time.perf_counter()
        frame = locate(longitude, latitude, load_boundaries())
        seconds = time.perf_counter() - start
        print(f"{run}: {seconds:.2f} s for {n:,} points")
    print(
        f"{frame['border_distance_m'].count():,} within 30 km of a land border, {frame['ambiguous'].sum():,} ambiguous"
    )


if __name__ == "__main__":
    main()
