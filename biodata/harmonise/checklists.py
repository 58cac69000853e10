"""Checklists made ready for matching: the accepted taxon of each name, and what is told of it."""

from importlib.resources import files
from typing import Final

import polars as pl

from biodata.matching.kingdoms import kingdom
from biodata.matching.matcher import NameMatcher

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
    "gbif_key",
    "col_key",
)
"""What is told of an accepted taxon; `accepted` is its name with authorship."""

LAST: Final = 1_000
"""The place of checklists that were given none: behind the others, in the alphabet's order."""

_ABOVE: Final = ("kingdom", "phylum", "class", "order", "family", "genus")


class Checklist:
    """The names of the loaded checklists, each with the accepted taxon that it leads to.

    Parameters
    ----------
    taxa : polars.DataFrame
        Columns of `terms.TAXON`, of one checklist or several. They are asked in the order of `checklist_order`, then
        of their names.
    """

    def __init__(self, taxa: pl.DataFrame) -> None:
        with_author = pl.concat_str("scientificName", "scientificNameAuthorship", separator=" ", ignore_nulls=True)
        label = pl.concat_str("checklist", "checklist_version", separator=" ", ignore_nulls=True)
        known = taxa.unique(["checklist", "taxon_id"], keep="first", maintain_order=True)
        order = pl.struct(pl.col("checklist_order").fill_null(LAST), "checklist").rank("dense")
        known = known.with_columns(accepted=with_author, list="checklist", checklist=label, place=order)
        listed = pl.concat([known, _groups(known)], how="diagonal_relaxed").with_row_index("taxon")
        self._taxa = listed.select(ANSWERS)
        numbers = listed.select(
            "list", accepted_id="taxon_id", taxon="taxon", of_accepted="kingdom", its_family="family"
        )
        own = listed.filter(pl.col("scientificName").is_not_null()).with_columns(
            accepted_id=pl.when(pl.col("taxonomicStatus") == "SYNONYM").then("accepted_taxon_id").otherwise("taxon_id")
        )
        group = pl.col("taxon_id").is_null()
        names = pl.concat(
            [
                own.filter(~group)
                .drop("taxon")
                .join(numbers, on=["list", "accepted_id"], how="inner", maintain_order="left"),
                own.filter(group).with_columns(of_accepted=pl.lit(None, pl.String), its_family=pl.lit(None, pl.String)),
            ],
            how="diagonal_relaxed",
        ).select(
            name=pl.col("scientificName"),
            author=pl.col("scientificNameAuthorship"),
            kingdom=kingdom(pl.coalesce("kingdom", "of_accepted")),
            family=pl.coalesce("family", "its_family"),
            status="taxonomicStatus",
            taxon="taxon",
            order="place",
        )
        told_beside = own.filter(~group & (pl.col("synonyms").list.len() > 0)).select(
            name="synonyms",
            author=pl.lit(None, pl.String),
            kingdom=kingdom(pl.col("kingdom")),
            family="family",
            status=pl.lit("SYNONYM"),
            taxon="taxon",
            order="place",
        )
        names = pl.concat([names, told_beside.explode("name")])
        genera = pl.read_parquet((files("biodata") / "data" / "genera.parquet").read_bytes(), columns=["name"])["name"]
        self._matcher = NameMatcher(names, genera)

    def match(self, asked: pl.DataFrame) -> pl.DataFrame:
        """Match distinct names; see `biodata.matching.matcher.NameMatcher.match`."""
        return self._matcher.match(asked)

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

    def described(self, taxa: pl.Series) -> pl.Series:
        """Return taxa in words, `Name Authorship [taxon_id]`, for lists of alternatives.

        Parameters
        ----------
        taxa : polars.Series of lists of int, length n
            Numbers from `match`.

        Returns
        -------
        polars.Series of lists of str, length n
        """
        words = self._taxa.select(
            pl.concat_str(
                "accepted", pl.concat_str(pl.lit("["), "taxon_id", pl.lit("]")), separator=" ", ignore_nulls=True
            )
        ).to_series()
        frame = pl.DataFrame({"taxa": taxa}).with_row_index("row").explode("taxa").drop_nulls("taxa")
        lists = frame.with_columns(words=words.gather(frame["taxa"])).group_by("row").agg(pl.col("words"))
        rows = pl.DataFrame({"row": pl.int_range(taxa.len(), dtype=pl.UInt32, eager=True)})
        return rows.join(lists, on="row", how="left", maintain_order="left")["words"]


def _groups(taxa: pl.DataFrame) -> pl.DataFrame:
    """Return genera and groups above them that species of a checklist name and that have no row of their own.

    They have no identifier, and the classification that all species of the group share.
    """
    ranked = taxa.filter(pl.col("taxonomicStatus") != "SYNONYM")
    found = []
    for place, rank in enumerate(_ABOVE):
        above = _ABOVE[:place]
        shared = [
            pl.when(pl.col(r).drop_nulls().n_unique() == 1).then(pl.col(r).drop_nulls().first()).alias(r) for r in above
        ]
        by = ["list", "checklist", "place", rank] + (["kingdom"] if rank != "kingdom" else [])
        shared = [expr for expr, r in zip(shared, above, strict=True) if r != "kingdom"]
        rows = ranked.drop_nulls(rank).group_by(by, maintain_order=True).agg(*shared)
        name = pl.col(rank)
        found.append(
            rows.with_columns(
                scientificName=name, accepted=name, taxonRank=pl.lit(rank.upper()), taxonomicStatus=pl.lit("ACCEPTED")
            )
        )
    groups = pl.concat(found, how="diagonal_relaxed").with_columns(
        taxon_id=pl.lit(None, pl.String), scientificNameAuthorship=pl.lit(None, pl.String)
    )
    listed = taxa.select("list", "scientificName")
    return groups.join(listed, on=["list", "scientificName"], how="anti", maintain_order="left")
