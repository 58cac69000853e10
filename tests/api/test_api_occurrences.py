"""GBIF's occurrence API: envelope, record, filters against plain Python, facets, paging, refusals."""

import json
from collections import Counter

import pytest

import releases
from case_tables import cases
from releases import GIBBON, PHEASANT, SEROW

pytest_plugins = ("api_client",)
SEARCH = "/v1/occurrence/search"
ROWS = [*releases.open_rows(), *releases.secret_rows()[:2]]


def search(client, **parameters):
    answer = client.get(SEARCH, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_envelope(client):
    answer = client.get(SEARCH)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-biodata-release"].startswith("r0")
    assert list(answer.json()) == ["offset", "limit", "endOfRecords", "count", "results", "facets"]
    assert {k: answer.json()[k] for k in ("offset", "limit", "endOfRecords", "count")} == {
        "offset": 0, "limit": 20, "endOfRecords": False, "count": len(ROWS)}  # fmt: skip


def test_record_in_gbifs_shape(client, shared):
    record = search(client, occurrenceId="FN-10")["results"][0]
    real = json.loads((shared / "data/gbif_api_json/test_search_0.json").read_text())["results"][0]
    same_type = {"key", "decimalLatitude", "year", "month", "day", "issues", "media", "extensions", "gadm", "facts",
                 "relations", "identifiers", "scientificName", "license", "eventDate", "startDayOfYear", "taxonKey",
                 "acceptedTaxonKey", "country", "countryCode", "class", "geodeticDatum", "recordedByIDs"}  # fmt: skip
    assert {name: type(record[name]) for name in same_type} == {name: type(real[name]) for name in same_type}
    assert record["license"] == real["license"]
    assert record["country"] == "Lao People's Democratic Republic"
    assert record["eventDate"] == "2008-11-11"
    assert record["startDayOfYear"] == 316
    assert record["issues"] == ["COORDINATE_ROUNDED"]
    assert record["quality_flags"] == ["BORDER_AMBIGUOUS", "COORDINATE_ROUNDED"]
    assert record["locality"] == "O'Reilly's 营地, 100% forest"
    assert "source_file" not in record
    assert "typeStatus" not in record, "absent, not null"
    assert None not in record.values()


def test_text_is_raw_utf8(client):
    assert "营地".encode() in client.get(SEARCH, params={"limit": 1}).content


@pytest.mark.parametrize(("parameters", "holds"), [
    pytest.param({"country": "VN"}, lambda r: r["countryCode"] == "VN", id="country"),
    pytest.param({"country": ["VN", "la"]}, lambda r: r["countryCode"] in ("VN", "LA"), id="repeated is OR, any case"),
    pytest.param({"country": "VN", "year": "2005"}, lambda r: r["countryCode"] == "VN" and r["year"] == 2005, id="two are AND"),
    pytest.param({"year": "2000,2003"}, lambda r: 2000 <= r["year"] <= 2003, id="range"),
    pytest.param({"year": "2010,*"}, lambda r: r["year"] >= 2010, id="open range"),
    pytest.param({"year": "*,1999"}, lambda r: r["year"] <= 1999, id="range open below"),
    pytest.param({"month": "7"}, lambda r: r["month"] == 7 and r["species"] != GIBBON, id="month of open records only"),
    pytest.param({"hasCoordinate": "false"}, lambda r: r["decimalLatitude"] is None, id="no coordinates"),
    pytest.param({"hasCoordinate": "true", "month": "1"}, lambda r: r["decimalLatitude"] is not None and r["month"] == 1, id="coordinates"),
    pytest.param({"taxonKey": "2441208"}, lambda r: r["species"] == SEROW, id="a species' key"),
    pytest.param({"taxonKey": "9614"}, lambda r: r["family"] == "Bovidae", id="a family's key"),
    pytest.param({"familyKey": "9614"}, lambda r: r["family"] == "Bovidae", id="familyKey"),
    pytest.param({"taxonKey": "T2436501"}, lambda r: r["species"] == GIBBON, id="a checklist's key"),
    pytest.param({"taxonKey": "99999999"}, lambda r: False, id="a key that is not there"),
    pytest.param({"scientificName": "Lophura nycthemera (Linnaeus, 1758)"}, lambda r: r["species"] == PHEASANT, id="name with author"),
    pytest.param({"scientificName": "lophura nycthemera"}, lambda r: r["species"] == PHEASANT, id="name without"),
    pytest.param({"scientificName": "Aves"}, lambda r: r["class"] == "Aves", id="a class by name"),
    pytest.param({"genus": "Nomascus"}, lambda r: r["genus"] == "Nomascus", id="genus"),
    pytest.param({"stateProvince": "yunnan"}, lambda r: r["province_code"] == "CN-YN", id="a province by name"),
    pytest.param({"stateProvince": "Cao Bằng"}, lambda r: r["province_code"] == "VN-04", id="coarse records by their cell's province"),
    pytest.param({"provinceCode": "VN-04"}, lambda r: r["province_code"] == "VN-04", id="a province by code"),
    pytest.param({"basisOfRecord": "preserved_specimen"}, lambda r: r["basisOfRecord"] == "PRESERVED_SPECIMEN", id="basis"),
    pytest.param({"issue": "BORDER_AMBIGUOUS"}, lambda r: "BORDER_AMBIGUOUS" in r["quality_flags"], id="our own flag"),
    pytest.param({"issue": "TAXON_MATCH_AGGREGATE"}, lambda r: False, id="GBIF's flag that we never set"),
    pytest.param({"hasGeospatialIssue": "false"}, lambda r: True, id="no grave doubts"),
    pytest.param({"ambiguous": "true"}, lambda r: r["ambiguous"], id="ambiguous"),
    pytest.param({"sharingCategory": "0_1_degree"}, lambda r: r["species"] == GIBBON, id="sharing category"),
    pytest.param({"iucnRedListCategory": ["CR", "VU"]}, lambda r: r["iucnRedListCategory"] != "LC", id="red list"),
    pytest.param({"license": "CC_BY_4_0"}, lambda r: True, id="licence"),
    pytest.param({"datasetKey": "museum"}, lambda r: r["datasetKey"] == "museum", id="dataset"),
    pytest.param({"eventDate": "2003"}, lambda r: r["year"] == 2003, id="dates in a year"),
    pytest.param({"eventDate": "2019"}, lambda r: r["year"] == 2019, id="records of which only the year is told"),
    pytest.param({"eventDate": "2019-07"}, lambda r: r["year"] == 2019 and r["species"] != GIBBON and r["month"] == 7, id="their month is not told"),
    pytest.param({"eventDate": "2003-01,2003-06"}, lambda r: r["year"] == 2003 and r["month"] <= 6, id="dates in half a year"),
    pytest.param({"decimalLatitude": "21,21.5"}, lambda r: r["decimalLatitude"] is not None and 21 <= r["decimalLatitude"] <= 21.5, id="latitudes"),
    pytest.param({"geometry": "POLYGON((100 20, 101 20, 101 21, 100 21, 100 20))"},
                 lambda r: r["decimalLatitude"] is not None and r["decimalLatitude"] <= 21 and r["decimalLongitude"] <= 101, id="polygon"),
    pytest.param({"recordedBy": "field TEAM"}, lambda r: r["recordedBy"] == "Field team", id="recorder in any case"),
    pytest.param({"q": "100% forest"}, lambda r: r["species"] != GIBBON, id="free text with a sign of LIKE"),
    pytest.param({"q": "hylobat"}, lambda r: r["species"] == GIBBON, id="free text in the family"),
    pytest.param({"individualCount": "5"}, lambda r: r["individualCount"] == 5, id="a whole number"),
])  # fmt: skip
def test_filter(client, parameters, holds):
    assert search(client, limit=0, **parameters)["count"] == sum(holds(row) for row in ROWS)
    assert client.get("/v1/occurrence/count", params=parameters).json() == sum(holds(row) for row in ROWS)


def test_statuses_of_lists_are_counted_as_they_are_found_and_stand_on_the_record(client):
    names = ["redList", "cites", "nationalProtection", "endemicTo", "listedEstablishmentMeans"]
    counted = {f["field"]: f["counts"] for f in search(client, facet=names, limit=0)["facets"]}
    assert {one["name"] for one in counted["CITES"]} == {"I"}, (
        "the only pheasant has an appendix of its own, not its family's"
    )
    assert counted["ENDEMIC_TO"] == []
    for name, field in (("redList", "RED_LIST"), ("cites", "CITES")):
        for one in counted[field]:
            assert search(client, **{name: one["name"]}, limit=0)["count"] == one["count"]
    (first, *_) = search(client, cites="I", limit=1)["results"]
    assert client.get(f"/v1/occurrence/{first['key']}").json()["cites"] == "global I"


def test_facets(client):
    body = search(client, facet=["country", "year", "issue"], facetLimit=2, **{"year.facetLimit": 3}, limit=0)
    by_name = {facet["field"]: facet["counts"] for facet in body["facets"]}
    expected = Counter(row["countryCode"] for row in ROWS).most_common(1)[0]
    assert by_name["COUNTRY"][0] == {"name": expected[0], "count": expected[1]}
    assert [len(by_name[name]) for name in ("COUNTRY", "YEAR", "ISSUE")] == [2, 3, 2]
    assert {c["name"] for c in by_name["ISSUE"]} == {"BORDER_AMBIGUOUS", "COORDINATE_ROUNDED"}
    assert all(isinstance(c["name"], str) for c in by_name["YEAR"])


def test_limit_is_echoed(client):
    body = search(client, limit=300)
    assert (body["limit"], len(body["results"])) == (300, 300)


def test_counts_by(client):
    assert client.get("/v1/occurrence/counts/countries").json() == dict(Counter(r["countryCode"] for r in ROWS))
    assert client.get("/v1/occurrence/counts/moons").status_code == 404


def test_a_parameter_of_gbif_that_chooses_no_records_is_accepted_and_one_that_cannot_be_honoured_refused(client):
    accepted = client.get(SEARCH, params={"checklistKey": "7ddf754f-d193-4cc9-b351-99906754a03b", "spellCheck": "true"})
    assert accepted.json()["count"] == client.get(SEARCH).json()["count"]
    refused = client.get(SEARCH, params={"waterBody": "Mekong"})
    assert (refused.status_code, refused.json()["code"], refused.json()["field"]) == (
        400, "PARAMETER_UNAVAILABLE", "waterBody",
    )  # fmt: skip


def test_a_slash_too_much_is_told(client):
    answer = client.get(f"{SEARCH}/")
    assert (answer.status_code, answer.json()["expected"]) == (404, SEARCH)


def test_one_record_and_its_terms(client):
    key = search(client, occurrenceId="FN-3")["results"][0]["key"]
    assert client.get(f"/v1/occurrence/{key}").json()["occurrenceID"] == "FN-3"
    terms = client.get(f"/v1/occurrence/{key}/verbatim").json()
    assert terms["key"] == key
    assert terms["http://rs.tdwg.org/dwc/terms/occurrenceID"] == "FN-3"
    assert terms["http://rs.tdwg.org/dwc/terms/year"] == "2001"


@pytest.mark.parametrize(("parameters", "code", "hint"), [
    *cases("api_occurrences", "test_refused"),
    pytest.param({"geometry": "GEOMETRYCOLLECTION(" * 500}, "GEOMETRY_INVALID", "POLYGON", id="nested collections"),
])  # fmt: skip
def test_refused(client, parameters, code, hint):
    answer = client.get(SEARCH, params=parameters)
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["code"], body["status"]) == (code, 400)
    assert body["request_id"] == answer.headers["x-request-id"]
    if hint is not None:
        assert hint in body["expected"]


@pytest.mark.parametrize("key", ["0", "999999999999999999", "-5"])
def test_a_record_that_is_not_there(client, key):
    assert client.get(f"/v1/occurrence/{key}").json()["code"] == "RECORD_MISSING"


def test_a_key_that_is_no_number(client):
    assert client.get("/v1/occurrence/abc").status_code == 400
