"""Where a rule about a country or a division applies: not to a place, but to all that is published as one with it.

A record that is made coarse since it lies in a country, beside one that is told as it is since it does not, would lie in
that country's part of its cell, which can be as small as you like. So a rule of a place applies to a record where the
square that the record would be published as, by the rule's category, comes so near to the rule's country that the record
could lie there, or be taken for lying there. Then every place of a square is treated alike, and nothing is told of where
in it the record is; of the neighbour's records of the taxon, those next to the border are made coarse with it.
"""

from typing import Final

import numpy as np
import polars as pl
import shapely

from biodata.geo import metres_per_degree
from biodata.places import BoundarySet
from biodata.sharing.floor import Region
from biodata.sharing.generalise import CELLS_PER_DEGREE, regions_of_size
from biodata.vocabularies import SharingCategory

_WIDER: Final = 1.01
"""A plane's distances are right to less than a hundredth."""
_OF_ROW: Final = ("row", "category")


def applies(pairs: pl.DataFrame, boundaries: BoundarySet) -> pl.Series:
    """Tell which pairs of a record and a rule the rule's place speaks for.

    Parameters
    ----------
    pairs : polars.DataFrame of n rows
        row, category, rule_country, rule_province; of the record countryCode, located_country_code, country_codes,
        province_code, ambiguous, decimalLongitude, decimalLatitude. Everything else of the rule applies.
    boundaries : BoundarySet
        Whose land counts.

    Returns
    -------
    polars.Series of bool, length n
        Where a rule has no place: True. Where a record has coordinates and the category has a cell: by the region that
        the record would be published as, or the stated country. Else by what is known of the record's own place, of
        which what is not known speaks for the rule. A withheld record has no cell: where another rule makes it coarse,
        what that would show decides, too.
    """
    by_facts = pairs.select(_by_facts()).to_series()
    placed = pairs.select(
        (pl.col("rule_country").is_not_null() | pl.col("rule_province").is_not_null())
        & (pl.col("decimalLongitude").cast(pl.Float64).abs() <= 180)
        & (pl.col("decimalLatitude").cast(pl.Float64).abs() <= 90)
    ).to_series()
    asked = pairs.with_row_index("n").with_columns(by_facts=by_facts).filter(placed.fill_null(value=False))
    if asked.is_empty():
        return by_facts
    withheld = pl.col("category") == SharingCategory.WITHHELD
    celled = asked.filter(pl.col("category").is_in(list(CELLS_PER_DEGREE)))
    celled = celled.with_columns(answer=_by_region(celled, boundaries))
    # What the record would be published as, were it not withheld: by the rules without a place, and those that apply.
    other = pairs.filter(~placed.fill_null(value=False), by_facts, pl.col("category").is_in(list(CELLS_PER_DEGREE)))
    shown = pl.concat([other.select(_OF_ROW), celled.filter("answer").select(_OF_ROW)]).unique()
    hidden = asked.filter(withheld).drop("category").join(shown, on="row")
    hidden = hidden.with_columns(answer=_by_region(hidden, boundaries) | hidden["by_facts"])
    hidden = hidden.group_by("n").agg(pl.col("answer").any())
    told = pl.concat([celled.select("n", "answer"), hidden.select("n", "answer")])
    answers = pairs.select(n=pl.int_range(pl.len(), dtype=pl.UInt32)).join(
        told, on="n", how="left", maintain_order="left"
    )
    return answers.select(pl.coalesce("answer", by_facts)).to_series()


def _by_facts() -> pl.Expr:
    """Tell which pairs no fact of the record's own place speaks against."""
    country, province = pl.col("rule_country"), pl.col("rule_province")
    codes = pl.col("country_codes").cast(pl.List(pl.String))
    possible = pl.concat_list(
        codes.fill_null([]), pl.col("countryCode", "located_country_code").cast(pl.String)
    ).list.drop_nulls()
    here = country.is_null() | (possible.list.len() == 0) | possible.list.contains(country)
    told = pl.col("province_code").cast(pl.String)
    beside = pl.col("ambiguous").cast(pl.Boolean).fill_null(value=True)
    division = province.is_null() | told.is_null() | (told == province) | beside
    return here & division.fill_null(value=True)


def _by_region(pairs: pl.DataFrame, boundaries: BoundarySet) -> pl.Series:
    """Tell which pairs what would be published of the record speaks for; by its facts where nothing would be."""
    numbers: list[int] = [-1] * pairs.height
    known: dict[Region, int] = {}
    for (category,), part in pairs.with_row_index("at").group_by("category"):
        x, y = (part[name].cast(pl.Float64).to_numpy() for name in ("decimalLongitude", "decimalLatitude"))
        for at, region in zip(
            part["at"], regions_of_size(x, y, CELLS_PER_DEGREE[str(category)], boundaries), strict=True
        ):
            if region is not None:
                numbers[at] = known.setdefault(region, len(known))
    near = [_near(region, boundaries) for region in known]
    names = pl.List(pl.String)
    table = pl.DataFrame(
        [(number, *one) for number, one in enumerate(near)],
        schema={"region": pl.Int64, "countries": names, "provinces": names, "unsure": pl.Boolean},
        orient="row",
    )
    frame = pairs.with_columns(region=pl.Series(numbers, dtype=pl.Int64))
    frame = frame.join(table, on="region", how="left", maintain_order="left")
    countries, provinces = pl.col("countries"), pl.col("provinces")
    stated = pl.col("countryCode").cast(pl.String)
    there = countries.list.contains(pl.col("rule_country")) | pl.col("unsure")
    nowhere = (countries.list.len() == 0) & stated.is_null()
    here = (
        pl.col("rule_country").is_null() | (stated == pl.col("rule_country")).fill_null(value=False) | there | nowhere
    )
    # Near a border of countries a division is not certain, wherever its own border is.
    division = (
        pl.col("rule_province").is_null() | provinces.list.contains(pl.col("rule_province"))
        | (provinces.list.len() == 0) | (there & (countries.list.len() > 1)) | pl.col("unsure")
    )  # fmt: skip
    answer = pl.when(pl.col("region") >= 0).then(here & division).otherwise("by_facts")
    return frame.select(answer.fill_null(value=True).alias("answer")).to_series()


def _near(region: Region, boundaries: BoundarySet) -> tuple[list[str], list[str], bool]:
    """Return the countries and divisions with land in a region, or within the band around it; and whether any is disputed.

    Disputed land is nobody's, so it may be anybody's.
    """
    poleward = min(max(abs(region.south), abs(region.north)), 89.0)
    east_m, north_m = (float(value[0]) for value in metres_per_degree(np.array([poleward])))
    aside, along = boundaries.band_m * _WIDER / east_m, boundaries.band_m * _WIDER / north_m
    box = shapely.box(region.west - aside, region.south - along, region.east + aside, region.north + along)
    units = np.sort(boundaries.tree.query(box, predicate="intersects")).tolist()
    countries = {boundaries.countries[boundaries.country_of[unit]] for unit in units}
    provinces = {boundaries.provinces[unit] for unit in units}
    told = sorted(code for code in countries if code is not None)
    return told, sorted(code for code in provinces if code is not None), None in countries
