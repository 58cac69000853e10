"""Headings made of known words: `วันที่ติดตั้งกล้อง` is date, set up, camera, and so the start of a deployment."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

from biodata.ingest.headings.dictionary import LANGUAGES, NO_TERM
from biodata.ingest.headings.plain import key, without_marks, words
from biodata.text.tables import read_rows

_LETTERS: Final = "0-9a-z\u00aa-\u024f\u1e00-\u1eff"
_RUNS: Final = re.compile(f"[{_LETTERS}\u0300-\u036f]+|[^{_LETTERS}\u0300-\u036f]+")
_LATIN_LETTER: Final = re.compile(f"[{_LETTERS}]")
# In letters without spaces a sign parts no words: `ว/ด/ป`.
_NO_SPACE: Final = re.compile(f"(?<=[^{_LETTERS}]) (?=[^{_LETTERS}])")
_NUMBERED: Final = re.compile(r"^\s*(?:#|(?:nos?|num|nr|n)\.?[\s_]+(?=(?:[a-z]+s|fish|indi?v?)\b))\s*", re.IGNORECASE)
"""`# of birds`, `No. birds`, `Num_stems`: before several of a kind it counts; `Plot #` and `No. plot` are codes."""
_SCRIPTS: Final = MappingProxyType({
    "zh": re.compile("[\u3400-\u9fff]"), "th": re.compile("[\u0e00-\u0e7f]"), "lo": re.compile("[\u0e80-\u0eff]"),
    "km": re.compile("[\u1780-\u17ff]"), "my": re.compile("[\u1000-\u109f]"),
})  # fmt: skip
"""Languages that are written without spaces, by their letters."""
_LATIN: Final = tuple(language for language in LANGUAGES if language not in _SCRIPTS)
_FILLER: Final = "filler"  # what leaves the meaning as it is: `of`, `ของ`, `ng`
_LONGEST_PHRASE: Final = 5
_LEAST_KNOWN: Final = 0.65
"""A heading of which less is known may be of anything, unless a word in it states that it is of nothing."""
_HARDLY: Final = 0.4  # what words say together less surely than this is wrong more often than right
_SAYS_LITTLE: Final = 0.4  # what unknown letters beside such a word weigh: a wage stays one, whatever month it is of


class Piece(NamedTuple):
    """A word of a heading: how long it is, and what it can mean; nothing where it is not known."""

    letters: int
    concepts: frozenset[str]


class Compound(NamedTuple):
    """What the words of a heading mean together: its terms, the likeliest first, and how surely, 0 to 1."""

    terms: tuple[str, ...]
    confidence: float


def compound(heading: str) -> Compound | None:
    """Return what the words of a heading mean together, by `data/heading_parts.csv` and `data/heading_compounds.csv`."""
    heading = _NUMBERED.sub("number of ", heading).replace("#", " no ")
    runs = [run for word in _NO_SPACE.sub("", " ".join(words(heading))).split() for run in _RUNS.findall(word)]
    spoken = [one for one, letters in _SCRIPTS.items() if letters.search(heading)] or list(_LATIN)
    readings = {one: list(_pieces(runs, one)) for one in spoken}
    if "en" in readings and all(piece.concepts for piece in readings["en"]):
        readings = {"en": readings["en"]}  # a heading of English words throughout is in English
    found = [one for one in map(_meaning, readings.values()) if one is not None and one.confidence >= _HARDLY]
    return max(found, key=lambda meant: meant.confidence, default=None)


def _pieces(runs: Sequence[str], language: str) -> Iterator[Piece]:
    """Yield the words of a heading: in Latin letters the longest phrases, in others what covers most with the fewest."""
    known, at = _lexicon(language), 0
    while at < len(runs):
        size = 1
        if _LATIN_LETTER.match(runs[at]):
            sizes = range(min(_LONGEST_PHRASE, len(runs) - at), 1, -1)
            size = next((size for size in sizes if " ".join(runs[at : at + size]) in known), 1)
            phrase = " ".join(runs[at : at + size])
            word = phrase if phrase in known else phrase.strip("0123456789")  # `note1`, `Observer2`
            several = word[:-1] if language == "en" and word.endswith("s") else word
            if word:
                yield Piece(len(word), known.get(word) or known.get(several, frozenset()))
        else:
            yield from _segments(runs[at], language)
        at += size


def _segments(run: str, language: str) -> Iterator[Piece]:
    known = _lexicon(language)
    longest = max(map(len, known))
    best: list[tuple[int, int, int]] = [(0, 0, 0)]  # letters not known, words, where the last one starts; by end
    for end in range(1, len(run) + 1):
        starts = [start for start in range(max(0, end - longest), end) if run[start:end] in known]
        ways = [(best[start][0], best[start][1] + 1, start) for start in starts]
        best.append(min([*ways, (best[end - 1][0] + 1, best[end - 1][1] + 1, end - 1)]))
    pieces, end = [], len(run)
    while end:
        start = best[end][2]
        pieces.append(Piece(end - start, known.get(run[start:end], frozenset())))
        end = start
    yield from reversed(pieces)


def _meaning(pieces: Sequence[Piece]) -> Compound | None:
    """Return what the first fitting compound means, the less surely the more of the heading it leaves unread."""
    letters = sum(piece.letters for piece in pieces)
    known = [piece for piece in pieces if piece.concepts and _FILLER not in piece.concepts]
    unknown = sum(piece.letters for piece in pieces if not piece.concepts)
    if not known:
        return None
    for terms, confidence, groups in _compounds():
        if letters - unknown < _LEAST_KNOWN * letters and terms != (NO_TERM,):
            continue
        used = _fitting(groups, known)
        if used is not None:
            # a telephone number stays one, whoever's it is; a date is less surely one beside words of something else
            meant = frozenset[str]().union(*groups)
            beside = sum(p.letters for p in known if not (p.concepts & meant or any(p is one for one in used)))
            unread = _SAYS_LITTLE * unknown if terms == (NO_TERM,) else unknown + 0.5 * beside
            return Compound(terms, round(confidence * (1 - unread / letters), 2))
    return None


def _fitting(groups: Sequence[frozenset[str]], pieces: Sequence[Piece]) -> tuple[Piece, ...] | None:
    """Return a piece for each group of concepts, each piece once; None where a group finds none."""
    if not groups:
        return ()
    for at, piece in enumerate(pieces):
        others = _fitting(groups[1:], [*pieces[:at], *pieces[at + 1 :]]) if groups[0] & piece.concepts else None
        if others is not None:
            return piece, *others
    return None


@lru_cache(maxsize=1)
def _compounds() -> tuple[tuple[tuple[str, ...], float, tuple[frozenset[str], ...]], ...]:
    """Return the compounds, those that come first in the file first: terms, confidence, groups of concepts."""
    rows = read_rows("heading_compounds.csv")
    groups = [tuple(frozenset(group.split("|")) for group in row["concepts"].split()) for row in rows]
    return tuple(
        (tuple(row["terms"].split("|")), float(row["confidence"]), those) for row, those in zip(rows, groups, strict=True)
    )  # fmt: skip


@lru_cache(maxsize=len(LANGUAGES))
def _lexicon(language: str) -> Mapping[str, frozenset[str]]:
    """Return the words of a language, and the English ones that it does not use otherwise, with what they can mean."""
    own = _words_of(language)
    bare = {without_marks(word): own[word] for word in own} if language == "vi" else {}
    # an English word is sooner meant than one without its marks: day, not dây
    return MappingProxyType({**bare, **_words_of("en"), **own})


@lru_cache(maxsize=len(LANGUAGES))
def _words_of(language: str) -> Mapping[str, frozenset[str]]:
    found: dict[str, frozenset[str]] = {}
    for row in read_rows("heading_parts.csv"):
        for word in row["words"].split("|") if row["language"] == language else ():
            spelled = " ".join(words(word)) if _LATIN_LETTER.match(key(word)) else key(word)
            found[spelled] = found.get(spelled, frozenset()) | {row["concept"]}
    return MappingProxyType(found)
