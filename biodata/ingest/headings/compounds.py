"""Headings made of known words: `วันที่ติดตั้งกล้อง` is date, set up, camera, and so the start of a deployment."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from biodata.ingest.headings.dictionary import LANGUAGES, NO_TERM
from biodata.ingest.headings.plain import key, without_marks, words
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
class Piece:
    """A word of a heading: how long it is, and what it can mean; nothing where it is not known."""

    letters: int
    concepts: frozenset[str]


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


SCRIPTS: Final = MappingProxyType(
    {
        "zh": re.compile("[\u3400-\u9fff]"),
        "th": re.compile("[\u0e00-\u0e7f]"),
        "lo": re.compile("[\u0e80-\u0eff]"),
        "km": re.compile("[\u1780-\u17ff]"),
        "my": re.compile("[\u1000-\u109f]"),
    }
)
"""Languages that are written without spaces, by their letters."""
LATIN: Final = tuple(language for language in LANGUAGES if language not in SCRIPTS)
LATIN_LETTER: Final = re.compile("[0-9a-z\u00aa-\u024f\u1e00-\u1eff]")
FILLER: Final = "filler"
"""What leaves the meaning as it is: `of`, `ของ`, `ng`."""


@lru_cache(maxsize=len(LANGUAGES))
def lexicon(language: str) -> Mapping[str, frozenset[str]]:
    """Return the words of a language, and the English ones that it does not use otherwise, with what they can mean."""
    own = _words_of(language)
    bare = {without_marks(word): own[word] for word in own} if language == "vi" else {}
    # an English word is sooner meant than one without its marks: day, not dây
    return MappingProxyType({**bare, **_words_of("en"), **own})


@lru_cache(maxsize=len(LANGUAGES))
def longest_word(language: str) -> int:
    """Return how many letters the longest word of a lexicon has."""
    return max(len(word) for word in lexicon(language))


@lru_cache(maxsize=len(LANGUAGES))
def _words_of(language: str) -> Mapping[str, frozenset[str]]:
    """Return the words of one language with what they can mean."""
    found: dict[str, set[str]] = {}
    for row in read_rows("heading_parts.csv"):
        for word in row["words"].split("|") if row["language"] == language else ():
            found.setdefault(_spelled(word), set()).add(row["concept"])
    return MappingProxyType({word: frozenset(concepts) for word, concepts in found.items()})


def _spelled(word: str) -> str:
    """Return a word as `compound` finds it in a heading."""
    return " ".join(words(word)) if LATIN_LETTER.match(key(word)) else key(word)


_SHORTEST_CUT: Final = 4
"""Fewer letters begin too many words."""
_SHORTEST_NUMBERED: Final = 3
"""`Sp1` and `T2` are columns of a matrix."""
_SHORTEST_GLUED: Final = 4
_LONGEST_GLUED: Final = 40
_LONGEST_OF_GLUED: Final = 24
_SHORT_OF_GLUED: Final = 2
_LONG_OF_GLUED: Final = 5
_A_LETTER: Final = 0.25
_GLUED_SHORT: Final = frozenset("no id dt sp nm by nr pt sz ht cd yr dd mm yy".split())
"""Words of two letters that people glue to others at their end."""
_BEGIN: Final = frozenset("no id dt sp nr pt".split())
"""Those of them that also stand before others: `bycatch` is nobody's."""
_SHARED_LETTER: Final = 0.75
_SMALL_FILLER: Final = 3
"""`est` and `the` end and begin too many words."""
_WAYS: Final = 4
"""How many cuts of a beginning are kept."""
_DEAREST: Final = 4.5
"""What two words of two letters and one of four cost, or three of three letters; a dearer cut is chance."""
_VOWELS: Final = re.compile("[aeiou]")


@lru_cache(maxsize=4096)
def strange(run: str, language: str) -> tuple[Piece, ...]:
    """Return what a word can be that no list has: one cut short, one without vowels, several glued together; else unknown."""
    word = run.strip("0123456789")  # `note1`, `Observer2`
    if not word or any(sign.isdigit() for sign in word) or (word != run and len(word) < _SHORTEST_NUMBERED):
        return ()
    known = lexicon(language)
    bare = next((known[stem] for stem in _stems(word, language) if stem in known), None)
    meant = known.get(word) or bare or _cut_short(word, language) or _without_vowels(word, language)
    if meant:
        return (Piece(len(word), meant),)
    return _glued(word, language) or (Piece(len(word), frozenset()),)


def _stems(word: str, language: str) -> tuple[str, ...]:
    """Return a word without its ending: several in English, the link to the next word in Filipino (`halamang`, `isdang`)."""
    if len(word) <= _SHORTEST_CUT:
        return ()
    linked = (word[:-1], word[:-2]) if language == "fil" and word.endswith("ng") else ()
    return (*linked, word[:-1]) if word.endswith("s") else linked


def _glued(run: str, language: str) -> tuple[Piece, ...]:
    """Return the words that are glued together in one (`recdatetime`, `colldate`); none where they leave a letter over.

    Few long words are likelier than many short ones. Where two ways to cut it are as likely, and mean different things,
    it is not cut.
    """
    if not _SHORTEST_GLUED <= len(run) <= _LONGEST_GLUED:
        return ()
    known = _joined(language)
    best: list[list[tuple[float, tuple[str, ...]]]] = [[(0.0, ())]]
    for end in range(1, len(run) + 1):
        ways = [
            (cost + _cost(end - start), (*words_of, run[start:end]))
            for start in range(max(0, end - _LONGEST_OF_GLUED), end)
            if run[start:end] in known
            and (end - start > _SHORT_OF_GLUED or end == len(run) or (start == 0 and run[:end] in _BEGIN))
            for cost, words_of in best[start]
        ]
        ways += [  # `forestype`: what one word ends with and the next begins with is written once
            (cost + _cost(end - start) + _SHARED_LETTER, (*words_of, run[start:end]))
            for start in range(max(0, end - _LONGEST_OF_GLUED), end - _SHORTEST_CUT + 1)
            if run[start:end] in known and start + 1 < end
            for cost, words_of in best[start + 1]
            if words_of and len(words_of[-1]) >= _SHORTEST_CUT
        ]
        best.append(sorted(ways)[:_WAYS])
    likely = [words_of for cost, words_of in best[-1] if cost <= min(_DEAREST, best[-1][0][0])]
    if not likely or len({tuple(known[word] for word in words_of) for words_of in likely}) > 1:
        return ()
    return tuple(Piece(len(word), known[word]) for word in likely[0])


def _cost(letters: int) -> float:
    """Return what a word costs in a cut: a long one says by its length that it is meant."""
    return 1.0 + max(0, _LONG_OF_GLUED - letters) * _A_LETTER


@lru_cache(maxsize=len(LANGUAGES))
def _joined(language: str) -> Mapping[str, frozenset[str]]:
    """Return the words and phrases of a language that can be glued to others, phrases without their spaces."""
    return MappingProxyType(
        {
            word.replace(" ", ""): concepts
            for word, concepts in lexicon(language).items()
            if word in _GLUED_SHORT
            or (LATIN_LETTER.match(word) and len(word) > (_SMALL_FILLER if FILLER in concepts else _SHORT_OF_GLUED))
        }
    )


def _without_vowels(run: str, language: str) -> frozenset[str]:
    """Return what the words mean that are written without their vowels: `lctn`, `hbtt`; where they all mean the same."""
    meant = set(_by_consonants(language).get(run, ()))
    return meant.pop() if len(meant) == 1 else frozenset()


@lru_cache(maxsize=len(LANGUAGES))
def _by_consonants(language: str) -> Mapping[str, tuple[frozenset[str], ...]]:
    """Return the words of a language by their consonants, those that have four of them and a vowel behind the first."""
    found: dict[str, list[frozenset[str]]] = {}
    for word, concepts in lexicon(language).items():
        bare = word[:1] + _VOWELS.sub("", word[1:])
        if len(bare) >= _SHORTEST_CUT and bare != word and " " not in word:
            found.setdefault(bare, []).append(concepts)
    return MappingProxyType({bare: tuple(meant) for bare, meant in found.items()})


def _cut_short(run: str, language: str) -> frozenset[str]:
    """Return what the words mean that begin with one, where they all mean the same: shape files cut names to ten letters."""
    alike = _by_beginning(language).get(run[:_SHORTEST_CUT], ())
    meant = {concepts for word, concepts in alike if word.startswith(run)}
    return meant.pop() if len(meant) == 1 else frozenset()


@lru_cache(maxsize=len(LANGUAGES))
def _by_beginning(language: str) -> Mapping[str, tuple[tuple[str, frozenset[str]], ...]]:
    """Return the single words of a language by their first letters."""
    found: dict[str, list[tuple[str, frozenset[str]]]] = {}
    for word, concepts in lexicon(language).items():
        if len(word) >= _SHORTEST_CUT and " " not in word:
            found.setdefault(word[:_SHORTEST_CUT], []).append((word, concepts))
    return MappingProxyType({beginning: tuple(words_of) for beginning, words_of in found.items()})
