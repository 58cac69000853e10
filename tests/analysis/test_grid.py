"""The grid of an analysis, and rasters and polygons put into it."""

from pathlib import Path

import numpy as np
import pytest
import shapely
from affine import Affine
from pyproj import CRS, Geod

from biodata.analysis import grid, rasters
from biodata.core import geo
from biodata.core.errors import InputError

CHINA_LAOS = (100.9, 20.6, 102.2, 21.7)


def write(path: Path, values: np.ndarray, crs: str | None, transform: Affine, nodata: float | None = -9999.0) -> Path:
    import rasterio

    profile = {"driver": "GTiff", "height": values.shape[0], "width": values.shape[1], "count": 1, "dtype": "float64"}
    with rasterio.open(path, "w", crs=crs, transform=transform, nodata=nodata, **profile) as file:
        file.write(np.where(np.isnan(values), nodata, values), 1)
    return path


def test_cells_have_the_area_they_say():
    one = grid.equal_area_grid(CHINA_LAOS, 1000.0)
    rows, columns = np.array([0, one.shape[0] // 2, one.shape[0] - 1]), np.array([0, one.shape[1] // 2, 3])
    centres = one.centres(rows, columns)
    cells = shapely.box(*(centres - 500).T, *(centres + 500).T)
    areas = geo.area_km2(geo.project(shapely.segmentize(cells, 50), one.crs, 4326))
    assert one.square()
    assert one.in_metres
    assert areas == pytest.approx(np.ones(3), rel=1e-6)


def test_the_grid_covers_its_window():
    one = grid.equal_area_grid(CHINA_LAOS, 1000.0)
    edge = shapely.segmentize(shapely.box(*CHINA_LAOS), 0.01).exterior.coords
    longitude, latitude = np.array(edge).T
    rows, columns = one.cells_at(longitude, latitude)
    assert (rows >= 0).all()
    assert (columns >= 0).all()


def test_cells_and_coordinates_go_both_ways():
    one = grid.equal_area_grid(CHINA_LAOS, 1000.0)
    rows, columns = np.divmod(np.arange(0, one.cells, 97), one.shape[1])
    there = one.lonlat(rows, columns)
    back = one.cells_at(there[:, 0], there[:, 1])
    np.testing.assert_array_equal(back, (rows, columns))


@pytest.mark.parametrize(("longitude", "latitude"), [
    pytest.param(116.4, 39.9, id="Beijing"), pytest.param(np.nan, 21.0, id="no longitude"),
])  # fmt: skip
def test_a_point_outside_has_no_cell(longitude, latitude):
    one = grid.equal_area_grid(CHINA_LAOS, 1000.0)
    assert one.cells_at(np.array([longitude]), np.array([latitude])) == (np.array([-1]), np.array([-1]))


@pytest.mark.parametrize(("bounds", "cell_m"), [
    pytest.param((102.0, 20.0, 101.0, 21.0), 1000.0, id="west of east"), pytest.param(CHINA_LAOS, 0.0, id="no cell"),
])  # fmt: skip
def test_an_empty_window_is_refused(bounds, cell_m):
    with pytest.raises(InputError, match="west < east"):
        grid.equal_area_grid(bounds, cell_m)


def test_cells_of_degrees_differ_by_row():
    degrees = grid.Grid(CRS.from_epsg(4326), Affine(0.1, 0, 100, 0, -0.1, 30), (200, 10), 0.0)
    wide, high = degrees.cell_sizes_m()
    wgs84 = Geod(ellps="WGS84")
    for row in (0, 100, 199):
        latitude = 30 - 0.1 * (row + 0.5)
        assert wide[row] == pytest.approx(wgs84.inv(100, latitude, 100.1, latitude)[2], rel=1e-5)
        assert high[row] == pytest.approx(wgs84.inv(100, latitude - 0.05, 100, latitude + 0.05)[2], rel=1e-5)
    assert degrees.square(), "in degrees"
    assert not degrees.in_metres


def test_warp_puts_values_where_they_belong(tmp_path):
    latitude = 21.7 - 0.01 * (np.arange(120) + 0.5)
    path = write(tmp_path / "latitude.tif", np.repeat(latitude[:, None], 140, 1), "EPSG:4326",
                 Affine(0.01, 0, 100.85, 0, -0.01, 21.7))  # fmt: skip
    one = grid.equal_area_grid((101.2, 20.8, 101.9, 21.4), 1000.0)
    values = rasters.warp_values(*rasters.read(path), one, resampling="bilinear")
    rows, columns = np.divmod(np.arange(one.cells), one.shape[1])
    np.testing.assert_allclose(values.reshape(-1), one.lonlat(rows, columns)[:, 1], atol=1e-3)


def test_classes_are_never_averaged(tmp_path):
    checks = np.where(np.indices((100, 100)).sum(0) % 2, 10.0, 40.0)
    path = write(tmp_path / "classes.tif", checks, "EPSG:4326", Affine(0.01, 0, 101, 0, -0.01, 21.5))
    one = grid.equal_area_grid((101.1, 20.6, 101.9, 21.4), 3000.0)
    for resampling in rasters.CATEGORICAL:
        assert set(np.unique(rasters.warp_values(*rasters.read(path), one, resampling=resampling))) <= {10.0, 40.0}


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_raster_without_a_system_is_refused(tmp_path):
    path = write(tmp_path / "raster.tif", np.ones((4, 4)), None, Affine(0.1, 0, -19, 0, -0.1, 65))
    with pytest.raises(InputError, match=r"raster\.tif") as raised:
        rasters.read(path)
    assert raised.value.code == "RASTER_CRS_MISSING"


def test_a_file_that_is_no_raster(tmp_path):
    path = tmp_path / "notes.tif"
    path.write_text("not a raster")
    with pytest.raises(InputError, match=r"notes\.tif: the file is no raster"):
        rasters.read(path)


def test_an_unknown_resampling_is_refused(tmp_path):
    path = write(tmp_path / "a.tif", np.ones((4, 4)), "EPSG:4326", Affine(0.1, 0, 101, 0, -0.1, 21.5))
    with pytest.raises(InputError, match="known: nearest, mode"):
        rasters.warp_values(*rasters.read(path), grid.equal_area_grid(CHINA_LAOS, 1000.0), resampling="cubic")


@pytest.mark.parametrize(("change", "told"), [
    pytest.param({"shape": (100, 101)}, "100 rows x 101 columns, not 100 x 100", id="one column more"),
    pytest.param({"transform": Affine(30, 0, 515, 0, -30, 9)}, r"\+15 in x, \+0 in y", id="half a cell aside"),
    pytest.param({"transform": Affine(31, 0, 500, 0, -30, 9)}, "cells of 31 x 30, not 30 x 30", id="wider cells"),
    pytest.param({"crs": CRS.from_epsg(32648)}, "UTM zone 48N, not WGS 84 / UTM zone 47N", id="next zone"),
])  # fmt: skip
def test_rasters_that_do_not_align_are_refused_with_the_mismatch(change, told):
    first = grid.Grid(CRS.from_epsg(32647), Affine(30, 0, 500, 0, -30, 9), (100, 100), 30.0)
    other = grid.Grid(
        **({"crs": first.crs, "transform": first.transform, "shape": first.shape, "cell_m": 30.0} | change)
    )
    grid.require_aligned({"a.tif": first, "b.tif": first})
    with pytest.raises(InputError, match=rf"b\.tif: does not lie on the cells of a\.tif: .*{told}"):
        grid.require_aligned({"a.tif": first, "b.tif": other})


def test_polygon_takes_the_cells_whose_centres_it_holds():
    one = grid.equal_area_grid(CHINA_LAOS, 1000.0)
    west, south, _, _ = one.bounds
    box = shapely.box(west + 2400, south + 1600, west + 6400, south + 3400)
    rows, columns = np.divmod(rasters.cells_inside(box, one), one.shape[1])
    assert set(columns) == {2, 3, 4, 5}
    assert set(one.shape[0] - 1 - rows) == {2}


def test_small_polygon_has_one_cell_and_one_outside_none():
    one = grid.equal_area_grid(CHINA_LAOS, 1000.0)
    west, south, east, _ = one.bounds
    speck = shapely.box(west + 10, south + 10, west + 20, south + 20)
    assert rasters.cells_inside(speck, one).tolist() == [(one.shape[0] - 1) * one.shape[1]]
    assert rasters.cells_inside(shapely.box(east + 5, south, east + 9000, south + 9000), one).size == 0


def test_outline_of_cells():
    one = grid.Grid(CRS.from_epsg(32647), Affine(10, 0, 0, 0, -10, 100), (10, 10), 10.0)
    inside = np.zeros((6, 6), dtype=bool)
    inside[1:5, 1:5] = True
    inside[2:4, 2:4] = False
    ring = rasters.outline(inside, one, 2, 3)
    assert ring.is_valid
    assert ring.area == pytest.approx(12 * 100, rel=0.01)
    assert len(ring.interiors) == 1
    assert shapely.bounds(ring) == pytest.approx([40, 30, 80, 70], abs=0.1)


def test_outline_joins_cells_that_meet_at_a_corner():
    one = grid.Grid(CRS.from_epsg(32647), Affine(10, 0, 0, 0, -10, 100), (10, 10), 10.0)
    outline = rasters.outline(np.eye(4, dtype=bool), one, 0, 0)
    assert outline.geom_type == "Polygon"
    assert outline.is_valid
