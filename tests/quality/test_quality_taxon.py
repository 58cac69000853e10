"""BDQ Core on taxa: what can be answered without a network is, what cannot is said to be so, a checklist answers all."""

import json

import polars as pl
import pytest

from biodata.core import terms
from biodata.quality.engine import BY_LABEL
from biodata.quality.taxon import gbif_key, is_complete
from case_tables import cases
from quality_rows import brief, respond

CHECKLIST = terms.conform(
    pl.DataFrame([
        {"taxon_id": "a1", "scientificName": "Graphis", "scientificNameAuthorship": "Adans., 1763", "kingdom": "Fungi",
         "class": "Lecanoromycetes", "gbif_key": 2602041},
        {"taxon_id": "a2", "scientificName": "Graphis", "scientificNameAuthorship": "Jeffreys, 1867",
         "kingdom": "Animalia", "class": "Gastropoda", "gbif_key": 2300979},
        {"taxon_id": "urn:lsid:ipni.org:names:1", "scientificName": "Harpullia pendula",
         "scientificNameAuthorship": "F.Muell.", "kingdom": "Plantae", "family": "Sapindaceae", "genus": "Harpullia",
         "gbif_key": None},
    ]).with_columns(checklist=pl.lit("Our list 1.0"), taxonRank=pl.Series(["GENUS", "GENUS", "SPECIES"])),
    terms.TAXON,
)  # fmt: skip


def answer(label, checklist=None, **row):
    return brief(respond(BY_LABEL[label], [row], checklist)[0])


@pytest.mark.parametrize(("rank", "name", "expected"), cases("quality_taxon", "test_names_of_a_rank"))
def test_names_of_a_rank(rank, name, expected):
    assert answer(f"VALIDATION_{rank.upper()}_FOUND", **{rank: name}) == expected


def test_another_authority_is_not_there():
    row = {"genus": "Egernia", "bdqval:sourceAuthority": "https://invalid/invalidservice"}
    assert answer("VALIDATION_GENUS_FOUND", **row) == "EXTERNAL"
    assert answer("VALIDATION_GENUS_FOUND", **row | {"genus": ""}) == "INTERNAL"
    assert answer("VALIDATION_GENUS_FOUND", **row | {"bdqval:sourceAuthority": "GBIF Backbone Taxonomy"}) == "C"


@pytest.mark.parametrize(("row", "expected"), cases("quality_taxon", "test_classification"))
def test_classification(row, expected):
    assert answer("VALIDATION_CLASSIFICATION_CONSISTENT", **row) == expected


@pytest.mark.parametrize(("row", "expected"), cases("quality_taxon", "test_polynomial"))
def test_polynomial(row, expected):
    assert answer("VALIDATION_POLYNOMIAL_CONSISTENT", **row) == expected


@pytest.mark.parametrize(("identifier", "complete"), cases("quality_taxon", "test_identifiers"))
def test_identifiers(identifier, complete):
    assert is_complete(identifier) is complete
    assert answer("VALIDATION_SCIENTIFICNAMEID_COMPLETE", scientificNameID=identifier) == ("C" if complete else "N")


@pytest.mark.parametrize(("identifier", "key"), [
    pytest.param("gbif:8102122", 8102122, id="pseudo-namespace"),
    pytest.param("http://api.gbif.org/v1/species/8102122", 8102122, id="API"),
    pytest.param("https://www.gbif.org/species/8102122", 8102122, id="portal"),
    pytest.param("gbif:8a", None, id="no number"),
    pytest.param("https://api.gbif.org/v1/species", None, id="no taxon"),
])  # fmt: skip
def test_keys_of_gbif(identifier, key):
    assert gbif_key(identifier) == key


@pytest.mark.parametrize(("rank", "standard", "amended"), cases("quality_taxon", "test_ranks"))
def test_ranks(rank, standard, amended):
    assert answer("VALIDATION_TAXONRANK_STANDARD", taxonRank=rank) == standard
    given = answer("AMENDMENT_TAXONRANK_STANDARDIZED", taxonRank=rank)
    assert (json.loads(given)["dwc:taxonRank"] if given.startswith("{") else given) == amended


@pytest.mark.parametrize(("row", "without", "with_checklist"), cases("quality_taxon", "test_taxon_unambiguous"))
def test_taxon_unambiguous(row, without, with_checklist):
    assert answer("VALIDATION_TAXON_UNAMBIGUOUS", **row) == without
    assert answer("VALIDATION_TAXON_UNAMBIGUOUS", CHECKLIST, **row) == with_checklist


@pytest.mark.parametrize(
    ("label", "row", "without", "with_checklist"), cases("quality_taxon", "test_with_and_without_a_checklist")
)
def test_with_and_without_a_checklist(label, row, without, with_checklist):
    assert answer(label, **row) == without
    assert answer(label, CHECKLIST, **row) == with_checklist
