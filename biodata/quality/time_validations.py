"""Validations of BDQ Core on dates: what is there, what is ISO 8601, what is in range, what agrees with what."""

from typing import Final

import polars as pl

from biodata.quality.model import PARAMETER, Answer, Arguments, Test
from biodata.quality.time_calendar import civil_from_days
from biodata.quality.time_iso import read_span
from biodata.quality.time_prepare import dates, numbers

EARLIEST, LATEST = "earliestValidDate", "latestValidDate"
_BOUNDS: Final = (dates(PARAMETER + EARLIEST), dates(PARAMETER + LATEST))
_TEMPORAL: Final = ("eventDate", "year", "month", "day", "startDayOfYear", "endDayOfYear", "verbatimEventDate")
_PARTS: Final = ("year", "month", "day", "startDayOfYear", "endDayOfYear")


def _bound(arguments: Arguments, name: str, column: str) -> pl.Expr:
    """Return the first or last day (or the year) of a parameter that is a date; null where it is none."""
    today = arguments.context.today
    default = arguments.default(name)
    default = {"{current year}": f"{today.year:04}", "{current day}": today.isoformat()}.get(default, default)
    span = read_span(default.strip())
    day = None if span is None else span.first if name == EARLIEST else span.last
    if day is not None and column.endswith("year"):
        day = civil_from_days(day)[0]
    own = dates(PARAMETER + name).column(column)
    return pl.when(arguments.filled(PARAMETER + name)).then(own).otherwise(pl.lit(day, dtype=pl.Int32))


def _not_empty(term: str, guid: str, asks: str) -> Test:
    """Return the test whether a term has something in it."""
    label = f"VALIDATION_{term.upper()}_NOTEMPTY"
    return Test(label, guid, (term,), asks, lambda arguments: Answer(arguments.filled(term)))


def _standard(term: str, guid: str, asks: str) -> Test:
    """Return the test whether a term is a date of ISO 8601."""
    span = dates(term)
    label = f"VALIDATION_{term.upper()}_STANDARD"
    return Test(label, guid, (term,), asks, lambda _: Answer(span.column("valid")), preparations=(span,))


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
    told = {
        "year": "year",
        "month": "month",
        "day": "day",
        "startDayOfYear": "start_day_of_year",
        "endDayOfYear": "end_day_of_year",
    }
    agreed = [
        ~arguments.filled(term) | (numbers(term).column("number") == span.column(column)).fill_null(value=False)
        for term, column in told.items()
    ]
    met = arguments.filled("eventDate") & arguments.any_filled(*_PARTS)
    return Answer(pl.when(met).then(pl.all_horizontal(agreed)))


_RANGE: Final = {EARLIEST: "1582-11-15", LATEST: "{current year}"}

TESTS: Final = (
    _not_empty("eventDate", "f51e15a6-a67d-4729-9c28-3766299d2985", "Is there an event date?"),
    _not_empty("year", "c09ecbf9-34e3-4f3e-b74a-8796af15e59f", "Is there a year?"),
    Test(
        "VALIDATION_EVENTTEMPORAL_NOTEMPTY",
        "41267642-60ff-4116-90eb-499fee2cd83f",
        _TEMPORAL,
        "Is there anything that tells when it was?",
        lambda arguments: Answer(arguments.any_filled(*_TEMPORAL)),
    ),
    _standard("eventDate", "4f2bf8fd-fc5c-493f-a44c-e7b16153c803", "Is the event date a date of ISO 8601?"),
    _standard("dateIdentified", "66269bdd-9271-4e76-b25c-7ab81eebe1d8", "Is the date of identification of ISO 8601?"),
    Test(
        "VALIDATION_EVENTDATE_INRANGE",
        "3cff4dc4-72e9-4abe-9bf3-8a30f1618432",
        ("eventDate",),
        "Does the event date lie within the years that a record can be of?",
        _event_date_in_range,
        parameters=_RANGE,
        preparations=(dates("eventDate"), *_BOUNDS),
    ),
    Test(
        "VALIDATION_DATEIDENTIFIED_INRANGE",
        "dc8aae4b-134f-4d75-8a71-c4186239178e",
        ("dateIdentified",),
        "Was it identified between Linnaeus and today, and not before it was recorded?",
        _date_identified_in_range,
        consulted=("eventDate",),
        parameters={EARLIEST: "1753-01-01", LATEST: "{current day}", "includeEventDate": "true"},
        preparations=(dates("dateIdentified"), dates("eventDate"), *_BOUNDS),
    ),
    Test(
        "VALIDATION_YEAR_INRANGE",
        "ad0c8855-de69-4843-a80c-a5387d20fbc8",
        ("year",),
        "Does the year lie within those that a record can be of?",
        _year_in_range,
        parameters={EARLIEST: "1582", LATEST: "{current year}"},
        preparations=(numbers("year"), *_BOUNDS),
    ),
    Test(
        "VALIDATION_DAY_INRANGE",
        "8d787cb5-73e2-4c39-9cd1-67c7361dc02e",
        ("day", "month", "year"),
        "Is it a day that its month and year have?",
        _day_in_range,
        preparations=tuple(numbers(term) for term in ("day", "month", "year")),
    ),
    Test(
        "VALIDATION_DAY_STANDARD",
        "47ff73ba-0028-4f79-9ce1-ee7008d66498",
        ("day",),
        "Is the day a number from 1 to 31?",
        lambda arguments: _within(arguments, "day", 1, 31),
        preparations=(numbers("day"),),
    ),
    Test(
        "VALIDATION_MONTH_STANDARD",
        "01c6dafa-0886-4b7e-9881-2c3018c98bdc",
        ("month",),
        "Is the month a number from 1 to 12?",
        lambda arguments: _within(arguments, "month", 1, 12),
        preparations=(numbers("month"),),
    ),
    Test(
        "VALIDATION_STARTDAYOFYEAR_INRANGE",
        "85803c7e-2a5a-42e1-b8d3-299a44cafc46",
        ("startDayOfYear",),
        "Is the start a day that its year has?",
        lambda arguments: _day_of_year(arguments, "startDayOfYear", "start_year"),
        consulted=("eventDate",),
        preparations=(numbers("startDayOfYear"), dates("eventDate")),
    ),
    Test(
        "VALIDATION_ENDDAYOFYEAR_INRANGE",
        "9a39d88c-7eee-46df-b32a-c109f9f81fb8",
        ("endDayOfYear",),
        "Is the end a day that its year has?",
        lambda arguments: _day_of_year(arguments, "endDayOfYear", "end_year"),
        consulted=("eventDate",),
        preparations=(numbers("endDayOfYear"), dates("eventDate")),
    ),
    Test(
        "VALIDATION_EVENT_CONSISTENT",
        "5618f083-d55a-4ac2-92b5-b9fb227b832f",
        ("eventDate", *_PARTS),
        "Do the event date and its year, month and day tell the same?",
        _event_consistent,
        preparations=(dates("eventDate"), *(numbers(term) for term in _PARTS)),
    ),
)
"""The validations of dates."""
