"""What problems are called: each code's message, and what would be right, in the ten languages of the region."""

import csv
import re
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

from biodata.ingest.headings import LANGUAGES as LANGUAGES

_OPTIONAL: Final = re.compile(r"\[([^\[\]]*)\]")
_PARAM: Final = re.compile(r"\{(\w+)\}")
_TAGS: Final = MappingProxyType({"tl": "fil", "in": "id", "msa": "ms", "zsm": "ms", "yue": "zh", "cmn": "zh"})
"""Other tags of the same languages."""


def told(code: str, params: Mapping[str, Any], language: str = "en") -> tuple[str, str | None]:
    """Return what is wrong, and what would be right, in one language.

    Parameters
    ----------
    code : str
        The problem's code.
    params : mapping
        What the words name: `{near}`, `{term}`, …. A part in square brackets is left out where one of its own is missing.
    language : str
        One of `LANGUAGES`; where it lacks the code, English tells it.

    Returns
    -------
    message : str
        The code itself where no language has it.
    expected : str or None
    """
    message, expected = words(language).get(code) or words("en").get(code) or (code, "")
    return _filled(message, params), _filled(expected, params) or None


def has(code: str, language: str = "en") -> bool:
    """Tell whether a language has words for a code."""
    return code in words(language)


@lru_cache(maxsize=len(LANGUAGES))
def words(language: str) -> Mapping[str, tuple[str, str]]:
    """Return the message and the expected of every code of a language."""
    text = (files("biodata.surveys.words") / f"{language}.csv").read_text(encoding="utf-8")
    return MappingProxyType(
        {row["code"]: (row["message"], row["expected"]) for row in csv.DictReader(text.splitlines())}
    )


def language_of(tag: str) -> str | None:
    """Return the language of a tag such as `lo`, `zh-Hant-TW` or `tl`; None where it is none of the ten.

    Examples
    --------
    >>> language_of("zh-TW"), language_of("tl"), language_of("fr")
    ('zh', 'fil', None)
    """
    first = re.split("[-_]", tag.strip().lower())[0]
    first = _TAGS.get(first, first)
    return first if first in LANGUAGES else None


def accepted(header: str | None) -> str:
    """Return the language that an `Accept-Language` header asks for first among the ten; English where it asks none.

    Examples
    --------
    >>> accepted("fr, lo;q=0.8, th;q=0.9"), accepted(None), accepted("*")
    ('th', 'en', 'en')
    """
    wanted = []
    for number, part in enumerate((header or "")[:1_000].split(",")):
        tag, _, quality = part.partition(";")
        match = re.fullmatch(r"\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*", quality) if quality else None
        weight = float(match[1]) if match else 0.0 if quality else 1.0
        language = language_of(tag)
        if language is not None and weight > 0:
            wanted.append((-weight, number, language))
    return min(wanted)[2] if wanted else "en"


def _filled(text: str, params: Mapping[str, Any]) -> str:
    """Put the params into a text; leave out what is in brackets and lacks one."""
    told = {name: str(value) for name, value in params.items() if value is not None and value != ""}

    def optional(match: re.Match[str]) -> str:
        return match[1] if all(name in told for name in _PARAM.findall(match[1])) else ""

    # Values go in at once and last: one that holds brackets or braces is not read as words.
    return _PARAM.sub(lambda match: told.get(match[1], "…"), _OPTIONAL.sub(optional, text))
