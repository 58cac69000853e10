"""A checklist made ready for matching: one accepted taxon for each name, homonyms kept apart by kingdom."""

from typing import Final

import polars as pl

_KINGDOMS: Final = {"metazoa": "animalia", "viridiplantae": "plantae", "archaeplastida": "plantae"}

_TAKEN: Final = ("scientificName", "taxonRank", "kingdom", "phylum", "class", "order", "family", "genus")
ANSWERS: Final = ("taxon_id", "checklist", "accepted", "status", "iucn", *_TAKEN)
"""What a match tells, besides the name that was looked up; all of the accepted taxon but `status`."""


class Checklist:
    """The names of a checklist, each with the accepted taxon that it leads to.

    Parameters
    ----------
    taxa : polars.DataFrame
        Columns of `terms.TAXON`.
    """

    def __init__(self, taxa: pl.DataFrame) -> None:
        named = taxa.filter(pl.col("scientificName").is_not_null()).with_columns(
            accepted_id=pl.coalesce("accepted_taxon_id", "taxon_id"),
            group=kingdom(pl.col("kingdom")),
            is_accepted=pl.col("taxonomicStatus") == "ACCEPTED",
        )
        accepted = taxa.unique("taxon_id", keep="first", maintain_order=True).select(
            pl.col("taxon_id").alias("accepted_id"),
            pl.concat_str("scientificName", "scientificNameAuthorship", separator=" ", ignore_nulls=True).alias(
                "accepted"
            ),
            pl.col("iucnRedListCategory").alias("iucn"),
            *_TAKEN,
        )
        names = named.select(
            pl.col("scientificName").alias("name"),
            "accepted_id",
            "checklist",
            "group",
            "is_accepted",
            "taxonomicStatus",
        )
        self._by_group = _one_each(names, ["name", "group"], accepted)
        self._by_name = _one_each(names, ["name"], accepted)

    def match(self, names: pl.Series, groups: pl.Series) -> pl.DataFrame:
        """Look names up, exactly.

        Parameters
        ----------
        names : polars.Series of str, length n
            Without authorship.
        groups : polars.Series of str, length n
            Kingdoms as from `kingdom`; null where not told.

        Returns
        -------
        polars.DataFrame of n rows
            `ANSWERS`; null where the name is not there, leads to two taxa, or belongs to another kingdom.
        """
        wanted = pl.DataFrame({"name": names, "group": groups})
        within = wanted.join(self._by_group, on=["name", "group"], how="left", maintain_order="left")
        alone = wanted.join(self._by_name, on="name", how="left", maintain_order="left", suffix="_of_taxon")
        # Never across kingdoms: a name alone decides only where one of both sides tells none.
        free = pl.col("group").is_null() | pl.col("group_of_taxon").is_null()
        alone = alone.select(pl.when(free).then(pl.col(answer)).alias(f"{answer}_alone") for answer in ANSWERS)
        found = pl.concat([within, alone], how="horizontal")
        return found.select(pl.coalesce(answer, f"{answer}_alone") for answer in ANSWERS)


def kingdom(told: pl.Expr) -> pl.Expr:
    """Return kingdoms in one spelling, for comparison only."""
    return told.str.to_lowercase().replace(_KINGDOMS)


def _one_each(names: pl.DataFrame, by: list[str], accepted: pl.DataFrame) -> pl.DataFrame:
    """Return the one accepted taxon for each name: that which bears it, else that which all synonyms lead to."""
    bearing = pl.col("accepted_id").filter("is_accepted").drop_nulls().unique()
    every = pl.col("accepted_id").drop_nulls().unique()
    extra = [] if "group" in by else [pl.col("group").first()]
    found = names.group_by(by, maintain_order=True).agg(
        *extra,
        bearing=bearing,
        every=every,
        checklist=pl.col("checklist").first(),
        synonym_status=pl.col("taxonomicStatus").first(),
    )
    one = (
        pl.when(pl.col("bearing").list.len() == 1)
        .then(pl.col("bearing").list.first())
        .when((pl.col("bearing").list.len() == 0) & (pl.col("every").list.len() == 1))
        .then(pl.col("every").list.first())
    )
    status = pl.when(pl.col("bearing").list.len() == 1).then(pl.lit("ACCEPTED")).otherwise("synonym_status")
    found = found.select(*dict.fromkeys([*by, "group"]), one.alias("accepted_id"), "checklist", status.alias("status"))
    found = found.filter(pl.col("accepted_id").is_not_null())
    return found.join(accepted, on="accepted_id", how="left").rename({"accepted_id": "taxon_id"})
