"""Limits, callers, links, compression, other sites' pages, metrics, and what the log keeps to itself."""

import gzip
import json
import logging
import sys

import pytest
from starlette.datastructures import Headers
from starlette.testclient import TestClient

import releases
from api import logs
from api.answers import media_ranges
from api.app import create_app
from api.callers import PERIOD_S, Rates, caller, origin
from biodata.core.settings import Settings

pytest_plugins = ("api_client",)
ABROAD, HERE = ("203.0.113.9", 4711), ("127.0.0.1", 4711)
COUNT = "/v1/occurrence/count"


@pytest.fixture
def served(settings):
    """Return a way to ask an application with other settings, from another address."""
    opened = []

    def serve(client=ABROAD, **changes):
        app = create_app(settings.model_copy(update=changes))
        opened.append(TestClient(app, base_url="http://test", raise_server_exceptions=False, client=client))
        return opened[-1].__enter__()

    yield serve
    for each in opened:
        each.__exit__(None, None, None)
    (settings.data / "service" / "run" / "rates").unlink(missing_ok=True)


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


def test_a_bucket_is_emptied_and_fills_again():
    clock = Clock()
    with Rates(6, clock=clock) as rates:
        assert [rates.take("a").remaining for _ in range(6)] == [5, 4, 3, 2, 1, 0]
        refused = rates.take("a")
        assert (refused.allowed, refused.wait_s, refused.full_s) == (False, pytest.approx(10), pytest.approx(60))
        assert rates.take("b").allowed, "each client has its own"
        clock.now += 9.9
        assert not rates.take("a").allowed
        clock.now += 0.2
        assert rates.take("a").allowed
        clock.now += PERIOD_S
        assert rates.take("a").remaining == 5


def test_two_workers_share_a_bucket(tmp_path):
    clock = Clock()
    file = tmp_path / "run" / "rates"
    with Rates(4, file, clock=clock) as one, Rates(4, file, clock=clock) as two:
        assert [each.take("a").allowed for each in (one, two, one, two, one, two)] == [True] * 4 + [False] * 2
    assert b"203.0.113" not in file.read_bytes()
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)


def test_a_clock_that_began_anew(tmp_path):
    clock = Clock()
    with Rates(4, tmp_path / "rates", clock=clock) as rates:
        for _ in range(5):
            rates.take("a")
        clock.now = 3.0
        assert rates.take("a").allowed, "a machine that was started again does not lock its clients out"


def test_where_the_file_cannot_be_kept(tmp_path):
    (tmp_path / "file").write_text("")
    with Rates(1, tmp_path / "file" / "rates") as rates:
        assert [rates.take("a").allowed for _ in range(2)] == [True, False]


def test_too_many_requests(served):
    client = served(rate_limit=3)
    answers = [client.get(COUNT) for _ in range(4)]
    assert [a.status_code for a in answers] == [200, 200, 200, 429]
    assert [a.headers["ratelimit"].split(";")[1] for a in answers] == ["r=2", "r=1", "r=0", "r=0"]
    refused = answers[-1]
    assert refused.headers["ratelimit-policy"] == '"default";q=3;w=60'
    assert 1 <= int(refused.headers["retry-after"]) <= 20
    assert (refused.headers["content-type"], refused.json()["code"]) == ("application/problem+json", "RATE_LIMITED")
    assert client.get("/health/live").status_code == 200, "whoever watches the service is not refused"


@pytest.mark.parametrize(("client", "limit", "limited"), [
    pytest.param(ABROAD, None, True, id="from another machine"),
    pytest.param(HERE, None, False, id="from this machine"),
    pytest.param(HERE, 100, True, id="from this machine where a limit is set"),
])  # fmt: skip
def test_who_is_limited(served, client, limit, limited):
    assert ("ratelimit" in served(client, rate_limit=limit).get(COUNT).headers) == limited


def asked(peer, settings, **headers):
    raw = [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()]
    found = caller({"type": "http", "client": (peer, 1)}, Headers(raw=raw), settings)
    return found.key, found.local


BEHIND = Settings(trusted_proxies="10.0.0.0/8,127.0.0.1")


@pytest.mark.parametrize(("peer", "settings", "headers", "expected"), [
    pytest.param("203.0.113.9", BEHIND, {}, ("203.0.113.9", False), id="nobody between"),
    pytest.param("203.0.113.9", BEHIND, {"x_forwarded_for": "1.1.1.1"}, ("203.0.113.9", False), id="a client that tells stories"),
    pytest.param("10.1.1.1", BEHIND, {"x_forwarded_for": "1.1.1.1"}, ("1.1.1.1", False), id="a trusted proxy"),
    pytest.param("10.1.1.1", BEHIND, {"x_forwarded_for": "9.9.9.9, 1.1.1.1, 10.2.2.2"}, ("1.1.1.1", False), id="two proxies, and what the client wrote before"),
    pytest.param("10.1.1.1", BEHIND, {"x_forwarded_for": "nonsense"}, ("10.1.1.1", False), id="a proxy that tells nonsense"),
    pytest.param("127.0.0.1", BEHIND, {"x_forwarded_for": "1.1.1.1"}, ("1.1.1.1", False), id="a proxy on this machine"),
    pytest.param("127.0.0.1", Settings(), {}, ("127.0.0.1", True), id="this machine"),
    pytest.param("127.0.0.1", Settings(), {"x_forwarded_for": "1.1.1.1"}, ("127.0.0.1", False), id="a proxy on this machine that was not told of"),
    pytest.param("2001:db8:1:2:aaaa::1", Settings(), {}, ("20010db800010002/64".lstrip("0"), False), id="an IPv6 address"),
    pytest.param("::ffff:203.0.113.9", Settings(), {}, ("203.0.113.9", False), id="IPv4 inside IPv6"),
    pytest.param("", Settings(), {}, ("local", True), id="a socket of this machine"),
])  # fmt: skip
def test_who_asks(peer, settings, headers, expected):
    assert asked(peer, settings, **headers) == expected


@pytest.mark.parametrize(("host", "settings", "expected"), [
    pytest.param("localhost:8000", Settings(), "http://localhost:8000", id="this machine"),
    pytest.param("192.0.2.7:8000", Settings(), "http://192.0.2.7:8000", id="an address"),
    pytest.param("[::1]:8000", Settings(), "http://[::1]:8000", id="an IPv6 address"),
    pytest.param("evil.example", Settings(), "http://192.0.2.1:8000", id="any other name"),
    pytest.param("evil.example", Settings(public_url="https://data.example.org/"), "https://data.example.org", id="the public address"),
])  # fmt: skip
def test_what_links_begin_with(host, settings, expected):
    scope = {"type": "http", "scheme": "http", "server": ("192.0.2.1", 8000)}
    assert "://".join(origin(scope, Headers({"host": host}), settings, trusted=False)) == expected


def test_links_hold_no_foreign_host(served):
    for client in (served(), served(public_url="https://data.example.org")):
        body = client.get("/ogc/collections/occurrences/items?limit=1", headers={"host": "evil.example"})
        assert "evil.example" not in body.text + str(body.headers)
    assert '"href":"https://data.example.org/ogc' in body.text
    assert body.headers["strict-transport-security"]


@pytest.mark.parametrize(("accept", "expected"), [
    ("gzip", True), ("br, gzip;q=0.5", True), ("gzip;q=0", False), ("br", False), ("", False), ("gzip;q=x", False),
])  # fmt: skip
def test_who_takes_gzip(accept, expected):
    assert ("gzip" in media_ranges(accept)) == expected


def raw(client, path, **headers):
    with client.stream("GET", path, headers=headers) as answer:
        return answer, b"".join(answer.iter_raw())


def test_large_answers_are_compressed(client):
    path = "/ogc/collections/occurrences/items?limit=50"
    packed, body = raw(client, path, **{"accept-encoding": "gzip"})
    plain, whole = raw(client, path, **{"accept-encoding": "identity"})
    assert (packed.headers["content-encoding"], int(packed.headers["content-length"])) == ("gzip", len(body))
    assert json.loads(gzip.decompress(body))["features"] == json.loads(whole)["features"]
    assert len(body) * 4 < len(whole)
    assert "content-encoding" not in plain.headers
    assert "accept-encoding" in packed.headers["vary"].lower()
    assert "accept-encoding" in plain.headers["vary"].lower()
    small, _ = raw(client, COUNT, **{"accept-encoding": "gzip"})
    assert "content-encoding" not in small.headers
    head = client.head(path, headers={"accept-encoding": "gzip"})
    assert (head.content, head.headers["content-encoding"]) == (b"", "gzip")


def test_a_page_of_another_site_may_ask(client):
    asked = {"origin": "https://elsewhere.example", "access-control-request-method": "GET"}
    allowed = client.options("/v1/occurrence/search", headers=asked)
    assert allowed.status_code == 204
    assert allowed.headers["access-control-allow-origin"] == "*"
    assert "GET" in allowed.headers["access-control-allow-methods"]
    answer = client.get(COUNT, headers={"origin": "https://elsewhere.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    assert "Link" in answer.headers["access-control-expose-headers"]


@pytest.mark.parametrize(("path", "methods"), [
    ("/ogc/collections/occurrences/items", {"GET", "HEAD", "OPTIONS"}),
    ("/v1/surveys", {"GET", "HEAD", "POST", "OPTIONS"}),
    ("/", {"GET", "HEAD", "OPTIONS"}),
])  # fmt: skip
def test_options_tells_what_may_be_asked(client, path, methods):
    answer = client.options(path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert {m.strip() for m in answer.headers["allow"].split(",")} == methods


def test_metrics_are_for_this_machine_or_with_a_token(served):
    assert served(HERE).get("/metrics").status_code == 200
    assert served(HERE).get("/metrics", headers={"x-forwarded-for": "203.0.113.9"}).status_code == 403
    refused = served(ABROAD).get("/metrics")
    assert (refused.status_code, refused.json()["code"]) == (403, "NOT_FROM_HERE")
    told = Settings(metrics_token="a-token-of-some-length").metrics_token
    guarded = served(HERE, metrics_token=told)
    assert guarded.get("/metrics").status_code == 403
    assert guarded.get("/metrics", headers={"authorization": "Bearer a-token-of-some-lengtX"}).status_code == 403
    assert guarded.get("/metrics", headers={"authorization": "Bearer a-token-of-some-length"}).status_code == 200
    assert "a-token" not in repr(told)


def test_what_is_counted(served):
    client = served(HERE, rate_limit=2)
    for _ in range(3):
        client.get(COUNT)
    text = client.get("/metrics").text
    assert 'biodata_requests_total{method="GET",route="/v1/occurrence/count",status="200"} 2.0' in text
    assert "biodata_rate_limited_total 1.0" in text
    assert "biodata_requests_open 1.0" in text, "the one that asks"
    assert "# TYPE biodata_jobs gauge" in text


@pytest.mark.parametrize(("told", "hidden"), [
    pytest.param("Could not convert string 'POINT(101.5 21.9)' to DOUBLE", ["101.5", "POINT"], id="quoted text"),
    pytest.param("near -17.25 102.125", ["17.25", "102.125"], id="numbers with decimals"),
    pytest.param("GET /v1/occurrence/search?decimalLatitude=21 failed", ["decimalLatitude"], id="a query"),
])  # fmt: skip
def test_messages_of_others_lose_places(told, hidden):
    record = logging.LogRecord("biodata.store", logging.WARNING, "f.py", 1, "%s", (told,), None)
    line = json.loads(logs.JsonLines().format(record))
    assert line.keys() == {"event", "logger", "level", "timestamp"}
    assert not [part for part in hidden if part in line["event"]]


def test_an_exception_tells_where_and_not_what():
    try:
        try:
            int("secret place 21.5")
        except ValueError as error:
            raise KeyError("101.25") from error  # noqa: EM101
    except KeyError:
        info = sys.exc_info()
    record = logging.LogRecord("uvicorn.error", logging.ERROR, "f.py", 1, "Exception in ASGI application", (), info)
    line = logs.JsonLines().format(record)
    assert "KeyError" in line
    assert "ValueError" in line
    assert "test_api_operations.py" in line
    assert "101.25" not in line
    assert "secret" not in line


def test_no_secret_in_the_log(client, caplog):
    caplog.set_level(logging.DEBUG, "api")
    client.get(COUNT, headers={"authorization": "Bearer top-secret-key", "x-api-key": "another-key-of-mine"})
    assert "top-secret" not in caplog.text
    assert "another-key" not in caplog.text


def test_ready_goes_and_comes_back(tmp_path):
    releases.make_release(tmp_path, releases.open_rows()[:20])
    with TestClient(create_app(Settings(data=tmp_path)), raise_server_exceptions=False) as client:
        assert client.get("/health/ready").status_code == 200
        pointer = tmp_path / "releases" / "CURRENT"
        told = pointer.read_text()
        for broken in ("{", json.dumps({**json.loads(told), "current": {}})):
            pointer.write_text(broken)
            assert client.get("/health/ready").status_code == 503
            answer = client.get(COUNT)
            assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        pointer.unlink()
        assert client.get("/health/ready").json()["code"] == "RELEASE_MISSING"
        pointer.write_text(told)
        assert client.get("/health/ready").status_code == 200
        assert client.get(COUNT).json() == 20
