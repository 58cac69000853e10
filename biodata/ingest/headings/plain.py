"""Headings made comparable: one spelling for what looks or sounds the same in each script of the region."""

import re
import unicodedata
from functools import lru_cache
from types import MappingProxyType
from typing import Final

from biodata.parsers.bundled import read_rows

_UNSEEN: Final = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]")
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z]{2})(?=[A-Z][a-z]{2})")
_SPELLINGS: Final = tuple(
    (re.compile(found), put)
    for found, put in (
        # Thai and Lao: two signs that look like one, and the order in which a tone and a vowel are typed.
        ("เเ", "แ"),
        ("([\u0e48-\u0e4b])\u0e4d", "\u0e4d\\1"),
        ("([\u0ec8-\u0ecb])\u0ecd", "\u0ecd\\1"),
        # Lao wrote r and l, and the l below a letter, in several ways before the spelling was settled.
        ("\u0ea3", "\u0ea5"),
        ("\u0ebc", "\u0ea5"),
        # Khmer: the letters da and ta look the same below another one; ro below a letter is typed first or last.
        ("\u17d2\u178a", "\u17d2\u178f"),
        ("\u17d2\u179a(\u17d2.)", "\\1\u17d2\u179a"),
        ("\u17c1\u17b8", "\u17be"),
        ("\u17c1\u17b6", "\u17c4"),
        # Burmese: letters typed as others that look alike, and vowels in the order of the keyboard.
        ("\u1025\u102e", "\u1026"),
        ("\u1025\u103a", "\u1009\u103a"),
        ("\u101e\u103c", "\u1029"),
        ("(?<=[\u1000-\u103f])\u1040|\u1040(?=[\u102b-\u103e])", "\u101d"),
        ("\u102f\u102d", "\u102d\u102f"),
        ("\u1036\u102f", "\u102f\u1036"),
        ("\u1037\u103a", "\u103a\u1037"),
        # Vietnamese: the letter gha, which old fonts put for a horned u; the tone of oa, oe and uy stands on either vowel.
        ("\u01a3", "\u01b0"),
        ("o([àáảãạ])(?!\\w)", "o\\1"),
    )
)
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


def settled(text: str) -> str:
    """Return a text in one spelling, its words and signs kept.

    Full and half width, composed and decomposed signs, traditional and simplified characters, and the spellings of Thai,
    Lao, Khmer, Burmese and Vietnamese that look or sound alike become one. Signs that are not seen are left out.
    """
    text = unicodedata.normalize("NFKC", _UNSEEN.sub("", text)).casefold()
    text = unicodedata.normalize("NFKC", text)
    for found, put in _SPELLINGS:
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
    """Return a key in Latin letters without the marks above and below them, as Vietnamese is typed on a bare keyboard.

    Examples
    --------
    >>> without_marks("vĩđộ")
    'vido'
    """
    bare = "".join(s for s in unicodedata.normalize("NFD", text.replace("đ", "d")) if unicodedata.category(s) != "Mn")
    return unicodedata.normalize("NFC", bare)


def _is_letter(sign: str) -> bool:
    """Tell whether a sign belongs to a word."""
    return sign.isalnum() or unicodedata.category(sign) in _MARKS
