"""What a search can do beyond GBIF's, and its whole list of parameters: bodies, sides, lists, nulls, snapshots."""

import json
import unicodedata
from collections import Counter
from urllib.parse import urlsplit

import pytest
import shapely

import releases
from api import name_readers
from biodata.store.query.filters import Compare, InCountry
from releases import GIBBON, PHEASANT, SEROW

pytest_plugins = ("api_client",)
SEARCH = "/v1/occurrence/search"
ROWS = [*releases.open_rows(), *releases.secret_rows()[:2]]
OPEN = releases.open_rows()


def ask(client, parameters=None, **more):
    answer = client.get(SEARCH, params={"limit": 0, **(parameters or {}), **more})
    assert answer.status_code == 200, answer.text
    return answer


def test_the_record_of_2026(client):
    record = ask(client, occurrenceId="FN-0", limit=1).json()["results"][0]
    assert (record["familyKey"], record["acceptedTaxonKey"], record["gbifRegion"]) == (9614, 2441208, "ASIA")
    assert (record["datasetKey"], record["kingdomKey"]) == ("museum", 1)
    assert ask(client, kingdomKey="1").json()["count"] == len(ROWS)
    assert ask(client, kingdomKey="6").json()["count"] == 0
    other = ask(client, occurrenceId="FN-1", limit=1).json()["results"][0]
    assert other["datasetTitle"] == "Field notes"
    assert "familyKey" not in other, "the checklist tells none"
    assert None not in record.values()


def test_a_range_tells_how_many_rows_it_leaves_out_for_want_of_a_value(client):
    answer = ask(client, year="2000,2003", month="1,6", country="VN")
    assert answer.headers["x-biodata-null-left-out"] in ("month=0, year=0", "year=0, month=0")
    answer = ask(client, month="1,6")
    assert answer.headers["x-biodata-null-left-out"] == "month=2", "two coarse records tell no month"
    kept = ask(client, month="1,6", **{"month.includeNull": "true"})
    assert "x-biodata-null-left-out" not in kept.headers
    assert kept.json()["count"] == answer.json()["count"] + 2
    assert ask(client, month="1,6", includeNull="true").json() == kept.json()
    assert "x-biodata-null-left-out" not in ask(client, country="VN").headers
    count = client.get("/v1/occurrence/count", params={"month": "1,6"})
    assert count.headers["x-biodata-null-left-out"] == "month=2"


def test_days_of_the_year(client):
    expected = sum(40 <= r["event_start"].timetuple().tm_yday <= 90 for r in OPEN)
    assert ask(client, startDayOfYear="40,90").json()["count"] == expected > 0


def test_a_list_of_names(client):
    answer = ask(client, speciesList=[SEROW, "Capricornis argyrochaetes", "Felis nusquam", "Con nusquam"])
    assert answer.json()["count"] == sum(r["species"] == SEROW for r in ROWS)
    assert json.loads(answer.headers["x-biodata-names-unmatched"]) == ["Felis nusquam", "Con nusquam"]
    assert answer.headers["x-biodata-names-unmatched-count"] == "2"
    assert ask(client, speciesList="Bovidae").json()["count"] == sum(r["family"] == "Bovidae" for r in ROWS)
    assert ask(client, speciesList="vượn cao vít").json()["count"] == 2
    assert ask(client, speciesList="Felis nusquam").json()["count"] == 0
    both = ask(client, speciesList=[SEROW, PHEASANT]).json()
    for told in (f"{SEROW},{PHEASANT}", f"{SEROW} David, 1869, {PHEASANT} (Linnaeus, 1758)", "Capricornis, Lophura"):
        assert ask(client, speciesList=told).json() == both
    answer = ask(client, speciesList=f"{PHEASANT} (Linnaeus, 1758),Felis nusquam")
    assert answer.json()["count"] == sum(r["species"] == PHEASANT for r in ROWS)
    assert json.loads(answer.headers["x-biodata-names-unmatched"]) == ["Felis nusquam"]


def test_a_long_list_of_names_as_a_file(client):
    names = [f"Felis nusquam{'a' * (n % 9)}{n}" for n in range(1500)] + [PHEASANT]
    sent = {"content": "\n".join(names).encode(), "headers": {"content-type": "text/plain"}, "params": {"limit": 0}}
    answer = client.post(SEARCH, **sent)
    assert answer.json()["count"] == sum(r["species"] == PHEASANT for r in ROWS)
    assert answer.headers["x-biodata-names-unmatched-count"] == "1500"
    assert len(answer.headers["x-biodata-names-unmatched"]) < 4000
    many = ["Aus bus"] * 2001 + [f"A{n}" for n in range(2001)]
    assert client.post(SEARCH, json={"speciesList": many}).status_code == 400


@pytest.mark.parametrize(("parameters", "species"), [
    pytest.param({"sharedBetween": "CN,LA"}, {SEROW, PHEASANT}, id="on both sides"),
    pytest.param({"sharedBetween": ["CN", "VN"], "basisOfRecord": "HUMAN_OBSERVATION"}, {SEROW, PHEASANT}, id="repeated"),
    pytest.param({"presentIn": "VN", "missingFrom": "LA"}, {GIBBON}, id="on one side only"),
    pytest.param({"sharedBetween": "CN,ລາວ", "minimumPerSide": "108"}, set(), id="with a minimum that none reaches"),
    pytest.param({"sharedBetween": "CN-YN,LA-LM"}, {SEROW, PHEASANT}, id="divisions"),
    pytest.param({"sharedBetween": "CN,LA", "scientificName": GIBBON}, set(), id="among what else is asked"),
])  # fmt: skip
def test_species_by_sides(client, parameters, species):
    body = ask(client, parameters, facet="species").json()
    assert {c["name"] for c in body["facets"][0]["counts"]} == species


def test_sides_are_not_narrowed_by_the_country_that_is_shown(client):
    found = ask(client, sharedBetween="CN,LA", country="CN").json()["count"]
    assert found == sum(r["countryCode"] == "CN" for r in ROWS)


def test_sides_are_counted_among_what_a_body_asks_for(client):
    shape = json.loads(shapely.to_geojson(shapely.box(106.4, 22.8, 106.7, 23.1)))
    for body in ({"geometry": shape}, {"species": GIBBON}):
        assert client.post(SEARCH, json={**body, "sharedBetween": "CN,VN", "limit": 0}).json()["count"] == 0
        assert client.post(SEARCH, json={**body, "presentIn": "VN", "species": GIBBON, "limit": 0}).json()["count"] == 2


def test_a_polygon_of_the_body_and_one_of_the_address_are_alternatives(client):
    boxes = shapely.box(100, 20, 101, 21), shapely.box(105, 20, 106, 21)
    parameters = {"geometry": boxes[1].wkt, "limit": 0}
    body = client.post(SEARCH, content=shapely.to_geojson(boxes[0]), params=parameters).json()
    assert body["count"] == sum(ask(client, geometry=box.wkt).json()["count"] for box in boxes)


@pytest.mark.parametrize(("parameters", "field"), [
    pytest.param({"sharedBetween": "CN"}, "sharedBetween", id="one side"),
    pytest.param({"missingFrom": "CN"}, "missingFrom", id="missing without present"),
    pytest.param({"sharedBetween": "CN,LA", "minimumPerSide": "0"}, "minimumPerSide", id="no minimum"),
    pytest.param({"country": "Lalaland"}, "country", id="no country"),
    pytest.param({"country": "Congo Kinshasa and Brazzaville"}, "country", id="two countries"),
    pytest.param({"year": "2000", "year.includeNull": "perhaps"}, "year.includeNull", id="neither true nor false"),
    pytest.param({"species.includeNull": "true"}, None, id="no range"),
    pytest.param({"speciesList": "  "}, "speciesList", id="an empty list"),
    pytest.param({"taxonomicIssue": "ZERO_COORDINATE"}, "taxonomicIssue", id="an issue of another kind"),
    pytest.param({"geometry": "{"}, "geometry", id="GeoJSON cut short"),
])  # fmt: skip
def test_refused(client, parameters, field):
    answer = client.get(SEARCH, params=parameters)
    assert answer.status_code == 400
    assert answer.json().get("field") == field or field is None


def test_names_in_the_regions_languages(client):
    for value in ("VN", "Viet Nam", "越南", "ຫວຽດນາມ", "Việt Nam"):
        assert ask(client, country=value).json()["count"] == sum(r["countryCode"] == "VN" for r in ROWS)
    for value in ("Yunnan", "云南省", "CN-YN"):
        assert ask(client, stateProvince=value).json()["count"] == sum(r["province_code"] == "CN-YN" for r in ROWS)


def test_letters_with_their_marks_apart_are_the_same_letters(client):
    """As macOS writes file names, and some keyboards send text: é as e and an accent."""
    apart = unicodedata.normalize("NFD", "Cao Bằng")
    assert apart != "Cao Bằng"
    expected = sum(r["stateProvince"] == "Cao Bằng" and r["species"] != GIBBON for r in ROWS)
    assert ask(client, stateProvince=apart, sharingCategory="open").json()["count"] == expected > 0
    body = {"stateProvince": apart, "sharingCategory": "open", "limit": 0}
    assert client.post(SEARCH, json=body).json()["count"] == expected
    for parameters in ({"stateProvince": apart}, {"filter": f"stateProvince = '{apart}'"}):
        items = client.get("/ogc/collections/occurrences/items", params={"sharing_category": "open", **parameters})
        assert items.json()["numberMatched"] == expected


def test_polygons_are_forgiven_and_it_is_told(client):
    right = ask(client, geometry="POLYGON((100 20,102 20,102 22,100 22,100 20))")
    assert "x-biodata-geometry" not in right.headers
    wrong = ask(client, geometry="POLYGON((100 20,100 22,102 22,102 20))")
    assert wrong.json() == right.json()
    assert len(json.loads(wrong.headers["x-biodata-geometry"])) == 2
    shape = shapely.to_geojson(shapely.box(100, 20, 102, 22))
    assert ask(client, geometry=shape).json() == right.json()
    told = {"geometry": json.loads(shape)}
    for body in (shape, json.dumps(told), json.dumps({"type": "Feature", **told})):
        assert client.post(SEARCH, content=body, params={"limit": 0}).json() == right.json()


def test_a_body_of_parameters(client):
    body = {"country": ["VN", "LA"], "year": 2005, "hasCoordinate": True, "facet": ["species"], "limit": 5}
    posted = client.post(SEARCH, json=body)
    got = client.get(SEARCH, params={**body, "hasCoordinate": "true"})
    assert posted.json() == got.json()
    assert posted.json()["count"] > 5


def test_pages_of_a_body(client):
    body, keys, address = {"country": "VN", "limit": 100}, [], SEARCH
    while address:
        answer = client.post(address, json=body)
        keys += [row["key"] for row in answer.json()["results"]]
        address = answer.links.get("next", {}).get("url")
        address = address and f"{urlsplit(address).path}?{urlsplit(address).query}"
    assert len(set(keys)) == len(keys) == sum(r["countryCode"] == "VN" for r in ROWS)


@pytest.mark.parametrize("body", [
    pytest.param(b"", id="nothing"),
    pytest.param(b"[]", id="a list"),
    pytest.param(b'{"country": {"a": 1}}', id="an object for a value"),
    pytest.param(b'{"moon": "full"}', id="an unknown name"),
    pytest.param(b'{"predicate": {"type": "equals", "key": "YEAR", "value": "1"}}', id="a predicate"),
    pytest.param(b'{"type": "Polygon"}', id="a polygon without coordinates"),
])  # fmt: skip
def test_bad_bodies(client, body):
    answer = client.post(SEARCH, content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_too_large(client):
    assert client.post(SEARCH, content=b" " * 1_000_001).status_code == 413


def test_a_snapshot_and_a_cursor(client):
    first = ask(client, limit=10, cursor="*")
    release = first.headers["x-biodata-release"]
    assert ask(client, limit=10, snapshot=release).json() == first.json()
    again = ask(client, limit=10, cursor=first.headers["x-biodata-cursor"], snapshot=release).json()
    assert not {r["key"] for r in again["results"]} & {r["key"] for r in first.json()["results"]}
    for path in (SEARCH, "/v1/occurrence/count"):
        gone = client.get(path, params={"snapshot": "r000001-0123456789"})
        assert (gone.status_code, gone.json()["code"], gone.json()["field"]) == (410, "RELEASE_GONE", "snapshot")
        assert release in gone.json()["expected"]
    odd = client.get(SEARCH, params={"cursor": first.headers["x-biodata-cursor"], "snapshot": "r000001-0123456789"})
    assert odd.status_code == 400


def test_a_record_by_its_publishers_identifier_and_as_a_fragment(client):
    record = client.get("/v1/occurrence/field-notes/FN-3").json()
    assert record["occurrenceID"] == "FN-3"
    fragment = client.get(f"/v1/occurrence/{record['key']}/fragment").json()
    assert (fragment["occurrenceID"], fragment["year"]) == ("FN-3", "2001")
    assert client.get("/v1/occurrence/field-notes/FN-9999").json()["code"] == "RECORD_MISSING"
    assert client.get("/v1/occurrence/12/fragment").json()["code"] == "RECORD_MISSING"


def test_facets_of_keys_of_ranks(client):
    body = ask(client, facet=["familyKey", "elevation", "eventDate"]).json()
    told = {facet["field"]: facet["counts"] for facet in body["facets"]}
    assert told["FAMILY_KEY"] == [{"name": "9614", "count": sum(r["family"] == "Bovidae" for r in ROWS)}]
    assert told["EVENT_DATE"][0]["count"] == Counter(r["eventDate"] for r in OPEN).most_common(1)[0][1]


# Nothing leaks: what a coarse record does not tell is not found either


NEAR = shapely.box(releases.SECRET_LONGITUDE - 0.002, releases.SECRET_LATITUDE - 0.002,
                   releases.SECRET_LONGITUDE + 0.002, releases.SECRET_LATITUDE + 0.002)  # fmt: skip


def test_an_area_around_the_secret_place_finds_nothing(client):
    area = client.post("/v1/areas", content=shapely.to_geojson(NEAR)).json()["id"]
    assert ask(client, withinArea=area, species=GIBBON).json()["count"] == 0
    assert ask(client, presentIn=f"uploaded:{area}", species=GIBBON).json()["count"] == 0
    assert client.get("/v1/occurrence/gibbons/TK-SECRET-1").status_code == 404


def test_a_place_that_may_lie_on_either_side_is_no_evidence_for_one():
    codes = name_readers.sides("sharedBetween", ["CN,LA"], None, least=2, as_evidence=True)
    assert codes == (Compare("countryCode", "=", "CN"), Compare("countryCode", "=", "LA"))
    assert name_readers.sides("missingFrom", ["CN"], None) == (InCountry(("CN",)),)


def test_a_common_name_that_comes_with_the_product_is_known_without_a_checklist(client):
    answer = ask(client, speciesList="哺乳动物")  # mammals, in `vernacular_names.csv` alone
    assert "x-biodata-names-unmatched" not in answer.headers
    assert answer.json()["count"] == sum(r["class"] == "Mammalia" for r in ROWS)
