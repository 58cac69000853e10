"""Effort of a survey: how long or how far was looked, per side, method, site and month, with failures taken off.

Effort of two methods is never added: each has its unit. Events without known effort are counted beside it and never taken
for none.
"""

from collections.abc import Sequence
from typing import Final

import polars as pl

LEVELS: Final = ("side", "method", "repeat", "site", "month")
"""By what effort can be told."""
MONTHS_NOTE: Final = "an event of several months is spread evenly over its days"


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
