"""Surveys in ten languages with planted faults: every one found in its cell, nothing right marked wrong."""

import re
from datetime import date

import pytest

from biodata import places
from biodata.surveys.check import check_files, without_value
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
    survey = plant(language, 0, share=1)
    assert len(survey.kinds) >= 50
    found = told(survey, boundaries)
    assert survey.expected - found == set(), "missed"
    assert found - survey.expected == set(), "marked wrong"


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sound_survey_has_nothing_to_mend(language, boundaries):
    assert told(plant(language, 0, share=0), boundaries) == set()


def test_the_same_file_gives_the_same_answer(boundaries):
    survey = plant("lo", 3)
    files = [("survey.xlsx", survey.content)]
    assert check_files(files, boundaries, today=TODAY) == check_files(files, boundaries, today=TODAY)


@pytest.mark.parametrize("seed", range(1, 7))
def test_faults_by_chance(seed, boundaries):
    language = LANGUAGES[seed * 7 % 10]
    survey = plant(language, seed)
    found = told(survey, boundaries)
    assert (survey.expected - found, found - survey.expected) == (set(), set())


def test_what_the_registry_keeps_of_a_report_tells_no_cell(boundaries):
    """A value that is wrong, and what would be right, may be the exact place of a sensitive species."""
    survey = plant("en", 0, share=1)
    report = check_files([("survey.xlsx", survey.content)], boundaries, today=TODAY, kept=survey.kept)
    for problem in report["problems"]:
        kept = without_value(problem)
        assert kept["value"] is None
        assert (kept["row"], kept["column"], kept["code"]) == (problem["row"], problem["column"], problem["code"])
        words = f"{kept['message']} {kept['expected']}"
        assert not re.search(r"-?\b(5[.,]\d{2,}|1[12]\d[.,]\d{2,})", words.replace("such as 21.1234", "")), words
        assert problem["value"] is None or len(str(problem["value"])) < 3 or str(problem["value"]) not in words
