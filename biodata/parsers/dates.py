"""Dates of records: ISO 8601 as Darwin Core uses it, partial dates, intervals, and what spreadsheets make of them.

A date is never more precise than told and never guessed: what could be two dates gets a flag and no value.

Conventions
- Day before month or month before day is told by the column (`day_month.OrderEvidence`) or declared, never by one value.
- Two digits are never read as a year; the two years that they most likely stand for are proposed (`short_years`).
- 24:00 stays with the day that it ends. Years before 1 and beyond 9999 are not read.
- A year of 2400-2600 without its era may be of the Buddhist Era, even where nothing else is possible: it is proposed, and
  read only where the text says its era or the dataset declares the calendar. Minguo always says itself.
- A spreadsheet's day number is proposed in both of its systems, of 1900 and of 1904.
- A reversed interval is no date; the interval the right way round is proposed.
"""

from datetime import date
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.parsers.clocks import read_time
from biodata.parsers.confidence import Confidence
from biodata.parsers.date_answers import (
    AMBIGUOUS,
    BUDDHIST,
    EPOCHS,
    FIRST_LIKELY_YEAR,
    INVALID,
    LONGEST,
    SERIAL,
    SIGNS,
    UNLIKELY,
    parse_date,
    to_second,
)
from biodata.parsers.distinct import over_distinct
from biodata.parsers.numerals import ascii_digits

__all__ = [
    "AMBIGUOUS",
    "BUDDHIST",
    "EPOCHS",
    "INVALID",
    "SERIAL",
    "UNLIKELY",
    "parse_date",
    "parse_dates",
    "parse_times",
]

GBIF_ISSUES: Final = MappingProxyType(
    {INVALID: INVALID, UNLIKELY: UNLIKELY, SERIAL: INVALID, BUDDHIST: INVALID, AMBIGUOUS: INVALID}
)
"""The issue that GBIF gives for each of ours: to it, all that is not read is invalid."""

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
        "alternative": pl.String,
        "alternative_rule": pl.String,
        "confidence": pl.String,
    }
)

_FULL_ISO: Final = r"^\d{4}-\d{2}-\d{2}(T([01]\d|2[0-3]):[0-5]\d(:[0-5]\d(\.\d+)?)?(Z|[+-](0\d|1[0-3]):[0-5]\d)?)?$"


def parse_dates(
    values: pl.Series,
    *,
    today: date,
    buddhist: bool = False,
    day_first: bool | None = None,
    spreadsheet: str | None = None,
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
    spreadsheet : str, optional
        The dataset declares that day numbers are dates, and of which system: `1900` or `1904`.

    Returns
    -------
    polars.DataFrame of n rows
        `value` as told; `event_date` in ISO 8601; `start` and `end`, the first and last day it allows; `precision`:
        year, month, day, time or interval; `time` HH:MM[:SS] and `zone` ±HH:MM as told; `issue`, a flag's name;
        `proposal`, ISO text that waits for a decision; `rule`, where the text was no ISO date or is a proposal's;
        `alternative` and `alternative_rule`, the other reading of a text that has two; `confidence`: DEFINITE where the
        text has one reading, PROBABLE where a declaration or the column decided or the date is doubted and kept,
        POSSIBLE where there are only proposals, null where there is nothing.
        A value with an issue has no date, except one of before 1600: it is doubted and kept.

    Notes
    -----
    Forms after https://dwc.tdwg.org/terms/#dwc:eventDate and ISO 8601-1:2019.
    """
    distinct = values.drop_nulls().unique()
    if 2 * distinct.len() > values.len():
        # Hardly a value comes twice: where all are complete ISO dates, joining costs more than reading each.
        whole = values.alias("value").to_frame().with_columns(start=_full_iso_day(today))
        if whole["start"].null_count() == values.null_count():
            return _full_iso(whole)

    def parse(distinct: pl.Series) -> pl.DataFrame:
        plain = distinct.alias("value").to_frame().with_columns(start=_full_iso_day(today))
        odd = plain.filter(pl.col("start").is_null())["value"]
        rows = [
            (text, *parse_date(text, today=today, buddhist=buddhist, day_first=day_first, spreadsheet=spreadsheet))
            for text in odd
        ]
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
    nothing, read = pl.lit(None, dtype=pl.String), pl.col("start").is_not_null()
    return plain.select(
        "value",
        pl.col("value").str.replace(r"\+00:00$", "Z").alias("event_date"),
        "start",
        pl.col("start").alias("end"),
        pl.when(time.is_not_null()).then(pl.lit("time")).when(read).then(pl.lit("day")).alias("precision"),
        time.alias("time"),
        zone.alias("zone"),
        *(nothing.alias(name) for name in ("issue", "proposal", "rule", "alternative", "alternative_rule")),
        pl.when(read).then(pl.lit(Confidence.DEFINITE.value)).alias("confidence"),
    )


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
    told = ascii_digits(text[:LONGEST]).translate(SIGNS).strip()
    try:
        clock, zone = read_time(told)
    except ValueError:
        return None, None
    # 8 or 1407 alone may be a count, and a zone by name needs the day.
    if told.isdigit() or (zone is not None and zone[0] not in "+-"):
        return None, None
    return to_second(clock), zone
