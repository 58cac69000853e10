"""Effort of a survey: how long or how far was looked, per side, method, site and month, with failures taken off.

Effort of two methods is never added. Events without known effort are counted beside it and never taken for none.
"""

from collections.abc import Sequence

import polars as pl

from biodata.vocabularies import SurveyDesign


def effort(events: pl.DataFrame, *, by: Sequence[str] = ("side", "method")) -> pl.DataFrame:
    """Return effort by groups: of `side`, `method`, `repeat`, `site` and `month` (`2026-02`).

    An event of several months gives each its share of the event's days. `effort` is null where it is not known of any event of a
    group; `effort_unknown` counts the events of which it is not known, `failed_days` the days without observation.
    """
    shared = _months(events) if "month" in by else events.with_columns(_share=pl.lit(1.0))
    known = pl.col("effort_value").is_not_null()
    totals = shared.group_by(*by, "effort_unit", maintain_order=True).agg(
        events=pl.col("event_key").n_unique(), sites=pl.col("site").n_unique(),
        effort=pl.when(known.any()).then((pl.col("effort_value") * pl.col("_share")).sum()),
        effort_unknown=pl.col("event_key").filter(~known).n_unique(),
        failed_days=(pl.col("failed_days").fill_null(0.0) * pl.col("_share")).sum(),
    )  # fmt: skip
    return totals.sort(*by, "effort_unit", nulls_last=True)


def of_stations(events: pl.DataFrame, *, by: Sequence[str] = ()) -> pl.DataFrame:
    """Return the effort of sites (`site`, `side`, the columns of `by`), where cameras that stand there at the same time count once.

    With two cameras a site sees the same animals as with one. Of other methods, and of events without days, it is the sum.
    """
    at = ["site", "side", *by]
    cameras = events.filter((pl.col("method") == SurveyDesign.CAMERA_TRAP) & pl.col("first").is_not_null())
    days = days_watched(cameras)
    plain = events.join(days.select("event_key"), on="event_key", how="anti").select(*at, effort="effort_value")
    shared = days.group_by(*at, "day", maintain_order=True).agg(pl.col("effort").max())
    both = pl.concat([plain, shared.select(*at, "effort")], how="vertical")
    return both.group_by(at, maintain_order=True).agg(pl.col("effort").sum()).sort(at, nulls_last=True)


def days_watched(events: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each day of each event on which it watched; its effort is shared by the days on which it did not fail."""
    days = _days(events.select("event_key", "site", "side", "repeat", "first", "last", "effort_value"))
    days = days.join(_failed(events), on=["event_key", "day"], how="anti", maintain_order="left")
    return days.with_columns(effort=pl.col("effort_value") / pl.len().over("event_key"))


def _days(events: pl.DataFrame) -> pl.DataFrame:
    return events.with_columns(day=pl.date_ranges("first", pl.max_horizontal("first", "last"))).explode("day")


def _failed(events: pl.DataFrame) -> pl.DataFrame:
    """Return the whole days on which events say that they did not watch: event_key, day."""
    parts = events.select("event_key", told="failure_periods").explode("told").drop_nulls("told")
    ends = pl.col("told").str.split_exact("/", 1)
    begin, end = (ends.struct.field(f"field_{n}").str.strip_chars() for n in (0, 1))
    end = pl.coalesce(end, begin)
    first, last = (moment.str.slice(0, 10).str.to_date(strict=False) for moment in (begin, end))
    # From a moment on, the first whole day is the next; until a moment, the last is the one before.
    first = pl.when(begin.str.len_chars() > 10).then(first.dt.offset_by("1d")).otherwise(first)
    last = pl.when(end.str.len_chars() > 10).then(last.dt.offset_by("-1d")).otherwise(last)
    whole = parts.select("event_key", first=first, last=last).filter(pl.col("first") <= pl.col("last"))
    return _days(whole).select("event_key", "day").unique()


def _months(events: pl.DataFrame) -> pl.DataFrame:
    months = _days(events).with_columns(month=pl.col("day").dt.strftime("%Y-%m"))
    share = pl.len().over("event_key", "month") / pl.len().over("event_key")
    return months.with_columns(_share=share).unique(["event_key", "month"], keep="first", maintain_order=True)


def one_unit(events: pl.DataFrame) -> str | None:
    """Return why the effort of events cannot be compared or added; None where it can."""
    methods = events["method"].unique().sort().to_list()
    if len(methods) > 1:
        return f"methods differ ({', '.join(methods)}), and so do their units of effort"
    units = events["effort_unit"].drop_nulls().unique().sort().to_list()
    if len(units) > 1:
        return f"units of effort differ ({', '.join(units)})"
    lacking = events["effort_value"].null_count()
    return f"the effort of {lacking} of {events.height} events is not known" if lacking else None
