"""Whether a column writes the day first or the month first: told by the whole column, never by one value.

A value such as 25/03/2010 can only have the day first, 03/25/2010 only the month. A column with proofs of one order and
none of the other has that order; with none, or with both, it has none. Evidence is counted by row and adds up, so the
answer does not depend on how a column was cut into batches nor on their order.
"""

from dataclasses import dataclass
from typing import Final

import polars as pl

from biodata.parsers.numerals import ascii_digits

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
    def of(cls, values: pl.Series, month: pl.Series | None = None, day: pl.Series | None = None) -> "OrderEvidence":
        """Count the evidence of a column, or of a batch of it.

        Parameters
        ----------
        values : polars.Series of str, length n
            Dates as told.
        month, day : polars.Series of str, length n, optional
            Month and day told beside them: a row whose two numbers are these, in one order only, proves that order.

        Returns
        -------
        OrderEvidence
        """
        frame = pl.DataFrame({"text": values.cast(pl.String)}).with_columns(
            month=pl.lit(None, pl.Int64) if month is None else month.cast(pl.Int64, strict=False),
            day=pl.lit(None, pl.Int64) if day is None else day.cast(pl.Int64, strict=False),
        )
        frame = frame.filter(~pl.col("text").str.contains(r"^\s*\d{4}(?:\D|$)"))
        if frame["text"].str.contains(r"[^\x00-\x7f]").any():
            frame = frame.with_columns(pl.Series("text", [ascii_digits(text[:80]) for text in frame["text"]]))
        if frame.is_empty():
            return cls()
        numbers = {
            f"{which}{at}": pl.col("text").str.extract(pattern, at).cast(pl.Int64)
            for which, pattern in (("first", _FIRST), ("second", _SECOND))
            for at in (1, 2)
        }
        frame = frame.with_columns(**numbers)
        proofs = []
        for one, two in (("1", "2"), ("2", "1")):
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
            proofs.append((by_size | by_parts).fill_null(value=False))
        either = pl.col("first1").is_between(1, 12) & pl.col("first2").is_between(1, 12)
        either = (either & (pl.col("first1") != pl.col("first2"))).fill_null(value=False) & ~proofs[0] & ~proofs[1]
        counts = frame.select(
            proofs[0].sum().alias("day"), proofs[1].sum().alias("month"), either.sum().alias("either")
        )
        return cls(*(int(count) for count in counts.row(0)))

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
