"""Made landscapes with records of animals that either care about the corridor or do not, seen by people along roads."""

from dataclasses import dataclass

import numpy as np
from affine import Affine
from pyproj import CRS
from scipy.ndimage import distance_transform_edt, gaussian_filter

from biodata.analysis import cost_distance
from biodata.analysis.bucket_queue import compiled
from biodata.analysis.grid import Grid

CELL_M = 1000.0


@dataclass(frozen=True)
class Setting:
    """What a landscape is made of; lengths in cells."""

    side: int = 100
    smooth: float = 5.0
    roads: int = 3
    road_reach: float = 3.0
    off_road: float = 0.02
    effort_patches: float = 0.0
    records: int = 60
    herd: float = 1.0
    herd_spread: float = 1.5
    target: int = 600
    target_herd: float = 1.0
    stations: int = 0
    half_range: bool = False
    nodata: float = 0.1
    patches: int = 2
    follows: str = "nothing"
    strength: float = 3.0


@dataclass(frozen=True)
class Landscape:
    grid: Grid
    resistance: np.ndarray
    sources: tuple[np.ndarray, ...]
    effort: np.ndarray
    records: np.ndarray
    target: np.ndarray


def grid_of(side: int) -> Grid:
    return Grid(CRS.from_epsg(6933), Affine(CELL_M, 0, 0, 0, -CELL_M, side * CELL_M), (side, side), CELL_M)


def noise(rng, side, smooth, mode="reflect"):
    """Return a field of ranks from 0 to 1, smooth over so many cells."""
    field = gaussian_filter(rng.standard_normal((side, side)), smooth, mode=mode)
    ranks = np.empty(side * side)
    ranks[np.argsort(field.reshape(-1))] = np.linspace(0, 1, side * side)
    return ranks.reshape(side, side)


def roads(rng, side, count):
    """Return the cells of so many crooked roads, which run through a random place from edge to edge."""
    on = np.zeros((side, side), dtype=bool)
    for _ in range(count):
        heading, start = rng.uniform(0, 2 * np.pi), rng.uniform(0, side, 2)
        for way in (0, np.pi):
            turns = heading + way + np.cumsum(rng.normal(0, 0.08, 3 * side))
            places = start + np.cumsum(0.7 * np.column_stack([np.sin(turns), np.cos(turns)]), axis=0)
            inside = ((places >= 0) & (places < side)).all(axis=1)
            end = inside.size if inside.all() else int(np.argmin(inside))
            on[tuple(places[:end].astype(int).T)] = True
    return on


def landscape(rng: np.random.Generator, setting: Setting) -> Landscape:
    side = setting.side
    resistance = np.exp(np.log(100) * noise(rng, side, setting.smooth))
    if setting.nodata:
        resistance[noise(rng, side, 4) < setting.nodata] = np.nan
    known = np.isfinite(resistance)
    sources = _sources(rng, side, setting.patches, resistance)
    effort = setting.off_road + np.exp(-distance_transform_edt(~roads(rng, side, setting.roads)) / setting.road_reach)
    if setting.effort_patches:
        effort *= np.exp(setting.effort_patches * 3.5 * (noise(rng, side, 6) - 0.5))
    for cells in sources:
        known.reshape(-1)[cells] = False
    effort = np.where(known, effort, 0.0)
    if setting.stations:
        chosen = rng.choice(effort.size, setting.stations, replace=False, p=effort.reshape(-1) / effort.sum())
        worked = np.zeros(effort.size)
        worked[chosen] = rng.gamma(1.0, 1.0, setting.stations)
        effort = worked.reshape(effort.shape)
    liking = np.ones(effort.shape)
    if setting.half_range:
        liking *= noise(rng, side, 20) > 0.5
    if setting.follows == "resistance":
        liking *= np.nan_to_num(resistance ** (-setting.strength / 3), nan=0)
    elif setting.follows == "corridor":
        share = np.where(np.isfinite(resistance), excess(resistance, sources), np.inf)
        spread = np.median(share[np.isfinite(share)]) if np.isfinite(share).any() else np.inf
        share = share if np.isfinite(spread) else np.ones(share.shape)  # no corridor is there to be followed
        liking *= np.where(np.isfinite(share), np.exp(-setting.strength * share / spread), 0)
    elif setting.follows == "walks":
        liking *= walks(rng, resistance, sources)
    seen = points(rng, effort * liking, setting.records, setting.herd, setting.herd_spread, known)
    others = points(rng, effort, setting.target, setting.target_herd, setting.herd_spread, known)
    return Landscape(grid_of(side), resistance, sources, effort, seen, others)


def _sources(rng, side, count, resistance):
    found = []
    known = np.isfinite(resistance)
    while len(found) < count:
        r, c = rng.integers(3, side - 3, 2)
        if count == 2 and (c > 0.15 * side if not found else c < 0.85 * side):
            continue
        block = np.zeros((side, side), dtype=bool)
        block[r - 2 : r + 3, c - 2 : c + 3] = True
        cells = np.flatnonzero((block & known).reshape(-1))
        if cells.size > 5 and all(np.intersect1d(cells, o).size == 0 for o in found):
            found.append(cells.astype(np.int64))
    return tuple(found)


def excess(resistance, sources):
    """Return the least of CWD_A + CWD_B - LCD over all pairs; inf where no way leads."""
    costs = [cost_distance.surface(resistance, s, cell_width_m=CELL_M, cut_corners=False).cost for s in sources]
    least = np.full(resistance.shape, np.inf)
    for i in range(len(costs)):
        for j in range(i):
            both = costs[i] + costs[j]
            lcd = costs[i].reshape(-1)[sources[j]].min()
            if np.isfinite(lcd):
                least = np.fmin(least, both - lcd)
    return least


def walks(rng, resistance, sources, *, walkers=40, theta=4.0):
    """Return how often walkers from one patch to another step on each cell: mostly downhill in cost, with detours."""
    counts = np.zeros(resistance.shape)
    side = resistance.shape[1]
    costs = [cost_distance.surface(resistance, s, cell_width_m=1.0, cut_corners=False).cost for s in sources]
    mean = float(np.nanmean(resistance))
    for _ in range(walkers):
        i, j = rng.choice(len(sources), 2, replace=False)
        start = int(rng.choice(sources[i]))
        _walk(resistance, costs[j], start // side, start % side, theta / mean, rng.random(6 * side), counts)
    return gaussian_filter(counts, 1.0) + 1e-12


@compiled
def _walk(resistance, cost, row, column, theta, chances, counts):
    """Let one walker go until it is there."""
    if not np.isfinite(cost[row, column]):
        return
    price = np.empty(9)
    for chance in chances:
        counts[row, column] += 1
        price[:] = np.inf
        for step in range(9):
            r, c = row + step // 3 - 1, column + step % 3 - 1
            if step != 4 and 0 <= r < cost.shape[0] and 0 <= c < cost.shape[1] and np.isfinite(cost[r, c]):
                price[step] = cost[r, c] + (resistance[r, c] + resistance[row, column]) / 2
        weights = np.exp(-theta * (price - price.min()))
        step = min(8, np.searchsorted(np.cumsum(weights), chance * weights.sum()))
        row, column = row + step // 3 - 1, column + step % 3 - 1
        if cost[row, column] == 0:
            return


def points(rng, weight, count, herd, spread, known):
    """Return x, y of so many points in metres: herds of a mean size, each round a place drawn by weight."""
    side = weight.shape[0]
    chance = weight.reshape(-1) / weight.sum()
    if herd <= 1:
        cells = rng.choice(weight.size, count, p=chance)
        rows, columns = np.divmod(cells, side)
        return np.column_stack([columns + rng.random(count), side - rows - rng.random(count)]) * CELL_M
    found = []
    while len(found) < count:
        r, c = divmod(int(rng.choice(weight.size, p=chance)), side)
        for _ in range(1 + rng.poisson(herd - 1)):
            y, x = r + 0.5 + rng.normal(0, spread), c + 0.5 + rng.normal(0, spread)
            if 0 <= y < side and 0 <= x < side and known[int(y), int(x)]:
                found.append((x * CELL_M, (side - y) * CELL_M))
    return np.array(found[:count])
