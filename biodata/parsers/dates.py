"""Dates of records: ISO 8601 as Darwin Core uses it, partial dates, intervals, and what spreadsheets make of them.

A date is never more precise than told and never guessed: what could be two dates gets a flag and no value.
"""

import calendar
import re
from datetime import date, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

import polars as pl

from biodata.parsers.date_forms import (
    BUDDHIST_OFFSET,
    BUDDHIST_YEARS,
    ONLY_TIME,
    AmbiguousError,
    Moment,
    first_day,
    read_clock,
    read_ends,
    read_offset,
)
from biodata.parsers.distinct import over_distinct
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

# Linnaeus is of 1758; GBIF doubts records from before 1600.
FIRST_LIKELY_YEAR: Final = 1600
# Day 1 of Excel's 1900 system is 1900-01-01, and it counts a 29 February 1900 that never was.
EXCEL_EPOCH: Final = date(1899, 12, 30)

# No date needs more; a longer text would only keep the patterns busy.
LONGEST: Final = 80

_SERIAL: Final = re.compile(r"(\d{5})(\.\d+)?")
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
    if len(text) > LONGEST:
        return Parsed(issue=INVALID)
    told = ascii_digits(text).translate({0x2212: "-", 0x2010: "-", 0x2011: "-", 0x2013: "-", 0xFF0F: "/", 0xFF0D: "-"})
    told = told.strip()
    serial = _SERIAL.fullmatch(told)
    if serial:
        return _serial(int(serial[1]), float(serial[2] or 0), today)
    try:
        first, last = read_ends(told, day_first=day_first)
        answer = _answer(first, last, today=today, buddhist=buddhist)
    except AmbiguousError:
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


def _answer(first: Moment, last: Moment, *, today: date, buddhist: bool) -> Parsed:
    """Turn both ends into an answer, with its doubts."""
    if first.year in BUDDHIST_YEARS and last.year in BUDDHIST_YEARS:
        common = [end._replace(year=end.year - BUDDHIST_OFFSET, rule="buddhist_era") for end in (first, last)]
        answer = _answer(common[0], common[1], today=today, buddhist=False)
        if answer.issue is None and not buddhist:
            return Parsed(issue=BUDDHIST, proposal=answer.event_date, rule="buddhist_era")
        return answer
    start, end = first_day(first), _last_day(last)
    if end < start:
        return Parsed(issue=INVALID)
    # A whole year or month may end after today, a told end may not begin after it.
    if first_day(last) > today + timedelta(days=1):
        return Parsed(issue=UNLIKELY)
    issue = UNLIKELY if start.year < FIRST_LIKELY_YEAR else None
    rule = first.rule or last.rule
    if first[:5] == last[:5]:
        precision = "time" if first.time else "day" if first.day else "month" if first.month else "year"
        return Parsed(_iso(first), start, end, precision, _to_second(first.time), first.zone, issue, None, rule)
    text = f"{_iso(first)}/{_iso(last)}"
    return Parsed(text, start, end, "interval", _to_second(first.time), first.zone, issue, None, rule)


def _last_day(moment: Moment) -> date:
    """Return the last day of a year, month or day."""
    month = moment.month or 12
    return date(moment.year, month, moment.day or calendar.monthrange(moment.year, month)[1])


def _to_second(clock: str | None) -> str | None:
    """Return a time of day without fractions of a second."""
    return clock[:8] if clock else None


def _iso(moment: Moment) -> str:
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
    match = ONLY_TIME.fullmatch(ascii_digits(text[:LONGEST]).replace("\u2212", "-").strip())
    if match is None or ":" not in match["time"]:
        return None, None
    try:
        return _to_second(read_clock(match["time"])), read_offset(match["zone"])
    except ValueError:
        return None, None
