"""Whether a column writes the day first or the month first: told by the whole column, never by one value.

A value such as 25/03/2010 can only have the day first, 03/25/2010 only the month. A column with proofs of one order and
none of the other has that order; with none, or with both, it has none. Only what is read as a date proves: 31/02/2010 and
31/12/2999 say nothing of their column. Evidence is counted by row and adds up, so the answer does not depend on how a
column was cut into batches nor on their order.
"""

from dataclasses import dataclass
from datetime import date
from typing import Final

import polars as pl

from biodata.text.dates import AMBIGUOUS, parse_dates
from biodata.text.numbers import ascii_digits

_DATE: Final = r"(\d{1,2})\s?[-/.\\_ ]\s?(\d{1,2})\s?[-/.\\_ ]\s?\d{4}"
_FIRST: Final = rf"^\s*{_DATE}(?:\D|$)"
_SECOND: Final = rf"\d{{4}}\s*(?:-|/|~|to|至|到)\s*{_DATE}\s*$"


@dataclass(frozen=True, slots=True)
class OrderEvidence:
    """What the rows of a column say of 03/04/2010.

    Attributes
    ----------
    day_first, month_first : int
        Rows that can only have the day, or the month, first.
    ambiguous : int
        Rows that could have either.
    """

    day_first: int = 0
    month_first: int = 0
    ambiguous: int = 0

    @classmethod
    def of(
        cls,
        values: pl.Series,
        month: pl.Series | None = None,
        day: pl.Series | None = None,
        *,
        today: date,
        buddhist: bool = False,
    ) -> "OrderEvidence":
        """Count the evidence of a column, or of a batch of it.

        Parameters
        ----------
        values : polars.Series of str, length n
            Dates as told.
        month, day : polars.Series of str, length n, optional
            Month and day told beside them: a row whose two numbers are these, in one order only, proves that order.
        today : date
            Nothing is recorded after it.
        buddhist : bool
            The years are of the Buddhist Era.

        Returns
        -------
        OrderEvidence
        """
        rows = pl.DataFrame({"text": values.cast(pl.String)})
        beside = {"month": month, "day": day}
        rows = rows.with_columns(
            pl.lit(None, pl.String).alias(k) if v is None else v.alias(k) for k, v in beside.items()
        )
        return cls.by_group(what_rows_prove(rows.with_columns(group=pl.lit("")), today=today, buddhist=buddhist)).get(
            "", cls()
        )

    @classmethod
    def by_group(cls, rows: pl.DataFrame) -> "dict[str, OrderEvidence]":
        """Count the evidence of several columns, or of batches of them, at once.

        Parameters
        ----------
        rows : polars.DataFrame of n rows
            What `what_rows_prove` gives; `group` names the column.

        Returns
        -------
        dict of str to OrderEvidence
            Of each group that has dates which do not begin with the year.
        """
        counts = rows.group_by("group").agg(pl.col("day_first", "month_first", "either").sum())
        return {group: cls(*found) for group, *found in counts.iter_rows()}

    def merge(self, other: "OrderEvidence") -> "OrderEvidence":
        """Return the evidence of both together; the order in which evidence is merged does not matter."""
        return OrderEvidence(
            self.day_first + other.day_first,
            self.month_first + other.month_first,
            self.ambiguous + other.ambiguous,
        )

    @property
    def order(self) -> bool | None:
        """True where the day stands first, False where the month does, None where the column does not tell."""
        if bool(self.day_first) == bool(self.month_first):
            return None
        return self.day_first > 0


def what_rows_prove(rows: pl.DataFrame, *, today: date, buddhist: bool = False) -> pl.DataFrame:
    """Tell of each date which order it proves, or that it could be read either way.

    Parameters
    ----------
    rows : polars.DataFrame of n rows
        Texts: `text` is the date as told, `month` and `day` are told beside it; other columns stay.
    today : date
        Nothing is recorded after it.
    buddhist : bool
        The dataset declares the Buddhist Era.

    Returns
    -------
    polars.DataFrame
        The rows whose date does not begin with the year, with bool columns: `day_first` and `month_first`, what the row
        proves; `day_by_size` and `month_by_size`, what its numbers alone prove; `either`, it waits for an order.
    """
    rows = rows.filter(~pl.col("text").str.contains(r"^\s*\d{4}(?:\D|$)"))
    parsed = parse_dates(rows["text"], today=today, buddhist=buddhist)
    waits = pl.col("issue") == AMBIGUOUS
    readings = parsed.select(
        read=pl.col("start").is_not_null() & pl.col("issue").is_null(),
        day_waits=waits & (pl.col("rule") == "day_first"),
        month_waits=waits & ((pl.col("rule") == "month_first") | (pl.col("alternative_rule") == "month_first")),
    )
    rows = rows.with_columns(readings.select(pl.all().fill_null(value=False)).get_columns())
    if rows["text"].str.contains(r"[^\x00-\x7f]").any():
        rows = rows.with_columns(pl.Series("text", [ascii_digits(text[:80]) for text in rows["text"]]))
    numbers = {
        f"{which}{at}": pl.col("text").str.extract(pattern, at).cast(pl.Int64)
        for which, pattern in (("first", _FIRST), ("second", _SECOND))
        for at in (1, 2)
    }
    beside = (pl.col("month", "day").str.strip_suffix(".0")).cast(pl.Int64, strict=False)
    rows = rows.with_columns(beside, **numbers)
    for order, one, two in (("day", "1", "2"), ("month", "2", "1")):
        # The place that holds a number above 12 holds the day.
        by_size = pl.any_horizontal(
            pl.col(which + one).is_between(13, 31) & pl.col(which + two).is_between(1, 12)
            for which in ("first", "second")
        )
        by_parts = (
            (pl.col("first" + one) == pl.col("day"))
            & (pl.col("first" + two) == pl.col("month"))
            & (pl.col("day") != pl.col("month"))
        )
        by_size = pl.col("read") & by_size.fill_null(value=False)
        by_parts = pl.col(f"{order}_waits") & by_parts.fill_null(value=False)
        rows = rows.with_columns((by_size | by_parts).alias(f"{order}_first"), by_size.alias(f"{order}_by_size"))
    waiting = (pl.col("day_waits") | pl.col("month_waits")) & ~pl.col("day_first") & ~pl.col("month_first")
    return rows.with_columns(either=waiting)
