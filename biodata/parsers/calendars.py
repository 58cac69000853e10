"""Years of other eras: the Buddhist Era of Thailand, Laos and Cambodia, and Minguo.

Conventions
- Thailand and Laos: the year is 543 ahead. Until BE 2483 (1940) Thailand's year began on 1 April, so January to March
  belong to the year before: 10 February BE 2475 is of 1933 to its writer, of 1932 to whoever took 543 off later. Both
  readings are offered. Sources: Thailand's Calendar Year Act of BE 2483; Eade, The Calendrical Systems of Mainland
  South-East Asia (1995).
- Cambodia's ព.ស. changes at Visakha Bochea (April to June) and is 544 ahead after it, so only January to March have one
  reading.
- Minguo: 1912 is year 1.
"""

from datetime import date
from enum import StrEnum
from typing import Final

BUDDHIST_YEARS: Final = range(2400, 2601)
"""1857-2057; no record is of those years of the common era."""

BUDDHIST_OFFSET: Final = 543
MINGUO_OFFSET: Final = 1911

# From this year on, Thailand's Buddhist year begins on 1 January.
_FIRST_JANUARY_YEAR: Final = 2484


class Era(StrEnum):
    """What a year is counted from; the rule that converts it has the same name."""

    COMMON = "common_era"
    BUDDHIST = "buddhist_era"
    KHMER = "khmer_buddhist_era"
    MINGUO = "minguo"


def common_years(year: int, month: int | None, era: Era) -> list[int]:
    """Return the years of the common era that a year could be, the likeliest first.

    Parameters
    ----------
    year : int
        As told.
    month : int, optional
        1-12; None where only the year was told.
    era : Era
        What the year is counted from.

    Raises
    ------
    ValueError
        If the era has no such year in the time of records.
    """
    if era is Era.COMMON:
        return [year]
    if era is Era.MINGUO:
        if year < 1:
            problem = "the era has no such year"
            raise ValueError(problem)
        return [year + MINGUO_OFFSET]
    if year not in BUDDHIST_YEARS:
        problem = "no year of the Buddhist Era of the time of records"
        raise ValueError(problem)
    common = year - BUDDHIST_OFFSET
    if era is Era.KHMER:
        return [common] if month is not None and month <= 3 else [common, common - 1]
    if year < _FIRST_JANUARY_YEAR and (month is None or month <= 3):
        return [common, common + 1]
    return [common]


def exists(year: int, month: int | None, day: int | None) -> bool:
    """Tell whether the calendar has the year, month or day."""
    try:
        date(year, 1 if month is None else month, 1 if day is None else day)
    except ValueError:
        return False
    return True
