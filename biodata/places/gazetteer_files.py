"""The gazetteer put together: bundled tables, the middles of a boundary set's places, an installation's own points."""

import math
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
import shapely
from numpy.typing import NDArray

from biodata.datums.offsets import wgs84_to_bd09, wgs84_to_gcj02
from biodata.errors import InputError
from biodata.geo import Floats, area_km2
from biodata.places.boundaries import BoundarySet
from biodata.places.gazetteer import (
    CENTRE_FLAGS,
    CENTRE_RADIUS_M,
    CENTRE_SHARE,
    LEAST_CENTRE_RADIUS_M,
    REACH_M,
    SEAT_FLAGS,
    Gazetteer,
    Points,
)

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
    data = files("biodata.data")
    with data.joinpath("seats.parquet").open("rb") as file:
        seats = pl.read_parquet(file)
    with data.joinpath("institutions.csv").open("rb") as file:
        institutions = pl.read_csv(file).select("name", "longitude", "latitude", pl.col("radius_m").cast(pl.Float64))
    with data.joinpath("country_centres.csv").open("rb") as file:
        told = pl.read_csv(file).select(pl.col("country_code").alias("name"), pl.col(*_PLACE).cast(pl.Float64))
    units = boundaries.units.with_row_index("unit")
    more = read_points(own) if own is not None else pl.DataFrame(schema=_POINTS)
    km2 = units.with_columns(km2=pl.Series(area_km2(boundaries.shapes)))
    middles = {}
    for kind, column in (("country", "country_code"), ("province", "province_code")):
        found = _middles(units.drop_nulls(column), column, boundaries)
        found = pl.concat([found, told]) if kind == "country" else found
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
        told = pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError) as error:
        problem = "it is no table in UTF-8"
        raise InputError(problem, file=path.name, code="GAZETTEER_INVALID") from error
    missing = [name for name in ("kind", "name", *_PLACE) if name not in told.columns]
    if missing:
        problem = f"columns are missing: {', '.join(missing)}"
        raise InputError(problem, file=path.name, row=1, code="GAZETTEER_INVALID")
    if "radius_m" not in told.columns:
        told = told.with_columns(radius_m=pl.lit(None, dtype=pl.String))
    table = told.select(pl.col(name).cast(dtype, strict=False) for name, dtype in _POINTS.items())
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
            value = told[column][row]
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
