"""Velocity on planes whose velocity is known, analogues against brute force."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from pyproj import CRS

import landscapes
from biodata.analysis.climate import climates
from biodata.analysis.grid import Grid
from biodata.core import geo
from biodata.core.errors import InputError

PLANE = Grid(landscapes.CRS, Affine(1000.0, 0, -15_000, 0, -1000.0, 10_000), (20, 30), 1000.0)
DEGREES = Grid(CRS.from_epsg(4326), Affine(0.1, 0, 100.0, 0, -0.1, 28.0), (40, 30), 10_500.0)


def test_the_velocity_of_a_plane_is_known_at_every_cell_the_edges_too():
    rows, columns = np.indices(PLANE.shape)
    today = 20 + 0.3 * columns + 0.4 * rows  # 0.5 degrees a kilometre
    found = climates.velocity(today, today + 2.0, PLANE, years=50)
    assert found.km_per_year == pytest.approx(2 / 50 / 0.5)
    assert found.east == pytest.approx(0.3)
    assert found.north == pytest.approx(-0.4)
    assert not found.capped.any()
    holed = today.copy()
    holed[5, 5:9] = np.nan
    found = climates.velocity(holed, holed - 1.0, PLANE, years=50)
    known = np.isfinite(holed)
    assert found.km_per_year[known] == pytest.approx(-1 / 50 / 0.5)
    assert np.isnan(found.km_per_year[~known]).all()


def test_cells_of_degrees_are_as_wide_as_their_latitude_says():
    _, columns = np.indices(DEGREES.shape)
    today = 0.2 * columns
    found = climates.velocity(today, today + 1.0, DEGREES, years=10)
    latitude = 28.0 - 0.1 * (np.arange(40) + 0.5)
    wide_km = geo.geodesic_distance_m(100.0, latitude, 100.1, latitude) / 1000
    assert found.km_per_year[:, 10] == pytest.approx(0.1 / (0.2 / wide_km), rel=1e-5)


def test_flat_ground_is_capped_and_told():
    found = climates.velocity(np.full(PLANE.shape, 20.0), np.full(PLANE.shape, 21.0), PLANE, years=10)
    assert found.capped.all()
    assert found.km_per_year == pytest.approx(0.1 / 0.01)


@pytest.mark.parametrize("grid", [PLANE, DEGREES], ids=["plane", "degrees"])
def test_analogues_are_those_of_brute_force(grid):
    rng = np.random.default_rng(7)
    today = rng.uniform(10, 16, (2, *grid.shape))
    future = today + rng.uniform(0, 3, today.shape)
    future[:, 3, 4] = np.nan
    widths = (1.0, 2.0)
    wanted, offered = climates.bins(today, future, widths=widths)
    found = climates.nearest(wanted, offered, grid)
    rows, columns = (axis.ravel() for axis in np.indices(grid.shape))
    lonlat = grid.lonlat(rows, columns)
    step = np.array(widths)[:, None]
    here, there = np.rint(today.reshape(2, -1) / step), np.rint(future.reshape(2, -1) / step)
    for cell in range(0, rows.size, 17):
        same = np.flatnonzero((there == here[:, [cell]]).all(axis=0))
        got = found.cell.ravel()[cell]
        if not same.size:
            assert got == -1
            continue
        metres = geo.geodesic_distance_m(*lonlat[cell], *lonlat[same].T)
        assert found.distance_m.ravel()[cell] == pytest.approx(metres.min(), abs=0.01)
        assert got in same


def test_a_warmer_slope_has_its_climate_uphill_at_the_known_distance():
    rows, _ = np.indices(PLANE.shape)
    today = (10.0 + rows)[None]
    wanted, offered = climates.bins(today, today + 3.0, widths=(0.5,))
    forward = climates.nearest(wanted, offered, PLANE)
    assert (forward.cell[:3] // 30 == -1).all()  # the coldest climates are gone
    assert forward.distance_m[5] == pytest.approx(3000, rel=1e-3)
    assert (forward.cell[5] // 30 == 2).all()
    assert forward.km_per_year(30.0)[5] == pytest.approx(0.1, rel=1e-3)
    assert forward.near_edge >= 90
    backward = climates.nearest(offered, wanted, PLANE)
    assert (backward.cell[5] // 30 == 8).all()


def write(path, values, transform=DEGREES.transform):
    profile = {"driver": "GTiff", "height": values.shape[0], "width": values.shape[1], "count": 1, "dtype": "float64"}
    with rasterio.open(path, "w", **profile, crs="EPSG:4326", transform=transform, nodata=np.nan) as target:
        target.write(values, 1)
    return path


def test_rasters_are_aligned_or_refused_with_what_differs(tmp_path):
    values = np.arange(1200.0).reshape(40, 30)
    today = write(tmp_path / "today.tif", values)
    values[0, 0] = np.nan
    found = climates.read([today], [write(tmp_path / "future.tif", values)])
    assert np.isnan(found.today[0, 0, 0])
    assert "1 cells lack" in found.notes[0]
    shifted = write(tmp_path / "shifted.tif", values, transform=DEGREES.transform @ Affine.translation(0.5, 0))
    with pytest.raises(InputError, match=r"upper left corner \+0\.05 in x"):
        climates.read([today], [shifted])
    with pytest.raises(InputError, match="1 rasters of today and 0 of tomorrow"):
        climates.read([today], [])


def test_temperature_by_height_says_what_it_assumes(tmp_path):
    elevation = np.full((40, 30), 1000.0)
    elevation[0] = -9999
    found = climates.of_elevation(write(tmp_path / "dem.tif", elevation), warming_c=2.0, missing=-9999)
    assert found.today[0, 1, 0] == pytest.approx(25 - 6.5)
    assert np.isnan(found.today[0, 0]).all()
    assert found.future[0, 1, 0] - found.today[0, 1, 0] == pytest.approx(2)
    assert "assumption" in found.notes[0]


def test_bins_of_tenths_of_a_degree_are_all_as_wide():
    tenths = np.arange(-30, 30)[None, None] / 10
    found, _ = climates.bins(tenths, tenths, widths=(0.2,))
    _, counts = np.unique(found, return_counts=True)
    assert set(counts[1:-1]) == {2}
