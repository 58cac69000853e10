"""Hidden records change nothing of what goes out: no text, no flag, no link, no order, no count tells of them."""

import logging
from urllib.parse import urlencode

import polars as pl
import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

import leaks
from api.app import create_app
from biodata.cli import app
from biodata.core import terms
from biodata.exports import write
from biodata.sharing.publish import LINKS, MARKED
from biodata.store import releases
from hidden_records import HAND_MADE, INSTITUTE, PLACES, RULES, SEAT, SECRET_WORDS, installation, rows, seen, told

NO_RULES = "rule_id,category,reason\n"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return installation(tmp_path_factory.mktemp("whole"), RULES, with_hidden=True)


@pytest.fixture(scope="module")
def without(tmp_path_factory):
    return installation(tmp_path_factory.mktemp("without"), RULES, with_hidden=False)


@pytest.mark.attacks  # 24 MB are read for every place; `test_pipeline` reads the release of its own for one
def test_the_release_file_tells_no_hidden_place(whole):
    assert leaks.scan_file(releases.current(whole.data).path, PLACES) == []
    text = rows(whole).write_ndjson()
    assert [word for word in SECRET_WORDS if word in text] == []


def test_control_without_rules_the_scanner_finds_every_place(tmp_path):
    settings = installation(tmp_path, NO_RULES, with_hidden=True)
    found = {f.place for f in leaks.scan_frame(rows(settings), PLACES, name="occurrences")}
    # What is declared in another datum lies some 500 m away from the numbers as told.
    assert found >= set(HAND_MADE) - {"exact"}


def test_a_hidden_record_has_no_flag_issue_or_link_that_tells_its_place(whole):
    coarse = rows(whole).filter(pl.col("sharing_category") != "open")
    assert coarse.height
    assert coarse["quality_flags"].null_count() == coarse.height
    precise = [c.name for c in terms.PUBLISHED_OCCURRENCE if c.reach is terms.Reach.PRECISE]
    assert {"source_issues", "cluster_id", "isInCluster"} <= set(precise)
    assert coarse.select(pl.col(precise).count()).row(0) == (0,) * len(precise)
    assert set(coarse.filter(pl.col("decimalLatitude").is_not_null())["geodeticDatum"]) == {"WGS84"}
    assert coarse.filter(pl.col("datasetKey") == "declared")["coordinateUncertaintyInMeters"].n_unique() <= 2


def test_without_the_hidden_records_the_open_ones_are_the_same_in_the_same_order(whole, without):
    """Keys are random, and numbers of a source are marks beside presences: a link is compared by the place that it leads to."""
    both = []
    for settings in (whole, without):
        frame = rows(settings).filter(pl.col("sharing_category") == "open")
        frame = frame.filter(pl.col("datasetKey").is_in(["field", "museum"]))
        names = dict(frame.select("key", pl.format("{} {}", "datasetKey", "decimalLatitude")).iter_rows())
        # Several records of one published place stand in the order of their keys.
        frame = frame.with_columns(cluster_id=pl.col("cluster_id").replace_strict(names, return_dtype=pl.String))
        both.append(frame.drop("key", *MARKED, *LINKS).sort("decimalLatitude", "decimalLongitude", "datasetKey"))
    assert both[0].height == both[1].height == sum(map(len, seen().values()))
    assert both[0].equals(both[1])
    assert both[0]["cluster_id"].count() > 0, "there are links that could tell"


def test_keys_tell_no_order_of_rows(whole):
    frame = rows(whole).filter(pl.col("datasetKey") == "field")
    assert frame["key"].min() >= 0
    assert frame["key"].max() < 2**53
    assert frame["occurrenceID"].drop_nulls().str.contains("^[0-9a-f]{16}$").all(), "nor do marks"
    numbers = frame.filter(species="Lophura nycthemera").sort("decimalLatitude")["key"].to_list()
    assert len(numbers) > 30
    assert numbers != sorted(numbers)


@pytest.fixture(scope="module")
def client(whole):
    with TestClient(create_app(whole), base_url="http://test", raise_server_exceptions=False) as opened:
        yield opened


SEARCH, ITEMS = "/v1/occurrence/search", "/ogc/collections/occurrences/items"
FACETS = "issue month day stateProvince locality recordedBy isInCluster organismId otherCatalogNumbers eventId".split()


@pytest.mark.parametrize("address", [
    f"{SEARCH}?limit=300&speciesKey=1",
    f"{SEARCH}?limit=300&species=Nomascus+nasutus",
    f"{SEARCH}?limit=300&q=nasutus",
    f"{SEARCH}?limit=0&facetLimit=1000&species=Nomascus+nasutus&" + urlencode([("facet", f) for f in FACETS]),
    f"{SEARCH}?limit=300&species=Rhinopithecus+strykeri",
    f"{SEARCH}?limit=300&datasetKey=museum",
    f"{ITEMS}?limit=10000",
    f"{ITEMS}?limit=1000&f=html&species=Nomascus+nasutus",
    "/v1/occurrence/counts/year?species=Nomascus+nasutus",
    "/v1/occurrence/counts/countries",
    "/v1/dataset/search", "/v1/dataset/museum", "/ogc/collections", "/ogc/collections/occurrences", "/metrics", "/health/ready",
])  # fmt: skip
def test_no_answer_tells_a_hidden_place(client, address):
    answer = client.get(address)
    assert told(answer.content, address) == set()
    assert told(str(answer.headers).encode(), "headers") == set()


@pytest.mark.parametrize("guess", [
    *({"issue": flag} for flag in ("AT_INSTITUTION", "NEAR_COUNTY_SEAT", "NEAR_PREFECTURE_SEAT", "COORDINATE_ROUNDED",
                                   "COORDINATE_REPROJECTED", "POINT_USED_BY_MANY", "SPECIES_OUTLIER")),
    {"isInCluster": "true"}, {"isInCluster": "false"}, {"organismId": "id-group"}, {"otherCatalogNumbers": "id-other"},
    {"q": "seventh-camp"}, {"institutionCode": "KUN"}, {"sharingCategory": "withheld"},
    {"geoDistance": f"{SEAT[0]},{SEAT[1]},300m"}, {"geoDistance": f"{INSTITUTE[0]},{INSTITUTE[1]},300m"},
], ids=lambda guess: urlencode(guess)[:40])  # fmt: skip
def test_a_right_guess_about_hidden_records_finds_nothing(client, guess):
    for species in ("Nomascus nasutus", "Rhinopithecus strykeri"):
        body = client.get(SEARCH, params=guess | {"species": species, "limit": 0}).json()
        assert body["count"] == 0


@pytest.mark.parametrize("text", [
    "cluster_id IS NOT NULL", "cluster_reason IS NOT NULL", "isInCluster IS NOT NULL", "source_issues IS NOT NULL",
    "organismID IS NOT NULL", "otherCatalogNumbers IS NOT NULL", "event_zone IS NOT NULL", "geodeticDatum IS NULL",
])  # fmt: skip
def test_no_filter_on_the_new_columns_parts_hidden_records(client, text):
    answer = client.get(ITEMS, params={"filter": f"({text}) AND species = 'Nomascus nasutus'"})
    assert answer.status_code in (200, 400)
    assert answer.json().get("numberMatched", 0) == 0


def test_errors_and_logs_of_the_service_repeat_no_record(client, caplog):
    caplog.set_level(logging.DEBUG)
    for address in (f"{SEARCH}?issue=x", "/v1/occurrence/1", f"{ITEMS}?filter=x", f"{ITEMS}?clusterRepresentative=x",
                    f"{ITEMS}/1"):  # fmt: skip
        assert told(client.get(address).content, address) == set()
    assert told(caplog.text.encode(), "log") == set()


@pytest.mark.parametrize("zoom", [5, 7, 8, 10, 14, 18])
@pytest.mark.parametrize("asked", ["", "?clusterRepresentative=true"])
def test_no_tile_shows_a_hidden_place(client, zoom, asked):
    for place in PLACES:
        x, y = place.forms[-2].x, place.forms[-2].y
        column, row = int(x) >> (32 - zoom), int(y) >> (32 - zoom)
        path = f"/ogc/collections/occurrences/tiles/WebMercatorQuad/{zoom}/{row}/{column}{asked}"
        data = client.get(path).content
        assert told(data, "tile", tile=(zoom, column, row)) == set()


@pytest.mark.parametrize("kind", ["csv", "dwca", "geoparquet", "gpkg", "geojson", "species-list", "cube", "camtrapdp"])
def test_no_export_tells_a_hidden_place(whole, tmp_path, kind):
    out = tmp_path / f"out.{write.KINDS[write.Format(kind)].suffix}"
    command = ["export", "--data", str(whole.data), "--format", kind, "--out", str(out)]
    done = CliRunner().invoke(app, command, catch_exceptions=False)
    assert done.exit_code == 0
    assert {f.place for f in leaks.scan_file(out, PLACES)} == set()
    assert told(done.output.encode(), "output") == set()
