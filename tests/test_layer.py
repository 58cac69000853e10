import hashlib
import warnings
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio import Affine
from rasterio.errors import NotGeoreferencedWarning

from biodata.errors import InputError
from biodata.ingest import open_source


def from_origin(west, north, side):
    return Affine(side, 0, west, 0, -side, north)


MENGLA = from_origin(101.0, 22.0, 0.01)


def write(path, cells, *, crs="EPSG:4326", transform=MENGLA, nodata=None, **options):
    count = 1 if cells.ndim == 2 else cells.shape[0]
    height, width = cells.shape[-2:]
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=width,
        height=height,
        count=count,
        dtype=cells.dtype,
        crs=crs,
        transform=transform,
        nodata=nodata,
        **options,
    ) as raster:
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


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        pytest.param(np.arange(100, dtype=np.int16).reshape(10, 10), "continuous", id="elevation in whole metres"),
        pytest.param(np.ones((10, 10), dtype=np.float32), "continuous", id="floating point"),
        pytest.param(np.arange(100, dtype=np.uint8).reshape(10, 10) % 64, "categorical", id="64 classes"),
    ],
)
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


@pytest.mark.parametrize(
    ("content", "code"),
    [
        pytest.param(b"", "INPUT_FORMAT", id="an empty file"),
        pytest.param(VRT, "INPUT_FORMAT", id="a VRT that points at a system file, named .tif"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + b"\x00" * 50, "INPUT_FORMAT", id="a PNG"),
        pytest.param(b"II*\x00\x08\x00\x00\x00" + b"\xff" * 40, "INPUT_DAMAGED", id="a TIFF of noise"),
    ],
)
def test_other_formats_never_reach_gdal(tmp_path, content, code):
    path = tmp_path / "layer.tif"
    path.write_bytes(content)
    assert refused(path).code == code


def test_truncated_file_is_refused(tmp_path):
    cells = np.random.default_rng(1).integers(0, 9, (300, 300), dtype=np.uint8)
    path = write(tmp_path / "layer.tif", cells)
    path.write_bytes(path.read_bytes()[:60_000])
    assert refused(path).code == "INPUT_DAMAGED"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        pytest.param({"crs": None}, "CRS_UNKNOWN", id="no coordinate system"),
        pytest.param({"transform": from_origin(500_000, 2e6, 30)}, "LAYER_PLACE", id="metres said to be degrees"),
        pytest.param({"transform": MENGLA @ Affine.rotation(20)}, "LAYER_PLACE", id="rotated"),
        pytest.param({"transform": None}, "LAYER_PLACE", id="no place"),
    ],
)
def test_layer_without_a_place_is_refused(tmp_path, options, code):
    path = tmp_path / "layer.tif"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        write(path, np.ones((4, 4), dtype=np.uint8), **options)
    assert refused(path).code == code


def test_picture_of_three_bands_is_refused(tmp_path):
    path = write(tmp_path / "picture.tif", np.ones((3, 4, 4), dtype=np.uint8))
    assert refused(path).code == "LAYER_BANDS"


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
