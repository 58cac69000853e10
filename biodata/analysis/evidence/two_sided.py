"""Species of a region by the side that they are recorded on."""

from dataclasses import dataclass, field
from typing import Final

import polars as pl

from biodata.analysis.evidence.cells import EDGES
from biodata.analysis.evidence.counting import IN_BAND, OVER_BORDER, OVER_SEA

UNSURE: Final = "the side is not certain"
"""Of one small region the reasons that tell how near a border or coast a record lies are told as this one."""

_NEAR_AN_EDGE: Final = (IN_BAND, OVER_BORDER, OVER_SEA)


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
        The others: `species`, `recorded_in`, `survey_in`, and `side_not_certain`, the records near of which it is not
        certain on which side they lie. A species without any is surely recorded on one side alone.
    left_out : dict of str to int
        Records that do not count, by reason; those that would tell how near a border they lie are one, UNSURE.
    at_cells : dict of str to int
        Species of which records that count are told as cells, and how many of them.
    cell_degrees : dict of str to list of float
        Of the same species the sides of those cells, degrees: what counts so is evidence at the scale of such a cell,
        of which half may reach out of the region.
    """

    by_country: dict[str, dict[str, int]]
    shared: list[str]
    one_sided: list[dict[str, object]]
    left_out: dict[str, int]
    at_cells: dict[str, int] = field(default_factory=dict)
    cell_degrees: dict[str, list[float]] = field(default_factory=dict)


def two_sided(records: pl.DataFrame, sides: list[tuple[str, ...]]) -> TwoSided:
    """Sort a region's records by side.

    Parameters
    ----------
    records : polars.DataFrame
        Rows of `Counted.records`; all species that are in it are looked at.
    sides : list of tuple of str
        The country codes of each side; a record belongs to the side that its `side` is of.

    Returns
    -------
    TwoSided
    """
    codes = sorted({code for side in sides for code in side})
    counting = records.filter(pl.col("why_not").is_null() & pl.col("side").is_in(codes))
    counts = counting.group_by("side", "species").len().sort("side", "species")
    by_country: dict[str, dict[str, int]] = {code: {} for code in codes}
    for code, species, n in counts.iter_rows():
        by_country[code][species] = n
    not_certain = records.filter(pl.col("why_not").is_in(_NEAR_AN_EDGE))["species"].value_counts()
    unsure = dict(not_certain.iter_rows())
    shared: list[str] = []
    one_sided: list[dict[str, object]] = []
    for species in sorted({name for counted in by_country.values() for name in counted}):
        seen = [side for side in sides if any(species in by_country[code] for code in side)]
        if len(seen) > 1:
            shared.append(species)
        else:
            there = [code for code in codes if species in by_country[code]]
            elsewhere = [code for code in codes if code not in there]
            doubtful = unsure.get(species, 0)
            one_sided.append(
                {"species": species, "recorded_in": there, "survey_in": elsewhere, "side_not_certain": doubtful}
            )
    cells = _at_cells(counting)
    at_cells, cell_degrees = (dict(cells.select("species", name).iter_rows()) for name in ("n", "degrees"))
    return TwoSided(by_country, shared, one_sided, reasons(records), at_cells, cell_degrees)


def _at_cells(counting: pl.DataFrame) -> pl.DataFrame:
    """Count the records that are told as cells: species, n, and degrees, the sides of their cells."""
    west, south, _, north = EDGES
    if west not in counting.columns:
        return pl.DataFrame(schema={"species": pl.String, "n": pl.UInt32, "degrees": pl.List(pl.Float64)})
    side = (pl.col(north) - pl.col(south)).round(3)
    told = counting.filter(pl.col(west).is_not_null())
    return told.group_by("species").agg(n=pl.len(), degrees=side.unique().sort()).sort("species")


def reasons(records: pl.DataFrame) -> dict[str, int]:
    """Count a region's records that do not count, by reason and in their order, without telling who lies near a border."""
    near = dict.fromkeys(_NEAR_AN_EDGE, UNSURE)
    told = records["why_not"].drop_nulls().replace(near)
    return dict(told.value_counts().sort("why_not").iter_rows())
