"""The forms in which one date is written: what was stated, no more, and no guess.

Conventions
- ISO 8601 and what Darwin Core makes of it: years, months, days, ordinal and week dates, times. Negative and expanded
  years are not read. `2010/11` is November 2010.
- Of two numbers before or behind a year, the one above 12 is the day; else the order has to be stated.
"""

import calendar
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple

from biodata.text import times
from biodata.text.date_words import BUDDHIST_YEARS, Era, Partial, common_years, exists, read_words

_WITH_TIME: Final = re.compile(
    rf"(?P<date>.*?\S)(?:(?<=\d)[Tt]\s*|,?\s+|(?<=[日号號]))(?P<clock>{times.ISO_TIME}|{times.HALF_DAY_TIME}|"
    rf"{times.WORD_TIME})"
)
_ISO: Final = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_YEAR_FIRST: Final = re.compile(r"(\d{4})([/.:\\_ ])(\d{1,2})(?:\2(\d{1,2}))?")
_YEAR_LAST: Final = re.compile(r"(\d{1,2})\s?([-/.\\_ ])\s?(\d{1,2})\s?\2\s?(\d{4})")
_MONTH_YEAR: Final = re.compile(r"(\d{1,2})[-/.\\ ](\d{4})")
_ORDINAL: Final = re.compile(r"(\d{4})-?(\d{3})")
WEEK: Final = re.compile(r"(\d{4})(?:-W(\d{2})(?:-([1-7]))?|W(\d{2})([1-7])?)")


class Moment(NamedTuple):
    """One end of a date, as far as it was stated; `rule` names its form where that is not ISO 8601's usual one."""

    year: int
    month: int | None = None
    day: int | None = None
    time: str | None = None
    zone: str | None = None
    rule: str | None = None
    era: Era | None = None


class AmbiguousError(ValueError):
    """Day and month could be either way round."""


def read_moment(text: str, *, day_first: bool | None) -> Moment:
    """Read one date, with a time behind it where there is one."""
    try:
        return _day(text, day_first=day_first)
    except AmbiguousError:
        raise
    except ValueError:
        match = _WITH_TIME.fullmatch(text)
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
    clock, zone = times.read_time(match["clock"].strip())
    # A time in words, with am or pm, or with the name of a zone.
    rule = moment.rule or ("clock" if re.search(r"[^\W\dTZtz]", match["clock"]) else None)
    return zoned(moment._replace(time=clock, rule=rule), zone)


def zoned(moment: Moment, zone: str | None) -> Moment:
    """Give a time its offset, and see that a leap second stands where one can be."""
    day, clock, rule = first_day(moment), moment.time or "00:00", moment.rule
    if zone is not None and zone[0] not in "+-":
        zone, rule = times.offset_at(zone, day, clock), rule or "zone_name"
    if clock[6:8] == "60" and not _may_leap(day, clock, zone):
        problem = "no leap second can be there"
        raise ValueError(problem)
    return moment._replace(zone=zone, rule=rule)


def _may_leap(day: date, clock: str, zone: str | None) -> bool:
    """Return whether a leap second can be there: at the end of a UTC June or December since 1972."""
    last_days = {(6, 30), (12, 31)}
    if zone is None:
        # UTC's midnight may be on the morning after.
        return day.year >= 1972 and any((near.month, near.day) in last_days for near in (day, day - timedelta(days=1)))
    offset = timedelta(hours=int(zone[1:3]), minutes=int(zone[4:6]))
    local = datetime.combine(day, time(int(clock[:2]), int(clock[3:5])), tzinfo=UTC)
    utc = local - offset if zone[0] == "+" else local + offset
    return utc.year >= 1972 and (utc.hour, utc.minute) == (23, 59) and (utc.month, utc.day) in last_days


def _day(text: str, *, day_first: bool | None) -> Moment:
    """Read a year, a month or a day in any of the forms that leave no doubt."""
    if match := _ORDINAL.fullmatch(text):
        return ordinal(int(match[1]), int(match[2]))
    if (match := WEEK.fullmatch(text.upper())) and (match[3] or match[5]):
        return day_moment(
            date.fromisocalendar(int(match[1]), int(match[2] or match[4]), int(match[3] or match[5])), "week"
        )
    if match := _YEAR_LAST.fullmatch(text):
        return _year_last(int(match[1]), int(match[3]), int(match[4]), day_first=day_first)
    if re.fullmatch(r"\d{8}", text):
        return _eight_digits(text, day_first=day_first)
    for pattern, (year, month, day), rule in _FORMS:
        if match := pattern.fullmatch(text):
            return checked(Moment(int(match[year]), _number(match, month), _number(match, day), rule=rule))
    first, last = read_words(text)
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


def _eight_digits(text: str, *, day_first: bool | None) -> Moment:
    """Read 20240305; or 21121978 where the first four are no year with such a month and day."""
    try:
        return checked(Moment(int(text[:4]), int(text[4:6]), int(text[6:]), rule="basic"))
    except ValueError:
        return _year_last(int(text[:2]), int(text[2:4]), int(text[4:]), day_first=day_first)


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
    """Return what words stated, if the calendar has it."""
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


# Both ends of a date or an interval, one text at a time.
#
# Conventions
# - ISO 8601's intervals: two dates, an end that leaves out what is equal to its start, a duration on either side. A
#   duration of days from a day counts that day; one from a time ends at a time.
# - `2010/2011`, `2010-05-12 to 2010-05-15` and `12-15.05.2010` are intervals. An open one (`2009/..`) is not read.
# - Where one end proves the order of day and month, it holds for the other.

_DAYS_YEAR_LAST: Final = re.compile(r"(\d{1,2})\s?-\s?(\d{1,2})([/.])(\d{1,2})\3(\d{4})")
_YEAR_FIRST_DAYS: Final = re.compile(r"(\d{4})([/.])(\d{1,2})\2(\d{1,2})\s?-\s?(\d{1,2})")
_DURATION: Final = re.compile(
    r"P(?=\d|T)(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,3})W)?(?:(\d{1,5})D)?"
    r"(?:T(?=\d)(?:(\d{1,4})H)?(?:(\d{1,5})M)?(?:(\d{1,7})S)?)?"
)
_FROM_TO: Final = re.compile(
    r"\s+(?:-|to|until|till|through|bis|au|s/d|sampai|hingga|đến|ถึง|ເຖິງ|ដល់)\s+|\s*[~至到]\s*", re.IGNORECASE
)


def read_ends(text: str, *, day_first: bool | None) -> tuple[Moment, Moment]:
    """Return the first and the last moment of a date or an interval.

    Parameters
    ----------
    text : str
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
    for read in (_one, _interval, _range, _words):
        try:
            return read(text, day_first)
        except AmbiguousError:
            raise
        except ValueError:
            continue
    problem = "no date in any form that is known"
    raise ValueError(problem)


def _one(text: str, day_first: bool | None) -> tuple[Moment, Moment]:
    """Read one date, or a week."""
    if (match := WEEK.fullmatch(text.upper())) and not (match[3] or match[5]):
        monday = date.fromisocalendar(int(match[1]), int(match[2] or match[4]), 1)
        return day_moment(monday, "week"), day_moment(monday + timedelta(days=6), "week")
    moment = read_moment(text, day_first=day_first)
    return moment, moment


def _interval(text: str, day_first: bool | None) -> tuple[Moment, Moment]:
    """Read an interval with a slash."""
    left, slash, right = (part.strip() for part in text.partition("/"))
    if not slash or "/" in right:
        problem = "no interval"
        raise ValueError(problem)
    if duration := _DURATION.fullmatch(left):
        _, last = _one(right, day_first)
        last = last if last.time else _whole_day(last, first=False)
        return _moved(last, duration, back=True), last
    first, _ = _one(left, day_first)
    if duration := _DURATION.fullmatch(right):
        first = _whole_day(first)
        return first, _moved(first, duration)
    return first, _last(first, right, day_first=day_first)


def _range(text: str, day_first: bool | None) -> tuple[Moment, Moment]:
    """Read two dates in numbers with a hyphen or a word between them; either may state the order of day and month."""
    if match := _DAYS_YEAR_LAST.fullmatch(text):
        year, month = int(match[5]), int(match[4])
        first, last = (checked(Moment(year, month, int(match[end]), rule="day_first")) for end in (1, 2))
        return first, last
    if match := _YEAR_FIRST_DAYS.fullmatch(text):
        year, month = int(match[1]), int(match[3])
        first, last = (checked(Moment(year, month, int(match[end]), rule="year_first")) for end in (4, 5))
        return first, last
    parting = list(_FROM_TO.finditer(text)) or list(re.finditer("-", text))
    found = set()
    for sign in parting:
        try:
            found.add(_both(text[: sign.start()].strip(), text[sign.end() :].strip(), day_first))
        except AmbiguousError:
            raise
        except ValueError:
            continue
    if len(found) != 1:
        problem = "no interval"
        raise ValueError(problem)
    return found.pop()


def _both(left: str, right: str, day_first: bool | None) -> tuple[Moment, Moment]:
    """Read both ends of an interval, as precise as each other; either may state the order of day and month."""
    if not (re.search(r"\d{4}", left) and re.search(r"\d{4}", right)):
        problem = "an end without a year"
        raise ValueError(problem)
    try:
        first, last = (read_moment(end, day_first=day_first) for end in (left, right))
    except AmbiguousError:
        orders = {order for end in (left, right) if (order := _proved_order(end)) is not None}
        if len(orders) != 1:
            raise
        first, last = (read_moment(end, day_first=orders == {True}) for end in (left, right))
    if [part is None for part in first[1:3]] != [part is None for part in last[1:3]]:
        problem = "its ends are not as precise as each other"
        raise ValueError(problem)
    return first._replace(rule=first.rule or "range"), last._replace(rule=last.rule or "range")


def _proved_order(text: str) -> bool | None:
    """Return True where a date proves that its day stands first, False for the month; None where it proves nothing."""
    try:
        rule = read_moment(text, day_first=None).rule
    except ValueError:
        return None
    return {"day_first": True, "month_first": False}.get(rule or "")


def _words(text: str, day_first: bool | None) -> tuple[Moment, Moment]:
    """Read an interval in words."""
    del day_first
    first, last = read_words(text)
    return from_words(first), from_words(last)


def _last(first: Moment, right: str, *, day_first: bool | None) -> Moment:
    """Read the end of an interval, which may leave out what is equal to its start."""
    if right[:1] in {"T", "t"} or re.match(r"\d{1,2}:\d", right):
        clock, zone = times.read_time(right)
        return zoned(first._replace(time=clock, zone=None), zone or first.zone)
    # Behind a year two digits up to 12 are a month.
    of_year = re.fullmatch(r"(?:(\d{4})-(?!(?:0\d|1[0-2])$))?(\d{1,3})", right)
    if first.rule == "ordinal" and of_year:
        return ordinal(int(of_year[1] or first.year), int(of_year[2]))
    week = re.fullmatch(r"(?:W(\d{2})-)?([1-7])", right.upper())
    if first.rule == "week" and week:
        iso = date(first.year, first.month or 1, first.day or 1).isocalendar()
        return day_moment(date.fromisocalendar(iso.year, int(week[1] or iso.week), int(week[2])), "week")
    with_time = re.fullmatch(r"((?:\d{1,2}-)?\d{1,2})[Tt](.+)", right)
    if with_time and first.day is not None:
        clock, zone = times.read_time(with_time[2])
        day = _last(first._replace(time=None, zone=None), with_time[1], day_first=day_first)
        return zoned(day._replace(time=clock), zone or first.zone)
    short = re.fullmatch(r"(?:(\d{1,2})-)?(\d{1,2})", right)
    if short and first.day is not None:
        month = int(short[1] or first.month or 0)
        return checked(first._replace(month=month, day=int(short[2]), time=None, zone=None))
    if short and first.month is not None and short[1] is None:
        return checked(first._replace(month=int(short[2])))
    return _one(right, day_first)[1]


def _whole_day(moment: Moment, *, first: bool = True) -> Moment:
    """Return the first or the last day of what a duration is counted from."""
    if first:
        return moment._replace(month=moment.month or 1, day=moment.day or 1)
    last = last_day(moment)
    return moment._replace(month=last.month, day=last.day)


def _moved(moment: Moment, duration: re.Match[str], *, back: bool = False) -> Moment:
    """Return the other end of a duration: from a time to a time, from a day to the last day that it fills."""
    years, months, weeks, days, hours, minutes, seconds = (int(part or 0) for part in duration.groups())
    if not any((years, months, weeks, days, hours, minutes, seconds)):
        problem = "a duration of nothing"
        raise ValueError(problem)
    sign = -1 if back else 1
    start = first_day(moment)
    timed = moment.time is not None
    if not timed and (hours or minutes or seconds):
        problem = "hours that begin with no time"
        raise ValueError(problem)
    # Days are counted from midnight to midnight: a day's duration backwards begins with the end of the day.
    if back and not timed:
        start += timedelta(days=1)
    month = start.year * 12 + start.month - 1 + sign * (years * 12 + months)
    year, month = month // 12, month % 12 + 1
    if not 1 <= year <= 9999:
        problem = "beyond the calendar"
        raise OverflowError(problem)
    end = date(year, month, min(start.day, calendar.monthrange(year, month)[1])) + sign * timedelta(weeks * 7 + days)
    if not timed:
        return day_moment(end if back else end - timedelta(days=1), "duration")
    clock = moment.time or ""
    since_midnight = timedelta(hours=int(clock[:2]), minutes=int(clock[3:5]), seconds=int(clock[6:8] or 0))
    local = datetime.combine(end, time(), tzinfo=UTC) + since_midnight
    local += sign * timedelta(hours=hours, minutes=minutes, seconds=seconds)
    text = f"{local:%H:%M:%S}" if len(clock) > 5 or seconds else f"{local:%H:%M}"
    return day_moment(local.date(), "duration")._replace(time=text, zone=moment.zone)
