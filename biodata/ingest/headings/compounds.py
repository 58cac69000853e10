"""Headings made of known words: `วันที่ติดตั้งกล้อง` is date, set up, camera, and so the start of a deployment."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from biodata.ingest.headings.dictionary import NO_TERM
from biodata.ingest.headings.lexicon import FILLER, LATIN, LATIN_LETTER, SCRIPTS, lexicon, longest_word
from biodata.ingest.headings.plain import words
from biodata.ingest.headings.shortened import Piece, strange
from biodata.parsers.bundled import read_rows

_RUNS: Final = re.compile(
    "[0-9a-z\u00aa-\u024f\u0300-\u036f\u1e00-\u1eff]+|[^0-9a-z\u00aa-\u024f\u0300-\u036f\u1e00-\u1eff]+"
)
_NUMBERED: Final = re.compile(r"^\s*(?:#|(?:nos?|num|nr|n)\.?[\s_]+(?=(?:[a-z]+s|fish|indi?v?)\b))\s*", re.IGNORECASE)
"""`# of birds`, `No. birds`, `Num_stems`: before several of a kind it counts; `Plot #` and `No. plot` are codes."""
_ENGLISH: Final = "en"
_LONGEST_PHRASE: Final = 5
_LEAST_KNOWN: Final = 0.65
"""A heading of which less is known may be of anything, unless a word in it tells that it is of nothing."""
_HARDLY: Final = 0.4
"""What words say together less surely than this is wrong more often than right."""
_OF_SOMETHING: Final = frozenset("name code count kind size mean condition height distance".split())
"""What any thing has: a name, a kind or a count of something unknown may be of anything."""
_SEA: Final = "sea"
"""An elevation is of the place, whatever stands beside it; a height may be of anything."""
_MUCH_UNKNOWN: Final = 0.2
_SAYS_LITTLE: Final = 0.4
"""What the unknown letters beside such a word weigh: a wage stays one, whatever month or hand it is of."""


@dataclass(frozen=True, slots=True)
class Compound:
    """What the words of a heading mean together: its terms, the likeliest first, and how surely, 0 to 1."""

    terms: tuple[str, ...]
    confidence: float


def compound(heading: str, language: str | None = None) -> Compound | None:
    """Return what the words of a heading mean together, by `data/heading_parts.csv` and `data/heading_compounds.csv`.

    Parameters
    ----------
    heading : str
        Without its unit.
    language : str, optional
        The sheet's: of languages that read a heading equally well, it decides.

    Returns
    -------
    Compound or None
        None where too few of the words are known, or they mean nothing together.
    """
    runs, spoken = _read(heading, language)
    readings = {one: list(_pieces(runs, one)) for one in spoken}
    if language is None and _unknown(readings.get(_ENGLISH, ())) == 0:
        readings = {_ENGLISH: readings[_ENGLISH]}  # a heading of English words throughout is in English
    found = [meant for pieces in readings.values() if (meant := _meaning(pieces)) is not None]
    best = max(found, key=lambda meant: meant.confidence, default=None)
    return best if best is not None and best.confidence >= _HARDLY else None


def of_something_unknown(heading: str, language: str | None = None) -> bool:
    """Tell whether a heading is only the name, the kind or the count of a thing that is not known.

    Parameters
    ----------
    heading : str
        Without its unit.
    language : str, optional
        The sheet's.
    """
    runs, spoken = _read(heading, language)
    readings = [list(_pieces(runs, one)) for one in spoken]
    pieces = min(readings, key=_unknown)  # that of the language which knows most of it
    telling = [piece.concepts for piece in pieces if piece.concepts and FILLER not in piece.concepts]
    generic = bool(telling) and all(concepts & _OF_SOMETHING and _SEA not in concepts for concepts in telling)
    return generic and _unknown(pieces) > _MUCH_UNKNOWN


def _read(heading: str, language: str | None) -> tuple[list[str], list[str]]:
    """Return the runs of letters of a heading, and the languages that it can be of, the sheet's first."""
    told = _NUMBERED.sub("number of ", heading).replace("#", " no ")
    runs = [run for word in words(told) for run in _RUNS.findall(word)]
    spoken = [one for one, letters in SCRIPTS.items() if letters.search(told)] or list(LATIN)
    return runs, sorted(spoken, key=lambda one: one != language)  # a stable sort


def _unknown(pieces: Sequence[Piece]) -> float:
    """Return how much of a heading no word is known of, 0 to 1."""
    letters = sum(piece.letters for piece in pieces)
    return sum(piece.letters for piece in pieces if not piece.concepts) / letters if letters else 1.0


def _pieces(runs: Sequence[str], language: str) -> Iterator[Piece]:
    """Yield the words of a heading: in Latin letters the longest phrases, in others what covers most with the fewest."""
    known, at = lexicon(language), 0
    while at < len(runs):
        run = runs[at]
        if not LATIN_LETTER.match(run):
            yield from _segments(run, language)
            at += 1
            continue
        for size in range(min(_LONGEST_PHRASE, len(runs) - at), 0, -1):
            phrase = " ".join(runs[at : at + size])
            if phrase in known:
                break
        if phrase in known:
            yield Piece(len(phrase), known[phrase])
        else:
            yield from strange(run, language)
        at += size


def _segments(run: str, language: str) -> Iterator[Piece]:
    """Yield the known words of a text without spaces, and the letters between them."""
    known, longest = lexicon(language), longest_word(language)
    best: list[tuple[int, int, int]] = [(0, 0, 0)]  # letters not known, words, where the last one starts; by end
    for end in range(1, len(run) + 1):
        ways = [(best[end - 1][0] + 1, best[end - 1][1] + 1, end - 1)]
        for start in range(max(0, end - longest), end):
            if run[start:end] in known:
                ways.append((best[start][0], best[start][1] + 1, start))
        best.append(min(ways))
    pieces, end = [], len(run)
    while end:
        start = best[end][2]
        pieces.append(Piece(end - start, known.get(run[start:end], frozenset())))
        end = start
    yield from reversed(pieces)


def _meaning(pieces: Sequence[Piece]) -> Compound | None:
    """Return what the first fitting compound means, the less surely the more of the heading it leaves unread."""
    letters = sum(piece.letters for piece in pieces)
    telling = [piece for piece in pieces if piece.concepts and FILLER not in piece.concepts]
    unknown = sum(piece.letters for piece in pieces if not piece.concepts)
    if not telling:
        return None
    little = letters - unknown < _LEAST_KNOWN * letters
    for terms, confidence, groups in _compounds():
        if little and terms != (NO_TERM,):
            continue
        used = _fitting(groups, telling)
        if used is not None:
            # a telephone number stays one, whoever's it is; a date is less surely one beside words of something else
            meant = frozenset[str]().union(*groups)
            beside = sum(p.letters for p in telling if not (p.concepts & meant or any(p is one for one in used)))
            unread = _SAYS_LITTLE * unknown if terms == (NO_TERM,) else unknown + 0.5 * beside
            return Compound(terms, round(confidence * (1 - unread / letters), 2))
    return None


def _fitting(groups: Sequence[frozenset[str]], pieces: Sequence[Piece]) -> tuple[Piece, ...] | None:
    """Return a piece for each group of concepts, each piece once; None where a group finds none."""
    if not groups:
        return ()
    for at, piece in enumerate(pieces):
        if groups[0] & piece.concepts:
            others = _fitting(groups[1:], [*pieces[:at], *pieces[at + 1 :]])
            if others is not None:
                return piece, *others
    return None


@lru_cache(maxsize=1)
def _compounds() -> tuple[tuple[tuple[str, ...], float, tuple[frozenset[str], ...]], ...]:
    """Return the compounds, those that come first in the file first: terms, confidence, groups of concepts."""
    return tuple(
        (
            tuple(row["terms"].split("|")),
            float(row["confidence"]),
            tuple(frozenset(group.split("|")) for group in row["concepts"].split()),
        )
        for row in read_rows("heading_compounds.csv")
    )
