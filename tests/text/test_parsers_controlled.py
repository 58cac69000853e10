"""Controlled values and licences, in GBIF's spelling."""

import csv
from importlib.resources import files

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from biodata.text import controlled
from biodata.text.controlled import Vocabulary, parse_controlled, parse_licence, parse_licences, parse_term
from case_tables import cases


@pytest.mark.parametrize(("told", "vocabulary", "term"), [
    pytest.param("Human observation", Vocabulary.BASIS_OF_RECORD, "HUMAN_OBSERVATION", id="two words"),
    pytest.param("HumanObservation", Vocabulary.BASIS_OF_RECORD, "HUMAN_OBSERVATION", id="Darwin Core's spelling"),
    pytest.param("红外相机", Vocabulary.BASIS_OF_RECORD, "MACHINE_OBSERVATION", id="camera trap in Chinese"),
    pytest.param("seen", Vocabulary.BASIS_OF_RECORD, None, id="not known"),
    pytest.param("Rare 1-4", Vocabulary.OCCURRENCE_STATUS, "PRESENT", id="figures behind"),
    pytest.param("Dudoso", Vocabulary.OCCURRENCE_STATUS, None, id="doubtful"),
    pytest.param("VU", Vocabulary.OCCURRENCE_STATUS, None, id="a Red List category, no status"),
    pytest.param("Average cover: 26-50%", Vocabulary.OCCURRENCE_STATUS, "PRESENT", id="it covers something"),
    pytest.param("Average cover: 0%", Vocabulary.OCCURRENCE_STATUS, None, id="it covers nothing"),
    pytest.param("ไม่พบ", Vocabulary.OCCURRENCE_STATUS, "ABSENT", id="not found in Thai"),
    pytest.param("មាន", Vocabulary.OCCURRENCE_STATUS, "PRESENT", id="there is in Khmer"),
    pytest.param("မတွေ့ရှိ", Vocabulary.OCCURRENCE_STATUS, "ABSENT", id="not found in Burmese"),
    pytest.param("N. America", Vocabulary.CONTINENT, "NORTH_AMERICA", id="short form of a continent"),
    pytest.param("nothosubsp.", Vocabulary.TAXON_RANK, "SUBSPECIES", id="a hybrid has the rank of its equals"),
    pytest.param("ssp.", Vocabulary.TAXON_RANK, "SUBSPECIES", id="rank marker"),
    pytest.param("native!", Vocabulary.ESTABLISHMENT_MEANS, "NATIVE", id="punctuation"),
])  # fmt: skip
def test_terms(told, vocabulary, term):
    assert parse_term(told, vocabulary) == term
    assert parse_controlled(pl.Series([told, None]), vocabulary)["term"].to_list() == [term, None]


@pytest.mark.parametrize("vocabulary", Vocabulary)
def test_no_name_means_two_terms(vocabulary):
    text = (files("biodata") / "data" / f"{vocabulary}.csv").read_text(encoding="utf-8")
    seen: dict[str, str] = {}
    for row in csv.DictReader(text.splitlines()):
        for name in {row["value"], *row["names"].split("|")} - {""}:
            key = controlled.plain_key(name)
            assert key, name
            assert seen.setdefault(key, row["value"]) == row["value"], name


@pytest.mark.parametrize(("told", "licence"), cases("parsers_controlled", "test_licences"))
def test_licences(told, licence):
    assert parse_licence(told) == licence


@given(st.lists(st.text(), max_size=6), st.sampled_from(Vocabulary))
def test_no_text_whatever_raises(texts, vocabulary):
    values = pl.Series(texts, dtype=pl.String)
    assert parse_controlled(values, vocabulary)["value"].to_list() == texts
    assert parse_licences(values)["value"].to_list() == texts
