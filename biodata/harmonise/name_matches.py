"""Names that were read, led to the accepted taxa of a checklist."""

from typing import Final

import polars as pl

from biodata.harmonise.checklists import Checklist
from biodata.matching.kingdoms import kingdom
from biodata.parsers.name_text import Issue

CLASSIFICATION: Final = ("kingdom", "phylum", "class", "order", "family")
OF_MATCH: Final = (
    "taxon_id", "checklist", "col_key", "match_type", "match_confidence", "match_note", "match_alternatives",
)  # fmt: skip
_SPECIES_AND_BELOW: Final = (
    "SPECIES", "SUBSPECIES", "VARIETY", "FORM", "SUBVARIETY", "SUBFORM", "CULTIVAR", "INFRASPECIFIC_NAME",
)  # fmt: skip


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
        kingdom=kingdom(pl.col("kingdom")),
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
    }
    return _adopt(frame), flags


def _adopt(frame: pl.DataFrame) -> pl.DataFrame:
    """Take over the accepted taxon: its name, species and genus; its classification where none was told."""
    is_species = pl.col("m_taxonRank").is_in(_SPECIES_AND_BELOW)
    binomial = pl.col("m_scientificName").str.extract(r"^(\S+ \S+)")
    return frame.with_columns(
        *(pl.coalesce(term, f"m_{term}").alias(term) for term in CLASSIFICATION),
        species=pl.when(is_species).then(binomial).otherwise("species"),
        genus=pl.when(is_species).then(pl.coalesce("m_genus", "genus")).otherwise("genus"),
        acceptedScientificName=pl.when(is_species).then("m_accepted").otherwise("acceptedScientificName"),
        status=pl.when(pl.col("level") == "name").then(pl.coalesce("m_status", "status")).otherwise("status"),
        taxonKey=pl.coalesce("taxonKey", "m_gbif_key"),
        iucnRedListCategory=pl.coalesce("m_iucnRedListCategory", "iucnRedListCategory"),
        taxon_id=pl.col("m_taxon_id"),
        checklist=pl.col("m_checklist"),
        col_key=pl.col("m_col_key"),
    )
