"""Hidden records change nothing of what goes out: no text, no flag, no link, no order, no count tells of them."""

import csv
import io
import logging
from urllib.parse import urlencode

import polars as pl
import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

import leaks
from api.app import create_app
from biodata import pipeline
from biodata.cli import app
from biodata.core import terms
from biodata.core.settings import Settings
from biodata.exports import write
from biodata.sharing.publish import LINKS, MARKED
from biodata.store import releases
from rule_files import put_rules

RULES = """rule_id,category,reason,scientificName,dataset
gibbon,0_1_degree,hunted,Nomascus nasutus,
monkey,withheld,hunted,Rhinopithecus strykeri,
museum,withheld,the museum asks for it,Tragopan temminckii,museum
nothing,open,not hunted,Tragopan temminckii,field
"""
NO_RULES = "rule_id,category,reason\n"

SEAT = (21.99792, 100.81751)
INSTITUTE = (25.14063, 102.74417)
HAND_MADE = {
    "seat": SEAT, "institute": INSTITUTE, "copy-one": (22.91358, 106.51247), "copy-two": (22.91361, 106.51249),
    "issues": (22.87123, 106.47391), "words": (22.95217, 106.53894), "named": (22.86342, 106.58213),
    "obscured": (22.83417, 106.43829), "dms": (22.81236, 106.62347), "withheld": (26.01237, 98.61429),
    "exact": (25.97318, 98.66127),
}  # fmt: skip
DECLARED = {"declared": (18.11237, 99.61429), "declared-south": (16.42318, 104.81273)}
PLACES = [leaks.Place(name, *at) for name, at in (HAND_MADE | DECLARED).items() if name != "exact"]
SECRET_WORDS = ["seventh-camp", "Lan-Hoang", *(f"id-{name}" for name in (HAND_MADE | DECLARED))]


def hidden() -> dict[str, list[dict[str, str]]]:
    """Return records by dataset that the rules make coarse or withhold."""
    common = {
        "basisOfRecord": "HumanObservation", "scientificName": "Nomascus nasutus", "eventDate": "2019-07-23",
        "recordedBy": "Lan-Hoang", "locality": "seventh-camp", "occurrenceRemarks": "seventh-camp",
        "organismID": "id-group", "otherCatalogNumbers": "id-other", "license": "CC BY 4.0",
    }  # fmt: skip

    def record(name: str, **more: str) -> dict[str, str]:
        y, x = (HAND_MADE | DECLARED)[name]
        placed = {"occurrenceID": f"id-{name}", "decimalLatitude": f"{y:.5f}", "decimalLongitude": f"{x:.5f}"}
        return common | placed | more

    y, x = HAND_MADE["obscured"]
    minutes = tuple(f"{int(v)}° {v % 1 * 60:.4f}' {side}" for v, side in zip(HAND_MADE["dms"], "NE", strict=True))
    blank = {"decimalLatitude": "", "decimalLongitude": "", "coordinateUncertaintyInMeters": "30000",
             "dataGeneralizations": "coordinates generalized to a grid of 0.25 degrees"}  # fmt: skip
    told = "{:.5f}, {:.5f}".format(*HAND_MADE["words"])
    return {
        "field": [
            record("seat"),
            record("institute", institutionCode="KUN"),
            record("copy-one"),
            record("issues", issue="COUNTRY_COORDINATE_MISMATCH;COORDINATE_ROUNDED;CONTINENT_DERIVED_FROM_COORDINATES"),
            record(
                "words", establishmentMeans=told, kingdom=told, iucnRedListCategory=told, lifeStage=told, county=told
            ),
            record("named", scientificName="Nomascus nasutus 22.86342 N 106.58213 E"),
            record("obscured", **blank, verbatimCoordinates=f"{y:.5f}, {x:.5f}"),
            record("dms", **blank, verbatimLatitude=minutes[0], verbatimLongitude=minutes[1]),
            record("withheld", scientificName="Rhinopithecus strykeri"),
        ],
        "museum": [
            record("copy-two", eventDate="2019-07-23", coordinateUncertaintyInMeters="30"),
            record("exact", scientificName="Tragopan temminckii"),
        ],
        "declared": [record("declared"), record("declared-south", coordinateUncertaintyInMeters="40")],
    }


def seen() -> dict[str, list[dict[str, str]]]:
    """Return open records by dataset; some stand where hidden ones do, one is the twin of a hidden one."""
    rows = [
        {
            "occurrenceID": f"open-{n}", "basisOfRecord": "HumanObservation", "scientificName": "Lophura nycthemera",
            "eventDate": f"20{n % 20:02}-03-{1 + n % 28:02}", "recordedBy": f"Team {n % 7}",
            "decimalLatitude": f"{21 + n * 0.01337:.5f}", "decimalLongitude": f"{101 + n * 0.01113:.5f}",
        }
        for n in range(40)
    ]  # fmt: skip
    twin = rows[0] | {"scientificName": "Tragopan temminckii", "eventDate": "2019-07-23", "recordedBy": "Lan H."}
    y, x = HAND_MADE["exact"]
    # A pair that plainly is one event.
    pair = rows[3] | {"occurrenceID": "open-pair", "decimalLatitude": f"{21 + 3 * 0.01337:.5f}"}
    return {
        "field": [*rows, twin | {"occurrenceID": "open-twin", "decimalLatitude": str(y), "decimalLongitude": str(x)}],
        "museum": [pair],
    }  # fmt: skip


def installation(folder, rules: str, *, with_hidden: bool) -> Settings:
    """Take records in and release them under some rules."""
    settings = Settings(data=folder / "data", memory_limit="500MB")
    settings.data.mkdir(parents=True)
    put_rules(settings.data, rules)
    more = hidden() if with_hidden else {}
    for name in ("field", "museum", "declared"):
        rows = [*seen().get(name, []), *more.get(name, [])]
        if not rows:
            continue
        # Hidden rows stand between the others, so that an order that tells the row would show.
        rows.sort(key=lambda row: row["occurrenceID"][::-1])
        text = io.StringIO()
        writer = csv.DictWriter(
            text, sorted({heading for part in hidden().values() for row in part for heading in row})
        )
        writer.writeheader()
        writer.writerows(rows)
        path = folder / f"{name}.csv"
        path.write_text(text.getvalue(), encoding="utf-8")
        options = {"datum": "EPSG:4240"} if name == "declared" else None
        pipeline.ingest("gbif", [path], settings, dataset=name, options=options)
    pipeline.release(settings)
    return settings


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return installation(tmp_path_factory.mktemp("whole"), RULES, with_hidden=True)


@pytest.fixture(scope="module")
def without(tmp_path_factory):
    return installation(tmp_path_factory.mktemp("without"), RULES, with_hidden=False)


def rows(settings: Settings) -> pl.DataFrame:
    return releases.read(releases.current(settings.data), "occurrences")


def told(data: bytes, name: str, **more) -> set[str]:
    """Return the places and secret words that bytes tell."""
    text = data.decode("utf-8", errors="replace")
    return {f.place for f in leaks.scan(data, PLACES, name=name, **more)} | {w for w in SECRET_WORDS if w in text}


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


@pytest.mark.parametrize(
    "address",
    [
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
    ],
)  # fmt: skip
def test_no_answer_tells_a_hidden_place(client, address):
    answer = client.get(address)
    assert told(answer.content, address) == set()
    assert told(str(answer.headers).encode(), "headers") == set()


@pytest.mark.parametrize(
    "guess",
    [
        *({"issue": flag} for flag in ("AT_INSTITUTION", "NEAR_COUNTY_SEAT", "NEAR_PREFECTURE_SEAT", "COORDINATE_ROUNDED",
                                       "COORDINATE_REPROJECTED", "POINT_USED_BY_MANY", "SPECIES_OUTLIER")),
        {"isInCluster": "true"}, {"isInCluster": "false"}, {"organismId": "id-group"}, {"otherCatalogNumbers": "id-other"},
        {"q": "seventh-camp"}, {"institutionCode": "KUN"}, {"sharingCategory": "withheld"},
        {"geoDistance": f"{SEAT[0]},{SEAT[1]},300m"}, {"geoDistance": f"{INSTITUTE[0]},{INSTITUTE[1]},300m"},
    ],
    ids=lambda guess: urlencode(guess)[:40],
)  # fmt: skip
def test_a_right_guess_about_hidden_records_finds_nothing(client, guess):
    for species in ("Nomascus nasutus", "Rhinopithecus strykeri"):
        body = client.get(SEARCH, params=guess | {"species": species, "limit": 0}).json()
        assert body["count"] == 0


@pytest.mark.parametrize(
    "text",
    [
        "cluster_id IS NOT NULL", "cluster_reason IS NOT NULL", "isInCluster IS NOT NULL", "source_issues IS NOT NULL",
        "organismID IS NOT NULL", "otherCatalogNumbers IS NOT NULL", "event_zone IS NOT NULL", "geodeticDatum IS NULL",
    ],
)  # fmt: skip
def test_no_filter_on_the_new_columns_parts_hidden_records(client, text):
    answer = client.get(ITEMS, params={"filter": f"({text}) AND species = 'Nomascus nasutus'"})
    assert answer.status_code in (200, 400)
    assert answer.json().get("numberMatched", 0) == 0


def test_errors_and_logs_of_the_service_repeat_no_record(client, caplog):
    caplog.set_level(logging.DEBUG)
    for address in (
        f"{SEARCH}?issue=x",
        "/v1/occurrence/1",
        f"{ITEMS}?filter=x",
        f"{ITEMS}?clusterRepresentative=x",
        f"{ITEMS}/1",
    ):
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
