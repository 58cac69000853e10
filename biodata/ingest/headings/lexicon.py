"""The words that headings are made of, by language, each with what it can mean."""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from biodata.ingest.headings.dictionary import LANGUAGES
from biodata.ingest.headings.plain import key, without_marks, words
from biodata.parsers.bundled import read_rows

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
