"""pygbif asks us as it asks GBIF; answers are compared with the rows that the release was made from."""

import logging
import sys
import warnings
from collections import Counter

import pytest
import requests

import releases

pytestmark = [pytest.mark.clients, pytest.mark.filterwarnings("ignore")]
ROWS = [*releases.open_rows(), *releases.secret_rows()[:2]]


@pytest.fixture(scope="module")
def pygbif(address):
    """Give pygbif with every module pointed at our server; the root logger is put back."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pygbif
    root.handlers[:], root.level = handlers, level
    changed = [m for n, m in sys.modules.items() if n.startswith("pygbif") and hasattr(m, "gbif_baseurl")]
    before = changed[0].gbif_baseurl
    for module in changed:
        module.gbif_baseurl = f"{address}/v1/"
    yield pygbif
    for module in changed:
        module.gbif_baseurl = before


def test_search(pygbif):
    body = pygbif.occurrences.search(country="VN", year="2000,2005", limit=300)
    assert len(body) == 6
    expected = {r["occurrenceID"] for r in ROWS if r["countryCode"] == "VN" and 2000 <= r["year"] <= 2005}
    assert {r["occurrenceID"] for r in body["results"]} == expected
    assert (body["count"], body["endOfRecords"]) == (len(expected), True)


def test_search_by_key_name_and_lists(pygbif):
    assert pygbif.occurrences.search(taxonKey=2441208, limit=0)["count"] == sum(
        r["species"] == releases.SEROW for r in ROWS
    )
    assert pygbif.occurrences.search(scientificName="Lophura nycthemera", limit=0)["count"] == 322
    assert pygbif.occurrences.search(country=["VN", "LA"], hasCoordinate=True, limit=0)["count"] > 400


def test_pages(pygbif):
    keys = [
        r["key"] for offset in (0, 300, 600) for r in pygbif.occurrences.search(limit=300, offset=offset)["results"]
    ]
    assert len(set(keys)) == len(keys) == len(ROWS)


def test_geometry(pygbif):
    wkt = "POLYGON((100 20, 101 20, 101 21, 100 21, 100 20))"
    body = pygbif.occurrences.search(geometry=wkt, limit=300)
    inside = [r for r in ROWS if r["decimalLatitude"] and r["decimalLatitude"] <= 21 and r["decimalLongitude"] <= 101]
    assert body["count"] == len(inside) > 0


def test_facets(pygbif):
    body = pygbif.occurrences.search(facet=["country", "basisOfRecord"], country_facetLimit=2, limit=0)
    told = {facet["field"]: facet["counts"] for facet in body["facets"]}
    assert told["COUNTRY"] == [
        {"name": n, "count": c} for n, c in Counter(r["countryCode"] for r in ROWS).most_common(2)
    ]
    assert len(told["BASIS_OF_RECORD"]) == 2


def test_get_and_verbatim(pygbif):
    key = pygbif.occurrences.search(limit=1)["results"][0]["key"]
    assert pygbif.occurrences.get(key=key)["key"] == key
    assert pygbif.occurrences.get_verbatim(key=key)["key"] == key


def test_counts(pygbif):
    assert pygbif.occurrences.count(country="VN") == sum(r["countryCode"] == "VN" for r in ROWS)
    assert pygbif.occurrences.count_basisofrecord()["HUMAN_OBSERVATION"] == sum(
        r["basisOfRecord"] == "HUMAN_OBSERVATION" for r in ROWS
    )


def test_species_and_datasets(pygbif):
    assert pygbif.species.name_lookup(q="Nomascus")["results"][0]["canonicalName"] == releases.GIBBON
    assert pygbif.species.name_suggest(q="Lophura")[0]["key"] == 2474083
    assert pygbif.species.name_usage(key=2441208)["species"] == releases.SEROW
    assert pygbif.registry.dataset_search(q="field")["results"][0]["key"] == "field-notes"


@pytest.mark.parametrize("parameters", [
    {"taxonKey": 2441208}, {"kingdomKey": 1}, {"familyKey": 9614}, {"lastInterpreted": "2014-04-01,2014-05-01"},
    {"continent": "asia"}, {"typeStatus": "HOLOTYPE"}, {"recordNumber": "1"}, {"eventDate": "2000,2005"}, {"decimalLatitude": "20,21"},
    {"elevation": "100,*"}, {"depth": "1,5"}, {"hasGeospatialIssue": False}, {"issue": "COORDINATE_ROUNDED"},
    {"spellCheck": True}, {"mediatype": "StillImage"}, {"establishmentMeans": "NATIVE"}, {"repatriated": True},
    {"publishingCountry": "CN"}, {"checklistKey": None}, {"year": ["1999", "2001,2003"]},
], ids=lambda p: next(iter(p)))  # fmt: skip
def test_every_parameter_is_taken(pygbif, parameters):
    body = pygbif.occurrences.search(**parameters, limit=1)
    assert list(body) == ["offset", "limit", "endOfRecords", "count", "results", "facets"]


@pytest.mark.parametrize("parameters", [
    {"recordedByID": "https://orcid.org/0000-0003-1691-239X"},
    {"identifiedByID": "x"},
    {"subgenusKey": 1},
    {"country": "XX"},
], ids=lambda p: next(iter(p)))  # fmt: skip
def test_a_parameter_that_cannot_be_honoured_is_refused_by_its_name(pygbif, parameters):
    with pytest.raises(requests.HTTPError) as refused:
        pygbif.occurrences.search(**parameters, limit=1)
    problem = refused.value.response.json()
    assert (problem["status"], problem["field"]) == (400, next(iter(parameters)))


def test_what_gbif_lacks(pygbif):
    inside = pygbif.occurrences.search(withinArea="ha:nam-ha", limit=0)["count"]
    assert 0 < inside < len(ROWS)
    shared = pygbif.occurrences.search(sharedBetween="CN,LA", facet="species", limit=0)
    assert {c["name"] for c in shared["facets"][0]["counts"]} == {releases.SEROW, releases.PHEASANT}
    listed = pygbif.occurrences.search(speciesList=[releases.SEROW, "Felis nusquam"], limit=0)
    assert listed["count"] == sum(r["species"] == releases.SEROW for r in ROWS)


def test_the_rest_of_the_occurrence_module(pygbif):
    key = pygbif.occurrences.search(occurrenceId="FN-3", limit=1)["results"][0]["key"]
    assert pygbif.occurrences.get_fragment(key=key)["occurrenceID"] == "FN-3"
    assert pygbif.occurrences.count(isGeoreferenced=True, country="VN") == sum(
        r["countryCode"] == "VN" and r["decimalLatitude"] is not None for r in ROWS
    )
    assert sum(pygbif.occurrences.count_year("1990,2030").values()) == len(ROWS)
    assert sum(pygbif.occurrences.count_datasets(country="VN").values()) == sum(r["countryCode"] == "VN" for r in ROWS)
    assert pygbif.occurrences.count_countries(publishingCountry="CN") == {}
    assert {"dimensions": [{"key": "country", "type": "code"}]} in pygbif.occurrences.count_schema()


def test_the_rest_of_the_species_module(pygbif):
    assert pygbif.species.gbif_to_col(2441208)["usage"]["canonicalName"] == releases.SEROW
    assert pygbif.species.gbif_to_col([1])[0]["diagnostics"]["matchType"] == "NONE"
    parsed = pygbif.species.name_parser(["Vanessa atalanta (Linnaeus, 1758)"])
    assert parsed[0]["canonicalName"] == "Vanessa atalanta"
    for part in ("verbatim", "name", "parents", "children", "related", "synonyms", "vernacularNames", "media"):
        assert pygbif.species.name_usage(key=2441208, data=part) is not None
    found = pygbif.species.name_lookup(q="gibbon", facet="status", limit=0)
    assert found["facets"] == [{"field": "STATUS", "counts": [{"name": "ACCEPTED", "count": 1}]}]


def test_a_problem_reaches_the_user(pygbif):
    with pytest.raises(requests.HTTPError, match="400"):
        pygbif.occurrences.search(year="two")
