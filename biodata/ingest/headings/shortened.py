"""Words of headings that no list has as they stand: numbered, cut short, without vowels, or several glued together."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from biodata.ingest.headings.dictionary import LANGUAGES
from biodata.ingest.headings.lexicon import FILLER, LATIN_LETTER, lexicon

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


@dataclass(frozen=True, slots=True)
class Piece:
    """A word of a heading: how long it is, and what it can mean; nothing where it is not known."""

    letters: int
    concepts: frozenset[str]


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
