"""`biodata movement` on the sample's tracks, whose preference is known."""

import json

import geopandas as gpd
import pytest
import shapely
from typer.testing import CliRunner

from biodata import pipeline
from biodata.cli import app
from biodata.errors import InputError
from biodata.settings import Settings

SPECIES = "Elephas maximus"


@pytest.fixture(scope="module")
def data(tmp_path_factory, sample_data):
    settings = Settings(data=tmp_path_factory.mktemp("movement") / "data")
    folder = sample_data / "movebank"
    pipeline.ingest("movebank", [folder / "events.csv", folder / "reference.csv"], settings)
    pipeline.ingest("layer", [sample_data / "layers" / "landcover_china_laos.tif"], settings)
    return settings.data


def run(data, command, *more, species=SPECIES):
    return CliRunner().invoke(app, ["movement", command, species, *map(str, more), "--data", str(data)])


def answer(data, command, *more):
    done = run(data, command, *more, "--json")
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert (told["evidence_view"], told["sharing_category"]) == ("exact", "withheld")
    assert {"snapshot", "boundary_set", "boundary_version", "viewpoint", "band_m"} <= set(told)
    return told


def test_steps_are_written_and_drawn(data, tmp_path):
    told = answer(data, "steps", "--out", tmp_path / "a.gpkg", "--plot", tmp_path / "a.png")
    assert told["steps"]["interval_minutes"] == 240
    assert told["steps"]["tracks"] == 3
    # The planted days without a fix, and the three fixes that were left out, are not bridged.
    assert told["steps"]["gaps_not_bridged"] == 4
    lines = gpd.read_file(tmp_path / "a.gpkg")
    assert len(lines) == told["steps"]["steps"]
    assert set(lines["sharing_category"]) == {"withheld"}
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_the_preference_that_was_put_in_is_found(data, tmp_path):
    told = answer(data, "selection", "--layer", "landcover_china_laos=2,5", "--plot", tmp_path / "a.svg")
    low, high = told["selection"]["terms"]["landcover_china_laos=2,5"]["interval_95"]
    assert low < 1.2 < high
    assert low > 0
    assert told["layers"][0]["sha256"]
    assert told["random_steps"]["seed"] == 1
    assert (tmp_path / "a.svg").exists()


def test_steps_inside_a_corridor_are_told_beside_random_ones(data, tmp_path):
    file = tmp_path / "corridor.geojson"
    gpd.GeoDataFrame(geometry=[shapely.box(101.45, 21.15, 101.6, 21.3)], crs=4326).to_file(file)
    told = answer(data, "inside", file, "--random", 50)
    found = told["inside"]
    assert 0 < found["real_share"] < 1
    assert ("more than chance" in found["says"]) == (found["frequency_as_often"] <= 0.05)
    done = run(data, "inside", file, "--random", 50)
    assert "not to be passed on" in done.output


@pytest.mark.parametrize(
    ("command", "more", "species", "named"),
    [
        pytest.param("steps", (), "Bos gaurus", "Bos gaurus", id="no track"),
        pytest.param("steps", ("--plot", "a.gif"), SPECIES, "a.gif", id="another form"),
        pytest.param("selection", ("--layer", "none"), SPECIES, "none", id="no such layer"),
        pytest.param("selection", ("--layer", "landcover_china_laos=x"), SPECIES, "=x", id="no classes"),
        pytest.param("inside", ("nowhere-1",), SPECIES, "nowhere-1", id="no such corridor"),
    ],
)
def test_what_does_not_fit_is_named(data, command, more, species, named):
    error = run(data, command, *more, species=species).exception
    assert isinstance(error, InputError)
    assert named in str(error)
