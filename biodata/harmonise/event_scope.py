"""What was looked for at an event, and which taxa were therefore not there: absence is never wider than the scope."""

from typing import Final

import polars as pl

from biodata.harmonise.event_cells import cells
from biodata.harmonise.findings import Findings

_YES: Final = (
    "true",
    "yes",
    "y",
    "1",
    "t",
    "是",
    "有",
    "ใช่",
    "có",
    "ແມ່ນ",
    "បាទ",
    "ចាស",
    "ហုတ်ကဲ့",
    "ya",
    "oo",
    "ဟုတ်ကဲ့",
    "ဟုတ်",
)
_NO: Final = (
    "false",
    "no",
    "n",
    "0",
    "f",
    "否",
    "不",
    "无",
    "ไม่",
    "ไม่ใช่",
    "không",
    "ບໍ່",
    "ບໍ່ແມ່ນ",
    "ទេ",
    "မဟုတ်",
    "tidak",
    "bukan",
    "hindi",
)
_LISTS: Final = ("targetTaxonomicScope", "excludedTaxonomicScope", "absentTaxa")
RANKS: Final = ("scientificName", "species", "genus", "family", "order", "class", "phylum", "kingdom")
"""Columns of a record that its name and the names above it stand in."""


def read_list(cells: pl.Expr) -> pl.Expr:
    """Return the names that a cell lists between `|`, `;` or the wide marks; null where there is none."""
    names = cells.str.replace_all("[;；、，]", "|").str.split("|").list.eval(pl.element().str.strip_chars())
    filled = names.list.eval(pl.element().filter(pl.element() != ""))
    return pl.when(filled.list.len() > 0).then(filled)


def interpret(told: pl.DataFrame) -> Findings:
    """Read what events looked for.

    Parameters
    ----------
    told : polars.DataFrame
        n rows: the terms of the scope, those that there are.

    Returns
    -------
    Findings of n rows
        `targetTaxonomicScope` and `isAbsenceReported`.
    """
    words = pl.col("isAbsenceReported").str.to_lowercase()
    answers = dict.fromkeys(_YES, True) | dict.fromkeys(_NO, False)
    read = cells(told, *_LISTS, "isAbsenceReported").select(
        *(read_list(pl.col(name)).alias(name) for name in _LISTS),
        words.replace_strict(answers, default=None, return_dtype=pl.Boolean),
    )
    absent = read["isAbsenceReported"].fill_null(value=False) | read["absentTaxa"].is_not_null()
    outside = read.select(
        (pl.col("absentTaxa").list.set_intersection("excludedTaxonomicScope").list.len() > 0).fill_null(value=False)
    ).to_series()
    return Findings(
        {name: read[name] for name in ("targetTaxonomicScope", "isAbsenceReported")},
        {"ABSENCE_SCOPE_MISSING": absent & read["targetTaxonomicScope"].is_null(), "ABSENCE_OUT_OF_SCOPE": outside},
    )


def in_scope(taxa: pl.DataFrame, scope: pl.Series) -> pl.Series:
    """Tell whether taxa lie in the scope beside them.

    Parameters
    ----------
    taxa : polars.DataFrame
        n rows with those of `RANKS` that are known.
    scope : Series of list of str, length n
        Names of any rank; null where none is told.

    Returns
    -------
    Series of bool, length n
        False where there is no scope: nobody said that it was looked for.
    """
    ranks = [name for name in RANKS if name in taxa.columns]
    frame = taxa.select(ranks).with_columns(scope.alias("scope"))
    hits = [
        pl.col("scope").list.contains(pl.col(name)).fill_null(value=False) & pl.col(name).is_not_null()
        for name in ranks
    ]
    return frame.select(pl.any_horizontal(hits)).to_series() if hits else pl.Series([False] * taxa.height)


def absences(events: pl.DataFrame, records: pl.DataFrame) -> pl.DataFrame:
    """Return the species that were looked for and not found, by event.

    Parameters
    ----------
    events : polars.DataFrame
        Columns of `terms.EVENT`: `event_key`, `targetTaxonomicScope`, `isAbsenceReported`.
    records : polars.DataFrame
        Records of these events: `event_key`, `occurrenceStatus` where it is told, and those of `RANKS` that are known,
        `scientificName` at least. The species of all of them are those that can be absent, beside the species that a scope
        itself names.

    Returns
    -------
    polars.DataFrame
        `event_key` and `scientificName`: pairs in the scope of an event that reports absence, without a record of presence
        there. An event that does not tell what it looked for has none, however few records it has.
    """
    reporting = events.filter(
        pl.col("isAbsenceReported").fill_null(value=False) & pl.col("targetTaxonomicScope").is_not_null()
    ).select("event_key", scope="targetTaxonomicScope")
    ranks = [name for name in RANKS if name in records.columns]
    named = (
        reporting.select(scientificName=pl.col("scope").explode(empty_as_null=False))
        .filter(pl.col("scientificName").str.contains(r"^\p{Lu}[\p{Ll}-]+ [\p{Ll}-]+"))  # two words: a species
        .unique()
    )
    known = (
        records.filter(pl.col("scientificName").is_not_null())
        .select(ranks)
        .unique("scientificName", maintain_order=True)
    )
    species = pl.concat([known, named.join(known, on="scientificName", how="anti")], how="diagonal")
    pairs = reporting.join(species, how="cross")
    pairs = pairs.filter(in_scope(pairs, pairs["scope"])).select("event_key", "scientificName")
    found = records
    if "occurrenceStatus" in records.columns:
        found = records.filter(pl.col("occurrenceStatus").fill_null("PRESENT").str.to_uppercase() != "ABSENT")
    return (
        pairs.join(found, on=["event_key", "scientificName"], how="anti").unique().sort("event_key", "scientificName")
    )
