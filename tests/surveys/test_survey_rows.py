"""Surveys of a release: events with a method, of open records only, by hand from the rows that were published."""

from datetime import date

import pytest
import shapely
from pyproj import Geod
from starlette.testclient import TestClient

import releases
from api.app import create_app
from biodata.core.settings import Settings

GEOD = Geod(ellps="WGS84")
FEW = releases.open_rows()[:12]


def events():
    """Return records of events: one in several places, one in one, one without a method, one of a place of no known radius."""
    told = []
    for n, row in enumerate(FEW):
        event = ("transect 1", "trap 7", None)[n % 3]
        method = {"transect 1": "line transect", "trap 7": "camera trap"}.get(event)
        place = {} if event != "trap 7" else {"decimalLatitude": 21.5, "decimalLongitude": 101.5}
        told.append({**row, "datasetKey": "field-notes", "eventID": event, "samplingProtocol": method, **place})
    told[9]["samplingProtocol"] = None
    secret = {**releases.secret_rows()[0], "datasetKey": "field-notes", "eventID": "secret",
              "samplingProtocol": "camera trap"}  # fmt: skip
    bare = {**FEW[11], "datasetKey": "field-notes", "occurrenceID": "bare", "source_record_id": "bare",
            "eventID": "bare", "samplingProtocol": "camera trap", "coordinateUncertaintyInMeters": None}  # fmt: skip
    return [*told, secret, bare]


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    data = tmp_path_factory.mktemp("surveys")
    releases.make_release(data, events())
    with TestClient(create_app(Settings(data=data)), base_url="http://test", raise_server_exceptions=False) as found:
        yield found


def ask(client, **parameters):
    answer = client.get("/ogc/collections/surveys/items", params=parameters)
    assert answer.status_code == 200, answer.text
    return {f["id"]: f for f in answer.json()["features"]}


def test_events_with_a_method(client):
    found = ask(client)
    assert found.keys() == {f"field-notes:{event}" for event in ("transect 1", "trap 7", "bare")}, (
        "a generalised record tells no event"
    )
    rows = [row for row in events() if row["eventID"] == "transect 1" and row["samplingProtocol"]]
    told = found["field-notes:transect 1"]["properties"]
    assert (told["records"], told["species"]) == (len(rows), len({r["species"] for r in rows}))
    assert told["event_start"] == min(r["event_start"] for r in rows).isoformat()
    assert told["event_end"] == max(r["event_end"] for r in rows).isoformat()
    assert set(told["country_codes"]) == {code for r in rows for code in r["country_codes"]}


def test_places(client):
    found = ask(client)
    assert found["field-notes:trap 7"]["geometry"] == {"type": "Point", "coordinates": [101.5, 21.5]}
    rows = [row for row in events() if row["eventID"] == "transect 1" and row["samplingProtocol"]]
    line = shapely.geometry.shape(found["field-notes:transect 1"]["geometry"])
    assert line.bounds == pytest.approx(
        (min(r["decimalLongitude"] for r in rows), min(r["decimalLatitude"] for r in rows),
         max(r["decimalLongitude"] for r in rows), max(r["decimalLatitude"] for r in rows))
    )  # fmt: skip


def test_days(client):
    first = min(r["event_start"] for r in FEW)
    assert first == date(1998, 1, 1)
    assert ask(client, datetime="1998-01-01").keys() == {"field-notes:transect 1"}
    assert ask(client, datetime="../1997-12-31") == {}
    assert ask(client, filter="T_BEFORE(event_start, DATE('1998-06-01'))").keys() == {"field-notes:transect 1"}
    extent = client.get("/ogc/collections/surveys").json()["extent"]["temporal"]["interval"][0]
    assert extent[0] == "1998-01-01T00:00:00Z"


def test_the_circle_around_an_event_holds_the_circles_of_its_records(client):
    found = ask(client)
    for event in ("trap 7", "transect 1"):
        rows = [row for row in events() if row["eventID"] == event and row["samplingProtocol"]]
        radius = found[f"field-notes:{event}"]["properties"]["coordinateUncertaintyInMeters"]
        west, south, east, north = shapely.geometry.shape(found[f"field-notes:{event}"]["geometry"]).bounds
        middle = ((west + east) / 2, (south + north) / 2)
        farthest = max(GEOD.inv(*middle, r["decimalLongitude"], r["decimalLatitude"])[2] for r in rows)
        widest = max(row["coordinateUncertaintyInMeters"] for row in rows)
        if event == "trap 7":
            assert radius == widest
        else:
            assert farthest < radius <= GEOD.inv(*middle, east, north)[2] * 1.01 + widest + 1


def test_a_record_without_an_uncertainty_leaves_its_event_without(client):
    found = ask(client)
    assert found["field-notes:bare"]["properties"]["coordinateUncertaintyInMeters"] is None
    assert found["field-notes:trap 7"]["properties"]["coordinateUncertaintyInMeters"] is not None
