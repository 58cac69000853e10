"""Uploads in parts, by the words of tus 1.0: in order, checked, counted once, up to limits, gone in time."""

import base64
import hashlib
import os
import threading
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

import appointed
import releases as fixture
from api.app import create_app
from biodata.access import api_keys
from biodata.access.roles import Role, RoleBinding
from biodata.settings import Settings
from biodata.store.models import now
from biodata.store.survey_models import SurveyUpload
from biodata.surveys import parts
from biodata.worker import work
from people import bearer

UPLOADS = "/v1/uploads"
PART = "application/offset+octet-stream"


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    data = tmp_path_factory.mktemp("parts") / "data"
    fixture.make_release(data)
    return Settings(
        data=data, memory_limit="500MB", upload_limit_bytes=50_000, survey_limit_bytes=2_000_000,
        survey_parts_at_once=3, rate_limit=0,
    )  # fmt: skip


@pytest.fixture(scope="module")
def client(settings):
    with TestClient(create_app(settings), base_url="http://test", raise_server_exceptions=False) as found:
        yield found


@pytest.fixture
def head(client):
    """Return the headers of a team of its own, so that quotas do not meet."""
    registry = client.app.state.service.registry
    name = api_keys.unused_name(registry, "team")
    appointed.new(registry, name, roles=[RoleBinding(Role.UPLOADER, dataset=name)])
    return bearer(api_keys.new(registry, name)) | {"Tus-Resumable": "1.0.0"}


def told(**values):
    return ",".join(f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in values.items())


def begin(client, head, length, **values):
    headers = head | {"Upload-Length": str(length)} | ({"Upload-Metadata": told(**values)} if values else {})
    answer = client.post(UPLOADS, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.headers["location"]


def send(client, head, url, content, offset, **more):
    return client.patch(
        url, content=content, headers=head | {"Upload-Offset": str(offset), "Content-Type": PART} | more
    )


def test_a_survey_in_parts_is_one_survey(client, head, settings, sample_data):
    content = (sample_data / "survey_namha.xlsx").read_bytes()
    whole = hashlib.sha256(content).hexdigest()
    url = begin(client, head, len(content), filename="námha.xlsx", sha256=whole)
    step = len(content) // 3 + 1
    unfinished = client.post("/v1/surveys", data={"upload": url.rsplit("/", 1)[1]}, headers=head)
    assert (unfinished.status_code, unfinished.json()["code"]) == (409, "UPLOAD_UNFINISHED")
    for start in range(0, len(content), step):
        part = content[start : start + step]
        check = "sha1 " + base64.b64encode(hashlib.sha1(part).digest()).decode()
        answer = send(client, head, url, part, start, **{"Upload-Checksum": check})
        assert (answer.status_code, answer.headers["upload-offset"]) == (204, str(start + len(part)))
        asked = client.head(url, headers=head)
        assert (asked.headers["upload-offset"], asked.headers["upload-length"]) == (
            str(start + len(part)),
            str(len(content)),
        )
        assert "no-store" in asked.headers["cache-control"]
    folder = settings.data / "service" / "uploads" / "parts" / url.rsplit("/", 1)[1]
    assert len(list(folder.iterdir())) == 3
    assert not any(content[:40] in path.read_bytes() for path in folder.iterdir()), "only the worker can read them"
    taken = client.post("/v1/surveys", data={"upload": url.rsplit("/", 1)[1]}, headers=head)
    assert taken.status_code == 202, taken.text
    work(settings, stop=threading.Event(), once=True)
    state = client.get(taken.json()["location"], headers=head).json()
    assert (state["state"], state["file"]) == ("published", "námha.xlsx")
    assert not folder.exists()
    assert client.delete(url, headers=head).status_code == 404


def test_a_part_out_of_order_twice_or_changed_on_its_way_is_refused(client, head):
    url = begin(client, head, 300)
    assert send(client, head, url, b"a" * 100, 0).status_code == 204
    for offset in (0, 50, 200, 300):
        answer = send(client, head, url, b"b" * 100, offset)
        assert (answer.status_code, answer.json()["code"]) == (409, "OFFSET_WRONG"), offset
        assert answer.json()["expected"] == "Upload-Offset: 100"
    wrong = "sha1 " + base64.b64encode(hashlib.sha1(b"else").digest()).decode()
    answer = send(client, head, url, b"b" * 100, 100, **{"Upload-Checksum": wrong})
    assert (answer.status_code, answer.json()["code"]) == (460, "CHECKSUM_WRONG")
    assert client.head(url, headers=head).headers["upload-offset"] == "100"
    assert send(client, head, url, b"b" * 201, 100).status_code == 413
    assert send(client, head, url, b"b" * 200, 100).headers["upload-offset"] == "300"
    assert send(client, head, url, b"", 300).status_code == 409


def test_the_same_part_twice_at_once_counts_once(client, head, settings):
    url, start, got = begin(client, head, 40_000), threading.Barrier(6), []
    content = os.urandom(20_000)

    def act():
        start.wait()
        got.append(send(client, head, url, content, 0).status_code)

    threads = [threading.Thread(target=act) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(got) == [204, 409, 409, 409, 409, 409]
    folder = settings.data / "service" / "uploads" / "parts" / url.rsplit("/", 1)[1]
    assert len(list(folder.iterdir())) == 1


def test_a_whole_that_is_not_what_was_told_is_refused(client, head, settings, sample_data):
    content = (sample_data / "survey_namha.xlsx").read_bytes()
    url = begin(client, head, len(content), filename="a.xlsx", sha256="0" * 63 + "1")
    assert send(client, head, url, content, 0).status_code == 204
    taken = client.post("/v1/surveys", data={"upload": url.rsplit("/", 1)[1]}, headers=head)
    work(settings, stop=threading.Event(), once=True)
    state = client.get(taken.json()["location"], headers=head).json()
    assert state["state"] == "refused"
    assert state["report"]["problems"][0]["code"] == "CHECKSUM_WRONG"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Upload-Length": "5", "Tus-Resumable": "0.2.2"}, 412),
        ({}, 400),
        ({"Upload-Length": "-5"}, 400),
        ({"Upload-Length": "2000001"}, 413),
        ({"Upload-Length": "5", "Upload-Metadata": "filename !!"}, 400),
        ({"Upload-Length": "5", "Upload-Metadata": "sha256 YWJj"}, 400),
    ],
    ids=["another version", "no length", "a negative one", "too large", "no base 64", "no checksum"],
)
def test_what_cannot_begin(client, head, headers, status):
    answer = client.post(UPLOADS, headers=head | headers)
    assert answer.status_code == status, answer.text
    if status == 412:
        assert answer.headers["tus-version"] == "1.0.0"


def test_what_is_no_part(client, head):
    url = begin(client, head, 100)
    other = client.patch(url, content=b"a", headers=head | {"Upload-Offset": "0", "Content-Type": "text/plain"})
    assert (other.status_code, other.json()["code"]) == (415, "MEDIA_TYPE")
    assert client.patch(url, content=b"a", headers=head | {"Content-Type": PART}).status_code == 400
    assert send(client, head, url, b"a" * 50_001, 0).status_code == 413
    assert client.head(url, headers=head).headers["upload-offset"] == "0"


def test_an_account_has_so_many_under_way(client, head):
    urls = [begin(client, head, 10) for _ in range(3)]
    answer = client.post(UPLOADS, headers=head | {"Upload-Length": "10"})
    assert (answer.status_code, answer.json()["code"]) == (429, "UPLOADS_TOO_MANY")
    assert client.delete(urls[0], headers=head).status_code == 204
    assert client.head(urls[0], headers=head).status_code == 404
    begin(client, head, 10)


def test_anothers_upload_is_not_there(client, head):
    url = begin(client, head, 10)
    registry = client.app.state.service.registry
    other = bearer(api_keys.for_uploads(registry, "another")) | {"Tus-Resumable": "1.0.0"}
    assert client.get(url, headers=other).status_code == 404
    assert send(client, other, url, b"a", 0).status_code == 404
    assert client.delete(url, headers=other).status_code == 404
    answer = client.post("/v1/surveys", data={"upload": url.rsplit("/", 1)[1]}, headers=other)
    assert (answer.status_code, answer.json()["code"]) == (404, "UPLOAD_MISSING")


def test_what_expired_is_gone_when_the_service_starts(client, head, settings):
    url = begin(client, head, 10)
    send(client, head, url, b"abc", 0)
    upload, registry = url.rsplit("/", 1)[1], client.app.state.service.registry
    folder = settings.data / "service" / "uploads" / "parts" / upload
    with registry.session() as session, session.begin():
        session.get_one(SurveyUpload, upload).expires = now() - timedelta(seconds=1)
    assert client.head(url, headers=head).status_code == 404
    assert folder.exists()
    with TestClient(create_app(settings), base_url="http://test"):
        assert not folder.exists()
    assert parts.sweep(settings, registry) == 0


def test_what_of_tus_is_spoken(client):
    answer = client.options(UPLOADS, headers={"Access-Control-Request-Method": "POST"})
    assert answer.headers["tus-version"] == "1.0.0"
    assert answer.headers["tus-extension"] == "creation,checksum,expiration,termination"
    assert answer.headers["tus-max-size"] == "2000000"
    assert "Upload-Offset" in answer.headers["access-control-allow-headers"]
    assert "Upload-Offset" in answer.headers["access-control-expose-headers"]
