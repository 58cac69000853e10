"""Sea and land beside the taxon: whales on a mountain, elephants out at sea; only where the taxon's side is certain."""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biodata import places
from biodata.harmonise.findings import Findings
from biodata.places.borders import SEA
from biodata.text.tables import read_rows

_RANKS: Final = ("phylum", "class", "order", "family")
_NOT_HERE: Final = ("FOSSIL_SPECIMEN", "LIVING_SPECIMEN", "MATERIAL_CITATION")
"""Fossils of the sea lie on land, and dolphins live in basins."""
_OBSERVED: Final = ("HUMAN_OBSERVATION", "MACHINE_OBSERVATION", "OBSERVATION")
"""Of groups with many fossils, only what somebody saw alive is sure to be of today."""


def flags(
    longitude: pl.Series,
    latitude: pl.Series,
    *,
    taxon: Findings,
    records: Findings,
    located: Findings,
    boundaries: places.BoundarySet,
) -> dict[str, pl.Series]:
    """Tell which records stand in the wrong element, farther from the coast than the set's band.

    Parameters
    ----------
    longitude, latitude : Series of float, length n
        Degrees, WGS 84; null where there are none.
    taxon, records, located : Findings
        What `names.interpret`, `records.interpret` and `location.interpret` found.
    boundaries : BoundarySet
        Whose coasts count.

    Returns
    -------
    dict of str to Series of bool, length n
        MARINE_TAXON_ON_LAND and LAND_TAXON_AT_SEA, where the taxa are known.

    Notes
    -----
    Groups and their exceptions stand in `biodata/data/taxon_elements.csv`: those without a species that swims up rivers,
    and those without one that swims, drifts or is carried to islets which the map does not have.
    """
    known = {rank: taxon.columns[rank] for rank in (*_RANKS, "genus") if rank in taxon.columns}
    if not known.keys() & set(_RANKS):
        return {}
    here = located.columns["located_country_code"]
    basis = records.columns.get("basisOfRecord", pl.Series([None], dtype=pl.String).new_from_index(0, len(here)))
    frame = pl.DataFrame({**known, "here": here, "basis": basis, "placed": longitude.is_not_null()}).with_columns(
        pl.lit(None, dtype=pl.String).alias(rank) for rank in (*_RANKS, "genus") if rank not in known
    )
    dry = pl.col("placed") & pl.col("here").is_not_null()
    wet = pl.col("placed") & pl.col("here").is_null()
    found = {}
    for flag, element, where in (("MARINE_TAXON_ON_LAND", "sea", dry), ("LAND_TAXON_AT_SEA", "land", wet)):
        at = _rows(frame, element, where)
        x, y = longitude.gather(at).to_numpy(), latitude.gather(at).to_numpy()
        away = np.isnan(boundaries.coasts.near(x, y).distance_m)
        at_sea = boundaries.cells.locate(x, y) == SEA
        mask = np.zeros(len(here), dtype=bool)
        mask[at[away & (at_sea == (element == "land"))]] = True
        found[flag] = pl.Series(mask)
    return found


def _rows(frame: pl.DataFrame, element: str, where: pl.Expr) -> NDArray[np.int64]:
    """Return the rows of an element's taxa among those that are asked for."""
    # Few rows have such a taxon, and most frames say so at the first look: genus and basis are read for those only.
    groups = [group for group in _groups() if group.element == element]
    wanted = [pl.col(rank).is_in([g.name for g in groups if g.rank == rank]) for rank in _RANKS]
    rows = frame.with_row_index("row").filter(where).filter(pl.any_horizontal(wanted).fill_null(value=False))
    is_one_of = [
        (pl.col(g.rank) == g.name)
        & ~pl.col("genus").is_in(g.except_genera).fill_null(value=bool(g.except_genera))
        & (pl.col("basis").is_in(_OBSERVED) if g.observed else ~pl.col("basis").is_in(_NOT_HERE)).fill_null(
            value=not g.observed
        )
        for g in groups
    ]
    sure = rows.filter(pl.any_horizontal(is_one_of).fill_null(value=False)) if rows.height else rows
    return sure["row"].to_numpy().astype(np.int64)


@dataclass(frozen=True, slots=True)
class _Group:
    """A taxon that lives in one element, without the genera that may not; `observed`: only seen alive it counts."""

    rank: str
    name: str
    element: str
    except_genera: list[str]
    observed: bool


@cache
def _groups() -> tuple[_Group, ...]:
    """Return the groups of the bundled table."""
    return tuple(
        _Group(
            row["rank"],
            row["name"],
            row["element"],
            [genus for genus in row["except_genera"].split("|") if genus],
            row["basis"] == "observed",
        )
        for row in read_rows("taxon_elements.csv")
    )
