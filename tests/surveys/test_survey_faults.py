"""Surveys in ten languages with planted faults: every one found in its cell, nothing right marked wrong."""

import json
import re
from datetime import date
from functools import partial

import pytest

from biodata.surveys import problems
from biodata.surveys.check import check_files
from planted_surveys import plant
from survey_languages import LANGUAGES

TODAY = date(2026, 11, 24)


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


@pytest.mark.parametrize("language", ["en", "lo"])
def test_a_sound_survey_has_nothing_to_mend(language, boundaries):
    assert told(plant(language, 0, share=0), boundaries) == set()


@pytest.fixture(scope="module")
def spoiled(boundaries):
    """Return a survey with every kind of fault, and a function that checks it."""
    survey = plant("en", 0, share=1)
    return partial(
        check_files, [("survey.xlsx", survey.content)], boundaries, today=TODAY, kept=survey.kept, params=True
    )


@pytest.fixture(scope="module")
def report(spoiled):
    return spoiled()


def test_the_same_file_gives_the_same_answer(spoiled, report):
    assert spoiled() == report


@pytest.mark.parametrize("seed", range(1, 3))
def test_faults_by_chance(seed, boundaries):
    language = LANGUAGES[seed * 7 % 10]
    survey = plant(language, seed)
    found = told(survey, boundaries)
    assert (survey.expected - found, found - survey.expected) == (set(), set())


@pytest.mark.parametrize("language", ["en", "lo", "zh"])
def test_what_the_registry_keeps_of_a_report_tells_no_cell_in_any_language(report, language):
    """A value that is wrong, and what would be right, may be the exact place of a sensitive species."""
    stored = problems.kept(report)
    read = problems.read(json.loads(json.dumps(stored)), language)
    assert (read["values_kept"], read["language"]) == (False, language)
    for problem, there, told in zip(report["problems"], stored["problems"], read["problems"], strict=True):
        assert told["value"] is None
        assert (told["row"], told["code"]) == (problem["row"], problem["code"])
        assert told["column"] in (problem["column"], None)
        text = f"{told['message']} {told['expected']} {there}"
        assert not re.search(r"-?\b(5[.,]\d{2,}|1[12]\d[.,]\d{2,})", text.replace("such as 21.1234", "")), text
        value = str(problem["value"] or "")
        assert len(value) < 3 or value == problem["column"] or value not in text


@pytest.mark.parametrize(("heading", "kept"), [
    ("Latitude (decimal degrees)", True),
    ("ວັນທີ", True),
    ("individualCount", True),
    ("Panthera tigris 21\u00b012'34\"N 101\u00b025'56\"E", False),
    ("effort (den at 47QQB 12345 67890)", False),
    ("den of the tiger", False),
])  # fmt: skip
def test_only_headings_that_are_known_are_kept(heading, kept):
    """A row of data that was taken for headings, or what somebody wrote there, may tell a place."""
    problem = {"code": "VALUE_INVALID", "row": 3, "sheet": "den 21.2,101.4", "column": heading, "params": {}}
    report = {"rows": 1, "notes": ["tiger den 21.18723 101.43211"], "notices": [{}], "problems": [problem]}
    stored = problems.kept(report)
    (told,) = stored.pop("problems")
    assert (told["column"], told["sheet"]) == (heading if kept else None, None)
    assert stored == {"rows": 1}


def test_a_kept_report_is_told_in_the_words_that_the_check_would_use(spoiled, report):
    checked = spoiled(language="lo")["problems"]
    told = problems.read(problems.kept(report), "lo")["problems"]
    same = [one["message"] == other["message"] for one, other in zip(told, checked, strict=True)]
    # What is told otherwise names a cell: a value that was read, an identifier that is near.
    assert sum(same) > 0.75 * len(same)
    repeated = [one["message"] for one in told if one["code"] == "IDENTIFIER_REPEATED"]
    assert all("ແຖວ" in message for message in repeated)
    assert repeated
