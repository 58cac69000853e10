"""What the records of a species tell of its area of occupancy and extent of occurrence: together, and on each side."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from biodata import geo
from biodata.analysis.evidence import Counted, counting
from biodata.analysis.species import extent as extents
from biodata.analysis.species.occupied_area import (
    CELL_M,
    SHIFTS,
    OccupiedArea,
    OccupiedBound,
    occupied_area,
    occupied_bound,
)

if TYPE_CHECKING:
    from biodata.places import BoundarySet

STILL_THERE: Final = (
    counting.OVER_SEA, counting.OVER_BORDER, counting.IN_BAND, counting.DUPLICATE, counting.DEPENDENT,
)  # fmt: skip
"""Reasons with which a record is no evidence for a side, and the species was there all the same."""
EDGES: Final = ("cell_west", "cell_south", "cell_east", "cell_north")


@dataclass(frozen=True, slots=True)
class Figures:
    """Area of occupancy and extent of occurrence of some records of a species.

    Attributes
    ----------
    records : int
        How many they are.
    occupied : OccupiedArea or OccupiedBound
        A bound where some of the records are published as cells.
    extent : Extent
        Then the hull of the cells, too: the extent is at most so large.
    extent_told : dict
        Its figures as plain values, with the land of the hull by country.
    """

    records: int
    occupied: OccupiedArea | OccupiedBound
    extent: extents.Extent
    extent_told: dict[str, Any]

    @property
    def bounds(self) -> bool:
        """True where the figures are bounds, as some of the records are published as cells."""
        return isinstance(self.occupied, OccupiedBound)

    def told(self) -> dict[str, Any]:
        """Return the figures as plain values; the names of bounds say which way they bound."""
        extent = self.extent_told
        if self.bounds:
            extent = {f"{name}_at_most" if name != "why_none" else name: value for name, value in extent.items()}
        return {"records": self.records, "occupied_area": self.occupied.told(), "extent": extent}


@dataclass(frozen=True, slots=True)
class SpeciesFigures:
    """Figures of a species.

    Attributes
    ----------
    species : str
    joint : Figures
        Of all records that can be used, on whichever side.
    by_country : mapping of str to Figures
        Of the records that are surely on the side of a country.
    left_out : dict of str to int
        The other records of the species, by reason.
    on_no_side : int
        Records used in `joint` that are surely on no side.
    facts : dict
        Boundary set and parameters, as plain values.
    """

    species: str
    joint: Figures
    by_country: Mapping[str, Figures]
    left_out: dict[str, int]
    on_no_side: int
    facts: dict[str, Any]

    def told(self) -> dict[str, Any]:
        """Return everything as plain values."""
        return {
            "species": self.species,
            **self.facts,
            "joint": self.joint.told(),
            "by_country": {code: figures.told() for code, figures in self.by_country.items()},
            "on_no_side": self.on_no_side,
            "left_out": self.left_out,
        }


def usable(counted: Counted, species: str) -> pl.DataFrame:
    """Return the records that say where a species was: what keeps one from being evidence for a side may not matter."""
    return counted.records.filter(
        pl.col("species") == species, pl.col("why_not").is_null() | pl.col("why_not").is_in(STILL_THERE)
    )


def species_figures(
    counted: Counted, species: str, *, boundaries: "BoundarySet", cell_m: float = CELL_M, shifts: int = SHIFTS
) -> SpeciesFigures:
    """Return area of occupancy and extent of occurrence of a species, jointly and by country.

    Parameters
    ----------
    counted : Counted
        Records of the species, others may be among them. Records that are no evidence are left out, but those too near a
        border, another record or the coast are used: the species was there.
    species : str
        As the records name it.
    boundaries : BoundarySet
    cell_m, shifts
        Of the area of occupancy, see `occupied_area`.

    Returns
    -------
    SpeciesFigures
        Where a record is published as a cell, the area of occupancy is told as `at_least` and `at_most` and the extent,
        that of all of the cells, as `at_most`: functions of published values alone.
    """
    own = counted.records.filter(pl.col("species") == species)
    used = usable(counted, species)
    codes = used["side"].drop_nulls().unique().sort().to_list()

    def of(records: pl.DataFrame) -> Figures:
        return _figures(records, boundaries, cell_m, shifts)

    reasons = own.filter(~pl.col("why_not").is_in(STILL_THERE)).drop_nulls("why_not")["why_not"]
    counts = dict(reasons.value_counts().iter_rows())
    return SpeciesFigures(
        species,
        of(used),
        {code: of(used.filter(pl.col("side") == code)) for code in codes},
        {reason: counts[reason] for reason in counting.REASONS if reason in counts},
        used["side"].null_count(),
        counted.facts,
    )


def _figures(records: pl.DataFrame, boundaries: "BoundarySet", cell_m: float, shifts: int) -> Figures:
    """Return the figures of some records."""
    lon, lat = (records[name].to_numpy().astype(np.float64) for name in ("decimalLongitude", "decimalLatitude"))
    as_cells = records.drop_nulls(EDGES[0]) if EDGES[0] in records.columns else records.clear()
    occupied: OccupiedArea | OccupiedBound
    if as_cells.is_empty():
        occupied = occupied_area(lon, lat, cell_m=cell_m, shifts=shifts)
        never_below = occupied.area_km2
    else:
        occupied = occupied_bound(records, cell_m=cell_m, shifts=shifts)
        never_below = occupied.area_at_most_km2
        points = records.filter(pl.col(EDGES[0]).is_null())
        west, south, east, north = (as_cells[name].to_numpy().astype(np.float64) for name in EDGES)
        south, north = _with_arcs(south, north, east - west)
        lon = np.concatenate([points["decimalLongitude"].to_numpy(), west, west, east, east])
        lat = np.concatenate([points["decimalLatitude"].to_numpy(), south, north, south, north])
    found = extents.extent(lon, lat)
    return Figures(records.height, occupied, found, extents.told(found, never_below, boundaries))


def _with_arcs(south: geo.Floats, north: geo.Floats, width: geo.Floats) -> tuple[geo.Floats, geo.Floats]:
    """Return the edges of cells with that toward the equator moved until the shortest line between its ends is inside.

    A parallel bends away from the shortest line; of a cell of 1° at 20° N the line passes 80 m inside its southern edge.
    """

    def bend(edge: geo.Floats) -> geo.Floats:
        height: geo.Floats = np.radians(width) ** 2 / 16 * np.abs(np.sin(2 * np.radians(edge)))
        return np.degrees(height) * 1.02

    return np.where(south > 0, south - bend(south), south), np.where(north < 0, north + bend(north), north)


def untold_as(records: pl.DataFrame, metres: float) -> pl.DataFrame:
    """Return records with an uncertainty where none is told: an assumption, to be named with the result.

    Parameters
    ----------
    records : polars.DataFrame of n rows
        Coordinates, uncertainty and EDGES, as `sharing.evidence_view` returns them.
    metres : float
        What to take for the uncertainty of a record that tells none; of a published cell, beside its half diagonal.
    """
    west, south, east, north = (records[name].cast(pl.Float64).to_numpy() for name in EDGES)
    half = np.zeros(records.height)
    told = np.isfinite(west)
    if told.any():
        middle = (west[told] + east[told]) / 2, (south[told] + north[told]) / 2
        half[told] = np.maximum(
            *(geo.geodesic_distance_m(*middle, west[told], corner[told]) for corner in (south, north))
        )
    assumed = pl.Series(np.where(told, np.ceil(half), 0.0) + metres)
    return records.with_columns(
        coordinateUncertaintyInMeters=pl.col("coordinateUncertaintyInMeters").fill_null(assumed)
    )
