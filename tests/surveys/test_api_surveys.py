"""Surveys over HTTP: a check for anybody, a commit for those who have a key, refusals that change nothing."""

import hashlib
import io
import json

import pytest
from sqlalchemy import func, select

import appointed
from biodata.access import credentials
from biodata.access.roles import Role, RoleBinding
from biodata.store import survey_files
from biodata.store.models import Job, Submission

pytest_plugins = ("api_client",)
SURVEYS = "/v1/surveys"


@pytest.fixture(scope="module")
def registry(client):
    return client.app.state.service.registry


@pytest.fixture(scope="module")
def key(registry):
    return credentials.key_for_uploads(registry, "Nam Ha team")


@pytest.fixture(scope="module")
def good(sample_data):
    return (sample_data / "survey_namha.xlsx").read_bytes()


def form(content, name="survey.xlsx"):
    return {"file": (name, io.BytesIO(content), "application/octet-stream")}


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def count(registry, table):
    with registry.session(read_only=True) as session:
        return session.scalar(select(func.count()).select_from(table))


def test_a_check_tells_where_each_fault_is(client, sample_data, registry, settings):
    told = json.loads((sample_data / "survey_faults.json").read_text())
    content = (sample_data / "survey_with_faults.xlsx").read_bytes()
    kept = count(registry, Submission), (settings.data / "service" / "uploads").exists()
    answer = client.post(SURVEYS, params={"dry_run": "true"}, files=form(content, "March survey.xlsx"))
    assert answer.status_code == 200
    body = answer.json()
    assert body["file"] == "March survey.xlsx"
    assert not body["ok"]
    assert body["problems"]
    found = {"file", "sheet", "row", "column", "value", "code", "blocking", "message", "expected", "proposal"}
    assert found == body["problems"][0].keys()
    assert told, "the planted faults"
    now = count(registry, Submission), (settings.data / "service" / "uploads").exists()
    assert now == kept, "a check keeps nothing"


def test_a_check_of_a_text(client):
    heading = "occurrenceID,eventDate,scientificName,decimalLatitude,decimalLongitude\n"
    content = f"{heading}R1,2026-03-01,Sus scrofa,20.65,101.95\nR2,2569-03-01,Sus scrofa,20.65,101.95\n"
    body = client.post(SURVEYS, params={"dry_run": "true"}, files=form(content.encode(), "march.csv")).json()
    assert {(p["file"], p["sheet"], p["row"], p["column"], p["code"]) for p in body["problems"]} == {
        ("march.csv", None, 3, "eventDate", "RECORDED_DATE_BUDDHIST_ERA"),
    }, "the release has a checklist of other names, but the reference list knows this one"


@pytest.mark.parametrize("headers", [
    {}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic abc"}, {"X-API-Key": "x" * 5000}, {"X-API-Key": ""},
], ids=["none", "wrong", "another scheme", "long", "empty"])  # fmt: skip
def test_without_a_key_it_is_always_the_same_answer(client, registry, good, headers):
    before = count(registry, Job)
    answer = client.post(SURVEYS, files=form(good), headers=headers)
    assert (answer.status_code, answer.json()["code"], answer.json()["detail"]) == (
        401, "KEY_MISSING", "a valid API key or token is needed",
    )  # fmt: skip
    assert answer.headers["www-authenticate"] == "Bearer"
    assert count(registry, Job) == before


def test_commit_and_state(client, registry, settings, good, key):
    answer = client.post(SURVEYS, files=form(good, "../../etc/passwd.xlsx"), headers=bearer(key))
    assert answer.status_code == 202
    location = answer.headers["location"]
    assert location == answer.json()["location"] == f"/v1/surveys/{answer.json()['id']}"
    kept = settings.data / "service" / "uploads" / f"{hashlib.sha256(good).hexdigest()}.sealed"
    assert good[:12] not in kept.read_bytes(), "the service keeps what it cannot read"
    assert b"".join(survey_files.opened(settings.data, kept)) == good
    told = client.get(location, headers=bearer(key)).json()
    assert (told["state"], told["dataset"], told["file"]) == ("draft", "nam-ha-team", "passwd.xlsx")
    with registry.session(read_only=True) as session:
        job = session.get(Job, told["job"])
        assert (job.name, job.state, job.arguments) == ("survey", "queued", {"submission": told["id"]})


def test_for_others_it_is_not_there(client, registry, good, key):
    location = client.post(SURVEYS, files=form(good), headers=bearer(key)).headers["location"]
    other = credentials.key_for_uploads(registry, "another team")
    missing = client.get(f"{SURVEYS}/999999", headers=bearer(other))
    refused = client.get(location, headers=bearer(other))
    assert (
        (refused.status_code, refused.json()["code"])
        == (missing.status_code, "RECORD_MISSING")
        == (404, "RECORD_MISSING")
    )
    for headers in ({}, bearer("wrong")):
        assert client.get(location, headers=headers).status_code == 401
        assert client.get(f"{SURVEYS}/999999", headers=headers).status_code == 401


def test_an_account_that_uploads_nothing(client, registry, good):
    appointed.new(registry, "paul", roles=[RoleBinding(Role.PLANNER)])
    answer = client.post(SURVEYS, files=form(good), headers=bearer(credentials.new_key(registry, "paul")))
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")


def test_the_same_upload_again_is_the_same_submission(client, registry, good, key):
    headers = bearer(key)
    first = client.post(SURVEYS, files=form(good), headers=headers)
    before = count(registry, Job)
    assert client.post(SURVEYS, files=form(good), headers=headers).json() == first.json()
    assert count(registry, Job) == before


def test_a_key_of_one_dataset(client, registry, good):
    key = credentials.key_for_uploads(registry, "Seima team", dataset="seima")
    refused = client.post(SURVEYS, files=form(good), data={"dataset": "nam-ha"}, headers={"X-API-Key": key})
    assert (refused.status_code, refused.json()["code"]) == (403, "DATASET_FORBIDDEN")
    taken = client.post(SURVEYS, files=form(good), headers={"X-API-Key": key})
    told = client.get(taken.headers["location"], headers={"X-API-Key": key}).json()
    assert told["dataset"] == "seima"


@pytest.mark.parametrize("part", [" ", "a" * 101, "a\u200bb"])
def test_a_name_that_no_part_can_have_is_refused(client, key, good, part):
    answer = client.post(SURVEYS, data={"part": part}, files=form(good), headers=bearer(key))
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (422, "FIELD_INVALID", "part")


@pytest.mark.parametrize("dry_run", ["true", "false"])
def test_too_large(client, settings, key, dry_run):
    content = b"x" * (settings.upload_limit_bytes + 1)
    answer = client.post(SURVEYS, params={"dry_run": dry_run}, files=form(content), headers=bearer(key))
    assert (answer.status_code, answer.json()["code"]) == (413, "UPLOAD_TOO_LARGE")


def test_too_large_without_a_length(client, settings):
    read = 0

    def body():
        nonlocal read
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.xlsx"\r\n\r\n'
        for _ in range(200):
            read += 10_000
            yield b"x" * 10_000

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    answer = client.post(SURVEYS, params={"dry_run": "true"}, content=body(), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (413, "UPLOAD_TOO_LARGE")


@pytest.mark.parametrize(("parameters", "request_", "code"), [
    pytest.param({"dry_run": "true"}, {"content": b"abc"}, "UPLOAD_INVALID", id="no form"),
    pytest.param({"dry_run": "true"}, {"json": {}}, "UPLOAD_INVALID", id="JSON"),
    pytest.param({"dry_run": "true"}, {"data": {"file": "text"}}, "UPLOAD_INVALID", id="text for a file"),
    pytest.param({"dry_run": "true"}, {"files": {"file": b"a", "other": b"b"}}, "UPLOAD_INVALID", id="another field"),
    pytest.param({"dry_run": "true"}, {"files": [("file", b"a"), ("file", b"b")]}, "UPLOAD_INVALID", id="two files"),
    pytest.param({"dry_run": "true"}, {"headers": {"Content-Type": "multipart/form-data"}, "content": b"x"}, "UPLOAD_INVALID", id="no boundary"),
    pytest.param({"dry_run": "maybe"}, {}, "PARAMETER_INVALID", id="neither true nor false"),
    pytest.param({"dryrun": "true"}, {}, "PARAMETER_UNKNOWN", id="a misspelt parameter"),
])  # fmt: skip
def test_refused(client, parameters, request_, code):
    answer = client.post(SURVEYS, params=parameters, **request_)
    assert (answer.status_code, answer.json()["code"]) == (400, code)


def test_a_full_disk(client, registry, good, key, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("biodata.surveys.receive", full)
    before = count(registry, Submission)
    answer = client.post(SURVEYS, files=form(good), headers=bearer(key))
    assert (answer.status_code, answer.json()["code"]) == (507, "DISK_FULL")
    assert count(registry, Submission) == before
