"""Year, month, day and days of the year: what stands beside eventDate."""

import polars as pl

from biodata.harmonise.told import Told


def date_parts(told: Told) -> pl.DataFrame:
    """Read what stands beside eventDate.

    Parameters
    ----------
    told : Told
        n rows.

    Returns
    -------
    polars.DataFrame of n rows
        `text`, year, month and day as one ISO text, or year, startDayOfYear and endDayOfYear where month and day are
        empty; `invalid`, whether a part is 0, is no year, is two numbers, or stands without the coarser one.
    """
    nothing = pl.lit(None, dtype=pl.String)
    if not told.has("year", "month", "day"):
        return told["year"].to_frame().select(text=nothing, invalid=pl.lit(value=False))
    # 2019.0 is a year that went through a table of floating point numbers; a month 0 is none, and no month either.
    frame = pl.DataFrame({name: told[name].str.strip_suffix(".0") for name in ("year", "month", "day")})
    zero = pl.any_horizontal(pl.col("month", "day").is_in(["0", "00"])).fill_null(value=False)
    # `1 234` is no day, and behind year and month it would pass for a day and a time.
    broken = [pl.col(name).str.contains(r"\d[\s:T]+\d").fill_null(value=False) for name in ("month", "day")]
    # 16 in the year's column is no year, and with month and day behind it it would pass for a day.
    short = ((pl.col("year").str.len_chars() != 4) & pl.col("month").is_not_null()).fill_null(value=False)
    year = pl.when(~short).then("year")
    month, day = (
        pl.when(~pl.col(name).is_in(["0", "00"]) & ~no_number).then(name)
        for name, no_number in zip(("month", "day"), broken, strict=True)
    )
    days = nothing
    if told.has("startDayOfYear"):
        frame = frame.with_columns(first=told["startDayOfYear"], last=told["endDayOfYear"])
        days = _days_of_year(year)
    text = (
        pl.when(day.is_not_null() & month.is_not_null())
        .then(pl.concat_str(year, pl.lit("-"), month.str.zfill(2), pl.lit("-"), day.str.zfill(2)))
        .when(month.is_not_null())
        .then(pl.concat_str(year, pl.lit("-"), month.str.zfill(2)))
        .otherwise(pl.coalesce(days, year))
    )
    gap = (year.is_null() & (month.is_not_null() | day.is_not_null())) | (month.is_null() & day.is_not_null())
    return frame.select(text=text, invalid=gap | zero | short | pl.any_horizontal(broken))


def _days_of_year(year: pl.Expr) -> pl.Expr:
    """Return year and days of the year as an ISO text; null where the first is no number of a day."""
    first, last = _number("first"), _number("last")
    ends = [pl.concat_str(year, pl.lit("-"), day.cast(pl.String).str.zfill(3)) for day in (first, last)]
    return pl.when(last != first).then(pl.concat_str(ends[0], pl.lit("/"), ends[1])).otherwise(ends[0])


def _number(name: str) -> pl.Expr:
    """Return a day of the year as a number, null where it is none."""
    number = pl.col(name).str.strip_suffix(".0").cast(pl.Int16, strict=False)
    return pl.when(number.is_between(1, 366)).then(number)


def days_mismatch(told: Told, chosen: pl.DataFrame) -> pl.Series | None:
    """Tell where startDayOfYear or endDayOfYear is another day than the date's; None where no row has one.

    Parameters
    ----------
    told : Told
        n rows.
    chosen : polars.DataFrame
        n rows with `event_date`, `start` and `end`; a date of less than a day is not compared.
    """
    if not told.has("startDayOfYear", "endDayOfYear"):
        return None
    frame = chosen.with_columns(first=told["startDayOfYear"], last=told["endDayOfYear"])
    by_day = pl.col("event_date").str.contains(r"^\d{4}-\d\d-\d\d") & pl.col("event_date").str.contains(
        r"(?:^|/)\d{4}-\d\d-\d\d(?:T[^/]*)?$"
    )
    other = (_number("first") != pl.col("start").dt.ordinal_day()) | (_number("last") != pl.col("end").dt.ordinal_day())
    return frame.select((by_day & other).fill_null(value=False)).to_series()
