"""Countries, continents and divisions: a facet counts what a search finds, and every name of a division finds the same."""

import pytest
from starlette.testclient import TestClient

import releases
from api.app import create_app
from api.gbif_names import CONTINENT_OF, CONTINENTS
from api.records import occurrence
from biodata.core.settings import Settings

SEARCH = "/v1/occurrence/search"
COUNTRIES = [("VN", ["VN"]), ("CN", ["CN", "VN"]), (None, ["CN", "VN"]), (None, ["LA", "VN"]), ("LA", ["LA"]),
             ("PG", ["PG"]), (None, ["ID", "PG"]), (None, []), ("VN", ["VN"])]  # fmt: skip
DIVISIONS = [("Yunnan", "CN-YN"), ("云南省", "CN-YN"), ("Yunnan Province", None), (None, "CN-YN"), ("Phongsali", "LA-PH"),
             ("Phongsaly", "LA-PH"), ("Kachin", "CN-YN"), (None, None), ("Yunnan", "LA-PH")]  # fmt: skip


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    data = tmp_path_factory.mktemp("places")
    rows = [
        row | {"countryCode": code, "country_codes": codes, "stateProvince": stated, "province_code": located}
        for row, (code, codes), (stated, located) in zip(releases.open_rows(), COUNTRIES, DIVISIONS, strict=False)
    ]
    releases.make_release(data, rows)
    with TestClient(create_app(Settings(data=data)), base_url="http://test", raise_server_exceptions=False) as found:
        yield found


def ask(client, **parameters):
    answer = client.get(SEARCH, params={"limit": 0, **parameters})
    assert answer.status_code == 200, answer.text
    return answer.json()


def of(code, codes):
    return [code] if code else codes


@pytest.mark.parametrize("name", ["country", "countryCode", "continent"])
def test_a_facet_counts_what_a_search_for_the_value_finds(client, name):
    (facet,) = ask(client, facet=name, facetLimit=100)["facets"]
    assert facet["counts"] == sorted(facet["counts"], key=lambda c: (-c["count"], c["name"]))
    assert len(facet["counts"]) == (5 if name != "continent" else 2)
    for count in facet["counts"]:
        assert ask(client, **{name: count["name"]})["count"] == count["count"]
        expected = sum(
            count["name"] in {c if name != "continent" else CONTINENT_OF[c] for c in of(*row)} for row in COUNTRIES
        )
        assert count["count"] == expected


def test_the_facet_of_countries_has_limit_offset_and_least(client):
    every = ask(client, facet="country")["facets"][0]["counts"]
    assert ask(client, facet="country", facetLimit=2, facetOffset=1)["facets"][0]["counts"] == every[1:3]
    assert ask(client, facet="country", facetMincount=2)["facets"][0]["counts"] == [c for c in every if c["count"] > 1]
    assert client.get("/v1/occurrence/counts/countries").json() == {c["name"]: c["count"] for c in every}
    assert {c["name"] for c in ask(client, facet="country", year="1998")["facets"][0]["counts"]} == {"VN"}


def test_a_record_tells_its_continent_where_all_its_countries_are_of_one(client):
    found = {r["occurrenceID"]: r.get("continent") for r in ask(client, limit=20)["results"]}
    told = [{CONTINENT_OF[c] for c in of(*row)} for row in COUNTRIES]
    assert list(found) != []
    assert found == {f"FN-{n}": next(iter(s)) if len(s) == 1 else None for n, s in enumerate(told)}


def test_every_country_is_on_one_continent():
    codes = [code for codes in CONTINENTS.values() for code in codes]
    assert len(codes) == len(set(codes)) == len(CONTINENT_OF) > 240


@pytest.mark.parametrize("value", ["Atlantis", "", "ASIA,EUROPE"])
def test_what_is_no_continent_is_refused(client, value):
    answer = client.get(SEARCH, params={"continent": value})
    assert (answer.status_code, answer.json()["field"]) == (400, "continent")


@pytest.mark.parametrize(("values", "expected"), [
    pytest.param(["Yunnan", "云南", "云南省", "YUNNAN PROVINCE", "Yúnnán"], 5, id="Yunnan"),
    pytest.param(["Phongsaly", "Phongsali", "ຜົ້ງສາລີ", "Phôngsali"], 2, id="Phongsaly"),
    pytest.param(["kachin"], 1, id="a division that the boundaries do not have"),
    pytest.param(["CN-YN", "cn-yn"], 4, id="all that lies there, by code"),
    pytest.param(["Nowhere"], 0, id="none of that name"),
])  # fmt: skip
def test_every_name_of_a_division_finds_the_same(client, values, expected):
    for value in values:
        assert ask(client, stateProvince=value)["count"] == expected, value


def test_no_record_has_a_sequence(client):
    assert ask(client, isSequenced="false")["count"] == len(COUNTRIES)
    assert ask(client, isSequenced="true")["count"] == 0


def test_a_row_without_any_country_has_no_continent():
    from api.records import COLUMNS

    assert "continent" not in occurrence([None] * len(COLUMNS))
