"""Areas found by name in any language, uploaded, told, and searched within."""

import json

import pytest
import shapely

import releases
from api import areas, bodies

pytest_plugins = ("api_client",)
SEARCH = "/v1/occurrence/search"
ROWS = [row for row in releases.open_rows() if row["decimalLatitude"] is not None]


def count(client, area: str) -> int:
    answer = client.get(SEARCH, params={"withinArea": area, "limit": 0, "sharingCategory": "open"})
    assert answer.status_code == 200, answer.text
    return answer.json()["count"]


def inside(shape: shapely.Geometry) -> int:
    return sum(shapely.intersects_xy(shape, row["decimalLongitude"], row["decimalLatitude"]) for row in ROWS)


@pytest.mark.parametrize(("text", "area"), [
    pytest.param("云南", "CN-YN", id="Chinese"),
    pytest.param("雲南省", "CN-YN", id="Chinese, traditional, with its word for province"),
    pytest.param("ລາວ", "LA", id="Lao"),
    pytest.param("ประเทศไทย", None, id="a name that no area here has"),
    pytest.param("Cao Bang", "VN-04", id="Vietnamese without marks"),
    pytest.param("nam ha", "ha:nam-ha", id="a protected area"),
    pytest.param("Nam Ha – Shang", "c1", id="a corridor by its ends"),
])  # fmt: skip
def test_found_by_name(client, text, area):
    body = client.get("/v1/areas", params={"q": text, "limit": 300}).json()
    found = [row["id"] for row in body["results"]]
    assert (area in found) if area else found == []
    assert body["count"] == len(found)


def test_found_by_kind_and_country(client):
    body = client.get("/v1/areas", params={"kind": "protected_areas", "country": "老挝"}).json()
    assert {row["id"] for row in body["results"]} == {"ha:nam-ha", "ha:lost"}
    assert client.get("/v1/areas", params={"kind": "moon"}).status_code == 400


SHAPES = {
    "ha:nam-ha": shapely.Point(101.0, 20.6).buffer(0.2),
    "protected_areas:ha:shangyong": shapely.Point(101.4, 21.3).buffer(0.2),
    "c1": shapely.LineString([(101, 20.8), (101.4, 21.1)]).buffer(0.05),
    "corridors:run-1/c1": shapely.LineString([(101, 20.8), (101.4, 21.1)]).buffer(0.05),
    "run-1-1": shapely.box(100.9, 20.5, 101.6, 21.5),
}


@pytest.mark.parametrize("area", SHAPES)
def test_within_an_area_of_the_release(client, area):
    assert count(client, area) == inside(SHAPES[area]) > 0
    told = client.get(f"/v1/areas/{area}").json()
    assert shapely.from_geojson(json.dumps(told["geometry"])).equals(SHAPES[area])


def test_areas_are_alternatives(client):
    both = client.get(SEARCH, params={"withinArea": ["ha:nam-ha", "c1"], "sharingCategory": "open", "limit": 0}).json()[
        "count"
    ]
    assert both == inside(SHAPES["ha:nam-ha"] | SHAPES["c1"])


SQUARE = shapely.box(100, 20, 101, 21.5)


def test_an_uploaded_area(client):
    feature = {"type": "Feature", "properties": {"name": "my valley"},
               "geometry": json.loads(shapely.to_geojson(SQUARE))}  # fmt: skip
    answer = client.post("/v1/areas", json=feature)
    assert answer.status_code == 201
    body = answer.json()
    assert (body["name"], body["kind"], len(body["id"])) == ("my valley", "uploaded", 64)
    assert client.post("/v1/areas", json=feature["geometry"]).json()["id"] == body["id"], (
        "the same polygon, the same id"
    )
    assert count(client, body["id"]) == inside(SQUARE) > 0
    told = client.get(answer.headers["location"]).json()
    assert told["properties"]["name"] == "my valley"
    assert told["properties"]["polygon_area_km2"] == pytest.approx(17_300, rel=0.01)
    assert "citation" not in client.get("/v1/areas", params={"q": "my valley"}).text
    assert client.get("/v1/areas", params={"q": "my valley"}).json()["count"] == 0, "only who has the id finds it"


@pytest.mark.parametrize(("body", "status", "code"), [
    pytest.param("{", 400, "BODY_INVALID", id="no JSON"),
    pytest.param("[]", 400, "GEOMETRY_INVALID", id="a list"),
    pytest.param('{"type":"Point","coordinates":[0,0]}', 400, "GEOMETRY_INVALID", id="a point"),
    pytest.param('{"type":"Polygon","coordinates":[[[0,0],[1,1],[1,0],[0,1],[0,0]]]}', 400, "GEOMETRY_INVALID", id="a bow tie"),
    pytest.param(json.dumps({"type": "Polygon", "coordinates": [[[0, 0]] * (areas.VERTICES + 1)]}), 400, "GEOMETRY_INVALID", id="too many vertices"),
    pytest.param(" " * (bodies.BODY_LIMIT_BYTES + 1), 413, "BODY_TOO_LARGE", id="too large"),
    pytest.param("[" * 500_000, 400, "BODY_INVALID", id="a nest of lists"),
])  # fmt: skip
def test_what_is_no_area(client, body, status, code):
    answer = client.post("/v1/areas", content=body, headers={"content-type": "application/geo+json"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(("area", "status", "code"), [
    pytest.param("nowhere", 404, "AREA_MISSING", id="no such id"),
    pytest.param("f" * 64, 404, "AREA_MISSING", id="nothing uploaded"),
    pytest.param("protected_areas:c1", 404, "AREA_MISSING", id="of another kind"),
    pytest.param("ha:lost", 400, "PARAMETER_INVALID", id="without a polygon"),
])  # fmt: skip
def test_areas_that_cannot_be_searched(client, area, status, code):
    for answer in (client.get(SEARCH, params={"withinArea": area}), client.get(f"/v1/areas/{area}")):
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert answer.json()["expected"]
