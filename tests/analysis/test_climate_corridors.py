"""Climate corridors on slopes where the way is known, and costs against a search by hand."""

import heapq
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import shapely
from affine import Affine

import landscapes
from biodata.analysis.areas import Site
from biodata.analysis.climate import climates, corridors
from biodata.analysis.grid import Grid
from biodata.core.errors import InputError

GRID = Grid(landscapes.CRS, Affine(1000.0, 0, -15_000, 0, -1000.0, 10_000), (20, 30), 1000.0)


def site(name, code, row, column, size=2):
    rows, columns = np.mgrid[row : row + size, column : column + size]
    left, top = -15_000 + column * 1000, 10_000 - row * 1000
    shape = shapely.box(left, top - size * 1000, left + size * 1000, top)
    cells = (rows * 30 + columns).ravel()
    return Site(name, name.title(), (code,), shape, cells, cells, 0.0)


def find(sites, today, future=None, **choices):
    found = climates.of_arrays(today[None], (today + 2.0 if future is None else future)[None], GRID, names=("t",))
    ground = choices.pop("resistance", None)
    with ThreadPoolExecutor(2) as executor:
        return corridors.climate_corridors(
            sites, found, ground, parameters=corridors.ClimateCorridorParameters(**choices), executor=executor
        )


def test_costs_are_those_of_a_search_by_hand():
    rng = np.random.default_rng(5)
    ground, today = rng.uniform(1, 9, (7, 9)), rng.uniform(10, 14, (7, 9))
    ground[rng.random(ground.shape) < 0.2] = np.nan
    ground[0, 0] = 1.0
    grid = Grid(landscapes.CRS, Affine(500.0, 0, 0, 0, -500.0, 0), (7, 9), 500.0)
    found = corridors.search(corridors.step_graph(ground, today, grid, cost_per_c=3000.0), np.array([0])).cost.reshape(
        7, 9
    )
    best, queue = {}, [(0.0, 0, 0)]
    while queue:
        cost, row, column = heapq.heappop(queue)
        if (row, column) in best:
            continue
        best[row, column] = cost
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                r, c = row + down, column + right
                if (down or right) and 0 <= r < 7 and 0 <= c < 9 and np.isfinite(ground[r, c]):
                    if down and right and np.isnan(ground[row, c]) and np.isnan(ground[r, column]):
                        continue
                    step = 500 * math.hypot(down, right) * (ground[row, column] + ground[r, c]) / 2
                    heapq.heappush(queue, (cost + step + 3000 * abs(today[row, column] - today[r, c]), r, c))
    expected = np.full((7, 9), np.inf)
    for place, cost in best.items():
        expected[place] = cost
    np.testing.assert_allclose(found, expected)


def test_the_way_leads_from_the_warm_area_to_the_cool_one_across_the_border():
    _, columns = np.indices(GRID.shape)
    today = 30.0 - 0.25 * columns
    warm, cool, own = site("warm", "LA", 9, 2), site("cool", "CN", 9, 24), site("own", "LA", 2, 24)
    found, paths = find([warm, cool, own], today, future=today + 5.5)
    (row,) = found.to_dict("records")
    assert (row["from_area_id"], row["to_area_id"]) == ("warm", "cool")
    assert row["cooler_c"] == pytest.approx(5.5)
    assert row["climate_kept"] == pytest.approx(1.0)
    assert row["path_length_m"] == pytest.approx(21_000, rel=1e-3)
    assert row["change_c"] == pytest.approx(21 * 0.25)
    assert row["least_cost"] == pytest.approx(21_000 + 50_000 * 21 * 0.25)
    assert row["reversal_c"] == pytest.approx(0, abs=1e-9)
    assert row["geometry"].area > 0
    assert len(paths) == 1
    both, _ = find([warm, cool, own], today, across_borders=False)
    assert set(zip(both["from_area_id"], both["to_area_id"], strict=True)) == {("warm", "cool"), ("warm", "own")}
    assert find([warm, cool, own], today, max_distance_m=10_000)[0].empty


def test_a_change_that_costs_makes_the_way_go_round_a_hot_valley():
    rows, columns = np.indices(GRID.shape)
    today = 20.0 - 0.1 * columns
    today[(columns > 10) & (columns < 18) & (rows < 17)] += 6.0
    pair = [site("warm", "LA", 8, 2), site("cool", "CN", 8, 25)]
    straight, _ = find(pair, today, cost_per_c=0.0)
    round_it, _ = find(pair, today)
    assert straight["reversal_c"][0] > 10
    assert round_it["reversal_c"][0] == pytest.approx(0, abs=1e-9)
    assert round_it["path_length_m"][0] > straight["path_length_m"][0]


def test_a_pair_without_a_way_says_so():
    _, columns = np.indices(GRID.shape)
    wall = np.ones(GRID.shape)
    wall[:, 15] = np.nan
    found, paths = find([site("warm", "LA", 9, 2), site("cool", "CN", 9, 24)], 30 - 0.25 * columns, resistance=wall)
    assert not found["functional"][0]
    assert "no way" in found["notes"][0]
    assert paths.empty


def test_the_share_of_a_climate_that_is_kept():
    assert corridors.climate_kept(np.array([1.0, 2.0, 3.0, np.nan]), np.array([1.4, 9.0]), 0.5) == pytest.approx(1 / 3)
    assert corridors.climate_kept(np.array([1.0]), np.array([1.5]), 0.5) == 1.0
    assert corridors.climate_kept(np.array([1.0]), np.array([np.nan]), 0.5) == 0.0


def test_what_cannot_be_is_refused():
    with pytest.raises(InputError, match="above 0"):
        find([site("warm", "LA", 9, 2)], np.full(GRID.shape, 20.0), resistance=np.zeros(GRID.shape))
