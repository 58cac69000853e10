"""`biodata survey-design`: a survey of an installation's corridor, and the files that teams take along."""

import csv
import json
from xml.etree import ElementTree as ET

import geopandas as gpd
import polars as pl
import pytest
from typer.testing import CliRunner

from biodata import pipeline, places, runs
from biodata.analysis import evidence
from biodata.cli import app
from biodata.core.errors import InputError
from biodata.exports.tables import write_proposal

LAYER = "landcover_china_laos"
GPX = {"g": "http://www.topografix.com/GPX/1/1"}


@pytest.fixture(scope="module")
def data(tmp_path_factory, sample_data, sample_installations):
    settings = sample_installations.copy("records", tmp_path_factory.mktemp("surveys") / "data")
    pipeline.ingest("protected-areas", [sample_data / "protected_areas.geojson"], settings)
    # One cut for all pairs, of their median cost: so much is a tenth of what the first corridor costs, and it has two sides.
    table = str(sample_data / "resistance.csv")
    request = runs.Corridors(layer=LAYER, resistance=table, as_of="2026-11-26", cut_fraction=0.24)
    runs.find_corridors(settings, request)
    return settings.data


def run(data, *more: str, species: str = "Elephas maximus", result: str = f"{LAYER}-corridor-1"):
    told = ["survey-design", result, "--species", species, "--data", str(data), "--as-of", "2026-11-26", *more]
    return CliRunner().invoke(app, told)


def test_a_survey_is_written_in_every_form_and_says_what_it_would_settle(data, tmp_path):
    outs = [tmp_path / f"survey{ending}" for ending in (".gpkg", ".csv", ".gpx")]
    done = run(data, "--records", "exact", *(text for out in outs for text in ("--out", str(out))))
    assert done.exit_code == 0, done.output
    assert "natural_earth" in done.output
    assert "assumed, not measured" in done.output
    assert "sharing category" in done.output, "elephants are sensitive"
    stations = gpd.read_file(outs[0], layer="stations")
    facts = dict(gpd.read_file(outs[0], layer="survey")[["name", "value"]].itertuples(index=False))
    assert json.loads(facts["boundary_set"]) == "natural_earth"
    assert json.loads(facts["parameters"])["as_of"] == "2026-11-26"
    assert json.loads(facts["sharing_category"]) != "open"
    assert json.loads(facts["records"]) == "exact"
    with outs[1].open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    points = ET.parse(outs[2]).getroot().findall("g:wpt", GPX)
    assert {row["boundary_set"].split(",")[0].split()[0] for row in rows} == {"natural_earth"}
    assert len(stations) == len(rows) == len(points) == 20
    first = stations.geometry[0]
    assert rows[0]["geometry"] == f"{first.y:.6f} {first.x:.6f} 0 0"
    assert (float(points[0].get("lat")), float(points[0].get("lon"))) == pytest.approx((first.y, first.x), abs=1e-6)
    boundaries = places.load_boundaries()
    for code, part in stations.groupby("side"):
        assert part.within(places.country_geometry(code, boundaries)).all()


def test_public_records_alone_make_an_open_survey(data, tmp_path):
    done = run(data, "--out", str(tmp_path / "a.gpkg"))
    assert done.exit_code == 0, done.output
    assert "sharing category" not in done.output
    told = gpd.read_file(tmp_path / "a.gpkg", layer="survey")[["name", "value"]].itertuples(index=False)
    survey = {name: json.loads(value) for name, value in told}
    assert (survey["sharing_category"], survey["records"]) == ("open", "public")
    assert survey["target_group"]["class"] == ["Mammalia"]
    assert (
        survey["effort"]["CN"]["effort without the species"] + survey["effort"]["LA"]["effort without the species"] > 0
    )


def test_transects_are_routes(data, tmp_path):
    out = tmp_path / "walks.gpx"
    assert run(data, "--kind", "transect", "--stations", "4", "--out", str(out)).exit_code == 0
    routes = ET.parse(out).getroot().findall("g:rte", GPX)
    assert [len(route.findall("g:rtept", GPX)) for route in routes] == [2] * 4
    assert "walks" in routes[0].find("g:desc", GPX).text


@pytest.mark.parametrize(("more", "names"), [
    pytest.param({"result": "none-1"}, "none-1", id="no such corridor"),
    pytest.param({"species": "Yeti yeti"}, "Yeti yeti", id="no such species"),
])  # fmt: skip
def test_what_is_not_there_is_named(data, tmp_path, more, names):
    done = run(data, "--out", str(tmp_path / "a.csv"), **more)
    assert isinstance(done.exception, InputError)
    assert names in str(done.exception)


@pytest.mark.parametrize(
    "options", [("--out", "a.shp"), ("--kind", "balloon", "--out", "a.csv"), ("--records", "all", "--out", "a.csv")]
)
def test_options_that_do_not_fit_are_refused(data, options):
    assert isinstance(run(data, *options).exception, InputError)


def test_a_proposal_without_stations_can_be_written(tmp_path):
    facts = {"species": "x", "boundary_set": "b", "boundary_version": "1", "viewpoint": "v", "band_m": 0,
             "sharing_category": "open"}  # fmt: skip
    none = evidence.Proposal(pl.DataFrame(schema=evidence.STATIONS), {}, facts | {"design": {}}, "open")
    for ending in (".gpkg", ".csv", ".gpx"):
        write_proposal(none, tmp_path / f"none{ending}")
        assert (tmp_path / f"none{ending}").exists()
