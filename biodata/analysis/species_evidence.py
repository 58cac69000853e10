"""Which threatened species are recorded on which side of a border, by records that can be placed on a side."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata.flags import SUSPICIOUS
from biodata.vocabularies import THREATENED

DOUBTFUL: Final = (
    "ZERO_COORDINATE",
    "COORDINATE_INVALID",
    "COORDINATE_OUT_OF_RANGE",
    "PRESUMED_SWAPPED_COORDINATE",
    "PRESUMED_NEGATED_LATITUDE",
    "PRESUMED_NEGATED_LONGITUDE",
    "COUNTRY_COORDINATE_MISMATCH",
    "PROVINCE_COORDINATE_MISMATCH",
    "PUBLISHER_GENERALISED",
    "RECORDED_DATE_INVALID",
    "RECORDED_DATE_UNLIKELY",
    "RECORDED_DATE_MISMATCH",
    "TAXON_MATCH_NONE",
    "TAXON_MATCH_HIGHERRANK",
)
"""Flags that always keep a record from being evidence."""
EXCLUDED: Final = (*DOUBTFUL, *sorted(SUSPICIOUS))
"""Flags that keep a record from being evidence unless suspicious places are kept."""
DUPLICATE: Final = "another record is of the same event"
"""Why a record is no evidence beside another one of its group."""
NOT_WILD: Final = ("FOSSIL_SPECIMEN", "LIVING_SPECIMEN")

# A circle whose centre lies this many radii from a straight border has 0.95 of its area on its own side:
# arccos(x) - x sqrt(1 - x^2) = 0.05 pi.
_RADII_FOR_95_PERCENT: Final = 0.8054
_ASKED: Final = (
    pl.col("iucnRedListCategory").is_in(THREATENED),
    pl.col("occurrenceStatus").fill_null("PRESENT") == "PRESENT",
    pl.col("species").is_not_null(),
    pl.col("decimalLongitude").is_finite() & pl.col("decimalLatitude").is_finite(),
)


@dataclass(frozen=True, slots=True)
class Threatened:
    """Records of threatened species, each with the reason why it is no evidence.

    Attributes
    ----------
    records : polars.DataFrame of n rows
        terms.OCCURRENCE and `why_not`: null for a record that counts.
    points : ndarray of n shapely points
        Degrees, WGS 84.
    tree : shapely.STRtree
        Index of `points`.
    """

    records: pl.DataFrame
    points: NDArray[np.object_]
    tree: shapely.STRtree

    def inside(self, region: shapely.Geometry) -> pl.DataFrame:
        """Return the records whose points a region holds (degrees, WGS 84), by their row."""
        return self.records[np.sort(self.tree.query(region, predicate="intersects"))]


def threatened(
    occurrences: pl.DataFrame, *, since_year: int | None, max_uncertainty_m: float, excluded_flags: tuple[str, ...]
) -> Threatened:
    """Take the present records of threatened species and tell which of them count.

    Parameters
    ----------
    occurrences : polars.DataFrame of terms.OCCURRENCE
        With `duplicate_group` of terms.ASSESSMENT, where that is known: of records of one event one counts.
    since_year : int, optional
        The first year that counts; None for all.
    max_uncertainty_m : float
        Largest uncertainty that counts, metres; a record that does not tell its uncertainty does not count.
    excluded_flags : tuple of str
        Quality flags with which a record does not count.

    Returns
    -------
    Threatened
    """
    radius, border = pl.col("coordinateUncertaintyInMeters"), pl.col("border_distance_m")
    why_not = (
        pl.when(pl.col("basisOfRecord").is_in(NOT_WILD).fill_null(False))
        .then(pl.lit("fossil or captive"))
        .when(pl.col("quality_flags").list.set_intersection(list(excluded_flags)).list.len().fill_null(0) > 0)
        .then(pl.lit("a quality flag"))
        .when(pl.col("located_country_code").is_null() | pl.col("ambiguous").fill_null(True))
        .then(pl.lit("the side is not certain"))
        .when(radius.is_null())
        .then(pl.lit("uncertainty not told"))
        .when(radius > max_uncertainty_m)
        .then(pl.lit("uncertainty too large"))
        .when(border.is_not_null() & (border < _RADII_FOR_95_PERCENT * radius))
        .then(pl.lit("uncertainty reaches over the border"))
        .when(pl.lit(since_year is not None) & pl.col("year").is_null())
        .then(pl.lit("year not told"))
        .when(pl.lit(since_year is not None) & (pl.col("year") < (since_year or 0)))
        .then(pl.lit("too long ago"))
    )
    records = _one_of_each(occurrences.filter(*_ASKED).with_columns(why_not=why_not))
    points = np.asarray(shapely.points(records.select("decimalLongitude", "decimalLatitude").to_numpy()), dtype=object)
    return Threatened(records, points, shapely.STRtree(points))


def _one_of_each(records: pl.DataFrame) -> pl.DataFrame:
    """Let one record of each event count: the one that stands for it, or the most certain where that one does not."""
    if "duplicate_group" not in records.columns:
        return records
    elsewhere = pl.col("key") != pl.col("duplicate_group")
    counting = records.filter(pl.col("why_not").is_null(), pl.col("duplicate_group").is_not_null())
    counting = counting.sort(
        elsewhere, "coordinateUncertaintyInMeters", "datasetKey", "decimalLatitude", "decimalLongitude", "key"
    )
    others = counting.filter(pl.col("key") != pl.col("key").first().over("duplicate_group"))["key"]
    repeated = pl.col("key").is_in(others.implode())
    return records.with_columns(why_not=pl.when(repeated).then(pl.lit(DUPLICATE)).otherwise("why_not"))


def left_out_by_flag(occurrences: pl.DataFrame, excluded_flags: tuple[str, ...]) -> dict[str, int]:
    """Count the present records of threatened species that a quality flag keeps from being evidence, by flag.

    Parameters
    ----------
    occurrences : polars.DataFrame of terms.OCCURRENCE
    excluded_flags : tuple of str
        Quality flags with which a record does not count.

    Returns
    -------
    dict of str to int
        Flags that occur, in the order of their names; a record of several flags counts under each. For the whole
        run and its maker only: counted for one small region, a flag about the place could tell the place.
    """
    flags = occurrences.filter(*_ASKED).select(pl.col("quality_flags").list.explode()).to_series()
    return dict(flags.filter(flags.is_in(list(excluded_flags))).value_counts().sort("quality_flags").iter_rows())


def duplicates(occurrences: pl.DataFrame) -> int:
    """Count the present records of threatened species that stand beside another record of the same event."""
    asked = occurrences.filter(*_ASKED).drop_nulls("duplicate_group")
    return asked.height - asked["duplicate_group"].n_unique()


@dataclass(frozen=True, slots=True)
class TwoSided:
    """Species of a region by side; counts only, no place.

    Attributes
    ----------
    by_country : dict of str to dict of str to int
        Records that count, by country and species.
    shared : list of str
        Species with records that count on two sides or more.
    one_sided : list of dict
        The others: `species`, `recorded_in`, `survey_in`.
    left_out : dict of str to int
        Records that do not count, by reason.
    """

    by_country: dict[str, dict[str, int]]
    shared: list[str]
    one_sided: list[dict[str, object]]
    left_out: dict[str, int]


def two_sided(records: pl.DataFrame, sides: list[tuple[str, ...]]) -> TwoSided:
    """Sort a region's records of threatened species by side.

    Parameters
    ----------
    records : polars.DataFrame
        Rows of `Threatened.records`.
    sides : list of tuple of str
        The country codes of each side; a record belongs to the side that its coordinates fall in.

    Returns
    -------
    TwoSided
    """
    codes = sorted({code for side in sides for code in side})
    counting = records.filter(pl.col("why_not").is_null() & pl.col("located_country_code").is_in(codes))
    counts = counting.group_by("located_country_code", "species").len().sort("located_country_code", "species")
    by_country: dict[str, dict[str, int]] = {code: {} for code in codes}
    for code, species, n in counts.iter_rows():
        by_country[code][species] = n
    shared: list[str] = []
    one_sided: list[dict[str, object]] = []
    for species in sorted({name for counted in by_country.values() for name in counted}):
        seen = [side for side in sides if any(species in by_country[code] for code in side)]
        if len(seen) > 1:
            shared.append(species)
        else:
            there = [code for code in codes if species in by_country[code]]
            elsewhere = [code for code in codes if code not in there]
            one_sided.append({"species": species, "recorded_in": there, "survey_in": elsewhere})
    reasons = records.filter(pl.col("why_not").is_not_null()).group_by("why_not").len().sort("why_not")
    return TwoSided(by_country, shared, one_sided, dict(reasons.iter_rows()))
