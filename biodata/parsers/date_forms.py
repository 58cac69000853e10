"""The forms in which one date is written: what was told, no more, and no guess.

Conventions
- ISO 8601 and what Darwin Core makes of it: years, months, days, ordinal and week dates, times. Negative and expanded
  years are not read. `2010/11` is November 2010.
- Of two numbers before or behind a year, the one above 12 is the day; else the order has to be told.
"""

import calendar
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple

from biodata.parsers import clocks, zones
from biodata.parsers.calendars import BUDDHIST_YEARS, Era, common_years, exists
from biodata.parsers.date_words import Partial, read_words

_WITH_TIME: Final = re.compile(
    rf"(?P<date>.*?\S)(?:(?<=\d)[Tt]\s*|,?\s+|(?<=[日号號]))(?P<clock>{clocks.ISO_TIME}|{clocks.HALF_DAY_TIME}|"
    rf"{clocks.WORD_TIME})"
)
_ISO: Final = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_YEAR_FIRST: Final = re.compile(r"(\d{4})([/.:\\_ ])(\d{1,2})(?:\2(\d{1,2}))?")
_YEAR_LAST: Final = re.compile(r"(\d{1,2})\s?([-/.\\_ ])\s?(\d{1,2})\s?\2\s?(\d{4})")
_MONTH_YEAR: Final = re.compile(r"(\d{1,2})[-/.\\ ](\d{4})")
_ORDINAL: Final = re.compile(r"(\d{4})-?(\d{3})")
WEEK: Final = re.compile(r"(\d{4})(?:-W(\d{2})(?:-([1-7]))?|W(\d{2})([1-7])?)")


class Moment(NamedTuple):
    """One end of a date, as far as it was told; `rule` names its form where that is not ISO 8601's usual one."""

    year: int
    month: int | None = None
    day: int | None = None
    time: str | None = None
    zone: str | None = None
    rule: str | None = None
    era: Era | None = None


class AmbiguousError(ValueError):
    """Day and month could be either way round."""


def read_moment(told: str, *, day_first: bool | None) -> Moment:
    """Read one date, with a time behind it where there is one."""
    try:
        return _day(told, day_first=day_first)
    except AmbiguousError:
        raise
    except ValueError:
        match = _WITH_TIME.fullmatch(told)
        if match is None:
            raise
    moment = _day(match["date"], day_first=day_first)
    if moment.day is None:
        problem = "a time without a day"
        raise ValueError(problem)
    in_words = moment.rule in {"month_name", "words", "chinese"}
    if in_words and match["clock"].isdigit():
        problem = "a number that could be anything"
        raise ValueError(problem)
    clock, zone = clocks.read_time(match["clock"].strip())
    # A time in words, with am or pm, or with the name of a zone.
    rule = moment.rule or ("clock" if re.search(r"[^\W\dTZtz]", match["clock"]) else None)
    return zoned(moment._replace(time=clock, rule=rule), zone)


def zoned(moment: Moment, zone: str | None) -> Moment:
    """Give a time its offset, and see that a leap second stands where one can be."""
    day, clock, rule = first_day(moment), moment.time or "00:00", moment.rule
    if zone is not None and zone[0] not in "+-":
        zone, rule = zones.offset_at(zone, day, clock), rule or "zone_name"
    if clock[6:8] == "60" and not _may_leap(day, clock, zone):
        problem = "no leap second can be there"
        raise ValueError(problem)
    return moment._replace(zone=zone, rule=rule)


def _may_leap(day: date, clock: str, zone: str | None) -> bool:
    """Tell whether a leap second can be there: at the end of a UTC June or December since 1972."""
    last_days = {(6, 30), (12, 31)}
    if zone is None:
        # UTC's midnight may be on the morning after.
        return day.year >= 1972 and any((near.month, near.day) in last_days for near in (day, day - timedelta(days=1)))
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
    local = datetime.combine(day, time(int(clock[:2]), int(clock[3:5])), tzinfo=UTC)
    utc = local - offset if zone[0] == "+" else local + offset
    return utc.year >= 1972 and (utc.hour, utc.minute) == (23, 59) and (utc.month, utc.day) in last_days


def _day(told: str, *, day_first: bool | None) -> Moment:
    """Read a year, a month or a day in any of the forms that leave no doubt."""
    if match := _ORDINAL.fullmatch(told):
        return ordinal(int(match[1]), int(match[2]))
    if (match := WEEK.fullmatch(told.upper())) and (match[3] or match[5]):
        return day_moment(
            date.fromisocalendar(int(match[1]), int(match[2] or match[4]), int(match[3] or match[5])), "week"
        )
    if match := _YEAR_LAST.fullmatch(told):
        return _year_last(int(match[1]), int(match[3]), int(match[4]), day_first=day_first)
    if re.fullmatch(r"\d{8}", told):
        return _eight_digits(told, day_first=day_first)
    for pattern, (year, month, day), rule in _FORMS:
        if match := pattern.fullmatch(told):
            return checked(Moment(int(match[year]), _number(match, month), _number(match, day), rule=rule))
    first, last = read_words(told)
    if first != last:
        problem = "more than one date"
        raise ValueError(problem)
    return from_words(first)


# The groups of year, month and day; 0 where the form has no such part.
_FORMS: Final = (
    (_ISO, (1, 2, 3), None),
    (_YEAR_FIRST, (1, 3, 4), "year_first"),
    (_MONTH_YEAR, (2, 1, 0), "year_last"),
)


def _eight_digits(told: str, *, day_first: bool | None) -> Moment:
    """Read 20240305; or 21121978 where the first four are no year with such a month and day."""
    try:
        return checked(Moment(int(told[:4]), int(told[4:6]), int(told[6:]), rule="basic"))
    except ValueError:
        return _year_last(int(told[:2]), int(told[2:4]), int(told[4:]), day_first=day_first)


def _year_last(one: int, two: int, year: int, *, day_first: bool | None) -> Moment:
    """Read 31/12/2010, or 12/31/2010: the number above 12 is the day."""
    if one > 12 or one == two:
        return checked(Moment(year, two, one, rule="day_first"))
    if two > 12:
        return checked(Moment(year, one, two, rule="month_first"))
    if day_first is None:
        for month in (one, two):
            checked(Moment(year, month, 1))
        raise AmbiguousError
    month, day = (two, one) if day_first else (one, two)
    return checked(Moment(year, month, day, rule="day_first" if day_first else "month_first"))


def ordinal(year: int, day_of_year: int) -> Moment:
    """Read a year and the number of a day in it."""
    day = date(year, 1, 1) + timedelta(days=day_of_year - 1)
    if day.year != year:
        problem = "the year has no such day"
        raise ValueError(problem)
    return day_moment(day, "ordinal")


def _number(match: re.Match[str], group: int) -> int | None:
    """Return a group as a number, if it is there."""
    return int(match[group]) if group and match[group] is not None else None


def from_words(part: Partial) -> Moment:
    """Return what words told, if the calendar has it."""
    return checked(Moment(part.year or 0, part.month, part.day, rule=part.rule, era=part.era))


def checked(moment: Moment) -> Moment:
    """Return the moment if the calendar of its era has it; a bare year of 2400-2600 may be one of the Buddhist Era."""
    era = moment.era or (Era.BUDDHIST if moment.year in BUDDHIST_YEARS else Era.COMMON)
    years = common_years(moment.year, moment.month, era)
    if not any(exists(year, moment.month, moment.day) for year in years):
        problem = "the calendar has no such day"
        raise ValueError(problem)
    return moment


def day_moment(day: date, rule: str) -> Moment:
    """Return a day as a moment."""
    return Moment(day.year, day.month, day.day, rule=rule)


def first_day(moment: Moment) -> date:
    """Return the first day of a year, month or day."""
    return date(moment.year, moment.month or 1, moment.day or 1)


def last_day(moment: Moment) -> date:
    """Return the last day of a year, month or day."""
    month = moment.month or 12
    return date(moment.year, month, moment.day or calendar.monthrange(moment.year, month)[1])
