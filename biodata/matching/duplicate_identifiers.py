"""Records that an identifier says are one."""

from typing import Final

import polars as pl

from biodata.matching.duplicate_links import differs, links
from biodata.matching.duplicate_pairs import explode, pairs

MOST_OF_IDENTIFIER: Final = 50
"""An identifier that more records share names none of them."""
CORRECTED_M: Final = 10_000.0
"""Places farther apart than this contradict each other."""

IDENTIFIED_BY: Final = ("key", "id_occurrence", "id_gbif", "id_catalogued", "named", "names")
"""The columns of `duplicate_facts.facts` that `identifiers` reads."""


def by_identifier(facts: pl.DataFrame) -> pl.DataFrame:
    """Link records by their identifiers.

    Parameters
    ----------
    facts : polars.DataFrame
        What `duplicate_facts.facts` returned, of every record that shares one of `identifiers` with another.

    Returns
    -------
    polars.DataFrame of LINKS
    """
    numbered = _identifier_blocks(facts, named_by_others(facts))
    found = pairs(facts, numbered, across_datasets=False, most=MOST_OF_IDENTIFIER).filter(
        pl.col("present_a") == pl.col("present_b")
    )
    told = {
        name: (pl.col(f"{name}_a") == pl.col(f"{name}_b")).fill_null(value=False)
        for name in ("id_occurrence", "id_gbif", "id_catalogued", "species")
    }
    other_collection = (pl.col("collection_a") != pl.col("collection_b")).fill_null(value=False)
    catalogued = told["id_catalogued"] & ~other_collection
    other_species = (pl.col("species_a") != pl.col("species_b")).fill_null(value=False)
    moved = (pl.col("metres") > CORRECTED_M + pl.sum_horizontal("radius_a", "radius_b")).fill_null(value=False)
    other_time = pl.col("days_differ") | pl.col("clocks_differ")
    contradictions = pl.sum_horizontal(c.cast(pl.Int32) for c in (other_species, moved, other_time))
    agrees = told["species"] & (contradictions == 0) & ~pl.col("individuals_differ")
    names_other = _shares("names", "named") | _shares("named", "names") | _shares("names", "names")
    across = pl.col("other_dataset")
    here = agrees & pl.col("same_day") & pl.col("same_place") & ~differs("recordNumber")
    found = found.with_columns(
        reason=pl.when(across & told["id_gbif"] & (contradictions <= 1))
        .then(pl.lit("the same gbifID in two datasets"))
        .when(across & told["id_occurrence"] & pl.col("id_global_a") & (contradictions <= 1))
        .then(pl.lit("the same occurrenceID in two datasets"))
        .when(across & catalogued & (contradictions <= 1))
        .then(pl.lit("the same institutionCode and catalogNumber in two datasets"))
        .when(across & told["id_occurrence"] & here & ~pl.col("border"))
        .then(pl.lit("the same occurrenceID, species, day and place in two datasets"))
        .when(~across & catalogued & here)
        .then(pl.lit("the same catalogNumber twice in one dataset, with the same species, day and place"))
        .when(names_other & agrees & ~pl.col("days_differ"))
        .then(pl.lit("the otherCatalogNumbers of one name the other")),
        but=pl.when(other_species)
        .then(pl.lit("; the species differ"))
        .when(moved)
        .then(pl.lit("; the places differ"))
        .when(other_time)
        .then(pl.lit("; the dates differ"))
        .otherwise(pl.lit("")),
    )
    return links(found.drop_nulls("reason"), 2, pl.col("reason") + pl.col("but"))


def named_by_others(facts: pl.DataFrame) -> pl.Series:
    """Return what the records' otherCatalogNumbers name, as numbers."""
    return explode(facts.select("names"), "names")["names"].drop_nulls().unique()


def identifiers(facts: pl.DataFrame, named: pl.Series) -> pl.DataFrame:
    """Return key and each of its identifiers as a number (`block`): records that share one are `by_identifier`'s.

    Parameters
    ----------
    facts : polars.DataFrame
        What `duplicate_facts.facts` returned.
    named : polars.Series
        `named_by_others` of all records.
    """
    numbered = _identifier_blocks(facts, named)
    return numbered.select(facts["key"].gather(numbered["row"]), "block")


def _identifier_blocks(facts: pl.DataFrame, named: pl.Series) -> pl.DataFrame:
    """Return rows and numbers of their identifiers; a name that no other record uses is left out."""
    rows = facts.with_row_index("row")
    plain = [rows.select("row", block=name) for name in ("id_occurrence", "id_gbif", "id_catalogued")]
    lists = [explode(rows.select("row", block=name), "block") for name in ("named", "names") if len(named)]
    lists = [told.filter(pl.col("block").is_in(named.implode())) for told in lists]
    return pl.concat([*plain, *lists]).drop_nulls().unique()


def _shares(one: str, other: str) -> pl.Expr:
    """Tell where two lists, one of each record, have a member in common."""
    common = pl.col(f"{one}_a").list.set_intersection(pl.col(f"{other}_b")).list.len()
    return (common > 0).fill_null(value=False)
