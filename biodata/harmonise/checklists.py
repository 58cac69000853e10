"""Checklists made ready for matching: the accepted taxon of each name, and what is known of it.

The checklists of an installation are asked first; what they do not have, or have only by another spelling or by its
genus, is looked up in the reference list, letter by letter.
"""

from functools import cached_property
from typing import Final

import polars as pl

from biodata.text.matcher import NameMatcher, kingdom
from biodata.text.reference_list import ReferenceList, reference_list

ANSWERS: Final = (
    "taxon_id", "checklist", "scientificName", "accepted", "taxonRank", "iucnRedListCategory", "kingdom", "phylum",
    "class", "order", "family", "genus", "gbif_key", "col_key",
)  # fmt: skip
"""What is stated of an accepted taxon; `accepted` is its name with authorship."""

LAST: Final = 1_000
"""The place of checklists that were given none: behind the others, in the alphabet's order."""

_ABOVE: Final = ("kingdom", "phylum", "class", "order", "family", "genus")
_CLASSES: Final = _ABOVE[:-1]


class Checklist:
    """The names of the loaded checklists and of the reference list, each with the accepted taxon that it leads to.

    Parameters
    ----------
    taxa : polars.DataFrame
        Columns of `terms.TAXON`, of one checklist, several or none. They are asked in the order of `checklist_order`,
        then of their names.
    reference : ReferenceList, optional
        The bundled one where none is given.
    """

    def __init__(self, taxa: pl.DataFrame, reference: ReferenceList | None = None) -> None:
        self._given_reference = reference
        with_author = pl.concat_str("scientificName", "scientificNameAuthorship", separator=" ", ignore_nulls=True)
        label = pl.concat_str("checklist", "checklist_version", separator=" ", ignore_nulls=True)
        known = taxa.unique(["checklist", "taxon_id"], keep="first", maintain_order=True)
        order = pl.struct(pl.col("checklist_order").fill_null(LAST), "checklist").rank("dense")
        known = known.with_columns(accepted=with_author, list="checklist", checklist=label, place=order)
        known = _with_categories(known)
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
            name="synonyms", author=pl.lit(None, pl.String), kingdom=kingdom(pl.col("kingdom")), family="family",
            status=pl.lit("SYNONYM"), taxon="taxon", order="place",
        )  # fmt: skip
        names = pl.concat([names, told_beside.explode("name")])
        self._matcher = None if names.is_empty() else NameMatcher(names, self._reference.genera)

    @cached_property
    def _reference(self) -> ReferenceList:
        """The reference list, read when it is needed."""
        return self._given_reference or reference_list()

    def match(self, asked: pl.DataFrame) -> pl.DataFrame:
        """Match distinct names; see `biodata.text.matcher.NameMatcher.match`."""
        listed = _by_reference(asked, self._reference, first=self._taxa.height)
        if self._matcher is None:
            return listed
        own = self._matcher.match(asked)
        # A spelling that the reference list has is no slip, and a species says more than a genus.
        less = own["match_type"].is_in(["NONE", "FUZZY"]) | (own["level"] == "genus").fill_null(value=False)
        exact = listed["match_type"].is_in(["EXACT", "CANONICAL", "AMBIGUOUS"]) & (listed["level"] == "name")
        better = exact | ((listed["level"] == "species") & (own["level"] != "species").fill_null(value=True))
        better |= (own["match_type"] == "NONE") & (listed["match_type"] != "NONE")
        instead = (less & better).fill_null(value=False)
        return own.select(
            pl.when(instead).then(listed[name]).otherwise(pl.col(name)).alias(name) for name in own.columns
        )

    def accepted(self, taxon: pl.Series) -> pl.DataFrame:
        """Return what is stated of accepted taxa.

        Parameters
        ----------
        taxon : polars.Series of int, length n
            Numbers from `match`.

        Returns
        -------
        polars.DataFrame of n rows
            `ANSWERS`; null where there is no taxon.
        """
        own = self._taxa.select(pl.all().gather(pl.when(taxon < self._taxa.height).then(taxon)))
        rows = pl.DataFrame({"taxon": taxon}).select(
            pl.when(taxon >= self._taxa.height).then(taxon - self._taxa.height)
        )
        listed = _as_answers(self._reference.taxa(rows.to_series()), self._reference.label)
        own = self._completed(own)
        return own.select(pl.coalesce(pl.col(name), listed[name]).alias(name) for name in ANSWERS)

    def _completed(self, own: pl.DataFrame) -> pl.DataFrame:
        """Return taxa of checklists with the classification that the reference list has of their names."""
        lacks = pl.any_horizontal(pl.col(rank).is_null() for rank in _CLASSES) & pl.col("scientificName").is_not_null()
        open_names = own.filter(lacks)["scientificName"].unique()
        if open_names.is_empty():
            return own
        known = self._reference.look_up(open_names).with_columns(same_kingdom=kingdom(pl.col("kingdom")))
        asked = (
            own.with_row_index("row")
            .filter(lacks)
            .select("row", "scientificName", "family", of=kingdom(pl.col("kingdom")))
        )
        pairs = asked.join(known, left_on="scientificName", right_on="name", how="inner", suffix="_known")
        pairs = pairs.filter((pl.col("of") == pl.col("same_kingdom")).fill_null(value=True))
        alone = pairs.filter(pl.col("row_known").n_unique().over("row") == 1).unique("row")
        filled = own.with_row_index("row").join(
            alone.select("row", *(pl.col(rank if rank != "family" else "family_known").alias(f"_{rank}") for rank in _CLASSES)),
            on="row", how="left", maintain_order="left",
        )  # fmt: skip
        return filled.with_columns(pl.coalesce(rank, f"_{rank}").alias(rank) for rank in _CLASSES).select(own.columns)

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
        frame = pl.DataFrame({"taxa": taxa}).with_row_index("row").explode("taxa").drop_nulls("taxa")
        # A taxon without an identifier is stated from its namesakes by its kingdom and family.
        place = pl.concat_str("kingdom", "family", separator=", ", ignore_nulls=True)
        within = pl.concat_str(pl.lit("["), pl.coalesce("taxon_id", place), pl.lit("]"))
        words = self.accepted(frame["taxa"]).select(pl.concat_str("accepted", within, separator=" ", ignore_nulls=True))
        lists = frame.with_columns(words=words.to_series()).group_by("row", maintain_order=True).agg(pl.col("words"))
        rows = pl.DataFrame({"row": pl.int_range(taxa.len(), dtype=pl.UInt32, eager=True)})
        return rows.join(lists, on="row", how="left", maintain_order="left")["words"]


def _with_categories(taxa: pl.DataFrame) -> pl.DataFrame:
    """Return taxa with the Red List category of the first list that states one of the name: CITES' list states none."""
    of = kingdom(pl.col("kingdom"))
    stated = (
        taxa.drop_nulls("iucnRedListCategory").sort("place", maintain_order=True).unique("scientificName", keep="first")
    )
    stated = stated.select("scientificName", stated_category="iucnRedListCategory", stated_of=of)
    both = taxa.join(stated, on="scientificName", how="left", maintain_order="left")
    same = (pl.col("stated_of") == of).fill_null(value=True)
    category = pl.coalesce("iucnRedListCategory", pl.when(same).then("stated_category"))
    return both.with_columns(iucnRedListCategory=category).drop("stated_category", "stated_of")


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


def _by_reference(asked: pl.DataFrame, reference: ReferenceList, *, first: int) -> pl.DataFrame:
    """Match names to the reference list, letter by letter; its taxa are counted from `first`."""
    wanted = pl.concat([asked["name"], asked["species"], asked["genus"]])
    names = reference.look_up(wanted).select(
        "name", author=pl.lit(None, pl.String), kingdom=kingdom(pl.col("kingdom")), family="family", status="status",
        taxon=pl.col("row") + first, order=pl.lit(1),
    )  # fmt: skip
    return NameMatcher(names).match(asked, exactly=True)


def _as_answers(taxa: pl.DataFrame, label: str) -> pl.DataFrame:
    """Return taxa of the reference list as `ANSWERS`."""
    here = pl.col("accepted").is_not_null()
    text, number = pl.lit(None, pl.String), pl.lit(None, pl.Int64)
    return taxa.select(
        taxon_id=text, checklist=pl.when(here).then(pl.lit(label)), scientificName="accepted", accepted="accepted",
        taxonRank="rank", iucnRedListCategory=text, **{rank: pl.col(rank) for rank in _ABOVE}, gbif_key=number, col_key=text,
    ).select(ANSWERS)  # fmt: skip
