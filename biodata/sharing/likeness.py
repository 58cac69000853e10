"""Whether a text may be a badly written name of a rule's species: letters wrong, words glued, torn, swapped or cut short."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import OSA

from biodata.sharing.latinity import like_an_epithet

_UNKNOWN: Final = 0.35
"""Share of the letters of a whole name that may be wrong."""
_KNOWN: Final = 0.15
"""The same where what stands there is a known genus and a well-formed epithet."""
_IN_GENUS: Final = 0.6
"""Share of an epithet's letters that may be wrong where the genus is right."""
_GARBLED: Final = 0.75
"""The same where what stands there looks like no epithet at all."""
_CUT: Final = 3
"""Letters that are left of a word that is cut short."""
_TORN: Final = re.compile(r"[A-Za-z]\d|\d[A-Za-z]|[A-Za-z][|!$@#][A-Za-z]")
_LETTERS: Final = tuple(str.maketrans("01358|!$@", f"o{one}esb{one}{one}sa") for one in "il")
"""What digits and signs are read for: 1 for i, or for l."""
_CODE: Final = re.compile(r"[A-Z][A-Z]")
"""A code of a species: capitals, as KIMA01."""
_BRACKETS: Final = re.compile(r"\(([^)]*)\)")


@dataclass(frozen=True, slots=True)
class Listed:
    """A species of a rule, under one of its names, in small letters; `own` is False for an old name of it."""

    rule: int
    genus: str
    epithet: str
    below: str | None
    own: bool


class Likeness:
    """The species of some rules, asked by badly written names.

    Parameters
    ----------
    listed : iterable of Listed
    spoken : mapping of str to str
        How each word sounds (`readings.sounds`); of the names here, genus and epithet as one word are in it.
    """

    def __init__(self, listed: Iterable[Listed], spoken: Mapping[str, str]) -> None:
        self._listed = list(listed)
        self._spoken = spoken
        self._whole = [self._sound(one.genus + one.epithet) for one in self._listed]
        self._of_code: dict[str, list[Listed]] = {}
        self._of_genus: dict[str, list[Listed]] = {}
        self._of_epithet: dict[str, list[Listed]] = {}
        for one in self._listed:
            self._of_genus.setdefault(one.genus, []).append(one)
            self._of_epithet.setdefault(self._sound(one.epithet), []).append(one)
            for letters in (2, 3, 4):
                self._of_code.setdefault(one.genus[:letters] + one.epithet[:letters], []).append(one)

    def slips(self, text: str, words: tuple[str, ...], *, known_genus: bool) -> list[Listed]:
        """Return the species whose name a text may be.

        Parameters
        ----------
        text : str
            As it was told.
        words : tuple of str
            Its Latin words, small (`readings.latin_words`).
        known_genus : bool
            True where the first word is the name of a genus that is known: then fewer letters may be wrong.
        """
        if not words:
            return []
        clean = known_genus and not _torn(text) and (len(words) < 2 or like_an_epithet(words[1]))
        share = _KNOWN if clean else _UNKNOWN
        found = [
            self._listed[at]
            for joined in glued(words)
            for _, _, at in process.extract(
                self._sound(joined), self._whole, scorer=OSA.normalized_distance, score_cutoff=share, limit=None
            )
        ]
        found += self._of_parts(words)
        if len(words) == 1:
            found += self._of_epithet.get(self._sound(words[0]), [])
            if known_genus and _CODE.search(text):
                found += self._of_code.get(words[0], [])
        if len(words) > 1:
            found += self._in_genus(text, words)
        return found

    def _in_genus(self, text: str, words: tuple[str, ...]) -> list[Listed]:
        """Return the species of a right genus whose epithet may be meant; all where signs stand among its letters."""
        here = [one for one in self._of_genus.get(words[0], ()) if one.own]
        if not here:
            return []
        if _torn(text):
            return here
        said, share = self._sound(words[1]), _IN_GENUS if like_an_epithet(words[1]) else _GARBLED
        return [o for o in here if OSA.normalized_distance(self._sound(o.epithet), said) <= share]

    def _of_parts(self, words: tuple[str, ...]) -> list[Listed]:
        """Return the species whose words, cut short, or in the other order, stand in a text."""
        first, second = words[0], words[1] if len(words) > 1 else ""
        if len(second) < _CUT:
            return []
        found = [o for o in self._listed if _cut(o.genus, first) and _cut(o.epithet, second)]
        if self._sound(first) in self._of_epithet:
            said = self._sound(second)
            found += [o for o in self._of_epithet[self._sound(first)] if self._near(o.genus, said)]
        return found

    def _near(self, genus: str, said: str) -> bool:
        return OSA.normalized_distance(self._sound(genus), said) <= _UNKNOWN

    def _sound(self, word: str) -> str:
        return self._spoken.get(word, word)


def glued(words: tuple[str, ...]) -> list[str]:
    """Return the first words of a text as one: two of them, and three, since one may be torn in two."""
    return list(dict.fromkeys("".join(words[:n]) for n in (2, 3)))


def within_brackets(text: str) -> list[str]:
    """Return what stands in brackets in a text, and may be the name itself."""
    return [part.strip() for part in _BRACKETS.findall(unicodedata.normalize("NFKC", text)) if " " in part.strip()]


def mended(text: str) -> list[str]:
    """Return a text with its digits and signs read as the letters that they look like; nothing where it has none."""
    return [text.translate(signs) for signs in _LETTERS] if _torn(text) else []


def _cut(word: str, told: str) -> bool:
    """Tell whether a word, cut short, is what is told; the whole word is not."""
    return _CUT <= len(told) <= len(word) and word.startswith(told)


def _torn(text: str) -> bool:
    """Tell whether signs stand in the words of a name, as where letters were read wrongly."""
    return _TORN.search(text.split("(")[0]) is not None
