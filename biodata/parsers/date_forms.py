"""The forms in which dates are written, one text at a time: what was told, no more, and no guess."""

import calendar
import re
from datetime import date, timedelta
from typing import Final, NamedTuple

from biodata.parsers.months import month_number

# A year of the Buddhist Era is 543 ahead of the common one: 2400-2600 are 1857-2057, and no record is of those years.
BUDDHIST_YEARS: Final = range(2400, 2601)
BUDDHIST_OFFSET: Final = 543

_TIME: Final = r"(?P<time>\d{1,2}(?::?[0-5]\d(?::?[0-5]\d(?:[.,]\d+)?)?)?)\s*(?P<zone>[Zz]|[+\-]\d{2}(?::?\d{2})?)?"
_WITH_TIME: Final = re.compile(rf"(?P<date>.*?\d)(?:[Tt]\s*|\s+){_TIME}")
ONLY_TIME: Final = re.compile(rf"[Tt]?{_TIME}")
_ISO: Final = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_YEAR_FIRST: Final = re.compile(r"(\d{4})([/.\\ ])(\d{1,2})(?:\2(\d{1,2}))?")
_YEAR_LAST: Final = re.compile(r"(\d{1,2})\s?([-/.\\ ])\s?(\d{1,2})\s?\2\s?(\d{4})")
_MONTH_YEAR: Final = re.compile(r"(\d{1,2})[-/.\\ ](\d{4})")
_BASIC: Final = re.compile(r"(\d{4})(\d{2})(\d{2})")
_ORDINAL: Final = re.compile(r"(\d{4})-(\d{3})")
_CHINESE: Final = re.compile(r"(\d{4})\s*年(?:\s*(\d{1,2})\s*月(?:\s*(\d{1,2})\s*[日号號])?)?")
_DAY_NAME_YEAR: Final = re.compile(r"(?:(\d{1,2})(?:st|nd|rd|th)?[\s.\-/]*)?([^\W\d_][^\d]*?)[\s.,\-/]*(\d{4})")
_NAME_DAY_YEAR: Final = re.compile(r"([^\W\d_][^\d]*?)[\s.\-/]*(\d{1,2})(?:st|nd|rd|th)?[\s.,\-/]+(\d{4})")
_YEAR_NAME_DAY: Final = re.compile(r"(\d{4})[\s.,\-/]*([^\W\d_][^\d]*?)[\s.\-/]*(\d{1,2})?")
_DURATION: Final = re.compile(r"P(?=\d)(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,3})W)?(?:(\d{1,5})D)?")


class Moment(NamedTuple):
    """One end of a date, as far as it was told; `rule` names its form where that is not ISO 8601's usual one."""

    year: int
    month: int | None = None
    day: int | None = None
    time: str | None = None
    zone: str | None = None
    rule: str | None = None


class AmbiguousError(ValueError):
    """Day and month could be either way round."""


def read_ends(told: str, *, day_first: bool | None) -> tuple[Moment, Moment]:
    """Return the first and the last moment of a date or an interval.

    Parameters
    ----------
    told : str
        Digits and hyphens in ASCII, no white space around it.
    day_first : bool, optional
        As in `dates.parse_dates`.

    Raises
    ------
    AmbiguousError
        If day and month could be either way round.
    ValueError
        If it is no date in any form that is known, or a day that the calendar does not have.
    OverflowError
        If a duration leads beyond the year 9999.
    """
    try:
        moment = _moment(told, day_first=day_first)
    except AmbiguousError:
        raise
    except ValueError:
        left, slash, right = told.partition("/")
        if not slash or "/" in right:
            raise
        first = _moment(left.strip(), day_first=day_first)
        if _DURATION.fullmatch(right.strip()):
            first = first._replace(month=first.month or 1, day=first.day or 1)
        return first, _last(first, right.strip(), day_first=day_first)
    return moment, moment


def _last(first: Moment, right: str, *, day_first: bool | None) -> Moment:
    """Read the end of an interval, which may leave out what is equal to its start, or be a duration."""
    duration = _DURATION.fullmatch(right)
    if duration:
        return _after(first, *(int(part or 0) for part in duration.groups()))
    if right[:1] in {"T", "t"} and (time := ONLY_TIME.fullmatch(right)):
        return first._replace(time=read_clock(time["time"]), zone=read_offset(time["zone"]) or first.zone)
    ordinal = re.fullmatch(r"(\d{4})-(\d{1,3})", right)
    if first.rule == "ordinal" and ordinal:
        return _ordinal(int(ordinal[1]), int(ordinal[2]))
    short = re.fullmatch(r"(?:(\d{1,2})-)?(\d{1,2})", right)
    if short and first.day is not None:
        return _checked(first._replace(month=int(short[1] or first.month or 0), day=int(short[2]), time=None))
    if short and first.month is not None and short[1] is None:
        return _checked(first._replace(month=int(short[2])))
    return _moment(right, day_first=day_first)


def _after(first: Moment, years: int, months: int, weeks: int, days: int) -> Moment:
    """Return the last day of a duration that begins with `first`."""
    start = first_day(first)
    month = start.year * 12 + start.month - 1 + years * 12 + months
    year, month = month // 12, month % 12 + 1
    end = date(year, month, min(start.day, calendar.monthrange(year, month)[1]))
    end += timedelta(weeks=weeks, days=days - 1)
    return Moment(end.year, end.month, end.day, rule="duration")


def _moment(told: str, *, day_first: bool | None) -> Moment:
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
    return moment._replace(time=read_clock(match["time"]), zone=read_offset(match["zone"]))


def _day(told: str, *, day_first: bool | None) -> Moment:
    """Read a year, a month or a day in any of the forms that leave no doubt."""
    if match := _ORDINAL.fullmatch(told):
        return _ordinal(int(match[1]), int(match[2]))
    if match := _YEAR_LAST.fullmatch(told):
        return _year_last(int(match[1]), int(match[3]), int(match[4]), day_first=day_first)
    for pattern, (year, month, day), rule in _FORMS:
        if match := pattern.fullmatch(told):
            return _checked(Moment(int(match[year]), _number(match, month), _number(match, day), rule=rule))
    for pattern, (year, month, day) in _WITH_NAMES:
        if (match := pattern.fullmatch(told)) and (number := month_number(match[month], roman=match[day] is not None)):
            return _checked(Moment(int(match[year]), number, _number(match, day), rule="month_name"))
    problem = "no date in any form that is known"
    raise ValueError(problem)


# The groups of year, month and day; 0 where the form has no such part.
_FORMS: Final = (
    (_ISO, (1, 2, 3), None),
    (_BASIC, (1, 2, 3), "basic"),
    (_YEAR_FIRST, (1, 3, 4), "year_first"),
    (_MONTH_YEAR, (2, 1, 0), "year_last"),
    (_CHINESE, (1, 2, 3), "chinese"),
)
_WITH_NAMES: Final = ((_DAY_NAME_YEAR, (3, 2, 1)), (_NAME_DAY_YEAR, (3, 1, 2)), (_YEAR_NAME_DAY, (1, 2, 3)))


def _number(match: re.Match[str], group: int) -> int | None:
    """Return a group as a number, if it is there."""
    return int(match[group]) if group and match[group] is not None else None


def _year_last(one: int, two: int, year: int, *, day_first: bool | None) -> Moment:
    """Read 31/12/2010, or 12/31/2010: the number above 12 is the day."""
    if one > 12 or one == two:
        return _checked(Moment(year, two, one, rule="day_first"))
    if two > 12:
        return _checked(Moment(year, one, two, rule="month_first"))
    if day_first is None:
        raise AmbiguousError
    month, day = (two, one) if day_first else (one, two)
    return _checked(Moment(year, month, day, rule="day_first" if day_first else "month_first"))


def _ordinal(year: int, day_of_year: int) -> Moment:
    """Read a year and the number of a day in it."""
    day = date(year, 1, 1) + timedelta(days=day_of_year - 1)
    if day.year != year:
        problem = "the year has no such day"
        raise ValueError(problem)
    return Moment(day.year, day.month, day.day, rule="ordinal")


def _checked(moment: Moment) -> Moment:
    """Return the moment if the calendar has it; a year of the Buddhist Era by the leap years of its own."""
    year = moment.year - BUDDHIST_OFFSET if moment.year in BUDDHIST_YEARS else moment.year
    date(year, 1 if moment.month is None else moment.month, 1 if moment.day is None else moment.day)
    return moment


def read_clock(told: str) -> str:
    """Return a time of day as HH:MM[:SS[.f]], or HH:00 where only the hour was told.

    Raises
    ------
    ValueError
        If it is later than 24:00.
    """
    digits = told.replace(":", "").replace(",", ".")
    whole, _, fraction = digits.partition(".")
    whole = whole.zfill(len(whole) + len(whole) % 2)
    hour, minute, second = whole[:2], whole[2:4] or "00", whole[4:6]
    if int(hour) > 24 or (hour == "24" and (minute + second).strip("0")):
        problem = "no time of day"
        raise ValueError(problem)
    clock = f"{hour}:{minute}" + (f":{second}" if second else "")
    return f"{clock}.{fraction}" if fraction else clock


def read_offset(told: str | None) -> str | None:
    """Return an offset from UTC as ±HH:MM; None where none was told.

    Raises
    ------
    ValueError
        If it is more than 14 hours, or has more than 59 minutes.
    """
    if not told:
        return None
    if told in {"Z", "z"}:
        return "+00:00"
    digits = told[1:].replace(":", "").ljust(4, "0")
    if int(digits[:2]) > 14 or int(digits[2:]) > 59:
        problem = "no offset from UTC"
        raise ValueError(problem)
    return f"{told[0]}{digits[:2]}:{digits[2:]}"


def first_day(moment: Moment) -> date:
    """Return the first day of a year, month or day."""
    return date(moment.year, moment.month or 1, moment.day or 1)
