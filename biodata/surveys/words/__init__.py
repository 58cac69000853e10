"""What people read in the ten languages of the region: each code's message and what would be right, and phrases.

Phrases (`core.phrases`) are made where nobody knows who reads them, as a rule's reason, a refusal, a line of results: their
English template is in `en.csv`, and each of their values is stated by itself.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final

from babel import Locale

from biodata import places
from biodata.core.phrases import Phrase, filled
from biodata.core.vocabularies import EFFORT_UNITS, MEMBERS, SurveyDesign
from biodata.ingest.headings import LANGUAGES as LANGUAGES
from biodata.store.survey_steps import STATES
from biodata.surveys import designs
from biodata.text.tables import read_rows

_FOLDER: Final = "surveys/words"

_OPTIONAL: Final = re.compile(r"\[([^\[\]]*)\]")
_PARAM: Final = re.compile(r"\{(\w+)\}")
_KINDS: Final = ("REASON_", "RESULTS_", "DENIED_")
_NUMBERS: Final = re.compile(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?(?![\w]|[.,]\d)")
_TAGS: Final = {"tl": "fil", "in": "id", "msa": "ms", "zsm": "ms", "yue": "zh", "cmn": "zh"}  # of the same languages


_SAME: Final = MappingProxyType({row["name"]: row["code"] for row in read_rows("same.csv", _FOLDER)})
"""Codes of readers without words of their own, and rules of harmonising, by the code whose words say the same with less."""


def code_of(code: str) -> str | None:
    """Return the code whose words tell of a code: its own, or those of one that says the same with less; None where none do."""
    return code if has(code) else _SAME.get(code)


def message_of(code: str, params: Mapping[str, Any], language: str = "en") -> tuple[str, str | None]:
    """Return what is wrong (the code itself where no language has it), and what would be right, in one of `LANGUAGES`."""
    message, expected = words(language).get(code) or words("en").get(code) or (code, "")
    params = {name: _in_words(name, str(value), language) for name, value in params.items() if value is not None}
    return _filled(message, params), _filled(expected, params) or None


def lacks(code: str, params: Mapping[str, Any], language: str) -> bool:
    """Return whether what would be right cannot be stated without a param that is missing."""
    _, expected = words(language).get(code) or words("en")[code]
    return not set(_PARAM.findall(_OPTIONAL.sub("", expected))) <= params.keys()


def _in_words(name: str, value: str, language: str) -> str | None:
    """Return what a param says in a language: rules, units of effort and designs are stated by words, all else as it is."""
    if name == "rule":  # of harmonising: what it did; nothing where it has no words
        codes = dict.fromkeys(_SAME[one] for one in value.partition(": ")[0].split("+") if one in _SAME)
        return "; ".join(words(language)[code][0] for code in codes) or None
    if name in {"reason", "owner"}:
        return stated(value, language)
    if name == "unit":
        return designs.called(f"unit.{value}", language) or value
    if name in {"term", "others"} and language != "en":
        known = {one: designs.heading(one, language) for one in value.split(", ") if one}
        return ", ".join(one if word == one else f"{word} ({one})" for one, word in known.items())
    if name == "known":
        return ", ".join(designs.called(f"design.{one}", language) or one for one in value.split(", "))
    # More digits than anybody measures come of computing.
    return re.sub(r"\d+\.\d{12,}", lambda number: f"{float(number[0]):.10g}", value)


def has(code: str, language: str = "en") -> bool:
    """Return whether a language has words for a code."""
    return code in words(language)


def called(kind: str, name: str, language: str = "en") -> str:
    """Return what one of our own names is called, such as the `STATE` `published`; the name itself where it has no words."""
    code = f"{kind}_{name.upper()}"
    return message_of(code, {}, language)[0] if has(code) else name


@lru_cache(maxsize=len(LANGUAGES))
def words(language: str) -> Mapping[str, tuple[str, str]]:
    """Return the message and the expected of every code of a language."""
    rows = read_rows(f"{language}.csv", _FOLDER)
    return MappingProxyType({row["code"]: (row["message"], row["expected"]) for row in rows})


def language_of(tag: str) -> str | None:
    """Return the language of a tag such as `lo`, `zh-Hant-TW` or `tl`; None where it is none of the ten."""
    first = re.split("[-_]", tag.strip().lower())[0]
    return _TAGS.get(first, first if first in LANGUAGES else None)


def stated(text: str, language: str) -> str:
    """Return a sentence of ours in a language; names, and sentences that are none of ours, stay as they are."""
    if language == "en":
        return text
    if isinstance(text, Phrase) and text.values:
        values = {name: stated(one, language) for name, one in text.values.items()}
        return filled(_whole(text.template, language) or text.template, values)
    known = _whole(text, language) or _names(language).get(text.casefold())
    return known or (text if re.search(r"[^\W\d_]", text) else numbers(text, language))


def _whole(english: str, language: str) -> str | None:
    code = _codes().get(english)
    return None if code is None else words(language)[code][0]


@lru_cache(maxsize=1)
def _codes() -> Mapping[str, str]:
    return {english: code for code, (english, _) in words("en").items() if code.startswith(_KINDS)}


def numbers(text: str, language: str) -> str:
    """Return numbers with the signs for decimals and thousands that a language has."""
    signs = Locale.parse(language).number_symbols["latn"]
    swap = str.maketrans({".": signs["decimal"], ",": signs["group"]})
    return _NUMBERS.sub(lambda match: match[0].translate(swap), text)


@lru_cache(maxsize=len(LANGUAGES))
def _names(language: str) -> Mapping[str, str]:
    """Return what countries, designs, units of effort and states of a survey are called, by their English names in lower case."""
    territories = Locale.parse(language).territories
    facts = {places.country_name(code): str(territories[code]) for code in MEMBERS if code in territories}
    for design in SurveyDesign:
        facts[str(design).replace("_", " ")] = facts[str(design)] = designs.word(f"design.{design}", language)
    for unit in EFFORT_UNITS.values():
        if (word := designs.called(f"unit.{unit}", language)) is not None:
            facts[unit] = facts[f"{unit}s"] = word
    for state in STATES:
        facts[state] = called("STATE", state, language)
    return {name.casefold(): word for name, word in facts.items()}


def _filled(text: str, params: Mapping[str, str | None]) -> str:
    facts = {name: value for name, value in params.items() if value}
    text = _OPTIONAL.sub(lambda one: one[1] if facts.keys() >= {*_PARAM.findall(one[1])} else "", text)
    # Values go in at once and last: one that holds brackets or braces is not read as words.
    return _PARAM.sub(lambda match: facts.get(match[1], "…"), text)
