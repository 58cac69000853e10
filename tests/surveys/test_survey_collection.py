"""The collection `surveys` of the service: effort and scope are there to be asked for, and only open records are counted."""

import pytest
from starlette.testclient import TestClient

import releases as fixture
from api.app import create_app
from biodata import pipeline
from biodata.core.settings import Settings
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
        records = [seen(1, TIGER, "a"), seen(3, MUNTJAC, "a"), seen(2, MUNTJAC, "b", **SECOND)]
        commit(data, events, records)
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


def test_an_event_counts_its_open_records_alone(client):
    found = ask(client)
    assert [one["properties"]["records"] for one in found.values()] == [1, 1]
    assert "tigris" not in client.get(ITEMS).text
