"""Labels, licences and permits from a file to every export and answer; what a label withholds leaves by none of them."""

import json
import sqlite3
import threading
import zipfile
from contextlib import closing
from datetime import date

import polars as pl
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from api.app import create_app
from biodata import pipeline
from biodata.access import citation_texts, citations, permits, rule_changes, terms_of_use
from biodata.access.citations import Question
from biodata.core.settings import Settings
from biodata.exports.request import Columns, ExportRequest
from biodata.exports.selection import Selection
from biodata.exports.write import KINDS, Format, export
from biodata.sharing.rule import Assignment
from biodata.store import releases
from biodata.store.models import AuditEntry
from biodata.store.registry import Registry
from biodata.worker import work
from commands import run
from leaks import Place, scan_file
from people import People

HEADING = (
    "occurrenceID,scientificName,decimalLatitude,decimalLongitude,eventDate,eventID,countryCode,license,accessRights\n"
)
SACRED = Place("sacred", 21.23456, 101.34567)
ROWS = [
    "a,Lophura nycthemera,20.11,100.71,2024-01-05,e1,LA,CC0,see https://localcontexts.org/label/tk-attribution/\n",
    "b,Lophura nycthemera,20.35,100.92,2024-02-06,e2,LA,CC0,\n",
    f"c,Lophura nycthemera,{SACRED.latitude},{SACRED.longitude},2024-03-07,e3,LA,CC BY 4.0,TK SS\n",
    "d,Lophura nycthemera,20.77,101.05,2024-04-08,e4,LA,,\n",
]


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    """Make an installation: a label that came with a record, one that withholds, one that was put on an event."""
    folder = tmp_path_factory.mktemp("labelled")
    found = Settings(data=folder / "data", memory_limit="500MB", password_memory_mib=8, login_limit=0)
    table = folder / "village.csv"
    table.write_text(HEADING + "".join(ROWS))
    pipeline.ingest("gbif", [table], found, dataset="village")
    with Registry.open(found) as registry:
        rule_changes.put_label(registry, Assignment("TK-NC", "village", event="e2"), actor="t")
        permits.record(registry, permits.PermitData("village", permits.Kind.IRCC, "ABSCH-IRCC-VN-256843-1"), actor="t")
    pipeline.release(found)
    return found


@pytest.fixture(scope="module")
def release(settings):
    return releases.current(settings.data)


def test_the_release_tells_labels_and_licences_and_not_what_is_sacred(release):
    rows = {row["occurrenceID"]: row for row in releases.read(release, "occurrences").iter_rows(named=True)}
    assert rows.keys() == {"a", "b", "d"}
    assert {name: row["community_labels"] for name, row in rows.items()} == {"a": ["TK-A"], "b": ["TK-NC"], "d": None}
    assert rows["b"]["license"] == "CC0_1_0"
    assert rows["b"]["license_effective"] == "CC_BY_NC_4_0"
    assert rows["b"]["license_reason"].startswith("label TK-NC, stricter than CC0 1.0")
    assert rows["d"]["license_effective"] == "UNSPECIFIED"


@pytest.mark.parametrize("kind", list(Format))
def test_labels_are_in_every_export(release, tmp_path, kind):
    out = tmp_path / f"out.{KINDS[kind].suffix}"
    columns = Columns.ALL if kind is Format.CSV else Columns.SIMPLE
    request = ExportRequest("x", "2026-11-26T10:00:00+00:00", columns=columns, permits=(("village", "permit 12"),))
    export(release.path, kind, request, out)
    told = _texts(kind, out)
    assert {"TK-A", "TK-NC"} <= {code for text in told for code in ("TK-A", "TK-NC", "TK-SS") if code in text}
    assert not any("TK-SS" in text for text in told)
    assert not scan_file(out, [SACRED])


def _texts(kind, out):
    if kind is Format.DWCA:
        with zipfile.ZipFile(out) as archive:
            eml = archive.read("eml.xml").decode()
            assert "https://localcontexts.org/label/tk-non-commercial/" in eml
            assert "Pictures and sounds have licences of their own" in eml
            assert "permit 12" in archive.read("dataset/village.xml").decode()
            assert archive.read("rights.txt").decode().endswith("TK-A;TK-NC\tpermit 12\n")
            return archive.read("occurrence.txt").decode().splitlines()
    if kind is Format.CAMTRAPDP:
        with zipfile.ZipFile(out) as archive:
            return [archive.read(name).decode() for name in archive.namelist()]
    if kind is Format.GEOPARQUET:
        about = json.loads(pq.read_schema(out).metadata[b"biodata"])
        assert about["community_labels"] == ["TK-A", "TK-NC"]
        return [";".join(row or []) for row in pl.read_parquet(out)["community_labels"].to_list()]
    if kind is Format.GPKG:
        with closing(sqlite3.connect(out)) as connection:
            return [row[0] or "" for row in connection.execute("SELECT community_labels FROM occurrences")]
    if kind is Format.GEOJSON:
        told = json.loads(out.read_text())
        assert "Labels of communities: TK-A, TK-NC." in told["biodata"]
        return [";".join(f["properties"].get("community_labels") or []) for f in told["features"]]
    return pl.read_csv(out)["community_labels"].fill_null("").to_list()


@pytest.mark.parametrize(("wanted", "count"), [
    pytest.param(Assignment("TK-A", "village"), 4, id="the dataset"),
    pytest.param(Assignment("TK-A", "village", event="e3"), 1, id="an event"),
    pytest.param(Assignment("TK-A", "village", event="E3"), 0, id="a misspelt event"),
    pytest.param(Assignment("TK-A", "town"), 0, id="another dataset"),
])  # fmt: skip
def test_it_is_told_how_many_records_a_label_is_on(settings, wanted, count):
    assert rule_changes.records_carrying(settings, wanted) == count


@pytest.fixture(scope="module")
def client(settings):
    with TestClient(create_app(settings), base_url="http://test", raise_server_exceptions=False) as found:
        yield found


def test_the_service_explains_the_rights_of_a_dataset(client):
    told = client.get("/v1/rights/datasets/village").json()
    assert sorted((one["license"], one["count"]) for one in told["licenses"]) == [
        ("CC0_1_0", 1), ("CC_BY_NC_4_0", 1), ("UNSPECIFIED", 1)
    ]  # fmt: skip
    assert told["community_labels"] == {"TK-A": 1, "TK-NC": 1}
    assert told["permits"][0]["number"] == "ABSCH-IRCC-VN-256843-1"
    assert client.get("/v1/rights/datasets/none").status_code == 404


LABELS = ("https://localcontexts.org/label/tk-attribution/", "https://localcontexts.org/label/tk-non-commercial/")


@pytest.mark.parametrize("path", [
    "/v1/dataset/village?f=json",
    "/v1/dataset/village?f=html",
    "/v1/dataset/village?f=jsonld",
    "/v1/dataset/village?f=dcat",
    "/v1/dataset/village/document",
    "/catalog.jsonld",
    "/ogc/collections/occurrences/tiles/WebMercatorQuad/tilejson.json",
])  # fmt: skip
def test_the_catalogue_in_every_form_tells_labels_the_licence_that_holds_and_permits(client, path):
    told = client.get(path).text.replace("\\/", "/")
    assert all(address in told for address in LABELS)
    assert "TK-SS" not in told or "tiles" in path  # where a column's description has it for an example
    assert "secret" not in told.lower()
    if "tiles" not in path:
        assert "No licence is told" in told, "the strictest that holds: one record tells none"
        assert "certificate of compliance ABSCH-IRCC-VN-256843-1 of VN" in told


@pytest.mark.parametrize("later", [False, True], ids=["a small answer", "a large one"])
def test_a_citation_in_every_form_tells_labels(client, settings, later):
    registry, question = client.app.state.service.registry, Question((), None)
    if later:
        with Selection(releases.current(settings.data).path, None) as selection:
            info = selection.info
        made = citations.cite(settings, registry, question, release=info, rows=None, later=False)
    else:
        made = client.post("/v1/citations").json()["id"]
    (told,) = citations.need(registry, made, done=True).content["datasets"]
    assert told["community_labels"] == ["TK-A", "TK-NC"]
    for form in (".txt", ".bib", ".ris", ".csl", ".json", ""):
        text = client.get(f"/v1/citations/{made}{form}", headers={"Accept": "text/html"}).text
        assert "TK-A" in text, form
        assert "TK-NC" in text, form
        assert "TK-SS" not in text, form
    rights = citation_texts.datacite_attributes(citations.need(registry, made), "10.1/x", "http://test", state="draft")[
        "rightsList"
    ]
    assert {one.get("rightsUri") for one in rights} >= set(LABELS)


def test_what_is_to_be_heeded_of_permits_is_told(client):
    registry = client.app.state.service.registry
    address = "/v1/rights/datasets/village"
    assert client.get(address).json()["notices"] == []
    ended = permits.PermitData(
        "village", permits.Kind.PERMIT, "7/2019", "LA", "the Department", expires=date(2020, 1, 31)
    )
    number = permits.record(registry, ended, actor="t")
    found = client.get(address).json()["notices"]
    assert found == ["7/2019 ended on 2020-01-31: ask the Department before its records are used."]
    assert "7/2019 ended on 2020-01-31" in client.get("/v1/dataset/village?f=html").text
    permits.withdraw(registry, number, actor="t")
    assert "7/2019 was withdrawn" in client.get(address).json()["notices"][0]
    assert permits.notices([]) == [permits.MISSING]


def test_a_record_tells_its_labels_and_its_licence(client):
    found = client.get("/v1/occurrence/search", params={"eventId": "e2"}).json()["results"][0]
    assert found["community_labels"] == ["TK-NC"]
    assert found["license_effective"] == "CC_BY_NC_4_0"


def test_a_restricted_download_waits_for_the_terms_and_a_purpose(client, settings):
    registry, people, asked = client.app.state.service.registry, People(client), "/v1/downloads?country=LA"
    assert client.post(asked).status_code == 202
    terms_of_use.put(registry, "Ask before commerce.", actor="t")
    refused = client.post(asked)
    assert (refused.status_code, refused.json()["code"]) == (403, "TERMS_NOT_ACCEPTED")
    who = people.headers("researcher")
    assert client.post(asked, headers=who).status_code == 403
    for version, status in ((2, 409), (1, 204)):
        sent = client.post("/v1/rights/terms/acceptances", json={"version": version}, headers=who)
        assert sent.status_code == status
    without = client.post(asked, headers=who)
    assert (without.status_code, without.json()["field"]) == (400, "purpose")
    assert client.post(f"{asked}&purpose=fun", headers=who).status_code == 400
    made = client.post(f"{asked}&purpose=research", headers=who)
    assert made.status_code == 202
    free = client.post("/v1/downloads?year=1800")
    assert free.status_code == 202, "nothing restricted is asked for"
    # The id stands in the download's citation, so others find it: they accept the terms, too, and always those that hold.
    work(settings, stop=threading.Event(), once=True)
    file, other = f"/v1/downloads/{made.json()['id']}/file", people.headers("planner")
    assert client.get(f"/v1/downloads/{free.json()['id']}/file").status_code == 200
    given = client.get(file, headers=who)
    assert (given.status_code, given.headers["cache-control"]) == (200, "private, no-store")
    for shown in ({}, other, {"If-None-Match": given.headers["etag"]}, {"Range": "bytes=0-9"}):
        assert (client.get(file, headers=shown).status_code, client.head(file, headers=shown).status_code) == (403, 403)
    assert client.get(file, headers={"Authorization": "Bearer x"}).status_code == 401
    terms_of_use.put(registry, "Ask before any use.", actor="t")
    assert client.get(file, headers=who).status_code == 403
    assert client.post("/v1/rights/terms/acceptances", json={"version": 2}, headers=who).status_code == 204
    assert client.get(file, headers={**who, "If-None-Match": given.headers["etag"]}).status_code == 304
    with registry.session(read_only=True) as session:
        told = [(e.actor, e.subject) for e in session.query(AuditEntry) if e.action == "terms of use accepted"]
    assert told == [("researcher", "1"), ("researcher", "2")]


def test_a_permit_is_kept_by_whoever_keeps_the_dataset_or_the_country(client):
    people = People(client, roles={})
    told = {"dataset": "nam-ha", "kind": "permit", "number": "12/2026", "country": "LA"}
    uploader, manager = people.headers("uploader"), people.headers("node_manager")
    made = client.post("/v1/rights/permits", json=told, headers=uploader)
    assert made.status_code == 201
    other = client.post("/v1/rights/permits", json=told | {"dataset": "another"}, headers=uploader)
    assert other.status_code == 403
    assert client.post("/v1/rights/permits", json=told | {"country": "VN"}, headers=manager).status_code == 403
    assert client.post("/v1/rights/permits", json=told | {"state": "valid"}, headers=manager).status_code == 422
    wrong = client.post("/v1/rights/permits", json=told | {"kind": "ircc"}, headers=uploader)
    assert (wrong.status_code, wrong.json()["field"]) == (422, "number")
    foreign = next(p["id"] for p in permits.of_dataset(people.registry, "village"))
    assert client.delete(f"/v1/rights/permits/{foreign}", headers=manager).status_code == 404
    assert client.delete(f"/v1/rights/permits/{made.json()['id']}", headers=manager).status_code == 204
    assert client.get("/v1/rights/use/VN", headers=manager).status_code == 403
    assert client.get("/v1/rights/use/LA", headers=manager).json()["downloads"] == 0


def test_the_commands_put_labels_and_keep_permits(tmp_path):
    data = ["--data", tmp_path]
    put = run("rights", "label", "TK Seasonal", "--dataset", "village", *data)
    assert put.returncode == 0
    assert "0 records of the lake carry it\nno record carries it" in put.stdout
    assert run("rights", "labels", *data).stdout == "TK-S    village: withheld\n"
    refused = run("rights", "label", "TK-XY", "--dataset", "village", *data)
    assert refused.returncode == 1
    assert "no label of Local Contexts" in refused.stderr
    assert run("rights", "unlabel", "TK-S", "--dataset", "village", *data).returncode == 0
    kept = run(
        "rights", "permit", "ircc", "ABSCH-IRCC-VN-256843-1", "--dataset", "village", "--expires", "2020-01-31", *data
    )
    assert "certificate of compliance ABSCH-IRCC-VN-256843-1 of VN until 2020-01-31 (ended)" in kept.stdout
    assert run("rights", "withdraw", 1, *data).returncode == 0
    assert "(withdrawn)" in run("rights", "permits", *data).stdout
    (tmp_path / "terms.txt").write_text("Ask before commerce.")
    assert "version 1" in run("rights", "terms", "--set", tmp_path / "terms.txt", *data).stdout
    assert "no record of the lake is of this dataset" in kept.stdout
    assert "LA, all years: 0 downloads asked for before " in run("rights", "use", "la", *data).stdout
    mistaken = run("rights", "use", "Laos", *data)
    assert mistaken.returncode == 1
    assert "value 'Laos': this is no country" in mistaken.stderr
