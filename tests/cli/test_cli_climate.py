"""`biodata climate`: a slope across a border, whose upper side has tomorrow the climate of the lower one."""

import json

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine
from typer.testing import CliRunner

from biodata.cli import app
from biodata.core.errors import InputError

TRANSFORM = Affine(0.05, 0, 101.0, 0, -0.05, 22.0)
SHAPE = (36, 20)


@pytest.fixture
def files(tmp_path):
    """Return temperatures that fall northward from Laos into China, two areas, and the warmer tomorrow."""
    rows, _ = np.indices(SHAPE)
    today = 20.0 + 0.25 * rows
    profile = {"driver": "GTiff", "height": SHAPE[0], "width": SHAPE[1], "count": 1, "dtype": "float64",
               "nodata": np.nan}  # fmt: skip
    for name, values in (("today", today), ("future", today + 4.0)):
        with rasterio.open(tmp_path / f"{name}.tif", "w", **profile, crs="EPSG:4326", transform=TRANSFORM) as target:
            target.write(values, 1)
    boxes = [shapely.box(101.3, 20.85, 101.5, 21.05), shapely.box(101.2, 21.55, 101.6, 21.85)]
    gpd.GeoDataFrame({"name": ["Laos", "China"]}, geometry=boxes, crs=4326).to_file(tmp_path / "areas.gpkg")
    return tmp_path


def run(folder, *arguments):
    own = ["--today", folder / "today.tif", "--future", folder / "future.tif", "--years", 50]
    return CliRunner().invoke(app, ["climate", *map(str, [*own, *arguments])])


def test_rasters_and_what_becomes_of_areas(files):
    done = run(files, "--velocity", files / "v.tif", "--forward", files / "f.tif", "--areas", files / "areas.gpkg",
               "--out", files / "out.gpkg", "--bin-width", 0.2)  # fmt: skip
    assert done.exit_code == 0, done.output
    with rasterio.open(files / "v.tif") as source:
        speed = source.read(1)
        assert source.units == ("km/year",)
    height_km = 0.05 * 110.7
    assert np.median(speed) == pytest.approx(4 / 50 / (0.25 / height_km), rel=0.01)
    with rasterio.open(files / "f.tif") as source:
        forward = source.read(1)
    assert np.nanmedian(forward) == pytest.approx(16 * height_km / 50, rel=0.01)
    assert np.isnan(forward[:16]).all()
    assert (files / "v.qml").exists()
    table = gpd.read_file(files / "out.gpkg", layer="destinations").set_index(["name", "direction"])
    laos = table.loc[("Laos", "forward")]
    assert laos["country_code"] == "LA"
    assert laos["across_border"] == pytest.approx(1.0)
    assert laos["in_areas_across"] == pytest.approx(1.0)
    assert laos["areas_across"] == "China 100.0%"
    assert laos["median_km"] == pytest.approx(16 * height_km, rel=0.01)
    assert table.loc[("China", "forward"), "none_in_window"] == pytest.approx(1.0)
    shares = ["stays_inside", "same_country", "across_border", "unclear_side", "none_in_window"]
    assert table[shares].sum(axis=1).to_numpy() == pytest.approx(1.0)
    told = pyogrio.read_dataframe(files / "out.gpkg", layer="run").set_index("name")["value"]
    assert json.loads(told["boundaries"])["viewpoint"]


def test_corridors_lead_to_the_cooler_side(files):
    done = run(files, "--areas", files / "areas.gpkg", "--out", files / "out.gpkg", "--corridors", "--bin-width", 0.6)
    assert done.exit_code == 0, done.output
    (row,) = gpd.read_file(files / "out.gpkg", layer="climate_corridors").to_dict("records")
    assert (row["from_countries"], row["to_countries"]) == ("LA", "CN")
    assert row["climate_kept"] == pytest.approx(1.0)
    assert row["reversal_c"] == pytest.approx(0, abs=1e-9)
    assert len(gpd.read_file(files / "out.gpkg", layer="climate_paths")) == 1


@pytest.mark.parametrize(("arguments", "told"), [
    pytest.param([], "what to write", id="no output"),
    pytest.param(["--velocity", "v.txt"], "GeoTIFF", id="no raster's name"),
    pytest.param(["--velocity", "v.tif", "--elevation", "e.tif"], "which climates", id="two climates"),
    pytest.param(["--out", "out.gpkg"], "go together", id="no areas"),
    pytest.param(["--forward", "f.tif", "--corridors"], "need areas", id="corridors without areas"),
    pytest.param(["--forward", "f.tif", "--bin-width", "1", "--bin-width", "2"], "2 widths", id="widths"),
])  # fmt: skip
def test_what_cannot_be_is_refused(files, arguments, told, monkeypatch):
    monkeypatch.chdir(files)
    done = run(files, *arguments)
    assert isinstance(done.exception, InputError), done.output
    assert told in str(done.exception)
