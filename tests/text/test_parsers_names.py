"""Scientific names taken apart."""

import json
import unicodedata
from types import MappingProxyType

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from biodata.text.scientific_names import SCHEMA, parse_names
from case_tables import cases


def parts(told):
    return parse_names(pl.Series([told], dtype=pl.String)).row(0, named=True)


@pytest.mark.parametrize(
    ("told", "canonical", "genus", "species", "below", "rank"), cases("parsers_names", "test_names")
)
def test_names(told, canonical, genus, species, below, rank):
    row = parts(told)
    found = (row["canonical"], row["genus"], row["specific_epithet"], row["infraspecific_epithet"], row["rank"])
    assert found == (canonical, genus, species, below, rank)


@pytest.mark.parametrize(("told", "authorship", "cited"), cases("parsers_names", "test_authorship_has_one_form"))
def test_authorship_has_one_form(told, authorship, cited):
    row = parts(told)
    assert (row["authorship"], row["cited_authorship"]) == (authorship, cited)


@pytest.mark.parametrize(("told", "issue", "canonical"), cases("parsers_names", "test_what_is_odd_is_named"))
def test_what_is_odd_is_named(told, issue, canonical):
    row = parts(told)
    assert issue in row["issues"]
    assert row["canonical"] == canonical


def test_composed_and_decomposed_letters_are_the_same():
    name = "Seleuca chûjôi Voss, 1957"
    composed, decomposed = (parts(unicodedata.normalize(form, name)) for form in ("NFC", "NFD"))
    assert {**composed, "value": None} == {**decomposed, "value": None}
    assert composed["canonical"] == "Seleuca chujoi"


# gnparser's cases that we answer otherwise, by the class of the difference.
DIFFERING = MappingProxyType({
    "Ambrysus-Stål, 1862": "a genus and its author joined by a hyphen: two words, as GBIF reads it",
    "+ Crataegomespilus": "a graft-chimera: no taxon; the suite has it both ways, by the code that is set",
    "Cytisus purpureus + Laburnum anagyroides": "a graft-chimera: no taxon; the suite has it both ways",
})  # fmt: skip


def test_gnparsers_cases(shared):
    cases = json.loads((shared / "suites" / "names" / "cases.json").read_text())
    rows = parse_names(pl.Series([case["name"] for case in cases])).to_dicts()
    missed = {
        case["name"]
        for case, row in zip(cases, rows, strict=True)
        if (row["canonical_full"] or "", row["authorship"] or "") != (case["canonical"], case["authorship"])
    }
    assert missed == set(DIFFERING)


def test_what_gnparser_refuses_is_refused(shared):
    cases = json.loads((shared / "suites" / "names" / "cases.json").read_text())
    refused = [case["name"] for case in cases if case["expected"]["quality"] == 0]
    rows = parse_names(pl.Series(refused))
    assert rows["canonical_full"].null_count() == len(refused) > 20


@given(st.lists(st.one_of(st.none(), st.text()), max_size=6))
def test_no_text_whatever_raises(texts):
    frame = parse_names(pl.Series(texts, dtype=pl.String))
    assert frame.schema == SCHEMA
    assert frame["value"].to_list() == texts


WORDS = "Aus bus × ( ) Smith L. f. ex & var. subsp. 1900 , cf. aff. sp. de la in et al. 'x' ÄÖ chûjô A. - non [ ] ? x Bus d' β"
LIKE_NAMES = st.lists(st.sampled_from(WORDS.split()), min_size=1, max_size=14).map(" ".join)


@settings(max_examples=40)
@given(LIKE_NAMES)
@example("Aus × bus")
@example("Aus (Bus) bus var. bus")
def test_the_canonical_name_is_its_own(told):
    canonical = parts(told)["canonical"]
    if canonical is not None:
        assert parts(canonical)["canonical"] == canonical


@settings(max_examples=40)
@given(LIKE_NAMES)
def test_the_full_form_is_its_own(told):
    full = parts(told)["canonical_full"]
    if full is not None:
        assert parts(full)["canonical_full"] == full


@pytest.mark.parametrize(
    "piece", ["A", "Aa", "A.", "A.-", "Aus ", "(", "(A", "a-", "d'", "de ", "A & ", "é", "x ", "1", "× A. "]
)
@pytest.mark.timeout(30)
def test_a_hostile_text_keeps_no_parser_busy(piece):
    for told in ("Aus bus " + piece * (480 // len(piece)), (piece * 500)[:500]):
        assert parts(told)["value"] == told
