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


_IMPOSSIBLE: Final = re.compile(
    "(?:^|[^\u1000-\u109f])\u1031[\u1000-\u1021\u103b\u107e-\u1084]"  # the vowel e without a letter before it
    "|\u1031\u1031"
    "|(?:^|[^\u1000-\u109f]|\u1038)\u103b[\u1000-\u1021]"  # a medial without a letter before it
    "|\u1039(?![\u1000-\u1021\u105a-\u105d\u1075-\u1081])"  # asat, where Unicode has a stack
    "|(?<=[\u1000-\u1021\u102b-\u103e])[\u1094\u1095]"  # the dot below; in Unicode digits of Shan
    "|[\u107e\u107f\u1080\u1082-\u1084][\u1000-\u1021](?!\u103a)"  # ra drawn around its letter
    "|[\u1000-\u1021][\u1060-\u1063\u1065-\u1068\u106c\u106d\u1070-\u107c\u1085\u1093\u1096]"  # stacked letters
    "(?![\u103a\u1060-\u109f\u102b-\u1032])"
)
_ORDER: Final = "\u103b\u103c\u103d\u103e\u1031\u102d\u102e\u1032\u102f\u1030\u102b\u102c\u1036\u103a\u1037\u1038"


def is_zawgyi(text: str) -> bool:
    """Tell whether a text is Burmese in the Zawgyi encoding: its signs stand in an order that Unicode does not have.

    Zawgyi stores a vowel before its consonant as it is seen, where Unicode stores it after. It has letters of Mon, Karen and
    Shan for other shapes; these languages have them, too, so that only such an order proves it.
    """
    return _IMPOSSIBLE.search(text) is not None


def from_zawgyi(text: str) -> str:
    """Return a Zawgyi text in Unicode, the signs behind each letter in Unicode's order."""
    text = respelt(text, "heading_zawgyi.csv")
    return re.sub(f"[{_ORDER}]{{2,}}", lambda run: "".join(sorted(run[0], key=_ORDER.index)), text)
