"""Points that records are given when nobody knows their place: middles of countries, seats of administration, museums."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Final

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata.core.errors import InputError
from biodata.core.geo import Floats, area_km2, metres_per_degree
from biodata.places.borders import ranges
from biodata.places.boundaries import BoundarySet
from biodata.places.datums import wgs84_to_bd09, wgs84_to_gcj02

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
"""How far around a point its cells reach: the diagonal of 0.01°, the coarsest rounding that is still stated."""
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


# The gazetteer put together: bundled tables, the middles of a boundary set's places, an installation's own points.

_KINDS: Final = (*SEAT_FLAGS, *(f"{kind}_centre" for kind in CENTRE_FLAGS), "institution")
_PLACE: Final = ("longitude", "latitude")
_POINTS: Final = pl.Schema(
    {"kind": pl.String, "name": pl.String, "longitude": pl.Float64, "latitude": pl.Float64, "radius_m": pl.Float64}
)


def load_gazetteer(boundaries: BoundarySet, own: Path | None = None) -> Gazetteer:
    """Return the bundled seats and institutions, and the middles of the set's countries and divisions.

    Parameters
    ----------
    boundaries : BoundarySet
        The set.
    own : Path, optional
        The installation's own points, a CSV file: kind, name, longitude, latitude, and for an institution radius_m.
        They stand beside the bundled ones and are never passed on.

    Raises
    ------
    InputError
        If that file cannot be read as that, with row, column and value.
    """
    return _load(boundaries, own, own.stat().st_mtime_ns if own is not None else 0)


@lru_cache(maxsize=4)
def _load(boundaries: BoundarySet, own: Path | None, _changed: int) -> Gazetteer:
    """Return the gazetteer; a changed file is read anew."""
    data = files("biodata").joinpath("data")
    with data.joinpath("seats.parquet").open("rb") as file:
        seats = pl.read_parquet(file)
    with data.joinpath("institutions.csv").open("rb") as file:
        institutions = pl.read_csv(file).select("name", "longitude", "latitude", pl.col("radius_m").cast(pl.Float64))
    with data.joinpath("country_centres.csv").open("rb") as file:
        table = pl.read_csv(file).select(pl.col("country_code").alias("name"), pl.col(*_PLACE).cast(pl.Float64))
    units = boundaries.units.with_row_index("unit")
    more = read_points(own) if own is not None else pl.DataFrame(schema=_POINTS)
    km2 = units.with_columns(km2=pl.Series(area_km2(boundaries.shapes)))
    middles = {}
    for kind, column in (("country", "country_code"), ("province", "province_code")):
        found = _middles(units.drop_nulls(column), column, boundaries)
        found = pl.concat([found, table]) if kind == "country" else found
        sizes = km2.drop_nulls(column).group_by(pl.col(column).alias("name")).agg(pl.col("km2").sum())
        middles[kind] = found.join(sizes, on="name", how="left", maintain_order="left").select(
            "name", *_PLACE, radius_m=_centre_radius_m(pl.col("km2"))
        )

    def mine(kind: str) -> pl.DataFrame:
        return more.filter(pl.col("kind") == kind).select("name", *_PLACE)

    def own_centres(kind: str) -> pl.DataFrame:
        return mine(f"{kind}_centre").with_columns(radius_m=pl.lit(CENTRE_RADIUS_M))

    nothing = pl.DataFrame(schema={name: _POINTS[name] for name in ("name", *_PLACE, "radius_m")})
    return Gazetteer(
        seats={
            kind: _points(pl.concat([_with_offsets(seats.filter(pl.col("kind") == kind)), mine(kind)]))
            for kind in SEAT_FLAGS
        },
        centres={kind: _points(pl.concat([middles.get(kind, nothing), own_centres(kind)])) for kind in CENTRE_FLAGS},
        institutions=_points(
            pl.concat([institutions, more.filter(pl.col("kind") == "institution").select("name", *_PLACE, "radius_m")])
        ),
    )


def read_points(path: Path) -> pl.DataFrame:
    """Read an installation's own points.

    Parameters
    ----------
    path : Path
        CSV, UTF-8: kind (`country`, `province`, `prefecture`, `county` for seats, each with `_centre` for middles, or
        `institution`), name, longitude, latitude in degrees, and radius_m where it is an institution.

    Returns
    -------
    polars.DataFrame

    Raises
    ------
    InputError
        If the file cannot be read as that; nothing is taken from it then.
    """
    try:
        rows = pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        problem = "it is no table in UTF-8"
        raise InputError(problem, file=path.name, code="GAZETTEER_INVALID") from error
    missing = [name for name in ("kind", "name", *_PLACE) if name not in rows.columns]
    if missing:
        problem = f"columns are missing: {', '.join(missing)}"
        raise InputError(problem, file=path.name, row=1, code="GAZETTEER_INVALID")
    if "radius_m" not in rows.columns:
        rows = rows.with_columns(radius_m=pl.lit(None, dtype=pl.String))
    table = rows.select(pl.col(name).cast(dtype, strict=False) for name, dtype in _POINTS.items())
    institution = pl.col("kind") == "institution"
    right = {
        "kind": (pl.col("kind").is_in(_KINDS), f"one of {', '.join(_KINDS)}"),
        "longitude": (pl.col("longitude").is_between(-180, 180), "degrees between -180 and 180"),
        "latitude": (pl.col("latitude").is_between(-90, 90), "degrees between -90 and 90"),
        "radius_m": (~institution | pl.col("radius_m").is_between(1, REACH_M), f"metres from 1 to {REACH_M:g}"),
    }
    for column, (test, expected) in right.items():
        wrong = table.select((~test.fill_null(value=False)).arg_true()).to_series()
        if len(wrong):
            row = int(wrong[0])
            value = rows[column][row]
            problem = "this value is not right"
            raise InputError(
                problem,
                file=path.name,
                row=row + 2,
                column=column,
                value=value or "",
                expected=expected,
                code="GAZETTEER_INVALID",
            )
    return table


def _points(table: pl.DataFrame) -> Points:
    """Return the points of a table with columns longitude, latitude, name and perhaps radius_m."""
    radius = table["radius_m"].cast(pl.Float64) if "radius_m" in table.columns else pl.zeros(table.height, eager=True)
    longitude, latitude = (table[name].cast(pl.Float64).to_numpy() for name in ("longitude", "latitude"))
    return Points(longitude, latitude, radius.to_numpy(), table["name"])


def _centre_radius_m(km2: pl.Expr) -> pl.Expr:
    """Return how near a point is to a middle to be it: in a small country a fiftieth of the radius of a circle of its size."""
    scaled = (km2 * 1e6 / math.pi).sqrt() * CENTRE_SHARE
    return scaled.clip(LEAST_CENTRE_RADIUS_M, CENTRE_RADIUS_M).fill_null(CENTRE_RADIUS_M)


def _with_offsets(seats: pl.DataFrame) -> pl.DataFrame:
    """Return seats as they are and, for those in China, as web maps there give them."""
    chinese = seats.filter(pl.col("country_code") == "CN")
    longitude, latitude = chinese["longitude"].to_numpy(), chinese["latitude"].to_numpy()
    moved = [
        chinese.with_columns(longitude=pl.Series(x), latitude=pl.Series(y))
        for x, y in (wgs84_to_gcj02(longitude, latitude), wgs84_to_bd09(longitude, latitude))
    ]
    return pl.concat([seats, *moved]).select("name", *_PLACE)


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
