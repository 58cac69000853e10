"""Headings made comparable: one spelling for what looks or sounds the same in each script of the region."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from biodata.text.tables import read_rows

_UNSEEN: Final = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z]{2})(?=[A-Z][a-z]{2})")
_MARKS: Final = ("Mn", "Mc", "Me")


@lru_cache(maxsize=1)
def _simplified() -> dict[int, str]:
    return {ord(row["traditional"]): row["simplified"] for row in read_rows("heading_characters.csv")}


@lru_cache
def _rules(file: str) -> list[tuple["re.Pattern[str]", str]]:
    return [(re.compile(row["found"]), row["put"]) for row in read_rows(file)]


def respelt(text: str, file: str) -> str:
    """Return a text with the rules of a table applied in their order: what is found, and what is put in its place."""
    for found, put in _rules(file):
        text = found.sub(put, text)
    return text


def settled(text: str) -> str:
    """Return a text in one spelling, its words and signs kept; signs that are not seen are left out.

    Full and half width, composed and decomposed signs, traditional and simplified characters, and the spellings of Thai,
    Lao, Khmer, Burmese and Vietnamese that look or sound alike become one.
    """
    text = unicodedata.normalize("NFKC", _UNSEEN.sub("", text)).casefold()
    return respelt(unicodedata.normalize("NFKC", text), "heading_spellings.csv").translate(_simplified())


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
    return "".join(filter(_is_letter, settled(text))) or "".join(text.split())


def without_marks(text: str) -> str:
    """Return a key in Latin letters without the marks above and below them, as Vietnamese is typed on a bare keyboard."""
    bare = "".join(s for s in unicodedata.normalize("NFD", text.replace("đ", "d")) if unicodedata.category(s) != "Mn")
    return unicodedata.normalize("NFC", bare)


def _is_letter(sign: str) -> bool:
    return sign.isalnum() or unicodedata.category(sign) in _MARKS
