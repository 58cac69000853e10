"""Dates whose year has two digits: never read, but the years that they can be of are proposed.

Conventions
- The year is of this century where it is not yet to come, or of the last one: `15/3/10` is of 2010, or of 1910.
- Thailand and Laos leave the 25 of the Buddhist Era out: `15/3/69` is of 2569, which is 2026. They write the day first.
- What is latest comes first, since most records are young.
- `12-05-10` may begin with its year, too: of three readings none is proposed.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Final, NamedTuple

from biodata.parsers.calendars import Era

_FIGURES: Final = re.compile(
    r"(?P<day>\d{1,2}\s?(?P<sign>[-/. ])\s?(?P<second>\d{1,2})\s?(?P=sign)\s?)(?P<year>\d{2})(?P<clock>\s+\d{1,2}[:.]\d\d\S*)?"
)
_WORDS: Final = re.compile(
    r"(?P<day>\d{1,2}[\s./-]*[^\W\d]\D*?[\s./-]*)(?P<year>\d{2})(?P<clock>\s+\d{1,2}[:.]\d\d\S*)?"
)
_LAST_DAY: Final = 31
_LAST_MONTH: Final = 12
_BUDDHIST_AHEAD: Final = 543


class FullYear(NamedTuple):
    """A date with a whole year, the year in the common era, and the era that it is written in."""

    text: str
    year: int
    era: Era


def full_years(told: str, *, today: date) -> Iterator[FullYear]:
    """Yield a date with each year that its two digits can stand for, the latest first; nothing for any other text."""
    match = _FIGURES.fullmatch(told) or _WORDS.fullmatch(told)
    if match is None:
        return
    digits, century = int(match["year"]), today.year // 100 * 100
    figures = match.re is _FIGURES
    if figures and match["sign"] == "-" and digits <= _LAST_DAY:
        return
    years = [(century + digits, Era.COMMON), (century - 100 + digits, Era.COMMON)]
    if int(match["second"]) <= _LAST_MONTH if figures else not told.isascii():
        years.append((2500 + digits - _BUDDHIST_AHEAD, Era.BUDDHIST))
    for year, era in sorted(years, reverse=True):
        if year <= today.year:
            written = year + _BUDDHIST_AHEAD if era is Era.BUDDHIST else year
            yield FullYear(f"{match['day']}{written}{match['clock'] or ''}", year, era)
