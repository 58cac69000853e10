"""The order of day and month in the date columns of each dataset: a pass over the table before it is interpreted.

A batch must not be interpreted by what other batches say unless all of them were heard: the whole table is read once
with `DateOrders.add`, and the answer then goes with every batch.
"""

from collections.abc import Mapping
from typing import Final

import polars as pl

from biodata.harmonise.told import Told
from biodata.parsers.day_month import OrderEvidence

TERMS: Final = ("eventDate", "verbatimEventDate")

SCHEMA: Final = pl.Schema(
    {
        "datasetKey": pl.String,
        "term": pl.String,
        "day_first_rows": pl.Int64,
        "month_first_rows": pl.Int64,
        "ambiguous_rows": pl.Int64,
        "day_first": pl.Boolean,
    }
)


class DateOrders:
    """What the date columns of each dataset say of 03/04/2010.

    Evidence adds up: batches may come in any size and order, and parts counted elsewhere are merged.
    """

    def __init__(self) -> None:
        self._evidence: dict[tuple[str, str], OrderEvidence] = {}

    def add(self, told: Told) -> None:
        """Hear a batch."""
        for term in TERMS:
            if not told.has(term):
                continue
            columns = {"group": "datasetKey", "text": term, "month": "month", "day": "day"}
            # Most dates begin with the year and prove nothing.
            rows = pl.DataFrame({name: told[column] for name, column in columns.items()}).filter(
                pl.col("text").is_not_null() & ~pl.col("text").str.contains(r"^\d{4}(?:\D|$)")
            )
            for dataset, found in OrderEvidence.by_group(rows.with_columns(pl.col("group").fill_null(""))).items():
                self._put(dataset, term, found)

    def merge(self, other: "DateOrders") -> None:
        """Add the evidence that was counted elsewhere."""
        for (dataset, term), evidence in other._evidence.items():
            self._put(dataset, term, evidence)

    def _put(self, dataset: str, term: str, evidence: OrderEvidence) -> None:
        """Add the evidence of a column."""
        self._evidence[dataset, term] = self._evidence.get((dataset, term), OrderEvidence()).merge(evidence)

    def evidence(self) -> Mapping[tuple[str, str], OrderEvidence]:
        """Return the evidence by dataset (empty where rows tell none) and term."""
        return dict(sorted(self._evidence.items()))

    def table(self) -> pl.DataFrame:
        """Return the evidence and what it says, one row a dataset and term, to be kept with the dataset."""
        rows = [
            (dataset, term, found.day_first, found.month_first, found.ambiguous, found.order)
            for (dataset, term), found in self.evidence().items()
        ]
        return pl.DataFrame(rows, schema=SCHEMA, orient="row")

    def decide(self) -> bool:
        """Tell whether they say something of dates that could be read either way."""
        return any(found.ambiguous and found.order is not None for found in self._evidence.values())

    def sentences(self) -> list[str]:
        """Return what was concluded about each column that has dates to be read by it."""
        return [
            f"{dataset or 'the table'}: {term} has the {'day' if found.order else 'month'} first, as "
            f"{max(found.day_first, found.month_first)} rows prove; {found.ambiguous} others are read so"
            for (dataset, term), found in self.evidence().items()
            if found.ambiguous and found.order is not None
        ]

    def by_row(self, datasets: pl.Series, terms: pl.Series) -> pl.Series:
        """Return for n rows whether their column writes the day first; null where it does not tell.

        Parameters
        ----------
        datasets, terms : polars.Series of str, length n
            The dataset that each row tells, null where none; and the term that its date is from.
        """
        rows = pl.DataFrame({"datasetKey": datasets.fill_null(""), "term": terms})
        return rows.join(self.table(), on=["datasetKey", "term"], how="left", maintain_order="left")["day_first"]
