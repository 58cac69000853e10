import hashlib
import re
import warnings
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
from pyproj import CRS
from rasterio import Affine
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning

from biodata.analysis.layers import layer_file, own_grid, read_cells
from biodata.core.errors import InputError
from biodata.ingest import open_source
from biodata.ingest.layer import store_layers


def from_origin(west, north, side):
    return Affine(side, 0, west, 0, -side, north)


MENGLA = from_origin(101.0, 22.0, 0.01)


def write(path, cells, *, crs="EPSG:4326", transform=MENGLA, nodata=None, **options):
    count = 1 if cells.ndim == 2 else cells.shape[0]
    height, width = cells.shape[-2:]
    with rasterio.open(path, "w", driver="GTiff", width=width, height=height, count=count, dtype=cells.dtype, crs=crs,
                       transform=transform, nodata=nodata, **options) as raster:  # fmt: skip
        raster.write(cells if cells.ndim == 3 else cells[None])
    return path


def described(path, **options):
    (table,) = open_source("layer", [path], options=options).read()
    (frame,) = table.batches
    assert table.kind == "layers"
    assert table.refusals == []
    assert frame.height == 1
    return frame.row(0, named=True)


def refused(path, **options):
    with pytest.raises(InputError) as caught:
        described(path, **options)
    assert "\n" not in str(caught.value)
    return caught.value


def kept(path, folder, **options):
    (table,) = open_source("layer", [path], options=options).read()
    row = store_layers(next(table.batches), folder).row(0, named=True)
    return table, row, folder / row["file_name"]


def test_land_cover_is_described(tmp_path):
    cells = np.array([[10, 20, 0], [10, 30, 30]], dtype=np.uint8)
    path = write(tmp_path / "Land cover Mengla.tif", cells, nodata=0)
    layer = described(path)
    assert layer["name"] == "land_cover_mengla"
    assert (layer["width"], layer["height"]) == (3, 2)
    assert layer["west"] == pytest.approx(101.0)
    assert layer["north"] == pytest.approx(22.0)
    assert layer["east"] == pytest.approx(101.03)
    assert (layer["kind"], layer["crs"], layer["dtype"], layer["nodata"]) == ("categorical", "EPSG:4326", "uint8", 0)
    assert layer["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert Path(layer["path"]).samefile(path)


@pytest.mark.parametrize(("cells", "kind"), [
    pytest.param(np.arange(100, dtype=np.int16).reshape(10, 10), "continuous", id="elevation in whole metres"),
    pytest.param(np.ones((10, 10), dtype=np.float32), "continuous", id="floating point"),
    pytest.param(np.arange(100, dtype=np.uint8).reshape(10, 10) % 64, "categorical", id="64 classes"),
])  # fmt: skip
def test_kind_is_decided_by_the_cells(tmp_path, cells, kind):
    assert described(write(tmp_path / "layer.tif", cells))["kind"] == kind


def test_options_win(tmp_path):
    path = write(tmp_path / "dem.tif", np.ones((4, 4), dtype=np.uint8))
    layer = described(path, name="elevation", kind="continuous")
    assert (layer["name"], layer["kind"]) == ("elevation", "continuous")
    assert refused(path, kind="nominal").code == "OPTION_INVALID"
    assert refused(path, colour="red").code == "OPTION_UNKNOWN"


def test_projected_layer_tells_its_place_in_degrees(tmp_path):
    cells = np.ones((100, 100), dtype=np.uint8)
    transform = from_origin(500_000, 2_200_000, 1000)
    layer = described(write(tmp_path / "utm.tif", cells, crs="EPSG:32648", transform=transform))
    assert layer["crs"] == "EPSG:32648"
    assert layer["west"] == pytest.approx(105.0, abs=0.01)
    assert layer["north"] == pytest.approx(19.9, abs=0.1)


VRT = b'<VRTDataset rasterXSize="1" rasterYSize="1"><VRTRasterBand><SourceFilename>/etc/passwd</SourceFilename>'


@pytest.mark.parametrize(("content", "code"), [
    pytest.param(b"", "INPUT_FORMAT", id="an empty file"),
    pytest.param(VRT, "INPUT_FORMAT", id="a VRT that points at a system file, named .tif"),
    pytest.param(b"\x89PNG\r\n\x1a\n" + b"\x00" * 50, "INPUT_FORMAT", id="a PNG"),
    pytest.param(b"II*\x00\x08\x00\x00\x00" + b"\xff" * 40, "INPUT_DAMAGED", id="a TIFF of noise"),
])  # fmt: skip
def test_other_formats_never_reach_gdal(tmp_path, content, code):
    path = tmp_path / "layer.tif"
    path.write_bytes(content)
    assert refused(path).code == code


def test_truncated_file_is_refused(tmp_path):
    path = write(tmp_path / "layer.tif", np.random.default_rng(1).integers(0, 9, (300, 300), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:60_000])
    assert refused(path).code == "INPUT_DAMAGED"


@pytest.mark.parametrize(("options", "code"), [
    pytest.param({"crs": None}, "CRS_UNKNOWN", id="no coordinate system"),
    pytest.param({"transform": from_origin(500_000, 2e6, 30)}, "LAYER_PLACE", id="metres said to be degrees"),
    pytest.param({"transform": MENGLA @ Affine.rotation(20)}, "LAYER_PLACE", id="rotated"),
    pytest.param({"transform": None}, "LAYER_PLACE", id="no place"),
])  # fmt: skip
def test_layer_without_a_place_is_refused(tmp_path, options, code):
    path = tmp_path / "layer.tif"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        write(path, np.ones((4, 4), dtype=np.uint8), **options)
    assert refused(path).code == code


def test_missing_file_is_named(tmp_path):
    error = refused(tmp_path / "nothing.tif")
    assert error.code == "FILE_MISSING"
    assert "nothing.tif" in str(error)


def test_companion_file_is_not_believed(tmp_path):
    path = write(tmp_path / "layer.tif", np.ones((4, 4), dtype=np.uint8), nodata=0)
    (tmp_path / "layer.tif.aux.xml").write_text("<PAMDataset><SRS>EPSG:3857</SRS></PAMDataset>")
    assert described(path)["crs"] == "EPSG:4326"


def test_real_elevation(shared):
    layer = described(shared / "data" / "raster_elevation_5arcmin" / "pvlib_altitude_region.tif")
    assert (layer["kind"], layer["nodata"]) == ("continuous", -9999)
    assert layer["north"] == pytest.approx(35.0)


def test_land_cover_has_a_legend_and_tells_what_is_outside(tmp_path):
    cells = np.ones((20, 20), dtype=np.uint8)
    cells[0, :3], cells[5, 5] = 12, 18
    (table,) = open_source("layer", [write(tmp_path / "igbp.tif", cells)], options={"kind": "land-cover"}).read()
    layer = next(table.batches).row(0, named=True)
    assert (layer["theme"], layer["form"], layer["legend"]) == ("land_cover", "raster", "igbp")
    assert "1 values are not in the legend igbp: 18 (1 cells)" in table.notes


def test_a_wrong_system_is_told_and_the_stored_copy_has_the_right_one(tmp_path):
    wrong = rasterio.crs.CRS.from_proj4("+proj=longlat +ellps=clrk66")
    transform = Affine(2, 0, -180, 0, -2, 90)
    path = write(tmp_path / "world.tif", np.full((90, 180), 12, dtype=np.uint8), crs=wrong, transform=transform)
    table, _, file = kept(path, tmp_path / "stored", kind="land_cover")
    assert "declared wrongly" in table.notes[0]
    with rasterio.open(file) as copy:
        assert copy.crs.to_epsg() == 4326
        assert (copy.read(1) == 12).all()


def test_no_data_of_a_legend_that_the_file_does_not_declare(tmp_path):
    cells = np.full((20, 20), 10, dtype=np.uint8)
    cells[:4], cells[10] = 0, 95
    table, _, file = kept(write(tmp_path / "cover.tif", cells), tmp_path / "stored", kind="land_cover")
    assert any("0 is no data in the legend worldcover" in note and "80 cells" in note for note in table.notes)
    with rasterio.open(file) as copy:
        assert copy.nodata == 0


@pytest.mark.parametrize(("cells", "options", "code", "told"), [
    pytest.param(np.full((9, 9), 1.5, np.float32), {"kind": "land_cover"}, "LAYER_KIND", "averaged",
                 id="float classes"),
    pytest.param(np.arange(900, dtype=np.int16).reshape(30, 30), {"kind": "land_cover"}, "LAYER_KIND", "900",
                 id="900 classes"),
    pytest.param(np.array([[300, -9999], [400, 500]], np.int16), {"kind": "elevation"}, "LAYER_VALUES",
                 "declares no nodata value.*nodata=-9999", id="undeclared nodata"),
    pytest.param(np.full((4, 4), -1.0), {"kind": "population"}, "LAYER_VALUES", "-1", id="fewer than no people"),
    pytest.param(np.ones((4, 4), np.uint8), {"kind": "swamp"}, "OPTION_INVALID", "land_cover", id="no such kind"),
    pytest.param(np.ones((4, 4), np.uint8), {"nodata": "300"}, "OPTION_INVALID", "uint8", id="nodata of no cell"),
    pytest.param(np.ones((2, 4, 4), np.uint8), {"band": "3"}, "LAYER_BANDS", "1 to 2", id="no such band"),
    pytest.param(np.ones((4, 4), np.uint8), {"layer": "a"}, "OPTION_INVALID", "raster", id="an option of features"),
])  # fmt: skip
def test_what_a_layer_of_its_kind_cannot_hold_is_refused(tmp_path, cells, options, code, told):
    error = refused(write(tmp_path / "layer.tif", cells), **options)
    assert error.code == code
    assert re.search(told, str(error))


def test_one_band_of_several_is_stored_alone(tmp_path):
    cells = np.stack([np.full((4, 4), value, dtype=np.uint8) for value in (1, 2)])
    _, _, file = kept(write(tmp_path / "two.tif", cells), tmp_path / "stored", band="2")
    with rasterio.open(file) as copy:
        assert copy.count == 1
        assert (copy.read(1) == 2).all()


def test_a_declared_size_is_refused_before_it_is_read(tmp_path):
    path = tmp_path / "bomb.tif"
    profile = {"driver": "GTiff", "width": 200_000, "height": 200_000, "count": 1, "dtype": "uint8", "tiled": True}
    with rasterio.open(path, "w", crs="EPSG:4326", transform=MENGLA, sparse_ok=True, **profile):
        pass
    assert refused(path).code == "INPUT_TOO_LARGE"


def test_a_picture_is_told_from_bands(tmp_path):
    cells = np.ones((3, 4, 4), dtype=np.uint8)
    assert refused(write(tmp_path / "picture.tif", cells)).code == "LAYER_BANDS"
    assert "red, green, blue" in str(refused(write(tmp_path / "map.tif", cells, photometric="RGB")))
    assert "--option band=N" in str(refused(write(tmp_path / "bands.tif", cells, photometric="MINISBLACK")))


ROADS = gpd.GeoDataFrame({"highway": ["trunk", "path", None, None]}, geometry=[
    shapely.LineString([(101.1, 21.5), (101.4, 21.9)]), shapely.Point(101.2, 21.6), None, shapely.LineString(),
], crs=4326)  # fmt: skip


def test_features_are_described_and_stored(tmp_path):
    ROADS.to_file(tmp_path / "roads.gpkg")
    table, row, file = kept(tmp_path / "roads.gpkg", tmp_path / "stored", kind="roads")
    assert (row["form"], row["theme"], row["features"], row["kind"]) == ("vector", "roads", 2, "features")
    assert (row["west"], row["north"]) == (101.1, 21.9)
    assert "2 of 4 features have no geometry and are left out" in table.notes
    assert "the layer mixes geometries: lines 1, points 1" in table.notes
    assert list(gpd.read_file(file)["highway"]) == ["trunk", "path"]


def shapefile(folder, crs, prj):
    ROADS.iloc[[0]].to_crs(crs).to_file(folder / "roads.shp")
    (folder / "roads.prj").unlink()
    if prj is not None:
        (folder / "roads.prj").write_text(CRS.from_epsg(prj).to_wkt("WKT1_ESRI"))
    return folder / "roads.shp"


@pytest.mark.parametrize(("crs", "prj", "code", "told"), [
    pytest.param(4326, None, "CRS_UNKNOWN", "probably EPSG:4326", id="no .prj, degrees"),
    pytest.param(32648, None, "CRS_UNKNOWN", "UTM zone", id="no .prj, metres"),
    pytest.param(32648, 4326, "LAYER_PLACE", "UTM zone", id="metres said to be degrees"),
    pytest.param(4326, 32648, "LAYER_PLACE", "EPSG:4326", id="degrees said to be metres"),
])  # fmt: skip
def test_features_without_their_system_are_refused_with_a_guess(tmp_path, crs, prj, code, told):
    error = refused(shapefile(tmp_path, crs, prj), kind="roads")
    assert error.code == code
    assert told in str(error)


def test_a_told_system_is_stored(tmp_path):
    path = shapefile(tmp_path, 32648, None)
    _, row, file = kept(path, tmp_path / "stored", kind="roads", crs="EPSG:32648")
    assert gpd.read_file(file).crs.to_epsg() == 32648
    assert row["declared_crs"] == "none"


def test_which_layer_of_two_is_asked(tmp_path):
    path = tmp_path / "two.gpkg"
    ROADS.to_file(path, layer="rivers")
    ROADS.to_file(path, layer="roads")
    assert "2 layers: rivers, roads" in str(refused(path, kind="roads"))
    assert described(path, kind="roads", layer="roads")["features"] == 2


@pytest.mark.parametrize("rows", [slice(0, 0), slice(2, 4)], ids=["no feature", "no geometry"])
def test_a_layer_of_nothing_is_refused(tmp_path, rows):
    ROADS.iloc[rows].to_file(tmp_path / "roads.gpkg")
    assert refused(tmp_path / "roads.gpkg", kind="roads").code == "LAYER_EMPTY"


def test_features_need_a_kind_that_they_can_be(tmp_path):
    ROADS.to_file(tmp_path / "roads.gpkg")
    assert refused(tmp_path / "roads.gpkg").code == "LAYER_KIND"
    assert "comes as cells" in str(refused(tmp_path / "roads.gpkg", kind="elevation"))


def stored(path, folder, **options):
    """Return the checked layer as an analysis reads it out of an installation."""
    _, row, copy = kept(path, folder, **options)
    return layer_file(row, copy, version="test"), row


@pytest.mark.parametrize("way", ["mask", "alpha"])
def test_what_a_mask_hides_is_no_data(tmp_path, way):
    cells = np.full((6, 8), 20, np.uint8)
    cells[:, 4:] = 40
    hidden = np.zeros((6, 8), bool)
    hidden[:2] = True
    path = tmp_path / "cover.tif"
    seen = np.where(hidden, 0, 255).astype(np.uint8)
    count = 1 if way == "mask" else 2
    with (
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(path, "w", driver="GTiff", width=8, height=6, count=count, dtype="uint8", crs="EPSG:4326",
                      transform=MENGLA) as raster,
    ):  # fmt: skip
        if way == "alpha":
            raster.colorinterp = [ColorInterp.gray, ColorInterp.alpha]
            raster.write(seen, 2)
        else:
            raster.write_mask(seen)
        raster.write(cells, 1)
    layer, row = stored(path, tmp_path / "layers", kind="land_cover")
    assert (row["nodata"], row["rewrite"]) == (0, True)
    values, _ = read_cells(layer, own_grid(layer))
    np.testing.assert_array_equal(values, np.where(hidden, np.nan, cells))


@pytest.mark.parametrize("rewritten", [False, True])
def test_quantities_are_in_the_unit_that_scale_and_offset_lead_to(tmp_path, rewritten):
    path = write(tmp_path / "heights.tif", np.arange(200, 212, dtype=np.int16).reshape(3, 4) * 100, nodata=-32768)
    with rasterio.open(path, "r+") as raster:
        raster.scales, raster.offsets = (0.1,), (10.0,)
    options = {"crs": "EPSG:4490"} if rewritten else {}
    layer, row = stored(path, tmp_path / "layers", kind="elevation", **options)
    assert row["rewrite"] is rewritten
    assert "values are scaled as the file says: x 0.1 + 10" in row["notes"]
    values, _ = read_cells(layer, own_grid(layer))
    np.testing.assert_allclose(values.ravel(), np.arange(200, 212) * 10.0 + 10)
    with rasterio.open(path, "r+") as raster:
        raster.scales = (1.0,)
    assert refused(path, kind="elevation").code == "LAYER_VALUES", "21 km is no height"


@pytest.mark.parametrize("dtype", ["int8", "uint16", "int32", "uint32", "int64", "float32"])
def test_classes_come_in_any_type(tmp_path, dtype):
    cells = np.array([[10, 20, 30], [30, 20, 20]], dtype=dtype)
    layer, row = stored(write(tmp_path / "cover.tif", cells), tmp_path / "layers", kind="land_cover")
    assert (row["kind"], row["dtype"]) == ("categorical", dtype)
    np.testing.assert_array_equal(read_cells(layer, own_grid(layer))[0], cells)


def test_complex_numbers_and_tables_are_no_layers(tmp_path):
    path = write(tmp_path / "radar.tif", np.ones((2, 2), np.complex64))
    assert refused(path, kind="elevation").code == "LAYER_VALUES"
    table = tmp_path / "villages.csv"
    table.write_text("name,lon,lat\nMohan,101.7,21.2\n")
    assert "as a GeoPackage" in str(refused(table, kind="settlements"))


ROAD = shapely.LineString([(101.1, 21.1), (101.6, 21.4)])


@pytest.mark.parametrize(("kind", "shapes", "told"), [
    pytest.param("roads", [ROAD, ROAD], None, id="lines are roads"),
    pytest.param("roads", [ROAD.buffer(0.01)] * 3, "of 3 features here are polygons 3; all that lies", id="plots"),
    pytest.param("roads", [ROAD, shapely.Point(101, 21)], "of 2 features here are points 1", id="a point"),
    pytest.param("settlements", [shapely.Point(101, 21)], None, id="one village alone"),
    pytest.param("settlements", [ROAD], "settlements are points or polygons as a rule", id="lines are none"),
    pytest.param("mine", [shapely.Polygon([(101, 21), (102, 22), (102, 21), (101, 22)])], "1 not valid", id="bow"),
])  # fmt: skip
def test_features_that_the_kind_does_not_expect_are_told(tmp_path, kind, shapes, told):
    path = tmp_path / "features.gpkg"
    gpd.GeoDataFrame({"id": range(len(shapes))}, geometry=shapes, crs=4326).to_file(path)
    (table,) = open_source("layer", [path], options={"kind": kind}).read()
    counted, *notes = [note for note in table.notes if "mixes" not in note]
    assert counted.startswith(f"features: {len(shapes)} (")
    assert (told is None and notes == []) or told in notes[0]
