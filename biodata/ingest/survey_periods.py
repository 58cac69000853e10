"""Events whose first and last day stand in two columns."""

from datetime import date
from typing import Final

import polars as pl

from biodata.ingest.sheet_units import declared
from biodata.parsers import dates
from biodata.parsers.day_month import OrderEvidence

ENDS: Final = ("deploymentStart", "deploymentEnd")
ANY_DAY: Final = date(9999, 1, 1)
"""Whether a date has been yet is no question of where it stands."""
_ZONE: Final = "timeZone"
_OFFSET: Final = r"^[^/]*T[0-9:.]+([+-]\d\d:?\d\d)(?:/|$)"
_LAST_OFFSET: Final = r"T[0-9:.]+([+-]\d\d:?\d\d)$"


def read_ends(frame: pl.DataFrame, today: date) -> dict[str, pl.DataFrame]:
    """Return the first and the last day of events as `dates.parse_dates` reads them, those that they tell.

    Both columns together tell the era of their years, and whether they write the day first.
    """
    texts = {name: frame[name].str.strip_chars() for name in ENDS if name in frame.columns}
    every = pl.concat(texts.values())
    buddhist = declared(ENDS[0], None, every.drop_nulls().to_list()).get("calendar") == "buddhist"
    order = OrderEvidence.of(every, today=today, buddhist=buddhist).order
    return {
        name: dates.parse_dates(text, today=today, buddhist=buddhist, day_first=order) for name, text in texts.items()
    }


def with_period(frame: pl.DataFrame, today: date) -> pl.DataFrame:
    """Return events with `eventDate` made of their start and end, where they tell these and no `eventDate`."""
    if ENDS[0] not in frame.columns:
        return frame
    ends = [read["event_date"] for read in read_ends(frame, today).values()]
    period = pl.concat_str(*ends, separator="/", ignore_nulls=True).alias("eventDate")
    made = pl.select(pl.when(ends[0].is_not_null()).then(period)).to_series()
    # Events of several designs in one table: some tell a date, others a start and an end.
    told = frame["eventDate"] if "eventDate" in frame.columns else pl.Series(values=[None], dtype=pl.String)
    told = told.set(told.str.strip_chars() == "", None)
    return frame.with_columns(pl.select(pl.coalesce(told, made)).to_series().alias("eventDate"))


def with_zone(frame: pl.DataFrame) -> pl.DataFrame:
    """Return events with the offset that all times of their `eventDate` are told in as `timeZone`, where they tell no zone."""
    if "eventDate" not in frame.columns:
        return frame
    # UTC is what programs write of any time: it is no zone of an event.
    first, last = pl.col("eventDate").str.extract(_OFFSET), pl.col("eventDate").str.extract(_LAST_OFFSET)
    both = pl.when((first == last) & ~first.is_in(["+00:00", "+0000"])).then(first)
    if not frame.select(both.is_not_null().any()).item():
        return frame
    told = pl.col(_ZONE) if _ZONE in frame.columns else pl.lit(None, pl.String)
    return frame.with_columns(pl.coalesce(told, both).alias(_ZONE))
