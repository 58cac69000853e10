"""The order of day and month in the date columns of each dataset: a pass over the table before it is interpreted.

A batch must not be interpreted by what other batches say unless all of them were heard: the whole table is read once
with `DateOrders.add`, and the answer then goes with every batch.
"""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Final, NamedTuple

import polars as pl

from biodata.harmonise.told import ADMINISTRATION, Told
from biodata.text.day_month import OrderEvidence, what_rows_prove

TERMS: Final = ("eventDate", "verbatimEventDate")
_OTHER: Final = MappingProxyType({"day_first": "month_by_size", "month_first": "day_by_size"})
_NOTHING_DECLARED: Final[Mapping[str, str]] = MappingProxyType({})

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


class _Against(NamedTuple):
    """How many rows of a column can only have the other order than the declared one, and where the first stands."""

    rows: int
    first: tuple[str, int]


class DateOrders:
    """What the date columns of each dataset say of 03/04/2010.

    Evidence adds up: batches may come in any size and order, and parts counted elsewhere are merged.

    Parameters
    ----------
    today : date
        Nothing is recorded after it: a later date proves nothing.
    declarations : mapping, optional
        `calendar` and `day_month_order`, as for `dates.interpret`.
    """

    def __init__(self, *, today: date, declarations: Mapping[str, str] = _NOTHING_DECLARED) -> None:
        self._today = today
        self._buddhist = declarations.get("calendar") == "buddhist"
        self._declared = declarations.get("day_month_order")
        self._evidence: dict[tuple[str, str], OrderEvidence] = {}
        self._against: dict[tuple[str, str], _Against] = {}

    def add(self, told: Told) -> None:
        """Hear a batch."""
        for term in TERMS:
            if not told.has(term):
                continue
            columns = {"group": "datasetKey", "text": term, "month": "month", "day": "day"}
            # verbatimEventDate is read only where eventDate is empty.
            stated = pl.repeat(value=True, n=told.height, eager=True) if term == TERMS[0] else told[TERMS[0]].is_null()
            rows = pl.DataFrame({name: told[column] for name, column in columns.items()}).with_columns(
                pl.col("group").fill_null(""), *_where(told), stated=stated
            )
            # Most dates begin with the year and prove nothing.
            rows = rows.filter(pl.col("text").is_not_null() & ~pl.col("text").str.contains(r"^\d{4}(?:\D|$)"))
            if rows.is_empty():
                continue
            proved = what_rows_prove(rows, today=self._today, buddhist=self._buddhist).with_columns(
                either=pl.col("either") & pl.col("stated")
            )
            for dataset, found in OrderEvidence.by_group(proved).items():
                self._put(dataset, term, found)
            if (by_size := _OTHER.get(self._declared or "")) is not None:
                other = proved.filter(pl.col("stated") & pl.col(by_size)).sort("file", "row")
                firsts = other.group_by("group").agg(pl.len(), pl.col("file", "row").first())
                for dataset, count, file, row in firsts.iter_rows():
                    self._put_against((dataset, term), _Against(count, (file, row)))

    def merge(self, other: "DateOrders") -> None:
        """Add the evidence that was counted elsewhere."""
        for (dataset, term), evidence in other._evidence.items():
            self._put(dataset, term, evidence)
        for column, against in other._against.items():
            self._put_against(column, against)

    def _put(self, dataset: str, term: str, evidence: OrderEvidence) -> None:
        """Add the evidence of a column."""
        self._evidence[dataset, term] = self._evidence.get((dataset, term), OrderEvidence()).merge(evidence)

    def _put_against(self, column: tuple[str, str], found: _Against) -> None:
        """Add the rows of a column that are against the declared order."""
        known = self._against.get(column, _Against(0, found.first))
        self._against[column] = _Against(known.rows + found.rows, min(known.first, found.first))

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

    def contradictions(self) -> list[str]:
        """Return what is against the declared order, a sentence for each column that has such dates."""
        declared, other = ("day", "month") if self._declared == "day_first" else ("month", "day")
        return [
            f"{dataset or 'the table'}: {term} is declared to have the {declared} first; rows that can only have "
            f"the {other} first, and are read so: {found.rows}, the first of them {found.first[0]}, row {found.first[1]}"
            for (dataset, term), found in sorted(self._against.items())
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


def _where(told: Told) -> list[pl.Series]:
    """Return the file and the row that each row came from."""
    file, row = (told.batch[name] for name in ADMINISTRATION)
    return [file.cast(pl.String).alias("file").fill_null(""), row.cast(pl.Int64).alias("row").fill_null(0)]
