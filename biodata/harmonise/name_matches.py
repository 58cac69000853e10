"""Names that were read, led to the accepted taxa of the checklists and of the reference list."""

from typing import Final

import polars as pl

from biodata.harmonise.checklists import Checklist
from biodata.text.matcher import kingdom
from biodata.text.name_text import Issue
from biodata.text.reference_list import reference_list

CLASSIFICATION: Final = ("kingdom", "phylum", "class", "order", "family")
OF_MATCH: Final = (
    "taxon_id", "checklist", "col_key", "match_type", "match_confidence", "match_note", "match_alternatives",
)  # fmt: skip
_SPECIES_AND_BELOW: Final = (
    "SPECIES", "SUBSPECIES", "VARIETY", "FORM", "SUBVARIETY", "SUBFORM", "CULTIVAR", "INFRASPECIFIC_NAME",
)  # fmt: skip
_ABOVE_GENUS: Final = (
    "KINGDOM", "SUBKINGDOM", "PHYLUM", "SUBPHYLUM", "SUPERCLASS", "CLASS", "SUBCLASS", "INFRACLASS", "SUPERORDER", "ORDER",
    "SUBORDER", "INFRAORDER", "PARVORDER", "SUPERFAMILY", "EPIFAMILY", "FAMILY", "SUBFAMILY", "SUPERTRIBE", "TRIBE", "SUBTRIBE",
)  # fmt: skip
_SETTLED: Final = ("phylum", "class")
"""Ranks of which the reference list's groups are those of every current list: older orders and families are opinions."""


def matched(frame: pl.DataFrame, checklist: Checklist) -> tuple[pl.DataFrame, dict[str, pl.Expr]]:
    """Match the names that were read.

    Parameters
    ----------
    frame : polars.DataFrame of n rows
        What is told and was read of each name, as in `names._read`.
    checklist : Checklist
        Where names lead to accepted taxa.

    Returns
    -------
    polars.DataFrame of n rows
        The same with `OF_MATCH`, and the accepted taxon's name and classification in place of those told.
    dict of str to Expr
        The doubts about the match, by flag.
    """
    undetermined = pl.col("p_issues").list.contains(Issue.UNDETERMINED.value).fill_null(value=False)
    asked = frame.select(
        name=pl.col("p_canonical"),
        species=pl.col("species"),
        genus=pl.coalesce("p_genus", "genus", "p_uninomial"),
        author=pl.coalesce("p_authorship", pl.when(~undetermined).then("scientificNameAuthorship")),
        kingdom=pl.coalesce(kingdom(pl.col("kingdom")), _kingdom_of_classification(frame)),
        family=pl.col("family").str.to_titlecase(),
    )
    distinct = asked.unique(maintain_order=True)
    found = checklist.match(distinct)
    found = found.with_columns(match_alternatives=checklist.described(found["alternatives"])).drop("alternatives")
    table = pl.concat([distinct, found.rename({"taxon": "m_taxon", "status": "m_status"})], how="horizontal")
    match = asked.join(table, on=asked.columns, how="left", maintain_order="left", nulls_equal=True)
    accepted = checklist.accepted(match["m_taxon"]).select(pl.all().name.prefix("m_"))
    frame = pl.concat([frame, match.drop(asked.columns), accepted], how="horizontal")
    named = pl.col("name").is_not_null()
    lookalikes = pl.col("p_issues").list.contains(Issue.LOOKALIKES.value).fill_null(value=False)
    kind = pl.when(named).then(
        pl.when(lookalikes & pl.col("match_type").is_in(["EXACT", "CANONICAL"]))
        .then(pl.lit("VARIANT"))
        .otherwise("match_type")
    )
    less = pl.when(undetermined).then(20).otherwise(0) + pl.when(lookalikes).then(10).otherwise(0)
    frame = frame.with_columns(match_type=kind, match_confidence=(pl.col("match_confidence") - less).clip(0))
    finer = pl.col("match_type") == "HIGHERRANK"
    fuzzy = pl.col("match_type").is_in(["VARIANT", "FUZZY"]) | (
        finer & pl.col("match_note").str.contains("letters|gender")
    )
    flags = {
        "TAXON_MATCH_NONE": pl.col("match_type") == "NONE",
        "TAXON_MATCH_HIGHERRANK": finer,
        "TAXON_MATCH_FUZZY": fuzzy,
        "TAXON_MATCH_AMBIGUOUS": pl.col("match_type") == "AMBIGUOUS",
        "TAXON_CLASSIFICATION_CONTRADICTED": pl.any_horizontal(
            (pl.col(f"told_{rank}") != pl.col(f"m_{rank}").str.to_titlecase())
            & pl.col(f"told_{rank}").is_in(sorted(reference_list().groups_of(rank)))
            for rank in _SETTLED
        ),
    }
    frame = frame.with_columns(pl.col(rank).str.to_titlecase().alias(f"told_{rank}") for rank in _SETTLED)
    return _adopt(frame), flags


def _kingdom_of_classification(frame: pl.DataFrame) -> pl.Series:
    """Return the kingdom of the class, else phylum, else order that is stated; null where none is known."""
    ranks = ("class", "phylum", "order")
    found = [reference_list().kingdom_of(rank, frame[rank].str.to_titlecase()) for rank in ranks if frame[rank].count()]
    if not found:
        return pl.Series("kingdom", [None], dtype=pl.String).new_from_index(0, frame.height)
    return pl.select(kingdom(pl.coalesce(*found))).to_series()


def _adopt(frame: pl.DataFrame) -> pl.DataFrame:
    """Take over the accepted taxon: its name, species and genus; its rank and classification where none was stated."""
    by_name = (pl.col("level") == "name").fill_null(value=False)
    above_genus = by_name & pl.col("m_taxonRank").is_in(_ABOVE_GENUS).fill_null(value=False)
    is_species = pl.col("m_taxonRank").is_in(_SPECIES_AND_BELOW)
    # A slip of the pen can make another genus of one: of an unknown species the reference list's genus says nothing.
    unsure = (pl.col("level") == "genus") & (pl.col("m_checklist") == reference_list().label)
    known = ~unsure.fill_null(value=False)
    binomial = pl.col("m_scientificName").str.extract(r"^(\S+ \S+)")
    return frame.with_columns(
        *(pl.coalesce(term, pl.when(known).then(f"m_{term}")).alias(term) for term in CLASSIFICATION),
        species=pl.when(is_species).then(binomial).otherwise("species"),
        genus=pl.when(is_species).then(pl.coalesce("m_genus", "genus")).otherwise("genus"),
        # "Aves sp." reads as a genus; the lists know that it is a class.
        rank=pl.when(above_genus)
        .then(pl.coalesce("told_rank", "m_taxonRank"))
        .when(by_name & (pl.col("rank") == "INFRASPECIFIC_NAME") & pl.col("told_rank").is_null())
        .then(pl.coalesce("m_taxonRank", "rank"))
        .otherwise(pl.coalesce("rank", pl.when(by_name).then("m_taxonRank"))),
        above_genus=above_genus,
        acceptedScientificName=pl.when(is_species).then("m_accepted").otherwise("acceptedScientificName"),
        status=pl.when(pl.col("level") == "name").then(pl.coalesce("m_status", "status")).otherwise("status"),
        taxonKey=pl.coalesce("taxonKey", "m_gbif_key"),
        iucnRedListCategory=pl.coalesce("m_iucnRedListCategory", "iucnRedListCategory"),
        taxon_id=pl.col("m_taxon_id"),
        checklist=pl.col("m_checklist"),
        col_key=pl.col("m_col_key"),
    )
