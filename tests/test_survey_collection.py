"""The collection `surveys` of the service: effort and scope are there to be asked for, and a coarse event is not found by its place."""

import pytest
from starlette.testclient import TestClient

import releases as fixture
from api.app import create_app
from biodata import pipeline
from biodata.settings import Settings
from rule_files import put_rules
from survey_events import commit, event, seen
from test_survey_publishing import MUNTJAC, RULES, SECOND, TIGER

ITEMS = "/ogc/collections/surveys/items"


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    data = tmp_path_factory.mktemp("surveys") / "data"
    data.mkdir()
    put_rules(data, RULES)
    settings = Settings(data=data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())
        events = [event("a", effort_value=25.0), event("b", effort_value=12.5, **SECOND)]
        commit(data, events, [seen(1, TIGER, "a"), seen(2, MUNTJAC, "b", **SECOND)])
        pipeline.release(settings)
    with TestClient(create_app(settings), base_url="http://test", raise_server_exceptions=False) as found:
        yield found


def ask(client, **parameters):
    answer = client.get(ITEMS, params=parameters)
    assert answer.status_code == 200, answer.text
    return {feature["id"]: feature for feature in answer.json()["features"]}


def test_design_effort_and_scope_are_asked_for(client):
    assert len(ask(client)) == 2
    assert ask(client, filter="design = 'camera_trap' AND effort_value < 20").keys() == {"cameras:b"}
    assert len(ask(client, filter="A_CONTAINS(targetTaxonomicScope, ('Mammalia')) AND isAbsenceReported = TRUE")) == 2
    known = client.get("/ogc/collections/surveys/queryables").json()["properties"]
    assert "camera_trap" in known["design"]["enum"]
    assert {"effort_unit", "failed_days", "time_zone", "sharing_category", "locationID"} <= known.keys()
    assert "trap-night" in client.get(ITEMS, params={"f": "html"}).text


def test_a_coarse_event_has_every_property_and_tells_its_cell_alone(client):
    found = ask(client)
    (name,) = found.keys() - {"cameras:b"}
    told = found[name]
    assert told["properties"].keys() == found["cameras:b"]["properties"].keys()
    assert (told["properties"]["effort_value"], told["properties"]["records"]) == (20.0, None)
    assert told["geometry"]["type"] == "Polygon"
    same = client.get(f"{ITEMS}/{name}")
    assert same.status_code == 200
    assert same.json()["geometry"] == told["geometry"]


@pytest.mark.parametrize(
    "asked",
    [
        {"filter": "eventID = 'a'"},
        {"filter": "effort_value = 25"},
        {"filter": "time_zone = 'Asia/Vientiane' AND sharing_category <> 'open'"},
        {"filter": "samplingProtocol = 'camera trap' AND sharing_category <> 'open'"},
        {"filter": "event_start = DATE('2024-05-01') AND sharing_category <> 'open'"},
        {"filter": "S_WITHIN(geometry, BBOX(101.22, 20.53, 101.25, 20.56))"},
    ],
)
def test_a_right_guess_at_a_coarse_event_is_not_confirmed(client, asked):
    assert ask(client, **asked) == {}
