"""What a person likely means by a number, a time, a date or a place in a cell: for proposals alone."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import date
from functools import cache
from itertools import pairwise
from types import MappingProxyType
from typing import Final, NamedTuple

import polars as pl

from biodata.text.dates import parse_dates
from biodata.text.numbers import AmbiguousNumberError, ascii_digits, read_number
from biodata.text.tables import read_rows

# Numbers as people tell them in a cell: about five, 5-6, more than 3, `3 ตัว`, `三`. What they may mean, for proposals alone.

LONGEST: Final = 60
"""No number that is stated needs more characters."""
_NUMBER: Final = r"-?\d+(?:[ '’.,]\d+)*"
_UNIT: Final = r"\s*([^\W\d_]\D*|°\D*|)"
_ONE: Final = re.compile(rf"({_NUMBER})" + _UNIT)
_TWO: Final = re.compile(rf"({_NUMBER})(\D+?)({_NUMBER.removeprefix('-?')})" + _UNIT)


class StatedNumber(NamedTuple):
    """A number that is stated with words around it.

    Attributes
    ----------
    least, greatest : float or None
        What it can be; the same where it is one number; None where that side is open.
    unit : str
        What stands behind it, small; empty where nothing does.
    about : bool
        True where it is stated to be about so much.
    """

    least: float | None
    greatest: float | None
    unit: str
    about: bool

    @property
    def single(self) -> float | None:
        """The one number that is stated; None where there are two, or a bound."""
        return self.least if self.least == self.greatest else None


def read_stated(text: str) -> StatedNumber | None:
    """Read a number with words around it.

    Parameters
    ----------
    text : str
        In any of the region's languages and digits.

    Returns
    -------
    StatedNumber or None
        None where it is no number. A comma or point that parts three digits is taken to part thousands.

    Examples
    --------
    >>> read_stated("约5"), read_stated("3 ตัว").single, read_stated("> 3")
    (StatedNumber(least=5.0, greatest=5.0, unit='', about=True), 3.0, StatedNumber(least=3.0, greatest=None, unit='', about=False))
    >>> read_stated("5-6 m"), read_stated("nhiều")
    (StatedNumber(least=5.0, greatest=6.0, unit='m', about=False), None)
    """
    if len(text) > LONGEST:
        return None
    rest, about = without(plain(text), "about")
    for kind, is_least in (("least", True), ("more", True), ("most", False), ("less", False)):
        bounded, is_bound = without(rest, kind)
        found = _one(bounded) if is_bound else None
        if found is not None:
            number, unit = found
            return StatedNumber(number if is_least else None, None if is_least else number, unit, about)
    found = _one(rest)
    if found is not None:
        return StatedNumber(found[0], found[0], found[1], about)
    two = _TWO.fullmatch(rest)
    if two is None or two[2].strip() not in _words()["between"]:
        return None
    least, greatest = _value(two[1]), _value(two[3])
    if least is None or greatest is None or not least < greatest:
        return None
    return StatedNumber(least, greatest, two[4].strip().rstrip("."), about)


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


# Times of day and dates as people tell them in a cell: `7.30`, `早上7点半`, `jam 7 pagi`, `约2026年3月`. For proposals alone.

_CLOCK: Final = re.compile(r"(\d{1,2})(?:\s*[.:h时時点點]\s*([0-5]\d)?)?|(\d{2})([0-5]\d)")
_DOUBT: Final = re.compile(r"\s*(?:\(\?+\)|[?？]+)$")


def meant_time(text: str) -> str | None:
    """Return the time of day that a text likely tells, as HH:MM; None where nothing is likely.

    A number alone may be anything; with a word of the clock or of the day it is an hour.

    Examples
    --------
    >>> meant_time("7.30"), meant_time("早上7点半"), meant_time("jam 7 pagi"), meant_time("下午2点"), meant_time("7")
    ('07:30', '07:30', '07:00', '14:00', None)
    """
    if len(text) > LONGEST:
        return None
    rest, _ = without(plain(text), "about")
    said = set()
    for _ in range(3):  # a word of the day, one of the clock, and half an hour
        for kind, (before, behind) in _around_clocks().items():
            shorter = behind.sub("", before.sub("", rest, count=1), count=1).strip(" -")
            if shorter != rest:
                said.add(kind)
                rest = shorter
    found = _CLOCK.fullmatch(rest)
    if found is None or (rest.isdigit() and len(rest) < 3 and not said):
        return None
    hour, minute = int(found[1] or found[3]), int(found[2] or found[4] or 0)
    if "half" in said:
        minute = 30 if not minute else 60
    if "evening" in said and 1 <= hour <= 11:
        hour += 12
    return f"{hour:02}:{minute:02}" if hour < 24 and minute < 60 and not ("morning" in said and hour > 12) else None


def meant_date(text: str) -> str | None:
    """Return the date that a text likely tells, in ISO 8601, without words of doubt and for a date around it.

    Examples
    --------
    >>> meant_date("约2026年3月"), meant_date("2026-03-01?"), meant_date("ngày 1/3/2026"), meant_date("summer")
    ('2026-03', '2026-03-01', None, None)
    >>> meant_date("ngày 31/3/2026")
    '2026-03-31'
    """
    if len(text) > LONGEST:
        return None
    stated = plain(_DOUBT.sub("", text.strip()))
    rest, _ = without(stated, "about")
    rest = _before_dates().sub("", rest, count=1).strip(" :")
    if rest == plain(text):
        return None
    read = parse_dates(pl.Series([rest], dtype=pl.String), today=date(9999, 1, 1))
    found = read["event_date"].item() if read["issue"].item() is None else None
    return found if isinstance(found, str) else None


@cache
def _around_clocks() -> Mapping[str, tuple["re.Pattern[str]", "re.Pattern[str]"]]:
    """Return, by kind, what finds its words before and behind a clock."""
    rows = read_rows("told_times.csv")
    return MappingProxyType({row["kind"]: around(plain(word) for word in row["words"].split("|")) for row in rows})


@cache
def _before_dates() -> "re.Pattern[str]":
    """Return what finds a word for the day before a date."""
    rows = [row for row in read_rows("date_words.csv") if row["kind"] == "day_before"]
    return around(plain(word) for row in rows for word in row["names"].split("|"))[0]


# Words of people that state a place: two coordinates, degrees with minutes, metres of a grid, or a code of a cell.

_DEGREES: Final = re.compile(
    r"(?<![\d.,])-?\d{1,3}(?:\.\d{2,}|,\d{2}(?!\d)|,\d{4,})(?![\d.,]\d|\s*(?:kg|g|mg|t|cm|mm|m|km|ha|l|ml|%)\b|\s*%)"
)
"""A number of two decimals or more; `12,500` is a thousand's, and what has a unit is a weight or a length."""
_BETWEEN: Final = 40
"""Characters between two numbers of one place, at most."""

_LATITUDES: Final = (-12.0, 40.0)
_LONGITUDES: Final = (68.0, 142.0)
"""Where the region's numbers lie; others, such as two weights, are no place of it."""

_OTHERS: Final = (
    re.compile(r"\d{1,3}(?:\.\d+)?\s*[°º度]\s*(?:\d{1,2}(?:\.\d+)?\s*['’′分]|[NSEWnsew北南东西東]\b)"),
    re.compile(r"(?<![\d.])\d{6}(?:\.\d+)?\D{1,20}\d{7}(?!\d)"),
    re.compile(
        r"\b(?:[1-9]|[1-5]\d|60) ?[C-HJ-NP-X] ?[A-HJ-NP-Z][A-HJ-NP-V] ?(?:\d{3} ?\d{3}|\d{4} ?\d{4}|\d{5} ?\d{5})\b"
    ),
    re.compile(r"\b[23456789CFGHJMPQRVWX]{4,8}\+[23456789CFGHJMPQRVWX]{2,3}\b"),
)
"""Degrees and minutes; metres of UTM; MGRS; plus codes."""


def names_a_place(words: str) -> bool:
    """Return whether words hold coordinates of the region.

    Parameters
    ----------
    words : str
        As they were written, in any digits.

    Examples
    --------
    >>> names_a_place("Is it at 21.2712, 101.4905?"), names_a_place("row 17: 12.50 kg of 13.75 kg")
    (True, False)
    """
    text = ascii_digits(words)
    if any(pattern.search(text) for pattern in _OTHERS):
        return True
    found = [(match.start(), match.end(), float(match[0].replace(",", "."))) for match in _DEGREES.finditer(text)]
    return any(
        start - end <= _BETWEEN and (_are_one(first, second) or _are_one(second, first))
        for (_, end, first), (start, _, second) in pairwise(found)
    )


def _are_one(latitude: float, longitude: float) -> bool:
    return _LATITUDES[0] <= latitude <= _LATITUDES[1] and _LONGITUDES[0] <= longitude <= _LONGITUDES[1]
