"""A checklist made ready for matching: one accepted taxon for each name, homonyms kept apart by kingdom."""

from types import MappingProxyType
from typing import Final

import polars as pl

# Words for the same kingdom, for comparison only.
_KINGDOMS: Final = MappingProxyType({"metazoa": "animalia", "viridiplantae": "plantae", "archaeplastida": "plantae"})

ANSWERS: Final = (
    "taxon_id",
    "checklist",
    "scientificName",
    "accepted",
    "taxonRank",
    "iucnRedListCategory",
    "kingdom",
    "phylum",
    "class",
    "order",
    "family",
    "genus",
)
"""What is told of an accepted taxon; `accepted` is its name with authorship."""


class Checklist:
    """The names of a checklist, each with the accepted taxon that it leads to.

    Parameters
    ----------
    taxa : polars.DataFrame
        Columns of `terms.TAXON`.
    """

    def __init__(self, taxa: pl.DataFrame) -> None:
        with_author = pl.concat_str("scientificName", "scientificNameAuthorship", separator=" ", ignore_nulls=True)
        known = taxa.unique("taxon_id", keep="first", maintain_order=True).with_columns(accepted=with_author)
        self._taxa = known.select(ANSWERS)
        numbers = known.select(pl.col("taxon_id").alias("accepted_id")).with_row_index("taxon")
        names = (
            taxa.filter(pl.col("scientificName").is_not_null())
            .select(
                pl.col("scientificName").alias("name"),
                pl.coalesce("accepted_taxon_id", "taxon_id").alias("accepted_id"),
                kingdom(pl.col("kingdom")).alias("group"),
                pl.col("taxonomicStatus").alias("status"),
            )
            .join(numbers, on="accepted_id", how="inner", maintain_order="left")
        )
        self._by_group = _one_each(names, ["name", "group"])
        self._by_name = _one_each(names, ["name"])

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
            `taxon`, a number for `accepted`, and `status`, the name's own (ACCEPTED, SYNONYM); null where the name is
            not there, leads to two taxa, or belongs to another kingdom.
        """
        wanted = pl.DataFrame({"name": names, "group": groups})
        within = wanted.join(self._by_group, on=["name", "group"], how="left", maintain_order="left")
        alone = wanted.join(self._by_name, on="name", how="left", maintain_order="left", suffix="_of_taxon")
        # Never across kingdoms: a name alone decides only where one of both sides tells none.
        free = pl.col("group").is_null() | pl.col("group_of_taxon").is_null()
        alone = alone.select(pl.when(free).then(name).alias(f"{name}_alone") for name in ("taxon", "status"))
        found = pl.concat([within, alone], how="horizontal")
        return found.select(pl.coalesce(name, f"{name}_alone") for name in ("taxon", "status"))

    def accepted(self, taxon: pl.Series) -> pl.DataFrame:
        """Return what is told of accepted taxa.

        Parameters
        ----------
        taxon : polars.Series of int, length n
            Numbers from `match`.

        Returns
        -------
        polars.DataFrame of n rows
            `ANSWERS`; null where there is no taxon.
        """
        return self._taxa.select(pl.all().gather(taxon))


def kingdom(told: pl.Expr) -> pl.Expr:
    """Return kingdoms in one spelling, for comparison only."""
    return told.str.to_lowercase().replace(dict(_KINGDOMS))


def _one_each(names: pl.DataFrame, by: list[str]) -> pl.DataFrame:
    """Return the one accepted taxon of each name: that which bears it, else that which all synonyms lead to."""
    bears = pl.col("status") == "ACCEPTED"
    found = names.group_by(by, maintain_order=True).agg(
        *([] if "group" in by else [pl.col("group").first()]),
        bearing=pl.col("taxon").filter(bears).n_unique(),
        every=pl.col("taxon").n_unique(),
        bearer=pl.col("taxon").filter(bears).first(),
        first=pl.col("taxon").first(),
        synonym=pl.col("status").first(),
    )
    borne, led = pl.col("bearing") == 1, (pl.col("bearing") == 0) & (pl.col("every") == 1)
    taxon = pl.when(borne).then("bearer").when(led).then("first")
    status = pl.when(borne).then(pl.lit("ACCEPTED")).otherwise("synonym")
    found = found.select("name", "group", taxon=taxon, status=status)
    return found.filter(pl.col("taxon").is_not_null())
