"""Downloads over the API: asked for, made by the worker, fetched whole and in parts, cancelled, gone."""

import hashlib
import io
import threading
import zipfile
from types import SimpleNamespace

import polars as pl
import pytest
from starlette.testclient import TestClient

import appointed
import releases
from api.app import create_app
from biodata.access import credentials, downloads
from biodata.access.roles import Role, RoleBinding
from biodata.core.settings import Settings
from biodata.store.models import Job
from biodata.store.registry import Registry
from biodata.worker import work

HERE = "/v1/downloads"


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    data = tmp_path_factory.mktemp("downloads")
    releases.make_release(data)
    return Settings(data=data)


@pytest.fixture(scope="module")
def client(settings):
    with TestClient(create_app(settings), base_url="http://test", raise_server_exceptions=False) as found:
        yield found


def do_jobs(settings):
    return work(settings, stop=threading.Event(), once=True)


def done(client, settings, **asked):
    answer = client.post(HERE, params=asked)
    assert answer.status_code == 202, answer.text
    do_jobs(settings)
    told = client.get(answer.headers["location"]).json()
    assert told["state"] == "done", told
    return told


def test_a_download_from_question_to_file(client, settings):
    answer = client.post(HERE, params={"format": "csv", "country": "LA", "year": "2000,2005"})
    assert answer.status_code == 202
    asked = answer.json()
    assert asked["state"] == "queued"
    assert answer.headers["location"] == f"http://test{HERE}/{asked['id']}"
    assert answer.headers["retry-after"]
    early = client.get(f"{HERE}/{asked['id']}/file")
    assert (early.status_code, early.json()["code"]) == (409, "DOWNLOAD_UNFINISHED")
    do_jobs(settings)
    told = client.get(f"{HERE}/{asked['id']}").json()
    counted = client.get("/v1/occurrence/search", params={"country": "LA", "year": "2000,2005", "limit": 0}).json()[
        "count"
    ]
    assert told["state"] == "done"
    assert told["progress"] == 1
    assert told["rows"] == counted > 0
    assert sum(dataset["count"] for dataset in told["datasets"]) == counted
    fetched = client.get(told["file"])
    assert fetched.status_code == 200
    assert fetched.headers["content-type"].startswith("text/csv")
    assert fetched.headers["content-disposition"] == f'attachment; filename="{told["filename"]}"'
    assert hashlib.sha256(fetched.content).hexdigest() == told["sha256"]
    assert len(fetched.content) == told["size"]
    frame = pl.read_csv(fetched.content, infer_schema_length=None)
    assert frame.height == counted
    assert set(frame["countryCode"]) == {"LA"}
    assert frame["year"].is_between(2000, 2005).all()


def test_a_download_is_cited_and_its_archive_tells_it(client, settings):
    told = done(client, settings, format="dwca", country="VN")
    citation = client.get(f"/v1/citations/{told['citation']}").json()
    assert citation["downloadId"] == told["id"]
    assert citation["count"] == told["rows"]
    assert {
        "rel": "cite-as",
        "href": f"http://test/v1/citations/{told['citation']}",
        "type": "application/json",
    } in told["links"]
    with zipfile.ZipFile(io.BytesIO(client.get(told["file"]).content)) as packed:
        assert told["citation"] in packed.read("eml.xml").decode()


def test_the_same_question_in_a_body(client, settings):
    by_address = done(client, settings, format="species-list", country="LA")
    for body in ({"format": "species-list", "country": "LA"}, {"format": "SPECIES-LIST", "country": ["LA"]}):
        answer = client.post(HERE, json=body)
        assert answer.status_code == 202, answer.text
        do_jobs(settings)
        assert client.get(answer.headers["location"]).json()["sha256"] == by_address["sha256"]


def test_parts_of_a_file(client, settings):
    told = done(client, settings, format="dwca")
    whole = client.get(told["file"])
    etag = whole.headers["etag"]
    assert etag == f'"{told["sha256"]}"'
    assert whole.headers["accept-ranges"] == "bytes"
    first = client.get(told["file"], headers={"Range": "bytes=0-999"})
    rest = client.get(told["file"], headers={"Range": "bytes=1000-", "If-Range": etag})
    assert (first.status_code, rest.status_code) == (206, 206)
    assert first.headers["content-range"] == f"bytes 0-999/{told['size']}"
    assert first.content + rest.content == whole.content
    assert client.get(told["file"], headers={"Range": "bytes=-10"}).content == whole.content[-10:]
    assert zipfile.ZipFile(io.BytesIO(whole.content)).testzip() is None


@pytest.mark.parametrize(("headers", "status"), [
    pytest.param({"Range": "bytes=10-5"}, 400, id="backwards"),
    pytest.param({"Range": "lines=1-5"}, 400, id="another unit"),
    pytest.param({"Range": "bytes=x"}, 400, id="no numbers"),
    pytest.param({"Range": "bytes=0-9", "If-Range": '"other"'}, 200, id="another file's copy"),
    pytest.param({"Range": "bytes=99999999999-"}, 416, id="behind the end"),
    pytest.param({"If-None-Match": "*"}, 304, id="not changed"),
    pytest.param({"Accept-Encoding": "gzip"}, 200, id="never packed on its way"),
])  # fmt: skip
def test_what_is_asked_of_a_file(client, settings, headers, status):
    told = done(client, settings, format="csv", country="VN")
    answer = client.get(told["file"], headers=headers)
    assert answer.status_code == status
    if status == 200:
        assert len(answer.content) == told["size"]
        assert "content-encoding" not in answer.headers


def test_the_head_of_a_file(client, settings):
    told = done(client, settings, format="geoparquet", country="VN")
    answer = client.head(told["file"])
    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) == told["size"]
    assert answer.headers["accept-ranges"] == "bytes"
    assert client.head(told["file"], headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


def test_a_cancelled_download_is_not_made(client, settings):
    answer = client.post(HERE, params={"format": "gpkg"})
    told = client.delete(answer.headers["location"])
    assert (told.status_code, told.json()["state"]) == (200, "cancelled")
    do_jobs(settings)
    assert client.get(answer.headers["location"]).json()["state"] == "cancelled"
    gone = client.get(f"{answer.headers['location']}/file")
    assert (gone.status_code, gone.json()["code"]) == (410, "DOWNLOAD_GONE")


def test_a_finished_download_can_be_taken_away(client, settings):
    told = done(client, settings, format="cube")
    folder = downloads.folder(settings) / told["id"]
    assert folder.is_dir()
    registry = client.app.state.service.registry
    for shown, status in (({}, 401), ({"X-API-Key": credentials.key_for_uploads(registry, "a reader")}, 403)):
        assert client.delete(f"{HERE}/{told['id']}", headers=shown).status_code == status, "a citation tells its id"
    appointed.new(registry, "root", roles=[RoleBinding(Role.ADMINISTRATOR)])
    key = {"X-API-Key": credentials.new_key(registry, "root")}
    assert client.delete(f"{HERE}/{told['id']}", headers=key).json()["state"] == "erased"
    assert not folder.exists()
    assert client.get(told["file"]).status_code == 410


def test_a_file_whose_time_is_over_is_gone(client, settings):
    told = done(client, settings, format="species-list")
    with Registry.open(settings) as registry:
        with registry.session() as session, session.begin():
            for job in session.query(Job).filter(Job.arguments["download"].as_string() == told["id"]):
                job.finished = job.finished.replace(year=job.finished.year - 2)
        assert client.get(f"{HERE}/{told['id']}").json()["state"] == "expired"
        assert client.get(told["file"]).status_code == 410
        downloads.sweep(settings, registry)
    assert not (downloads.folder(settings) / told["id"]).exists()


def test_a_file_made_under_other_sharing_rules_is_not_given_any_more(client, settings, monkeypatch):
    told = done(client, settings, format="csv", country="LA")
    assert "rules_hash" not in told
    assert client.get(told["file"]).status_code == 200
    monkeypatch.setattr("api.dependencies.Service.rules_hash", lambda _self: "of other rules")
    monkeypatch.setattr("api.downloads.rules_of", lambda _registry: SimpleNamespace(hash="of rules without a release"))
    refused = client.get(told["file"])
    assert (refused.status_code, refused.json()["code"]) == (410, "DOWNLOAD_GONE")
    later = client.get(f"{HERE}/{told['id']}").json()
    assert "file" not in later
    assert not any(link["rel"] == "enclosure" for link in later["links"])


def test_what_was_not_used_is_not_told_as_asked(client, settings):
    told = done(client, settings, format="csv", country="LA", spellCheck="true")
    assert told["parameters"] == [{"name": "country", "value": "LA"}]


@pytest.mark.parametrize(("asked", "code"), [
    pytest.param({"format": "xlsx"}, "PARAMETER_INVALID", id="no such format"),
    pytest.param({"format": "cube", "grid": "5km"}, "PARAMETER_INVALID", id="no such grid"),
    pytest.param({"format": "csv", "columns": "few"}, "PARAMETER_INVALID", id="no such column"),
    pytest.param({"format": "csv", "columns": "key,key"}, "PARAMETER_INVALID", id="a column twice"),
    pytest.param({"formt": "csv"}, "PARAMETER_UNKNOWN", id="no such parameter"),
    pytest.param({"format": "csv", "year": "x"}, "PARAMETER_INVALID", id="a value that is none"),
])  # fmt: skip
def test_what_cannot_be_asked(client, asked, code):
    answer = client.post(HERE, params=asked)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


@pytest.mark.parametrize("number", ["0" * 32, "x", "..", "a" * 300])
def test_what_is_not_there(client, number):
    for method, path in (("GET", ""), ("DELETE", ""), ("GET", "/file")):
        assert client.request(method, f"{HERE}/{number}{path}").status_code in (404, 405)


def test_a_release_that_is_gone_is_told(client, settings):
    answer = client.post(HERE, params={"format": "csv"})
    path = next((settings.data / "releases").glob("release-*.duckdb"))
    path.rename(path.with_suffix(".away"))
    try:
        do_jobs(settings)
    finally:
        path.with_suffix(".away").rename(path)
    told = client.get(answer.headers["location"]).json()
    assert told["state"] == "failed"
    assert told["release"] in told["error"]


def test_no_room_is_a_507_and_nothing_is_queued(settings, monkeypatch, client):
    monkeypatch.setattr(downloads, "_RESERVE_BYTES", 10**18)
    monkeypatch.setattr(downloads, "_RESERVE_SHARE", 1.1)
    answer = client.post(HERE, params={"format": "csv"})
    assert (answer.status_code, answer.json()["code"]) == (507, "DISK_FULL")
    assert do_jobs(settings) == 0


def test_too_many_that_wait_are_a_429(settings):
    few = settings.model_copy(update={"downloads_waiting": 1})
    with TestClient(create_app(few), base_url="http://test") as client:
        first = client.post(HERE, params={"format": "csv"})
        second = client.post(HERE, params={"format": "csv"})
        assert (second.status_code, second.json()["code"]) == (429, "DOWNLOADS_TOO_MANY")
        assert second.headers["retry-after"]
        client.delete(first.headers["location"])
