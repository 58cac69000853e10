"""Words of a survey's problems: every code in every language, with the same blanks."""

import re

import pytest

from biodata.ingest.headings import LANGUAGES, Why
from biodata.surveys import words
from biodata.surveys.check import CELLS


def test_every_code_of_the_check_has_words():
    assert set(CELLS) | {why.value for why in Why} <= set(words.words("en"))


def test_a_part_without_its_param_is_left_out():
    assert words.told("EVENT_UNKNOWN", {})[1] == "an eventID of the sheet of events"
    assert words.told("EVENT_UNKNOWN", {"near": "E-{x}[1]"})[1].endswith("; is E-{x}[1] meant?")


def test_a_code_that_nobody_knows_is_told_as_it_is():
    assert words.told("NEVER_HEARD", {}, "en") == ("NEVER_HEARD", None)


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_the_blanks_are_those_of_english(language):
    if not (words.words("en") and language in LANGUAGES):
        pytest.skip("no such language")
    for code, texts in words.words(language).items():
        for told, english in zip(texts, words.words("en")[code], strict=True):
            assert set(re.findall(r"\{\w+\}", told)) == set(re.findall(r"\{\w+\}", english)), code
