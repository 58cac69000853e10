"""The dictionary of headings: which terms a heading stands for, in which languages, and how surely."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from biodata.ingest.headings.plain import key, without_marks
from biodata.parsers.bundled import read_rows
from biodata.terms import EVENT_TERMS, VERBATIM_TERMS

LANGUAGES: Final = ("en", "zh", "th", "vi", "lo", "km", "my", "ms", "id", "fil")
"""The languages of the dictionary."""

OWN_TERMS: Final = (
    "deploymentStart",
    "deploymentEnd",
    "easting",
    "northing",
    "utm_zone",
    "perpendicular_distance_m",
)
"""Names for what no term of Darwin Core holds alone; a survey's source makes terms of several of them."""

NO_TERM: Final = ""
"""Stands for columns that are known to hold nothing of a record: row numbers, signatures, telephones, the weather."""

TERMS: Final = tuple(dict.fromkeys((*VERBATIM_TERMS, *EVENT_TERMS, *OWN_TERMS)))
"""What a heading can be proposed to mean."""

_WORDS_TOO: Final = frozenset(
    """id type modified language references species elevation depth issue protocol rights created creator publisher title
    identifier repatriated elevationAccuracy depthAccuracy design side""".split()
)
"""Names of terms that are words which people use for other things; only the dictionary tells what they mean."""

_SURE: Final = 0.95
_OTHER_CASE: Final = 0.98
_LANGUAGE_DECIDES: Final = 0.8


def is_term(name: str) -> bool:
    """Tell whether a heading is a term's own name, letter for letter, and no word of daily use."""
    return name in TERMS and name not in _WORDS_TOO


@dataclass(frozen=True, slots=True)
class Entry:
    """What the dictionary says of a heading.

    Attributes
    ----------
    terms : tuple of str
        The terms that it may mean, the likeliest first; `NO_TERM` for none.
    languages : tuple of str
        Languages that it is a heading of; empty where it is a term or another system's name.
    confidence : float
        That of the first term, 0 to 1.
    """

    terms: tuple[str, ...]
    languages: tuple[str, ...]
    confidence: float


def heading_of(term: str, language: str) -> str | None:
    """Return the heading that a language has for a term, as templates write it; None where it has none."""
    return _headings().get((term, language))


@lru_cache(maxsize=1)
def entries() -> Mapping[str, Entry]:
    """Return what is known of headings, by `key`."""
    found: dict[str, dict[str, list[str]]] = {}
    for row in (*read_rows("heading_words.csv"), *read_rows("heading_systems.csv")):
        for heading in row["headings"].split("|"):
            found.setdefault(key(heading), {}).setdefault(row["term"], []).append(row.get("language") or "")
    known = {
        plain: Entry(
            tuple(terms),
            tuple(sorted({language for told in terms.values() for language in told if language})),
            _SURE if len(terms) == 1 else _LANGUAGE_DECIDES,
        )
        for plain, terms in found.items()
    }
    for row in read_rows("heading_doubts.csv"):
        for heading in row["headings"].split("|"):
            plain = key(heading)
            before = known.get(plain, Entry((), (), 0.0))
            terms = tuple(dict.fromkeys((*row["terms"].split("|"), *before.terms)))
            known[plain] = Entry(terms, before.languages, float(row["confidence"]))
    known |= {key(term): Entry((term,), (), _OTHER_CASE) for term in TERMS if term not in _WORDS_TOO}
    return MappingProxyType(known)


@lru_cache(maxsize=1)
def by_language() -> Mapping[tuple[str, str], tuple[str, ...]]:
    """Return the terms that a heading has in one language, by (key, language)."""
    found: dict[tuple[str, str], dict[str, None]] = {}
    for row in read_rows("heading_words.csv"):
        for heading in row["headings"].split("|"):
            found.setdefault((key(heading), row["language"]), {})[row["term"]] = None
    return MappingProxyType({plain: tuple(terms) for plain, terms in found.items()})


@lru_cache(maxsize=1)
def unmarked() -> Mapping[str, tuple[str, ...]]:
    """Return the terms of Vietnamese headings by their key without marks."""
    found: dict[str, dict[str, None]] = {}
    for (plain, language), terms in by_language().items():
        if language == "vi" and without_marks(plain) != plain:
            found.setdefault(without_marks(plain), {}).update(dict.fromkeys(terms))
    return MappingProxyType({plain: tuple(terms) for plain, terms in found.items()})


@lru_cache(maxsize=1)
def _headings() -> Mapping[tuple[str, str], str]:
    """Return the heading of each term and language: the first that means nothing else, else the first."""
    known, found = entries(), {}
    for row in read_rows("heading_words.csv"):
        headings = row["headings"].split("|")
        sure = (heading for heading in headings if known[key(heading)].confidence >= _SURE)
        found[row["term"], row["language"]] = next(sure, headings[0])
    return MappingProxyType(found)
