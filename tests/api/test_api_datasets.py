"""The catalogue: GBIF's routes, EML, schema.org, DCAT, pages for people; extents of published values only."""

import json
import re
from collections import Counter
from html.parser import HTMLParser
from xml.etree import ElementTree

import pytest
from starlette.testclient import TestClient

import releases as fixture
from api.app import create_app
from biodata.core.settings import Settings
from biodata.formats.dwca import read_eml
from biodata.ingest.protocol import DatasetInfo
from biodata.store import releases as store_releases
from biodata.store.lake import Lake
from biodata.store.open_release import OpenRelease
from biodata.store.registry import Registry

OPEN = [row for row in fixture.open_rows() if row["datasetKey"] == "field-notes"]
SECRETS = [str(fixture.SECRET_LATITUDE), str(fixture.SECRET_LONGITUDE), "22.91", "106.51", *fixture.SECRET_WORDS]
pytest_plugins = ("api_client",)


def test_the_list_the_search_and_one_dataset_agree(client: TestClient):
    listed = client.get("/v1/dataset").json()
    assert set(listed) == {"offset", "limit", "endOfRecords", "count", "results", "facets"}
    found = {d["key"]: d for d in listed["results"]}
    assert found["field-notes"]["recordCount"] == len(OPEN)
    assert found["field-notes"] == client.get("/v1/dataset/field-notes").json()
    searched = client.get("/v1/dataset/search", params={"q": "FIELD"}).json()["results"]
    assert [d["key"] for d in searched] == ["field-notes"]
    assert client.get("/v1/dataset", params={"license": "CC0_1_0"}).json()["count"] == 1
    suggested = client.get("/v1/dataset/suggest", params={"q": "gibb"}).json()
    assert suggested == [{"key": "gibbons", "title": "Gibbons", "type": "OCCURRENCE"}]


def test_a_page_of_datasets_asks_as_often_for_many_as_for_one(client: TestClient, monkeypatch: pytest.MonkeyPatch):
    asked: Counter[str] = Counter()
    for kind, name in ((OpenRelease, "run"), (Registry, "session")):
        real = getattr(kind, name)

        def count(self, *args, _real=real, _name=name, **more):
            asked[_name] += 1
            return _real(self, *args, **more)

        monkeypatch.setattr(kind, name, count)
    client.get("/v1/dataset")  # reads the release's own facts, once
    for limit in ("1", "3"):
        asked.clear()
        assert len(client.get("/v1/dataset", params={"limit": limit}).json()["results"]) >= 1
        assert (asked["run"] <= 1, asked["session"] <= 2) == (True, True), asked


@pytest.mark.parametrize(("name", "value"), [
    ("publishingCountry", "LA"), ("keyword", "survey"), ("facet", "type"), ("decade", "2000"), ("license", "CC_BY_4"),
    ("limit", "1001"), ("type", "BOOK"),
])  # fmt: skip
def test_a_filter_of_datasets_that_cannot_be_honoured_is_refused_by_its_name(client: TestClient, name: str, value: str):
    answer = client.get("/v1/dataset", params={name: value})
    assert (answer.status_code, answer.json()["field"]) == (400, name)


def test_what_pygbif_sends_beside_a_key_is_taken(client: TestClient):
    for what in ("", "/metrics", "/document"):
        assert client.get(f"/v1/dataset/field-notes{what}", params={"limit": "100"}).status_code == 200


def test_a_key_with_a_slash_is_one_key(client: TestClient, monkeypatch: pytest.MonkeyPatch):
    asked = []
    monkeypatch.setattr("api.catalogue.Catalogue.entry", lambda _, __, ___, key: asked.append(key))
    for what in ("", "/document", "/metrics"):
        assert client.get(f"/v1/dataset/10.15468%2Fabc{what}").status_code == 404
    assert asked == ["10.15468/abc"] * 3


def test_extents_are_those_of_the_published_values(client: TestClient):
    told = client.get("/v1/dataset/field-notes").json()
    box = told["geographicCoverages"][0]["boundingBox"]
    placed = [row for row in OPEN if row["decimalLatitude"] is not None]
    assert told["georeferencedCount"] == len(placed)
    for axis in ("Latitude", "Longitude"):
        values = [row[f"decimal{axis}"] for row in placed]
        assert (box[f"min{axis}"], box[f"max{axis}"]) == (min(values), max(values))
    years = [row["year"] for row in OPEN]
    range_ = {"@type": "range", "start": f"{min(years)}-01-01", "end": f"{max(years)}-12-31"}
    assert told["temporalCoverages"] == [range_]
    gibbons = client.get("/v1/dataset/gibbons").json()
    assert (gibbons["recordCount"], gibbons["generalisedCount"]) == (2, 2)
    box = gibbons["geographicCoverages"][0]["boundingBox"]
    assert (box["minLatitude"], box["maxLatitude"]) == pytest.approx((22.95, 22.95))


@pytest.mark.parametrize("form", ["json", "html", "jsonld", "dcat", "eml"])
def test_no_form_tells_an_exact_place(client: TestClient, form: str):
    text = client.get("/v1/dataset/gibbons", params={"f": form}).text
    assert "Gibbons" in text
    assert not [secret for secret in SECRETS if secret in text]


def test_counts_are_those_of_the_rows(client: TestClient):
    metrics = client.get("/v1/dataset/field-notes/metrics").json()
    assert metrics["distinctSpeciesCount"] == len({row["species"] for row in OPEN})
    assert metrics["countByRank"] == {"SPECIES": len(OPEN)}


def test_the_eml_is_read_as_it_was_meant(client: TestClient):
    answer = client.get("/v1/dataset/field-notes/document")
    assert answer.headers["content-type"].startswith("application/xml")
    told = read_eml(answer.content, file="document")
    assert told.title == "Field notes"
    assert told.license == "http://creativecommons.org/licenses/by/4.0/legalcode"
    assert told.citation == "Field team (2024). Field notes."
    root = ElementTree.fromstring(answer.content)
    assert root.tag == "{https://eml.ecoinformatics.org/eml-2.2.0}eml"
    box = root.find("dataset/coverage/geographicCoverage/boundingCoordinates")
    assert float(box.findtext("northBoundingCoordinate")) == max(r["decimalLatitude"] or 0 for r in OPEN)
    order = [child.tag for child in root.find("dataset")]
    known = ["alternateIdentifier", "title", "creator", "metadataProvider", "pubDate", "language", "abstract", "keywordSet",
             "additionalInfo", "intellectualRights", "licensed", "distribution", "coverage", "contact"]  # fmt: skip
    assert order == sorted(order, key=known.index)


def test_schema_org_tells_what_search_engines_ask_for(client: TestClient):
    answer = client.get("/v1/dataset/field-notes", headers={"Accept": "application/ld+json"})
    assert answer.headers["content-type"].startswith("application/ld+json")
    told = answer.json()
    assert told["@type"] == "Dataset"
    assert 50 <= len(told["description"]) <= 5_000
    south, west, north, east = map(float, told["spatialCoverage"]["geo"]["box"].split())
    assert (south < north, west < east) == (True, True)
    assert told["license"].startswith("http://creativecommons.org/")
    assert client.get(told["distribution"][0]["contentUrl"].replace("http://test", "")).json()["count"] == len(OPEN)


def test_features_of_a_dataset_are_found_by_the_address_that_is_told(client: TestClient):
    files = {d["type"]: d["url"] for d in client.get("/v1/dataset/field-notes").json()["endpoints"]}
    assert client.get(files["Features (OGC API)"]).json()["numberMatched"] == len(OPEN)
    assert client.get(files["Metadata (EML)"]).status_code == 200


def test_dcat_has_every_dataset(client: TestClient):
    linked = client.get("/catalog.jsonld").json()
    assert linked["@type"] == "dcat:Catalog"
    assert len(linked["dcat:dataset"]) == client.get("/v1/dataset").json()["count"]
    assert '"POLYGON((' in client.get("/v1/dataset/gibbons", params={"f": "dcat"}).text


class Page(HTMLParser):
    """What a page has: its headings, links, pictures, and whether its tags are closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.levels, self.links, self.open, self.attributes, self.data = [], [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.attributes += [name for name, _ in attrs]
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        if tag == "a":
            self.links.append(dict(attrs)["href"])
        if tag not in ("meta", "link", "rect", "circle", "path", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data):
        if self.open[-1:] == ["script"]:
            self.data += data


def test_the_page_is_one_that_everybody_can_read(client: TestClient):
    answer = client.get("/v1/dataset/field-notes", headers={"Accept": "text/html,*/*"})
    page = Page(answer.text)
    assert answer.headers["content-type"].startswith("text/html")
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert page.open == []
    assert page.levels[0] == 1
    assert all(later - before <= 1 for before, later in zip(page.levels, page.levels[1:], strict=False))
    assert '<html lang="en">' in answer.text
    assert "degrees east" in answer.text
    assert not {name for name in page.attributes if name.startswith("on") or name == "style"}
    assert json.loads(page.data)["name"] == "Field notes"
    for link in page.links:
        if link.startswith("/") and link != "/":
            assert client.get(link).status_code == 200, link


def test_words_of_a_publisher_end_neither_the_block_nor_the_page(client: TestClient, monkeypatch: pytest.MonkeyPatch):
    evil = '</script><img src=x onerror=alert(1)> & "Nest at 22.91357 N, 106.51246 E." It is <b>rare</b>.'
    monkeypatch.setattr("api.catalogue._plain", lambda _: (evil,))
    answer = client.get("/v1/dataset/field-notes", params={"f": "html"})
    assert "<img" not in answer.text
    assert answer.text.count("</script>") == 1
    assert evil.split("\n")[0] in json.loads(Page(answer.text).data)["description"]
    assert ElementTree.fromstring(client.get("/v1/dataset/field-notes/document").content) is not None


def test_sentences_with_coordinates_are_left_out_of_an_abstract():
    from api.catalogue import _plain

    told = "Since 1998. The nest is at 22.91357, 106.5. It lies at 22° 54′ N. Areas of 3.5 km², 1,200 records."
    assert _plain(told) == ("Since 1998. Areas of 3.5 km², 1,200 records.",)


@pytest.mark.parametrize(("url", "status", "code"), [
    pytest.param("/v1/dataset/nothing", 404, "RECORD_MISSING", id="no such dataset"),
    pytest.param("/v1/dataset/nothing/document", 404, "RECORD_MISSING", id="no such document"),
    pytest.param("/v1/dataset/field-notes?f=pdf", 400, "PARAMETER_INVALID", id="no such form"),
    pytest.param("/v1/dataset?qq=1", 400, "PARAMETER_UNKNOWN", id="a misspelt parameter"),
    pytest.param("/v1/dataset?limit=-1", 400, "PARAMETER_INVALID", id="a negative limit"),
])  # fmt: skip
def test_what_is_not_there_is_told(client: TestClient, url: str, status: int, code: str):
    answer = client.get(url)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.fixture(scope="module")
def mixed(tmp_path_factory):
    """Serve an installation with records, a checklist, areas, and records of which none are let out."""
    data = tmp_path_factory.mktemp("types")
    settings = Settings(data=data)
    fixture.make_release(data, fixture.open_rows()[:8])
    with Registry.open(settings) as registry:
        for key, source, table in (("museum", "gbif", "occurrences"), ("names", "checklist", "taxa"),
                                   ("parks", "protected-areas", "protected_areas"), ("cover", "layer", "layers"),
                                   ("kept-back", "gbif", "occurrences")):  # fmt: skip
            registry.record_datasets({key: DatasetInfo(key, title=f"About {key}")})
            registry.record_ingest(source, {"dataset": key, "table": table})
        told = registry.datasets()
    with Lake.open(data) as lake:
        store_releases.build(lake, data=data, publish=fixture.publish, results=fixture.results(),
                             boundaries=fixture.neighbours(), rules_hash="by hand", datasets=told)  # fmt: skip
    with TestClient(create_app(settings), base_url="http://test", raise_server_exceptions=False) as found:
        yield found


TYPES = {"cover": "METADATA", "field-notes": "OCCURRENCE", "kept-back": "OCCURRENCE", "museum": "OCCURRENCE",
         "names": "CHECKLIST", "parks": "METADATA"}  # fmt: skip


def test_a_dataset_says_what_it_is(mixed: TestClient):
    assert {d["key"]: d["type"] for d in mixed.get("/v1/dataset").json()["results"]} == TYPES
    assert {d["key"]: d["type"] for d in mixed.get("/v1/dataset/suggest").json()} == TYPES


@pytest.mark.parametrize("asked", [["OCCURRENCE"], ["checklist"], ["METADATA", "CHECKLIST"], ["SAMPLING_EVENT"]])
def test_datasets_by_type(mixed: TestClient, asked: list[str]):
    found = mixed.get("/v1/dataset/search", params={"type": asked}).json()
    expected = [key for key, kind in TYPES.items() if kind in {name.upper() for name in asked}]
    assert ([d["key"] for d in found["results"]], found["count"]) == (expected, len(expected))


@pytest.mark.parametrize("form", ["html", "jsonld", "dcat", "eml"])
def test_what_has_no_occurrences_claims_none(mixed: TestClient, form: str):
    assert "no occurrences" in mixed.get("/v1/dataset/names", params={"f": form}).text
    assert "withhold all of them" in mixed.get("/v1/dataset/kept-back", params={"f": form}).text
    for key in ("names", "kept-back"):
        assert "coarser than" not in mixed.get(f"/v1/dataset/{key}", params={"f": form}).text
    assert "withhold all of them" not in mixed.get("/v1/dataset/museum", params={"f": form}).text
