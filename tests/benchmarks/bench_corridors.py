"""Time corridors between all neighbouring areas of a large raster, and the usual way beside it; by hand, not by pytest.

python tests/benchmarks/bench_corridors.py [--case 1 30 --case 5 100 --case 20 300] [--workers 2] [--peer-areas 3]

Each case is so many million cells and so many areas, in a process of its own, whose peak memory is told. The usual way
is a full surface of scikit-image's MCP_Geometric from each area and CWD_A + CWD_B - LCD over the whole raster for each
pair; it is timed on a few areas and pairs of the same run and multiplied, and said so. The peer draws no polygons and
measures no widths.
"""

import argparse
import resource
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import geopandas as gpd
import numpy as np
import shapely
from affine import Affine
from bench_cost_distance import landscape
from pyproj import CRS
from skimage.graph import MCP_Geometric

from biodata.analysis import corridor_parameters, corridors, rasters
from biodata.analysis.corridor_parameters import CorridorParameters
from biodata.analysis.grid import Grid

CELL_M = 100.0


def areas_on(grid: Grid, count: int, seed: int) -> gpd.GeoDataFrame:
    """Return so many round areas of 0.4 to 2 km radius that do not touch, as a jittered lattice."""
    rng = np.random.default_rng(seed)
    west, south, east, _ = grid.bounds
    across = int(np.ceil(np.sqrt(count)))
    step = (east - west) / across
    slots = rng.permutation(across * across)[:count]
    middle = np.column_stack([slots % across, slots // across]) + 0.5 + rng.uniform(-0.25, 0.25, (count, 2))
    shapes = shapely.buffer(shapely.points(middle * step + np.array([west, south])), rng.uniform(400, 2000, count))
    return gpd.GeoDataFrame({"area_id": [f"area-{k:03d}" for k in range(count)]}, geometry=shapes, crs=grid.crs)


def peak_gib() -> float:
    """Return the most memory that the process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def run(millions: float, count: int, workers: int, peer_areas: int, seed: int) -> None:
    """Time one case and print its row."""
    side = round(np.sqrt(millions * 1e6))
    grid = Grid(CRS.from_epsg(6933), Affine(CELL_M, 0, 0, 0, -CELL_M, side * CELL_M), (side, side), CELL_M)
    ground = landscape(side, seed)
    areas = areas_on(grid, count, seed)
    parameters = CorridorParameters(max_distance_m=np.inf)
    before = peak_gib()
    told = corridor_parameters.estimate(areas, grid, parameters=parameters, across_borders=False, workers=workers)
    start, processor = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(workers) as executor:
        found = corridors.least_cost(areas, ground, grid, parameters=parameters, executor=executor)
    wall, processor = time.perf_counter() - start, time.process_time() - processor
    linked = found.corridors[found.corridors["functional"]]
    peak = peak_gib()
    print(
        f"{grid.cells:>12,} cells {count:>4} areas {len(found.corridors):>5} pairs {len(linked):>5} corridors: "
        f"{wall:7.1f} s wall {processor:7.1f} s CPU, peak {peak:.2f} GiB ({before:.2f} before); "
        f"estimate {told.seconds:.0f} s, {told.memory_bytes / 2**30:.2f} GiB",
        flush=True,
    )
    if peer_areas:
        _peer(areas, ground, grid, found, peer_areas, processor)


def _peer(
    areas: gpd.GeoDataFrame, ground: np.ndarray, grid: Grid, found: corridors.Network, some: int, ours: float
) -> None:
    """Time the usual way on the first pairs and areas, and multiply."""
    cost = np.where(np.isfinite(ground), ground, -1)
    surfaces, spent = {}, 0.0
    linked = found.corridors[found.corridors["functional"]]
    known = np.isfinite(ground).reshape(-1)
    shapes = dict(zip(areas["area_id"], areas.geometry, strict=True))
    largest, pair_seconds, pairs = 0.0, 0.0, 0
    for row in linked.itertuples():
        ids = (row.from_area_id, row.to_area_id)
        if len({*surfaces, *ids}) > some:
            continue
        for area_id in ids:
            if area_id not in surfaces:
                cells = rasters.cells_inside(shapes[area_id], grid)
                start = time.process_time()
                starts = [divmod(int(cell), grid.shape[1]) for cell in cells[known[cells]]]
                surfaces[area_id] = MCP_Geometric(cost).find_costs(starts)[0], cells[known[cells]]
                spent += time.process_time() - start
        start = time.process_time()
        (first, _), (second, cells) = (surfaces[area_id] for area_id in ids)
        least = float(first.reshape(-1)[cells].min())
        _ = first + second - least
        pair_seconds += time.process_time() - start
        pairs += 1
        largest = max(largest, abs(least * CELL_M - row.least_cost) / row.least_cost)
    if not pairs:
        print(f"{'':>12} scikit-image: no pair lies among {some} areas; give --peer-areas 2 or more", flush=True)
        return
    whole = spent / len(surfaces) * len(areas) + pair_seconds / pairs * len(linked)
    print(
        f"{'':>12} scikit-image, {len(surfaces)} full surfaces {spent:.1f} s CPU, {pairs} pairs {pair_seconds:.2f} s; "
        f"extrapolated to all: {whole:.0f} s CPU without polygons and widths = {whole / ours:.1f} times ours; "
        f"largest relative difference of LCD {largest:.1e}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", type=float, nargs=2, action="append", metavar=("MILLION_CELLS", "AREAS"))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--peer-areas", type=int, default=3, help="0 to leave the peer out")
    parser.add_argument("--seed", type=int, default=20261124)
    arguments = parser.parse_args()
    cases = arguments.case or [(1, 30), (5, 100), (20, 300)]
    if len(cases) > 1:
        for millions, count in cases:
            rest = [f"--workers={arguments.workers}", f"--peer-areas={arguments.peer_areas}",
                    f"--seed={arguments.seed}"]  # fmt: skip
            subprocess.run([sys.executable, __file__, "--case", str(millions), str(count), *rest], check=True)
        return
    (millions, count), *_ = cases
    run(millions, int(count), arguments.workers, arguments.peer_areas, arguments.seed)


if __name__ == "__main__":
    main()
