"""Which sensitive records a node can grant at all: not those of tracked animals, nor what a community's label hides."""

from collections.abc import Iterable
from typing import Final

import polars as pl

from biodata import terms
from biodata.flags import TRACKED
from biodata.sharing import RuleSet, labels, siblings
from biodata.sharing.resolve import INTERPRETED

COLUMNS: Final = tuple(
    name for name in terms.names(terms.OCCURRENCE) if name in {*siblings.COLUMNS, *INTERPRETED, "community_labels"}
)
"""What `tied_to_labels` looks at."""


def tied_to_labels(batches: Iterable[pl.DataFrame], rules: RuleSet, *, few_stations: int | None) -> siblings.Siblings:
    """Return what ties records to those that a community's label makes coarser.

    Parameters
    ----------
    batches : iterable of polars.DataFrame
        All records, with `COLUMNS`.
    rules : RuleSet
        Those in force.
    few_stations : int, optional
        As `siblings.Finder` has it.
    """
    finder = siblings.Finder(few_stations)
    for batch in batches:
        finder.add(batch, labels.gate(rules.labels.added(batch)))
    return finder.found()


def rows(records: pl.DataFrame, decided: pl.DataFrame, rules: RuleSet, tied: siblings.Siblings) -> pl.Series:
    """Return the rows of the sensitive records that a node can grant.

    Where an animal with a transmitter was is given to nobody. A label that makes a record less than open is a
    community's word, and its country's node alone does not grant what it hides: a community that agrees takes its label
    off. What is recorded in one event with such a record would tell its place, and stays away too.

    Parameters
    ----------
    records : polars.DataFrame of n rows
        Columns of `terms.OCCURRENCE`.
    decided : polars.DataFrame
        As `sharing.decide` returns it.
    rules : RuleSet
        Those that decided.
    tied : Siblings
        As `tied_to_labels` returns it.

    Returns
    -------
    polars.Series of UInt32
        Sorted.
    """
    tracked = pl.col("quality_flags").list.contains(TRACKED).fill_null(value=False)
    never = (
        records.with_row_index("row").filter(tracked).select("row"),
        labels.gate(rules.labels.added(records)).select("row"),
        tied.of(records).select("row"),
    )
    kept = decided.select("row").join(pl.concat([part.cast(pl.UInt32) for part in never]), on="row", how="anti")
    return kept["row"].sort()
