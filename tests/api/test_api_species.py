"""Names as GBIF's API answers them: matched, searched in any language, suggested, with what belongs to them, parsed."""

import pytest
from starlette.testclient import TestClient

import releases
from api.app import create_app
from biodata.core.settings import Settings
from case_tables import cases
from releases import GIBBON, SEROW

pytest_plugins = ("api_client",)


@pytest.mark.parametrize(("asked", "expected"), cases("api_species", "test_match"))
def test_match(client, asked, expected):
    first = client.get("/v1/species/match", params=asked).json()
    found = (first["matchType"], first.get("usageKey"), first.get("acceptedUsageKey"), first["synonym"])
    assert found == tuple(expected)
    second = client.get("/v2/species/match", params=asked).json()
    assert second["diagnostics"]["matchType"] == expected[0]
    assert second["synonym"] == expected[3]
    assert ("usage" in second) == (expected[0] != "NONE")
    assert 0 <= first["confidence"] <= 100


def test_match_tells_the_ranks_above(client):
    body = client.get("/v1/species/match", params={"name": SEROW}).json()
    assert (body["family"], body["familyKey"], body["kingdomKey"], body["class"]) == ("Bovidae", 9614, 1, "Mammalia")
    body = client.get(
        "/v2/species/match", params={"scientificName": SEROW, "checklistKey": "7ddf754f-d193-4cc9-b351-99906754a03b"}
    ).json()
    assert [step["rank"] for step in body["classification"]] == ["KINGDOM", "FAMILY", "SPECIES"]
    assert "no key of the Catalogue of Life" in body["diagnostics"]["note"]


@pytest.mark.parametrize("text", ["Vượn Cao", "vuon cao", "gibbon", "CAO VIT"])
def test_a_common_name_of_any_language_finds_its_taxon_and_its_records(client, text):
    found = client.get("/v1/species/search", params={"q": text}).json()
    assert [row["canonicalName"] for row in found["results"]] == [GIBBON]
    assert [row["canonicalName"] for row in client.get("/v1/species/suggest", params={"q": text}).json()] == [GIBBON]
    for name in ("q", "vernacularName"):
        answer = client.get("/v1/occurrence/search", params={name: text, "limit": 0, "facet": "species"}).json()
        assert answer["facets"][0]["counts"] == [{"name": GIBBON, "count": 2}]


def test_suggestions_begin_with_the_text(client):
    found = client.get("/v1/species/suggest", params={"q": "n", "limit": 2}).json()
    assert found[0]["canonicalName"] == GIBBON
    assert len(found) == 2


@pytest.fixture(scope="module")
def without_checklist(tmp_path_factory):
    data = tmp_path_factory.mktemp("no-checklist")
    made = releases.results()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(releases, "results", lambda: {**made, "taxa": made["taxa"].clear()})
        releases.make_release(data)
    with TestClient(create_app(Settings(data=data))) as found:
        yield found


@pytest.mark.parametrize(("text", "expected"), [
    (GIBBON[:6].lower(), [("SPECIES", GIBBON), ("GENUS", GIBBON.split()[0])]),
    ("Cao Vit", [("SPECIES", GIBBON)]),
    ("nothing", []),
])  # fmt: skip
def test_without_a_checklist_the_names_of_records_are_suggested(without_checklist, text, expected):
    found = without_checklist.get("/v1/species/suggest", params={"q": text}).json()
    assert [(row["rank"], row["canonicalName"]) for row in found] == expected


def test_search_below_a_taxon_with_facets(client):
    body = client.get(
        "/v1/species/search", params={"highertaxonKey": 9614, "facet": ["rank", "status"], "limit": 0}
    ).json()
    assert body["count"] == 3
    told = {facet["field"]: {c["name"]: c["count"] for c in facet["counts"]} for facet in body["facets"]}
    assert told == {"RANK": {"SPECIES": 2, "FAMILY": 1}, "STATUS": {"ACCEPTED": 2, "SYNONYM": 1}}


def test_what_belongs_to_a_name(client):
    def names(part: str, key: object = 2441208) -> list[str]:
        found = client.get(f"/v1/species/{key}/{part}").json()
        return [row["canonicalName"] for row in (found if isinstance(found, list) else found["results"])]

    assert names("parents") == ["Bovidae"]
    assert names("children", 9614) == [SEROW]
    assert names("synonyms") == ["Capricornis argyrochaetes"]
    assert names("media") == []
    common = client.get("/v1/species/2436501/vernacularNames").json()["results"]
    assert {(row["language"], row["vernacularName"]) for row in common} == {
        ("eng", "Cao Vit gibbon"),
        ("vie", "Vượn Cao Vít"),
    }
    assert client.get("/v1/species/2441208/name").json()["specificEpithet"] == "milneedwardsii"
    assert client.get("/v1/species/2441208/verbatim").json()["http://rs.tdwg.org/dwc/terms/family"] == "Bovidae"
    assert client.get("/v1/species/2441208/moon").status_code == 404
    assert client.get("/v1/species/1/parents").json()["code"] == "RECORD_MISSING"


def test_names_taken_apart(client):
    told = ["Vanessa atalanta (Linnaeus, 1758)", "Arrhenatherum elatius var. elatius", "Cervidae", "???"]
    found = client.post("/v1/parser/name", json=told).json()
    assert found == client.get("/v1/parser/name", params={"name": told}).json()
    assert [row["parsed"] for row in found] == [True, True, True, False]
    assert (found[0]["bracketAuthorship"], found[0]["bracketYear"]) == ("Linnaeus", "1758")
    assert (found[1]["infraSpecificEpithet"], found[1]["rankMarker"]) == ("elatius", "var.")
    assert found[2]["genusOrAbove"] == "Cervidae"


@pytest.mark.parametrize("body", ["{}", "[1]", "[[", '"Aus bus"', '["' + "a" * 501 + '"]'])
def test_what_the_parser_refuses(client, body):
    assert client.post("/v1/parser/name", content=body).status_code == 400


@pytest.mark.parametrize("query", ["nam=x", "name=" + "a" * 501, "strict=maybe&name=Aus"])
def test_what_a_match_refuses(client, query):
    assert client.get(f"/v1/species/match?{query}").status_code == 400
    assert client.get(f"/v2/species/match?{query}").status_code == 400


def test_status_lists_stand_beside_each_other(client):
    key = client.get("/v1/species/match", params={"name": GIBBON}).json()["usageKey"]
    (row,) = client.get(f"/v1/species/{key}/statuses").json()["results"]
    assert row == {"kind": "redList", "area": "global", "value": "CR", "year": 2020, "authority": None,
                   "scientificName": GIBBON, "checklist": "sample 1"}  # fmt: skip
    assert {one["kind"] for one in client.get("/v1/species/2474083/statuses").json()["results"]} == {
        "cites",
        "isInvasive",
    }


@pytest.mark.parametrize(("query", "expected"), [
    ("redList=*", 2), ("redList=CR", 1), ("redList=EN&country=LA", 1), ("redList=EN&country=VN", 0),
    ("isInvasive=true", 1), ("isInvasive=true&country=la", 0), ("isInvasive=false&country=LA", 5), ("cites=I", 1),
])  # fmt: skip
def test_names_are_found_by_what_lists_say(client, query, expected):
    assert client.get(f"/v1/species/search?{query}").json()["count"] == expected


@pytest.mark.parametrize(("name", "value"), [
    ("isExtinct", "true"), ("habitat", "MARINE"), ("rank", "SPECEIS"), ("status", "ACCEPT"), ("facet", "issue"),
])  # fmt: skip
def test_a_filter_of_names_that_cannot_be_honoured_is_refused_by_its_name(client, name, value):
    answer = client.get("/v1/species/search", params={name: value})
    assert (answer.status_code, answer.json()["field"]) == (400, name)
