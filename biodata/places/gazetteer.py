"""Points that records are given when nobody knows their place: middles of countries, seats of administration, museums."""

from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from biodata.geo import Floats, metres_per_degree
from biodata.places.edges import ranges

Longs = NDArray[np.int64]

SEAT_FLAGS: Final = MappingProxyType(
    {
        "country": "NEAR_COUNTRY_CAPITAL",
        "province": "NEAR_PROVINCE_CAPITAL",
        "prefecture": "NEAR_PREFECTURE_SEAT",
        "county": "NEAR_COUNTY_SEAT",
    }
)
"""Kinds of seats, the highest first, and the flag of a place that is one."""
CENTRE_FLAGS: Final = MappingProxyType(
    {
        "country": "COORDINATES_CENTRE_OF_COUNTRY",
        "province": "COORDINATES_CENTRE_OF_STATEPROVINCE",
        "prefecture": "COORDINATES_CENTRE_OF_PREFECTURE",
        "county": "COORDINATES_CENTRE_OF_COUNTY",
    }
)
"""Kinds of places, the largest first, and the flag of a point that is the middle of one."""
CENTRE_RADIUS_M: Final = 1000.0
"""CoordinateCleaner's default for centroids: Zizka et al. 2019, https://doi.org/10.1111/2041-210X.13152."""
CENTRE_SHARE: Final = 0.02
"""Of the radius of a circle as large as the place: circles of 1 km would cover a fifth of a small country."""
LEAST_CENTRE_RADIUS_M: Final = 100.0
MEAN_RADIUS_M: Final = 6_371_008.8
REACH_M: Final = 1600.0
"""How far around a point its cells reach: the diagonal of 0.01°, the coarsest rounding that is still told."""
CELL_DEGREES: Final = 0.02


@dataclass(frozen=True, eq=False)
class Points:
    """Points of one kind, with an index.

    Attributes
    ----------
    longitude, latitude : ndarray of float64, length n
        Degrees.
    radius_m : ndarray of float64, length n
        How far what the point stands for reaches, metres.
    name : polars.Series of str, length n
        What the point stands for.
    """

    longitude: Floats
    latitude: Floats
    radius_m: Floats
    name: pl.Series

    @cached_property
    def _sorted(self) -> tuple[Longs, Longs]:
        """The numbers of the points' cells in order, and the points in that order."""
        cell = _numbers(self.longitude, self.latitude)
        order = np.argsort(cell, kind="stable")
        return cell[order], order

    @cached_property
    def _on_sphere(self) -> Floats:
        return on_sphere(self.longitude, self.latitude)

    def nearest(self, longitude: Floats, latitude: Floats, count: int = 1) -> tuple[Floats, Longs]:
        """Return the metres to the nearest points within `REACH_M`, along the chord of the sphere, and their rows.

        Parameters
        ----------
        longitude, latitude : ndarray of float64, length n
            Degrees.
        count : int
            How many points.

        Returns
        -------
        ndarray of float64, ndarray of int64, shape (n, count)
            Infinite, and row 0, where fewer points are that near.
        """
        metres = np.full((len(longitude), count), np.inf)
        rows = np.zeros((len(longitude), count), dtype=np.int64)
        cells, order = self._sorted
        wide = np.ceil(REACH_M / metres_per_degree(np.minimum(np.abs(latitude) + CELL_DEGREES, 89.9))[0] / CELL_DEGREES)
        cell = _numbers(longitude, latitude)[:, None] + np.array([-1, 0, 1]) * 2**16
        start = np.searchsorted(cells, cell - wide[:, None].astype(np.int64))
        end = np.searchsorted(cells, cell + wide[:, None].astype(np.int64), side="right")
        run, at = ranges(start.ravel(), (end - start).ravel())
        place, row = run // 3, order[at]
        apart = np.sqrt(((on_sphere(longitude, latitude)[place] - self._on_sphere[row]) ** 2).sum(axis=1))
        near = np.flatnonzero(apart <= REACH_M)
        place, row, apart = place[near], row[near], apart[near]
        by_distance = np.lexsort((row, apart, place))
        place, row, apart = place[by_distance], row[by_distance], apart[by_distance]
        rank = np.arange(len(place)) - np.searchsorted(place, place)
        kept = rank < count
        metres[place[kept], rank[kept]] = apart[kept]
        rows[place[kept], rank[kept]] = row[kept]
        return metres, rows


def _numbers(longitude: Floats, latitude: Floats) -> Longs:
    """Return the number of the cell of each place: its row times 65,536, and its column."""
    row, column = np.floor(latitude / CELL_DEGREES), np.floor(longitude / CELL_DEGREES)
    return np.asarray(row.astype(np.int64) * 2**16 + column.astype(np.int64))


def on_sphere(longitude: Floats, latitude: Floats) -> Floats:
    """Return points on the sphere of the earth's mean radius as n rows of x, y, z in metres; chords stand for distances."""
    lam, phi = np.radians(longitude), np.radians(latitude)
    return MEAN_RADIUS_M * np.column_stack([np.cos(phi) * np.cos(lam), np.cos(phi) * np.sin(lam), np.sin(phi)])


@dataclass(frozen=True, eq=False)
class Gazetteer:
    """The points of a boundary set's world.

    Attributes
    ----------
    seats : dict of str to Points
        By kind of `SEAT_FLAGS`; for places in China also where GCJ-02 and BD-09 put them.
    centres : dict of str to Points
        By kind of `CENTRE_FLAGS`, by several reckonings; of prefectures and counties only the installation's own.
    institutions : Points
        Museums, herbaria, gardens, zoos and aquaria.
    """

    seats: dict[str, Points]
    centres: dict[str, Points]
    institutions: Points

    def near_any(self, longitude: pl.Series, latitude: pl.Series) -> Longs:
        """Return the rows of the places that may lie near a point of any kind, in order.

        Parameters
        ----------
        longitude, latitude : Series of float, length n
            Degrees; null where there is no place.
        """
        at = pl.DataFrame({"x": longitude, "y": latitude}).select(_cell(pl.col("x"), pl.col("y")))
        return at.to_series().is_in(self._cells).fill_null(value=False).arg_true().to_numpy().astype(np.int64)

    @cached_property
    def _cells(self) -> pl.Series:
        """Numbers of the cells that any point's surroundings touch, as one list."""
        parts = [*self.seats.values(), *self.centres.values(), self.institutions]
        longitude = np.concatenate([part.longitude for part in parts])
        latitude = np.concatenate([part.latitude for part in parts])
        east, north = metres_per_degree(latitude)
        points = pl.DataFrame({"x": longitude, "y": latitude, "dx": REACH_M / east, "dy": REACH_M / north})
        found = []
        wide = int(np.ceil(REACH_M / east.min() / CELL_DEGREES))
        for column in range(-wide, wide + 1):
            inside = points.filter(pl.lit(abs(column)) <= (pl.col("dx") / CELL_DEGREES).ceil())
            for row in (-1, 0, 1):
                x, y = pl.col("x") + column * CELL_DEGREES, pl.col("y") + row * CELL_DEGREES
                found.append(inside.select(_cell(x, y)).to_series())
        return pl.concat(found).unique().implode()


def _cell(longitude: pl.Expr, latitude: pl.Expr) -> pl.Expr:
    """Return the number of the cell of each place."""
    return (latitude / CELL_DEGREES).floor().cast(pl.Int64) * 2**16 + (longitude / CELL_DEGREES).floor().cast(pl.Int64)
