"""Surveys in ten languages with planted faults: every one found in its cell, nothing right marked wrong."""

from datetime import date

import pytest

from biodata import places
from biodata.surveys.check import check_files
from planted_surveys import plant
from survey_languages import LANGUAGES

TODAY = date(2026, 11, 24)


@pytest.fixture(scope="module")
def boundaries():
    return places.load_boundaries()


def told(survey, boundaries):
    report = check_files([("survey.xlsx", survey.content)], boundaries, today=TODAY, kept=survey.kept)
    assert len({tuple(p.values()) for p in report["problems"]}) == len(report["problems"]), "each once"
    return {(p["sheet"], p["row"], p["column"], p["code"]) for p in report["problems"]}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_of_fault_in_every_language(language, boundaries):
    survey = plant(language, 0, every=True)
    assert len(survey.kinds) >= 50
    found = told(survey, boundaries)
    assert survey.expected - found == set(), "missed"
    assert found - survey.expected == set(), "marked wrong"


@pytest.mark.parametrize("seed", range(1, 7))
def test_faults_by_chance(seed, boundaries):
    language = LANGUAGES[seed * 7 % 10]
    survey = plant(language, seed)
    found = told(survey, boundaries)
    assert (survey.expected - found, found - survey.expected) == (set(), set())
