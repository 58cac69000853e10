"""Events whose first and last day stand in two columns."""

from datetime import date
from typing import Final

import polars as pl

from biodata.parsers import dates

ENDS: Final = ("deploymentStart", "deploymentEnd")


def with_period(frame: pl.DataFrame, today: date) -> pl.DataFrame:
    """Return events with `eventDate` made of their start and end, where they tell both apart.

    Parameters
    ----------
    frame : polars.DataFrame
        n events, text columns by term.
    today : date
        Nothing is recorded after it.
    """
    if "eventDate" in frame.columns or ENDS[0] not in frame.columns:
        return frame
    ends = [dates.parse_dates(frame[name].str.strip_chars(), today=today)["event_date"]
            for name in ENDS if name in frame.columns]  # fmt: skip
    period = pl.concat_str(*ends, separator="/", ignore_nulls=True).alias("eventDate")
    return frame.with_columns(pl.select(pl.when(ends[0].is_not_null()).then(period)).to_series())
