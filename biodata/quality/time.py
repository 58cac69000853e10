"""Tests of TDWG BDQ Core on when a record was made and identified (dwc:Event, dwc:Identification)."""

from collections.abc import Callable
from datetime import date
from typing import Final

import polars as pl

from biodata.quality.model import PARAMETER, Answer, Arguments, Preparation, Test, term_of, test
from biodata.quality.time_prepare import EPOCH, MONTHS, SPACE, VERBATIM, dates, numbers, read_span, standardised

# Validations of BDQ Core on dates: what is there, what is ISO 8601, what is in range, what agrees with what.

EARLIEST, LATEST = "earliestValidDate", "latestValidDate"
_BOUNDS: Final = (dates(PARAMETER + EARLIEST), dates(PARAMETER + LATEST))
_PARTS: Final = {
    "year": "year", "month": "month", "day": "day", "startDayOfYear": "start_day_of_year",
    "endDayOfYear": "end_day_of_year",
}  # fmt: skip
"""Parts of eventDate → column of its span."""


def _bound(arguments: Arguments, name: str, column: str) -> pl.Expr:
    """Return the first or last day (or the year) of a parameter that is a date; null where it is none."""
    today = arguments.context.today
    default = arguments.default(name)
    default = {"{current year}": f"{today.year:04}", "{current day}": today.isoformat()}.get(default, default)
    span = read_span(default.strip())
    day = None if span is None else span.first if name == EARLIEST else span.last
    if day is not None and column.endswith("year"):
        day = date.fromordinal(day + EPOCH).year
    own = dates(PARAMETER + name).column(column)
    return pl.when(arguments.filled(PARAMETER + name)).then(own).otherwise(pl.lit(day, dtype=pl.Int32))


def _standard(label: str) -> Test:
    """Return the test whether a term is a date of ISO 8601."""
    span = dates(term_of(label))
    return test(label, lambda _: Answer(span.column("valid")), span)


def _event_date_in_range(arguments: Arguments) -> Answer:
    span = dates("eventDate")
    inside = (span.column("first") >= _bound(arguments, EARLIEST, "first")) & (
        span.column("last") <= _bound(arguments, LATEST, "last")
    )
    return Answer(pl.when(span.column("valid")).then(inside))


def _date_identified_in_range(arguments: Arguments) -> Answer:
    identified, event = dates("dateIdentified"), dates("eventDate")
    # A year or month that holds the current day is not beyond it.
    inside = (identified.column("first") >= _bound(arguments, EARLIEST, "first")) & (
        identified.column("last_from") <= _bound(arguments, LATEST, "last")
    )
    include = arguments.parameter("includeEventDate").str.strip_chars().str.to_lowercase() != "false"
    # Instants where both zones are known, else both by the clock of the place.
    in_utc = (identified.column("start_utc") >= event.column("start_utc")) | (
        identified.column("stop_utc") > event.column("start_utc")
    )
    by_clock = (identified.column("start") >= event.column("start")) | (
        identified.column("stop") > event.column("start")
    )
    not_before = pl.coalesce(in_utc, by_clock)
    compared = include & arguments.filled("eventDate")
    unusable = compared & ~event.column("valid").fill_null(value=False)
    met = identified.column("valid").fill_null(value=False) & ~unusable
    return Answer(pl.when(met).then(inside & (~compared | not_before.fill_null(value=True))))


def _year_in_range(arguments: Arguments) -> Answer:
    year = numbers("year").column("number")
    return Answer(year.is_between(_bound(arguments, EARLIEST, "start_year"), _bound(arguments, LATEST, "end_year")))


def _leap(year: pl.Expr) -> pl.Expr:
    """Tell which years have 366 days."""
    return ((year % 4 == 0) & (year % 100 != 0)) | (year % 400 == 0)


def _day_in_range(_: Arguments) -> Answer:
    day, month, year = (numbers(term).column("number") for term in ("day", "month", "year"))
    length = pl.when(month.is_in([4, 6, 9, 11])).then(30).when(month == 2).then(29).otherwise(31)
    leap_day = (month == 2) & (day == 29)
    in_range = (
        pl.when((day < 1) | (day > 31))
        .then(pl.lit(value=False))
        .when(day <= 28)
        .then(pl.lit(value=True))
        .when(leap_day)
        .then(pl.when(year.is_between(0, 9999)).then(_leap(year)))
        .when(month.is_between(1, 12))
        .then(day <= length)
    )
    return Answer(pl.when(day.is_not_null()).then(in_range))


def _within(arguments: Arguments, term: str, low: int, high: int) -> Answer:
    """Answer whether a term is an integer between two, both included."""
    inside = numbers(term).column("number").is_between(low, high).fill_null(value=False)
    return Answer(pl.when(arguments.filled(term)).then(inside))


def _day_of_year(arguments: Arguments, term: str, year_column: str) -> Answer:
    """Answer whether a day of the year is one of 365, or the 366th of a leap year."""
    number, year = numbers(term).column("strict"), dates("eventDate").column(year_column)
    in_range = pl.when(number == 366).then(_leap(year)).otherwise(number.is_between(1, 365).fill_null(value=False))
    return Answer(pl.when(arguments.filled(term)).then(in_range))


def _event_consistent(arguments: Arguments) -> Answer:
    span = dates("eventDate")
    agreed = [
        ~arguments.filled(term) | (numbers(term).column("number") == span.column(column)).fill_null(value=False)
        for term, column in _PARTS.items()
    ]
    met = arguments.filled("eventDate") & arguments.any_filled(*_PARTS)
    return Answer(pl.when(met).then(pl.all_horizontal(agreed)))


# Amendments of BDQ Core on dates, proposed and never applied, and the measure of an event's duration.

_MET: Final = pl.lit(value=True)
_ORDINAL: Final = r"^\s*0?([1-9]|[12][0-9]|3[01])\s*(?:st|nd|rd|th|\.|日|号|號|\.0+)?\s*$"


def _event_from_event_date(arguments: Arguments) -> Answer:
    span = dates("eventDate")
    proposals = {
        term: pl.when(~arguments.filled(term)).then(span.column(column).cast(pl.String))
        for term, column in _PARTS.items()
    }
    return Answer(pl.when(span.column("valid")).then(_MET), proposals=proposals, filled_in=True)


def _standardised(label: str, read: Callable[[Arguments], pl.Expr], *preparations: Preparation) -> Test:
    """Return the amendment that writes a term otherwise, where what is proposed is not what stands there."""
    term = term_of(label)

    def answer(arguments: Arguments) -> Answer:
        proposal = read(arguments)
        changed = pl.when(proposal != arguments[term]).then(proposal)
        return Answer(pl.when(arguments.filled(term)).then(_MET), proposals={term: changed})

    return test(label, answer, *preparations)


def _iso(label: str) -> Test:
    """Return the amendment that writes a date in ISO 8601."""
    read = standardised(term_of(label))
    return _standardised(label, lambda _: read.column("proposal"), read)


def _day(arguments: Arguments) -> pl.Expr:
    """Return the day of the month that a text means."""
    number = numbers("day").column("number")
    ordinal = arguments["day"].str.strip_chars(SPACE).str.to_lowercase().str.extract(_ORDINAL)
    return pl.coalesce(pl.when(number.is_between(1, 31)).then(number.cast(pl.String)), ordinal)


def _from_verbatim(arguments: Arguments) -> Answer:
    proposal, readable = VERBATIM.column("proposal"), VERBATIM.column("readable")
    # Words or marks without any number ("X") hold no date to interpret: they count with what is empty.
    met = ~arguments.filled("eventDate") & readable.fill_null(value=False)
    year = proposal.str.slice(0, 4).cast(pl.Int32, strict=False)
    before = (year < 1918) | ((year == 1918) & (proposal < "1918-02-14") & (proposal.str.len_bytes() > 4))
    stated = pl.concat_str(pl.lit("read from dwc:verbatimEventDate: "), proposal)
    note = pl.lit("; verbatimDate was assumed to be in the Gregorian calendar")
    comment = pl.when(before).then(pl.concat_str(stated, note)).otherwise(stated)
    return Answer(
        pl.when(met).then(_MET), proposals={"eventDate": proposal}, filled_in=True, comment=pl.when(met).then(comment),
    )  # fmt: skip


def _from_year_month_day(arguments: Arguments) -> Answer:
    year = numbers("year").column("number")
    month = MONTHS.column("number")
    day = numbers("day").column("number")
    day = pl.when(month.is_not_null() & day.is_between(1, 31)).then(day)
    four = year.cast(pl.String).str.zfill(4)
    to_month = pl.concat_str(four, pl.lit("-"), month.cast(pl.String).str.zfill(2))
    to_day = pl.concat_str(to_month, pl.lit("-"), day.cast(pl.String).str.zfill(2))
    exists = to_day.str.to_date("%Y-%m-%d", strict=False).is_not_null()
    date = pl.when(day.is_not_null()).then(pl.when(exists).then(to_day)).otherwise(pl.coalesce(to_month, four))
    # A year of ISO 8601 has four digits; "98" may be 1998.
    proposal = pl.when(year.is_between(1000, 9999)).then(date)
    met = ~arguments.filled("eventDate") & year.is_not_null()
    return Answer(pl.when(met).then(_MET), proposals={"eventDate": proposal}, filled_in=True)


def _from_days_of_year(arguments: Arguments) -> Answer:
    year, start, end = (numbers(term).column("number") for term in ("year", "startDayOfYear", "endDayOfYear"))
    # Values that are no year or no day of a year cannot be interpreted: the rows of the standard have these with what
    # is empty, and only an order that is wrong, or a day that the year lacks, with what is not amended.
    met = (
        ~arguments.filled("eventDate") & year.is_between(1000, 9999) & start.is_between(1, 366) & end.is_between(1, 366)
    ).fill_null(value=False)
    new_year = pl.date(pl.when(met).then(year), 1, 1)
    first, last = (new_year + pl.duration(days=number - 1) for number in (start, end))
    fits = (start < end) & (last.dt.year() == year)
    text = pl.concat_str(first.dt.to_string("%Y-%m-%d"), pl.lit("/"), last.dt.to_string("%Y-%m-%d"))
    return Answer(pl.when(met).then(_MET), proposals={"eventDate": pl.when(fits).then(text)}, filled_in=True)


def _duration(_: Arguments) -> Answer:
    return Answer(dates("eventDate").column("seconds"))


TESTS: Final = (
    _standard("VALIDATION_EVENTDATE_STANDARD"),
    _standard("VALIDATION_DATEIDENTIFIED_STANDARD"),
    test("VALIDATION_EVENTDATE_INRANGE", _event_date_in_range, dates("eventDate"), *_BOUNDS),
    test(
        "VALIDATION_DATEIDENTIFIED_INRANGE",
        _date_identified_in_range,
        dates("dateIdentified"),
        dates("eventDate"),
        *_BOUNDS,
    ),
    test("VALIDATION_YEAR_INRANGE", _year_in_range, numbers("year"), *_BOUNDS),
    test("VALIDATION_DAY_INRANGE", _day_in_range, *(numbers(term) for term in ("day", "month", "year"))),
    test("VALIDATION_DAY_STANDARD", lambda arguments: _within(arguments, "day", 1, 31), numbers("day")),
    test("VALIDATION_MONTH_STANDARD", lambda arguments: _within(arguments, "month", 1, 12), numbers("month")),
    test(
        "VALIDATION_STARTDAYOFYEAR_INRANGE",
        lambda arguments: _day_of_year(arguments, "startDayOfYear", "start_year"),
        numbers("startDayOfYear"),
        dates("eventDate"),
    ),
    test(
        "VALIDATION_ENDDAYOFYEAR_INRANGE",
        lambda arguments: _day_of_year(arguments, "endDayOfYear", "end_year"),
        numbers("endDayOfYear"),
        dates("eventDate"),
    ),
    test("VALIDATION_EVENT_CONSISTENT", _event_consistent, dates("eventDate"), *(numbers(term) for term in _PARTS)),
    test("AMENDMENT_EVENT_FROM_EVENTDATE", _event_from_event_date, dates("eventDate")),
    _iso("AMENDMENT_EVENTDATE_STANDARDIZED"),
    _iso("AMENDMENT_DATEIDENTIFIED_STANDARDIZED"),
    test("AMENDMENT_EVENTDATE_FROM_VERBATIM", _from_verbatim, VERBATIM),
    test("AMENDMENT_EVENTDATE_FROM_YEARMONTHDAY", _from_year_month_day, numbers("year"), MONTHS, numbers("day")),
    test(
        "AMENDMENT_EVENTDATE_FROM_YEARSTARTDAYOFYEARENDDAYOFYEAR",
        _from_days_of_year,
        numbers("year"),
        numbers("startDayOfYear"),
        numbers("endDayOfYear"),
    ),
    _standardised("AMENDMENT_DAY_STANDARDIZED", _day, numbers("day")),
    _standardised("AMENDMENT_MONTH_STANDARDIZED", lambda _: MONTHS.column("number").cast(pl.String), MONTHS),
    test("MEASURE_EVENTDATE_DURATIONINSECONDS", _duration, dates("eventDate")),
)
"""The tests of dates."""
