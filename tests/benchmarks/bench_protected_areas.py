"""How long cleaning thousands of overlapping protected areas takes, with the report, beside GeoPandas' own overlay.

Usage: python tests/benchmarks/bench_protected_areas.py [SITES ...] [--peer-up-to SITES] [--gpkg]

Sites lie in clusters on the mainland of Southeast Asia and in Southwest China, as reserves do; of every hundred, seven
are points with a reported area, five have a self-crossing edge, three are slivers, three are copies of another, ten are
proposed, two are UNESCO-MAB reserves and two have no geometry. The same seed makes the same sites.

The peer does the erasing alone, as one writes it with GeoPandas: sites sorted, each minus the union of those before it
(found by the spatial index); it neither repairs, nor snaps, nor reports. Ours is timed on the same shapes beside it, and
with everything. Processor seconds stand beside elapsed ones, since machines are shared. `--gpkg` times the command from
file to file, too.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from biodata.harmonise.area_cleaning import clean_protected_areas, ground

WEST, SOUTH, EAST, NORTH = 97.0, 11.0, 109.0, 28.0
CATEGORIES = ("Ia", "Ib", "II", "III", "IV", "V", "VI", "Not Reported", "Not Applicable", "Not Assigned")


def make_areas(n: int, seed: int = 1) -> gpd.GeoDataFrame:
    """Return n sites with WDPA's new columns, degrees."""
    rng = np.random.default_rng(seed)
    clusters = rng.uniform((WEST, SOUTH), (EAST, NORTH), (max(20, n // 25), 2))
    middle = clusters[rng.integers(0, len(clusters), n)] + rng.normal(0, 0.15, (n, 2))
    radius = np.exp(rng.normal(np.log(0.05), 0.8, n)).clip(0.002, 0.6)
    shapes = np.array([_blob(rng, *row) for row in zip(middle, radius, strict=True)], dtype=object)
    chance = rng.random(n)
    kind = np.searchsorted([0.07, 0.12, 0.15, 0.18, 0.20], chance, side="right")
    shapes[kind == 0] = shapely.points(middle[kind == 0])
    for at in np.flatnonzero(kind == 1):
        shapes[at] = _crossed(shapes[at])
    for at in np.flatnonzero(kind == 2):
        x, y = middle[at]
        shapes[at] = shapely.box(x, y, x + 1e-6, y + 1e-6)
    copy = np.flatnonzero((kind == 3) & (np.arange(n) > 0))
    shapes[copy] = shapes[copy - 1]
    shapes[kind == 4] = None
    ids = [f"{100000 + at}" for at in range(n)]
    for at in copy:
        ids[at] = ids[at - 1]
    status = rng.choice(["Designated", "Established", "Inscribed", "Proposed"], n, p=[0.7, 0.1, 0.1, 0.1])
    mab = rng.random(n) < 0.02
    return gpd.GeoDataFrame(
        {
            "SITE_ID": ids,
            "SITE_PID": ids,
            "SITE_TYPE": rng.choice(["PA", "OECM"], n, p=[0.95, 0.05]),
            "NAME_ENG": [f"Site {at}" for at in range(n)],
            "DESIG_ENG": np.where(mab, "UNESCO-MAB Biosphere Reserve", "Nature Reserve"),
            "IUCN_CAT": rng.choice(CATEGORIES, n),
            "STATUS": status,
            "STATUS_YR": rng.integers(1950, 2026, n) * (rng.random(n) > 0.1),
            "REALM": "Terrestrial",
            "REP_AREA": np.round(np.pi * (radius * 105) ** 2, 2) * (rng.random(n) > 0.1),
            "ISO3": rng.choice(["CHN", "LAO", "VNM", "MMR", "THA", "KHM"], n),
        },
        geometry=shapes,
        crs="EPSG:4326",
    )


def _blob(rng: np.random.Generator, middle: np.ndarray, radius: float) -> shapely.Polygon:
    """Return a winding outline of 20 to 400 vertices."""
    angle = np.sort(rng.uniform(0, 2 * np.pi, int(rng.integers(20, 400))))
    first, second = rng.uniform(0, 6, 2)
    reach = radius * (1 + 0.3 * np.sin(3 * angle + first) + 0.15 * np.sin(9 * angle + second))
    return shapely.Polygon(middle + reach[:, None] * np.c_[np.cos(angle), np.sin(angle)])


def _crossed(polygon: shapely.Polygon) -> shapely.Polygon:
    """Return the outline with two of its vertices, far from each other, in each other's place."""
    ring = shapely.get_coordinates(polygon)
    ring[[3, len(ring) // 2]] = ring[[len(ring) // 2, 3]]
    return shapely.Polygon(ring)


def prepared(areas: gpd.GeoDataFrame) -> np.ndarray:
    """Return valid polygons and circles of the sites in force on the plane, the first right first."""
    ready = areas[areas.geometry.notna() & (areas["STATUS"] != "Proposed")].to_crs("EPSG:6933")
    point = ready.geom_type == "Point"
    circles = ready.geometry[point].buffer(np.sqrt(ready.loc[point, "REP_AREA"] * 1e6 / np.pi))
    ready.loc[point, "geometry"] = circles
    ready["geometry"] = ready.geometry.make_valid(method="structure", keep_collapsed=False)
    rank = {name: place for place, name in enumerate(CATEGORIES)}
    ready = ready[~ready.is_empty].assign(rank=ready["IUCN_CAT"].map(rank)).sort_values(["rank", "STATUS_YR"])
    return ready.geometry.to_numpy()


def peer(shapes: np.ndarray) -> None:
    """Erase overlaps the plain way."""
    geometry = gpd.GeoSeries(shapes, crs="EPSG:6933")
    later, earlier = geometry.sindex.query(geometry, predicate="intersects")
    neighbours: dict[int, list[int]] = {}
    for one, other in zip(later, earlier, strict=True):
        if other < one:
            neighbours.setdefault(int(one), []).append(int(other))
    erased = geometry.to_list()
    for one, others in neighbours.items():
        erased[one] = erased[one].difference(geometry.iloc[others].union_all())


def timed(call: Callable[[], Any]) -> tuple[Any, float, float]:
    """Return the answer, elapsed seconds, and seconds of the processor."""
    start, cpu = time.perf_counter(), time.process_time()
    answer = call()
    return answer, time.perf_counter() - start, time.process_time() - cpu


def largest_overlap_m2(coverage: gpd.GeoDataFrame) -> float:
    """Return the largest ground that two rows share, found anew and not taken from the report."""
    shapes = coverage.geometry.to_numpy()
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    pair = first < second
    return float(shapely.area(shapely.intersection(shapes[first[pair]], shapes[second[pair]])).max(initial=0.0))


def command(areas: gpd.GeoDataFrame) -> float:
    """Return the seconds of the whole command, reading and writing files included."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "areas.gpkg"
        areas.to_file(source, engine="pyogrio")
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "biodata.cli", "protected-areas", "clean", str(source), "--out",
             f"{folder}/out.gpkg", "--report", f"{folder}/out.json"], capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("sites", nargs="*", type=int, default=[2_000, 5_000, 10_000, 20_000])
    parser.add_argument("--peer-up-to", type=int, default=20_000)
    parser.add_argument("--gpkg", action="store_true")
    told = parser.parse_args()
    clean_protected_areas(make_areas(50))  # imports and the boundary set done
    for n in told.sites:
        areas = make_areas(n)
        cleaned, seconds, cpu = timed(partial(clean_protected_areas, areas))
        fates = cleaned.report.sites
        assert fates.height == n
        assert (fates["in_coverage"] != fates["not_in_coverage_because"].is_not_null()).all()
        assert len(cleaned.planning) + len(cleaned.not_mapped) == n
        overlap = largest_overlap_m2(cleaned.coverage)
        text = f"{n:>6} sites: {seconds:6.2f} s ({cpu:.1f} s of the processor), {len(cleaned.coverage)} in coverage"
        text += f", largest overlap {overlap:.0e} m²"
        if n <= told.peer_up_to:
            shapes = prepared(areas)
            _, ours, ours_cpu = timed(partial(ground.erase, shapes, np.arange(len(shapes)), same_group=False))
            _, plain, plain_cpu = timed(partial(peer, shapes))
            text += f"; erasing alone {ours:.2f} s ({ours_cpu:.1f}), with GeoPandas {plain:.2f} s ({plain_cpu:.1f})"
            text += f": {plain / ours:.1f} times as long"
        if told.gpkg:
            text += f"; the command from file to file {command(areas):.2f} s"
        print(text, flush=True)


if __name__ == "__main__":
    main()
