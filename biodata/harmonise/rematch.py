"""What a new version of a checklist means for the records: each change of a name with the number that bear it."""

from typing import Final

import polars as pl

from biodata.matching.versions import compare_versions
from biodata.parsers.scientific_names import parse_names

TOLD: Final = ("scientificName", "records")


def rematch_report(old: pl.DataFrame, new: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """Say which names change their accepted taxon, split, lump, appear or disappear, with their records.

    Parameters
    ----------
    old, new : polars.DataFrame
        Columns of `terms.TAXON`, two versions of one checklist.
    told : polars.DataFrame
        `scientificName` as records tell it, with or without authorship, and `records`, how many do.

    Returns
    -------
    polars.DataFrame
        As from `matching.versions.compare_versions`. A record counts for its own name where either version has it,
        else for its species, else for its genus.
    """
    parts = parse_names(told["scientificName"])
    species = pl.concat_str("genus", "specific_epithet", separator=" ")
    names = pl.concat([told.select("records"), parts.select("canonical", "genus", species=species)], how="horizontal")
    listed = pl.concat([frame.select("scientificName", "synonyms") for frame in (old, new)])
    known = pl.concat([listed["scientificName"], listed["synonyms"].explode()]).drop_nulls().unique().implode()
    bears = pl.coalesce(*(pl.when(pl.col(name).is_in(known)).then(name) for name in ("canonical", "species", "genus")))
    counted = names.select(scientificName=bears, records="records").drop_nulls()
    return compare_versions(old, new, counted)
