"""Words of a survey's problems: every code in every language, with the same blanks."""

import re

import pytest

from biodata.core.vocabularies import EFFORT_UNITS, SurveyDesign
from biodata.harmonise.rules import RULES
from biodata.ingest.headings import LANGUAGES, TERMS, Why
from biodata.surveys import words
from biodata.surveys.check import CELLS
from biodata.surveys.designs import word


def test_every_code_of_the_check_has_words():
    assert set(CELLS) | {why.value for why in Why} <= set(words.words("en"))


def test_a_part_without_its_param_is_left_out():
    assert words.message_of("EVENT_UNKNOWN", {})[1] == "an eventID of the sheet of events"
    assert words.message_of("EVENT_UNKNOWN", {"near": "E-{x}[1]"})[1].endswith("; is E-{x}[1] meant?")


def test_a_code_that_nobody_knows_is_told_as_it_is():
    assert words.message_of("NEVER_HEARD", {}, "en") == ("NEVER_HEARD", None)


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


TYPED = {
    "HumanObservation", "MachineObservation", "present", "absent", "biodata survey review", "biodata survey check", "biodata survey answer", "biodata account list", "--account", "NAME", "FILE", "If-Match", "biodata worker", "--records exact", "biodata ingest checklist FILE", "CC BY 4.0", "biodata ingest", "biodata demo", "CC BY-NC 4.0", "UNSPECIFIED", "occurrences", "Darwin Core",
    "Zawgyi", "Unicode", "Mammalia", "Galliformes", "Elephas maximus", "Asia", "Vientiane", "windows", "xlsx", "csv", "Big", "EPSG", "datum", "Chao", "Jost", "Ugland", "Colwell", "Smith", "Belle", "MacKenzie", "Lashley", "vegan", "TRIM", "log-linear",
    "offset", "profile likelihood", "Debian", "ETag", "Authorization", "Bearer", "API-Key", "multipart/form-data", "upload",
    "Camtrap DP", "datapackage.json", "deployments", "media", "observations", "ignoreHeaderLines", "meta.xml", "biodata survey history", "docs", "file", "YYYY", "XLSX", "--encoding", "--out", "--json", "biodata survey submit", "--dataset", "--number", "/surveys", "POST /v1", "submit",
}  # fmt: skip
"""What a person types or a machine is called, in every language."""
ENGLISH = re.compile(
    r"\b(the|of|and|is|or|row|not|was|were|are|this|that|what|which|with|for|column|value|by|None|null|true|false)\b",
    re.IGNORECASE,
)


def rendered(code, language):
    """Return a code's words with a value for each of their blanks, and without any."""
    texts = words.words(language)[code]
    names = {name for text in texts for name in re.findall(r"\{(\w+)\}", text)}
    kinds = {"unit": "trap-night", "known": ", ".join(SurveyDesign), "rule": "digits+day_first+buddhist_era"}
    full = words.message_of(code, {name: kinds.get(name, "7") for name in names}, language)
    return [text for text in (*full, *words.message_of(code, {}, language)) if text]


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_nothing_english_and_no_blank_is_left_in_any_message(language):
    for code in words.words(language):
        full_message, *rest = rendered(code, language)
        for text in (full_message, *rest):
            assert not re.search(r"[{}\[\]]", text), (code, text)
            left = re.sub("|".join(sorted({*TYPED, *TERMS}, key=len, reverse=True)), "", text)
            assert not ENGLISH.search(left), (code, text)
            if language in ("zh", "th", "lo", "km", "my"):
                assert not re.search(r"[A-Za-z]{4,}", left), (code, text)
        assert "…" not in full_message, (code, full_message)


@pytest.mark.parametrize("language", LANGUAGES)
def test_rules_units_and_designs_are_told_in_words(language):
    message, _ = words.message_of("VALUE_READ_AS", {"read": "2026-02-06", "rule": "day_first+buddhist_era"}, language)
    assert "2026-02-06" in message
    assert words.words(language)["RULE_ERA"][0] in message
    assert "_" not in message
    assert (
        word("unit.trap-night", language)
        in words.message_of("EFFORT_UNIT_ASSUMED", {"unit": "trap-night"}, language)[0]
    )
    assert word("design.mist_net", language) in words.message_of("DESIGN_UNKNOWN", {"known": "mist_net"}, language)[1]
    assert all(word(f"unit.{unit}", language) for unit in set(EFFORT_UNITS.values()))


def test_the_words_for_rules_are_of_rules_that_there_are():
    assert {name for name, code in words._SAME.items() if code.startswith("RULE_")} <= set(RULES)
