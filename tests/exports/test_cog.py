"""Cloud Optimized GeoTIFF: where the bytes stand, which overviews there are, and how they were made."""

import struct

import numpy as np
import pytest
import rasterio
from affine import Affine
from pyproj import CRS

from biodata.analysis.grid import Grid
from biodata.exports.cog import write_cog

ROWS, COLUMNS = 1500, 2100
PLACE = Grid(CRS.from_epsg(32648), Affine(100, 0, 500_000, 0, -100, 2_300_000), (ROWS, COLUMNS), 100.0)


def directories(path):
    """Return, for each directory of a TIFF in the order of its list: where it stands, and where its first tile does."""
    data = path.read_bytes()
    assert data[:4] == b"II*\x00"
    (at,) = struct.unpack_from("<I", data, 4)
    found = []
    while at:
        (count,) = struct.unpack_from("<H", data, at)
        tags = {}
        for entry in range(count):
            tag, kind, number, value = struct.unpack_from("<HHII", data, at + 2 + 12 * entry)
            size = {3: 2, 4: 4, 16: 8}.get(kind)
            if tag == 324 and size is not None:  # TileOffsets
                where = value if number * size > 4 else at + 2 + 12 * entry + 8
                value = struct.unpack_from({3: "<H", 4: "<I", 16: "<Q"}[kind], data, where)[0]
            tags[tag] = value
        found.append((at, tags.get(324), tags.get(256)))
        (at,) = struct.unpack_from("<I", data, at + 2 + 12 * count)
    return data, found


@pytest.fixture(scope="module")
def values():
    return np.random.default_rng(1).uniform(1, 100, (ROWS, COLUMNS))


def test_directories_stand_before_tiles_and_overviews_before_the_whole(tmp_path, values):
    write_cog(values, PLACE, tmp_path / "out.tif")
    data, found = directories(tmp_path / "out.tif")
    assert b"LAYOUT=IFDS_BEFORE_DATA" in data[:300]
    widths = [width for _, _, width in found]
    assert widths == sorted(widths, reverse=True)
    assert len(widths) > 2
    assert all(tile is not None for _, tile, _ in found)
    assert max(at for at, _, _ in found) < min(tile for _, tile, _ in found)
    tiles = [tile for _, tile, _ in found]
    assert tiles == sorted(tiles, reverse=True), "the tiles of the coarsest overview come first"


def test_overviews_of_numbers_are_averages(tmp_path, values):
    values = values.copy()
    values[:300, :300] = np.inf
    write_cog(values, PLACE, tmp_path / "out.tif", tags={"BIODATA_TABLE": "dhole.csv"})
    with rasterio.open(tmp_path / "out.tif") as raster:
        assert raster.overviews(1)[0] == 2
        assert np.isnan(raster.nodata)
        assert raster.tags()["BIODATA_TABLE"] == "dhole.csv"
        np.testing.assert_array_equal(raster.read(1)[300:], values[300:])
    with rasterio.open(tmp_path / "out.tif", OVERVIEW_LEVEL=0) as overview:
        half = overview.read(1)
    assert np.isnan(half[:150, :150]).all()
    expected = values[400:, 400:].reshape(550, 2, 850, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(half[200:, 200:], expected)


def test_overviews_of_classes_are_classes(tmp_path):
    classes = np.random.default_rng(2).choice([10.0, 20.0, 95.0, np.nan], (ROWS, COLUMNS))
    write_cog(classes, PLACE, tmp_path / "out.tif", classes=True)
    with rasterio.open(tmp_path / "out.tif") as raster:
        assert (raster.dtypes[0], raster.nodata) == ("uint8", 0)
        np.testing.assert_array_equal(raster.read(1), np.nan_to_num(classes))
    with rasterio.open(tmp_path / "out.tif", OVERVIEW_LEVEL=1) as overview:
        assert set(np.unique(overview.read(1))) == {0, 10, 20, 95}


def test_what_is_no_class_is_refused(tmp_path):
    with pytest.raises(ValueError, match="whole numbers from 1"):
        write_cog(np.full((ROWS, COLUMNS), 1.5), PLACE, tmp_path / "out.tif", classes=True)
    assert not list(tmp_path.iterdir())


def test_whole_numbers_stay_and_the_band_tells_what_it_is(tmp_path):
    ids = np.random.default_rng(3).choice([-1, 7, 70_000], (ROWS, COLUMNS)).astype(np.int32)
    write_cog(ids, PLACE, tmp_path / "out.tif", nodata=-1, description="accumulated cost", unit="resistance x m")
    with rasterio.open(tmp_path / "out.tif") as raster:
        assert (raster.dtypes[0], raster.nodata) == ("int32", -1)
        assert raster.descriptions == ("accumulated cost (resistance x m)",)
        assert raster.units == ("resistance x m",)
        np.testing.assert_array_equal(raster.read(1), ids)
    with rasterio.open(tmp_path / "out.tif", OVERVIEW_LEVEL=1) as overview:
        assert set(np.unique(overview.read(1))) == {-1, 7, 70_000}
