"""What of a patrol may come in: lists of what is known to be about wildlife; all else stays out.

A block-list would let in the first category that nobody thought of. So a category comes in only where *every* word of its
key is on the list, and at least one of them names a group of wildlife; an attribute only where its key is one of a few; a
value only where it is a number, a word of a vocabulary, or a key of the data model.
"""

import re
import unicodedata
from collections.abc import Mapping
from enum import StrEnum
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Final

from biodata.errors import InputError
from biodata.text.tables import read_rows

_MAX_LETTERS: Final = 200
_REMEMBERED: Final = 5_000
_OF_SPECIES: Final = re.compile(r"[a-z]+(?:[a-z0-9_\-]*[a-z])?\d{0,3}(?:_rl\d{1,9}|_rl)?")
"""A segment of a key that SMART makes: small Latin letters; figures only as the Red List's number, or few."""


class Attribute(StrEnum):
    """The attributes of an observation that come in."""

    SPECIES = "species"
    COUNT = "count"
    SEX = "sex"
    AGE = "age"


@cache
def _words(kind: str) -> frozenset[str]:
    """Return the words of a kind, in the form in which they are compared."""
    rows = [row for row in read_rows("patrol_words.csv") if row["kind"] == kind]
    return frozenset(_joined(word) for row in rows for word in row["words"].split("|"))


def _plain(text: str) -> str:
    """Return a text small and without Latin accents."""
    decomposed = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", text).casefold())
    return unicodedata.normalize("NFC", "".join(c for c in decomposed if not "\u0300" <= c <= "\u036f")).replace(
        "đ", "d"
    )


def _joined(text: str) -> str:
    """Return a text's letters and figures, without what separates them."""
    # Vowels of Thai, Lao, Khmer and Burmese are no word characters to `re`.
    return "".join(c for c in _plain(text) if unicodedata.category(c)[0] in "LMN")


def _parts(key: str) -> list[str]:
    """Return the words of a key as its separators cut it."""
    marked = "".join(c if unicodedata.category(c)[0] in "LMN" else " " for c in _plain(key))
    return marked.split()


def category_is_wildlife(key: str, also: frozenset[str] = frozenset()) -> bool:
    """Tell whether a category is known to be one of wildlife.

    Parameters
    ----------
    key : str
        As SMART writes it, such as `animals.liveanimals.` or `wildlife-bird`.
    also : frozenset of str
        What `declared_categories` returned.
    """
    if not 0 < len(key) <= _MAX_LETTERS:
        return False
    return _is_wildlife(key) or (bool(also) and _joined(key) in also)


@lru_cache(maxsize=_REMEMBERED)
def _is_wildlife(key: str) -> bool:
    """Tell whether every word of a category is on the list, and one of them names a group."""
    parts = _parts(key)
    if parts and all(_made_of(part) for part in parts):
        return any(_made_of(part, group=True) for part in parts)
    return _made_of(_joined(key), group=True)  # a word of Vietnamese may be written in several


@lru_cache(maxsize=_REMEMBERED)
def is_of_signs(key: str) -> bool:
    """Tell whether a category that is wildlife's is about signs: dung, tracks, nests."""
    joined = _joined(key)
    return any(word in joined for word in _words("sign") if len(word) > 2 or not word.isascii())


def declared_categories(text: str) -> frozenset[str]:
    """Return the categories that a person declares to be wildlife's, joined by `|`.

    Raises
    ------
    InputError
        If one has a word of law enforcement or people (OPTION_UNFIT): those never come in, whoever asks.
    """
    keys = [key for key in text.split("|") if _joined(key)]
    for number, key in enumerate(keys, 1):
        joined = _joined(key)
        if any(
            word in joined if len(word) > 4 or not word.isascii() else word in _parts(key) for word in _words("never")
        ):
            problem = f"category {number} has a word of law enforcement or of people, which never come in"
            raise InputError(problem, column="categories", expected="categories of wildlife", code="OPTION_UNFIT")
    return frozenset(map(_joined, keys))


def attribute_of(key: str) -> Attribute | None:
    """Return which of the attributes that come in a key names; None for all others."""
    return _attribute_of(key[:_MAX_LETTERS])


@lru_cache(maxsize=_REMEMBERED)
def _attribute_of(key: str) -> Attribute | None:
    return _attributes().get(_joined(key))


@cache
def _attributes() -> Mapping[str, Attribute]:
    return MappingProxyType({word: kind for kind in Attribute for word in _words(kind.value)})


def is_on_foot(transport: str) -> bool:
    """Tell whether a way of going is surely on foot."""
    return _joined(transport[:_MAX_LETTERS]) in _words("foot")


def species_key(text: str) -> str | None:
    """Return a key of a species without the dot behind it; None where it is not as SMART makes keys.

    A person's name has capitals and spaces, a number of a telephone or a card has more figures.
    """
    key = text.strip().strip(".")
    if not 0 < len(key) <= _MAX_LETTERS or not all(_OF_SPECIES.fullmatch(part) for part in key.split(".")):
        return None
    return key


def _made_of(part: str, *, group: bool = False) -> bool:
    """Tell whether a word is put together from words of the list; with `group`, one of them names a group."""
    part = part.rstrip("0123456789")
    every = _words("group") | _words("about") | _words("sign")
    # How far the word can be read, without and with a group among what was read.
    reached: list[set[bool]] = [{False}, *(set() for _ in part)]
    for at in range(len(part)):
        for to in range(at + 1, len(part) + 1) if reached[at] else ():
            word = part[at:to]
            if word in every and (len(word) > 2 or len(word) == len(part) or not word.isascii()):
                reached[to] |= {seen or word in _words("group") for seen in reached[at]}
    return (True in reached[-1]) if group else bool(reached[-1])
