import json
import random
import signal
import time
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
import shapely

import commands
import killing
import stub_gbif
from biodata.core.errors import InputError, RemoteError, StoreError
from biodata.core.settings import Settings
from biodata.core.vocabularies import SOUTHWEST_CHINA
from biodata.ingest import open_source
from biodata.ingest.http import Client, Patience
from biodata.places import load_boundaries
from biodata.pull.gbif import Account, GbifPull
from biodata.pull.gbif_scope import GADM, SPELLINGS, Scope, Taxon, outline, region, scope_of
from biodata.pull.kept import only_pull
from biodata.store.lake import Lake
from biodata.store.registry import Registry
from biodata.store.verify import verify
from stub_gbif import ACCOUNT, BROKEN, BUSY, HALF, MAINTENANCE, TOO_MANY, Fault, simple_csv

DATASET = "50c9509d-22c7-4a22-a47d-8c48425ef4a7"
RECORDS = [
    {"gbifID": "1", "datasetKey": DATASET, "occurrenceID": "inat:1", "scientificName": "Elephas maximus"},
    {"gbifID": "2", "datasetKey": DATASET, "occurrenceID": "inat:2", "scientificName": "Macaca mulatta"},
    {"gbifID": "3", "datasetKey": DATASET, "occurrenceID": "", "scientificName": "Bos gaurus"},
]
MAMMALIA = {
    "usage": {"key": "6224G", "name": "Mammalia", "canonicalName": "Mammalia", "rank": "CLASS"},
    "classification": [{"key": "N", "name": "Animalia", "rank": "KINGDOM"}],
    "diagnostics": {"matchType": "EXACT", "alternatives": []},
}
OENANTHE = {
    "usage": {"key": "6JKL", "name": "Oenanthe L.", "rank": "GENUS"},
    "classification": [{"key": "P", "name": "Plantae", "rank": "KINGDOM"}],
    "diagnostics": {
        "matchType": "EXACT",
        "note": "Multiple equal matches for Oenanthe",
        "alternatives": [
            {
                "usage": {"key": "6JKM", "name": "Oenanthe Vieillot, 1816", "rank": "GENUS"},
                "classification": [{"key": "N", "name": "Animalia", "rank": "KINGDOM"}],
            }
        ],
    },
}


@pytest.fixture
def stub():
    with stub_gbif.running() as server:
        server.archive = simple_csv(RECORDS)
        server.names["Mammalia"] = MAMMALIA
        server.names["Mammalia", False] = {
            "usage": {"key": "359", "name": "Mammalia"},
            "diagnostics": {"matchType": "EXACT"},
        }
        server.names["6224G"] = MAMMALIA
        server.names["gbif:359"] = MAMMALIA
        server.names["Oenanthe"] = OENANTHE
        yield server


@pytest.fixture
def waits():
    return []


@pytest.fixture
def settings(stub, tmp_path):
    return Settings(data=tmp_path / "data", gbif_url=stub.url)


@pytest.fixture
def puller(stub, settings, waits):
    """Make a pull as a new process would."""

    def puller(account=ACCOUNT, **asked):
        scope = Scope(**{"countries": ("LA",), **asked})
        client = Client(
            stub.url, patience=Patience(attempts=3, timeout_seconds=5), sleep=waits.append, chance=random.Random(1)
        )
        account = Account(user=account[0], pwd=account[1], email="ranger@example.org")
        return GbifPull(scope, settings, client=client, account=account)

    return puller


@pytest.fixture
def light(monkeypatch):
    """Read what is taken in, and leave the lake alone: most faults lie before it."""

    def ingest(source, paths, settings, *, hear, progress):
        reports = []
        for number, table in enumerate(open_source(source, paths).read()):
            told = hear(number, table)
            rows = sum(batch.height for batch in told.batches)
            reports.append(SimpleNamespace(stored=rows, gone=len(told.gone)))
        return reports

    monkeypatch.setattr("biodata.pipeline.ingest", ingest)


def run(pull, *, full=False, wait_hours=24.0):
    pull.order(full=full)
    return pull.deliver(wait_hours=wait_hours)


def state(settings):
    (path,) = settings.data.glob("pulls/gbif-*/state.json")
    return json.loads(path.read_text())


def lake(settings):
    with Lake.open(settings.data) as opened:
        return opened.read("occurrences").sort("scientificName")


def test_a_first_pull_brings_everything_with_its_doi(puller, stub, waits, settings):
    (report,) = run(puller())
    assert (report.table, report.stored) == ("occurrences", 3)
    assert lake(settings)["scientificName"].to_list() == ["Bos gaurus", "Elephas maximus", "Macaca mulatta"]
    with Registry.open(settings) as registry:
        (row,) = registry.datasets().to_dicts()
    assert row["doi"] == "10.15468/dl.stub1"
    assert "https://doi.org/10.15468/dl.stub1" in row["citation"]
    (asked,) = stub.requests
    assert (asked["creator"], asked["notification_address"]) == ("ranger", ["ranger@example.org"])
    assert (asked["format"], asked["sendNotification"]) == ("DWCA", False)
    assert asked["predicate"] == {"type": "in", "key": "COUNTRY", "values": ["LA"]}
    assert waits == [5.0, 7.5]
    kept = state(settings)
    assert ("key" in kept, kept["doi"]) == (False, "10.15468/dl.stub1")
    (provenance,) = kept["files"].values()
    assert provenance["license"].startswith("http://creativecommons.org/")
    assert len(provenance["sha256"]) == 64
    assert list(settings.data.glob("pulls/*/*.zip*")) == []
    assert [fault.name for fault in verify(settings).faults if "pulls" in fault.name] == []


def test_each_request_tells_who_asks(stub, settings):
    GbifPull(Scope(("LA",)), settings.model_copy(update={"contact": "mailto:gis@example.org"})).estimate()
    agents = {headers.get("user-agent") for _, _, _, headers in stub.asked}
    assert len(agents) == 1
    assert "biodata/" in min(agents)
    assert min(agents).endswith("mailto:gis@example.org")


def test_a_later_pull_asks_for_what_came_since(puller, stub):
    run(puller())
    stub.archive = simple_csv([{**RECORDS[0], "scientificName": "Elephas maximus Linnaeus, 1758"}])
    (report,) = run(puller())
    assert (report.changed, report.gone) == (1, 0)
    place, since = stub.requests[1]["predicate"]["predicates"]
    assert place["key"] == "COUNTRY"
    assert since == {"type": "greaterThanOrEquals", "key": "LAST_INTERPRETED", "value": "2026-11-10"}


def test_a_later_pull_that_brings_nothing(puller, stub, settings):
    run(puller())
    stub.total = 0
    assert run(puller()) == []
    assert state(settings)["doi"] == "10.15468/dl.stub2"
    assert lake(settings).height == 3


def test_a_full_pull_takes_away_what_gbif_no_longer_has(puller, stub, settings):
    run(puller())
    fourth = {**RECORDS[0], "gbifID": "4", "occurrenceID": "inat:4"}
    stub.archive = simple_csv([fourth])
    run(puller())
    stub.archive = simple_csv([RECORDS[0], fourth])
    (report,) = run(puller(), full=True)
    assert report.gone == 2
    assert lake(settings)["occurrenceID"].sort().to_list() == ["inat:1", "inat:4"]


@pytest.mark.parametrize(("days", "full"), [(29, False), (31, True)])
def test_a_full_pull_comes_by_itself(light, puller, stub, days, full):
    run(puller())
    later = puller()
    later.now = datetime(2026, 11, 11, 9, tzinfo=UTC) + timedelta(days=days)
    later.order()
    assert ("LAST_INTERPRETED" not in json.dumps(stub.requests[1])) == full


def test_a_pull_that_was_cut_off_goes_on(light, puller, stub, settings):
    stub.fail("zip", *[HALF] * 3)
    rows = [
        {**RECORDS[0], "occurrenceID": f"o{n}", "gbifID": str(n), "x": random.Random(n).random()} for n in range(2000)
    ]
    stub.archive = simple_csv(rows)
    with pytest.raises(RemoteError):
        run(puller())
    (part,) = settings.data.glob("pulls/*/*.part")
    have = part.stat().st_size
    assert 0 < have < len(stub.archive)
    (report,) = run(puller())
    assert report.stored == 2000
    assert len(stub.requests) == 1
    ranges = [headers.get("range", headers.get("Range")) for _, path, _, headers in stub.asked if path.endswith(".zip")]
    assert ranges[-1] == f"bytes={have}-"


def test_an_order_is_placed_once_though_the_process_ends_while_waiting(light, puller, stub):
    stub.polls_until_ready = 10**6
    with pytest.raises(RemoteError, match="the next run waits on"):
        run(puller(), wait_hours=1)
    stub.downloads = dict.fromkeys(stub.downloads, 0)
    run(puller())
    assert len(stub.requests) == 1


def test_an_order_is_placed_once_though_the_process_ends_before_it_knows_the_key(light, puller, stub, monkeypatch):
    real = GbifPull._place

    def dies(self, predicate):
        real(self, predicate)
        raise KeyboardInterrupt

    monkeypatch.setattr(GbifPull, "_place", dies)
    with pytest.raises(KeyboardInterrupt):
        puller().order()
    monkeypatch.setattr(GbifPull, "_place", real)
    run(puller())
    assert len(stub.requests) == 1


def test_one_order_at_a_time(puller, stub, settings):
    puller().order()
    with pytest.raises(InputError, match=r"pull that scope first .--country LA.") as caught:
        puller(countries=("KH",)).order()
    assert caught.value.code == "ORDER_UNDER_WAY"
    assert len(stub.requests) == 1
    with only_pull(settings.data), pytest.raises(StoreError, match="another pull"), only_pull(settings.data):
        pass


@pytest.mark.parametrize("status", ["FAILED", "KILLED", "CANCELLED", "FILE_ERASED"])
def test_a_failed_order_is_placed_anew(light, puller, stub, status):
    stub.final_status = status
    with pytest.raises(RemoteError, match=f"is {status}; the next run orders anew"):
        run(puller())
    stub.final_status = "SUCCEEDED"
    run(puller())
    assert len(stub.requests) == 2


def test_an_order_that_gbif_forgot(light, puller, stub):
    stub.polls_until_ready = 10**6
    with pytest.raises(RemoteError):
        run(puller(), wait_hours=0)
    stub.downloads.clear()
    with pytest.raises(RemoteError, match="No such download"):
        run(puller())
    stub.polls_until_ready = 0
    run(puller())
    assert len(stub.requests) == 2


@pytest.mark.parametrize("route", ["request", "status", "zip", "search", "match"])
def test_a_busy_service(light, puller, stub, waits, route):
    stub.fail(route, TOO_MANY)
    pull = puller(taxa=("Mammalia",))
    pull.estimate()
    (report,) = run(pull)
    assert report.stored == 3
    assert 7.0 in waits


@pytest.mark.parametrize("fault", [BROKEN, BUSY, MAINTENANCE, HALF], ids=["500", "503", "HTML", "half a body"])
@pytest.mark.parametrize("route", ["status", "zip", "search"])
def test_faults_on_the_way(light, puller, stub, route, fault):
    stub.fail(route, fault)
    pull = puller()
    pull.estimate()
    assert run(pull)[0].stored == 3


@pytest.mark.parametrize(
    ("status", "said"), [(401, "GBIF_USER"), (413, "simpler outline"), (420, "too many downloads")]
)
def test_what_gbif_refuses_is_told_in_a_line_that_helps(light, puller, stub, status, said):
    stub.fail("request", Fault(status, {}, b'{"message": "no"}'))
    with pytest.raises(RemoteError, match=said) as caught:
        run(puller(account=("ranger", "hunter2")))
    assert "hunter2" not in str(caught.value)
    assert run(puller())[0].stored == 3


@pytest.mark.parametrize("content", ["nothing of a zip", "a zip that is broken within"])
def test_a_broken_zip_is_fetched_again(light, puller, stub, settings, content):
    good = stub.archive
    broken = good[:45] + bytes(b ^ 255 for b in good[45:60]) + good[60:]
    stub.archive = b"x" * 500 if content.startswith("nothing") else broken
    with pytest.raises(InputError):
        run(puller())
    assert list(settings.data.glob("pulls/*/*.zip")) == []
    stub.archive = good
    assert run(puller())[0].stored == 3
    assert len(stub.requests) == 1


def test_a_file_of_another_size(light, puller, stub):
    stub.told_size = 17
    with pytest.raises(RemoteError, match="not of the 17 that it told"):
        run(puller())


@pytest.mark.parametrize(("route", "fault", "said"), [
    *[pytest.param("status", Fault(200, body=body), "tells no", id=body.decode())
      for body in (b"[]", b'{"status": "SUCCEEDED"}', b'{"status": 5}')],
    pytest.param("request", Fault(201, {}, b"../../etc/passwd", content_type="text/plain"),
                 "in the place of a download's key", id="a key"),
    pytest.param("search", Fault(200, body=b'{"total": 3, "hits": []}'), "another shape", id="a search"),
])  # fmt: skip
def test_an_answer_of_another_shape(puller, stub, route, fault, said):
    stub.fail(route, fault)
    with pytest.raises(RemoteError, match=said):
        puller().estimate() if route == "search" else run(puller())


def test_no_account(puller, stub):
    told = r"GBIF_USER, GBIF_PWD and GBIF_EMAIL.*https://www.gbif.org.*--preview"
    with pytest.raises(InputError, match=told) as caught:
        run(puller(account=("", "")))
    assert caught.value.code == "ACCOUNT_MISSING"
    assert stub.asked == []


def test_an_account_from_the_environment(monkeypatch):
    monkeypatch.setenv("GBIF_USER", "ranger")
    monkeypatch.setenv("GBIF_PWD", "hunter2")
    assert Account().user == "ranger"
    assert not Account().complete
    assert "hunter2" not in repr(Account())


def found(count, **values):
    return [
        {"key": n, "gbifID": str(n), "datasetKey": DATASET, "occurrenceID": f"o{n}", "scientificName": "Macaca mulatta",
         "classKey": "6224G", "license": "CC_BY_NC_4_0", "issues": ["COORDINATE_ROUNDED"], "decimalLatitude": 20.5,
         "decimalLongitude": 101.5, "countryCode": "LA", "locality": "a\tb\nc", **values}
        for n in range(count)
    ]  # fmt: skip


def test_an_estimate_counts_by_place_class_and_licence_and_orders_nothing(puller, stub, settings):
    stub.records = found(700) + [{**one, "countryCode": "KH"} for one in found(5)]
    told = puller(account=("", ""), countries=("KH", "LA"), taxa=("Mammalia",), since="2010").estimate()
    assert (told.records, told.datasets, told.megabytes) == (705, 1, 0.2)
    assert told.places["LA"] == {"records": 700, "classes": {"Mammalia": 700}, "licences": {"CC_BY_NC_4_0": 700}}
    assert told.taxa == [Taxon("6224G", "Mammalia", "CLASS", "359")]
    assert stub.requests == []
    assert not settings.data.exists()
    queries = [query for _, path, query, _ in stub.asked if path.endswith("search")]
    assert all("year=2010%2C%2A" in query and "taxonKey=6224G" in query for query in queries)


def test_a_preview_brings_300_with_the_titles_of_their_datasets(puller, stub, settings):
    stub.records, stub.datasets[DATASET] = found(700), "iNaturalist observations"
    (report,) = puller(account=("", "")).preview()
    assert (report.rows, report.stored) == (300, 300)
    with Registry.open(settings) as registry:
        (row,) = registry.datasets().to_dicts()
    assert (row["title"], row["citation"]) == ("iNaturalist observations", f"Cite {DATASET}")
    # The download that follows knows them again.
    later = {"gbifID": "7", "datasetKey": DATASET, "occurrenceID": "o7", "scientificName": "Bos gaurus"}
    stub.archive = simple_csv([later])
    (report,) = run(puller())
    assert (report.new, report.changed) == (0, 1)


def test_a_preview_of_nothing(puller, settings):
    with pytest.raises(InputError, match="GBIF has no record of --country LA"):
        puller().preview()
    assert not (settings.data / "lake").exists()


def test_a_name_of_several_taxa_stops_and_tells_them(puller, stub):
    with pytest.raises(InputError, match=r"6JKL Oenanthe L. .genus, Plantae.; 6JKM Oenanthe Vieillot") as caught:
        puller(taxa=("Oenanthe",)).order()
    assert caught.value.code == "TAXON_AMBIGUOUS"
    assert stub.requests == []


@pytest.mark.parametrize("match", ["FUZZY", "HIGHERRANK", "VARIANT", "NONE"])
def test_a_name_that_is_not_exactly_one_stops(puller, stub, match):
    usage = {} if match == "NONE" else {"usage": MAMMALIA["usage"]}
    stub.names["Mamalia"] = {**usage, "diagnostics": {"matchType": match}}
    with pytest.raises(InputError) as caught:
        puller(taxa=("Mamalia",)).estimate()
    assert caught.value.code == "TAXON_UNKNOWN"
    assert ("6224G Mammalia" in str(caught.value)) == (match != "NONE")


@pytest.mark.parametrize("text", ["Mammalia", "6224G", "359"])
def test_a_taxon_is_asked_for_by_its_name_or_either_key_and_both_are_kept(puller, stub, settings, text):
    puller(taxa=(text,)).order()
    _, taxon = stub.requests[0]["predicate"]["predicates"]
    assert taxon["values"] == ["6224G"]
    assert taxon["checklistKey"].startswith("7ddf754f")
    assert state(settings)["taxa"] == [{"key": "6224G", "name": "Mammalia", "rank": "CLASS", "gbif_key": "359"}]


def test_a_synonym_is_asked_for_as_the_accepted_taxon(puller, stub):
    stub.names["Felis tigris"] = {
        "usage": {"key": "OLD", "name": "Felis tigris"},
        "acceptedUsage": {"key": "4CGXP", "name": "Panthera tigris"},
        "diagnostics": {"matchType": "EXACT"},
    }
    assert puller(taxa=("Felis tigris",)).estimate().taxa[0].key == "4CGXP"


def test_the_region_is_that_of_the_day():
    countries, provinces = region(date(2025, 10, 25))
    assert "TL" not in countries
    assert "CN" not in countries
    assert set(provinces) == set(SOUTHWEST_CHINA) == set(GADM) == set(SPELLINGS)
    assert len(countries) == 10
    assert "TL" in region(date(2025, 10, 26))[0]


def test_a_province_is_asked_for_by_place_and_by_name():
    scope = Scope(("LA",), ("CN-YN",), since="2010-06-01", within="POLYGON ((0 0, 1 0, 1 1, 0 0))")
    told = scope.predicate([Taxon("6224G", "Mammalia", "CLASS")], interpreted_since="2026-11-01")
    assert told["type"] == "and"
    places, taxa, since, within, interpreted = told["predicates"]
    country, placed, unplaced = places["predicates"]
    assert places["type"] == "or"
    assert country == {"type": "in", "key": "COUNTRY", "values": ["LA"]}
    assert placed == {"type": "in", "key": "GADM_GID", "values": ["CHN.30_1"]}
    assert [part["key"] for part in unplaced["predicates"]] == ["COUNTRY", "HAS_COORDINATE", "STATE_PROVINCE"]
    assert "云南省" in unplaced["predicates"][2]["values"]
    keys = (taxa["key"], since["key"], within["type"], interpreted["key"])
    assert keys == ("TAXON_KEY", "EVENT_DATE", "within", "LAST_INTERPRETED")


@pytest.mark.parametrize("text", ["Yunnan", "云南", "CN-YN"])
def test_a_province_has_many_names(text):
    scope = scope_of(["CN"], [text], [], None, None, load_boundaries())
    assert (scope.countries, scope.provinces) == ((), ("CN-YN",))


@pytest.mark.parametrize(("asked", "said"), [
    ({"provinces": ["Beijing"]}, "one of Yunnan"),
    ({"since": "yesterday"}, "YYYY or YYYY-MM-DD"),
    ({"since": "2026-02-30"}, "YYYY or YYYY-MM-DD"),
], ids=["Beijing", "no date", "30 February"])  # fmt: skip
def test_what_cannot_be_asked(asked, said):
    with pytest.raises(InputError, match=said):
        scope_of([], asked.get("provinces", []), [], asked.get("since"), None, load_boundaries())


def test_an_outline_goes_against_the_clock_and_has_an_end(tmp_path):
    clockwise = {"type": "Polygon", "coordinates": [[[101, 20], [101, 21], [102, 21], [102, 20], [101, 20]]]}
    (file := tmp_path / "area.geojson").write_text(json.dumps(
        {"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": clockwise}]}
    ))  # fmt: skip
    ring = shapely.from_wkt(outline(file)).exterior
    assert ring.is_ccw
    assert shapely.Polygon(ring).equals(shapely.box(101, 20, 102, 21))
    with pytest.raises(InputError, match="5 corners"):
        outline(file, most_corners=4)
    long = Scope(within="POLYGON ((" + ", ".join(f"{n / 1000} 0" for n in range(300)) + ", 0 1, 0 0))")
    assert long.coarse
    assert len(long.search([])["geometry"]) < 200


def test_the_command_counts_and_orders_only_when_told_to(stub, settings, monkeypatch):
    monkeypatch.setenv("BIODATA_GBIF_URL", stub.url)
    for name, value in zip(("GBIF_USER", "GBIF_PWD", "GBIF_EMAIL"), (*ACCOUNT, "r@example.org"), strict=True):
        monkeypatch.setenv(name, value)
    stub.records = found(3)
    asked = ("pull", "gbif", "--country", "Laos", "--taxon", "Mammalia", "--data", settings.data)
    done = commands.run(*asked, "--estimate")
    assert done.returncode == 0, done.stderr
    assert "3 records of 1 datasets" in done.stdout
    assert json.loads(commands.run(*asked, "--estimate", "--json").stdout)["places"]["LA"]["records"] == 3
    done = commands.run(*asked)
    assert done.returncode == 1
    assert "nothing was ordered; --yes orders" in done.stderr
    assert stub.requests == []


def test_a_pull_that_is_killed_twice_goes_on(stub, settings, monkeypatch):
    """As a user: killed while GBIF prepares the file, killed while it is fetched, then to the end."""
    environment = {"BIODATA_GBIF_URL": stub.url, "GBIF_USER": ACCOUNT[0], "GBIF_PWD": ACCOUNT[1], "GBIF_EMAIL": "r@example.org"}  # fmt: skip
    words = ["gbif", "--country", "LA", "--taxon", "Mammalia", "--yes", "--data", str(settings.data)]
    stub.records, stub.polls_until_ready, stub.slow_seconds = found(3), 10**6, 0.05
    stub.archive = simple_csv(
        [{**RECORDS[0], "occurrenceID": f"o{n}", "x": random.Random(n).random()} for n in range(3000)]
    )

    def kill_when(reached):
        process, until = killing.pull(environment, *words), time.monotonic() + 240
        while not reached() and process.is_alive() and time.monotonic() < until:
            time.sleep(0.01)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL

    kill_when(lambda: stub.count("status") > 1)
    stub.downloads = dict.fromkeys(stub.downloads, 0)
    kill_when(lambda: any(p.stat().st_size for p in settings.data.glob("pulls/*/*.part")))
    stub.slow_seconds = 0.0
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("biodata.pull.service._FIRST_WAIT_SECONDS", 0.3)
    last = commands.run("pull", *words)
    assert last.returncode == 0, last.stderr
    assert "3000 rows: 3000 stored" in last.stdout
    assert len(stub.requests) == 1
    assert any(
        "range" in {name.lower() for name in headers} for _, path, _, headers in stub.asked if path.endswith(".zip")
    )
    assert [fault.name for fault in verify(settings).faults if "pulls" in fault.name] == []
