"""Numbers as people tell them in a cell: about five, 5-6, more than 3, `3 ตัว`, `三`. What they may mean, for proposals alone."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType
from typing import Final, NamedTuple

from biodata.parsers.bundled import read_rows
from biodata.parsers.grouped_numbers import AmbiguousNumberError, read_number
from biodata.parsers.numerals import ascii_digits

LONGEST: Final = 60
"""No number that is told needs more characters."""
_NUMBER: Final = r"-?\d+(?:[ '’.,]\d+)*"
_UNIT: Final = r"\s*([^\W\d_]\D*|°\D*|)"
_ONE: Final = re.compile(rf"({_NUMBER})" + _UNIT)
_TWO: Final = re.compile(rf"({_NUMBER})(\D+?)({_NUMBER.removeprefix('-?')})" + _UNIT)


class ToldNumber(NamedTuple):
    """A number that is told with words around it.

    Attributes
    ----------
    least, greatest : float or None
        What it can be; the same where it is one number; None where that side is open.
    unit : str
        What stands behind it, small; empty where nothing does.
    about : bool
        True where it is told to be about so much.
    """

    least: float | None
    greatest: float | None
    unit: str
    about: bool

    @property
    def single(self) -> float | None:
        """The one number that is told; None where there are two, or a bound."""
        return self.least if self.least == self.greatest else None


def read_told(text: str) -> ToldNumber | None:
    """Read a number with words around it.

    Parameters
    ----------
    text : str
        In any of the region's languages and digits.

    Returns
    -------
    ToldNumber or None
        None where it is no number. A comma or point that parts three digits is taken to part thousands.

    Examples
    --------
    >>> read_told("约5"), read_told("3 ตัว").single, read_told("> 3")
    (ToldNumber(least=5.0, greatest=5.0, unit='', about=True), 3.0, ToldNumber(least=3.0, greatest=None, unit='', about=False))
    >>> read_told("5-6 m"), read_told("nhiều")
    (ToldNumber(least=5.0, greatest=6.0, unit='m', about=False), None)
    """
    if len(text) > LONGEST:
        return None
    rest, about = without(plain(text), "about")
    for kind, is_least in (("least", True), ("more", True), ("most", False), ("less", False)):
        bounded, is_bound = without(rest, kind)
        found = _one(bounded) if is_bound else None
        if found is not None:
            number, unit = found
            return ToldNumber(number if is_least else None, None if is_least else number, unit, about)
    found = _one(rest)
    if found is not None:
        return ToldNumber(found[0], found[0], found[1], about)
    two = _TWO.fullmatch(rest)
    if two is None or two[2].strip() not in _words()["between"]:
        return None
    least, greatest = _value(two[1]), _value(two[3])
    if least is None or greatest is None or not least < greatest:
        return None
    return ToldNumber(least, greatest, two[4].strip().rstrip("."), about)


def _one(text: str) -> tuple[float, str] | None:
    """Return the number and the unit of a text that holds one number, in digits or as a word."""
    found = _ONE.fullmatch(text)
    if found is not None:
        number = _value(found[1])
        return None if number is None else (number, found[2].strip().rstrip("."))
    for word, number in _named():
        behind = text.removeprefix(word)
        if text.startswith(word) and (not behind or not word.isascii() or behind[0] == " "):
            return number, behind.strip()
    return None


def _value(digits: str) -> float | None:
    """Return a number that is written in digits."""
    try:
        return read_number(digits, bare=True).value
    except AmbiguousNumberError:
        return float(re.sub("[.,]", "", digits))
    except ValueError:
        return None


def without(text: str, kind: str) -> tuple[str, bool]:
    """Return a text without the words of a kind before and behind it, and whether it had any."""
    before, behind = _around()[kind]
    rest = behind.sub("", before.sub("", text, count=1), count=1).strip()
    return rest, rest != text


def plain(text: str) -> str:
    """Return a text in one spelling, small, its digits in ASCII."""
    return ascii_digits(unicodedata.normalize("NFKC", text)).casefold().strip()


@cache
def _words() -> Mapping[str, frozenset[str]]:
    """Return the words of each kind."""
    rows = read_rows("told_numbers.csv")
    return MappingProxyType({row["kind"]: frozenset(plain(word) for word in row["words"].split("|")) for row in rows})


@cache
def _named() -> tuple[tuple[str, float], ...]:
    """Return the words for numbers, the longest first."""
    found = [(word, float(kind)) for kind, words in _words().items() if kind.isdigit() for word in words]
    return tuple(sorted(found, key=lambda one: (-len(one[0]), one[0])))


@cache
def _around() -> Mapping[str, tuple["re.Pattern[str]", "re.Pattern[str]"]]:
    """Return, by kind, what finds its words before and behind a number; a Latin word ends where another sign follows."""
    return MappingProxyType({kind: around(words) for kind, words in _words().items()})


def around(words: Iterable[str]) -> tuple["re.Pattern[str]", "re.Pattern[str]"]:
    """Return what finds words before and behind a number; one in Latin letters does not end within a longer one."""
    ordered = sorted(words, key=lambda word: (-len(word), word))
    before = "|".join(re.escape(word) + ("(?![^\\W\\d_])" if word[-1].isascii() else "") for word in ordered)
    behind = "|".join(("(?<![^\\W\\d_])" if word[0].isascii() else "") + re.escape(word) for word in ordered)
    return re.compile(rf"^(?:{before})\s*"), re.compile(rf"\s*(?:{behind})$")
