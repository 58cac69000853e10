"""Points that records are given when nobody knows their place: middles of countries, seats of administration, museums."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata.datums.offsets import wgs84_to_bd09, wgs84_to_gcj02
from biodata.geo import Floats, metres_per_degree
from biodata.places.boundaries import BoundarySet

if TYPE_CHECKING:
    from scipy.spatial import cKDTree

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
    def _tree(self) -> "cKDTree[None]":
        # Not with the module: it takes a fifth of a second, and `--help` needs none of it.
        from scipy.spatial import cKDTree

        return cKDTree(on_sphere(self.longitude, self.latitude))

    def nearest(self, longitude: Floats, latitude: Floats, count: int = 1) -> tuple[Floats, Longs]:
        """Return the metres to the nearest points, along the chord of the sphere, and their rows.

        Parameters
        ----------
        longitude, latitude : ndarray of float64, length n
            Degrees.
        count : int
            How many points.

        Returns
        -------
        ndarray of float64, ndarray of int64, shape (n, count)
        """
        metres, row = self._tree.query(on_sphere(longitude, latitude), k=range(1, count + 1))
        return np.asarray(metres, dtype=np.float64), np.asarray(row, dtype=np.int64)


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
    country_centres, province_centres : Points
        Middles of countries and first-level divisions, by several reckonings.
    institutions : Points
        Museums, herbaria, gardens, zoos and aquaria.
    """

    seats: dict[str, Points]
    country_centres: Points
    province_centres: Points
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
        parts = [*self.seats.values(), self.country_centres, self.province_centres, self.institutions]
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


@lru_cache
def load_gazetteer(boundaries: BoundarySet) -> Gazetteer:
    """Return the bundled seats and institutions, and the middles of the set's countries and divisions.

    Parameters
    ----------
    boundaries : BoundarySet
        The set.
    """
    data = files("biodata.data")
    with data.joinpath("seats.parquet").open("rb") as file:
        seats = pl.read_parquet(file)
    with data.joinpath("institutions.csv").open("rb") as file:
        institutions = pl.read_csv(file)
    with data.joinpath("country_centres.csv").open("rb") as file:
        told = pl.read_csv(file)
    units = boundaries.units.with_row_index("unit")
    countries = _middles(units.drop_nulls("country_code"), "country_code", boundaries)
    provinces = _middles(units.drop_nulls("province_code"), "province_code", boundaries)
    return Gazetteer(
        seats={kind: _with_offsets(seats.filter(pl.col("kind") == kind)) for kind in SEAT_FLAGS},
        country_centres=_points(pl.concat([countries, told.rename({"country_code": "name"}).cast(countries.schema)])),
        province_centres=_points(provinces),
        institutions=_points(institutions),
    )


def _points(table: pl.DataFrame) -> Points:
    """Return the points of a table with columns longitude, latitude, name and perhaps radius_m."""
    radius = table["radius_m"].cast(pl.Float64) if "radius_m" in table.columns else pl.zeros(table.height, eager=True)
    longitude, latitude = (table[name].cast(pl.Float64).to_numpy() for name in ("longitude", "latitude"))
    return Points(longitude, latitude, radius.to_numpy(), table["name"])


def _with_offsets(seats: pl.DataFrame) -> Points:
    """Return seats as they are and, for those in China, as web maps there give them."""
    chinese = seats.filter(pl.col("country_code") == "CN")
    longitude, latitude = chinese["longitude"].to_numpy(), chinese["latitude"].to_numpy()
    moved = [
        chinese.with_columns(longitude=pl.Series(x), latitude=pl.Series(y))
        for x, y in (wgs84_to_gcj02(longitude, latitude), wgs84_to_bd09(longitude, latitude))
    ]
    return _points(pl.concat([seats, *moved]))


def _middles(units: pl.DataFrame, column: str, boundaries: BoundarySet) -> pl.DataFrame:
    """Return the middles of places by the ways in which programs reckon them.

    The centroid in degrees, that of the equal-area cylinder, the middle of the box around the place, and for divisions
    the centroid of the largest part; a country of many divisions has none here.
    """
    parts, part_of = shapely.get_parts(boundaries.shapes[units["unit"].to_numpy()], return_index=True)
    flat = shapely.transform(parts, _equal_area)
    west, south, east, north = shapely.bounds(parts).T
    table = pl.DataFrame(
        {
            "name": units[column].gather(part_of),
            **_centroids("degrees", parts),
            **_centroids("flat", flat),
            **{"west": west, "south": south, "east": east, "north": north},
        }
    )
    mean = [
        (pl.col(f"{way}_{axis}") * pl.col(f"{way}_area")).sum() / pl.col(f"{way}_area").sum()
        for way in ("degrees", "flat")
        for axis in ("x", "y")
    ]
    largest = [pl.col(f"degrees_{axis}").sort_by("degrees_area").last().alias(f"largest_{axis}") for axis in ("x", "y")]
    box = [
        ((pl.col("west").min() + pl.col("east").max()) / 2).alias("box_x"),
        ((pl.col("south").min() + pl.col("north").max()) / 2).alias("box_y"),
    ]
    found = table.group_by("name", maintain_order=True).agg(*mean, *largest, *box)
    found = found.with_columns(flat_y=pl.col("flat_y").arcsin().degrees())
    ways = ("degrees", "flat", "box") if column == "country_code" else ("degrees", "flat", "box", "largest")
    return pl.concat(found.select("name", longitude=f"{way}_x", latitude=f"{way}_y") for way in ways)


def _equal_area(coordinates: Floats) -> Floats:
    """Return longitude and the sine of latitude: areas of the sphere stay in proportion."""
    return np.column_stack([coordinates[:, 0], np.sin(np.radians(coordinates[:, 1]))])


def _centroids(way: str, shapes: Sequence[shapely.Geometry] | NDArray[np.object_]) -> dict[str, Floats]:
    """Return centroids and areas of shapes in their plane."""
    x, y = shapely.get_coordinates(shapely.centroid(np.asarray(shapes, dtype=object))).T
    return {f"{way}_x": x, f"{way}_y": y, f"{way}_area": shapely.area(np.asarray(shapes, dtype=object))}
