"""Vector tiles: what they hold, what is outside, and what a client need not ask again."""

import mapbox_vector_tile
import pytest

import releases

pytest_plugins = ("api_client",)
QUAD = "/ogc/collections/{}/tiles/WebMercatorQuad"


def ask(client, tile, collection="occurrences", **more):
    return client.get(QUAD.format(collection) + f"/{tile}", **more)


def decode(answer):
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    return mapbox_vector_tile.decode(answer.content)


def test_world_tile_counts_every_placed_record(client):
    layer = decode(client.get(QUAD.format("occurrences") + "/0/0/0"))["occurrences"]
    assert sum(f["properties"]["count"] for f in layer["features"]) == releases.OPEN + 2


@pytest.mark.parametrize(
    "collection", ["protected_areas", "corridors", "reserve_candidates", "considered_ground", "boundaries"]
)
def test_shapes(client, collection):
    assert decode(ask(client, "6/28/50", collection))[collection]["features"]


def test_row_comes_before_column(client):
    answer = ask(client, "6/50/28", "corridors")
    assert not mapbox_vector_tile.decode(answer.content).get("corridors", {}).get("features")


@pytest.mark.parametrize("tile", ["0/1/0", "3/8/0", "21/0/0", "30/0/0", "-1/0/0", "2/-1/0"])
def test_outside(client, tile):
    answer = ask(client, tile)
    assert (answer.status_code, answer.json()["code"]) == (404, "TILE_UNKNOWN")


@pytest.mark.parametrize(("collection", "tile", "status"), [
    *[("occurrences", tile, 400) for tile in ("1.5/0/0", "a/0/0", "1/0/0x", "1/٣/0", "1/0/99999999999999999999")],
    ("moons", "0/0/0", 404),
])  # fmt: skip
def test_malformed_and_of_no_collection(client, collection, tile, status):
    assert ask(client, tile, collection).status_code == status


def test_a_second_request_costs_nothing(client):
    path = QUAD.format("occurrences") + "/4/7/12"
    first = client.get(path)
    assert first.headers["cache-control"] == "public, max-age=60"
    again = client.get(path, headers={"if-none-match": f'"other", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


def test_tiles_of_a_named_release_may_be_kept_for_minutes(client):
    path = QUAD.format("occurrences") + "/tilejson.json"
    release = client.get(path).headers["x-biodata-release"]
    told = client.get(path, params={"release": release}).json()
    assert told["vector_layers"][0]["id"] == "occurrences"
    answer = client.get(told["tiles"][0].format(z=4, y=7, x=12))
    assert answer.headers["cache-control"] == "public, max-age=600", "a tile may tell what is hidden tomorrow"


def test_a_layer_that_is_saved_goes_on_with_the_next_release(client):
    (told,) = client.get(QUAD.format("occurrences") + "/tilejson.json").json()["tiles"]
    assert "release" not in told
    answer = client.get(told.format(z=4, y=7, x=12))
    assert answer.headers["cache-control"] == "public, max-age=60"
    assert decode(answer)["occurrences"]["features"]


@pytest.mark.parametrize(("what", "release", "status", "code"), [
    ("tilejson.json", "r000001-0000000000", 410, "RELEASE_GONE"), ("tilejson.json", "now", 400, None),
    ("0/0/0", "r000001-0000000000", 410, "RELEASE_GONE"),
])  # fmt: skip
def test_a_release_that_is_not_open(client, what, release, status, code):
    answer = ask(client, what, params={"release": release})
    assert (answer.status_code, answer.json()["code"] if code else None) == (status, code)


def test_tile_sets(client):
    told = client.get("/ogc/collections/occurrences/tiles").json()["tilesets"][0]
    item = next(entry for entry in told["links"] if entry["rel"] == "item")
    address = item["href"].replace("{tileMatrix}", "4").replace("{tileRow}", "7").replace("{tileCol}", "12")
    assert decode(client.get(address))["occurrences"]["features"]
    assert client.get(QUAD.format("occurrences")).json() == told
    scheme = next(entry["href"] for entry in told["links"] if entry["rel"].endswith("/tiling-scheme"))
    assert client.get(scheme).json()["uri"] == told["tileMatrixSetURI"]


def points(answer):
    return decode(answer).get("occurrences", {}).get("features", [])


@pytest.mark.parametrize("zoom", ["3/3/6", "9/225/402"])
def test_tiles_take_the_search_s_parameters(client, zoom):
    path = QUAD.format("occurrences") + f"/{zoom}"
    parameters = {"class": "Aves", "year": "2003,2010"}
    found = points(client.get(path, params=parameters))
    every = points(client.get(path))
    assert 0 < sum(f["properties"]["count"] for f in found) < sum(f["properties"]["count"] for f in every)
    if zoom.startswith("3"):
        counted = client.get("/v1/occurrence/count", params={**parameters, "hasCoordinate": "true"}).json()
        assert sum(f["properties"]["count"] for f in found) == counted
    else:
        assert all(f["properties"]["class"] == "Aves" and 2003 <= f["properties"]["year"] <= 2010 for f in found)


def test_what_a_tile_tells_is_chosen_and_has_a_tag_of_its_own(client):
    path = QUAD.format("occurrences") + "/9/225/402"
    chosen = client.get(path, params={"properties": "key,taxonKey,year"})
    assert {frozenset(f["properties"]) for f in points(chosen)} == {frozenset(("key", "taxonKey", "year"))}
    tags = {client.get(path, params=p).headers["etag"] for p in ({}, {"properties": "key"}, {"year": "2004"})}
    assert len(tags | {chosen.headers["etag"]}) == 4


@pytest.mark.parametrize(("collection", "parameters", "code"), [
    pytest.param("occurrences", {"properties": "key,moons"}, "PARAMETER_INVALID", id="no such column"),
    pytest.param("occurrences", {"properties": "quality_flags"}, "PARAMETER_INVALID", id="a list"),
    pytest.param("occurrences", {"moons": "1"}, "PARAMETER_UNKNOWN", id="no parameter of the search"),
    pytest.param("corridors", {"year": "2004"}, "PARAMETER_UNKNOWN", id="a filter of occurrences"),
])  # fmt: skip
def test_what_a_tile_cannot_take(client, collection, parameters, code):
    answer = client.get(QUAD.format(collection) + "/6/28/50", params=parameters)
    assert (answer.status_code, answer.json()["code"]) == (400, code)
