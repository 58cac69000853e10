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


@pytest.mark.parametrize(("told", "vocabulary", "term"), cases("parsers_controlled", "test_terms"))
def test_terms(told, vocabulary, term):
    vocabulary = Vocabulary(vocabulary)
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
