"""`biodata species habitat` and `biodata species richness` on the sample data."""

import json

import geopandas as gpd
import pytest
import rasterio
import shapely
from typer.testing import CliRunner

from biodata.cli import app
from biodata.core.errors import InputError

ELEPHANT, COVER, DEM = "Elephas maximus", "landcover_china_laos", "elevation_china_laos"
NAMES = {"snapshot", "evidence_view", "sharing_category", "boundary_set", "boundary_version", "viewpoint", "band_m"}


@pytest.fixture(scope="module")
def data(tmp_path_factory, sample_installations):
    return sample_installations.copy("records", tmp_path_factory.mktemp("maps") / "data").data


def run(data, *told):
    return CliRunner().invoke(app, ["species", *map(str, told), "--data", str(data)])


def answer(data, *told):
    done = run(data, *told, "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.output)
    assert set(found) >= NAMES
    return found


def test_habitat_inside_a_range_that_is_told(data, tmp_path):
    file, out = tmp_path / "range.geojson", tmp_path / "habitat.tif"
    gpd.GeoDataFrame(geometry=[shapely.box(101.3, 21.0, 101.8, 21.4)], crs=4326).to_file(file)
    wide = ("habitat", ELEPHANT, "--land-cover", COVER, "--classes", "2,5", "--range", file)
    every, low = answer(data, *wide), answer(data, *wide, "--elevation", DEM, "--highest-m", 900, "--out", out)
    assert 0 < low["habitat_km2"] < every["habitat_km2"] < every["range_km2"]
    assert {"CN", "LA"} <= set(low["habitat_km2_by_country"])
    assert [one["layer"] for one in low["layers"]] == [COVER, DEM]
    with rasterio.open(out) as raster:
        assert raster.nodata == 255
        assert set(raster.read(1).ravel().tolist()) <= {0, 1, 255}
        assert raster.tags()["boundary_set"] == "natural_earth"
        assert raster.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"


def test_the_range_of_hidden_records_is_that_of_their_published_cells(data):
    public = answer(data, "habitat", ELEPHANT, "--land-cover", COVER, "--classes", "2")
    exact = answer(data, "habitat", ELEPHANT, "--land-cover", COVER, "--classes", "2", "--records", "exact")
    assert "published cells: at most" in public["range"]
    assert public["range_km2"] > exact["range_km2"]
    assert (public["sharing_category"], exact["sharing_category"]) == ("open", "0_1_degree")


def test_richness_at_equal_completeness(data, tmp_path):
    out = tmp_path / "a.gpkg"
    told = answer(data, "richness", "Mammalia", "--box", "100.5,20.5,102.5,22.5", "--out", out)
    assert told["evidence_view"] == "public"
    states = {cell["state"] for cell in told["cells"]}
    assert states == {"enough effort", "too little effort"}
    for cell in told["cells"]:
        if cell["richness"] is not None:
            assert 0 < cell["richness"] <= cell["estimated"] + 1e-9
            assert cell["visits"] >= 5
    cells = gpd.read_file(out)
    assert len(cells) == len(told["cells"])
    assert set(cells["boundary_set"]) == {"natural_earth"}


def test_a_published_cell_larger_than_a_cell_of_the_map_plays_no_part(data):
    told = answer(data, "richness", "Proboscidea", "--box", "100.5,20.5,102.5,22.5", "--cell-m", 2000)
    assert told["left_out"]["published as a cell larger than a cell of the map"] > 0
    assert told["cells"] == []


@pytest.mark.parametrize(("told", "named"), [
    pytest.param(("habitat", ELEPHANT, "--land-cover", "none", "--classes", "2"), "none", id="no such layer"),
    pytest.param(("habitat", ELEPHANT, "--land-cover", COVER, "--classes", "x"), "x", id="no classes"),
    pytest.param(("habitat", ELEPHANT, "--land-cover", COVER, "--classes", "2", "--highest-m", "9"), "--elevation",
                 id="no relief"),
    pytest.param(("richness", "Yetidae", "--box", "100,20,103,23"), "Yetidae", id="no such group"),
    pytest.param(("richness", "Mammalia", "--box", "100,20"), "100,20", id="no box"),
    pytest.param(("richness", "Mammalia", "--box", "100,20,103,23", "--out", "a.tif"), "a.tif", id="another form"),
])  # fmt: skip
def test_what_does_not_fit_is_named(data, told, named):
    error = run(data, *told).exception
    assert isinstance(error, InputError)
    assert named in str(error)
