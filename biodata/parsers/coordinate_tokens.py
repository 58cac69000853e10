"""The pieces of a written coordinate: numbers, marks, signs, sides, words for latitude and longitude."""

import re
import unicodedata
from enum import StrEnum
from functools import cache
from types import MappingProxyType
from typing import Final, NamedTuple

from biodata.parsers.bundled import read_rows
from biodata.parsers.numerals import ascii_digits


class Kind(StrEnum):
    """What a piece is."""

    NUMBER = "number"
    SIGN = "sign"
    DEGREE = "degree"
    MINUTE = "minute"
    SECOND = "second"
    JOINT = "joint"
    SIDE = "side"
    AXIS = "axis"
    SEPARATOR = "separator"


class Token(NamedTuple):
    """A piece of a written coordinate.

    `text` is a number in ASCII, a sign, a single letter for a side (to be read by language), or the meaning of a word
    (`north`, `longitude`); `spaced` tells whether white space stands before it.
    """

    kind: Kind
    text: str
    spaced: bool


LONGEST: Final = 160
"""No pair of coordinates needs more characters."""

MOST_TOKENS: Final = 40

# Single capitals: read by language, see `coordinates.LETTERS`. Two and more letters have one meaning.
_PAIRS: Final = MappingProxyType(
    {
        "LU": "north", "LS": "south", "BT": "east", "BB": "west",  # Indonesian: lintang utara, …, bujur barat
        "NB": "north", "ZB": "south", "OL": "east", "WL": "west",  # Dutch: noorderbreedte, …, westerlengte
    }
)  # fmt: skip
_KINDS: Final = MappingProxyType({str(kind): kind for kind in Kind})
_SIDES: Final = frozenset({"north", "south", "east", "west"})
_DEGREES: Final = "°º˚∘゜◦⁰ᵒ\ufffd"
_PRIMES: Final = "'′’‘´`ʹʼ‛ˈ"
_DOUBLE_PRIMES: Final = '"″”“„ʺ˝〃'
_PLAIN: Final = str.maketrans(
    dict.fromkeys("\u2010\u2011\u2012\u2013\u2212\ufe63\uff0d", "-")
    | dict.fromkeys("\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u3000", " ")
    | dict.fromkeys("\u200b\u200c\u200d\u200e\u200f\u2060\ufeff", None)
    | {"Ð": "Đ", "、": ",", "﹐": ",", "।": None}
)


def normalise(text: str) -> str:
    """Return text with ASCII digits, full-width signs as ASCII, one kind of hyphen and of blank, composed (NFC)."""
    if text.isascii():
        return text.strip()
    ascii_signs = "".join(chr(ord(c) - 0xFEE0) if "\uff01" <= c <= "\uff5e" else c for c in ascii_digits(text))
    # A degree sign that was saved as UTF-8 and read as Latin-1.
    composed = unicodedata.normalize("NFC", ascii_signs.translate(_PLAIN)).replace("Â°", "°").replace("Âº", "°")
    return composed.strip()


def tokens_of(text: str, *, comma_is_decimal: bool) -> list[Token] | None:
    """Take a written coordinate apart.

    Parameters
    ----------
    text : str
        As `normalise` returns it.
    comma_is_decimal : bool
        A comma between digits is a decimal comma; else each comma separates.

    Returns
    -------
    list of Token, or None where something in the text belongs to no coordinate
    """
    if len(text) > LONGEST:
        return None
    pattern, words = _pattern(comma_is_decimal), _words()
    tokens: list[Token] = []
    at, spaced = 0, False
    while at < len(text):
        match = pattern.match(text, at)
        if match is None or len(tokens) >= MOST_TOKENS:
            return None
        at, group, piece = match.end(), match.lastgroup, match[0]
        if group == "blank":
            spaced = True
            continue
        if group == "word":
            meaning = words[piece.casefold()]
            kind = Kind.SIDE if meaning in _SIDES else Kind.AXIS if meaning.endswith("itude") else _KINDS[meaning]
            tokens.append(Token(kind, meaning, spaced))
        elif group == "pair":
            tokens.append(Token(Kind.SIDE, _PAIRS[piece.replace(".", "")], spaced))
        elif group == "letter":
            tokens.append(Token(Kind.SIDE, piece.upper(), spaced))
        else:
            tokens.append(Token(_KINDS[str(group)], piece.replace(",", ".") if group == "number" else piece, spaced))
        spaced = False
        if group in {"word", "pair", "letter"} and (after := _AFTER_WORD.match(text, at)):
            at = after.end()
    return tokens


_AFTER_WORD: Final = re.compile(r"\.?(?!\d)(?:\s*[:=])?|\s*[:=]")


@cache
def _words() -> dict[str, str]:
    """Return every word with its meaning."""
    return {
        unicodedata.normalize("NFC", word).casefold(): row["meaning"]
        for row in read_rows("coordinate_words.csv")
        for word in row["words"].split("|")
    }


@cache
def _pattern(comma_is_decimal: bool) -> re.Pattern[str]:
    """Return the pattern of one piece; no part of it can backtrack over more than a number."""
    words = sorted(_words(), key=len, reverse=True)
    latin = [re.escape(word) for word in words if unicodedata.name(word[0]).startswith("LATIN")]
    other = [re.escape(word) for word in words if not unicodedata.name(word[0]).startswith("LATIN")]
    mark = "[.,]" if comma_is_decimal else r"\."
    return re.compile(
        rf"(?P<blank>[\s()\[\]{{}}]+)"
        rf"|(?P<number>\d+(?:{mark}\d+)?|(?<!\d)\.\d+)"
        rf"|(?P<word>(?i:(?:{'|'.join(latin)})(?![^\W\d_])|{'|'.join(other)}))"
        r"|(?P<pair>L\.?[US]|B\.?[TB]|[NZ]\.?B|[OW]\.?L)(?![^\W\d_])"
        # Behind a figure d, g and a small o are degrees, m and s are minutes and seconds.
        rf"|(?P<degree>[{_DEGREES}]|(?<=\d)[dgo](?![a-z])|(?<=\d )[dg](?![a-z]))"
        rf"|(?P<second>[{_DOUBLE_PRIMES}]|[{_PRIMES}]{{2}}|(?:(?<=\d)|(?<=\d ))s(?![a-z]))"
        rf"|(?P<minute>[{_PRIMES}]|(?:(?<=\d)|(?<=\d ))m(?![a-z]))"
        r"|(?P<joint>(?<=\d)[:](?=\d)|(?<=\d)-(?=\d))"
        r"|(?P<letter>[NSEWOLBTUZĐnew](?![^\W\d_])|(?<=[^\d\s])s(?![^\W\d_]))"
        r"|(?P<sign>[+\-])"
        r"|(?P<separator>[,;/|&]|(?i:and)(?![^\W\d_]))"
    )
