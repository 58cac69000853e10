"""Citations through the API: made, written in every form, asked again, and a DOI from a stub of DataCite."""

import base64
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from starlette.testclient import TestClient

import releases as fixture
from api.app import create_app
from biodata import pipeline, worker
from biodata.access import citations, credentials
from biodata.core.settings import Settings
from biodata.store.registry import Registry
from cited_records import OPEN_RULES, ROWS, TIGER, change
from rule_files import put_rules

PASSWORD = "correct horse"
HEX = "0123456789abcdef" * 2


class DataCite(BaseHTTPRequestHandler):
    """As much of DataCite's API as registering needs."""

    seen: ClassVar[list[tuple[str, str, str, dict]]] = []
    status = 201

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.seen.append((self.command, self.path, self.headers["Authorization"], body))
        taken = self.command == "POST" and self.status == 422
        answer = (
            {"errors": [{"title": "This DOI has already been taken"}]}
            if taken
            else {"data": {"id": body["data"]["attributes"]["doi"]}}
        )
        told = json.dumps(answer if self.status != 401 else {"errors": [{"title": "Bad credentials."}]}).encode()
        self.send_response(self.status if taken or self.status == 401 else 200)
        self.send_header("Content-Type", "application/vnd.api+json")
        self.end_headers()
        self.wfile.write(told)

    do_PUT = do_POST

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def datacite() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), DataCite) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory, datacite: str) -> Iterator[Settings]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("biodata.places.load_boundaries", lambda *_: fixture.neighbours())
        found = Settings(data=tmp_path_factory.mktemp("cited") / "data", datacite_url=datacite,
                         datacite_repository="ABC.BIODATA", datacite_password=PASSWORD, datacite_prefix="10.5072",
                         datacite_state="findable")  # fmt: skip
        found.data.mkdir()
        put_rules(found.data, OPEN_RULES)
        change(found.data, ROWS)
        with Registry.open(found) as registry:
            registry.record_datasets({"walks": _Told()})
        pipeline.release(found)
        yield found


class _Told:
    title, license, citation, doi = "Bird {walks} & counts, 50 %", "CC_BY_4_0", "Bird club (2020).", "10.15468/abcdef"
    metadata = """<eml:eml xmlns:eml="https://eml.ecoinformatics.org/eml-2.2.0"><dataset><title>Bird walks</title>
        <creator><organizationName>Bird Club of Luang Namtha</organizationName></creator></dataset></eml:eml>"""


@pytest.fixture(scope="module")
def client(settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings), base_url="http://testserver", raise_server_exceptions=False) as found:
        yield found


def work(settings: Settings) -> None:
    worker.work(settings, stop=threading.Event(), once=True)


@pytest.fixture(scope="module")
def cited(client: TestClient) -> dict:
    answer = client.post("/v1/citations", params={"country": "LA"})
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"].endswith(f"/v1/citations/{answer.json()['id']}")
    return answer.json()


def test_a_small_answer_is_hashed_at_once(client: TestClient, cited: dict):
    assert cited["state"] == "done"
    assert cited["count"] == len(ROWS) == client.get("/v1/occurrence/count", params={"country": "LA"}).json()
    assert {d["key"]: d["count"] for d in cited["datasets"]} == {"cameras": 9, "walks": 7, "museum": 3}
    walks = next(d for d in cited["datasets"] if d["key"] == "walks")
    assert (walks["publisher"], walks["doi"]) == ("Bird Club of Luang Namtha", "10.15468/abcdef")
    assert cited["query"]["parameters"] == [{"name": "country", "value": "LA"}]
    assert cited["content"]["columns"] == "occurrence-2"
    for part in ("Bird {walks} & counts, 50 %", "Bird Club of Luang Namtha", "https://doi.org/10.15468/abcdef",
                 cited["release"], f"/v1/citations/{cited['id']}", cited["content"]["hash"][:16]):  # fmt: skip
        assert part in cited["text"]


def test_a_large_answer_is_hashed_by_the_worker_to_the_same(
    client: TestClient, settings: Settings, cited: dict, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(citations, "SMALL_ROWS", 5)
    answer = client.post("/v1/citations", json={"country": ["LA"]})
    assert (answer.status_code, answer.json()["state"]) == (202, "queued")
    url = f"/v1/citations/{answer.json()['id']}"
    assert client.get(f"{url}.bib").status_code == 409
    work(settings)
    told = client.get(url).json()
    assert told["content"] == cited["content"]
    assert told["datasets"] == cited["datasets"]


@pytest.mark.parametrize(("suffix", "accept", "media_type", "start"), [
    pytest.param("txt", "text/x-bibliography", "text/plain", "biodata (", id="text"),
    pytest.param("bib", "application/x-bibtex", "application/x-bibtex", "@misc{biodata_", id="BibTeX"),
    pytest.param("ris", "application/x-research-info-systems", "application/x-research-info-systems", "TY  - DATA\r\n", id="RIS"),
    pytest.param("csl", "application/vnd.citationstyles.csl+json", "application/vnd.citationstyles.csl+json", "[", id="CSL"),
    pytest.param("html", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "text/html", "<!doctype html>", id="page"),
])  # fmt: skip
def test_a_citation_is_written_in_every_form(client: TestClient, cited: dict, suffix, accept, media_type, start):
    by_suffix = client.get(f"/v1/citations/{cited['id']}.{suffix}")
    by_accept = client.get(f"/v1/citations/{cited['id']}", headers={"Accept": accept})
    assert by_suffix.status_code == by_accept.status_code == 200
    assert by_suffix.headers["content-type"].startswith(media_type)
    assert by_suffix.text == by_accept.text
    assert by_suffix.text.startswith(start)


def test_what_tex_and_ris_would_take_for_their_own_is_escaped(client: TestClient, cited: dict):
    bib = client.get(f"/v1/citations/{cited['id']}.bib").text
    assert r"Bird \{walks\} \& counts, 50 \%" in bib
    assert bib.replace(r"\{", "").replace(r"\}", "").count("{") == bib.replace(r"\{", "").replace(r"\}", "").count("}")
    ris = client.get(f"/v1/citations/{cited['id']}.ris").text
    assert all(line[2:6] == "  - " for line in ris.splitlines())
    (item,) = client.get(f"/v1/citations/{cited['id']}.csl").json()
    assert item["type"] == "dataset"
    assert item["version"] == cited["release"]


@pytest.mark.parametrize(("method", "url", "status", "code"), [
    pytest.param("GET", f"/v1/citations/{HEX}", 404, "CITATION_MISSING", id="no such citation"),
    pytest.param("GET", f"/v1/citations/{HEX}.doc", 404, "NOT_FOUND", id="no such form"),
    pytest.param("GET", "/v1/citations/{id}?other=1", 400, "PARAMETER_UNKNOWN", id="another parameter"),
    pytest.param("POST", "/v1/citations?contry=LA", 400, "PARAMETER_UNKNOWN", id="a misspelt parameter"),
    pytest.param("POST", f"/v1/citations?downloadId={HEX}", 404, "DOWNLOAD_MISSING", id="no such download"),
    pytest.param("GET", "/v1/citations/{id}/replay", 404, "REPLAY_MISSING", id="not asked again yet"),
    pytest.param("POST", "/v1/citations/{id}/doi", 401, "KEY_MISSING", id="a DOI without a key"),
])  # fmt: skip
def test_what_cannot_be_answered_is_told(client: TestClient, method: str, url: str, status: int, code: str):
    fresh = client.post("/v1/citations", params={"year": "2019"}).json()["id"]
    answer = client.request(method, url.replace("{id}", fresh))
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_replay_is_done_by_the_worker(client: TestClient, settings: Settings, cited: dict):
    url = f"/v1/citations/{cited['id']}/replay"
    first = client.post(url)
    assert (first.status_code, first.json()["state"]) == (202, "queued")
    client.post(url)  # one that waits already is the same
    work(settings)
    told = client.get(url).json()
    assert told["state"] == "done", told
    assert told["result"]["identical"]


def test_a_replay_tells_which_rule_withholds_what_was_cited(client: TestClient, settings: Settings, cited: dict):
    url = f"/v1/citations/{cited['id']}/replay"
    put_rules(settings.data, OPEN_RULES + "tigers,Panthera tigris,withheld,poached,\n")
    try:
        client.post(url)
        work(settings)
        told = client.get(url).json()["result"]
        assert told["causes"]["withheld"]["by"] == [
            {"dataset": "cameras", "rule": "tigers", "category": "withheld", "cited_category": "open",
             "reason": "poached", "count": 4, "absent": 4}
        ]  # fmt: skip
        assert TIGER not in client.get(url).text.replace("tigers", "")
    finally:
        put_rules(settings.data, OPEN_RULES)


@pytest.fixture
def key(settings: Settings) -> dict[str, str]:
    with Registry.open(settings) as registry:
        return {"X-API-Key": credentials.key_for_uploads(registry, "a test")}


def test_a_doi_is_registered_once_and_the_account_is_told_to_nobody_else(
    client: TestClient, settings: Settings, key: dict, caplog: pytest.LogCaptureFixture
):
    caplog.set_level(logging.DEBUG)
    DataCite.seen.clear()
    number = client.post("/v1/citations", params={"month": "1,6"}).json()["id"]
    assert "POST" in client.get(f"/v1/citations/{number}").json()["doiNote"]
    for _ in range(2):
        assert client.post(f"/v1/citations/{number}/doi", headers=key).status_code == 202
    work(settings)
    assert client.post(f"/v1/citations/{number}/doi", headers=key).status_code == 202
    work(settings)
    ((method, path, account, body),) = DataCite.seen
    assert (method, path) == ("POST", "/dois")
    assert base64.b64decode(account.removeprefix("Basic ")).decode() == f"ABC.BIODATA:{PASSWORD}"
    told = body["data"]["attributes"]
    assert (told["event"], told["doi"]) == ("publish", f"10.5072/biodata.{number[:16]}")
    assert told["url"].endswith(f"/v1/citations/{number}")
    assert told["relatedIdentifiers"][0]["relatedIdentifier"] == "10.15468/abcdef"
    for required in ("creators", "titles", "publisher", "publicationYear", "types"):
        assert told[required]
    answer = client.get(f"/v1/citations/{number}")
    assert answer.json()["doi"] == told["doi"]
    assert f"https://doi.org/{told['doi']}" in client.get(f"/v1/citations/{number}.bib").text
    everything = caplog.text + answer.text + repr(settings) + str(settings.model_dump())
    registry = b"".join(path.read_bytes() for path in Path(settings.data).glob("service/registry.sqlite*"))
    assert PASSWORD not in everything
    assert PASSWORD.encode() not in registry


@pytest.mark.parametrize(("status", "state", "words"), [
    pytest.param(422, "done", None, id="an attempt before was cut off after it had registered"),
    pytest.param(401, "failed", "status 401, Bad credentials.", id="the account is wrong"),
])  # fmt: skip
def test_what_datacite_answers_is_told(
    client: TestClient, settings: Settings, key: dict, monkeypatch: pytest.MonkeyPatch, status, state, words
):
    monkeypatch.setattr(DataCite, "status", status)
    number = client.post("/v1/citations", params={"month": "2"}).json()["id"]
    client.post(f"/v1/citations/{number}/doi", headers=key)
    work(settings)
    told = client.get(f"/v1/citations/{number}").json()
    assert ("doi" in told) == (state == "done")
    if words:
        assert words in told["doiNote"]
        assert PASSWORD not in told["doiNote"]


def test_a_full_disk_and_a_long_queue_are_told(client: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:
        patch.setattr("biodata.access.content.sync_file", _full)
        answer = client.post("/v1/citations", params={"month": "4"})
        assert (answer.status_code, answer.json()["code"]) == (507, "DISK_FULL")
    monkeypatch.setattr(citations, "SMALL_ROWS", 1)
    service = client.app.state.service
    monkeypatch.setattr(service, "settings", settings.model_copy(update={"downloads_waiting": 0}))
    answer = client.post("/v1/citations", params={"country": "LA"})
    assert (answer.status_code, answer.json()["code"]) == (429, "JOBS_TOO_MANY")


def _full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def test_without_an_account_it_says_so(settings: Settings):
    without = settings.model_copy(update={"datacite_password": None})
    with TestClient(create_app(without), base_url="http://testserver") as client:
        number = client.post("/v1/citations", params={"month": "9"}).json()
        assert "no DataCite account" in number["doiNote"]
        assert client.post(f"/v1/citations/{number['id']}/doi").status_code == 401, (
            "who may not ask learns nothing of it"
        )
