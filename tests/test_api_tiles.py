"""Vector tiles: what they hold, what is outside, and what a client need not ask again."""

import mapbox_vector_tile
import pytest

import releases

pytest_plugins = ("api_client",)

QUAD = "/ogc/collections/{}/tiles/WebMercatorQuad"


def decode(answer):
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    return mapbox_vector_tile.decode(answer.content)


def test_world_tile_counts_every_placed_record(client):
    layer = decode(client.get(QUAD.format("occurrences") + "/0/0/0"))["occurrences"]
    assert sum(f["properties"]["count"] for f in layer["features"]) == releases.OPEN + 2


@pytest.mark.parametrize("collection", ["protected_areas", "corridors", "reserve_candidates", "boundaries"])
def test_shapes(client, collection):
    layer = decode(client.get(QUAD.format(collection) + "/6/28/50"))[collection]
    assert layer["features"]


def test_row_comes_before_column(client):
    answer = client.get(QUAD.format("corridors") + "/6/50/28")
    assert not mapbox_vector_tile.decode(answer.content).get("corridors", {}).get("features")


@pytest.mark.parametrize("tile", ["0/1/0", "3/8/0", "21/0/0", "30/0/0", "-1/0/0", "2/-1/0"])
def test_outside(client, tile):
    answer = client.get(QUAD.format("occurrences") + f"/{tile}")
    assert (answer.status_code, answer.json()["code"]) == (404, "TILE_UNKNOWN")


@pytest.mark.parametrize("tile", ["1.5/0/0", "a/0/0", "1/0/0x", "1/٣/0", "1/0/99999999999999999999"])
def test_malformed(client, tile):
    assert client.get(QUAD.format("occurrences") + f"/{tile}").status_code == 400


def test_no_such_collection(client):
    assert client.get(QUAD.format("moons") + "/0/0/0").status_code == 404


def test_a_second_request_costs_nothing(client):
    path = QUAD.format("occurrences") + "/4/7/12"
    first = client.get(path)
    assert first.headers["cache-control"] == "public, max-age=60"
    again = client.get(path, headers={"if-none-match": f'"other", W/{first.headers["etag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


def test_tiles_of_a_named_release_may_be_kept(client):
    told = client.get(QUAD.format("occurrences") + "/tilejson.json").json()
    assert told["vector_layers"][0]["id"] == "occurrences"
    answer = client.get(told["tiles"][0].format(z=4, y=7, x=12))
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


def test_a_release_that_is_gone(client):
    answer = client.get(QUAD.format("occurrences") + "/0/0/0", params={"release": "r000001-0000000000"})
    assert (answer.status_code, answer.json()["code"]) == (410, "RELEASE_GONE")


def test_tile_sets(client):
    told = client.get("/ogc/collections/occurrences/tiles").json()["tilesets"][0]
    item = next(entry for entry in told["links"] if entry["rel"] == "item")
    address = item["href"].replace("{tileMatrix}", "4").replace("{tileRow}", "7").replace("{tileCol}", "12")
    assert decode(client.get(address))["occurrences"]["features"]
    assert client.get(QUAD.format("occurrences")).json() == told
