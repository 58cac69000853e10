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
def test_every_code_has_words_with_the_blanks_of_english(language):
    english = words.words("en")
    own = words.words(language)
    assert set(own) == set(english)
    for code, texts in own.items():
        for told, there in zip(texts, english[code], strict=True):
            assert bool(told) == bool(there), code
            assert set(re.findall(r"\{\w+\}", told)) == set(re.findall(r"\{\w+\}", there)), code
            assert told.count("[") == there.count("["), code


@pytest.mark.parametrize(
    ("language", "script"),
    [("zh", "[\u4e00-\u9fff]"), ("th", "[\u0e00-\u0e7f]"), ("lo", "[\u0e80-\u0eff]"), ("km", "[\u1780-\u17ff]"),
     ("my", "[\u1000-\u109f]")],
)  # fmt: skip
def test_messages_are_in_the_language_s_own_script(language, script):
    others = {"th": "[\u0e80-\u0eff]", "lo": "[\u0e00-\u0e7f]"}
    for code, (message, _) in words.words(language).items():
        assert re.search(script, message), code
        assert not re.search(others.get(language, "(?!)"), message), code
