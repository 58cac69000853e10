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


def test_a_problem_reaches_the_user(pygbif):
    with pytest.raises(requests.HTTPError, match="400"):
        pygbif.occurrences.search(year="two")
