"""OGC API Features: what GDAL, QGIS and OWSLib need, boxes, dates, CQL2, coordinate systems, pages for people."""

from urllib.parse import urlsplit

import numpy as np
import orjson
import pyproj
import pytest
import shapely

import releases
from api.collections import COLLECTIONS as SERVED
from case_tables import cases
from releases import GIBBON

pytest_plugins = ("api_client",)
COLLECTIONS = ("occurrences", "protected_areas", "corridors", "reserve_candidates", "considered_ground", "surveys",
               "boundaries")  # fmt: skip
ITEMS = "/ogc/collections/{}/items"
EPSG4326 = "http://www.opengis.net/def/crs/EPSG/0/4326"
EPSG4490 = "http://www.opengis.net/def/crs/EPSG/0/4490"
PLACED = [r for r in releases.open_rows() if r["decimalLatitude"] is not None]
ROWS = [*releases.open_rows(), *releases.secret_rows()[:2]]


def items(client, collection="occurrences", **parameters):
    answer = client.get(ITEMS.format(collection), params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("path", ["/ogc", "/ogc/"])
def test_landing_with_and_without_a_slash(client, path):
    answer = client.get(path, follow_redirects=False)
    assert answer.status_code == 200
    assert {entry["rel"] for entry in answer.json()["links"]} >= {
        "self", "service-desc", "service-doc", "conformance", "data",
    }  # fmt: skip


def test_the_grid_of_tiles_is_told_here(client):
    """By the definition of OGC's Tile Matrix Set 2.0, annex D: http://www.opengis.net/doc/IS/tms/2.0"""
    links = {entry["rel"]: entry["href"] for entry in client.get("/ogc").json()["links"]}
    (listed,) = client.get(links["http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes"]).json()["tileMatrixSets"]
    found = client.get(listed["links"][0]["href"]).json()
    assert {name: found[name] for name in ("id", "uri", "crs")} == {name: listed[name] for name in ("id", "uri", "crs")}
    first, last = found["tileMatrices"][0], found["tileMatrices"][20]
    assert first["scaleDenominator"] == pytest.approx(559082264.028717, rel=1e-12)
    assert first["cellSize"] == pytest.approx(156543.033928041, rel=1e-12)
    assert first["pointOfOrigin"] == pytest.approx([-20037508.3427892, 20037508.3427892])
    assert (last["id"], last["matrixWidth"], last["matrixHeight"]) == ("20", 2**20, 2**20)
    assert last["scaleDenominator"] == pytest.approx(533.182395962445, rel=1e-12)
    assert client.get(listed["links"][0]["href"], params={"x": "1"}).status_code == 400


def test_conformance(client):
    classes = client.get("/ogc/conformance").json()["conformsTo"]
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core" in classes
    assert "http://www.opengis.net/spec/cql2/1.0/conf/cql2-text" in classes


def test_every_link_of_the_collections_answers(client):
    for collection in client.get("/ogc/collections").json()["collections"]:
        for entry in collection["links"]:
            answer = client.get(entry["href"])
            assert answer.status_code == 200, entry
            assert answer.headers["content-type"].startswith(entry["type"]), entry


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_collection(client, collection):
    body = client.get(f"/ogc/collections/{collection}").json()
    assert body["itemType"] == "feature"
    west, south, east, north = body["extent"]["spatial"]["bbox"][0]
    assert -180 <= west <= east <= 180
    assert -90 <= south <= north <= 90


def test_extent_of_occurrences(client):
    extent = client.get("/ogc/collections/occurrences").json()["extent"]
    assert extent["temporal"]["interval"] == [["1998-01-01T00:00:00Z", "2019-12-31T23:59:59Z"]]
    assert extent["spatial"]["bbox"][0][0] == 100


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_every_property_stands_in_every_feature(client, collection):
    schema = client.get(f"/ogc/collections/{collection}/schema").json()["properties"]
    features = items(client, collection, limit=400)["features"]
    assert features or collection == "surveys", "the small release has none"
    for feature in features:
        assert feature["type"] == "Feature"
        assert feature["properties"].keys() == schema.keys() - {"geometry"}


def test_page(client):
    answer = client.get(ITEMS.format("occurrences"), params={"limit": 5})
    assert answer.headers["content-type"] == "application/geo+json"
    assert answer.headers["content-crs"] == "<http://www.opengis.net/def/crs/OGC/1.3/CRS84>"
    body = answer.json()
    assert (body["numberMatched"], body["numberReturned"], len(body["features"])) == (len(ROWS), 5, 5)
    assert body["timeStamp"].endswith("Z")


def test_pages_follow_next_to_the_end(client):
    seen, address = [], ITEMS.format("occurrences") + "?limit=100"
    while address:
        body = client.get(address).json()
        seen += [f["id"] for f in body["features"]]
        following = [entry["href"] for entry in body["links"] if entry["rel"] == "next"]
        address = following[0] if following else None
    assert len(seen) == len(set(seen)) == len(ROWS)


def test_limit_above_the_maximum_is_cut(client):
    assert items(client, limit=10**9)["numberReturned"] == len(ROWS)


def test_geometries(client):
    corridor, without = items(client, "corridors")["features"]
    shape = shapely.from_geojson(orjson.dumps(corridor["geometry"]))
    assert shape.area == pytest.approx(shapely.LineString([(101, 20.8), (101.4, 21.1)]).buffer(0.05).area)
    assert corridor["properties"]["path"] == {"type": "LineString", "coordinates": [[101, 20.8], [101.4, 21.1]]}
    assert corridor["properties"]["evidence"] == {"seed": 7}
    told = without["properties"]
    assert (without["geometry"], told["path"], told["functional"]) == (None, None, False)


@pytest.mark.parametrize("system", [EPSG4326, EPSG4490])
def test_latitude_first(client, system):
    first = items(client, "corridors", crs=system)["features"][0]
    assert first["properties"]["path"]["coordinates"][0] == [20.8, 101.0]
    point = items(client, limit=1, occurrenceID="FN-40", crs=system)["features"][0]["geometry"]["coordinates"]
    assert point == [pytest.approx(20 + 8 * 0.11), pytest.approx(100.37)]


def inside(row, west, south, east, north):
    return west <= row["decimalLongitude"] <= east and south <= row["decimalLatitude"] <= north


@pytest.mark.parametrize(("parameters", "holds"), [
    pytest.param({"bbox": "101,20.5,102,21.5"}, lambda r: inside(r, 101, 20.5, 102, 21.5), id="a box"),
    pytest.param({"bbox": "101,20.5,0,102,21.5,9"}, lambda r: inside(r, 101, 20.5, 102, 21.5), id="a box with heights"),
    pytest.param({"bbox": "20.5,101,21.5,102", "bbox-crs": EPSG4326}, lambda r: inside(r, 101, 20.5, 102, 21.5), id="latitude first"),
    pytest.param({"bbox": "104,-90,100,90"}, lambda r: r["decimalLongitude"] <= 100 or r["decimalLongitude"] >= 104, id="over the 180th meridian"),
    pytest.param({"datetime": "2005-01-01T00:00:00Z/2006-12-31"}, lambda r: r["year"] in (2005, 2006), id="two years"),
    pytest.param({"datetime": "../1999"}, lambda r: r["year"] <= 1999, id="up to a year"),
    pytest.param({"countryCode": "LA", "year": "2004"}, lambda r: r["countryCode"] == "LA" and r["year"] == 2004, id="properties"),
    pytest.param({"country_codes": "CN"}, lambda r: "CN" in r["country_codes"], id="a list that holds it"),
    pytest.param({"filter": "year > 2010 AND species = 'Lophura nycthemera'"}, lambda r: r["year"] > 2010 and r["class"] == "Aves", id="CQL2 text"),
    pytest.param({"filter": "S_INTERSECTS(geometry, POLYGON((100 20, 101 20, 101 21, 100 21, 100 20)))"},
                 lambda r: inside(r, 100, 20, 101, 21), id="CQL2 polygon"),
    pytest.param({"filter-lang": "cql2-json", "filter": '{"op":"in","args":[{"property":"month"},[1,2]]}'},
                 lambda r: r["month"] in (1, 2), id="CQL2 JSON"),
    pytest.param({"filter": "T_INTERSECTS(eventDate, INTERVAL('2001-01-01', '2001-05-31'))"},
                 lambda r: r["year"] == 2001 and r["month"] <= 5, id="CQL2 time"),
    pytest.param({"filter": "CASEI(locality) LIKE casei('o''reilly%')"}, lambda r: True, id="CQL2 text in any case"),
])  # fmt: skip
def test_filters(client, parameters, holds):
    features = items(client, limit=1000, sharing_category="open", **parameters)["features"]
    found = {f["properties"]["occurrenceID"] for f in features if f["geometry"]}
    assert found == {r["occurrenceID"] for r in PLACED if holds(r)}
    assert found


def test_year_only_records_answer_to_their_year(client):
    assert items(client, datetime="2019-02-03", species=GIBBON)["numberMatched"] == 2
    assert items(client, datetime="2018", species=GIBBON)["numberMatched"] == 0


def test_item(client):
    one = items(client, limit=1)["features"][0]
    found = client.get(ITEMS.format("occurrences") + f"/{one['id']}").json()
    assert found["properties"] == one["properties"]
    assert {entry["rel"] for entry in found["links"]} >= {"self", "collection"}


@pytest.mark.parametrize(("path", "parameters", "status", "code"), cases("api_features", "test_refused"))
def test_refused(client, path, parameters, status, code):
    answer = client.get(path or ITEMS.format("occurrences"), params=parameters)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_cursor_of_another_collection(client):
    following = next(e["href"] for e in items(client, limit=1)["links"] if e["rel"] == "next")
    query = urlsplit(following).query
    assert client.get(f"/ogc/collections/boundaries/items?{query}").json()["code"] == "CURSOR_INVALID"


def test_options_tells_that_nothing_can_be_changed(client):
    answer = client.options(ITEMS.format("occurrences"))
    assert (answer.status_code, answer.headers["allow"]) == (204, "GET, HEAD, OPTIONS")


@pytest.mark.parametrize(("accept", "kind"), [
    ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html"),
    ("application/geo+json, application/json;q=0.9", "application/geo+json"),
    ("*/*", "application/geo+json"),
    ("", "application/geo+json"),
    ("text/html;q=0.5, application/json", "application/geo+json"),
    ("application/json;q=0, text/*", "text/html"),
    ("application/xml", None),
    ("image/png, application/json;q=0", None),
])  # fmt: skip
def test_what_is_accepted(client, accept, kind):
    answer = client.get(ITEMS.format("corridors"), headers={"accept": accept})
    if kind is None:
        assert (answer.status_code, answer.json()["code"]) == (406, "NOT_ACCEPTABLE")
        assert answer.headers["content-type"] == "application/problem+json"
        told = client.get(ITEMS.format("corridors"), params={"f": "json"}, headers={"accept": accept})
        assert told.status_code == 200
    else:
        assert answer.headers["content-type"].startswith(kind)
        assert "Accept" in [name.strip() for name in answer.headers["vary"].split(",")]


def test_pages_by_offset_lead_both_ways(client):
    def links(body):
        return {entry["rel"]: entry["href"] for entry in body["links"]}

    first = items(client, limit=100, countryCode="LA")
    assert "prev" not in links(first)
    for offset in (100, 30):
        page = items(client, limit=100, offset=offset, countryCode="LA")
        before = client.get(links(page)["prev"]).json()
        assert [f["id"] for f in before["features"]] == [f["id"] for f in first["features"]][:offset]


EPSG = "http://www.opengis.net/def/crs/EPSG/0/"


@pytest.mark.parametrize("code", [3857, 6933])
@pytest.mark.parametrize("collection", ["occurrences", "corridors"])
def test_projected_systems(client, collection, code):
    moved = pyproj.Transformer.from_crs(4326, code, always_xy=True)
    answer = client.get(ITEMS.format(collection), params={"crs": f"{EPSG}{code}", "limit": 50})
    assert answer.headers["content-crs"] == f"<{EPSG}{code}>"
    degrees = items(client, collection, limit=50)["features"]
    for told, plain in zip(answer.json()["features"], degrees, strict=True):
        assert told["id"] == plain["id"]
        assert (told["geometry"] is None) == (plain["geometry"] is None)
        if told["geometry"] is None:
            continue
        ours, theirs = (
            shapely.get_coordinates(shapely.from_geojson(orjson.dumps(g["geometry"]))) for g in (told, plain)
        )
        expected = np.column_stack(moved.transform(theirs[:, 0], theirs[:, 1]))
        assert ours == pytest.approx(expected, abs=0.001)
    one = client.get(ITEMS.format(collection) + f"/{degrees[0]['id']}", params={"crs": f"{EPSG}{code}"})
    assert one.json()["geometry"] == answer.json()["features"][0]["geometry"]


@pytest.mark.parametrize("code", [3857, 6933])
def test_a_box_and_a_filter_in_a_projected_system(client, code):
    moved = pyproj.Transformer.from_crs(4326, code, always_xy=True)
    corners = [*moved.transform(101.0, 20.6), *moved.transform(102.5, 21.9)]
    left, bottom, right, top = (
        round(c, 2) for c in (min(corners[0::2]), min(corners[1::2]), max(corners[0::2]), max(corners[1::2]))
    )

    def holds(row):
        x, y = moved.transform(row["decimalLongitude"], row["decimalLatitude"])
        return left <= x <= right and bottom <= y <= top

    expected = {r["occurrenceID"] for r in PLACED if holds(r)}
    for parameters in (
        {"bbox": f"{left},{bottom},{right},{top}", "bbox-crs": f"{EPSG}{code}"},
        {"filter": f"S_INTERSECTS(geometry, BBOX({left}, {bottom}, {right}, {top}))", "filter-crs": f"{EPSG}{code}"},
    ):
        found = items(client, sharing_category="open", limit=1000, **parameters)["features"]
        assert {f["properties"]["occurrenceID"] for f in found} == expected
    ring = f"{left} {bottom}, {right} {bottom}, {right} {top}, {left} {top}, {left} {bottom}"
    inside = {"filter": f"S_WITHIN(geometry, POLYGON(({ring})))", "filter-crs": f"{EPSG}{code}"}
    assert items(client, "protected_areas", **inside)["numberMatched"] >= 0
    assert expected


def test_a_filter_with_the_latitude_first(client):
    square = "POLYGON((20.5 100.5, 20.5 102, 22 102, 22 100.5, 20.5 100.5))"
    asked = {"filter": f"S_WITHIN(geometry, {square})", "filter-crs": EPSG4326, "sharing_category": "open",
             "limit": 1000}  # fmt: skip
    found = {f["properties"]["occurrenceID"] for f in items(client, **asked)["features"]}
    assert found == {
        r["occurrenceID"] for r in PLACED if 100.5 < r["decimalLongitude"] < 102 and 20.5 < r["decimalLatitude"] < 22
    }


def test_queryables_tell_types_and_closed_lists(client):
    told = client.get("/ogc/collections/occurrences/queryables").json()["properties"]
    assert told["year"]["type"] == "integer"
    assert told["event_start"]["format"] == "date"
    assert told["country_codes"] == {**told["country_codes"], "type": "array", "items": {"type": "string"}}
    assert "HUMAN_OBSERVATION" in told["basisOfRecord"]["enum"]
    for feature in items(client, limit=1000)["features"]:
        for name, schema in told.items():
            if "enum" in schema and feature["properties"][name] is not None:
                assert feature["properties"][name] in schema["enum"]


def test_examples_of_filters_find_something(client):
    for collection, filter_ in ((c.id, c.example) for c in SERVED.values()):
        answer = client.get(ITEMS.format(collection), params={"filter": filter_})
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    "path",
    ["/ogc", "/ogc/conformance", "/ogc/collections", "/ogc/collections/corridors", "/ogc/collections/occurrences/queryables",
     "/ogc/collections/corridors/schema", ITEMS.format("reserve_candidates"),
     ITEMS.format("reserve_candidates") + "/run-1-1"],
)  # fmt: skip
def test_pages_for_people(client, path):
    for answer in (client.get(path, params={"f": "html"}), client.get(path, headers={"accept": "text/html,*/*"})):
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert "<b>species" not in answer.text, "what data holds is text, not markup"
        assert "<script" not in answer.text


def test_the_largest_limit_stands_where_gdal_looks(client):
    document = client.get("/ogc/api").json()
    parameters = document["paths"]["/collections/occurrences/items"]["get"]["parameters"]
    assert next(p for p in parameters if p["name"] == "limit")["schema"]["maximum"] == 10_000


def test_the_collection_of_boundaries_names_the_set(client):
    told = client.get("/ogc/collections/boundaries").json()["boundarySet"]
    assert set(told) == {"boundary_set", "boundary_version", "viewpoint", "band_m"}
    assert told["boundary_set"] in client.get("/ogc/collections/boundaries?f=html").text
    assert "boundarySet" not in client.get("/ogc/collections/corridors").json()
