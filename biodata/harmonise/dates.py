"""When a record was made: eventDate, year, month and day read together.

Conventions
- The order of day and month is the declared one, else what the dataset's whole column says (`date_order`), else what
  year, month and day beside the date say; else both readings are proposed.
- A time keeps the zone that it was told in; one that tells none gets the offset of that day of the zone that is told of its
  event, else of the declared zone; else the offset of the stated country is proposed.
"""

from collections.abc import Collection, Mapping
from datetime import date
from types import MappingProxyType
from typing import Final, NamedTuple

import polars as pl

from biodata.errors import InputError
from biodata.harmonise import date_zones
from biodata.harmonise.date_order import DateOrders
from biodata.harmonise.date_parts import date_parts, days_mismatch
from biodata.harmonise.date_proposals import date_repairs, fitting_proposals, in_order, proposals_mismatch
from biodata.harmonise.findings import Findings
from biodata.harmonise.repeats import once
from biodata.harmonise.told import Told
from biodata.text import dates

_CALENDARS: Final = (None, "gregorian", "buddhist")
_DAY_FIRST: Final = MappingProxyType({None: None, "day_first": True, "month_first": False})
_SPREADSHEETS: Final = (None, *dates.EPOCHS)
_OTHER_DATES: Final = {"modified": "MODIFIED_DATE_INVALID", "dateIdentified": "IDENTIFIED_DATE_INVALID"}
_TERMS: Final = (
    "eventDate", "verbatimEventDate", "year", "month", "day", "startDayOfYear", "endDayOfYear", "eventTime",
)  # fmt: skip


class _Declared(NamedTuple):
    """What the dataset declares of its dates; None where it does not."""

    day_first: bool | None
    buddhist: bool
    spreadsheet: str | None
    zone: str | None


def interpret(
    told: Told, *, today: date, declarations: Mapping[str, str], orders: DateOrders | None = None
) -> Findings:
    """Read the date of each record.

    Parameters
    ----------
    told : Told
        n rows.
    today : date
        Nothing is recorded after it.
    declarations : mapping
        `calendar`: `buddhist` where the dataset counts in the Buddhist Era; `day_month_order`: `day_first` or
        `month_first`, what its columns say of 03/04/2010; `spreadsheet_dates`: `1900` or `1904`, the system of its day
        numbers; `time_zone`: the offset (+07:00) or the IANA zone (Asia/Yangon) of times that tell none.
    orders : DateOrders, optional
        What the columns of the whole table say of 03/04/2010, for datasets that declare nothing.

    Returns
    -------
    Findings of n rows

    Raises
    ------
    InputError
        If something is declared that is not known here.

    Notes
    -----
    eventDate decides, or verbatimEventDate where it is empty. Where it gives no date, year, month and day do; where
    it gives a year or a month only and they a day in it, they are finer and decide. Where they exclude each other,
    RECORDED_DATE_MISMATCH is set and eventDate stays. startDayOfYear and endDayOfYear tell the days of a year that
    stands alone, and else are compared only.
    """
    declared = _Declared(
        _DAY_FIRST[_declared(declarations, "day_month_order", _DAY_FIRST)],
        _declared(declarations, "calendar", _CALENDARS) == "buddhist",
        _declared(declarations, "spreadsheet_dates", _SPREADSHEETS),
        date_zones.declared_zone(declarations.get("time_zone")),
    )
    # Most files have far fewer dates than rows.
    terms = _TERMS if orders is None else (*_TERMS, "datasetKey")
    found = once(told, terms, lambda rows: _interpret(rows, declared, today=today, orders=orders))
    flags = dict(found.flags)
    columns, zones = date_zones.of_event(found.columns, told)
    for term, flag in _OTHER_DATES.items():
        if told.has(term):
            read = dates.parse_dates(told[term], today=today)
            flags[flag] = told[term].is_not_null() & read["start"].is_null()
    told_time = pl.DataFrame({name: columns[f"event_{name}"] for name in ("start", "time", "zone")})
    told_time = date_zones.with_declared(told_time, declared.zone)
    columns["event_zone"] = told_time["zone"].alias("event_zone")
    return Findings(columns, flags, [*found.repairs, *zones, date_zones.proposals(told_time, told)])


def _interpret(told: Told, declared: _Declared, *, today: date, orders: DateOrders | None) -> Findings:
    """Read the dates of rows from `_TERMS`, and from datasetKey where there are `orders`."""
    stated = told.first_of("eventDate", "verbatimEventDate")
    parts = date_parts(told)
    event = dates.parse_dates(
        stated, today=today, buddhist=declared.buddhist, day_first=declared.day_first, spreadsheet=declared.spreadsheet
    )
    # Where the parts repeat a date that was read, they add nothing: most rows of most files.
    repeated = (parts["text"] == event["event_date"].str.slice(0, 10)).fill_null(value=False)
    beside = dates.parse_dates(parts["text"].set(repeated, None), today=today, buddhist=declared.buddhist)
    event = in_order(event, beside, told, orders, today=today)
    both = pl.concat([event, beside.rename(lambda name: f"part_{name}")], how="horizontal").with_columns(
        excluded=(pl.col("part_start") > pl.col("end")) | (pl.col("part_end") < pl.col("start")),
        finer=pl.col("precision").is_in(["year", "month"])
        & (pl.col("part_start") >= pl.col("start"))
        & (pl.col("part_end") <= pl.col("end"))
        & (pl.col("part_event_date") != pl.col("event_date")),
    )
    both = both.with_columns(
        verbatim=told["eventDate"].is_null() & pl.col("value").is_not_null(),
        by_parts=pl.col("start").is_null() & pl.col("part_start").is_not_null()
        | pl.col("finer").fill_null(value=False),
    )
    if both["proposal"].null_count() < both.height:
        both = fitting_proposals(both)
    chosen = both.select(
        pl.when("by_parts").then(pl.col(f"part_{name}")).otherwise(pl.col(name)).alias(name)
        for name in ("event_date", "start", "end", "precision", "time", "zone")
    )
    chosen = _with_event_time(chosen, told)
    issues, part_issues = both["issue"], both["part_issue"]
    flags = {
        issue: (issues == issue) | (part_issues == issue)
        for issue in (dates.INVALID, dates.UNLIKELY, dates.SERIAL, dates.BUDDHIST, dates.AMBIGUOUS)
    }
    flags[dates.INVALID] |= parts["invalid"]
    flags["RECORDED_DATE_MISMATCH"] = both["excluded"] | proposals_mismatch(both)
    if (other_days := days_mismatch(told, chosen)) is not None:
        flags["RECORDED_DATE_MISMATCH"] |= other_days
    flags["RECORDED_DATE_MISSING"] = stated.is_null() & parts["text"].is_null() & ~parts["invalid"]
    columns = {column.name: column for column in _columns(chosen)}
    return Findings(columns, flags, date_repairs(both))


def _declared(declarations: Mapping[str, str], what: str, known: Collection[str | None]) -> str | None:
    """Return what is declared, None where nothing is."""
    value = declarations.get(what)
    if value not in known:
        problem, expected = f"the {what} that is declared is not known", " or ".join(filter(None, known))
        raise InputError(problem, column=what, value=value, expected=expected, code="DECLARATION_UNKNOWN")
    return value


def _with_event_time(chosen: pl.DataFrame, told: Told) -> pl.DataFrame:
    """Take the time of day from eventTime where the date is one day and tells none."""
    if not told.has("eventTime"):
        return chosen
    clock = dates.parse_times(told["eventTime"])
    timeless = pl.col("time").is_null() & (pl.col("start") == pl.col("end"))
    return chosen.with_columns(clock["clock"], clock["offset"]).with_columns(
        pl.when(timeless).then("clock").otherwise("time").alias("time"),
        pl.when(timeless).then("offset").otherwise("zone").alias("zone"),
    )


def _columns(chosen: pl.DataFrame) -> list[pl.Series]:
    """Return the interpreted columns of the date that was chosen."""
    start, end = pl.col("start"), pl.col("end")
    same_year = start.dt.year() == end.dt.year()
    same_month = same_year & (start.dt.month() == end.dt.month())
    frame = chosen.select(
        pl.col("event_date").alias("eventDate"),
        start.alias("event_start"),
        end.alias("event_end"),
        pl.col("precision").alias("event_precision"),
        pl.col("time").alias("event_time"),
        pl.col("zone").alias("event_zone"),
        pl.when(same_year).then(start.dt.year()).cast(pl.Int32).alias("year"),
        pl.when(same_month).then(start.dt.month()).cast(pl.Int32).alias("month"),
        pl.when(start == end).then(start.dt.day()).cast(pl.Int32).alias("day"),
    )
    return frame.get_columns()
