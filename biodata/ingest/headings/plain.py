"""Headings made comparable: one spelling for what looks or sounds the same in each script of the region."""

import re
import unicodedata
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from biodata.parsers.bundled import read_rows

_UNSEEN: Final = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z]{2})(?=[A-Z][a-z]{2})")
_TONES: Final = MappingProxyType(
    {f"{first}{put}": f"{told}{second}" for first, second, tones in (
        ("o", "a", "òà óá ỏả õã ọạ"), ("o", "e", "òè óé ỏẻ õẽ ọẹ"), ("u", "y", "ùỳ úý ủỷ ũỹ ụỵ"))
     for told, put in (tuple(pair) for pair in tones.split())}
)  # fmt: skip
_NEW_TONE: Final = re.compile(rf"({'|'.join(_TONES)})(?!\w)")
_MARKS: Final = ("Mn", "Mc", "Me")


@lru_cache(maxsize=1)
def _simplified() -> dict[int, str]:
    """Return, by code point, the simplified character of a traditional one."""
    return {ord(row["traditional"]): row["simplified"] for row in read_rows("heading_characters.csv")}


@lru_cache(maxsize=1)
def _spellings() -> tuple[tuple["re.Pattern[str]", str], ...]:
    """Return what looks or sounds alike in a script, and what it is written as."""
    return tuple((re.compile(row["found"]), row["put"]) for row in read_rows("heading_spellings.csv"))


def settled(text: str) -> str:
    """Return a text in one spelling, its words and signs kept.

    Full and half width, composed and decomposed signs, traditional and simplified characters, and the spellings of Thai,
    Lao, Khmer, Burmese and Vietnamese that look or sound alike become one. Signs that are not seen are left out.
    """
    text = unicodedata.normalize("NFKC", _UNSEEN.sub("", text)).casefold()
    text = unicodedata.normalize("NFKC", text)
    for found, put in _spellings():
        text = found.sub(put, text)
    text = _NEW_TONE.sub(lambda match: _TONES[match[0]], text)
    return text.translate(_simplified())


def words(text: str) -> list[str]:
    """Return the words of a heading in one spelling; a heading in a script without spaces is one word."""
    spaced = settled(_CAMEL.sub(" ", _UNSEEN.sub("", text)))
    return "".join(sign if _is_letter(sign) else " " for sign in spaced).split()


def key(text: str) -> str:
    """Return what two spellings of the same heading have in common: letters and digits, without spaces and signs.

    Examples
    --------
    >>> key("Scientific_Name"), key("緯度"), key(" Ｎo. "), key("toạ độ")
    ('scientificname', '纬度', 'no', 'tọađộ')
    """
    bare = "".join(sign for sign in settled(text) if _is_letter(sign))
    return bare or "".join(text.split())


def without_marks(text: str) -> str:
    """Return a key in Latin letters without the marks above and below them, as Vietnamese is typed on a bare keyboard."""
    bare = "".join(s for s in unicodedata.normalize("NFD", text.replace("đ", "d")) if unicodedata.category(s) != "Mn")
    return unicodedata.normalize("NFC", bare)


def _is_letter(sign: str) -> bool:
    """Tell whether a sign belongs to a word."""
    return sign.isalnum() or unicodedata.category(sign) in _MARKS
