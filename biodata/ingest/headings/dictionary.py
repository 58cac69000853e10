"""The dictionary of headings: which terms a heading stands for, in which languages, and how surely."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from biodata.core.terms import EVENT_TERMS, VERBATIM_TERMS
from biodata.formats.xml import local_term
from biodata.ingest.headings.plain import key, without_marks
from biodata.text.tables import read_rows

LANGUAGES: Final = ("en", "zh", "th", "vi", "lo", "km", "my", "ms", "id", "fil")

NO_TERM: Final = ""
"""Stands for columns that are known to hold nothing of a record: row numbers, signatures, telephones, the weather."""

# No term of Darwin Core holds the last ones alone; a survey's source makes terms of several of them.
TERMS: Final = tuple(dict.fromkeys((
    *VERBATIM_TERMS, *EVENT_TERMS,
    "deploymentStart", "deploymentEnd", "easting", "northing", "utm_zone", "perpendicular_distance_m",
)))  # fmt: skip

_WORDS_TOO: Final = frozenset(
    """id type modified language references species elevation depth issue protocol rights created creator publisher title
    identifier repatriated elevationAccuracy depthAccuracy design side""".split()
)
"""Names of terms that are words which people use for other things; only the dictionary tells what they mean."""

_PREFIX: Final = re.compile(r"(?i)^(dwc|dwciri|dc|dcterms|gbif|ac|eco):")
CERTAIN: Final = 0.9
"""What is surer than this needs nobody's word; a heading that may mean two things never is."""
_SURE, _OTHER_CASE, _SEVERAL, _WITHOUT_MARKS, _DOUBTED = 0.95, 0.98, 0.8, 0.85, 0.6
_WORDS, _SYSTEMS, _DOUBTS = "heading_words.csv", "heading_systems.csv", "heading_doubts.csv"


def bare_name(heading: str) -> str:
    """Return a heading without what stands before the name of a term: an address, or a prefix."""
    name = heading.strip().strip("\ufeff")
    return local_term(name) if "://" in name else _PREFIX.sub("", name)


def is_term(name: str) -> bool:
    """Return whether a heading is a term's own name, letter for letter, and no word of daily use."""
    return name in TERMS and name not in _WORDS_TOO


@dataclass(frozen=True, slots=True)
class Entry:
    """What the dictionary says of a heading."""

    terms: tuple[str, ...]  # what it may mean, the likeliest first; `NO_TERM` for none
    confidence: float  # that of the first term, 0 to 1


@lru_cache
def _rows(file: str) -> Sequence[tuple[str, dict[str, str]]]:
    return [(heading, row) for row in read_rows(file) for heading in row["headings"].split("|")]


@lru_cache(maxsize=1)
def entries() -> Mapping[str, Entry]:
    """Return what is known of headings, by `key`."""
    found: dict[str, dict[str, None]] = {}
    bare: dict[str, dict[str, None]] = {}
    for heading, row in (*_rows(_WORDS), *_rows(_SYSTEMS)):
        found.setdefault(key(heading), {})[row["term"]] = None
        if row.get("language") == "vi" and len(key(heading)) > 2:  # as typed on a bare keyboard
            bare.setdefault(without_marks(key(heading)), {})[row["term"]] = None
    known = {plain: Entry(tuple(terms), _SURE if len(terms) == 1 else _SEVERAL) for plain, terms in found.items()}
    for heading, row in _rows(_DOUBTS):
        terms = tuple(dict.fromkeys((*row["terms"].split("|"), *known.get(key(heading), Entry((), 0.0)).terms)))
        known[key(heading)] = Entry(terms, float(row["confidence"]))
    known |= {key(term): Entry((term,), _OTHER_CASE) for term in TERMS if term not in _WORDS_TOO}
    for plain, several in bare.items():
        known.setdefault(plain, Entry(tuple(several), _WITHOUT_MARKS if len(several) == 1 else _DOUBTED))
    return MappingProxyType(known)


@lru_cache(maxsize=1)
def _headings() -> Mapping[tuple[str, str], str]:
    found = {}
    for row in read_rows(_WORDS):
        headings = row["headings"].split("|")
        sure = (heading for heading in headings if entries()[key(heading)].confidence >= _SURE)
        found[row["term"], row["language"]] = next(sure, headings[0])
    return MappingProxyType(found)


def heading_of(term: str, language: str) -> str | None:
    """Return the heading that a language has for a term, as templates write it; None where it has none."""
    return _headings().get((term, language))


class Why(StrEnum):
    """Why a term is proposed, or none; `surveys.words` tells it in the ten languages."""

    KEPT = "HEADING_KEPT"  # the mapping that was kept for this dataset says so
    TERM = "HEADING_IS_TERM"  # the heading is the term's own name
    DICTIONARY = "HEADING_IN_DICTIONARY"  # the dictionary has it, with one meaning
    SEVERAL = "HEADING_SEVERAL_MEANINGS"  # the dictionary has it with several meanings
    TAKEN = "HEADING_TAKEN"  # it has several; the cells speak for the likeliest, and no other heading of the sheet does
    WORDS = "HEADING_OF_KNOWN_WORDS"  # its words are known, and mean something together
    REPEATED = "HEADING_MEANS_THE_SAME"  # another heading of the sheet means the same
    UNIT_STRANGE = "HEADING_UNIT_STRANGE"  # the unit in it is not one that the term is stated in
    NOT_KEPT = "HEADING_OF_NO_TERM"  # a column that holds nothing of a record: a row number, a signature, the weather
    ZAWGYI = "HEADING_ZAWGYI"  # it is written in the Zawgyi encoding, read as Unicode
    UNKNOWN = "HEADING_UNKNOWN"  # nothing is known of it


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a heading may mean."""

    heading: str  # as it came
    term: str | None  # None where it is of none, or where none is likely
    confidence: float  # 0 to 1; above `CERTAIN` nothing else can be meant
    unit: str | None  # the unit that stands in the heading
    why: Why
    others: tuple[str, ...] = ()  # terms that it may mean, too, the likeliest first
