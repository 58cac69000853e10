"""What a new version of a checklist changes: names that lead elsewhere, splits, lumps, names that come and go."""

from typing import Final

import polars as pl

CHANGES: Final = pl.Schema(
    [
        ("scientificName", pl.String),
        ("kingdom", pl.String),
        ("change", pl.String),
        ("old_accepted", pl.List(pl.String)),
        ("new_accepted", pl.List(pl.String)),
        ("records", pl.Int64),
    ]
)
"""One row a name that changes: `change` is disappeared, appeared, split, lumped, accepted_changed, ambiguous or resolved."""


def compare_versions(old: pl.DataFrame, new: pl.DataFrame, records: pl.DataFrame | None = None) -> pl.DataFrame:
    """Compare two versions of a checklist by the names in them; identifiers may have been given anew.

    Parameters
    ----------
    old, new : polars.DataFrame
        Columns of `terms.TAXON`.
    records : polars.DataFrame, optional
        `scientificName` (without authorship) and `records`: how many records bear the name.

    Returns
    -------
    polars.DataFrame
        Columns of CHANGES, those with most records first. Left out are names that lead to the same accepted name.

    Notes
    -----
    A name is told apart from others by its kingdom. It is *split* where the names of its old taxon lead to several
    taxa now; *lumped* where its new taxon holds names of several old ones; *accepted_changed* where one taxon only got
    another name; *ambiguous* where it led to one taxon and leads to several; *resolved* the other way round.
    """
    before, after = _leads(old, "old"), _leads(new, "new")
    both = before.join(after, on=["scientificName", "kingdom"], how="full", coalesce=True, nulls_equal=True)
    both = both.with_columns(pl.col("old_accepted", "new_accepted").list.sort())
    parts = _parts(both)
    both = both.join(parts["old"], on=["kingdom", "old_accepted"], how="left", nulls_equal=True)
    both = both.join(parts["new"], on=["kingdom", "new_accepted"], how="left", nulls_equal=True)
    many_before, many_after = pl.col("old_accepted").list.len() > 1, pl.col("new_accepted").list.len() > 1
    change = (
        pl.when(pl.col("new_accepted").is_null())
        .then(pl.lit("disappeared"))
        .when(pl.col("old_accepted").is_null())
        .then(pl.lit("appeared"))
        .when(many_after & ~many_before)
        .then(pl.lit("ambiguous"))
        .when(many_before & ~many_after)
        .then(pl.lit("resolved"))
        .when(pl.col("now") > 1)
        .then(pl.lit("split"))
        .when((pl.col("old_accepted") != pl.col("new_accepted")) & (pl.col("once") > 1))
        .then(pl.lit("lumped"))
        .when(pl.col("old_accepted") != pl.col("new_accepted"))
        .then(pl.lit("accepted_changed"))
    )
    changed = both.with_columns(change=change).drop_nulls("change")
    counted = _counted(records)
    changed = changed.join(counted, on="scientificName", how="left").with_columns(pl.col("records").fill_null(0))
    order = ["records", "change", "scientificName", "kingdom"]
    changed = changed.sort(order, descending=[True, False, False, False])
    return changed.select(pl.col(name).cast(dtype) for name, dtype in CHANGES.items())


def _leads(taxa: pl.DataFrame, when: str) -> pl.DataFrame:
    """Return for each name of a kingdom the accepted names that it leads to."""
    accepted = taxa.select("checklist", accepted_taxon_id="taxon_id", accepted="scientificName").unique(
        ["checklist", "accepted_taxon_id"], maintain_order=True
    )
    names = taxa.select("checklist", "scientificName", "kingdom", "accepted_taxon_id", "synonyms")
    beside = names.explode("synonyms").drop_nulls("synonyms").with_columns(scientificName="synonyms")
    # A name that is a taxon of the list itself is not also another one's synonym by a row's side remark.
    beside = beside.join(names, on="scientificName", how="anti")
    every = pl.concat([names.drop("synonyms"), beside.select(names.drop("synonyms").columns)])
    led = every.drop_nulls("scientificName").join(accepted, on=["checklist", "accepted_taxon_id"], how="left")
    return led.group_by("scientificName", "kingdom", maintain_order=True).agg(
        pl.col("accepted").drop_nulls().unique().alias(f"{when}_accepted")
    )


def _parts(both: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return into how many new taxa each old one went, and of how many old ones each new one is made."""
    led = both.drop_nulls(["old_accepted", "new_accepted"])
    single = led.filter((pl.col("old_accepted").list.len() == 1) & (pl.col("new_accepted").list.len() == 1))
    went = single.group_by("kingdom", "old_accepted").agg(now=pl.col("new_accepted").n_unique())
    came = single.group_by("kingdom", "new_accepted").agg(once=pl.col("old_accepted").n_unique())
    return {"old": went, "new": came}


def _counted(records: pl.DataFrame | None) -> pl.DataFrame:
    """Return how many records bear each name."""
    if records is None:
        return pl.DataFrame(schema={"scientificName": pl.String, "records": pl.Int64})
    return records.group_by("scientificName").agg(pl.col("records").sum())
