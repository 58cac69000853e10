"""English sentences that parts of biodata say which know no languages, retold in the languages of the region.

A rule's reason, a refusal, a line of results are made where nobody knows who reads them. They are recognised here by the
English words of `en.csv`, whose blanks (`{n}` a number, any other a text) are read out of the sentence and stated again.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from babel import Locale

from biodata import places
from biodata.core.vocabularies import EFFORT_UNITS, MEMBERS, SurveyDesign
from biodata.store.survey_steps import STATES
from biodata.surveys import designs, words

_KINDS: Final = ("REASON_", "RESULTS_", "DENIED_")  # codes of sentences that are recognised
_BLANK: Final = re.compile(r"\{(\w+)\}")
_NUMBERED: Final = re.compile(r"n\d?")
_CHOICE: Final = re.compile(r"\\\((s|[^()]*/[^()]*?)\\\)")  # in a pattern that is escaped
_NUMBER: Final = r"(?:\d{4}-\d\d-\d\d|[-−]?\d[\d,]*(?:\.\d+)?(?: ?%)?)"
_NUMBERS: Final = re.compile(r"(?<![\w.,])\d[\d,]*(?:\.\d+)?(?![\w]|[.,]\d)")
_LETTER: Final = re.compile(r"[^\W\d_]")
_LONGEST, _MOST_PIECES = 1_000, 41  # what comes from outside may be anything: more is none of our sentences
_LITERALS: Final = re.compile(r"\{\w+\}|\(s\)|\([^()]*/[^()]*\)")  # what stands between them is in every such sentence
_SHORT: Final = 5  # letters of `and`, `to`, `it is` and the like, which anybody else says, too
_MARKS: Final = re.compile(rf"( · |; |: | ÷ | \(|\)|,? (?={_NUMBER}(?![^\s,.);%]))|, |(?<=[\d%]) |\.$)")


@lru_cache(maxsize=20_000)
def retold(text: str, language: str) -> str:
    """Return an English sentence of ours in a language; names, and sentences that are none of ours, stay as they are.

    Of a list, or a name with a number or with more in brackets, the longest runs of parts that are ours are retold.
    """
    pieces = _MARKS.split(text)
    if language == "en" or not text.strip() or max(len(pieces) // 5, *map(len, pieces)) > _LONGEST:
        return text
    stated, at, is_ours = "", 0, not _LETTER.search(text)
    while at < len(pieces):
        for end in range(min(len(pieces), at + _MOST_PIECES), at, -2):
            run = "".join(pieces[at:end])
            if len(run) <= _LONGEST and (new := _whole(run.strip(), language)) is not None:
                run, is_ours = run.replace(run.strip(), new, 1), True
                break
        else:
            run, end = pieces[at] if _LETTER.search(pieces[at]) else numbers(pieces[at], language), at + 1
        stated += run + "".join(pieces[end : end + 1])
        at = end + 1
    return stated if is_ours else text


def _whole(text: str, language: str) -> str | None:
    plain, patterns = _ours()
    if (code := plain.get(text)) is not None:
        return words.message_of(code, {}, language)[0]
    if (known := _names(language).get(text.casefold())) is not None:
        return known
    for pattern, code, is_short, literal in patterns:
        match = pattern.fullmatch(text) if literal in text else None
        # What stands in a blank is no half of a bracket, and not one sentence and a half.
        if match is None or any(one.count("(") != one.count(")") or "; " in one for one in match.groups()):
            continue
        blanks = {name: retold(value, language) for name, value in match.groupdict().items()}
        # `and` and `or` are ours only between words that are, `to` between numbers.
        asked = [match[name] for name in blanks if is_short and not _NUMBERED.fullmatch(name)]
        if all(retold(one, language) != one or one.casefold() in _names(language) or one in plain for one in asked):
            return words.message_of(code, blanks, language)[0]
    return None


def numbers(text: str, language: str) -> str:
    """Return numbers with the signs for decimals and thousands that a language has."""
    signs = Locale.parse(language).number_symbols["latn"]
    swap = str.maketrans({".": signs["decimal"], ",": signs["group"]})
    return _NUMBERS.sub(lambda match: match[0].translate(swap), text)


@lru_cache(maxsize=1)
def _ours() -> tuple[Mapping[str, str], list[tuple[re.Pattern[str], str, bool, str]]]:
    """Return the codes of sentences, and what recognises those with blanks, with whether their own words are short; longest first."""
    ours = {code: english for code, (english, _) in words.words("en").items() if code.startswith(_KINDS)}
    own = {code: _BLANK.sub("", english) for code, english in ours.items()}
    blank = sorted((code for code in ours if own[code] != ours[code]), key=lambda code: (-len(own[code]), code))
    patterns = [
        (re.compile(_pattern(ours[code]), re.DOTALL), code, len(own[code].strip()) <= _SHORT,
        max(_LITERALS.split(ours[code]), key=len)) for code in blank
    ]  # fmt: skip
    return {english: code for code, english in ours.items() if own[code] == english}, patterns


def _pattern(english: str) -> str:
    """Return what recognises a sentence; a blank called `n` or `n1` is a number, `(s)` may be there, `(is/are)` is one of both."""
    text = ""
    for n, part in enumerate(_BLANK.split(english)):
        if n % 2:
            text += f"(?P<{part}>{_NUMBER if _NUMBERED.fullmatch(part) else '.+?'})"
        else:
            escaped = re.escape(part)
            text += _CHOICE.sub(lambda one: "s?" if one[1] == "s" else f"(?:{one[1].replace('/', '|')})", escaped)
    return text


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
