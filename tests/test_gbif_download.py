import json
import random
from datetime import UTC, date, datetime, timedelta

import polars as pl
import pytest

import stub_gbif
from biodata.errors import InputError, RemoteError
from biodata.ingest.gbif_download import GbifAccount, GbifDownload
from biodata.ingest.gbif_predicates import GADM, SPELLINGS, predicate, region
from biodata.ingest.http import Client, Patience
from biodata.settings import Settings
from biodata.vocabularies import SOUTHWEST_CHINA
from stub_gbif import ACCOUNT, BROKEN, HALF, MAINTENANCE, TOO_MANY, Fault, simple_csv

DATASET = "50c9509d-22c7-4a22-a47d-8c48425ef4a7"
RECORDS = [
    {"gbifID": "1", "datasetKey": DATASET, "occurrenceID": "inat:1", "scientificName": "Elephas maximus"},
    {"gbifID": "2", "datasetKey": DATASET, "occurrenceID": "inat:2", "scientificName": "Macaca mulatta"},
    {"gbifID": "3", "datasetKey": DATASET, "occurrenceID": "", "scientificName": "Bos gaurus"},
]


@pytest.fixture
def stub():
    with stub_gbif.running() as server:
        server.archive = simple_csv(RECORDS)
        yield server


@pytest.fixture
def waits():
    return []


@pytest.fixture
def download(stub, tmp_path, waits):
    """Make a source as a new process would."""

    def download(account=ACCOUNT, **options):
        patience = Patience(attempts=3, timeout_seconds=5)
        return GbifDownload(
            options={"country": "LA", "format": "SIMPLE_CSV", **options},
            settings=Settings(data=tmp_path, gbif_url=stub.url),
            account=GbifAccount(user=account[0], pwd=account[1], email="ranger@example.org"),
            client=Client(stub.url, patience=patience, sleep=waits.append, chance=random.Random(1)),
        )

    return download


def rows(source):
    (table,) = source.read()
    batches = list(table.batches)
    assert table.refusals == []
    return table, pl.concat(batches) if batches else None


def state(tmp_path):
    (path,) = tmp_path.glob("gbif/*/state.json")
    return json.loads(path.read_text())


def test_first_run_fetches_everything(download, stub, waits, tmp_path):
    table, frame = rows(download())
    assert table.kind == "occurrences"
    assert frame["gbifID"].to_list() == ["1", "2", "3"]
    assert table.dataset.doi == "10.15468/dl.stub1"
    assert "https://doi.org/10.15468/dl.stub1" in table.dataset.citation
    assert table.gone == []
    assert not table.complete
    (asked,) = stub.requests
    assert (asked["creator"], asked["notificationAddresses"]) == ("ranger", ["ranger@example.org"])
    assert asked["format"] == "SIMPLE_CSV"
    assert asked["predicate"] == {"type": "in", "key": "COUNTRY", "values": ["LA"]}
    assert waits == [5.0, 7.5]
    assert state(tmp_path)["key"] == "0000001-261124000000000"


def test_later_run_asks_for_what_came_since(download, stub, tmp_path):
    source = download()
    rows(source)
    source.committed()
    assert (state(tmp_path)["key"], state(tmp_path)["doi"]) == (None, "10.15468/dl.stub1")
    assert list(tmp_path.glob("gbif/*/*.zip*")) == []
    stub.archive = simple_csv([{**RECORDS[0], "scientificName": "Elephas maximus Linnaeus, 1758"}])
    source = download(full_every_days="100000")
    table, frame = rows(source)
    assert frame.height == 1
    assert table.gone == []
    place, since = stub.requests[1]["predicate"]["predicates"]
    assert place["key"] == "COUNTRY"
    assert since == {"type": "greaterThanOrEquals", "key": "LAST_INTERPRETED", "value": "2026-11-10"}


def test_full_run_tells_what_is_gone(download, stub):
    source = download()
    rows(source)
    source.committed()
    # An incremental run brings a fourth; the full run after it has lost the second and the third.
    fourth = {**RECORDS[0], "gbifID": "4", "occurrenceID": "inat:4"}
    stub.archive = simple_csv([fourth])
    source = download(full_every_days="100000")
    rows(source)
    source.committed()
    stub.archive = simple_csv([RECORDS[0], fourth])
    source = download(full="yes")
    table, _ = rows(source)
    assert sorted(table.gone) == [(DATASET, "3"), (DATASET, "inat:2")]
    # Not committed: the next process tells the same again, without another request.
    table, _ = rows(again := download())
    assert len(table.gone) == 2
    assert len(stub.requests) == 3
    again.committed()
    table, _ = rows(download(full="yes"))
    assert table.gone == []


@pytest.mark.parametrize(("days", "full"), [(29, False), (31, True)])
def test_full_run_comes_by_itself(download, days, full):
    source = download()
    rows(source)
    source.committed()
    later = download()
    later.now = datetime(2026, 11, 11, 9, tzinfo=UTC) + timedelta(days=days)
    assert (later._since(later.kept.load()) is None) == full


def test_run_that_was_cut_off_goes_on(download, stub, tmp_path):
    stub.fail("zip", *[HALF] * 3)
    stub.archive = simple_csv([{**RECORDS[0], "gbifID": str(n), "x": random.Random(n).random()} for n in range(2000)])
    with pytest.raises(RemoteError):
        rows(download())
    (part,) = tmp_path.glob("gbif/*/*.part")
    have = part.stat().st_size
    assert 0 < have < len(stub.archive)
    _, frame = rows(download())
    assert frame.height == 2000
    assert len(stub.requests) == 1
    ranges = [headers.get("range", headers.get("Range")) for _, path, _, headers in stub.asked if path.endswith(".zip")]
    assert ranges[-1] == f"bytes={have}-"


def test_request_is_made_once_though_the_process_ends_while_waiting(download, stub):
    stub.polls_until_ready = 10**6
    with pytest.raises(RemoteError, match="the next run waits on"):
        rows(download(wait_hours="1"))
    stub.downloads = dict.fromkeys(stub.downloads, 0)
    rows(download())
    assert len(stub.requests) == 1


@pytest.mark.parametrize("status", ["FAILED", "KILLED", "CANCELLED", "FILE_ERASED"])
def test_failed_download_is_asked_for_anew(download, stub, status):
    stub.final_status = status
    with pytest.raises(RemoteError, match=f"is {status}; the next run asks anew"):
        rows(download())
    stub.final_status = "SUCCEEDED"
    rows(download())
    assert len(stub.requests) == 2


def test_download_that_gbif_forgot(download, stub):
    stub.polls_until_ready = 10**6
    with pytest.raises(RemoteError):
        rows(download(wait_hours="0"))
    stub.downloads.clear()
    with pytest.raises(RemoteError, match="No such download"):
        rows(download())
    stub.polls_until_ready = 0
    rows(download())
    assert len(stub.requests) == 2


@pytest.mark.parametrize("route", ["request", "status", "zip"])
def test_busy_service(download, stub, waits, route):
    stub.fail(route, TOO_MANY)
    _, frame = rows(download())
    assert frame.height == 3
    assert 7.0 in waits


@pytest.mark.parametrize("fault", [BROKEN, MAINTENANCE, HALF], ids=["500", "HTML", "half a body"])
@pytest.mark.parametrize("route", ["status", "zip"])
def test_faults_on_the_way(download, stub, route, fault):
    stub.fail(route, fault)
    assert rows(download())[1].height == 3


def test_wrong_size(download, stub):
    stub.told_size = 17
    with pytest.raises(RemoteError, match="not of the 17 that it told"):
        rows(download())


def test_file_that_is_no_zip(download, stub, tmp_path):
    good, stub.archive = stub.archive, b"x" * 500
    with pytest.raises(InputError, match="zip"):
        rows(download())
    assert list(tmp_path.glob("gbif/*/*.zip")) == []
    stub.archive = good
    assert rows(download())[1].height == 3


def test_broken_zip_is_fetched_again(download, stub, tmp_path):
    good = stub.archive
    stub.archive = good[:45] + bytes(b ^ 0xFF for b in good[45:60]) + good[60:]
    with pytest.raises(InputError):
        rows(download())
    assert list(tmp_path.glob("gbif/*/*.zip")) == []
    stub.archive = good
    assert rows(download())[1].height == 3


@pytest.mark.parametrize("body", [b"[]", b'{"status": "SUCCEEDED"}', b'{"status": 5}'])
def test_status_of_another_shape(download, stub, body):
    stub.fail("status", Fault(200, body=body))
    with pytest.raises(RemoteError, match="tells no"):
        rows(download())


def test_key_of_another_shape(download, stub):
    stub.fail("request", Fault(201, {}, b"../../etc/passwd", content_type="text/plain"))
    with pytest.raises(RemoteError, match="in the place of a download's key"):
        rows(download())


def test_no_account(download, stub):
    with pytest.raises(InputError) as caught:
        rows(download(account=("", "")))
    assert caught.value.code == "ACCOUNT_MISSING"
    assert stub.asked == []


def test_wrong_password_is_told_and_not_printed(download):
    with pytest.raises(RemoteError, match="Bad credentials") as caught:
        rows(download(account=("ranger", "hunter2")))
    assert "hunter2" not in str(caught.value)


def test_account_from_the_environment(monkeypatch):
    monkeypatch.setenv("GBIF_USER", "ranger")
    monkeypatch.setenv("GBIF_PWD", "hunter2")
    account = GbifAccount()
    assert account.user == "ranger"
    assert "hunter2" not in repr(account)


def test_committed_without_reading(download):
    with pytest.raises(RuntimeError):
        download().committed()


def test_scopes_do_not_mix(download, tmp_path):
    rows(download())
    rows(download(country="KH"))
    assert len(list(tmp_path.glob("gbif/*/state.json"))) == 2


@pytest.mark.parametrize(
    "options",
    [{"country": "FR"}, {"province": "CN-BJ"}, {"format": "PDF"}, {"colour": "red"}],
    ids=["a country beyond the scope", "Beijing", "PDF", "no option"],
)
def test_options_that_are_refused(download, options):
    with pytest.raises(InputError):
        download(**options)


@pytest.mark.parametrize("options", [{"since": "yesterday"}, {"since": "2026-02-30"}, {"wait_hours": "long"}])
def test_values_that_are_refused(download, options):
    with pytest.raises(InputError):
        rows(download(**options))


# Predicates


def test_region_is_that_of_the_day():
    countries, provinces = region(date(2025, 10, 25))
    assert "TL" not in countries
    assert "CN" not in countries
    assert set(provinces) == set(SOUTHWEST_CHINA) == set(GADM) == set(SPELLINGS)
    assert len(countries) == 10
    assert "TL" in region(date(2025, 10, 26))[0]


def test_province_is_asked_for_by_place_and_by_name():
    told = predicate(countries=["LA"], provinces=["CN-YN"], taxa=["5"], since="2026-11-01")
    assert told["type"] == "and"
    places, taxa, since = told["predicates"]
    country, placed, unplaced = places["predicates"]
    assert places["type"] == "or"
    assert country == {"type": "in", "key": "COUNTRY", "values": ["LA"]}
    assert placed == {"type": "in", "key": "GADM_GID", "values": ["CHN.30_1"]}
    assert [part["key"] for part in unplaced["predicates"]] == ["COUNTRY", "HAS_COORDINATE", "STATE_PROVINCE"]
    assert "云南省" in unplaced["predicates"][2]["values"]
    assert taxa == {"type": "in", "key": "TAXON_KEY", "values": ["5"]}
    assert since["key"] == "LAST_INTERPRETED"


def test_no_place_is_no_scope():
    with pytest.raises(InputError):
        predicate(countries=[], provinces=[])
