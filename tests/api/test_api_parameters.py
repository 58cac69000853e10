"""Every parameter of GBIF's occurrence search in one table, in each entrance: honoured, or a 400 that names it."""

import orjson
import pytest
from starlette.testclient import TestClient

import releases
from api import gbif_names
from api.app import create_app
from api.parameters import COUNTABLE, SEARCH
from biodata.cli.export import asked_of
from biodata.core.errors import InputError
from biodata.core.settings import Settings

pytest_plugins = ("api_client",)
ROWS = [*releases.open_rows(), *releases.secret_rows()[:2]]
TILE = "/ogc/collections/occurrences/tiles/WebMercatorQuad/0/0/0"
ITEMS = "/ogc/collections/occurrences/items"
VALUES = {
    "geometry": "POLYGON((100 20,101 20,101 21,100 20))", "geoDistance": "21,101,5km", "issue": "ZERO_COORDINATE",
    "taxonomicIssue": "TAXON_MATCH_FUZZY", "basisOfRecord": "HUMAN_OBSERVATION", "occurrenceStatus": "PRESENT",
    "license": "CC_BY_4_0", "iucnRedListCategory": "CR", "taxonomicStatus": "ACCEPTED", "eventDate": "2001,2003",
    "lastInterpreted": "2020-01-01,*", "country": "CN", "publishingCountry": "CN", "continent": "ASIA", "sex": "female",
    "lifeStage": "Adult", "establishmentMeans": "Introduced", "typeStatus": "HOLOTYPE", "mediaType": "StillImage",
    "mediatype": "StillImage", "scientificName": "Lophura nycthemera", "checklistKey": "7ddf754f-d193-4cc9-b351-99906754a03b",
    **dict.fromkeys(("hasCoordinate", "hasGeospatialIssue", "isInCluster", "repatriated", "isGeoreferenced", "isSequenced"), "true"),
    **dict.fromkeys(("facetMultiselect", "hl", "verbose", "spellCheck"), "false"),
}  # fmt: skip
"""A value that each parameter takes; the others take 1."""
WRONG = [
    ("country", "XX", "ISO 3166-1"), ("country", "Lalaland", "ISO 3166-1"), ("publishingCountry", "QQ", "ISO 3166-1"),
    ("provinceCode", "CN-YX", "CN-Y"), ("continent", "ASAI", "ASIA"), ("month", "13", "1 to 12"), ("month", "0", "1 to 12"),
    ("month", "11,2", "month=11,*&month=*,2"), ("day", "32", "1 to 31"), ("year", "99999", "1 to 9999"),
    ("year", "2010,2000", "lesser"), ("year", ",", "a number"), ("startDayOfYear", "367", "1 to 366"),
    ("endDayOfYear", "200,100", "lesser"), ("decimalLatitude", "91", "-90 to 90"), ("decimalLongitude", "-181,0", "-180 to 180"),
    ("elevation", "900,100", "lesser"), ("coordinateUncertaintyInMeters", "-1", "0 or more"), ("individualCount", "-2", "0 or more"),
    ("eventDate", "2010-13", "calendar"), ("eventDate", "2010,2000", "before the start"), ("lastInterpreted", "yesterday", "a date"),
    ("basisOfRecord", "HUMAN_OBSERVATIONS", "HUMAN_OBSERVATION"), ("occurrenceStatus", "GONE", "PRESENT, ABSENT"),
    ("license", "CC_BY_3_0", "CC_BY_4_0"), ("issue", "ZERO_COORDINATES", "ZERO_COORDINATE"), ("typeStatus", "HOLOTYP", "HOLOTYPE"),
    ("iucnRedListCategory", "XY", "EX"), ("taxonomicStatus", "ACCEPT", "ACCEPTED"), ("sex", "unicorn", "MALE"),
    ("lifeStage", "Adlut", "Adult"), ("establishmentMeans", "introduce", "INTRODUCED"), ("taxonRank", "SPECEIS", "SPECIES"),
    ("mediaType", "StilImage", "StillImage"), ("sharingCategory", "closed", "open"), ("hasCoordinate", "perhaps", "true or false"),
    ("isInCluster", "1", "true or false"), ("geometry", "POLYGON((100 20,101", None), ("geometry", "POINT(1 2)", None),
    ("geoDistance", "21,101", "distance"), ("taxonomicIssue", "ZERO_COORDINATE", "names"), ("q", "", "a value"), ("country", "", "a value"),
    ("species", " ", "a value"), ("year", "", "a value"),
]  # fmt: skip
"""Values outside their vocabulary, with what the answer says instead."""


@pytest.fixture(scope="module")
def service(settings):
    """Return the service on the small release, with room for many downloads."""
    roomy = Settings(data=settings.data, downloads_waiting=100_000)
    with TestClient(create_app(roomy), base_url="http://test", raise_server_exceptions=False) as client:
        yield client


def search(client, name, value):
    return client.get("/v1/occurrence/search", params={name: value, "limit": 0})


def count(client, name, value):
    return client.get("/v1/occurrence/count", params={name: value})


def download(client, name, value):
    return client.post("/v1/downloads", params={"format": "species-list"}, json={name: value})


def citation(client, name, value):
    return client.post("/v1/citations", json={name: value})


def tile(client, name, value):
    return client.get(TILE, params={name: value})


ENTRANCES = [search, count, download, citation, tile]


def facet(client, name, _):
    return client.get("/v1/occurrence/search", params={"facet": name, "limit": 0})


def feature_property(client, name, value):
    return client.get(ITEMS, params={name: value, "limit": 1})


def cql2(client, name, value):
    return client.get(ITEMS, params={"filter": f"{name} = '{value}'", "limit": 1})


def named(answer):
    told = answer.json()
    return f"{told.get('field')} {told['detail']}"


ANSWERS = {row["name"]: row["answer"] for row in gbif_names.PARAMETERS}


def test_the_table_and_the_readers_agree():
    assert {name for name, answer in ANSWERS.items() if answer == "honoured"} <= SEARCH.keys()
    assert not {name for name, answer in ANSWERS.items() if answer != "honoured"} & SEARCH.keys()
    assert all(row["instead"] for row in gbif_names.PARAMETERS if row["answer"] != "honoured")


@pytest.mark.parametrize("ask", [*ENTRANCES, facet, feature_property, cql2], ids=lambda ask: ask.__name__)
def test_every_parameter_of_gbif_is_honoured_or_refused_by_its_name(service, ask):
    wrong = []
    for name, answer in ANSWERS.items():
        if answer != "unavailable" and ask not in (search, tile):
            continue  # not every parameter is a facet or a property; downloads and citations keep each that is honoured
        got = ask(service, name, VALUES.get(name, "1"))
        if answer == "unavailable":
            right = got.status_code == 400 and got.json()["code"] == "PARAMETER_UNAVAILABLE" and name in named(got)
        else:
            right = got.status_code in (200, 201, 202)
        if not right:
            wrong.append((name, answer, got.status_code, got.text[:200]))
    assert wrong == []


@pytest.mark.parametrize("ask", ENTRANCES, ids=lambda ask: ask.__name__)
def test_a_value_outside_its_vocabulary_is_a_400_that_names_it_and_what_is_right(service, ask):
    wrong = []
    for name, value, expected in WRONG:
        answer = ask(service, name, value)
        told = answer.json() if answer.status_code == 400 else {}
        right = told and name in named(answer) and (expected is None or expected in str(told.get("expected")))
        if not right:
            wrong.append((name, value, answer.status_code, told or answer.text[:100]))
    assert wrong == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("countryCode", "XX"), ("countryCode", "vn"), ("month", "13"), ("basisOfRecord", "HUMAN"), ("sex", "unicorn"),
     ("province_code", "CN-ZZ"), ("quality_flags", "NONE_SUCH"), ("country_codes", "XX"), ("license", "")],
)  # fmt: skip
def test_a_property_outside_its_vocabulary(service, name, value):
    written = value if name == "month" else f"'{value}'"
    text = f"A_CONTAINS({name}, ({written}))" if name in ("quality_flags", "country_codes") else f"{name} = {written}"
    for parameters in ({name: value}, {"filter": text}):
        answer = service.get(ITEMS, params=parameters)
        assert (answer.status_code, name in named(answer)) == (400, True), parameters
    unknown = service.get(ITEMS, params={"filter": "basisOfRecrod = 'x'"})
    assert (unknown.status_code, "basisOfRecord" in unknown.json()["expected"]) == (400, True)
    several = service.get(ITEMS, params={"filter": "CASEI(countryCode) IN ('vn', 'xx')"})
    assert several.status_code == 400


def test_other_collections_refuse_values_outside_their_lists(service):
    for path in ("items", "tiles/WebMercatorQuad/0/0/0"):
        answer = service.get(f"/ogc/collections/surveys/{path}", params={"design": "camera-traps"})
        assert (answer.status_code, answer.json()["near"]) == (400, ["camera_trap"])


@pytest.mark.parametrize(("parameters", "code"), [
    ({"waterBody": "Mekong"}, "PARAMETER_UNAVAILABLE"), ({"month": "13"}, "PARAMETER_INVALID"),
    ({"contry": "LA"}, "PARAMETER_UNKNOWN"), ({"country": ""}, "PARAMETER_INVALID"),
])  # fmt: skip
def test_a_command_refuses_the_same(settings, parameters, code):
    with pytest.raises(InputError) as refused, asked_of(settings, [*parameters.items()]):
        pass
    assert (refused.value.code, refused.value.column) == (code, next(iter(parameters)))


def test_an_unknown_name_is_refused_with_the_nearest(service):
    for ask in ENTRANCES:
        answer = ask(service, "basisOfRecrod", "1")
        assert (answer.status_code, answer.json()["code"]) == (400, "PARAMETER_UNKNOWN")
        assert "basisOfRecord" in answer.json()["near"]
    assert "country" in facet(service, "contry", "").json()["near"]


def test_a_limit_above_the_most_is_refused_with_it(service):
    answer = service.get("/v1/occurrence/search", params={"limit": 5000})
    assert (answer.status_code, answer.json()["field"]) == (400, "limit")
    assert "300" in answer.json()["expected"]
    answer = service.get("/v1/occurrence/search", params={"facet": "year", "facetLimit": 5000, "limit": 0})
    assert (answer.status_code, answer.json()["field"]) == (400, "facetLimit")
    assert len(service.get(ITEMS, params={"limit": 20_000}).json()["features"]) == len(ROWS), "as OGC's standard has it"


def test_values_in_other_letters_and_spellings_are_the_same(service):
    for name, values in {"basisOfRecord": ("HUMAN_OBSERVATION", "human_observation"),
                         "country": ("VN", "vn", "VNM", "Việt Nam"), "taxonRank": ("SPECIES", "species"),
                         "license": ("CC_BY_4_0", "cc_by_4_0")}.items():  # fmt: skip
        counts = {search(service, name, value).json()["count"] for value in values}
        assert len(counts) == 1 and counts != {0}, name  # noqa: PT018


NO_FACET = {"q", "geometry", "geoDistance", "acceptedTaxonKey", "startDayOfYear", "endDayOfYear"}
"""What has no values to count by: text anywhere, places; and what the records tell by other names."""


def test_every_honoured_parameter_of_gbif_is_a_facet_whose_counts_a_search_finds(service):
    honoured = {name for name, answer in ANSWERS.items() if answer == "honoured"} - NO_FACET
    assert honoured <= set(COUNTABLE)
    for name in sorted(honoured):
        counts = facet(service, name, "").json()["facets"][0]["counts"]
        for each in counts[:1]:
            if name != "stateProvince":  # its name also finds what lies there and states no division
                assert search(service, name, each["name"]).json()["count"] == each["count"], (name, each)
    assert [c["name"] for c in facet(service, "hasCoordinate", "").json()["facets"][0]["counts"]] == ["true", "false"]


# One meaning of a country


@pytest.fixture(scope="module")
def borderland(tmp_path_factory):
    """Return a service on records beside a border: certain ones, one in the band, two cells that reach both sides."""
    rows = releases.open_rows()[:60]
    for n, row in enumerate(rows):
        if n % 10 == 3:
            row |= {"countryCode": None, "country_codes": ["LA", "VN"], "sharing_category": "0_1_degree",
                    "species": None}  # fmt: skip
        if n % 10 == 5:
            row |= {"countryCode": "LA", "country_codes": ["LA", "VN"], "ambiguous": True}
    data = tmp_path_factory.mktemp("borderland")
    releases.make_release(data, rows)
    with TestClient(create_app(Settings(data=data)), base_url="http://test") as client:
        yield client, Settings(data=data), rows


def test_a_country_counts_the_same_in_every_entrance(borderland):
    client, settings, rows = borderland
    for code in ("VN", "LA", "CN"):
        expected = sum(
            r["countryCode"] == code or (r["countryCode"] is None and code in r["country_codes"]) for r in rows
        )
        assert expected > sum(r["countryCode"] == code for r in rows) or code == "CN"
        body = {"country": code, "limit": 0}
        with asked_of(settings, [("country", code)]) as question:
            asked = question.filter
        facets = search(client, "facet", "country").json()["facets"][0]["counts"]
        counts = {
            "search": search(client, "country", code).json()["count"],
            "count": count(client, "country", code).json(),
            "body": client.post("/v1/occurrence/search", json=body).json()["count"],
            "facet": next(each["count"] for each in facets if each["name"] == code),
            "counts": client.get("/v1/occurrence/counts/countries").json()[code],
            "cql2": client.get(ITEMS, params={"filter": f"countryCode = '{code}'"}).json()["numberMatched"],
            "cql2 in": client.get(ITEMS, params={"filter": f"countryCode IN ('{code}')"}).json()["numberMatched"],
            "cql2 not": len(rows) - client.get(ITEMS, params={"filter": f"countryCode <> '{code}'"}).json()["numberMatched"],
            "property": client.get(ITEMS, params={"countryCode": code}).json()["numberMatched"],
            "citation": citation(client, "country", code).json()["count"],
        }  # fmt: skip
        assert counts == dict.fromkeys(counts, expected)
        assert orjson.dumps(client.post("/v1/downloads", params={"country": code}).json()["parameters"])
        assert "InCountry" in str(asked)


def test_shared_between_counts_the_records_on_those_sides(borderland):
    client, _, rows = borderland
    both = {"CN", "LA"}
    sides = {
        r["species"]: {o["countryCode"] for o in rows if o["species"] == r["species"]} for r in rows if r["species"]
    }
    expected = sum(r["species"] is not None and r["countryCode"] in both and both <= sides[r["species"]] for r in rows)
    found = client.get(
        "/v1/occurrence/search", params={"sharedBetween": "CN,LA", "limit": 0, "facet": "country"}
    ).json()
    assert found["count"] == expected > 0
    assert {each["name"] for each in found["facets"][0]["counts"]} == both
