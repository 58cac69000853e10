"""Effort of a survey: how long or how far was looked, per side, method, site and month, with failures taken off.

Effort of two methods is never added: each has its unit. Events without known effort are counted beside it and never taken
for none.
"""

from collections.abc import Sequence
from typing import Final

import polars as pl

from biodata.vocabularies import SurveyDesign

LEVELS: Final = ("side", "method", "repeat", "site", "month")
"""By what effort can be told."""


def effort(events: pl.DataFrame, *, by: Sequence[str] = ("side", "method")) -> pl.DataFrame:
    """Return effort by groups.

    Parameters
    ----------
    events : polars.DataFrame
        As `joining.sites` returns them; `effort_value` has failures taken off.
    by : sequence of str
        Of LEVELS. A month is told as `2026-02`; an event of several months gives each its share of the event's days.

    Returns
    -------
    polars.DataFrame, one row a group
        The columns of `by`; `effort_unit`; `events`; `sites`; `effort`, in that unit, null where it is not known of any event;
        `effort_unknown`, events whose effort is not known; `failed_days`, days without observation.
    """
    unknown = [level for level in by if level not in LEVELS]
    if unknown:
        msg = f"effort cannot be told by {unknown[0]}; by {', '.join(LEVELS)} it can"
        raise ValueError(msg)
    shared = _months(events) if "month" in by else events.with_columns(_share=pl.lit(1.0))
    known = pl.col("effort_value").is_not_null()
    return (
        shared.group_by(*by, "effort_unit", maintain_order=True)
        .agg(
            events=pl.col("event_key").n_unique(),
            sites=pl.col("site").n_unique(),
            effort=pl.when(known.any()).then((pl.col("effort_value") * pl.col("_share")).sum()),
            effort_unknown=pl.col("event_key").filter(~known).n_unique(),
            failed_days=(pl.col("failed_days").fill_null(0.0) * pl.col("_share")).sum(),
        )
        .sort(*by, "effort_unit", nulls_last=True)
    )


def of_stations(events: pl.DataFrame, *, by: Sequence[str] = ()) -> pl.DataFrame:
    """Return the effort of sites, where cameras that stand at one site at the same time count once.

    Events of cameras are counted once a site, too (`abundance.independent_events`): with two cameras a site sees the same animals
    as with one, and trap-nights of both would halve its rate.

    Parameters
    ----------
    events : polars.DataFrame
        As `joining.sites` returns them, of one method, their effort known.
    by : sequence of str
        Other columns by which effort is told, such as `repeat`.

    Returns
    -------
    polars.DataFrame, one row a site, side and group
        `site`, `side`, the columns of `by`, `effort`: of each day the most that one event has (`days_watched`). Of methods but
        camera traps, and of events without days, the sum.
    """
    at = ["site", "side", *by]
    cameras = events.filter((pl.col("method") == SurveyDesign.CAMERA_TRAP) & pl.col("first").is_not_null())
    days = days_watched(cameras)
    plain = events.join(days.select("event_key"), on="event_key", how="anti").select(*at, effort="effort_value")
    shared = days.group_by(*at, "day", maintain_order=True).agg(pl.col("effort").max())
    both = pl.concat([plain, shared.select(*at, "effort")], how="vertical")
    return both.group_by(at, maintain_order=True).agg(pl.col("effort").sum()).sort(at, nulls_last=True)


def days_watched(events: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each day of each event on which it watched.

    Parameters
    ----------
    events : polars.DataFrame
        As `joining.sites` returns them, with days.

    Returns
    -------
    polars.DataFrame
        `event_key`, `site`, `side`, `repeat`, `day`, `effort`: an event's effort, from which failures are taken off, is shared by
        the days on which it did not fail.
    """
    return (
        events.select("event_key", "site", "side", "repeat", "first", "last", "effort_value")
        .with_columns(day=pl.date_ranges("first", pl.max_horizontal("first", "last")))
        .explode("day")
        .join(_failed(events), on=["event_key", "day"], how="anti", maintain_order="left")
        .select(
            "event_key", "site", "side", "repeat", "day", effort=pl.col("effort_value") / pl.len().over("event_key")
        )
    )


def _failed(events: pl.DataFrame) -> pl.DataFrame:
    """Return the whole days on which events say that they did not watch: event_key, day."""
    parts = events.select("event_key", told="failure_periods").explode("told").drop_nulls("told")
    ends = pl.col("told").str.split_exact("/", 1)
    parts = parts.with_columns(
        _from=ends.struct.field("field_0").str.strip_chars(),
        _to=pl.coalesce(ends.struct.field("field_1"), ends.struct.field("field_0")).str.strip_chars(),
    )
    # From a moment on, the first whole day is the next; until a moment, the last is the one before.
    moment = {name: pl.col(name).str.len_chars() > 10 for name in ("_from", "_to")}
    day = {name: pl.col(name).str.slice(0, 10).str.to_date(strict=False) for name in ("_from", "_to")}
    first = pl.when(moment["_from"]).then(day["_from"].dt.offset_by("1d")).otherwise(day["_from"])
    last = pl.when(moment["_to"]).then(day["_to"].dt.offset_by("-1d")).otherwise(day["_to"])
    whole = parts.with_columns(_first=first, _last=last).filter(pl.col("_first") <= pl.col("_last"))
    return whole.select("event_key", day=pl.date_ranges("_first", "_last")).explode("day").unique()


def _months(events: pl.DataFrame) -> pl.DataFrame:
    """Return a row for each month of each event, with the month's share of the event's days."""
    dated = events.filter(pl.col("first").is_not_null())
    ends = pl.max_horizontal("first", "last")
    days = dated.with_columns(_day=pl.date_ranges("first", ends)).explode("_day")
    shares = (
        days.group_by("event_key", month=pl.col("_day").dt.strftime("%Y-%m"))
        .agg(_days=pl.len())
        .with_columns(_share=pl.col("_days") / pl.col("_days").sum().over("event_key"))
    )
    undated = events.filter(pl.col("first").is_null()).with_columns(
        month=pl.lit(None, dtype=pl.String), _share=pl.lit(1.0)
    )
    with_months = dated.join(shares.drop("_days"), on="event_key", maintain_order="left").sort("event_key", "month")
    return pl.concat([with_months, undated], how="diagonal")


def one_unit(events: pl.DataFrame) -> str | None:
    """Return why the effort of events cannot be compared or added; None where it can.

    Parameters
    ----------
    events : polars.DataFrame
        As `joining.sites` returns them.
    """
    methods = events["method"].unique().sort().to_list()
    if len(methods) > 1:
        return f"methods differ ({', '.join(methods)}), and so do their units of effort"
    units = events["effort_unit"].drop_nulls().unique().sort().to_list()
    if len(units) > 1:
        return f"units of effort differ ({', '.join(units)})"
    lacking = events.filter(pl.col("effort_value").is_null()).height
    if lacking:
        return f"the effort of {lacking} of {events.height} events is not known"
    return None
