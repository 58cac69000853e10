"""How long it takes to tell how much of many ranges each country protects, beside overlaying them with GeoPandas' engine.

Usage: python tests/benchmarks/bench_gaps.py [RANGES] [AREAS] [VERTICES]

Ranges have rough edges of VERTICES corners, and 100 to 2,000 km across; areas are about 16 km across. Both do the same:
the area that each range shares with the areas of each of 20 keys. The peer is shapely's STRtree and intersection, pair by
pair. Processor seconds stand beside elapsed ones, since machines are shared. The same seed makes the same shapes.
"""

import sys
import time

import numpy as np
import shapely

from biodata.analysis.gaps.protected import shared_km2

KEYS = 20


def make_shapes(rng: np.random.Generator, n: int, radius_m: float, spread: float, vertices: int) -> np.ndarray:
    """Return n closed shapes on a plane of 3,000 km, rough at every scale."""
    angle = np.linspace(0, 2 * np.pi, vertices, endpoint=False)
    shapes = []
    for middle, radius in zip(
        rng.uniform(0, 3e6, (n, 2)), np.exp(rng.normal(np.log(radius_m), spread, n)), strict=True
    ):
        waves = np.arange(2, max(3, vertices // 4))
        rough = np.zeros(vertices)
        for wave in waves[waves < 400]:
            rough += np.cos(wave * angle + rng.uniform(0, 2 * np.pi)) / wave**1.3
        reach = min(radius, 1e6) * (1 + 0.3 * rough / np.abs(rough).max())
        shapes.append(shapely.Polygon(np.column_stack([np.cos(angle), np.sin(angle)]) * reach[:, None] + middle))
    return np.array(shapes, dtype=object)


def main() -> None:
    """Print both times and their ratio."""
    ranges, areas, vertices = (int(text) for text in (*sys.argv[1:], *("200", "10000", "3000")[len(sys.argv) - 1 :]))
    rng = np.random.default_rng(1)
    features, layers = make_shapes(rng, ranges, 3e5, 0.8, vertices), make_shapes(rng, areas, 8e3, 0.8, 60)
    key = np.arange(areas) % KEYS
    seconds = {}
    for name in ("tiles", "pairs"):
        used, begun = time.process_time(), time.perf_counter()
        if name == "tiles":
            ours = shared_km2(features, layers, key, keys=KEYS)
        else:
            peer = np.zeros((ranges, KEYS))
            feature, layer = shapely.STRtree(layers).query(features, predicate="intersects")
            km2 = shapely.area(shapely.intersection(features[feature], layers[layer])) / 1e6
            np.add.at(peer, (feature, key[layer]), km2)
        seconds[name] = time.process_time() - used
        print(f"{name}: {seconds[name]:.1f} s of processors, {time.perf_counter() - begun:.1f} s elapsed")
    difference = np.abs(ours - peer).max()
    print(f"{seconds['pairs'] / seconds['tiles']:.1f} times as fast; largest difference {difference:.1e} km²")


if __name__ == "__main__":
    main()
