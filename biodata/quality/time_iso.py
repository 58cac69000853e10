"""Whether a text is a date of ISO 8601-1 as Darwin Core uses it, and what span of time it tells; one text at a time.

Nothing is repaired here: white space, another separator or a missing zero makes a text invalid. The way a text can be
read in spite of that is the amendments' matter.
"""

import re
from calendar import isleap, monthrange
from datetime import date, timedelta
from typing import Final, NamedTuple

EPOCH: Final = date(1970, 1, 1).toordinal()
"""Days are counted from 1970-01-01."""
DAY: Final = 86_400
"""Seconds of a day; leap seconds do not count in durations."""

YEAR, MONTH, WEEK, DATE, TIME = range(5)
"""How fine a date is told; a coarser one is the smaller number."""

LONGEST: Final = 100
"""No date or interval needs more characters."""

_CALENDAR: Final = re.compile(r"(\d{4})(?:-(\d\d)(?:-(\d\d))?)?", re.ASCII)
_ORDINAL: Final = re.compile(r"(\d{4})-?(\d{3})", re.ASCII)
_BASIC_OR_WEEK: Final = re.compile(r"\d{8}|\d{4}-W\d\d(?:-[1-7])?|\d{4}W\d\d[1-7]?", re.ASCII)
_CLOCK: Final = re.compile(
    r"(?P<hour>\d\d)(?:(?P<colon>:?)(?P<minute>\d\d)(?:(?P=colon)(?P<second>\d\d))?)?(?:[.,](?P<fraction>\d{1,9}))?"
    r"(?P<zone>Z|[+-]\d\d(?::?\d\d)?)?",
    re.ASCII,
)
_DURATION: Final = re.compile(
    r"P(?=[\dT])(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,6})D)?"
    r"(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,8})S)?)?",
    re.ASCII,
)
_SHORT_DAY: Final = re.compile(r"(?:(\d\d)-)?(\d\d)", re.ASCII)


class Moment(NamedTuple):
    """One end of a span: its first day, the day behind its last, how fine it is told, and its time where it has one.

    Days are counted from 1970-01-01, `begin` and `end` are seconds of the day, `end` of what the finest told part
    covers; `offset` is the zone in seconds east of UTC.
    """

    first: int
    beyond: int
    precision: int
    begin: int = 0
    end: int = 0
    offset: int | None = None

    @property
    def start(self) -> int:
        """The first second, by the local clock."""
        return self.first * DAY + self.begin

    @property
    def stop(self) -> int:
        """The second behind the last, by the local clock."""
        return self.first * DAY + self.end if self.precision == TIME else self.beyond * DAY


class Span(NamedTuple):
    """What a date or an interval tells; days from 1970-01-01, seconds by the local clock.

    `first` and `last` are the days it begins and ends on, `last_from` the first day that its last part may mean
    (2010-03-01 of 2010-03), `precision` the coarser of both ends, `seconds` its duration.
    """

    first: int
    last: int
    last_from: int
    precision: int
    start: int
    stop: int
    start_offset: int | None
    stop_offset: int | None
    seconds: int


def read_span(text: str) -> Span | None:
    """Read a date or an interval of ISO 8601-1.

    Parameters
    ----------
    text : str
        The text as told.

    Returns
    -------
    Span, or None where the text is no valid date

    Notes
    -----
    Years have four digits; calendar, ordinal and week dates, complete ones in the basic format too; a time needs a
    day; 24:00 is none in the edition that Darwin Core names (ISO 8601-1:2019; its amendment of 2022 has it back), a
    second 60 is a leap second at 23:59 UTC; a zone may
    be written with or without a colon whatever the time's format (Darwin Core's own example is 14:07-0600). An
    interval has two ends, the second of which may leave out what is equal, or one end and a duration; open ends and
    repetitions are of other parts of the standard.
    """
    if len(text) > LONGEST:
        return None
    try:
        left, slash, right = text.partition("/")
        if not slash:
            return _span_of_one(_moment(left))
        return _interval(left, right)
    except (ValueError, OverflowError):
        return None


def _span_of_one(moment: Moment) -> Span:
    """Return the span of a single date."""
    return Span(
        moment.first,
        moment.beyond - 1,
        moment.first,
        moment.precision,
        moment.start,
        moment.stop,
        moment.offset,
        moment.offset,
        moment.stop - moment.start,
    )


def _interval(left: str, right: str) -> Span:
    """Return the span between two ends, one of which may be a duration."""
    if left.startswith("P"):
        return _with_duration(_moment(right), left, -1)
    first = _moment(left)
    if right.startswith("P"):
        return _with_duration(first, right, 1)
    last = _end(first, left, right)
    # Times told at both ends are instants; else the whole of the last part belongs to the interval.
    stop = last.start if first.precision == last.precision == TIME else last.stop
    seconds = stop - first.start
    if first.offset is not None and last.offset is not None:
        seconds += first.offset - last.offset
    if seconds < 0 or last.beyond <= first.first:
        raise ValueError
    precision = min(first.precision, last.precision)
    return Span(
        first.first, last.beyond - 1, last.first, precision, first.start, stop, first.offset, last.offset, seconds
    )


def _with_duration(moment: Moment, duration: str, sign: int) -> Span:
    """Return the span that begins (or ends, if `sign` is -1) with a moment and is as long as a duration."""
    match = _DURATION.fullmatch(duration)
    if match is None:
        raise ValueError
    years, months, weeks, days, hours, minutes, seconds = (sign * int(part or 0) for part in match.groups())
    told = moment.start if sign > 0 or moment.precision == TIME else moment.stop
    begin = date.fromordinal(told // DAY + EPOCH)
    count = begin.year * 12 + begin.month - 1 + years * 12 + months
    year, month = count // 12, count % 12 + 1
    moved = _number(year, month, min(begin.day, monthrange(year, month)[1])) + weeks * 7 + days
    other = moved * DAY + told % DAY + hours * 3600 + minutes * 60 + seconds
    start, stop = min(told, other), max(told, other)
    first, last = start // DAY, max(start, stop - 1) // DAY
    date.fromordinal(first + EPOCH), date.fromordinal(last + EPOCH)
    return Span(first, last, last, moment.precision, start, stop, moment.offset, moment.offset, stop - start)


def _moment(text: str) -> Moment:
    """Read one date with the time behind it."""
    told, mark, clock = text.partition("T")
    day = _date(told)
    if not mark:
        return day
    if day.precision != DATE:
        raise ValueError
    return _at(day, clock, basic="-" not in told)


def _date(text: str) -> Moment:
    """Read a date without time."""
    if match := _CALENDAR.fullmatch(text):
        return _calendar(int(match[1]), match[2], match[3])
    if match := _ORDINAL.fullmatch(text):
        day = date(int(match[1]), 1, 1) + timedelta(days=int(match[2]) - 1)
        if day.year != int(match[1]):
            raise ValueError
        return Moment(day.toordinal() - EPOCH, day.toordinal() - EPOCH + 1, DATE)
    if not _BASIC_OR_WEEK.fullmatch(text):
        raise ValueError
    first = date.fromisoformat(text).toordinal() - EPOCH
    is_week = "W" in text and len(text.replace("-", "")) == len("2009W01")
    return Moment(first, first + 7, WEEK) if is_week else Moment(first, first + 1, DATE)


def _number(year: int, month: int = 1, day: int = 1) -> int:
    """Return the number of a day of the calendar."""
    return date(year, month, day).toordinal() - EPOCH


def _calendar(year: int, month: str | None, day: str | None) -> Moment:
    """Return a year, a month or a day of the calendar."""
    if month is None:
        first = _number(year)
        return Moment(first, first + 365 + isleap(year), YEAR)
    if day is None:
        first = _number(year, int(month))
        return Moment(first, first + monthrange(year, int(month))[1], MONTH)
    first = _number(year, int(month), int(day))
    return Moment(first, first + 1, DATE)


def _at(day: Moment, text: str, *, basic: bool | None = None) -> Moment:
    """Return a day with a time on it; `basic` is the date's format, which the time's has to share."""
    match = _CLOCK.fullmatch(text)
    if match is None:
        raise ValueError
    hour, minute, second = int(match["hour"]), match["minute"], match["second"]
    if minute is not None and basic is not None and basic != (match["colon"] == ""):
        raise ValueError
    unit = 1 if second else 60 if minute else 3600
    begin = hour * 3600 + int(minute or 0) * 60 + min(int(second or 0), 59)
    offset = _offset(match["zone"])
    if hour > 23 or int(minute or 0) > 59 or int(second or 0) > 60:
        raise ValueError
    if int(second or 0) == 60 and (begin - (offset or 0)) % DAY != DAY - 1:
        raise ValueError
    if match["fraction"]:
        begin += int(float(f"0.{match['fraction']}") * unit)
        unit = 1
    return day._replace(precision=TIME, begin=begin, end=begin + unit, offset=offset)


def _offset(zone: str | None) -> int | None:
    """Return a zone in seconds east of UTC; None where none was told."""
    if zone is None:
        return None
    if zone == "Z":
        return 0
    hours, minutes = int(zone[1:3]), int(zone[3:].lstrip(":") or 0)
    if hours > 14 or minutes > 59 or zone in {"-00", "-0000", "-00:00"}:
        raise ValueError
    return (hours * 3600 + minutes * 60) * (-1 if zone[0] == "-" else 1)


def _end(first: Moment, left: str, right: str) -> Moment:
    """Read the second end of an interval, which may leave out the larger parts that are equal to the first's."""
    short = _CLOCK.fullmatch(right.removeprefix("T")) if first.precision == TIME else None
    if short and (right.startswith("T") or (short["colon"] or "") == (":" if ":" in left else "")):
        last = _at(first._replace(precision=DATE), right.removeprefix("T"))
        return last if last.offset is not None else last._replace(offset=first.offset)
    day_part, mark, clock = right.partition("T")
    start_date = left.partition("T")[0]
    parts, calendar_start = _SHORT_DAY.fullmatch(day_part), _CALENDAR.fullmatch(start_date)
    if parts and calendar_start:
        year, month, day = calendar_start.groups()
        if day is not None:
            last = _calendar(int(year), parts[1] or month, parts[2])
        elif month is not None and parts[1] is None and not mark:
            last = _calendar(int(year), parts[2], None)
        else:
            raise ValueError
        last = _at(last, clock, basic=False) if mark else last
    else:
        last = _moment(right)
    if last.precision == TIME and last.offset is None:
        return last._replace(offset=first.offset)
    return last
