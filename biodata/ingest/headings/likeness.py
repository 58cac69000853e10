"""Headings that no dictionary has: how like those that it has they are, by the pieces that they share."""

import math
import re
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from biodata.ingest.headings.dictionary import TERMS, entries
from biodata.ingest.headings.plain import key, words
from biodata.parsers.bundled import read_rows

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
