"""No answer tells the exact place of a record that was made coarse; the search for it finds it where it is planted."""

import io
import math
import threading
import zipfile
from urllib.parse import urlencode

import polars as pl
import pytest
from starlette.testclient import TestClient

import leaks
import releases
from api.app import create_app
from biodata import sharing
from biodata.core import terms
from biodata.core.settings import Settings
from biodata.store.lake import Lake
from biodata.store.query.filters import Compare
from biodata.worker import work
from releases import GIBBON, SECRET_LATITUDE, SECRET_LONGITUDE, SECRET_WORDS

NEAR = 0.002
"""Degrees: closer than this to the secret place is a leak."""
SECRETS = [row for row in releases.secret_rows() if row["source_record_id"] != "TK-WITHHELD"]


def by_the_rules(frame: pl.DataFrame) -> pl.DataFrame:
    return sharing.publish(frame, sharing.RuleSet.read(None), boundaries=releases.neighbours())


def everything(frame: pl.DataFrame) -> pl.DataFrame:
    return terms.conform(frame.with_columns(sharing_category=pl.lit("open")), terms.PUBLISHED_OCCURRENCE)


@pytest.fixture(
    scope="module", params=[releases.publish, by_the_rules, everything], ids=["by hand", "rules", "control"]
)
def case(request, tmp_path_factory):
    """Give a client, and whether the secret is planted."""
    data = tmp_path_factory.mktemp("leaks")
    releases.make_release(data, [*releases.open_rows()[:30], *SECRETS], let_out=request.param)
    with TestClient(create_app(Settings(data=data)), base_url="http://test", raise_server_exceptions=False) as client:
        yield client, request.param is everything


PLACES = [leaks.Place("gibbon", latitude=SECRET_LATITUDE, longitude=SECRET_LONGITUDE)]


def told(text: str) -> list[str]:
    """Return the secret words of a text, and what in it is next to the secret place."""
    return [word for word in SECRET_WORDS if word in text] + [
        str(finding) for finding in leaks.scan(text.encode(), PLACES, name="answer")
    ]


def every_answer(client: TestClient) -> list[str]:
    search, items = "/v1/occurrence/search", "/ogc/collections/occurrences/items"
    keys = [f["id"] for f in client.get(items, params={"limit": 100, "species": GIBBON}).json()["features"]]
    assert keys
    facets = [
        ("facet", n) for n in ("recordedBy", "eventId", "month", "day", "occurrenceId", "catalogNumber", "mediaType")
    ]
    addresses = [
        f"{search}?limit=300",
        f"{search}?" + urlencode([*facets, ("limit", "0"), ("facetLimit", "1000")]),
        f"{items}?limit=1000",
        f"{items}?limit=1000&crs=http%3A%2F%2Fwww.opengis.net%2Fdef%2Fcrs%2FEPSG%2F0%2F4326",
        f"{items}?f=html&species=Nomascus+nasutus",
        *(f"/v1/occurrence/{key}" for key in keys),
        *(f"/v1/occurrence/{key}/verbatim" for key in keys),
        *(f"{items}/{key}" for key in keys),
        *(f"{items}/{key}?f=html" for key in keys),
    ]
    return [client.get(address).text for address in addresses]


def test_texts(case):
    client, planted = case
    found = [told(text) for text in every_answer(client)]
    if planted:
        assert all(found), "the search finds a planted secret in every format"
    else:
        assert not any(found)


def test_a_presence_has_a_key_of_its_own_and_a_sensitive_record_none(case, request):
    client, _ = case
    if request.node.callspec.id != "rules":
        return
    where = Compare("species", "=", GIBBON)
    with Lake.open(client.app.state.service.settings.data) as lake:
        own = lake.read("occurrences", columns=["key"], where=where)["key"].to_list()
    (presence,) = client.get("/v1/occurrence/search", params={"scientificName": GIBBON}).json()["results"]
    assert client.get(f"/v1/occurrence/{presence['key']}").json()["species"] == GIBBON
    assert {client.get(f"/v1/occurrence/{key}").status_code for key in own} == {404}


def unpacked(file: bytes) -> str:
    if file[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(file)) as packed:
            return "\n".join(packed.read(name).decode() for name in packed.namelist())
    if file[:4] == b"PAR1":
        return pl.read_parquet(io.BytesIO(file)).drop("geometry").write_ndjson()
    return file.decode("utf-8", "replace")


@pytest.mark.parametrize(
    "asked",
    [{"format": name} for name in ("dwca", "csv", "geoparquet", "gpkg", "geojson", "species-list")]
    + [{"format": "csv", "columns": "all"}]
    + [{"format": "cube", "grid": grid} for grid in ("eqdgc", "0.1", "10km")],
    ids=lambda asked: "-".join(asked.values()),
)
def test_downloads(case, asked):
    client, planted = case
    answer = client.post("/v1/downloads", params=asked)
    work(client.app.state.service.settings, stop=threading.Event(), once=True)
    state = client.get(answer.headers["location"])
    file = client.get(state.json()["file"]).content
    found = [word for word in SECRET_WORDS if word in unpacked(file)] + leaks.scan(file, PLACES, name="download")
    # Names, years and cells of some kilometres are told of every record, open or not.
    counted = asked["format"] in ("species-list", "cube")
    assert bool(found) == (planted and not counted)
    assert told(state.text) == []


def test_headers(case):
    client, planted = case
    for path in (
        "/v1/occurrence/search?species=Nomascus+nasutus&limit=1",
        "/ogc/collections/occurrences/items?limit=1",
    ):
        assert told(str(client.get(path).headers)) == []
    assert planted is not None


def secret_tile(zoom: int) -> tuple[int, int]:
    size = 1 << zoom
    latitude = math.radians(SECRET_LATITUDE)
    return int((SECRET_LONGITUDE / 360 + 0.5) * size), int((0.5 - math.asinh(math.tan(latitude)) / 2 / math.pi) * size)


@pytest.mark.parametrize("zoom", [8, 10, 12, 13, 14, 16, 18, 20])
def test_tiles(case, zoom):
    client, planted = case
    column, row = secret_tile(zoom)
    answer = client.get(f"/ogc/collections/occurrences/tiles/WebMercatorQuad/{zoom}/{row}/{column}")
    found = leaks.scan(answer.content, PLACES, name="tile", tile=(zoom, column, row))
    assert bool(found) == planted


BOX = f"{SECRET_LONGITUDE - NEAR},{SECRET_LATITUDE - NEAR},{SECRET_LONGITUDE + NEAR},{SECRET_LATITUDE + NEAR}"
W, S, E, N = (float(edge) for edge in BOX.split(","))
POLYGON = f"POLYGON(({W} {S}, {E} {S}, {E} {N}, {W} {N}, {W} {S}))"


@pytest.mark.parametrize("guess", [
    {"geometry": POLYGON},
    {"geoDistance": f"{SECRET_LATITUDE},{SECRET_LONGITUDE},300m"},
    {"decimalLatitude": f"{S},{N}"},
    {"decimalLongitude": f"{W},{E}"},
    {"month": "7"},
    {"day": "23"},
    {"eventDate": "2019-07-23"},
    {"eventDate": "2019-06,2019-08"},
    {"locality": "Trung Khanh ridge 7"},
    {"stateProvince": "Trung Khanh ridge 7"},
    {"habitat": "karst camp"},
    {"recordedBy": "Lan Hoang Thi"},
    {"occurrenceId": "TK-SECRET-1"},
    {"elevation": "731"},
    {"elevation": "700,800"},
    {"individualCount": "41"},
    {"q": "ridge 7"},
    {"q": "Lan Hoang"},
], ids=lambda g: urlencode(g)[:40])  # fmt: skip
def test_a_right_guess_is_not_confirmed(case, guess):
    client, planted = case
    asked = {**guess, "species": GIBBON, "limit": 0, "facet": "species"}
    body = client.get("/v1/occurrence/search", params=asked).json()
    if guess == {"stateProvince": "Trung Khanh ridge 7"}:
        assert body["count"] == 0
    else:
        assert (body["count"] > 0) == planted
        assert bool(body["facets"][0]["counts"]) == planted


@pytest.mark.parametrize("text", [
    f"S_INTERSECTS(geometry, {POLYGON})",
    f"S_INTERSECTS(geometry, BBOX({BOX}))",
    "month = 7",
    "eventDate = '2019-07-23'",
    "event_start >= DATE('2019-07-01')",
    "T_DURING(eventDate, INTERVAL('2019-07-01', '2019-07-31'))",
    "locality LIKE '%ridge%'",
    "recordedBy IS NOT NULL",
    "border_distance_m < 1000",
    "elevation > 700",
    "individualCount = 41",
    "occurrenceID LIKE 'TK%'",
])  # fmt: skip
def test_a_right_filter_is_not_confirmed(case, text):
    client, planted = case
    asked = {"filter": f"({text}) AND species = '{GIBBON}'"}
    assert (client.get("/ogc/collections/occurrences/items", params=asked).json()["numberMatched"] > 0) == planted


def test_a_box_finds_coarse_records_by_their_published_point_only(case):
    client, planted = case
    asked = {"bbox": BOX, "limit": 100}
    assert (client.get("/ogc/collections/occurrences/items", params=asked).json()["numberMatched"] > 0) == planted


@pytest.mark.parametrize(
    "column", ["source_file", "source_record_id", "located_country_code", "repairs", "v_locality", "hk", "mx"]
)
def test_columns_inside_are_no_filters(case, column):
    client, _ = case
    asked = {"filter": f"{column} IS NOT NULL"}
    assert client.get("/ogc/collections/occurrences/items", params=asked).json()["code"] == "COLUMN_UNKNOWN"
    assert client.get("/ogc/collections/occurrences/items", params={column: "1"}).json()["code"] == "PARAMETER_UNKNOWN"


def test_an_error_repeats_nothing_that_was_not_asked(case):
    client, planted = case
    for path in ("/v1/occurrence/search?eventDate=x", "/v1/occurrence/999999",
                 "/ogc/collections/occurrences/items?filter=x"):  # fmt: skip
        assert told(client.get(path).text) == []
    assert planted is not None
