"""Surveys as they are served: tiles with numbers at low zooms and published shapes above; items by design, effort and scope."""

import math

import mapbox_vector_tile
import pytest
from starlette.testclient import TestClient

import releases as fixture
from api.app import create_app
from biodata import pipeline
from biodata.core.settings import Settings
from rule_files import put_rules
from survey_events import MUNTJAC, RULES, commit, event, seen

TILES = "/ogc/collections/surveys/tiles/WebMercatorQuad"
FIRST, SECOND, FAR = (101.3345, 20.7432), (101.3711, 20.7612), (101.61, 20.81)
LINE = "LINESTRING (101.61 20.81, 101.63 20.83)"


def place(longitude, latitude):
    return {"decimalLongitude": longitude, "decimalLatitude": latitude}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    data = tmp_path_factory.mktemp("surveys") / "data"
    data.mkdir()
    put_rules(data, RULES)
    settings = Settings(data=data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())
        events = [
            event("a", effort_value=25.0, **place(*FIRST)),
            event("b", effort_value=12.5, **place(*SECOND)),
            event("walk", design="line_transect", effort_unit="km", footprintWKT=LINE, **place(*FAR)),
            event("whole", design=None, **place(*FAR)),
            event("part", design="line_transect", parentEventID="whole", **place(101.64, 20.85)),
            event("other", dataset="plots", design="plot", **place(101.9, 21.0)),
            event("patrol", samplingProtocol="Ranger patrol on foot", **place(101.7, 20.7)),
        ]
        commit(data, events, [seen(1, MUNTJAC, "a", **place(*FIRST)), seen(2, MUNTJAC, "b", **place(*SECOND))])
        pipeline.release(settings)
    with TestClient(create_app(settings), base_url="http://test", raise_server_exceptions=False) as found:
        yield found


def at(zoom, longitude, latitude):
    row = (0.5 - math.asinh(math.tan(math.radians(latitude))) / 2 / math.pi) * 2**zoom
    return int(row), int((longitude / 360 + 0.5) * 2**zoom)


def features(client, zoom, where=FIRST, layer="surveys", **asked):
    row, column = at(zoom, *where)
    answer = client.get(f"{TILES}/{zoom}/{row}/{column}", params=asked)
    assert answer.status_code == 200, answer.text
    told = mapbox_vector_tile.decode(answer.content) if answer.content else {}
    return told[layer]["features"] if layer in told else []


def signs(client, zoom, where=FIRST, **asked):
    return features(client, zoom, where, "survey_signs", **asked)


@pytest.mark.parametrize("zoom", [0, 4, 8])
def test_signs_count_every_survey_but_those_of_parts(client, zoom):
    found = signs(client, zoom)
    assert sum(f["properties"]["count"] for f in found) == 5
    assert {f["geometry"]["type"] for f in found} == {"Point"}
    many = [f["properties"].keys() for f in found if f["properties"]["count"] > 1]
    assert many
    assert all(told <= {"count", "design"} for told in many)


def test_a_sign_for_several_tells_their_design_where_it_is_one(client):
    (whole,) = signs(client, 0)
    assert whole["properties"] == {"count": 5}
    (cameras,) = signs(client, 0, datasetKey="cameras", design="camera_trap")
    assert cameras["properties"] == {"count": 2, "design": "camera_trap"}


def test_who_stands_alone_is_told_at_any_zoom(client):
    (alone,) = signs(client, 0, datasetKey="plots")
    assert alone["properties"]["survey_id"] == "plots:other"
    assert (alone["properties"]["design"], alone["properties"]["effort_unit"]) == ("plot", "trap-night")


def test_near_each_survey_has_its_sign_once(client):
    row, column = at(13, *FIRST)
    found = []
    for down in range(-8, 3):
        for across in range(-3, 16):
            tile = client.get(f"{TILES}/13/{row + down}/{column + across}").content
            told = mapbox_vector_tile.decode(tile) if tile else {}
            found += [f["properties"]["survey_id"] for f in told.get("survey_signs", {"features": []})["features"]]
    assert len(found) == len(set(found))
    assert set(found) == {"cameras:a", "cameras:b", "cameras:walk", "cameras:part", "plots:other"}


def test_each_survey_has_its_published_shape(client):
    found = {f["properties"]["survey_id"]: f for f in features(client, 8)}
    assert {name: f["geometry"]["type"] for name, f in found.items()} == {
        "cameras:a": "Point", "cameras:b": "Point", "cameras:walk": "LineString", "cameras:whole": "Point", "cameras:part": "Point",
        "plots:other": "Point",
    }  # fmt: skip
    assert [name for name, f in found.items() if f["properties"]["whole"]] == ["cameras:whole"]
    assert found["cameras:b"]["properties"]["effort_value"] == 12.5


def test_patrols_are_in_no_tile(client):
    for zoom in range(0, 21, 2):
        told = repr(features(client, zoom, where=(101.7, 20.7)))
        assert "patrol" not in told.lower()


def test_a_crowded_tile_has_signs_of_bins_alone(client, monkeypatch):
    monkeypatch.setattr("biodata.store.tiles.MAXIMUM_SURVEYS", 3)
    assert features(client, 8) == []
    assert sum(f["properties"]["count"] for f in signs(client, 8)) == 5


def test_the_layers_are_told(client):
    told = client.get(f"{TILES}/tilejson.json").json()["vector_layers"]
    assert [layer["id"] for layer in told] == ["surveys", "survey_signs"]


def test_a_tile_takes_the_properties_that_items_take(client):
    assert [f["properties"]["survey_id"] for f in features(client, 8, datasetKey="plots")] == ["plots:other"]
    assert [f["properties"]["survey_id"] for f in features(client, 8, effort_value="25")] == ["cameras:a"]
    refused = client.get(f"{TILES}/8/0/0", params={"dataset": "plots"})
    assert (refused.status_code, refused.json()["code"]) == (400, "PARAMETER_UNKNOWN")
    first, second = (client.get(f"{TILES}/8/0/0", params=p).headers["etag"] for p in ({}, {"design": "plot"}))
    assert first != second


def test_design_effort_and_scope_are_asked_for(client):
    items = "/ogc/collections/surveys/items"

    def ask(text):
        answer = client.get(items, params={"filter": text})
        assert answer.status_code == 200, answer.text
        return [feature["id"] for feature in answer.json()["features"]]

    assert ask("design = 'camera_trap' AND effort_value < 20") == ["cameras:b"]
    assert "cameras:a" in ask("A_CONTAINS(targetTaxonomicScope, ('Mammalia')) AND isAbsenceReported = TRUE")
    known = client.get("/ogc/collections/surveys/queryables").json()["properties"]
    assert "camera_trap" in known["design"]["enum"]
    assert {"effort_unit", "failed_days", "time_zone", "sharing_category", "locationID"} <= known.keys()
    assert "trap-night" in client.get(items, params={"f": "html"}).text
