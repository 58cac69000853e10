"""When a record was made: eventDate, year, month and day read together."""

import re
from collections.abc import Collection, Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.errors import InputError
from biodata.harmonise.findings import Findings, repairs
from biodata.harmonise.told import Told
from biodata.parsers import dates

_CALENDARS: Final = (None, "gregorian", "buddhist")
_DAY_FIRST: Final = MappingProxyType({None: None, "day_first": True, "month_first": False})
_OTHER_DATES: Final = {"modified": "MODIFIED_DATE_INVALID", "dateIdentified": "IDENTIFIED_DATE_INVALID"}


def interpret(told: Told, *, today: date, declarations: Mapping[str, str]) -> Findings:
    """Read the date of each record.

    Parameters
    ----------
    told : Told
        n rows.
    today : date
        Nothing is recorded after it.
    declarations : mapping
        `calendar`: `buddhist` where the dataset counts in the Buddhist Era; `day_month_order`: `day_first` or
        `month_first`, what its columns say of 03/04/2010; `time_zone`: the offset (+07:00) of times that tell none.

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
    RECORDED_DATE_MISMATCH is set and eventDate stays.
    """
    order = _DAY_FIRST[_declared(declarations, "day_month_order", _DAY_FIRST)]
    buddhist = _declared(declarations, "calendar", _CALENDARS) == "buddhist"
    stated = told.first_of("eventDate", "verbatimEventDate")
    parts = _parts(told)
    event = dates.parse_dates(stated, today=today, buddhist=buddhist, day_first=order)
    # Where the parts repeat a date that was read, they add nothing: most rows of most files.
    repeated = (parts["text"] == event["event_date"].str.slice(0, 10)).fill_null(value=False)
    beside = dates.parse_dates(parts["text"].set(repeated, None), today=today, buddhist=buddhist)
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
    chosen = both.select(
        pl.when("by_parts").then(pl.col(f"part_{name}")).otherwise(pl.col(name)).alias(name)
        for name in ("event_date", "start", "end", "precision", "time", "zone")
    )
    columns = _columns(chosen, told, _declared_zone(declarations))
    issues, part_issues = both["issue"], both["part_issue"]
    flags = {
        issue: (issues == issue) | (part_issues == issue)
        for issue in (dates.INVALID, dates.UNLIKELY, dates.SERIAL, dates.BUDDHIST, dates.AMBIGUOUS)
    }
    flags[dates.INVALID] |= parts["invalid"]
    flags["RECORDED_DATE_MISMATCH"] = both["excluded"] | _serial_mismatch(both)
    flags["RECORDED_DATE_MISSING"] = stated.is_null() & parts["text"].is_null() & ~parts["invalid"]
    for term, flag in _OTHER_DATES.items():
        if told.has(term):
            read = dates.parse_dates(told[term], today=today)
            flags[flag] = told[term].is_not_null() & read["start"].is_null()
    return Findings({column.name: column for column in columns}, flags, _repairs(both))


def _declared(declarations: Mapping[str, str], what: str, known: Collection[str | None]) -> str | None:
    """Return what is declared, None where nothing is."""
    value = declarations.get(what)
    if value not in known:
        problem, expected = f"the {what} that is declared is not known", " or ".join(filter(None, known))
        raise InputError(problem, column=what, value=value, expected=expected, code="DECLARATION_UNKNOWN")
    return value


def _declared_zone(declarations: Mapping[str, str]) -> str | None:
    """Return the declared offset from UTC, None where none is."""
    value = declarations.get("time_zone")
    if value is not None and not re.fullmatch(r"[+-](0\d|1[0-4]):[0-5]\d", value):
        problem, expected = "the time_zone that is declared is no offset from UTC", "+07:00 for Indochina"
        raise InputError(problem, column="time_zone", value=value, expected=expected, code="DECLARATION_UNKNOWN")
    return value


def _parts(told: Told) -> pl.DataFrame:
    """Return year, month and day as one ISO text, and whether a part is 0 or stands without the coarser one."""
    if not told.has("year", "month", "day"):
        nothing = pl.lit(None, dtype=pl.String)
        return told["year"].to_frame().with_columns(text=nothing, invalid=pl.lit(value=False)).drop("year")
    # 2019.0 is a year that went through a table of floating point numbers; a month 0 is none, and no month either.
    frame = pl.DataFrame({name: told[name].str.strip_suffix(".0") for name in ("year", "month", "day")})
    zero = pl.any_horizontal(pl.col("month", "day").is_in(["0", "00"])).fill_null(value=False)
    year = pl.col("year")
    month, day = (pl.when(~pl.col(name).is_in(["0", "00"])).then(name) for name in ("month", "day"))
    text = (
        pl.when(day.is_not_null() & month.is_not_null())
        .then(pl.concat_str(year, pl.lit("-"), month.str.zfill(2), pl.lit("-"), day.str.zfill(2)))
        .when(month.is_not_null())
        .then(pl.concat_str(year, pl.lit("-"), month.str.zfill(2)))
        .otherwise(year)
    )
    gap = (year.is_null() & (month.is_not_null() | day.is_not_null())) | (month.is_null() & day.is_not_null())
    return frame.select(text.alias("text"), (gap | zero).alias("invalid"))


def _columns(chosen: pl.DataFrame, told: Told, declared_zone: str | None) -> list[pl.Series]:
    """Return the interpreted columns of the date that was chosen."""
    start, end = pl.col("start"), pl.col("end")
    same_year = start.dt.year() == end.dt.year()
    same_month = same_year & (start.dt.month() == end.dt.month())
    if told.has("eventTime"):
        clock = dates.parse_times(told["eventTime"])
        timeless = pl.col("time").is_null() & (start == end)
        chosen = chosen.with_columns(clock["clock"], clock["offset"]).with_columns(
            pl.when(timeless).then("clock").otherwise("time").alias("time"),
            pl.when(timeless).then("offset").otherwise("zone").alias("zone"),
        )
    zone = pl.col("zone")
    if declared_zone is not None:
        zone = pl.when(pl.col("time").is_not_null()).then(zone.fill_null(declared_zone))
    frame = chosen.select(
        pl.col("event_date").alias("eventDate"),
        start.alias("event_start"),
        end.alias("event_end"),
        pl.col("precision").alias("event_precision"),
        pl.col("time").alias("event_time"),
        zone.alias("event_zone"),
        pl.when(same_year).then(start.dt.year()).cast(pl.Int32).alias("year"),
        pl.when(same_month).then(start.dt.month()).cast(pl.Int32).alias("month"),
        pl.when(start == end).then(start.dt.day()).cast(pl.Int32).alias("day"),
    )
    return frame.get_columns()


def _serial_mismatch(both: pl.DataFrame) -> pl.Series:
    """Tell where a spreadsheet's day number is no day of the year, month and day beside it."""
    day = pl.col("proposal").str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    outside = (day < pl.col("part_start")) | (day > pl.col("part_end"))
    return both.select(((pl.col("issue") == dates.SERIAL) & outside).fill_null(value=False)).to_series()


def _repairs(both: pl.DataFrame) -> list[pl.DataFrame]:
    """Note what was read by a rule, what is proposed, and where year, month and day stood in for eventDate."""
    # A day number names a day even where only a year was known: the proposal takes the precision of what stands beside.
    within = _serial_mismatch(both).not_() & (both["issue"] == dates.SERIAL)
    coarse = within & both["part_precision"].is_in(["year", "month"])
    proposal = both.select(pl.when(coarse).then("part_event_date").otherwise("proposal")).to_series()
    read = both["start"].is_not_null() & ~both["by_parts"]
    by_rule = read & both["rule"].is_not_null() & ~both["verbatim"]
    part_by_rule = both["by_parts"] & both["part_rule"].is_not_null()
    stand_in = both["by_parts"] & both["value"].is_not_null() & ~part_by_rule
    part_alone = both["part_proposal"].is_not_null() & proposal.is_null()
    return [
        repairs(proposal.is_not_null(), "eventDate", proposal, both["rule"], applied=False),
        repairs(part_alone, "eventDate", both["part_proposal"], both["part_rule"], applied=False),
        repairs(by_rule, "eventDate", both["event_date"], both["rule"], applied=True),
        repairs(read & both["verbatim"], "eventDate", both["event_date"], "verbatim_event_date", applied=True),
        repairs(stand_in, "eventDate", both["part_event_date"], "year_month_day", applied=True),
        repairs(part_by_rule, "eventDate", both["part_event_date"], both["part_rule"], applied=True),
    ]
