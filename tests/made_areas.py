"""Made-up protected areas in clusters, as reserves lie, with the faults that files have; the same seed makes the same sites.

Of every hundred, seven are points with a reported area, five have a self-crossing edge, three are slivers, three are copies
of another, ten are proposed, two are UNESCO-MAB reserves and two have no geometry.
"""

import geopandas as gpd
import numpy as np
import shapely

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
    return gpd.GeoDataFrame({
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
    }, geometry=shapes, crs="EPSG:4326")  # fmt: skip


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


def largest_overlap_m2(coverage: gpd.GeoDataFrame) -> float:
    """Return the largest ground that two rows share, found anew and not taken from the report."""
    shapes = coverage.geometry.to_numpy()
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    pair = first < second
    return float(shapely.area(shapely.intersection(shapes[first[pair]], shapes[second[pair]])).max(initial=0.0))
