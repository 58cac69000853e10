"""The only way out of the lake: what may be seen of each record."""

from collections.abc import Mapping, Sequence
from typing import Final

import polars as pl

from biodata.errors import SharingError
from biodata.places import BoundarySet
from biodata.sharing.decide import decide
from biodata.sharing.generalise import SAFE_FLAGS, generalise
from biodata.sharing.licences import effective_of
from biodata.sharing.media import let_out
from biodata.sharing.rules import RuleSet
from biodata.sharing.shared import as_shared
from biodata.terms import ASSESSED, OCCURRENCE, PUBLISHED_OCCURRENCE, RIGHTS, SHARING, Column, Reach, names
from biodata.vocabularies import SharingCategory

_MEDIA: Final = "media"
_NAMES: Final = frozenset(
    """
    establishmentMeans scientificName acceptedScientificName kingdom phylum class order family genus species genericName
    specificEpithet infraspecificEpithet taxonRank taxonomicStatus iucnRedListCategory publishingCountry
    """.split()
)
"""Words as the source told them, which hold no long numbers unless somebody wrote more into them."""
_MADE: Final = (*SHARING, *RIGHTS, *ASSESSED)
_TEXTS: Final = ("informationWithheld", "dataGeneralizations")
_SIDES: Final = sorted(
    {f"{c.cell_degrees * 2**n:.5g}" for c in SharingCategory if c.cell_degrees for n in range(10)}, key=len
)
_CELL_SIDE: Final = rf"(^|[^\d.])(?:{'|'.join(side.replace('.', '[.]') for side in reversed(_SIDES))})(?:[.]0)?°"
"""Sides of cells in degrees: those of the categories, and larger ones at coasts."""
NUMBERS: Final = r"""\d\s*[.,:'’′]\s*\d\d|\d\s+\d|[°º]|\d{5}"""
"""Decimals, degrees and minutes, metres; a year of an author is none of them."""
LOOKED_AT: Final = frozenset(
    """
    scientificName acceptedScientificName species genus genericName specificEpithet infraspecificEpithet match_type
    stated_taxon kingdom phylum class order family countryCode located_country_code country_codes province_code
    ambiguous datasetKey event_start event_end month decimalLatitude decimalLongitude coordinateUncertaintyInMeters
    geodeticDatum quality_flags repairs key year publishingCountry eventID parentEventID node shared_as
    community_labels
    """.split()
)
"""Columns by which a record is judged and its place made coarser: without one of them nothing is published."""


def publish(
    occurrences: pl.DataFrame,
    rules: RuleSet,
    *,
    boundaries: BoundarySet,
    decided: pl.DataFrame | None = None,
    columns: Sequence[Column] = PUBLISHED_OCCURRENCE,
    licences: Mapping[str, str | None] | None = None,
) -> pl.DataFrame:
    """Return what the rules let out.

    Parameters
    ----------
    occurrences : polars.DataFrame of n rows
        Columns of `terms.OCCURRENCE`, as the lake has them: those of `LOOKED_AT`, and those that are asked for.
    rules : RuleSet
        The sharing rules.
    boundaries : BoundarySet
        Whose land the floor counts.
    decided : polars.DataFrame, optional
        What `decide` found of these records, and more that speaks against them (`decide.stricter`).
    columns : sequence of Column
        Which columns of `terms.PUBLISHED_OCCURRENCE` are asked for.
    licences : mapping of str to str or None, optional
        Licence of each dataset by its key; without it `terms.RIGHTS` are null.

    Returns
    -------
    polars.DataFrame of at most n rows, in their order
        Exactly the columns that were asked for. Open records are as they were. Withheld ones are left out.
        The others have a grid cell for a place, and no value in a column of `Reach.PRECISE`.

    Raises
    ------
    SharingError
        If a column is missing: a name that is not there cannot be looked at.
    """
    needed = LOOKED_AT | {column.name for column in columns if column not in _MADE}
    missing = [name for name in names(OCCURRENCE) if name in needed and name not in occurrences.columns]
    if missing:
        msg = f"records without the columns {', '.join(missing)} cannot be published"
        raise SharingError(msg)
    occurrences = rules.labels.added(occurrences)
    decided = decide(occurrences, rules, boundaries=boundaries) if decided is None else decided
    withheld = decided.filter(pl.col("category") == SharingCategory.WITHHELD)
    decided = decided.filter(pl.col("category") != SharingCategory.WITHHELD)
    sensitive = occurrences[decided["row"]].with_columns(decided.drop("row"))
    made = generalise(sensitive, boundaries=rules.floor or boundaries)
    new = made.columns
    made = pl.concat([decided, as_shared(sensitive), made.rename(lambda name: f"new_{name}")], how="horizontal")
    frame = occurrences.with_row_index("row").join(withheld, on="row", how="anti", maintain_order="left")
    frame = frame.join(made, on="row", how="left", maintain_order="left")
    published = frame.select(_column(column, made=column.name in new) for column in columns)
    if _MEDIA in published.columns:
        published = published.with_columns(let_out(published[_MEDIA]))
    return published if licences is None else published.with_columns(*effective_of(frame, licences))


def _column(column: Column, *, made: bool) -> pl.Expr:
    """Return a published column over records joined with what was made for the sensitive ones."""
    is_open = pl.col("category").is_null()
    kept = pl.col("as_shared").fill_null(value=False)
    value = pl.lit(None) if column in _MADE else pl.col(column.name)
    if column.name == "sharing_category":
        value = pl.col("category").fill_null(str(SharingCategory.OPEN))
    elif column.name == "sharing_rule":
        value = pl.col("rule_id")
    elif made:
        if column.name in _TEXTS:
            kept &= _says_no_place(column.name)
        elif column.name == "quality_flags":
            value = pl.when(is_open).then(value).otherwise(value.list.filter(pl.element().is_in(list(SAFE_FLAGS))))
        if column in SHARING:
            value = pl.when(kept).then(pl.col("shared_as").struct.field(column.name))
            value = value.otherwise(pl.when(~is_open).then(f"new_{column.name}"))
        else:
            value = pl.when(is_open | kept).then(value).otherwise(f"new_{column.name}")
    elif column.reach is Reach.PRECISE:
        value = pl.when(is_open).then(value)
    elif column.name == "event_precision":
        # Of a date the year is let out: as precise as that is what is told.
        value = pl.when(is_open).then(value).when(pl.col("year").is_not_null()).then(pl.lit("year"))
    elif column.name in _NAMES:
        value = pl.when(is_open | ~_tells_numbers(column.name)).then(value).otherwise(_instead(column.name))
    return value.cast(column.dtype).alias(column.name)


def _says_no_place(name: str) -> pl.Expr:
    """Tell where a text that came with a coarse record tells no numbers but the sides of cells."""
    return ~pl.col(name).str.replace_all(_CELL_SIDE, "$1").str.contains(NUMBERS).fill_null(value=False)


def _tells_numbers(name: str) -> pl.Expr:
    """Tell where a text could hold coordinates, beside the words that it is for."""
    return pl.col(name).str.contains(NUMBERS).fill_null(value=False)


def _instead(name: str) -> pl.Expr:
    """Return what stands for a text that could hold coordinates: the accepted name for a name, else nothing."""
    if name != "scientificName":
        return pl.lit(None, dtype=pl.String)
    others = ("acceptedScientificName", "species", "genus")
    return pl.coalesce(pl.when(~_tells_numbers(other)).then(other) for other in others)
