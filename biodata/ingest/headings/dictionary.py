"""The dictionary of headings: which terms a heading stands for, in which languages, and how surely."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from rapidfuzz import fuzz, process

from biodata.ingest.headings.plain import key, without_marks, words
from biodata.parsers.bundled import read_rows
from biodata.terms import EVENT_TERMS, VERBATIM_TERMS

LANGUAGES: Final = ("en", "zh", "th", "vi", "lo", "km", "my", "ms", "id", "fil")
"""The languages of the dictionary."""

OWN_TERMS: Final = tuple("deploymentStart deploymentEnd easting northing utm_zone perpendicular_distance_m".split())
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
_WITHOUT_MARKS: Final = 0.85
_DOUBTED: Final = 0.6
_SHORTEST_BARE: Final = 2


def is_term(name: str) -> bool:
    """Tell whether a heading is a term's own name, letter for letter, and no word of daily use."""
    return name in TERMS and name not in _WORDS_TOO


@dataclass(frozen=True, slots=True)
class Entry:
    """What the dictionary says of a heading."""

    terms: tuple[str, ...]
    """What it may mean, the likeliest first; `NO_TERM` for none."""
    languages: tuple[str, ...]
    """Languages that it is a heading of; empty where it is a term or another system's name."""
    confidence: float
    """That of the first term, 0 to 1."""


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
    bare: dict[str, dict[str, None]] = {}
    for (plain, language), terms in by_language().items():
        if language == "vi" and len(plain) > _SHORTEST_BARE:
            bare.setdefault(without_marks(plain), {}).update(dict.fromkeys(terms))
    for plain, meant in bare.items():  # Vietnamese typed on a bare keyboard
        known.setdefault(plain, Entry(tuple(meant), ("vi",), _WITHOUT_MARKS if len(meant) == 1 else _DOUBTED))
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
def _headings() -> Mapping[tuple[str, str], str]:
    """Return the heading of each term and language: the first that means nothing else, else the first."""
    known, found = entries(), {}
    for row in read_rows("heading_words.csv"):
        headings = row["headings"].split("|")
        sure = (heading for heading in headings if known[key(heading)].confidence >= _SURE)
        found[row["term"], row["language"]] = next(sure, headings[0])
    return MappingProxyType(found)


CERTAIN: Final = 0.9
"""What is surer than this needs nobody's word; a heading that may mean two things never is."""


class Why(StrEnum):
    """Why a term is proposed, or none; `surveys.words` tells it in the ten languages."""

    KEPT = "HEADING_KEPT"  # the mapping that was kept for this dataset says so
    TERM = "HEADING_IS_TERM"  # the heading is the term's own name
    DICTIONARY = "HEADING_IN_DICTIONARY"  # the dictionary has it, with one meaning
    SEVERAL = "HEADING_SEVERAL_MEANINGS"  # the dictionary has it with several meanings
    CELLS = "HEADING_BY_CELLS"  # it has one meaning, and the cells below it speak for another
    TAKEN = "HEADING_TAKEN"
    """It has several meanings; the cells speak for the likeliest, and no other heading of the sheet does."""
    PARTLY = "HEADING_PARTLY_KNOWN"  # A part of it is in the dictionary
    WORDS = "HEADING_OF_KNOWN_WORDS"  # its words are known, and mean something together
    NEAR = "HEADING_NEAR"  # it is like a heading of the dictionary
    REPEATED = "HEADING_MEANS_THE_SAME"  # another heading of the sheet means the same
    UNIT_STRANGE = "HEADING_UNIT_STRANGE"  # the unit in it is not one that the term is told in
    NOT_KEPT = "HEADING_OF_NO_TERM"  # A column that holds nothing of a record: a row number, a signature, the weather
    ZAWGYI = "HEADING_ZAWGYI"  # it is written in the Zawgyi encoding, read as Unicode
    UNKNOWN = "HEADING_UNKNOWN"  # nothing is known of it


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a heading may mean."""

    heading: str
    """As it came."""
    term: str | None
    """None where it is of none, or where none is likely."""
    confidence: float
    """0 to 1; above `CERTAIN` nothing else can be meant."""
    unit: str | None
    """The unit that stands in the heading."""
    why: Why
    others: tuple[str, ...] = ()
    """Terms that it may mean, too, the likeliest first."""


_SELDOM: Final = 0.75  # what a likeness to a heading that few sheets have counts
_RARE: Final = frozenset(
    """disposition otherCatalogNumbers materialSampleID verbatimEventDate islandGroup verbatimLocality verbatimDepth
    verbatimLatitude verbatimLongitude verbatimCoordinateSystem georeferencedBy georeferenceProtocol
    georeferenceSources georeferenceRemarks verbatimIdentification identificationReferences
    identificationVerificationStatus nameAccordingTo higherClassification subgenus infraspecificEpithet
    taxonomicStatus nomenclaturalCode taxonRemarks datasetID institutionID ownerInstitutionCode
    bibliographicCitation accessRights informationWithheld dataGeneralizations degreeOfEstablishment
    samplingEffortValue samplingEffortUnit sampleSizeUnit scientificNameAuthorship taxonRank waterBody""".split()
)
_LEAST_ALIKE: Final = 40.0
_LOOKED_AT: Final = 12


def nearest(heading: str) -> list[tuple[str, float]]:
    """Return the terms whose headings are spelt most like one, the likest first, each with how like it is, 0 to 1."""
    known, best, asked = entries(), dict[str, float](), " ".join(words(heading))
    if not asked:
        return []
    found = process.extract(asked, _spelled(), scorer=fuzz.ratio, score_cutoff=_LEAST_ALIKE, limit=_LOOKED_AT)
    for _, score, plain in found:
        term = known[plain].terms[0]
        likeness = (score - _LEAST_ALIKE) / (100 - _LEAST_ALIKE) * (_SELDOM if term in _RARE else 1.0)
        best[term] = max(
            best.get(term, 0.0), min(known[plain].confidence, likeness)
        )  # none is surer than what it is like
    return sorted(best.items(), key=lambda one: (-round(one[1], 9), one[0]))


@lru_cache(maxsize=1)
def _spelled() -> Mapping[str, str]:
    """Return the words of each known heading by its key."""
    rows = [*read_rows("heading_words.csv"), *read_rows("heading_systems.csv"), *read_rows("heading_doubts.csv")]
    headings = [heading for row in rows for heading in row["headings"].split("|")]
    spelled = {key(heading): heading for heading in (*headings, *TERMS)}
    return MappingProxyType({plain: " ".join(words(spelled.get(plain, plain))) for plain in entries()})
