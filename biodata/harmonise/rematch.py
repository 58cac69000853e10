"""What a new checklist means for the records: names resolved again, and each change of a name with the records that bear it."""

from typing import Final

import polars as pl

from biodata import lists, places
from biodata.core import terms
from biodata.core.flags import FLAGS
from biodata.harmonise import suspicious
from biodata.harmonise.checklists import Checklist
from biodata.harmonise.findings import Findings, Stated
from biodata.harmonise.names import NAME_COLUMNS, NAME_FLAGS, NAME_TERMS, Names
from biodata.text.scientific_names import parse_names

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
        found = self._names.interpret(Stated(batch))
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
        found = suspicious.element_flags(
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


def rematch_report(old: pl.DataFrame, new: pl.DataFrame, table: pl.DataFrame) -> pl.DataFrame:
    """Say which names change their accepted taxon, split, lump, appear or disappear, with their records.

    Parameters
    ----------
    old, new : polars.DataFrame
        Columns of `terms.TAXON`, two versions of one checklist.
    table : polars.DataFrame
        `scientificName` as records state it, with or without authorship, and `records`, how many do.

    Returns
    -------
    polars.DataFrame
        As from `compare_versions`. A record counts for its own name where either version has it,
        else for its species, else for its genus.
    """
    parts = parse_names(table["scientificName"])
    species = pl.concat_str("genus", "specific_epithet", separator=" ")
    names = pl.concat([table.select("records"), parts.select("canonical", "genus", species=species)], how="horizontal")
    listed = pl.concat([frame.select("scientificName", "synonyms") for frame in (old, new)])
    known = pl.concat([listed["scientificName"], listed["synonyms"].explode()]).drop_nulls().unique().implode()
    bears = pl.coalesce(*(pl.when(pl.col(name).is_in(known)).then(name) for name in ("canonical", "species", "genus")))
    counted = names.select(scientificName=bears, records="records").drop_nulls()
    return compare_versions(old, new, counted)


# What a new version of a checklist changes: names that lead elsewhere, splits, lumps, names that come and go.

CHANGES: Final = pl.Schema(
    [
        ("scientificName", pl.String), ("kingdom", pl.String), ("change", pl.String),
        ("old_accepted", pl.List(pl.String)), ("new_accepted", pl.List(pl.String)), ("records", pl.Int64),
    ]
)  # fmt: skip
"""One row a name that changes: `change` is disappeared, appeared, split, lumped, accepted_changed, ambiguous or resolved."""


def compare_versions(old: pl.DataFrame, new: pl.DataFrame, records: pl.DataFrame | None = None) -> pl.DataFrame:
    """Compare two versions of a checklist by the names in them; identifiers may have been given anew.

    Parameters
    ----------
    old, new : polars.DataFrame
        Columns of `terms.TAXON`.
    records : polars.DataFrame, optional
        `scientificName` (without authorship) and `records`: how many records bear the name.

    Returns
    -------
    polars.DataFrame
        Columns of CHANGES, those with most records first. Left out are names that lead to the same accepted name.

    Notes
    -----
    A name is distinguished from others by its kingdom. It is *split* where the names of its old taxon lead to several
    taxa now; *lumped* where its new taxon holds names of several old ones; *accepted_changed* where one taxon only got
    another name; *ambiguous* where it led to one taxon and leads to several; *resolved* the other way round.
    """
    before, after = _leads(old, "old"), _leads(new, "new")
    both = before.join(after, on=["scientificName", "kingdom"], how="full", coalesce=True, nulls_equal=True)
    both = both.with_columns(pl.col("old_accepted", "new_accepted").list.sort())
    parts = _parts(both)
    both = both.join(parts["old"], on=["kingdom", "old_accepted"], how="left", nulls_equal=True)
    both = both.join(parts["new"], on=["kingdom", "new_accepted"], how="left", nulls_equal=True)
    many_before, many_after = pl.col("old_accepted").list.len() > 1, pl.col("new_accepted").list.len() > 1
    change = (
        pl.when(pl.col("new_accepted").is_null())
        .then(pl.lit("disappeared"))
        .when(pl.col("old_accepted").is_null())
        .then(pl.lit("appeared"))
        .when(many_after & ~many_before)
        .then(pl.lit("ambiguous"))
        .when(many_before & ~many_after)
        .then(pl.lit("resolved"))
        .when(pl.col("now") > 1)
        .then(pl.lit("split"))
        .when((pl.col("old_accepted") != pl.col("new_accepted")) & (pl.col("once") > 1))
        .then(pl.lit("lumped"))
        .when(pl.col("old_accepted") != pl.col("new_accepted"))
        .then(pl.lit("accepted_changed"))
    )
    changed = both.with_columns(change=change).drop_nulls("change")
    counted = _counted(records)
    changed = changed.join(counted, on="scientificName", how="left").with_columns(pl.col("records").fill_null(0))
    order = ["records", "change", "scientificName", "kingdom"]
    changed = changed.sort(order, descending=[True, False, False, False])
    return changed.select(pl.col(name).cast(dtype) for name, dtype in CHANGES.items())


def _leads(taxa: pl.DataFrame, when: str) -> pl.DataFrame:
    """Return for each name of a kingdom the accepted names that it leads to."""
    accepted = taxa.select("checklist", accepted_taxon_id="taxon_id", accepted="scientificName").unique(
        ["checklist", "accepted_taxon_id"], maintain_order=True
    )
    names = taxa.select("checklist", "scientificName", "kingdom", "accepted_taxon_id", "synonyms")
    beside = names.explode("synonyms").drop_nulls("synonyms").with_columns(scientificName="synonyms")
    # A name that is a taxon of the list itself is not also another one's synonym by a row's side remark.
    beside = beside.join(names, on="scientificName", how="anti")
    every = pl.concat([names.drop("synonyms"), beside.select(names.drop("synonyms").columns)])
    led = every.drop_nulls("scientificName").join(accepted, on=["checklist", "accepted_taxon_id"], how="left")
    return led.group_by("scientificName", "kingdom", maintain_order=True).agg(
        pl.col("accepted").drop_nulls().unique().alias(f"{when}_accepted")
    )


def _parts(both: pl.DataFrame) -> dict[str, pl.DataFrame]:
    """Return into how many new taxa each old one went, and of how many old ones each new one is made."""
    led = both.drop_nulls(["old_accepted", "new_accepted"])
    single = led.filter((pl.col("old_accepted").list.len() == 1) & (pl.col("new_accepted").list.len() == 1))
    went = single.group_by("kingdom", "old_accepted").agg(now=pl.col("new_accepted").n_unique())
    came = single.group_by("kingdom", "new_accepted").agg(once=pl.col("old_accepted").n_unique())
    return {"old": went, "new": came}


def _counted(records: pl.DataFrame | None) -> pl.DataFrame:
    """Return how many records bear each name."""
    if records is None:
        return pl.DataFrame(schema={"scientificName": pl.String, "records": pl.Int64})
    return records.group_by("scientificName").agg(pl.col("records").sum())


def taxon_statuses(taxa: pl.DataFrame, boundaries: places.BoundarySet) -> pl.DataFrame:
    """Return what all lists say of taxa, under the names that records have.

    Parameters
    ----------
    taxa : polars.DataFrame of `terms.TAXON`
        All checklists of an installation.
    boundaries : BoundarySet

    Returns
    -------
    polars.DataFrame of `terms.TAXON_STATUS`
    """
    listed = taxa.filter(pl.col("statuses").is_not_null())
    terms_of_name = [name for name in NAME_TERMS if name in listed.columns and name != "iucnRedListCategory"]
    names = listed.select(terms_of_name).unique("scientificName", keep="first", maintain_order=True)
    missing = {name: pl.lit(None, pl.String) for name in NAME_TERMS if name not in terms_of_name}
    found = Resolution(taxa, boundaries).resolve(names.with_columns(**missing))
    rank = pl.col("n_taxonRank")
    above = pl.coalesce(pl.when(rank == name.upper()).then(f"n_{name}") for name in lists.GROUPS)
    below = pl.concat_str("n_species", "n_infraspecificEpithet", separator=" ")
    return lists.table(
        listed,
        found.select(
            "scientificName",
            taxon=pl.when(rank == "SPECIES").then("n_species").otherwise(pl.coalesce(below, above)),
            taxonRank=rank,
        ),
    )
