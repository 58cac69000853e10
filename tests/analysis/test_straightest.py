"""Of equal paths the straightest: as cheap as any, never through a closed corner, and near the line on even ground."""

import itertools
import math

import numpy as np
import pytest
import shapely
from affine import Affine

from biodata.analysis import corridors, cost_distance, links
from biodata.analysis.grid import Grid
from landscapes import CRS
from search_ground import frame


@pytest.mark.parametrize("seed", range(8))
def test_it_costs_what_the_surface_says_and_slips_through_no_corner(seed):
    rng = np.random.default_rng(seed)
    ground = rng.integers(1, 4, (25, 30)).astype(float)
    ground[rng.random(ground.shape) < 0.25] = np.nan
    known = np.isfinite(ground)
    sources = np.flatnonzero(known.reshape(-1))[:: 97 + seed]
    surface = cost_distance.surface(ground, sources, cell_width_m=10.0, cut_corners=False)
    for row, column in np.argwhere(np.isfinite(surface.cost))[::7]:
        toward = tuple(rng.uniform(0, 25, 2))
        path = links.path_to(surface, (int(row), int(column)), ground, cell_m=10.0, toward=toward)
        steps = np.diff(path, axis=0)
        assert np.abs(steps).max(initial=0) <= 1
        assert path[0] @ [30, 1] in sources
        assert tuple(path[-1]) == (row, column)
        cost = 0.0
        for (r, c), (y, x) in itertools.pairwise(path):
            assert known[r, x] or known[y, c]
            cost += (ground[r, c] + ground[y, x]) / 2 * math.hypot(y - r, x - c) * 10
        assert cost == pytest.approx(surface.cost[row, column], rel=1e-12)


def test_ground_that_differs_by_sixteen_orders_still_leads_back():
    ground = np.full((5, 9), 1e-9)
    ground[:, 3] = 1e9
    surface = cost_distance.surface(ground, np.array([0]), cell_width_m=1.0, cut_corners=False)
    path = links.path_to(surface, (4, 8), ground, cell_m=1.0, toward=(0.0, 0.0))
    assert tuple(path[0]) == (0, 0)


@pytest.mark.parametrize(("second", "off"), [
    pytest.param((7000, 2000, 9000, 4000), 0.0, id="opposite"),
    pytest.param((7000, 5100, 9000, 7100), 100.0, id="askew"),
    pytest.param((7000, 7000, 9000, 9000), 100.0, id="far aside"),
])  # fmt: skip
def test_on_even_ground_the_path_keeps_to_the_straight_line(second, off):
    cell, cells = 100.0, 100
    one = Grid(CRS, Affine(cell, 0, 0, 0, -cell, cell * cells), (cells, cells), cell)
    first = shapely.box(1000, 2000, 3000, 4000)
    found = corridors.least_cost(frame(first, shapely.box(*second), crs=CRS), np.ones(one.shape), one)
    (path,) = found.paths.geometry
    x, y = np.array(path.coords).T
    straight = shapely.LineString([path.coords[0], path.coords[-1]])
    assert shapely.distance(shapely.points(x, y), straight).max() <= off
    if not off:
        assert abs(y[0] - 3000) <= cell, "in the middle of the edges that face each other"
