"""Tests of BDQ Core that set coordinates beside the map: country, division, centre of the country, land or sea."""

from functools import lru_cache
from itertools import product
from typing import Final

import numpy as np
import polars as pl
import shapely

from biodata import places
from biodata.geo import Floats, area_km2, geodesic_distance_m
from biodata.quality.gazetteer import country_codes
from biodata.quality.location_place import (
    BUFFER,
    IN_COUNTRY,
    IN_DIVISION,
    MAP_AUTHORITIES,
    MAP_BUFFER_M,
    PLACE,
    SEA,
    Points,
    buffers,
    countries_near,
    in_country,
)
from biodata.quality.model import BLANKS, Answer, Arguments, Context, Preparation, number, test, value
from biodata.text.tables import read_rows

CENTRE_BUFFER_M: Final = "5000"
"""The standard's default of `spatialBufferInMeters` for centres of countries."""

_TRUTH: Final = pl.lit(value=True)
_POINT: Final = ("decimalLatitude", "decimalLongitude")


def _country_agrees(arguments: Arguments) -> Answer:
    told = arguments.filled(*_POINT, "countryCode")
    return Answer(IN_COUNTRY.column("agrees"), external=arguments.unavailable(*MAP_AUTHORITIES) & told)


def _division_agrees(arguments: Arguments) -> Answer:
    told = arguments.filled(*_POINT, "stateProvince")
    return Answer(IN_DIVISION.column("agrees"), external=arguments.unavailable(*MAP_AUTHORITIES) & told)


def _make_code(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    points = Points(frame)
    rows = np.flatnonzero(points.told & frame["countryCode"].is_null().to_numpy())
    codes = np.full(frame.height, None, dtype=object)
    if len(rows):
        located = places.locate(points.x[rows], points.y[rows], context.boundaries)
        # Inside the band of a border the map cannot tell which single country it is.
        codes[rows] = located.select(pl.when(~pl.col("ambiguous")).then("located_country_code")).to_series().to_list()
    at_sea = rows[points.unit[rows] == SEA]
    near = countries_near(points.x[at_sea], points.y[at_sea], context.boundaries)
    codes[at_sea] = [_of_the_sea(distances) for distances in near]
    return pl.DataFrame({"code": pl.Series(codes.tolist(), dtype=pl.String)})


def _of_the_sea(distances: dict[str | None, float]) -> str | None:
    """Return the country in whose zone a point at sea is; None where it can be in the zone of more than one."""
    if not distances:
        return "XZ"
    nearest, *others = sorted(distances.items(), key=lambda item: item[1])
    # The line between two zones is about half way.
    single = all(metres > 2 * nearest[1] for _, metres in others)
    return nearest[0] if single else None


_CODE_OF_PLACE: Final = Preparation(
    "code_of_place",
    ("countryCode", "place.latitude", "place.longitude", "place.unit"),
    {"code": pl.String},
    _make_code,
    distinct=False,
    needs=(PLACE,),
)


def _code_from_coordinates(arguments: Arguments) -> Answer:
    told = arguments.filled(*_POINT) & ~arguments.filled("countryCode")
    return Answer(
        pl.when(told).then(_TRUTH),
        external=arguments.unavailable(*MAP_AUTHORITIES) & told,
        proposals={"countryCode": _CODE_OF_PLACE.column("code")},
        filled_in=True,
    )


def _make_near_centre(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    points, metres = Points(frame), buffers(frame, context, CENTRE_BUFFER_M)
    near = np.zeros(frame.height, dtype=bool)
    width = np.full(frame.height, np.nan)
    codes = frame["countryCode"].alias("code").to_frame().with_row_index("row").filter(pl.Series(points.told))
    for (code,), group in codes.drop_nulls("code").group_by("code"):
        rows = group["row"].to_numpy()
        for longitude, latitude in (*_centres(str(code), context.boundaries), *_loaded(str(code), context)):
            away = geodesic_distance_m(points.x[rows], points.y[rows], longitude, latitude)
            near[rows] |= away <= metres[rows]
        width[rows] = _half_width_m(str(code), context.boundaries)
    return pl.DataFrame({"near": near, "half_width_m": pl.Series(width, nan_to_null=True)})


@lru_cache(maxsize=512)
def _centres(code: str, boundaries: places.BoundarySet) -> tuple[tuple[float, float], ...]:
    """Return the centres of a country: of its whole land, of its largest part, and those of the bundled list."""
    listed = [
        (float(row["longitude"]), float(row["latitude"]))
        for row in read_rows("country_centres.csv")
        if row["country_code"] == code
    ]
    if not (boundaries.units["country_code"] == code).any():
        return tuple(listed)
    land = places.country_geometry(code, boundaries)
    largest = max(shapely.get_parts(land), key=shapely.area)
    return (*((shape.centroid.x, shape.centroid.y) for shape in (land, largest)), *listed)


def _loaded(code: str, context: Context) -> list[tuple[float, float]]:
    """Return the centres of a country that were loaded."""
    if context.centres is None:
        return []
    own = context.centres.filter(pl.col("country_code") == code)
    return [(float(x), float(y)) for x, y in own.select("longitude", "latitude").iter_rows()]


@lru_cache(maxsize=512)
def _half_width_m(code: str, boundaries: places.BoundarySet) -> float:
    """Return half the square root of a country's area, metres; NaN where it is not on the map."""
    if not (boundaries.units["country_code"] == code).any():
        return float("nan")
    return float(np.sqrt(area_km2([places.country_geometry(code, boundaries)])[0]) * 1000 / 2)


_NEAR_CENTRE: Final = Preparation(
    "near_centre",
    ("countryCode", BUFFER, "place.latitude", "place.longitude", "place.unit"),
    {"near": pl.Boolean, "half_width_m": pl.Float64},
    _make_near_centre,
    distinct=False,
    needs=(PLACE,),
)


def _centre_of_country(arguments: Arguments) -> Answer:
    told = arguments.filled(*_POINT, "countryCode")
    uncertainty = value("coordinateUncertaintyInMeters")
    sure = uncertainty.is_null() | (uncertainty < _NEAR_CENTRE.column("half_width_m"))
    issue = _NEAR_CENTRE.column("near") & sure.fill_null(value=True)
    return Answer(pl.when(told).then(issue), external=arguments.unavailable() & told)


def _land_or_sea(arguments: Arguments) -> Answer:
    # Whether a species lives in the sea is told by the World Register of Marine Species, a service that we do not have.
    told = arguments.filled(*_POINT, "scientificName")
    return Answer(pl.lit(None, dtype=pl.Boolean), external=told)


# The amendment of BDQ Core that finds coordinates swapped, or with the wrong sign.

_Way = tuple[int, int, int]
"""1 for swapped, then the factors of latitude and longitude."""


def _make_turned(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    latitude_told, longitude_told = frame["decimalLatitude"], frame["decimalLongitude"]
    # A point that is out of range may be one that was transposed.
    y, x = (told.str.strip_chars(BLANKS).cast(pl.Float64, strict=False) for told in (latitude_told, longitude_told))
    numbers = (y.is_finite() & x.is_finite()).fill_null(value=False)
    valid = frame["countryCode"].is_in(list(country_codes())).fill_null(value=False)
    agrees = frame["in_country.agrees"].fill_null(value=False)
    rows = (numbers & valid & ~agrees & ((x != 0) | (y != 0))).arg_true().to_numpy()
    ways: list[_Way] = [way for way in product((0, 1), (1, -1), (1, -1)) if way != (0, 1, 1)]
    found: dict[int, list[_Way]] = {row: [] for row in rows.tolist()}
    buffer = np.full(len(rows), float(MAP_BUFFER_M))
    codes = frame["countryCode"].gather(rows).to_list()
    for zone in (False, True):
        open_rows = np.array([not found[int(row)] for row in rows], dtype=bool)
        for way in ways:
            lon, lat = _turn(x.gather(rows).to_numpy(), y.gather(rows).to_numpy(), way)
            possible = open_rows & (np.abs(lon) <= 180) & (np.abs(lat) <= 90)
            unit = np.full(len(rows), SEA, dtype=np.int32)
            unit[possible] = context.boundaries.cells.locate(lon[possible], lat[possible])
            for code in {code for code, is_open in zip(codes, possible, strict=True) if is_open}:
                at = np.flatnonzero(possible & (np.array(codes, dtype=object) == code))
                fits = in_country(code, lon[at], lat[at], unit[at], buffer[at], context.boundaries, zone=zone)
                for row in rows[at[fits]]:
                    found[int(row)].append(way)
    turned: list[tuple[str | None, str | None]] = [(None, None)] * frame.height
    for row, fitting in found.items():
        if len({_key(way, x[row], y[row]) for way in fitting}) == 1:
            turned[row] = _turned_text(latitude_told[row], longitude_told[row], fitting[0])
    return pl.DataFrame(turned, schema={"latitude": pl.String, "longitude": pl.String}, orient="row")


def _turn(x: Floats, y: Floats, way: _Way) -> tuple[Floats, Floats]:
    """Return longitude and latitude swapped if the way begins with 1, then with the signs of the way."""
    lon, lat = (y, x) if way[0] else (x, y)
    return lon * way[2], lat * way[1]


def _key(way: _Way, x: float, y: float) -> tuple[float, float]:
    """Return the point that a way leads to: the sign of 0 makes no other point."""
    lon, lat = (y, x) if way[0] else (x, y)
    return lon * way[2] + 0.0, lat * way[1] + 0.0


def _turned_text(latitude: str, longitude: str, way: _Way) -> tuple[str, str]:
    """Return the texts of latitude and longitude turned."""
    first, second = (longitude, latitude) if way[0] else (latitude, longitude)
    return _signed(first, way[1]), _signed(second, way[2])


def _signed(text: str, sign: int) -> str:
    """Return the text of a number with its sign kept (1) or reversed (-1)."""
    told = text.strip(BLANKS)
    digits = told.lstrip("+-")
    negative = told.startswith("-") != (sign < 0)
    return f"-{digits}" if negative else digits


_TURNED: Final = Preparation(
    "turned",
    (*_POINT, "countryCode", "in_country.agrees"),
    {"latitude": pl.String, "longitude": pl.String},
    _make_turned,
    distinct=False,
    needs=(IN_COUNTRY,),
)


def _transposed(arguments: Arguments) -> Answer:
    told = arguments.filled(*_POINT, "countryCode")
    return Answer(
        pl.when(told).then(pl.lit(value=True)),
        external=arguments.unavailable(*MAP_AUTHORITIES) & told,
        proposals={
            "decimalLatitude": _TURNED.column("latitude"),
            "decimalLongitude": _TURNED.column("longitude"),
        },
    )


TESTS: Final = (
    test("VALIDATION_COORDINATESCOUNTRYCODE_CONSISTENT", _country_agrees, IN_COUNTRY),
    test("VALIDATION_COORDINATESSTATEPROVINCE_CONSISTENT", _division_agrees, IN_DIVISION),
    test("VALIDATION_COORDINATESTERRESTRIALMARINE_CONSISTENT", _land_or_sea),
    test("AMENDMENT_COUNTRYCODE_FROM_COORDINATES", _code_from_coordinates, _CODE_OF_PLACE),
    test(
        "ISSUE_COORDINATES_CENTEROFCOUNTRY", _centre_of_country, _NEAR_CENTRE, number("coordinateUncertaintyInMeters")
    ),
    test("AMENDMENT_COORDINATES_TRANSPOSED", _transposed, _TURNED),
)
"""The test of this file."""
