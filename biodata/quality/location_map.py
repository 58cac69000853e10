"""Tests of BDQ Core that set coordinates beside the map: country, division, centre of the country, land or sea."""

from functools import lru_cache
from typing import Final

import numpy as np
import polars as pl
import shapely

from biodata import places
from biodata.geo import area_km2, geodesic_distance_m
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
)
from biodata.quality.model import Answer, Arguments, Context, Preparation, Test
from biodata.quality.numbers import number, value
from biodata.text.tables import read_rows

CENTRE_BUFFER_M: Final = "5000"
"""The standard's default of `spatialBufferInMeters` for centres of countries."""

_CENTRES: Final = "GBIF Catalogue of Country Centroides"
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


TESTS: Final = (
    Test(
        "VALIDATION_COORDINATESCOUNTRYCODE_CONSISTENT",
        "adb27d29-9f0d-4d52-b760-a77ba57a69c9",
        ("countryCode", *_POINT),
        "Do the coordinates lie in the country of the code, or in its sea?",
        _country_agrees,
        parameters={"sourceAuthority": MAP_AUTHORITIES[0], "spatialBufferInMeters": MAP_BUFFER_M},
        preparations=(IN_COUNTRY,),
    ),
    Test(
        "VALIDATION_COORDINATESSTATEPROVINCE_CONSISTENT",
        "f18a470b-3fe1-4aae-9c65-a6d3db6b550c",
        ("stateProvince", *_POINT),
        "Do the coordinates lie in a state or province of that name?",
        _division_agrees,
        parameters={"sourceAuthority": "10m-admin-1 boundaries", "spatialBufferInMeters": MAP_BUFFER_M},
        preparations=(IN_DIVISION,),
    ),
    Test(
        "VALIDATION_COORDINATESTERRESTRIALMARINE_CONSISTENT",
        "b9c184ce-a859-410c-9d12-71a338200380",
        _POINT,
        "Do the coordinates lie on land or in the sea, as the species does?",
        _land_or_sea,
        consulted=("scientificName",),
        parameters={
            "taxonIsMarine": "World Register of Marine Species (WoRMS)",
            "geospatialLand": "Union of NaturalEarth 10m-physical-vectors for Land and NaturalEarth Minor Islands",
            "spatialBufferInMeters": MAP_BUFFER_M,
            "assumptionOnUnknownBiome": "noassumption",
        },
    ),
    Test(
        "AMENDMENT_COUNTRYCODE_FROM_COORDINATES",
        "8c5fe9c9-4ba9-49ef-b15a-9ccd0424e6ae",
        ("countryCode",),
        "Which country do the coordinates lie in?",
        _code_from_coordinates,
        consulted=_POINT,
        parameters={"sourceAuthority": MAP_AUTHORITIES[0]},
        preparations=(_CODE_OF_PLACE,),
    ),
    Test(
        "ISSUE_COORDINATES_CENTEROFCOUNTRY",
        "256e51b3-1e08-4349-bb7e-5186631c3f8e",
        ("countryCode", *_POINT),
        "Do the coordinates stand for the whole country?",
        _centre_of_country,
        consulted=("coordinateUncertaintyInMeters",),
        parameters={"spatialBufferInMeters": CENTRE_BUFFER_M, "sourceAuthority": _CENTRES},
        preparations=(_NEAR_CENTRE, number("coordinateUncertaintyInMeters")),
    ),
)
"""The tests of this file."""
