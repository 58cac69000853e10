"""Dates with two readings: which of them the column, or what stands beside the date, leaves."""

from datetime import date

import polars as pl

from biodata.harmonise.date_order import DateOrders
from biodata.harmonise.findings import repairs
from biodata.harmonise.told import Told
from biodata.text import dates


def in_order(
    event: pl.DataFrame, beside: pl.DataFrame, told: Told, orders: DateOrders | None, *, today: date
) -> pl.DataFrame:
    """Read dates that could be either way round by what their column says, else by the day that stands beside them.

    Parameters
    ----------
    event, beside : polars.DataFrame
        What `parse_dates` says of eventDate and of year, month and day, n rows each.
    told : Told
        The same n rows.
    orders : DateOrders, optional
        What the columns of the whole table say.
    today : date
        Nothing is recorded after it.

    Returns
    -------
    polars.DataFrame of n rows
        `event`, with the dates that could be settled; their rule tells by what.
    """
    rows = (event["issue"] == dates.AMBIGUOUS).fill_null(value=False).arg_true()
    if rows.is_empty():
        return event
    # The one reading that is left may be the month's.
    frame = event[rows].select(
        row=rows,
        day_first=pl.when(pl.col("rule") == "day_first").then("proposal"),
        month_first=pl.when(pl.col("alternative_rule") == "month_first")
        .then("alternative")
        .when(pl.col("rule") == "month_first")
        .then("proposal"),
        part_start=beside["start"].gather(rows),
        part_end=beside["end"].gather(rows),
        datasetKey=told["datasetKey"].gather(rows),
        term=pl.Series(["verbatimEventDate", "eventDate"]).gather(
            told["eventDate"].gather(rows).is_not_null().cast(int)
        ),
    )
    fits = {name: _fits(name).fill_null(value=False) for name in ("day_first", "month_first")}
    # What stands beside the date decides where it allows one reading and not the other.
    by_parts = pl.when(fits["day_first"] != fits["month_first"]).then(fits["day_first"])
    by_column = pl.lit(None, dtype=pl.Boolean) if orders is None else orders.by_row(frame["datasetKey"], frame["term"])
    frame = frame.with_columns(by_column=by_column, by_parts=by_parts)
    order = pl.coalesce("by_column", "by_parts")
    frame = frame.select(
        "row",
        text=pl.when(order).then("day_first").when(~order).then("month_first"),
        order=pl.when(order).then(pl.lit("day_first")).otherwise(pl.lit("month_first")),
        by=pl.when(pl.col("by_column").is_not_null()).then(pl.lit("_by_column")).otherwise(pl.lit("_by_parts")),
    ).drop_nulls("text")
    # By the column's order some of its dates are none: they stay unread, and no other order is tried.
    read = dates.parse_dates(frame["text"], today=today).with_columns(
        rule=frame["order"] + frame["by"], confidence=pl.lit("PROBABLE")
    )
    settled = frame["row"]
    return event.with_columns(
        event[name].clone().scatter(settled, read[name]) for name in event.columns if name != "value"
    )


def _fits(proposal: str) -> pl.Expr:
    """Tell whether a proposed day lies in what year, month and day tell; null where they tell nothing."""
    day = pl.col(proposal).str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False)
    return (day >= pl.col("part_start")) & (day <= pl.col("part_end"))


def fitting_proposals(both: pl.DataFrame) -> pl.DataFrame:
    """Keep of two proposals the one that year, month and day beside the date allow, where they allow one only."""
    first, second = _fits("proposal").fill_null(value=False), _fits("alternative").fill_null(value=False)
    swap, alone = ~first & second, first != second
    return both.with_columns(
        proposal=pl.when(swap).then("alternative").otherwise("proposal"),
        rule=pl.when(swap).then("alternative_rule").otherwise("rule"),
        alternative=pl.when(~alone).then("alternative"),
        alternative_rule=pl.when(~alone).then("alternative_rule"),
    )


def proposals_mismatch(both: pl.DataFrame) -> pl.Series:
    """Tell where no day that is proposed lies in the year, month and day beside it."""
    doubted = pl.col("issue").is_in([dates.SERIAL, dates.AMBIGUOUS])
    return both.select((doubted & ~_fits("proposal")).fill_null(value=False)).to_series()


def date_repairs(both: pl.DataFrame) -> list[pl.DataFrame]:
    """Note what was read by a rule, what is proposed, and where year, month and day stood in for eventDate."""
    # A day number names a day even where only a year was known: the proposal takes the precision of what stands beside.
    within = (both["issue"] == dates.SERIAL) & both.select(_fits("proposal").fill_null(value=False)).to_series()
    coarse = within & both["part_precision"].is_in(["year", "month"])
    proposal = both.select(pl.when(coarse).then("part_event_date").otherwise("proposal")).to_series()
    read = both["start"].is_not_null() & ~both["by_parts"]
    by_rule = read & both["rule"].is_not_null() & ~both["verbatim"]
    part_by_rule = both["by_parts"] & both["part_rule"].is_not_null()
    stand_in = both["by_parts"] & both["value"].is_not_null() & ~part_by_rule
    part_alone = both["part_proposal"].is_not_null() & proposal.is_null()
    return [
        repairs(proposal.is_not_null(), "eventDate", proposal, both["rule"], applied=False),
        repairs(
            both["alternative"].is_not_null(), "eventDate", both["alternative"], both["alternative_rule"], applied=False
        ),
        repairs(part_alone, "eventDate", both["part_proposal"], both["part_rule"], applied=False),
        repairs(by_rule, "eventDate", both["event_date"], both["rule"], applied=True),
        repairs(read & both["verbatim"], "eventDate", both["event_date"], "verbatim_event_date", applied=True),
        repairs(stand_in, "eventDate", both["part_event_date"], "year_month_day", applied=True),
        repairs(part_by_rule, "eventDate", both["part_event_date"], both["part_rule"], applied=True),
    ]
