"""Area of habitat by brute force on small grids."""

import numpy as np
import pytest
import shapely
from affine import Affine
from pyproj import CRS

from biodata import places
from biodata.analysis.grid import Grid, equal_area_grid
from biodata.analysis.species import habitat
from biodata.analysis.species.habitat import NO_DATA, area_of_habitat
from biodata.core import geo


@pytest.fixture(scope="module")
def ground():
    grid = equal_area_grid((101.0, 20.8, 101.8, 21.6), 4_000.0)
    rng = np.random.default_rng(5)
    cover = rng.choice([2.0, 5.0, 12.0, np.nan], grid.shape, p=[0.4, 0.2, 0.3, 0.1])
    height = rng.uniform(200, 2500, grid.shape)
    height[0] = np.nan
    return grid, cover, height


def test_habitat_is_what_a_loop_over_cells_counts(ground):
    grid, cover, height = ground
    region = shapely.Point(101.4, 21.2).buffer(0.3)
    found = area_of_habitat(cover, grid, region, classes=(2, 5), elevation=height, lowest_m=500, highest_m=1500,
                            boundaries=places.load_boundaries())  # fmt: skip
    lon, lat = grid.lonlat(*(part.ravel() for part in np.indices(grid.shape))).T.reshape(2, *grid.shape)
    wanted, unknown = 0, 0
    for row in range(grid.shape[0]):
        for column in range(grid.shape[1]):
            if not region.contains(shapely.Point(lon[row, column], lat[row, column])):
                assert found.cells[row, column] == NO_DATA
            elif np.isnan(cover[row, column]) or np.isnan(height[row, column]):
                unknown += 1
                assert found.cells[row, column] == NO_DATA
            else:
                is_habitat = cover[row, column] in (2, 5) and 500 <= height[row, column] <= 1500
                wanted += is_habitat
                assert found.cells[row, column] == is_habitat
    assert found.habitat_km2 == pytest.approx(wanted * 16)
    assert sum(found.by_country.values()) == pytest.approx(found.habitat_km2)
    assert set(found.by_country) == {"CN", "LA"}
    assert found.range_km2 == pytest.approx(geo.area_km2([region])[0])
    assert found.unknown_km2 == pytest.approx(unknown * 16, abs=120), "cells at the edge count by their centres"


def test_a_large_map_is_judged_some_rows_at_a_time(ground, monkeypatch):
    grid, cover, height = ground
    told = {"classes": (2, 5), "elevation": height, "highest_m": 1500, "boundaries": places.load_boundaries()}
    region = shapely.Point(101.4, 21.2).buffer(0.3)
    whole = area_of_habitat(cover, grid, region, **told)
    monkeypatch.setattr(habitat, "_BLOCK", 70)
    parts = area_of_habitat(cover, grid, region, **told)
    assert np.array_equal(whole.cells, parts.cells)
    assert whole.by_country == pytest.approx(parts.by_country)


@pytest.mark.parametrize("crs", [3857, 32648, 6933, 4326, 24548])
def test_cells_hold_what_they_hold_on_the_ellipsoid(crs):
    """By the areas of the cells' outlines, on planes that keep areas and on planes that do not."""
    west, south, east, north = geo.project(shapely.box(100, 15, 106, 24), 4326, crs).bounds
    side = (east - west) / 240
    grid = Grid(CRS(crs), Affine(side, 0, west, 0, -side, north), (int((north - south) / side), 240), 1.0)
    km2 = np.broadcast_to(grid.cell_km2(), grid.shape)
    rng = np.random.default_rng(1)
    rows, columns = rng.integers(0, grid.shape[0], 40), rng.integers(0, grid.shape[1], 40)
    centre = grid.centres(rows, columns)
    boxes = shapely.segmentize(shapely.box(*(centre - side / 2).T, *(centre + side / 2).T), side / 8)
    told = [abs(geo.WGS84.geometry_area_perimeter(box)[0]) / 1e6 for box in geo.project(boxes, crs, 4326)]
    assert km2[rows, columns] == pytest.approx(told, rel=2e-4)
    if crs == 3857:
        assert km2[0, 0] < 0.88 * (side / 1000) ** 2


def test_limits_need_elevation_and_without_limits_it_plays_no_part(ground):
    grid, cover, height = ground
    region, boundaries = shapely.box(101.1, 21.0, 101.7, 21.5), places.load_boundaries()
    with pytest.raises(ValueError, match="elevation"):
        area_of_habitat(cover, grid, region, classes=(2,), lowest_m=500, boundaries=boundaries)
    one = area_of_habitat(cover, grid, region, classes=(2,), elevation=height, boundaries=boundaries)
    other = area_of_habitat(cover, grid, region, classes=(2,), boundaries=boundaries)
    assert one.habitat_km2 == other.habitat_km2 > 0


def test_what_no_layer_covers_is_told_as_unknown(ground):
    grid, cover, _ = ground
    beside = shapely.box(105.0, 21.0, 105.5, 21.5)
    found = area_of_habitat(cover, grid, beside, classes=(2,), boundaries=places.load_boundaries())
    assert found.habitat_km2 == 0
    assert found.unknown_km2 == pytest.approx(found.range_km2)
