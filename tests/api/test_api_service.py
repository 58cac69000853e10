"""What holds for every answer: ids, releases, headers, problems, HEAD, health, the map's files, the log."""

import gzip
import json
import logging
from html import unescape

import pytest
from starlette.testclient import TestClient

import releases
from api.app import create_app
from api.logs import JsonLines
from biodata.core.errors import QueryTimeoutError
from biodata.core.settings import Settings
from biodata.store.reader import OpenRelease

pytest_plugins = ("api_client",)
PAGES = ["/v1/occurrence/search", "/v1/species/search", "/v1/dataset", "/ogc", "/ogc/collections/corridors/items",
         "/ogc/collections/boundaries/tiles/WebMercatorQuad/0/0/0", "/health/live", "/docs", "/"]  # fmt: skip


@pytest.mark.parametrize("path", [*PAGES, "/nothing", "/v1/occurrence/abc", "/v1/surveys"])
def test_headers_of_every_answer(client, path):
    answer = client.get(path)
    assert len(answer.headers["x-request-id"]) == 32
    assert answer.headers["x-biodata-release"].startswith("r0")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert "unsafe" not in answer.headers["content-security-policy"]


@pytest.mark.parametrize("path", PAGES)
def test_head(client, path):
    answer = client.head(path)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-type"] == client.get(path).headers["content-type"]


@pytest.mark.parametrize(("method", "path", "status", "code"), [
    ("GET", "/v1/nothing", 404, "NOT_FOUND"),
    ("GET", "/assets/../../pyproject.toml", 404, "NOT_FOUND"),
    ("GET", "/assets/%2e%2e/%2e%2e/app.py", 404, "NOT_FOUND"),
    ("DELETE", "/v1/occurrence/search", 405, "METHOD_NOT_ALLOWED"),
    ("OPTIONS", "/v1/nothing", 404, "NOT_FOUND"),
    ("GET", "/v1/occurrence/search?q=" + "a" * 33_000, 414, "URI_TOO_LONG"),
    ("GET", "/v1/occurrence/search?" + "year=1&" * 301, 400, "PARAMETERS_TOO_MANY"),
    ("GET", "/v1/surveys/999", 401, "KEY_MISSING"),
])  # fmt: skip
def test_problems(client, method, path, status, code):
    answer = client.request(method, path)
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    assert body["type"] == f"/docs#{code}"
    assert body["request_id"] == answer.headers["x-request-id"]


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8"


@pytest.mark.parametrize(("path", "status", "words"), [
    ("/nowhere", 404, ("There is nothing here.", "/docs#NOT_FOUND")),
    ("/v1/occurrence/search?contry=LA", 400, ("contry", "Did you mean country", "/docs#PARAMETER_UNKNOWN")),
    ("/v1/occurrence/search?month=%3Cscript%3E", 400, ("&lt;script&gt;",)),
    ("/v1/surveys/999", 401, ("/docs#KEY_MISSING",)),
])  # fmt: skip
def test_a_browser_gets_a_problem_as_a_page(client, path, status, words):
    data, page = client.get(path), client.get(path, headers={"Accept": BROWSER})
    assert (page.status_code, data.status_code) == (status, status)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"] == client.get("/docs").headers["content-security-policy"]
    assert "max-age" not in page.headers.get("cache-control", "")
    assert data.json()["title"] in unescape(page.text)
    for word in (*words, page.headers["x-request-id"]):
        assert word in page.text
    assert "<script" not in page.text
    assert data.headers.get("www-authenticate") == page.headers.get("www-authenticate")
    asked_for_data = client.get(path + ("&" if "?" in path else "?") + "f=json", headers={"Accept": BROWSER})
    assert asked_for_data.headers["content-type"] == "application/problem+json"


def test_every_kind_of_problem_is_documented(client):
    page = client.get("/docs").text
    assert 'id="PARAMETER_UNKNOWN"' in page
    assert "/v1/occurrence/search" in page
    assert "//cdn" not in page


def test_a_request_id_is_kept_where_it_is_one(client):
    assert (
        client.get("/health/live", headers={"x-request-id": "trace-12345678"}).headers["x-request-id"]
        == "trace-12345678"
    )
    assert client.get("/health/live", headers={"x-request-id": "a b\tc"}).headers["x-request-id"] != "a b\tc"


@pytest.mark.parametrize("host", ["evil.example/path", "a b", "x" * 300, '"><script>'])
def test_a_host_that_is_none(client, host):
    answer = client.get("/ogc", headers={"host": host})
    assert answer.status_code == 400
    assert host not in answer.text


def test_a_fault_of_ours_tells_nothing(settings, monkeypatch, caplog):
    app = create_app(settings)
    with TestClient(app, raise_server_exceptions=False) as client:
        monkeypatch.setattr(app.state.service, "probe", lambda: 1 / 0)
        answer = client.get("/health/ready")
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL")
    assert answer.headers["content-type"] == "application/problem+json"
    assert not {"Traceback", "ZeroDivision", "division"} & set(answer.text.split())
    told = [json.loads(JsonLines().format(r)) for r in caplog.records if r.name == "api.faults"]
    assert told[0]["request_id"] == answer.json()["request_id"]
    assert told[0]["exception"][0] == "builtins.ZeroDivisionError"
    assert any("health.py" in line for line in told[0]["exception"])


def test_a_query_that_takes_too_long(settings, monkeypatch):
    def cut(*_):
        message = "the answer took longer than 10 s"
        raise QueryTimeoutError(message)

    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        monkeypatch.setattr(OpenRelease, "run", cut)
        assert client.get("/v1/occurrence/search").status_code == 503  # while it opens the release
        monkeypatch.undo()
        client.get("/health/ready")
        monkeypatch.setattr(OpenRelease, "run", cut)
        answer = client.get("/v1/occurrence/search")
        assert (answer.status_code, answer.json()["code"]) == (503, "QUERY_TIMEOUT")
        assert answer.headers["retry-after"] == "5"


def test_the_log_names_no_place(client, caplog):
    caplog.set_level(logging.INFO, "api.access")
    client.get("/v1/occurrence/search", params={"geometry": "POLYGON((100 20, 101 20, 101 21, 100 21, 100 20))"})
    client.get("/ogc/collections/occurrences/tiles/WebMercatorQuad/9/233/401")
    lines = [json.loads(JsonLines().format(r)) for r in caplog.records if r.name == "api.access"]
    assert [line["route"] for line in lines] == [
        "/v1/occurrence/search", "/ogc/collections/{collection_id}/tiles/WebMercatorQuad/{z}/{y}/{x}"]  # fmt: skip
    assert lines[0].keys() == {
        "event", "logger", "method", "route", "status", "ms", "bytes", "release", "request_id", "level", "timestamp"}  # fmt: skip
    assert "POLYGON" not in caplog.text
    own = {"ms": 0, "bytes": 0, "timestamp": "", "release": "", "request_id": ""}
    assert "233" not in json.dumps([{**line, **own} for line in lines])


def test_metrics(client):
    client.get("/v1/occurrence/count")
    text = client.get("/metrics").text
    assert 'biodata_requests_total{method="GET",route="/v1/occurrence/count",status="200"}' in text
    client.get("/v1/another-secret-place")
    assert "secret-place" not in client.get("/metrics").text


def test_without_a_release(tmp_path):
    with TestClient(create_app(Settings(data=tmp_path / "new")), raise_server_exceptions=False) as client:
        assert client.get("/health/live").status_code == 200
        for path in ("/health/ready", "/v1/occurrence/search", "/ogc/collections"):
            answer = client.get(path)
            assert (answer.status_code, answer.json()["code"]) == (503, "RELEASE_MISSING")
            assert answer.headers["x-biodata-release"] == "none"


def test_a_release_that_appears_and_one_that_replaces_it(tmp_path):
    settings = Settings(data=tmp_path)
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        assert client.get("/health/ready").status_code == 503
        first = releases.make_release(tmp_path, releases.open_rows()[:50])
        page = client.get("/v1/occurrence/search", params={"limit": 30})
        assert page.json()["count"] == 50
        second = releases.make_release(tmp_path, releases.open_rows()[50:52])
        assert client.get("/v1/occurrence/count").json() == 52
        rest = client.get(page.links["next"]["url"])
        assert rest.headers["x-biodata-release"] == first.id != second.id
        assert (rest.json()["count"], len(rest.json()["results"])) == (50, 20), "a page never mixes two releases"
        releases.make_release(tmp_path, releases.open_rows()[60:61])
        assert client.get(page.links["next"]["url"]).json()["code"] == "RELEASE_GONE"


@pytest.fixture
def built(tmp_path, settings):
    """Give the service with a map that was built."""
    assets = tmp_path / "assets"
    assets.mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>map</title>")
    (assets / "worker-AbC123.mjs").write_text("export {}")
    (assets / "worker-AbC123.mjs.gz").write_bytes(gzip.compress(b"export {}"))
    (assets / "favicon.svg").write_text("<svg/>")
    with TestClient(create_app(settings, dist=tmp_path)) as client:
        yield client


def test_the_map(built):
    answer = built.get("/")
    assert "<title>map" in answer.text
    assert answer.headers["cache-control"] == "no-cache"
    assert "worker-src 'self'" in answer.headers["content-security-policy"]


def test_assets(built):
    worker = built.get("/assets/worker-AbC123.mjs", headers={"accept-encoding": "gzip"})
    assert worker.text == "export {}"
    assert worker.headers["content-encoding"] == "gzip"
    assert worker.headers["content-type"] == "text/javascript"
    assert worker.headers["cache-control"] == "public, max-age=31536000, immutable"
    plain = built.get("/assets/worker-AbC123.mjs", headers={"accept-encoding": "identity"})
    assert (plain.text, plain.headers.get("content-encoding"), plain.headers["vary"]) == (
        "export {}", None, "Accept-Encoding",
    )  # fmt: skip
    assert built.get("/assets/favicon.svg").headers["cache-control"] == "public, max-age=3600"
    assert built.get("/assets/none.js").status_code == 404


def test_how_to_build_the_map(settings, tmp_path):
    with TestClient(create_app(settings, dist=tmp_path / "none")) as client:
        assert "npm run build" in client.get("/").text


def test_species_and_suggestions(client):
    found = client.get("/v1/species/search", params={"q": "vượn"}).json()
    assert [t["canonicalName"] for t in found["results"]] == [releases.GIBBON]
    assert client.get("/v1/species/suggest", params={"q": "cao vit"}).json()[0]["vernacularName"] == "Cao Vit gibbon"
    assert client.get("/v1/species/2441208").json()["species"] == releases.SEROW
    assert client.get("/v1/species/T2441208").json()["key"] == 2441208
    assert client.get("/v1/species/1").json()["code"] == "RECORD_MISSING"
    synonym = client.get("/v1/species", params={"name": "Capricornis argyrochaetes"}).json()["results"][0]
    assert (synonym["synonym"], synonym["acceptedTaxonID"]) == (True, "T2441208")
