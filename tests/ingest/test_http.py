import random
import socket
import threading
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import urlsplit

import pytest

import stub_gbif
from biodata.core.errors import InputError, RemoteError, StoreError
from biodata.ingest import http
from biodata.ingest.http import USER_AGENT, Client, Patience, fetch, message, retry_after
from stub_gbif import ACCOUNT, BROKEN, BUSY, HALF, MAINTENANCE, TOO_MANY, Fault

REQUEST = "occurrence/download/request"


@pytest.fixture
def stub():
    with stub_gbif.running() as server:
        yield server


@pytest.fixture
def waits():
    return []


@pytest.fixture
def client(stub, waits):
    patience = Patience(attempts=4, timeout_seconds=5)
    return Client(stub.url, patience=patience, sleep=waits.append, chance=random.Random(1))


def search(client):
    return client.get_json("occurrence/search", {"country": ["LA", "KH"], "limit": "1"})


def refused(call):
    with pytest.raises(RemoteError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_right_answer_needs_one_request(client, stub, waits):
    stub.records = [{"key": 1}]
    assert search(client)["results"] == [{"key": 1}]
    ((_, path, query, headers),) = stub.asked
    assert (path, query) == ("/v1/occurrence/search", "country=LA&country=KH&limit=1")
    assert {name.lower(): value for name, value in headers.items()}["user-agent"] == USER_AGENT
    assert waits == []


@pytest.mark.parametrize("fault", [
    pytest.param(TOO_MANY, id="429 with Retry-After"),
    pytest.param(BROKEN, id="500"),
    pytest.param(BUSY, id="503 with a page of HTML"),
    pytest.param(MAINTENANCE, id="200 with a page of HTML"),
    pytest.param(HALF, id="half a body"),
    pytest.param(Fault(200, body=b'{"count": 1, "resu'), id="JSON that is cut"),
])  # fmt: skip
def test_second_attempt_succeeds(client, stub, waits, fault):
    stub.fail("search", fault)
    assert search(client)["count"] == 0
    assert len(waits) == 1
    assert stub.count("search") == 2


@pytest.mark.parametrize(("fault", "said"), [
    pytest.param(TOO_MANY, "answered 429: Too many requests", id="429"),
    pytest.param(BROKEN, "answered 500: Elasticsearch is resting", id="500"),
    pytest.param(MAINTENANCE, "answered with text/html instead of JSON: Down for maintenance", id="HTML"),
    pytest.param(HALF, "did not answer whole", id="half bodies"),
])  # fmt: skip
def test_failure_is_told_after_all_attempts(client, stub, waits, fault, said):
    stub.fail("search", *[fault] * 10)
    text = refused(lambda: search(client))
    assert said in text
    assert "(4 attempts)" in text
    assert "country" not in text
    assert stub.count("search") == 4
    assert len(waits) == 3


def test_waits_grow_and_are_shortened_by_chance(client, stub, waits):
    stub.fail("search", BROKEN, BROKEN, BROKEN)
    search(client)
    assert 0.5 <= waits[0] <= 1 <= waits[1] * 2 <= 4
    assert 1 <= waits[1] <= 2 <= waits[2] <= 4


def test_retry_after_is_obeyed(client, stub, waits):
    stub.fail("search", TOO_MANY)
    search(client)
    assert waits == [7.0]


def test_too_long_a_wait_is_an_error(client, stub, waits):
    stub.fail("search", Fault(429, {"retry-after": "86400"}))
    assert "come back in 86400 seconds" in refused(lambda: search(client))
    assert waits == []


def test_retry_after_as_a_date():
    assert retry_after(format_datetime(datetime.now(UTC) + timedelta(seconds=60))) == pytest.approx(60, abs=2)
    assert retry_after(format_datetime(datetime.now(UTC) - timedelta(days=1))) == 0
    assert retry_after("soon") is None
    assert retry_after("-5") is None


def test_refusal_is_not_repeated(client, stub):
    stub.fail("search", Fault(400, body=b'{"message": "Unknown country: XX"}'))
    assert "answered 400: Unknown country: XX" in refused(lambda: search(client))
    assert stub.count("search") == 1


def test_message_of_a_page():
    assert message(stub_gbif.HTML) == ": Down for maintenance"
    assert message(b"") == ""
    assert len(message(b"x" * 10_000)) < 210


@pytest.mark.parametrize("location", [
    pytest.param("https://example.org/", id="a stranger"),
    pytest.param("file:///etc/passwd", id="a file"),
    pytest.param("http://169.254.169.254/latest/meta-data", id="a cloud's inside"),
    pytest.param("https://api.gbif.org.example.org/", id="a host that looks like a friend"),
    pytest.param("http://occurrence-download.gbif.org/", id="a friend without encryption"),
    pytest.param("", id="nowhere"),
])  # fmt: skip
def test_redirect_to_strangers_is_not_followed(stub, location):
    client = Client(stub.url, friends={"gbif.org"}, sleep=lambda _: None)
    stub.fail("search", *[Fault(302, {"location": location})] * 20)
    assert "redirects" in refused(lambda: search(client))


def test_redirect_within_the_service_is_followed_without_end_it_is_not(client, stub):
    here = Fault(302, {"location": f"{stub.url}occurrence/search?limit=5"})
    stub.fail("search", here)
    assert search(client)["limit"] == 5
    stub.fail("search", *[here] * 10)
    assert "redirects in circles" in refused(lambda: search(client))


def test_password_is_not_sent_elsewhere(client):
    assert client._credentials(client.base_url + "x", ACCOUNT)
    assert client._credentials("https://occurrence-download.gbif.org/x", ACCOUNT) == {}


@pytest.mark.parametrize("url", ["http://api.gbif.org/v1/", "ftp://127.0.0.1/", "file:///etc", "api.gbif.org", ""])
def test_address_must_be_safe(url):
    with pytest.raises(InputError):
        Client(url)


def test_answer_without_end_is_cut(client, stub, monkeypatch):
    monkeypatch.setattr("biodata.ingest.http.MOST_JSON_BYTES", 1000)
    stub.records = [{"key": n, "text": "x" * 100} for n in range(100)]
    assert "more than 1,000 bytes" in refused(lambda: client.get_json("occurrence/search", {"limit": "100"}))


def test_service_that_is_not_there(waits):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    client = Client(f"http://127.0.0.1:{port}/v1/", patience=Patience(attempts=2), sleep=waits.append)
    assert "did not answer" in refused(lambda: search(client))
    assert len(waits) == 1


def test_silent_service_is_left():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        patience = Patience(attempts=1, timeout_seconds=0.2)
        text = refused(lambda: search(Client(f"http://127.0.0.1:{port}/", patience=patience)))
    assert "did not answer whole" in text


@pytest.mark.parametrize("fault", [pytest.param(TOO_MANY, id="429"), pytest.param(BUSY, id="503")])
def test_post_that_was_not_processed_is_made_again(client, stub, fault):
    stub.fail("request", fault)
    assert client.post(REQUEST, {"format": "DWCA"}, account=ACCOUNT) == "0000001-261124000000000"
    assert stub.requests == [{"format": "DWCA"}]


@pytest.mark.parametrize("fault", [pytest.param(BROKEN, id="500"), pytest.param(HALF, id="half a body")])
def test_post_that_may_have_been_processed_is_not_made_again(client, stub, fault):
    stub.fail("request", fault)
    assert "may have been processed" in refused(lambda: client.post(REQUEST, {}, account=ACCOUNT))
    assert stub.count("request") == 1


def test_wrong_password(client):
    text = refused(lambda: client.post(REQUEST, {}, account=("ranger", "wrong")))
    assert "answered 401: Bad credentials" in text
    assert "wrong" not in text


CONTENT = bytes(range(256)) * 2000


@pytest.fixture
def target(tmp_path, stub):
    stub.archive = CONTENT
    return tmp_path / "file.zip"


def part(target):
    return target.with_name("file.zip.part")


def test_file_is_fetched(client, target):
    fetch(client, "file.zip", target, size=len(CONTENT))
    assert target.read_bytes() == CONTENT
    assert not part(target).exists()


def ranges(stub):
    return [{k.lower(): v for k, v in headers.items()}.get("range") for _, _, _, headers in stub.asked]


def test_cut_file_is_resumed(client, stub, target):
    stub.fail("zip", HALF, Fault(cut_at=0.25))
    fetch(client, "file.zip", target, size=len(CONTENT))
    assert target.read_bytes() == CONTENT
    half = len(CONTENT) // 2
    assert ranges(stub) == [None, f"bytes={half}-", f"bytes={half + half // 4}-"]


def test_file_of_an_earlier_run_is_resumed(client, stub, target):
    part(target).write_bytes(CONTENT[:1000])
    fetch(client, "file.zip", target, size=len(CONTENT))
    assert target.read_bytes() == CONTENT
    assert ranges(stub) == ["bytes=1000-"]


def test_whole_part_needs_no_request(client, stub, target):
    part(target).write_bytes(CONTENT)
    fetch(client, "file.zip", target, size=len(CONTENT))
    assert target.read_bytes() == CONTENT
    assert stub.asked == []


@pytest.mark.parametrize("size", [len(CONTENT), None])
def test_part_that_is_too_long_is_begun_anew(client, target, size):
    part(target).write_bytes(b"x" * (len(CONTENT) + 5))
    fetch(client, "file.zip", target, size=size)
    assert target.read_bytes() == CONTENT


def test_server_that_ignores_ranges(client, stub, target):
    part(target).write_bytes(b"x" * 1000)
    stub.fail("zip", Fault(200, {}, CONTENT, content_type="application/zip"))
    fetch(client, "file.zip", target, size=len(CONTENT))
    assert target.read_bytes() == CONTENT


def test_wrong_size_is_refused(client, target):
    assert "not of the 17 that it told" in refused(lambda: fetch(client, "file.zip", target, size=17))
    assert not target.exists()


@pytest.mark.parametrize("fault", [TOO_MANY, BROKEN, BUSY, MAINTENANCE], ids=["429", "500", "503", "HTML"])
def test_file_is_fetched_at_the_second_attempt(client, stub, target, fault):
    stub.fail("zip", fault)
    fetch(client, "file.zip", target, size=len(CONTENT))
    assert target.read_bytes() == CONTENT


def test_page_is_never_kept_as_a_file(client, stub, target):
    stub.fail("zip", *[MAINTENANCE] * 10)
    assert "Down for maintenance" in refused(lambda: fetch(client, "file.zip", target))
    assert not target.exists()
    assert not part(target).exists()


def test_file_that_never_comes_whole(client, stub, target):
    stub.fail("zip", *[Fault(cut_at=0)] * 10)
    assert "attempts" in refused(lambda: fetch(client, "file.zip", target, size=len(CONTENT)))
    assert stub.count("zip") == 4


def test_file_that_is_too_large(client, target, monkeypatch):
    monkeypatch.setattr(http, "MOST_BYTES", 1000)
    assert "at most 1,000 are taken" in refused(lambda: fetch(client, "file.zip", target))


def test_no_room(client, target, monkeypatch):
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10})())
    with pytest.raises(StoreError, match="there is room for 10"):
        fetch(client, "file.zip", target)


def test_threads_share_a_client(client, stub):
    stub.records = [{"key": n} for n in range(50)]
    found = []
    threads = [threading.Thread(target=lambda: found.append(search(client)["count"])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [50] * 8
    assert urlsplit(stub.url).hostname == "127.0.0.1"
