"""The dictionary of headings: which terms a heading stands for, in which languages, and how surely."""

import math
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from biodata.ingest.headings.plain import key, without_marks, words
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


CERTAIN: Final = 0.9
"""What is surer than this needs nobody's word; a heading that may mean two things never is."""


class Why(StrEnum):
    """Why a term is proposed, or none; `surveys.words` tells it in the ten languages."""

    KEPT = "HEADING_KEPT"
    """The mapping that was kept for this dataset says so."""
    TERM = "HEADING_IS_TERM"
    """The heading is the term's own name."""
    DICTIONARY = "HEADING_IN_DICTIONARY"
    """The dictionary has it, with one meaning."""
    SEVERAL = "HEADING_SEVERAL_MEANINGS"
    """The dictionary has it with several meanings."""
    CELLS = "HEADING_BY_CELLS"
    """It has several meanings, and the cells below it decide."""
    TAKEN = "HEADING_TAKEN"
    """It has several meanings; the cells speak for the likeliest, and no other heading of the sheet does."""
    MARKS_MISSING = "HEADING_WITHOUT_MARKS"
    """It is in the dictionary but for the marks on its letters."""
    PARTLY = "HEADING_PARTLY_KNOWN"
    """A part of it is in the dictionary."""
    WORDS = "HEADING_OF_KNOWN_WORDS"
    """Its words are known, and mean something together."""
    NEAR = "HEADING_NEAR"
    """It is like a heading of the dictionary."""
    REPEATED = "HEADING_MEANS_THE_SAME"
    """Another heading of the sheet means the same."""
    UNIT_STRANGE = "HEADING_UNIT_STRANGE"
    """The unit in it is not one that the term is told in."""
    NOT_KEPT = "HEADING_OF_NO_TERM"
    """A column that holds nothing of a record: a row number, a signature, the weather."""
    ZAWGYI = "HEADING_ZAWGYI"
    """It is written in the Zawgyi encoding, read as Unicode."""
    UNKNOWN = "HEADING_UNKNOWN"
    """Nothing is known of it."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a heading may mean.

    Attributes
    ----------
    heading : str
        As it came.
    term : str or None
        The term; None where it is of none, or where none is likely.
    confidence : float
        0 to 1; above `CERTAIN` nothing else can be meant.
    unit : str or None
        The unit that stands in the heading.
    why : Why
    others : tuple of str
        Terms that it may mean, too, the likeliest first.
    """

    heading: str
    term: str | None
    confidence: float
    unit: str | None
    why: Why
    others: tuple[str, ...] = ()


_WORD_WEIGHT: Final = 2.0
"""A word that is shared whole says more than three letters of it."""
_UNSEEN_WEIGHT: Final = 0.5
"""What a piece that no heading has weighs, as a share of the rarest one's."""
_SELDOM: Final = 0.75
"""What a likeness to a heading that few sheets have counts."""
_RARE: Final = frozenset(
    """disposition otherCatalogNumbers materialSampleID verbatimEventDate islandGroup verbatimLocality verbatimDepth
    verbatimLatitude verbatimLongitude verbatimCoordinateSystem georeferencedBy georeferenceProtocol
    georeferenceSources georeferenceRemarks verbatimIdentification identificationReferences
    identificationVerificationStatus nameAccordingTo higherClassification subgenus infraspecificEpithet
    taxonomicStatus nomenclaturalCode taxonRemarks datasetID institutionID ownerInstitutionCode
    bibliographicCitation accessRights informationWithheld dataGeneralizations degreeOfEstablishment
    samplingEffortValue samplingEffortUnit sampleSizeUnit scientificNameAuthorship taxonRank waterBody""".split()
)
_LATIN_END: Final = 0x24F
_CHINESE: Final = re.compile("[\u3400-\u9fff]")


def nearest(heading: str) -> list[tuple[str, float]]:
    """Return the terms whose headings are most like one, the likest first.

    Returns
    -------
    list of (term, likeness)
        Likeness is the cosine of the pieces, weighted by how few headings have them, 0 to 1; the best heading of a term
        counts. At most five.
    """
    index, weights, lengths, terms, sure, rare = _index()
    asked = _pieces(heading)
    length = math.sqrt(sum((count * weights.get(piece, rare)) ** 2 for piece, count in asked.items()))
    if not length:
        return []
    shared: dict[int, float] = {}
    for piece, count in asked.items():
        for number, other in index.get(piece, ()):
            shared[number] = shared.get(number, 0.0) + count * other * weights[piece] ** 2
    best: dict[str, float] = {}
    for number, product in shared.items():
        likeness = min(sure[number], product / (length * lengths[number]))  # none is surer than what it is like
        for term in terms[number]:
            best[term] = max(best.get(term, 0.0), likeness * (_SELDOM if term in _RARE else 1.0))
    return sorted(best.items(), key=lambda found: (-round(found[1], 9), found[0]))[:5]


def _pieces(heading: str) -> Mapping[str, float]:
    """Return the words and runs of letters of a heading, each with how often it is there."""
    pieces: Counter[str] = Counter()
    for word in words(heading):
        if ord(word[0]) <= _LATIN_END or 0x1E00 <= ord(word[0]) <= 0x1EFF:
            if len(word) > 1:  # the F of `HiF` is no heading `F`
                pieces[f"={word}"] += 2
            framed = f"^{word}$"
            sizes: tuple[int, ...] = (3,)
        else:
            if not _CHINESE.match(word):  # what a heading is about stands first in Thai, Lao and Khmer
                pieces[f"=^{word[:4]}"] += 1
            framed, sizes = word, (1, 2, 3)
        for size in sizes:
            pieces.update(framed[at : at + size] for at in range(len(framed) - size + 1))
    return {piece: math.sqrt(count) * (_WORD_WEIGHT if piece[0] == "=" else 1.0) for piece, count in pieces.items()}


@lru_cache(maxsize=1)
def _index() -> tuple[
    Mapping[str, list[tuple[int, float]]], Mapping[str, float], list[float], list[tuple[str, ...]], list[float], float
]:
    """Return the pieces of all known headings: where they are, what they weigh; headings' lengths, terms and how sure; a strange piece's weight."""
    known = entries()
    spelled = {key(heading): heading for row in _rows() for heading in row.split("|")}
    headings = [spelled.get(plain, plain) for plain in known]
    terms = [entry.terms[:1] for entry in known.values()]
    pieces = [_pieces(heading) for heading in headings]
    holders = Counter(piece for one in pieces for piece in one)
    weights = {piece: math.log(1 + len(pieces) / count) for piece, count in holders.items()}
    index: dict[str, list[tuple[int, float]]] = {}
    for number, one in enumerate(pieces):
        for piece, count in one.items():
            index.setdefault(piece, []).append((number, count))
    lengths = [math.sqrt(sum((c * weights[p]) ** 2 for p, c in one.items())) or 1.0 for one in pieces]
    sure = [entry.confidence for entry in known.values()]
    return index, weights, lengths, terms, sure, _UNSEEN_WEIGHT * max(weights.values())


def _rows() -> list[str]:
    """Return the headings of the dictionary as they are spelled there, with the terms' own names."""
    files = ("heading_words.csv", "heading_systems.csv", "heading_doubts.csv")
    return [row["headings"] for file in files for row in read_rows(file)] + list(TERMS)
