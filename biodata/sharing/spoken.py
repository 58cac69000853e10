"""Common names that stand in a text, alone or among other words, and the taxa that they mean."""

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Final, NamedTuple

from biodata.matching.vernaculars import folded
from biodata.sharing.taxonomy import Taxonomy

_WORD: Final = re.compile(r"[a-z]+")


class _Index(NamedTuple):
    """The common names of a taxonomy, by how they are looked for."""

    vernaculars: object
    by_words: dict[tuple[str, ...], str]
    """Those in Latin letters, as words."""
    by_letter: dict[str, list[str]]
    """Those of other scripts, which set no blanks between words: by their first letter, the longest first."""
    longest: int
    """Words of the longest name in Latin letters."""


def spoken(text: str, taxonomy: Taxonomy) -> frozenset[str]:
    """Return the taxa that the common names in a text mean.

    Parameters
    ----------
    text : str
    taxonomy : Taxonomy
        Its common names. A longer one goes before those in it: a tiger beetle is no tiger.
    """
    whole = meant_as_a_whole(text, taxonomy)
    if whole:
        return whole
    plain = folded(text)
    index = _index(taxonomy)
    found = (*_in_latin(plain, index), *_in_others(plain, index))
    return frozenset[str]().union(*(taxonomy.vernaculars[name] for name in found))


def meant_as_a_whole(text: str, taxonomy: Taxonomy) -> frozenset[str]:
    """Return the taxa that a text means which is a common name, or an English plural of one, and nothing else."""
    plain = folded(text)
    return next(
        (taxonomy.vernaculars[one] for one in (plain, *_singulars(plain)) if one in taxonomy.vernaculars), frozenset()
    )


def words_spoken_first(text: str, taxonomy: Taxonomy) -> int:
    """Return how many words of a common name in Latin letters a text begins with: `rhinoceros` is one, and a genus."""
    index = _index(taxonomy)
    return _name_at(tuple(_WORD.findall(folded(text))), index)[1]


def _in_latin(plain: str, index: _Index) -> Iterator[str]:
    """Return the names in Latin letters."""
    words = tuple(_WORD.findall(plain))
    while words:
        name, length = _name_at(words, index)
        if name is not None:
            yield name
        words = words[length or 1 :]


def _name_at(words: tuple[str, ...], index: _Index) -> tuple[str | None, int]:
    """Return the longest name that words begin with, an English plural too, and how many of them it is."""
    for length in range(min(index.longest, len(words)), 0, -1):
        *before, last = words[:length]
        for one in (last, *_singulars(last)):
            if (name := index.by_words.get((*before, one))) is not None:
                return name, length
    return None, 0


def _in_others(plain: str, index: _Index) -> Iterator[str]:
    """Return the names of other scripts."""
    at = 0
    while at < len(plain):
        name = next((one for one in index.by_letter.get(plain[at], ()) if plain.startswith(one, at)), None)
        if name is not None:
            yield name
        at += len(name or " ")


def _singulars(word: str) -> list[str]:
    """Return what an English word may be a plural of."""
    ends = [("ies", "y"), ("es", ""), ("s", "")]
    return [word.removesuffix(end) + one for end, one in ends if word.endswith(end)]


def _index(taxonomy: Taxonomy) -> _Index:
    found = _MADE.get(id(taxonomy.vernaculars))
    if found is None or found.vernaculars is not taxonomy.vernaculars:
        by_words: dict[tuple[str, ...], str] = {}
        by_letter: dict[str, list[str]] = defaultdict(list)
        for name in sorted(taxonomy.vernaculars, key=len, reverse=True):
            if name.isascii() and (words := tuple(_WORD.findall(name))):
                by_words[words] = name
            elif name:
                by_letter[name[0]].append(name)
        longest = max(map(len, by_words), default=0)
        found = _MADE[id(taxonomy.vernaculars)] = _Index(taxonomy.vernaculars, by_words, dict(by_letter), longest)
    return found


_MADE: dict[int, _Index] = {}
