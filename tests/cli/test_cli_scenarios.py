"""`biodata scenarios`: files in, the two borders side by side out; what cannot be is refused in one line."""

import json
from xml.etree import ElementTree

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from affine import Affine
from typer.testing import CliRunner

import landscapes
from biodata.analysis.scenarios import barriers
from biodata.cli import app
from biodata.core.errors import InputError

SIDE, CELL_M = 40, 100.0
TRANSFORM = Affine(CELL_M, 0, 500_000, 0, -CELL_M, 2_304_000)
UTM = "EPSG:32648"


@pytest.fixture
def files(tmp_path):
    """Return a raster, two areas, a fence between them and two gates in it."""
    profile = {"driver": "GTiff", "height": SIDE, "width": SIDE, "count": 1, "dtype": "float64", "nodata": np.nan}
    with rasterio.open(tmp_path / "ground.tif", "w", **profile, crs=UTM, transform=TRANSFORM) as target:
        target.write(np.ones((SIDE, SIDE)), 1)
    boxes = [shapely.box(500_200, 2_301_800, 500_500, 2_302_100), shapely.box(503_500, 2_301_800, 503_800, 2_302_100)]
    gpd.GeoDataFrame({"name": ["West", "East"]}, geometry=boxes, crs=UTM).to_file(tmp_path / "areas.gpkg")
    fence = shapely.LineString([(502_050, 2_299_000), (502_050, 2_305_000)])
    gpd.GeoDataFrame({"kind": ["fence"]}, geometry=[fence], crs=UTM).to_crs(4326).to_file(tmp_path / "fence.gpkg")
    gates = [shapely.Point(502_050, 2_300_650), shapely.Point(502_050, 2_303_850)]
    gpd.GeoDataFrame({"crossing_id": ["south", "north"]}, geometry=gates, crs=UTM).to_file(tmp_path / "gates.gpkg")
    return tmp_path


def run(folder, *arguments):
    own = ["--raster", folder / "ground.tif", "--areas", folder / "areas.gpkg", "--out", folder / "out.gpkg"]
    return CliRunner().invoke(app, ["scenarios", *map(str, [*own, *arguments])])


def test_a_fence_with_two_gates(files):
    done = run(files, "--barriers", files / "fence.gpkg", "--crossings", files / "gates.gpkg", "--crossing-width-m", 100,
               "--difference", files / "difference.tif", "--cut-cost", 300)  # fmt: skip
    assert done.exit_code == 0, done.output
    layers = set(pyogrio.list_layers(files / "out.gpkg")[:, 0])
    assert layers >= {"pairs", "crossings", "corridors_open", "corridors_closed", "barrier_lines", "run"}
    (pair,) = gpd.read_file(files / "out.gpkg", layer="pairs").to_dict("records")
    assert (pair["change"], pair["crossings"]) == ("dearer", "south")
    assert pair["closed_least_cost"] > pair["open_least_cost"] == 3100
    gates = gpd.read_file(files / "out.gpkg", layer="crossings")
    assert gates["crossing_id"].tolist() == ["south", "north"]
    told = pyogrio.read_dataframe(files / "out.gpkg", layer="run").set_index("name")["value"]
    assert json.loads(told["boundaries"])["name"] == "natural_earth"
    assert json.loads(told["parameters"])["cut_cost"] == 300
    with rasterio.open(files / "difference.tif") as source:
        assert set(np.unique(source.read(1))) <= {0, 1, 2, 3, 4}
    style = ElementTree.parse(files / "difference.qml")
    assert [entry.get("value") for entry in style.iter("paletteEntry")] == ["1", "2", "3", "4"]


def test_a_passable_fence_is_dearer_and_an_estimate_writes_nothing(files):
    done = run(files, "--barriers", files / "fence.gpkg", "--barrier-resistance", 11, "--estimate")
    assert done.exit_code == 0, done.output
    assert "estimate:" in done.output
    assert not (files / "out.gpkg").exists()
    done = run(files, "--barriers", files / "fence.gpkg", "--barrier-resistance", 11)
    assert done.exit_code == 0, done.output
    (pair,) = gpd.read_file(files / "out.gpkg", layer="pairs").to_dict("records")
    assert pair["closed_least_cost"] == pytest.approx(3100 + 10 * CELL_M)


@pytest.mark.parametrize(("arguments", "told"), [
    pytest.param([], "what closes", id="no barrier"),
    pytest.param(["--between", "CN-XX"], "no two countries", id="no such country"),
    pytest.param(["--between", "CN-LA"], "no such border", id="a border elsewhere"),
    pytest.param(["--barriers", "none.gpkg"], "cannot be read", id="no such file"),
    pytest.param(["--barrier-layer", "fence"], "go together", id="a layer of nowhere"),
])  # fmt: skip
def test_what_cannot_be_is_refused(files, arguments, told):
    done = run(files, *arguments)
    assert isinstance(done.exception, InputError), done.output
    assert told in str(done.exception)
    assert "\n" not in str(done.exception)
    assert not (files / "out.gpkg").exists()


def test_the_border_is_that_of_the_set_that_the_environment_names_and_borders_that_are_there_are_told(files):
    middle = gpd.GeoSeries([shapely.Point(502_050, 2_302_000)], crs=UTM).to_crs(4326).iloc[0].x
    two = [shapely.box(middle - 1, 20, middle, 22), shapely.box(middle, 20, middle + 1, 22)]
    gpd.GeoDataFrame({"iso": ["LA", "VN"]}, geometry=two, crs=4326).to_file(files / "office.gpkg")
    facts = {"name": "office", "version": "1", "source": "made", "licence": "CC0", "viewpoint": "ours", "band_m": 500}
    (files / "office.json").write_text(json.dumps(facts | {"country_column": "iso"}), encoding="utf-8")
    own = ["--raster", files / "ground.tif", "--areas", files / "areas.gpkg", "--out", files / "out.gpkg"]
    runner = CliRunner(env={"BIODATA_BOUNDARIES": str(files / "office.gpkg")})
    done = runner.invoke(app, ["scenarios", *map(str, own), "--close-border"])
    assert "closed: border LA-VN (office, 1)" in done.output
    told = pyogrio.read_dataframe(files / "out.gpkg", layer="run").set_index("name")["value"]
    assert json.loads(told["boundaries"])["band_m"] == 500
    done = run(files, "--between", "CN-LA", "--boundaries", "natural_earth")
    assert "no such border runs through the raster: CN-LA" in str(done.exception)


def test_areas_without_a_usual_name_tell_which_columns_could_name_them(files):
    park = gpd.read_file(files / "areas.gpkg").rename(columns={"name": "AHPNAME"}).assign(YEAR="2003")
    park.to_file(files / "areas.gpkg")
    done = run(files, "--barriers", files / "fence.gpkg")
    assert "areas are called by id; --name-column takes AHPNAME" in done.output
    done = run(files, "--barriers", files / "fence.gpkg", "--name-column", "AHPNAME")
    assert "--name-column" not in done.output


def test_the_border_of_a_boundary_set_is_a_barrier_that_names_its_countries():
    grid = landscapes.square_grid(2000.0, 100.0)
    (found,) = barriers.border_barriers(grid, landscapes.halves(20.0))
    assert found.barrier_id == "border LA-VN"
    assert shapely.length(shapely.intersection(found.shape, shapely.box(*grid.bounds))) > 4000
    assert barriers.border_barriers(grid, landscapes.halves(20.0), between=[frozenset({"CN", "LA"})]) == []
