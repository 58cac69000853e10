"""Tests of BDQ Core on whole records and occurrences, with cases of the standard's own examples and notes."""

import polars as pl
import pytest

from biodata.quality import run
from biodata.quality.record import Vocabulary, interpret, terms
from case_tables import cases
from quality_rows import CONTEXT, EXTERNAL, INTERNAL, ISSUE, NO_ISSUE, NOT_AMENDED, NOWHERE, C, N, answer


@pytest.mark.parametrize(("value", "told"), [
    pytest.param(None, N, id="no cell"),
    pytest.param(" \t\r\n\x00", N, id="only control characters"),
    pytest.param("null", C, id="the word null is a value"),
    pytest.param("\u00a0", C, id="a non-breaking space is a value"),
    pytest.param("?", C, id="a question mark"),
])  # fmt: skip
def test_what_is_empty(value, told):
    assert answer("VALIDATION_DCTYPE_NOTEMPTY", type=value) == told
    assert answer("VALIDATION_LICENSE_NOTEMPTY", license=value) == told
    assert answer("VALIDATION_OCCURRENCEID_NOTEMPTY", occurrenceID=value) == told


@pytest.mark.parametrize(("licence", "standard", "meant"), cases("quality_record", "test_licences"))
def test_licences(licence, standard, meant):
    assert answer("VALIDATION_LICENSE_STANDARD", license=licence) == standard
    address = f'{{"dcterms:license":"https://creativecommons.org/licenses/{meant}/4.0/legalcode"}}'
    assert answer("AMENDMENT_LICENSE_STANDARDIZED", license=licence) == (meant if meant == NOT_AMENDED else address)


def test_public_domain_has_one_version():
    proposed = '{"dcterms:license":"https://creativecommons.org/publicdomain/zero/1.0/legalcode"}'
    assert answer("AMENDMENT_LICENSE_STANDARDIZED", license="CC0") == proposed
    # The address itself is right: only what stands around it goes.
    address = "https://creativecommons.org/licenses/by/4.0/"
    for told in (f"{address}\n", f"\t{address}", f"{address}\x00 "):
        assert answer("VALIDATION_LICENSE_STANDARD", license=told) == N
        assert answer("AMENDMENT_LICENSE_STANDARDIZED", license=told) == f'{{"dcterms:license":"{address}"}}'
    assert answer("AMENDMENT_LICENSE_STANDARDIZED") == NOT_AMENDED


@pytest.mark.parametrize(("text", "vocabulary", "term"), cases("quality_record", "test_what_a_text_means"))
def test_what_a_text_means(text, vocabulary, term):
    assert interpret(text, Vocabulary(vocabulary)) == term


@pytest.mark.parametrize("vocabulary", list(Vocabulary))
def test_every_term_means_itself_in_any_case(vocabulary):
    for term in terms(vocabulary):
        assert interpret(term, vocabulary) == term
        assert interpret(f" {term.upper()}\u200b", vocabulary) == term


@pytest.mark.parametrize(("value", "standard", "meant"), [
    pytest.param("Holotype of Ursus maritimus | Paratype", C, NOT_AMENDED, id="the first word of each part counts"),
    pytest.param(" Holotype", N, '{"dwc:typeStatus":"Holotype"}', id="a blank before it"),
    pytest.param("holo. of Abies|para.", N, '{"dwc:typeStatus":"Holotype of Abies | Paratype"}', id="abbreviated"),
    pytest.param("Holotype | kleptotype", N, NOT_AMENDED, id="one part unknown"),
    pytest.param("|", N, NOT_AMENDED, id="nothing between lines"),
])  # fmt: skip
def test_type_status_by_parts(value, standard, meant):
    assert answer("VALIDATION_TYPESTATUS_STANDARD", typeStatus=value) == standard
    assert answer("AMENDMENT_TYPESTATUS_STANDARDIZED", typeStatus=value) == meant


def test_an_authority_that_cannot_be_reached_is_needed_only_where_there_is_something_to_ask():
    assert answer("VALIDATION_SEX_STANDARD", sex="Male", bdqval__sourceAuthority=NOWHERE) == EXTERNAL
    assert answer("VALIDATION_SEX_STANDARD", sex=" ", bdqval__sourceAuthority=NOWHERE) == INTERNAL
    assert answer("VALIDATION_SEX_STANDARD", sex="Male", bdqval__sourceAuthority="GBIF Sex Vocabulary") == C


def test_an_assumed_status():
    label = "AMENDMENT_OCCURRENCESTATUS_ASSUMEDDEFAULT"
    assert answer(label) == '{"dwc:occurrenceStatus":"present"}'
    assert answer(label, bdqval__defaultOccurrenceStatus="absent") == '{"dwc:occurrenceStatus":"absent"}'
    assert answer(label, individualCount="3") == NOT_AMENDED
    assert answer(label, occurrenceStatus="X", individualCount="10") == NOT_AMENDED
    assert answer(label, occurrenceStatus="X") == INTERNAL


def test_issues():
    assert answer("ISSUE_DATAGENERALIZATIONS_NOTEMPTY", dataGeneralizations="quarter degree grid") == ISSUE
    assert answer("ISSUE_ESTABLISHMENTMEANS_NOTEMPTY", establishmentMeans=" ") == NO_ISSUE
    assert answer("ISSUE_ANNOTATION_NOTEMPTY", bdqval__annotationAlertIf="?") == ISSUE
    assert answer("ISSUE_ANNOTATION_NOTEMPTY") == NO_ISSUE


def test_measures_count_the_answers_of_the_others():
    told = {"sex": "Male", "decimalLatitude": "95", "countryCode": "LA"}
    labels = ("COMPLIANT", "NOTCOMPLIANT", "PREREQUISITESNOTMET")
    numbers = [int(answer(f"MEASURE_VALIDATIONTESTS_{name}", **told)) for name in labels]
    answers = run(pl.DataFrame({name: [value] for name, value in told.items()}), CONTEXT)
    validations = answers.filter(pl.col("label").str.starts_with("VALIDATION"))
    assert numbers[0] == (validations["result"] == C).sum()
    assert numbers[1] == (validations["result"] == N).sum()
    assert sum(numbers) == len(validations)
    proposed = answers["status"].is_in(["AMENDED", "FILLED_IN"]).sum()
    assert answer("MEASURE_AMENDMENTS_PROPOSED", **told) == str(proposed)
