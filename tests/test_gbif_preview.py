import json
import logging
import random
import sys
import warnings

import polars as pl
import pytest

import stub_gbif
from biodata.errors import RemoteError
from biodata.ingest.gbif_preview import preview
from biodata.ingest.http import Client, Patience
from stub_gbif import BROKEN, BUSY, HALF, MAINTENANCE, TOO_MANY, Fault


@pytest.fixture
def stub():
    with stub_gbif.running() as server:
        yield server


@pytest.fixture
def waits():
    return []


@pytest.fixture
def client(stub, waits):
    return Client(stub.url, patience=Patience(attempts=3), sleep=waits.append, chance=random.Random(1))


def records(count):
    return [
        {"key": n, "gbifID": str(n), "species": "Macaca mulatta", "issues": [], "hasCoordinate": True}
        for n in range(count)
    ]


def test_pages_are_joined(client, stub):
    stub.records = records(700)
    found = preview(client, most=1000, country="LA", year="2010,2020")
    assert (found.count, found.records.height, found.complete) == (700, 700, True)
    assert found.records["key"].to_list() == [str(n) for n in range(700)]
    assert found.records["hasCoordinate"].unique().to_list() == ["true"]
    assert "issues" not in found.records.columns
    assert stub.count("search") == 3
    assert "country=LA" in stub.asked[0][2]


def test_only_as_many_as_asked_for(client, stub):
    stub.records = records(1000)
    found = preview(client, most=350)
    assert (found.count, found.records.height, found.complete) == (1000, 350, False)
    assert stub.count("search") == 2


def test_nothing_found(client):
    found = preview(client)
    assert (found.count, found.records.shape, found.complete) == (0, (0, 0), True)


def test_repeated_keys_are_taken_once(client, stub):
    stub.records, stub.repeats_keys = records(700), True
    found = preview(client, most=1000)
    assert found.records["key"].is_unique().all()
    assert found.records.height >= 699


def test_search_that_never_ends(client, stub):
    stub.records, stub.never_ends = records(10), True
    found = preview(client, most=1000)
    assert found.records.height == 10
    assert stub.count("search") <= 5


@pytest.mark.parametrize(
    "fault", [TOO_MANY, BROKEN, BUSY, MAINTENANCE, HALF], ids=["429", "500", "503", "HTML", "half"]
)
def test_second_attempt_succeeds(client, stub, waits, fault):
    stub.records = records(3)
    stub.fail("search", fault)
    assert preview(client).records.height == 3
    assert len(waits) == 1
    assert fault is not TOO_MANY or waits == [7.0]


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (TOO_MANY, "Too many requests"),
        (BROKEN, "Elasticsearch is resting"),
        (MAINTENANCE, "something else than JSON"),
        (Fault(200, body=b"[]"), "another shape"),
        (Fault(302, {"location": "https://example.org/"}, b""), "attempts"),
    ],
    ids=["429", "500", "HTML", "a list", "redirect"],
)
def test_failure_is_told(client, stub, fault, said):
    stub.fail("search", *[fault] * 5)
    with pytest.raises(RemoteError, match=said):
        preview(client)
    assert stub.count("search") == 3


def test_refusal_is_not_repeated(client, stub):
    stub.fail("search", Fault(400, body=b'{"message": "Unknown country"}'))
    with pytest.raises(RemoteError, match="answered 400: Unknown country"):
        preview(client, country="XX")
    assert stub.count("search") == 1


@pytest.mark.parametrize("most", [-1, 10_001])
def test_number_out_of_range(client, most):
    with pytest.raises(ValueError, match="0 to 10,000"):
        preview(client, most=most)


def test_process_is_left_as_it_was(client, stub):
    for name in [name for name in sys.modules if name.partition(".")[0] == "pygbif"]:
        del sys.modules[name]  # its import is what changes things
    root = logging.getLogger()
    before = list(root.handlers), root.level, list(warnings.filters)
    preview(client)
    assert (list(root.handlers), root.level, list(warnings.filters)) == before
    for name, module in sys.modules.items():
        if name.startswith("pygbif.") and hasattr(module, "gbif_baseurl"):
            assert module.gbif_baseurl == "https://api.gbif.org/v1/"


def test_pygbif_is_not_imported_before_it_is_needed():
    import subprocess

    code = "import biodata.ingest.gbif_preview, sys; print({'pygbif', 'matplotlib', 'requests'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_real_pages(client, stub, shared):
    pages = [json.loads(path.read_text()) for path in sorted((shared / "data" / "gbif_api_json").glob("*.json"))]
    stub.records = [record for page in pages for record in page["results"]]
    keys = [record["key"] for record in stub.records]
    found = preview(client, most=2000)
    assert found.count == len(keys)
    assert found.records["key"].to_list() == [str(key) for key in dict.fromkeys(keys)]
    told = {str(record["key"]): record.get("scientificName") for record in stub.records}
    assert dict(found.records.select("key", "scientificName").iter_rows()) == told
    assert set(found.records.schema.values()) == {pl.String}
