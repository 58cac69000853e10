"""What a new checklist means for the records: names resolved again, and each change of a name with the records that bear it."""

from typing import Final

import polars as pl

from biodata import places, terms
from biodata.flags import FLAGS
from biodata.harmonise import elements
from biodata.harmonise.checklists import Checklist
from biodata.harmonise.findings import Findings
from biodata.harmonise.names import NAME_COLUMNS, NAME_FLAGS, NAME_TERMS, Names
from biodata.harmonise.told import Told
from biodata.text.scientific_names import parse_names
from biodata.text.versions import compare_versions

TOLD: Final = ("scientificName", "records")
ELEMENT_FLAGS: Final = ("MARINE_TAXON_ON_LAND", "LAND_TAXON_AT_SEA")
"""The doubts about a place that depend on the taxon."""


class Resolution:
    """What is made of the names of records with the checklists of a day.

    Parameters
    ----------
    checklist : polars.DataFrame
        Columns of `terms.TAXON`.
    boundaries : BoundarySet
        Whose coasts count for doubts about the element.
    """

    def __init__(self, checklist: pl.DataFrame, boundaries: places.BoundarySet) -> None:
        self._names = Names(Checklist(checklist))
        self._boundaries = boundaries

    def resolve(self, names: pl.DataFrame) -> pl.DataFrame:
        """Interpret distinct names.

        Parameters
        ----------
        names : polars.DataFrame of n rows
            `NAME_TERMS` as they came; other columns stay.

        Returns
        -------
        polars.DataFrame of n rows
            The same, with the interpreted values as `n_` + column (`NAME_COLUMNS`) and the doubts as `name_flags`.
        """
        batch = names.select(NAME_TERMS, source_file=pl.lit("names"), source_row=pl.int_range(pl.len(), dtype=pl.Int64))
        found = self._names.interpret(Told(batch))
        of_type = {column.name: column.dtype for column in terms.OCCURRENCE}
        values = [value.cast(of_type[name]).alias(f"n_{name}") for name, value in found.columns.items()]
        listed = pl.DataFrame([mask.alias(flag) for flag, mask in found.flags.items()]).select(
            name_flags=pl.concat_list(
                pl.when(pl.col(flag)).then(pl.lit(flag)) for flag in found.flags
            ).list.drop_nulls()
        )
        return pl.concat([names, pl.DataFrame(values), listed], how="horizontal")

    def doubts(self, records: pl.DataFrame) -> pl.Series:
        """Return the whole `quality_flags` of records whose names were resolved.

        Parameters
        ----------
        records : polars.DataFrame of n rows
            Their place, `quality_flags` and `shared_as` as they are, and what `resolve` returns for their names.
        """
        taxon = Findings({name: records[f"n_{name}"] for name in NAME_COLUMNS})
        found = elements.flags(
            records["decimalLongitude"],
            records["decimalLatitude"],
            taxon=taxon,
            records=Findings({"basisOfRecord": records["basisOfRecord"]}),
            located=Findings({"located_country_code": records["located_country_code"]}),
            boundaries=self._boundaries,
        )
        # Of a place that came coarse nothing is asked of the map again (`came_coarse`).
        exact = pl.col("shared_as").is_null()
        of_place = [pl.when(pl.col(f"e_{flag}")).then(pl.lit(flag)) for flag in found]
        place = pl.concat_list(of_place).list.drop_nulls() if found else pl.lit([], dtype=pl.List(pl.String))
        kept = pl.col("quality_flags").fill_null([])
        here = kept.list.set_difference(pl.lit([*ELEMENT_FLAGS]))
        frame = records.with_columns(mask.alias(f"e_{flag}") for flag, mask in found.items())
        every = frame.select(
            flags=pl.when(exact).then(here).otherwise(kept).list.set_difference(pl.lit([*NAME_FLAGS])),
            of_name="name_flags",
            of_place=pl.when(exact).then(place).otherwise(pl.lit([], dtype=pl.List(pl.String))),
        ).select(pl.concat_list("flags", "of_name", "of_place"))
        order = pl.Enum(list(FLAGS))
        return every.to_series().list.eval(pl.element().cast(order).unique().sort().cast(pl.String))


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
