"""Values of raster layers at points, beside rasterio's own sampling."""

import numpy as np
import pytest
import rasterio
from affine import Affine

from biodata.analysis import layers
from biodata.analysis.grid import Grid
from biodata.analysis.layers import LayerFile, values_at


def layer(path, values, west, north, degrees, crs="EPSG:4326"):
    profile = {"driver": "GTiff", "height": values.shape[0], "width": values.shape[1], "count": 1, "dtype": "float32"}
    transform = Affine(degrees, 0, west, 0, -degrees, north)
    with rasterio.open(path, "w", **profile, crs=crs, transform=transform, nodata=-1) as raster:
        raster.write(values.astype(np.float32), 1)
    return LayerFile("a", None, "raster", path, "continuous", crs, "")


@pytest.fixture
def cells():
    return np.random.default_rng(1).integers(-1, 9, (50, 80)).astype(np.float64)


@pytest.mark.parametrize("block", [7, 1024])
def test_points_far_apart_have_the_value_of_their_cell(tmp_path, cells, monkeypatch, block):
    monkeypatch.setattr(layers, "_BLOCK", block)
    made = layer(tmp_path / "a.tif", cells, 100.0, 25.0, 0.1)
    rng = np.random.default_rng(2)
    lon, lat = rng.uniform(99, 109, 500), rng.uniform(19, 26, 500)
    with rasterio.open(made.path) as raster:
        told = np.array([one[0] for one in raster.sample(np.column_stack([lon, lat]), masked=False)], dtype=np.float64)
    outside = (lon < 100) | (lon > 108) | (lat < 20) | (lat > 25)
    told[outside | (told == -1)] = np.nan
    assert np.array_equal(values_at(made, lon, lat), told, equal_nan=True)


@pytest.mark.parametrize(("west", "crs"), [(176.0, "EPSG:4326"), (-184.0, "EPSG:4326"), (176.0, "EPSG:3832")])
def test_a_layer_over_the_antimeridian_is_found_by_either_longitude(tmp_path, cells, west, crs):
    if crs == "EPSG:3832":  # a plane whose middle is 150° E
        made = layer(tmp_path / "a.tif", cells, 2_900_000.0, 0.0, 11_000.0, crs)
        lon, lat = np.array([179.5, -179.5, -178.0]), np.array([-1.0, -1.0, -2.0])
        assert np.isfinite(values_at(made, lon, lat)).sum() >= 2
        return
    made = layer(tmp_path / "a.tif", cells, west, 25.0, 0.1)
    lon, lat = np.array([176.05, 179.95, -179.95, -176.05, 0.0]), np.full(5, 24.95)
    told = np.where(cells[0] == -1, np.nan, cells[0])[[0, 39, 40, 79]]
    assert np.array_equal(values_at(made, lon, lat), [*told, np.nan], equal_nan=True)


def test_a_map_from_0_to_360_degrees_and_one_of_the_world():
    for west in (0.0, -180.0):
        grid = Grid(rasterio.CRS.from_epsg(4326), Affine(1, 0, west, 0, -1, 90), (180, 360), 1.0)
        _, columns = grid.cells_at(np.array([-179.5, -0.5, 0.5, 179.5, 180.0, -180.0]), np.zeros(6))
        assert (columns >= 0).all()
        assert columns[:4].tolist() == [int((lon - west) % 360) for lon in (-179.5, -0.5, 0.5, 179.5)]
