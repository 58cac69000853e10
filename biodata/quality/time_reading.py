"""What a text that is no ISO 8601 date means, where it can only mean one: the proposals of the amendments.

The forms themselves are those of `parsers.date_forms`; here is what surrounds them on labels and in ledgers: names of
weekdays, small words, placeholders for what is not known, ranges. Two readings, or a doubt, and nothing is proposed.
"""

import re
from datetime import date
from functools import cache, lru_cache
from typing import Final

from babel import Locale

from biodata.quality.time_iso import LONGEST, read_span
from biodata.text.date_forms import Moment, read_ends
from biodata.text.date_words import LANGUAGES, month_number
from biodata.text.numbers import ascii_digits

_DASHES: Final = {
    0x2212: "-",
    0x2010: "-",
    0x2011: "-",
    0x2013: "-",
    0x2014: "-",
    0xFF0F: "/",
    0xFF0D: "-",
    0xFF0E: ".",
}
_SPACE: Final = re.compile("[\\s\x00-\x1f\x7f\u00ad\u200b-\u200f\u2028\u2029\u2060\ufeff]+")
_YEAR: Final = re.compile(r"(\d{4})\D*")
_UNKNOWN_DAY: Final = re.compile(r"(?:[Xx?_-]{1,2}|0{1,2})[\s.\-/]+(?=[^\W\d_]{3}|[IVXivx]+[\s.\-/])")
_SMALL_WORDS: Final = re.compile(r"(?<=[\s.])(?:of|the|de|del|do|den|af)\s+|^(?:the|den|le|el)\s+", re.IGNORECASE)
_ROMAN_AND_YEAR: Final = re.compile(r"([IVXivx]+)[\s.\-/]+(\d{4})")
_YEAR_DAY_MONTH: Final = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})")
_AM_PM: Final = re.compile(r"(.*\d)\s+(\d{1,2}):([0-5]\d)(:[0-5]\d)?\s*([ap])\.?m\.?", re.IGNORECASE)
_BARE_HOUR: Final = re.compile(r"\d[T\s]+\d{1,2}(?:Z|[+-]\d\d(?::?\d\d)?)?$", re.IGNORECASE)
_ONE_NUMBER: Final = re.compile(r"\d+")
_DAYS_MONTH: Final = re.compile(
    r"(\d{1,2})(?:st|nd|rd|th|\.)?\s?-\s?(\d{1,2})(?:st|nd|rd|th)?[\s.]+(\D+?)[\s.,]+(\d{4})"
)
_MONTH_DAYS: Final = re.compile(r"([^\W\d_][^\d]*?)[\s.]+(\d{1,2})\s?-\s?(\d{1,2})[\s.,]+(\d{4})")
_MONTHS_YEAR: Final = re.compile(r"([^\W\d_]+)\.?\s?[-/]\s?([^\W\d_]+)[\s.,]+(\d{4})")
_DAY_ALONE: Final = re.compile(r"\d{1,2}(?:st|nd|rd|th|\.)?")
_LEADING_DAY: Final = re.compile(r"^\d{1,2}(?:st|nd|rd|th|\.)?[\s.]+")
_FROM_TO: Final = re.compile(r"(.+?)\s+(?:to|until|till|through|thru|bis|au|hasta|al|a|-)\s+(.+)", re.IGNORECASE)


@lru_cache(maxsize=1 << 16)
def interpret(text: str, today: date, *, free: bool) -> str | None:
    """Return the ISO 8601 text of what can only be one date.

    Parameters
    ----------
    text : str
        The text as told.
    today : date
        A bare number may be a year up to this one's.
    free : bool
        The text is free (verbatimEventDate): a bare number of four digits may be something else than a year.

    Returns
    -------
    str, or None where the text tells no date, or may tell two
    """
    if len(text) > LONGEST:
        return None
    told = _SPACE.sub(" ", ascii_digits(text).translate(_DASHES)).strip()
    if _ONE_NUMBER.fullmatch(told):
        return _bare_number(told, today, free=free)
    if read_span(told) is not None:
        return told
    clean = _plain(told)
    answer = _one(clean, today) or _year_day_month(clean) or _range(clean, today)
    return answer if answer is not None and read_span(answer) is not None else None


def has_number(text: str) -> bool:
    """Tell whether a text holds a digit at all: without one it has nothing that could be read as a date."""
    return any(character.isdigit() for character in text) or any(
        character in "〇一二三四五六七八九十" for character in text
    )


def _bare_number(told: str, today: date, *, free: bool) -> str | None:
    """Read a text of digits only: a year, or a complete date in the basic format."""
    if not free:
        return told if read_span(told) is not None else None
    if len(told) == 4 and 1000 <= int(told) <= today.year:
        return told
    if len(told) == 8 and 1000 <= int(told[:4]) <= today.year and read_span(told) is not None:
        return f"{told[:4]}-{told[4:6]}-{told[6:]}"
    return None


def _plain(told: str) -> str:
    """Return the text without weekday, small words, brackets around it; a time of the afternoon by the 24-hour clock."""
    words = told.strip("[]()\"' ").rstrip(".,;").split(" ")
    for end in (0, -1):
        if len(words) > 1 and words[end].strip(".,").casefold() in _weekdays():
            words.pop(end)
    clean = _SMALL_WORDS.sub("", " ".join(words).lstrip(",. "))
    if match := _AM_PM.fullmatch(clean):
        hour = int(match[2])
        if 1 <= hour <= 12:
            hour = hour % 12 + (12 if match[5] in "pP" else 0)
            return f"{match[1]} {hour:02}:{match[3]}{match[4] or ''}"
    return clean


@cache
def _weekdays() -> frozenset[str]:
    """Return the names of weekdays; short ones only of three letters or more, since "Do" and "Mi" are words too."""
    names = set()
    for language in LANGUAGES:
        days = Locale.parse(language).days
        for context in ("format", "stand-alone"):
            names |= {name.casefold().strip(".") for name in days[context]["wide"].values()}
            names |= {name.casefold().strip(".") for name in days[context]["abbreviated"].values()}
    return frozenset(name for name in names if len(name) > 2 and month_number(name) is None)


def _one(told: str, today: date) -> str | None:
    """Read one date, or an interval that only lacks zeros."""
    if placeholder := _UNKNOWN_DAY.match(told):
        rest = told[placeholder.end() :]
        if (match := _ROMAN_AND_YEAR.fullmatch(rest)) and (month := month_number(match[1], roman=True)):
            return f"{match[2]}-{month:02}"
        return _written(rest, today) if not rest[:1].isdigit() else None
    return None if _BARE_HOUR.search(told) else _written(told, today)


def _written(told: str, today: date) -> str | None:
    """Return the ISO text of a date or interval in one of the known forms."""
    try:
        first, last = read_ends(told, day_first=None)
    except (ValueError, OverflowError):
        return None
    # A year to come, or of three digits, is of another era: 2475 may be 1932, and 113 may be 2024.
    if not 1000 <= first.year <= today.year or not 1000 <= last.year <= today.year:
        return None
    left, right = _iso(first), _iso(last)
    return left if left == right else f"{left}/{right}"


def _year_day_month(told: str) -> str | None:
    """Read 2021-28-10, where no month is left for the middle, and 2021-10-00, where the day is not known."""
    match = _YEAR_DAY_MONTH.fullmatch(told)
    if match is None:
        return None
    year, middle, last = match[1], int(match[3]), int(match[4])
    if middle > 12 >= last:
        return f"{year}-{last:02}-{middle:02}"
    if last == 0:
        return f"{year}-{middle:02}" if middle else year
    return None


def _range(told: str, today: date) -> str | None:
    """Read a range of days or months: 5-10 May 1932, May 5-10, 1932, June-July 1932, 30 May to 2 June 1932."""
    if match := _DAYS_MONTH.fullmatch(told):
        ends = [f"{match[day]} {match[3]} {match[4]}" for day in (1, 2)]
    elif match := _MONTH_DAYS.fullmatch(told):
        ends = [f"{match[day]} {match[1]} {match[4]}" for day in (2, 3)]
    elif match := _MONTHS_YEAR.fullmatch(told):
        ends = [f"{match[month]} {match[3]}" for month in (1, 2)]
    elif match := _FROM_TO.fullmatch(told):
        years = _YEAR.findall(match[2])
        ends = [match[1], match[2]]
        if _DAY_ALONE.fullmatch(match[1]):
            if not _LEADING_DAY.match(match[2]):
                return None
            ends[0] = _LEADING_DAY.sub(f"{match[1]} ", match[2])
        elif not _YEAR.search(match[1]) and len(years) == 1:
            ends[0] = f"{match[1]} {years[0]}"
    else:
        return None
    first, last = _one(ends[0], today), _one(ends[1], today)
    if first is None or last is None or "/" in first + last or len(first) != len(last):
        return None
    return first if first == last else f"{first}/{last}"


def _iso(moment: Moment) -> str:
    """Write a moment as far as it was told."""
    text = f"{moment.year:04}"
    text += f"-{moment.month:02}" if moment.month else ""
    text += f"-{moment.day:02}" if moment.day else ""
    if moment.time:
        text += f"T{moment.time}{'Z' if moment.zone == '+00:00' else moment.zone or ''}"
    return text
