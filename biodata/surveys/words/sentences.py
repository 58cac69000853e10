"""Sentences of parts of biodata that know no languages (`core.phrases`), in the languages of the region.

A rule's reason, a refusal, a line of results are made where nobody knows who reads them: their English template is in
`en.csv`, and the values are stated by themselves.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from babel import Locale

from biodata import places
from biodata.core.phrases import Phrase, filled
from biodata.core.vocabularies import EFFORT_UNITS, MEMBERS, SurveyDesign
from biodata.store.survey_steps import STATES
from biodata.surveys import designs, words

_KINDS: Final = ("REASON_", "RESULTS_", "DENIED_")
_NUMBERS: Final = re.compile(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?(?![\w]|[.,]\d)")
_LETTER: Final = re.compile(r"[^\W\d_]")


def stated(text: str, language: str) -> str:
    """Return a sentence of ours in a language; names, and sentences that are none of ours, stay as they are."""
    if language == "en":
        return text
    if isinstance(text, Phrase) and text.values:
        values = {name: stated(one, language) for name, one in text.values.items()}
        return filled(_whole(text.template, language) or text.template, values)
    known = _whole(text, language) or _names(language).get(text.casefold())
    return known or (text if _LETTER.search(text) else numbers(text, language))


def _whole(english: str, language: str) -> str | None:
    code = _codes().get(english)
    return None if code is None else words.words(language)[code][0]


@lru_cache(maxsize=1)
def _codes() -> Mapping[str, str]:
    return {english: code for code, (english, _) in words.words("en").items() if code.startswith(_KINDS)}


def numbers(text: str, language: str) -> str:
    """Return numbers with the signs for decimals and thousands that a language has."""
    signs = Locale.parse(language).number_symbols["latn"]
    swap = str.maketrans({".": signs["decimal"], ",": signs["group"]})
    return _NUMBERS.sub(lambda match: match[0].translate(swap), text)


@lru_cache(maxsize=len(words.LANGUAGES))
def _names(language: str) -> Mapping[str, str]:
    """Return what countries, designs, units of effort and states of a survey are called, by their English names in lower case."""
    territories = Locale.parse(language).territories
    facts = {places.country_name(code): str(territories[code]) for code in MEMBERS if code in territories}
    for design in SurveyDesign:
        facts[str(design).replace("_", " ")] = facts[str(design)] = designs.word(f"design.{design}", language)
    for unit in EFFORT_UNITS.values():
        if (called := designs.called(f"unit.{unit}", language)) is not None:
            facts[unit] = facts[f"{unit}s"] = called
    for state in STATES:
        facts[state] = words.called("STATE", state, language)
    return {name.casefold(): called for name, called in facts.items()}
