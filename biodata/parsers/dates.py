"""Dates of records: ISO 8601 as Darwin Core uses it, partial dates, intervals, and what spreadsheets make of them.

A date is never more precise than told and never guessed: what could be two dates gets a flag and no value.
"""

import calendar
import re
from datetime import date, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

import polars as pl

from biodata.parsers.distinct import over_distinct
from biodata.parsers.months import month_number
from biodata.parsers.numerals import ascii_digits

INVALID: Final = "RECORDED_DATE_INVALID"
UNLIKELY: Final = "RECORDED_DATE_UNLIKELY"
SERIAL: Final = "RECORDED_DATE_EXCEL_SERIAL"
BUDDHIST: Final = "RECORDED_DATE_BUDDHIST_ERA"
AMBIGUOUS: Final = "RECORDED_DATE_DAY_MONTH_AMBIGUOUS"

SCHEMA: Final = pl.Schema(
    {
        "value": pl.String,
        "event_date": pl.String,
        "start": pl.Date,
        "end": pl.Date,
        "precision": pl.String,
        "time": pl.String,
        "zone": pl.String,
        "issue": pl.String,
        "proposal": pl.String,
        "rule": pl.String,
    }
)

# A year of the Buddhist Era is 543 ahead of the common one: 2400-2600 are 1857-2057, and no record is of those years.
BUDDHIST_YEARS: Final = range(2400, 2601)
BUDDHIST_OFFSET: Final = 543
# Linnaeus is of 1758; GBIF doubts records from before 1600.
FIRST_LIKELY_YEAR: Final = 1600
# Day 1 of Excel's 1900 system is 1900-01-01, and it counts a 29 February 1900 that never was.
EXCEL_EPOCH: Final = date(1899, 12, 30)

_TIME: Final = r"(?P<time>\d{1,2}(?::?[0-5]\d(?::?[0-5]\d(?:[.,]\d+)?)?)?)\s*(?P<zone>[Zz]|[+\-]\d{2}(?::?\d{2})?)?"
_WITH_TIME: Final = re.compile(rf"(?P<date>.*?\d)(?:[Tt]\s*|\s+){_TIME}")
_ONLY_TIME: Final = re.compile(rf"[Tt]?{_TIME}")
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
_SERIAL: Final = re.compile(r"(\d{5})(\.\d+)?")
_DURATION: Final = re.compile(r"P(?=\d)(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,3})W)?(?:(\d{1,5})D)?")
_FULL_ISO: Final = r"^\d{4}-\d{2}-\d{2}(T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?(Z|[+-](0\d|1[0-4]):[0-5]\d)?)?$"


class Parsed(NamedTuple):
    """What a text says of a date: the columns of `parse_dates` after `value`."""

    event_date: str | None = None
    start: date | None = None
    end: date | None = None
    precision: str | None = None
    time: str | None = None
    zone: str | None = None
    issue: str | None = None
    proposal: str | None = None
    rule: str | None = None


class _Moment(NamedTuple):
    """One end of a date: as far as it was told."""

    year: int
    month: int | None = None
    day: int | None = None
    time: str | None = None
    zone: str | None = None
    rule: str | None = None


class _AmbiguousError(ValueError):
    """Day and month could be either way round."""


def parse_dates(
    values: pl.Series, *, today: date, buddhist: bool = False, day_first: bool | None = None
) -> pl.DataFrame:
    """Read a column of dates.

    Parameters
    ----------
    values : polars.Series of str, length n
        Text without white space around it.
    today : date
        Nothing is recorded after it (a day more is allowed, for places where it is tomorrow already).
    buddhist : bool
        The dataset declares the Buddhist Era: its years 2400-2600 are converted, not only doubted.
    day_first : bool, optional
        What the whole column says of `03/04/2010`: True for the day first, False for the month first; None where it
        is not known, then such a date is flagged and not read.

    Returns
    -------
    polars.DataFrame of n rows
        `value` as told; `event_date` in ISO 8601; `start` and `end`, the first and last day it allows; `precision`:
        year, month, day, time or interval; `time` HH:MM[:SS] and `zone` ±HH:MM as told; `issue`, a flag's name;
        `proposal`, ISO text that waits for a decision; `rule`, where the text was no ISO date or is a proposal's.
        A value with an issue has no date, except one of before 1600: it is doubted and kept.

    Notes
    -----
    Forms after https://dwc.tdwg.org/terms/#dwc:eventDate and ISO 8601-1:2019.
    """

    def parse(distinct: pl.Series) -> pl.DataFrame:
        plain = distinct.alias("value").to_frame().with_columns(start=_full_iso_day(today))
        odd = plain.filter(pl.col("start").is_null())["value"]
        rows = [(text, *parse_date(text, today=today, buddhist=buddhist, day_first=day_first)) for text in odd]
        read = pl.DataFrame(rows, schema=SCHEMA, orient="row")
        return pl.concat([_full_iso(plain.filter(pl.col("start").is_not_null())), read])

    return over_distinct(values, parse)


def _full_iso_day(today: date) -> pl.Expr:
    """Return the day of a complete ISO date of likely years, most dates of most files; null for any other text."""
    value = pl.col("value")
    day = pl.when(value.str.contains(_FULL_ISO)).then(value.str.slice(0, 10)).str.to_date("%Y-%m-%d", strict=False)
    return pl.when(day.is_between(date(FIRST_LIKELY_YEAR, 1, 1), today)).then(day)


def _full_iso(plain: pl.DataFrame) -> pl.DataFrame:
    """Return the answers of `parse_dates` for complete ISO dates, from their `value` and `start`."""
    time_and_zone = pl.col("value").str.slice(11)
    time = time_and_zone.str.extract(r"^(\d\d:\d\d(?::\d\d)?)")
    zone = time_and_zone.str.extract(r"(Z|[+-]\d\d:\d\d)$").replace("Z", "+00:00")
    nothing = pl.lit(None, dtype=pl.String)
    return plain.select(
        "value",
        pl.col("value").str.replace(r"\+00:00$", "Z").alias("event_date"),
        "start",
        pl.col("start").alias("end"),
        pl.when(time.is_null()).then(pl.lit("day")).otherwise(pl.lit("time")).alias("precision"),
        time.alias("time"),
        zone.alias("zone"),
        *(nothing.alias(name) for name in ("issue", "proposal", "rule")),
    )


@lru_cache(maxsize=1 << 17)
def parse_date(text: str, *, today: date, buddhist: bool = False, day_first: bool | None = None) -> Parsed:
    """Read one date; parameters and answers as in `parse_dates`."""
    told = ascii_digits(text).translate({0x2212: "-", 0x2010: "-", 0x2011: "-", 0x2013: "-", 0xFF0F: "/", 0xFF0D: "-"})
    told = told.strip()
    serial = _SERIAL.fullmatch(told)
    if serial:
        return _serial(int(serial[1]), float(serial[2] or 0), today)
    try:
        first, last = _ends(told, day_first=day_first)
        answer = _answer(first, last, today=today, buddhist=buddhist)
    except _AmbiguousError:
        return Parsed(issue=AMBIGUOUS)
    except (ValueError, OverflowError):
        return Parsed(issue=INVALID)
    if answer.rule is None and answer.start is not None and not text.isascii():
        return answer._replace(rule="digits")
    return answer


def _serial(days: int, fraction: float, today: date) -> Parsed:
    """Propose the date that a spreadsheet's day number stands for."""
    day = EXCEL_EPOCH + timedelta(days=days)
    if day > today:
        return Parsed(issue=INVALID)
    seconds = round(fraction * 86_400)
    proposal = day.isoformat()
    if seconds and seconds < 86_400:
        proposal += f"T{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return Parsed(issue=SERIAL, proposal=proposal, rule="excel_serial_1900")


def _ends(told: str, *, day_first: bool | None) -> tuple[_Moment, _Moment]:
    """Return the first and the last moment of a date or an interval."""
    try:
        moment = _moment(told, day_first=day_first)
    except _AmbiguousError:
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


def _last(first: _Moment, right: str, *, day_first: bool | None) -> _Moment:
    """Read the end of an interval, which may leave out what is equal to its start, or be a duration."""
    duration = _DURATION.fullmatch(right)
    if duration:
        return _after(first, *(int(part or 0) for part in duration.groups()))
    if right[:1] in {"T", "t"} and (time := _ONLY_TIME.fullmatch(right)):
        return first._replace(time=_clock(time["time"]), zone=_offset(time["zone"]) or first.zone)
    ordinal = re.fullmatch(r"(\d{4})-(\d{1,3})", right)
    if first.rule == "ordinal" and ordinal:
        return _ordinal(int(ordinal[1]), int(ordinal[2]))
    short = re.fullmatch(r"(?:(\d{1,2})-)?(\d{1,2})", right)
    if short and first.day is not None:
        return _checked(first._replace(month=int(short[1] or first.month or 0), day=int(short[2]), time=None))
    if short and first.month is not None and short[1] is None:
        return _checked(first._replace(month=int(short[2])))
    return _moment(right, day_first=day_first)


def _after(first: _Moment, years: int, months: int, weeks: int, days: int) -> _Moment:
    """Return the last day of a duration that begins with `first`."""
    start = _first_day(first)
    month = start.year * 12 + start.month - 1 + years * 12 + months
    year, month = month // 12, month % 12 + 1
    end = date(year, month, min(start.day, calendar.monthrange(year, month)[1]))
    end += timedelta(weeks=weeks, days=days - 1)
    return _Moment(end.year, end.month, end.day, rule="duration")


def _moment(told: str, *, day_first: bool | None) -> _Moment:
    """Read one date, with a time behind it where there is one."""
    try:
        return _day(told, day_first=day_first)
    except _AmbiguousError:
        raise
    except ValueError:
        match = _WITH_TIME.fullmatch(told)
        if match is None:
            raise
    moment = _day(match["date"], day_first=day_first)
    if moment.day is None:
        problem = "a time without a day"
        raise ValueError(problem)
    return moment._replace(time=_clock(match["time"]), zone=_offset(match["zone"]))


def _day(told: str, *, day_first: bool | None) -> _Moment:
    """Read a year, a month or a day in any of the forms that leave no doubt."""
    if match := _ORDINAL.fullmatch(told):
        return _ordinal(int(match[1]), int(match[2]))
    if match := _YEAR_LAST.fullmatch(told):
        return _year_last(int(match[1]), int(match[3]), int(match[4]), day_first=day_first)
    for pattern, (year, month, day), rule in _FORMS:
        if match := pattern.fullmatch(told):
            return _checked(_Moment(int(match[year]), _number(match, month), _number(match, day), rule=rule))
    for pattern, (year, month, day) in _WITH_NAMES:
        if (match := pattern.fullmatch(told)) and (number := month_number(match[month], roman=match[day] is not None)):
            return _checked(_Moment(int(match[year]), number, _number(match, day), rule="month_name"))
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


def _year_last(one: int, two: int, year: int, *, day_first: bool | None) -> _Moment:
    """Read 31/12/2010, or 12/31/2010: the number above 12 is the day."""
    if one > 12 or one == two:
        return _checked(_Moment(year, two, one, rule="day_first"))
    if two > 12:
        return _checked(_Moment(year, one, two, rule="month_first"))
    if day_first is None:
        raise _AmbiguousError
    month, day = (two, one) if day_first else (one, two)
    return _checked(_Moment(year, month, day, rule="day_first" if day_first else "month_first"))


def _ordinal(year: int, day_of_year: int) -> _Moment:
    """Read a year and the number of a day in it."""
    day = date(year, 1, 1) + timedelta(days=day_of_year - 1)
    if day.year != year:
        problem = "the year has no such day"
        raise ValueError(problem)
    return _Moment(day.year, day.month, day.day, rule="ordinal")


def _checked(moment: _Moment) -> _Moment:
    """Return the moment if the calendar has it; a year of the Buddhist Era by the leap years of its own."""
    year = moment.year - BUDDHIST_OFFSET if moment.year in BUDDHIST_YEARS else moment.year
    date(year, 1 if moment.month is None else moment.month, 1 if moment.day is None else moment.day)
    return moment


def _clock(told: str) -> str:
    """Return a time of day as HH:MM[:SS[.f]], or HH:00 where only the hour was told."""
    digits = told.replace(":", "").replace(",", ".")
    whole, _, fraction = digits.partition(".")
    whole = whole.zfill(len(whole) + len(whole) % 2)
    hour, minute, second = whole[:2], whole[2:4] or "00", whole[4:6]
    if int(hour) > 24 or (hour == "24" and (minute + second).strip("0")):
        problem = "no time of day"
        raise ValueError(problem)
    clock = f"{hour}:{minute}" + (f":{second}" if second else "")
    return f"{clock}.{fraction}" if fraction else clock


def _offset(told: str | None) -> str | None:
    """Return an offset from UTC as ±HH:MM."""
    if not told:
        return None
    if told in {"Z", "z"}:
        return "+00:00"
    digits = told[1:].replace(":", "").ljust(4, "0")
    if int(digits[:2]) > 14 or int(digits[2:]) > 59:
        problem = "no offset from UTC"
        raise ValueError(problem)
    return f"{told[0]}{digits[:2]}:{digits[2:]}"


def _answer(first: _Moment, last: _Moment, *, today: date, buddhist: bool) -> Parsed:
    """Turn both ends into an answer, with its doubts."""
    if first.year in BUDDHIST_YEARS and last.year in BUDDHIST_YEARS:
        common = [end._replace(year=end.year - BUDDHIST_OFFSET, rule="buddhist_era") for end in (first, last)]
        answer = _answer(common[0], common[1], today=today, buddhist=False)
        if answer.issue is None and not buddhist:
            return Parsed(issue=BUDDHIST, proposal=answer.event_date, rule="buddhist_era")
        return answer
    start, end = _first_day(first), _last_day(last)
    if end < start:
        return Parsed(issue=INVALID)
    # A whole year or month may end after today, a told end may not begin after it.
    if _first_day(last) > today + timedelta(days=1):
        return Parsed(issue=UNLIKELY)
    issue = UNLIKELY if start.year < FIRST_LIKELY_YEAR else None
    rule = first.rule or last.rule
    if first[:5] == last[:5]:
        precision = "time" if first.time else "day" if first.day else "month" if first.month else "year"
        return Parsed(_iso(first), start, end, precision, _to_second(first.time), first.zone, issue, None, rule)
    text = f"{_iso(first)}/{_iso(last)}"
    return Parsed(text, start, end, "interval", _to_second(first.time), first.zone, issue, None, rule)


def _first_day(moment: _Moment) -> date:
    """Return the first day of a year, month or day."""
    return date(moment.year, moment.month or 1, moment.day or 1)


def _last_day(moment: _Moment) -> date:
    """Return the last day of a year, month or day."""
    month = moment.month or 12
    return date(moment.year, month, moment.day or calendar.monthrange(moment.year, month)[1])


def _to_second(clock: str | None) -> str | None:
    """Return a time of day without fractions of a second."""
    return clock[:8] if clock else None


def _iso(moment: _Moment) -> str:
    """Write a moment as ISO 8601 text, as far as it was told."""
    text = f"{moment.year:04}"
    text += f"-{moment.month:02}" if moment.month else ""
    text += f"-{moment.day:02}" if moment.day else ""
    if moment.time:
        zone = "Z" if moment.zone == "+00:00" else moment.zone or ""
        text += f"T{moment.time}{zone}"
    return text


def parse_times(values: pl.Series) -> pl.DataFrame:
    """Read a column of times of day.

    Parameters
    ----------
    values : polars.Series of str, length n
        Such as `14:07`, `14:07:30-06:00`, `08:40Z`.

    Returns
    -------
    polars.DataFrame of n rows
        `value` as told; `clock` as HH:MM[:SS] and `offset` as ±HH:MM, null where they cannot be read.
    """

    def parse(distinct: pl.Series) -> pl.DataFrame:
        rows = [(text, *_time(text)) for text in distinct]
        return pl.DataFrame(rows, schema=dict.fromkeys(("value", "clock", "offset"), pl.String), orient="row")

    return over_distinct(values, parse)


def _time(text: str) -> tuple[str | None, str | None]:
    """Return a time of day and its offset."""
    match = _ONLY_TIME.fullmatch(ascii_digits(text).replace("\u2212", "-").strip())
    if match is None or ":" not in match["time"]:
        return None, None
    try:
        return _to_second(_clock(match["time"])), _offset(match["zone"])
    except ValueError:
        return None, None
