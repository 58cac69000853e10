"""Amendments of BDQ Core on dates, proposed and never applied, and the measure of an event's duration."""

from typing import Final

import polars as pl

from biodata.quality.model import Answer, Arguments, Test
from biodata.quality.time_calendar import days_from_civil
from biodata.quality.time_prepare import MONTHS, SPACE, VERBATIM, dates, numbers, standardised

# Before it some country still had the Julian calendar: Russia was the last large one to leave it.
_GREGORIAN: Final = days_from_civil(1918, 2, 14)
_MET: Final = pl.lit(value=True)
_ORDINAL: Final = r"^\s*0?([1-9]|[12][0-9]|3[01])\s*(?:st|nd|rd|th|\.|日|号|號|\.0+)?\s*$"


def _event_from_event_date(arguments: Arguments) -> Answer:
    span = dates("eventDate")
    parts = {
        "year": "year",
        "month": "month",
        "day": "day",
        "startDayOfYear": "start_day_of_year",
        "endDayOfYear": "end_day_of_year",
    }
    proposals = {
        term: pl.when(~arguments.filled(term)).then(span.column(column).cast(pl.String))
        for term, column in parts.items()
    }
    return Answer(pl.when(span.column("valid")).then(_MET), proposals=proposals, filled_in=True)


def _standardised(term: str, label: str, guid: str, asks: str) -> Test:
    """Return the amendment that writes a date in ISO 8601."""
    reading = standardised(term)

    def answer(arguments: Arguments) -> Answer:
        return Answer(
            pl.when(arguments.filled(term)).then(_MET),
            proposals={term: reading.column("proposal")},
        )

    return Test(label, guid, (term,), asks, answer, preparations=(reading,))


def _from_verbatim(arguments: Arguments) -> Answer:
    proposal, readable = VERBATIM.column("proposal"), VERBATIM.column("readable")
    # Words or marks without any number ("X") hold no date to interpret: they count with what is empty.
    met = ~arguments.filled("eventDate") & readable.fill_null(value=False)
    year = proposal.str.slice(0, 4).cast(pl.Int32, strict=False)
    before = (year < 1918) | ((year == 1918) & (proposal < "1918-02-14") & (proposal.str.len_bytes() > 4))
    told = pl.concat_str(pl.lit("read from dwc:verbatimEventDate: "), proposal)
    note = pl.lit("; verbatimDate was assumed to be in the Gregorian calendar")
    comment = pl.when(before).then(pl.concat_str(told, note)).otherwise(told)
    return Answer(
        pl.when(met).then(_MET),
        proposals={"eventDate": proposal},
        filled_in=True,
        comment=pl.when(met).then(comment),
    )


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


def _day_standardised(arguments: Arguments) -> Answer:
    told, number = arguments["day"], numbers("day").column("number")
    ordinal = told.str.strip_chars(SPACE).str.to_lowercase().str.extract(_ORDINAL)
    read = pl.coalesce(pl.when(number.is_between(1, 31)).then(number.cast(pl.String)), ordinal)
    proposal = pl.when(read != told).then(read)
    return Answer(pl.when(arguments.filled("day")).then(_MET), proposals={"day": proposal})


def _month_standardised(arguments: Arguments) -> Answer:
    told, read = arguments["month"], MONTHS.column("number").cast(pl.String)
    proposal = pl.when(read != told).then(read)
    return Answer(pl.when(arguments.filled("month")).then(_MET), proposals={"month": proposal})


def _duration(_: Arguments) -> Answer:
    return Answer(dates("eventDate").column("seconds"))


TESTS: Final = (
    Test(
        "AMENDMENT_EVENT_FROM_EVENTDATE",
        "710fe118-17e1-440f-b428-88ba3f547d6d",
        ("year", "month", "day", "startDayOfYear", "endDayOfYear"),
        "Year, month, day and days of the year from the event date.",
        _event_from_event_date,
        consulted=("eventDate",),
        preparations=(dates("eventDate"),),
    ),
    _standardised(
        "eventDate",
        "AMENDMENT_EVENTDATE_STANDARDIZED",
        "718dfc3c-cb52-4fca-b8e2-0e722f375da7",
        "The event date written in ISO 8601.",
    ),
    _standardised(
        "dateIdentified",
        "AMENDMENT_DATEIDENTIFIED_STANDARDIZED",
        "39bb2280-1215-447b-9221-fd13bc990641",
        "The date of identification written in ISO 8601.",
    ),
    Test(
        "AMENDMENT_EVENTDATE_FROM_VERBATIM",
        "6d0a0c10-5e4a-4759-b448-88932f399812",
        ("eventDate",),
        "The event date from the verbatim one.",
        _from_verbatim,
        consulted=("verbatimEventDate",),
        preparations=(VERBATIM,),
    ),
    Test(
        "AMENDMENT_EVENTDATE_FROM_YEARMONTHDAY",
        "3892f432-ddd0-4a0a-b713-f2e2ecbd879d",
        ("eventDate",),
        "The event date from year, month and day.",
        _from_year_month_day,
        consulted=("year", "month", "day"),
        preparations=(numbers("year"), MONTHS, numbers("day")),
    ),
    Test(
        "AMENDMENT_EVENTDATE_FROM_YEARSTARTDAYOFYEARENDDAYOFYEAR",
        "eb0a44fa-241c-4d64-98df-ad4aa837307b",
        ("eventDate",),
        "The event date from the year and its days.",
        _from_days_of_year,
        consulted=("year", "startDayOfYear", "endDayOfYear"),
        preparations=(numbers("year"), numbers("startDayOfYear"), numbers("endDayOfYear")),
    ),
    Test(
        "AMENDMENT_DAY_STANDARDIZED",
        "b129fa4d-b25b-43f7-9645-5ed4d44b357b",
        ("day",),
        "The day as a number from 1 to 31.",
        _day_standardised,
        preparations=(numbers("day"),),
    ),
    Test(
        "AMENDMENT_MONTH_STANDARDIZED",
        "2e371d57-1eb3-4fe3-8a61-dff43ced50cf",
        ("month",),
        "The month as a number from 1 to 12.",
        _month_standardised,
        preparations=(MONTHS,),
    ),
    Test(
        "MEASURE_EVENTDATE_DURATIONINSECONDS",
        "56b6c695-adf1-418e-95d2-da04cad7be53",
        ("eventDate",),
        "How many seconds does the event date cover?",
        _duration,
        preparations=(dates("eventDate"),),
    ),
)
"""The amendments of dates, and the measure."""
