"""Which sensitive records a node can grant at all: not those of tracked animals, nor what a community's label hides."""

import polars as pl

from biodata.flags import TRACKED
from biodata.sharing import RuleSet, labels


def rows(records: pl.DataFrame, decided: pl.DataFrame, rules: RuleSet) -> pl.Series:
    """Return the rows of the sensitive records that a node can grant.

    Where an animal with a transmitter was is given to nobody. A label that makes a record less than open is a
    community's word, and its country's node alone does not grant what it hides: a community that agrees takes its label
    off.

    Parameters
    ----------
    records : polars.DataFrame of n rows
        Columns of `terms.OCCURRENCE`.
    decided : polars.DataFrame
        As `sharing.decide` returns it.
    rules : RuleSet
        Those that decided; what their plan sets apart beside others can be granted, too.

    Returns
    -------
    polars.Series of UInt32
        Sorted.
    """
    tracked = pl.col("quality_flags").list.contains(TRACKED).fill_null(value=False)
    never = (
        records.with_row_index("row").filter(tracked).select("row"),
        labels.gate(rules.labels.added(records)).select("row"),
    )
    apart = pl.Series([], dtype=pl.Int64) if rules.plan is None else rules.plan.apart.hidden["key"]
    beside = records.with_row_index("row").filter(pl.col("key").is_in(apart.implode())).select("row")
    asked = pl.concat([decided.select(pl.col("row").cast(pl.UInt32)), beside]).unique()
    kept = asked.join(pl.concat([part.cast(pl.UInt32) for part in never]), on="row", how="anti")
    return kept["row"].sort()
