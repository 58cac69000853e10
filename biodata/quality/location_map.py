"""Tests of BDQ Core that set coordinates beside the map: country, division, centre of the country, land or sea."""

from functools import lru_cache
from itertools import product
from typing import Final

import numpy as np
import polars as pl
import shapely

from biodata import places
from biodata.core.geo import Floats, area_km2, geodesic_distance_m
from biodata.quality.gazetteer import (
    HIGH_SEAS,
    NO_NATIONS,
    UNKNOWN,
    code_meant,
    countries_named,
    country_codes,
    divisions_named,
)
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
from biodata.quality.model import (
    BLANKS,
    Answer,
    Arguments,
    Context,
    Preparation,
    number,
    reading,
    standard_tests,
    test,
    value,
)
from biodata.text.tables import read_rows

# Tests of BDQ Core on countries and divisions by name and code, and whether a term of the place has something in it.

# Tests of BDQ Core on countries and first-level divisions by name and code, against the bundled gazetteer.

_TGN_ADDRESS: Final = "https://www.getty.edu/research/tools/vocabularies/tgn/index.html"
_ISO_ADDRESSES: Final = (
    "https://www.iso.org/iso-3166-country-codes.html",
    "ISO 3166 Country Codes",
    "ISO 3166-1-alpha-2",
)


def tidy(text: str) -> bool:
    """Return whether a text has neither white space around it nor signs that cannot be printed."""
    return text == text.strip() and text.isprintable()


def _read_code(text: str) -> tuple[bool, str | None]:
    """Return whether a text is a code of ISO's, XZ or ZZ, and which one is meant where it is none."""
    known = text in country_codes() or text in (HIGH_SEAS, UNKNOWN)
    return known, None if known else code_meant(text)


def _read_country(text: str) -> tuple[list[str], bool]:
    """Return the codes of the countries of that name, and whether one of them is a nation."""
    codes = sorted(countries_named(text)) if tidy(text) else []
    return codes, any(code not in NO_NATIONS for code in codes)


def _make_division(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    rows = [_resolve(country, state, context) for country, state in frame.iter_rows()]
    return pl.DataFrame(rows, schema={"found": pl.Boolean, "resolved": pl.Boolean}, orient="row")


def _resolve(country: str | None, state: str | None, context: Context) -> tuple[bool | None, bool | None]:
    """Return whether a division of that name is known, and whether country and division together mean one thing.

    The standard's notes have a country alone not compliant, its rows have it compliant: a country that is one nation
    is a single result, and so compliant.
    """
    nations = None if country is None else countries_named(country) if tidy(country) else frozenset()
    if state is None:
        return None, None if nations is None else len(nations) == 1
    divisions = divisions_named(state, None, context.boundaries) if tidy(state) else ()
    if nations is None:
        return bool(divisions), len(divisions) == 1
    here = [division for nation in nations for division in divisions_named(state, nation, context.boundaries)]
    return bool(divisions), len(nations) == 1 and len(here) == 1 and bool(divisions)


_COUNTRY: Final = reading("country", _read_country, {"codes": pl.List(pl.String), "nation": pl.Boolean()})
_DIVISION: Final = Preparation(
    "division.read", ("country", "stateProvince"), {"found": pl.Boolean, "resolved": pl.Boolean}, _make_division
)


def _country_found(arguments: Arguments) -> Answer:
    external = arguments.unavailable(_TGN_ADDRESS) & arguments.filled("country")
    return Answer(_COUNTRY.column("nation"), external=external)


def _country_matches_code(arguments: Arguments) -> Answer:
    stated = arguments.filled("country", "countryCode")
    matches = _COUNTRY.column("codes").list.contains(arguments["countryCode"])
    return Answer(pl.when(stated).then(matches), external=arguments.unavailable(_TGN_ADDRESS) & stated)


def _division_found(arguments: Arguments) -> Answer:
    external = arguments.unavailable(_TGN_ADDRESS) & arguments.filled("stateProvince")
    return Answer(_DIVISION.column("found"), external=external)


def _unambiguous(arguments: Arguments) -> Answer:
    external = arguments.unavailable(_TGN_ADDRESS) & arguments.any_filled("country", "stateProvince")
    return Answer(_DIVISION.column("resolved"), external=external)


def _country(arguments: Arguments) -> Answer:
    # On the high seas there is no country to tell.
    high_seas = (arguments["countryCode"] == "XZ").fill_null(value=False)
    return Answer(arguments.filled("country") | high_seas)


NAME_TESTS: Final = (
    *standard_tests("COUNTRYCODE", reading("countryCode", _read_code), *_ISO_ADDRESSES),
    test("VALIDATION_COUNTRY_FOUND", _country_found, _COUNTRY),
    test("VALIDATION_COUNTRYCOUNTRYCODE_CONSISTENT", _country_matches_code, _COUNTRY),
    test("VALIDATION_STATEPROVINCE_FOUND", _division_found, _DIVISION),
    test("VALIDATION_COUNTRYSTATEPROVINCE_UNAMBIGUOUS", _unambiguous, _DIVISION),
    test("VALIDATION_COUNTRY_NOTEMPTY", _country),
)
"""The tests of countries and divisions."""


CENTRE_BUFFER_M: Final = "5000"
"""The standard's default of `spatialBufferInMeters` for centres of countries."""

_TRUTH: Final = pl.lit(value=True)
_POINT: Final = ("decimalLatitude", "decimalLongitude")


def _country_agrees(arguments: Arguments) -> Answer:
    stated = arguments.filled(*_POINT, "countryCode")
    return Answer(IN_COUNTRY.column("agrees"), external=arguments.unavailable(*MAP_AUTHORITIES) & stated)


def _division_agrees(arguments: Arguments) -> Answer:
    stated = arguments.filled(*_POINT, "stateProvince")
    return Answer(IN_DIVISION.column("agrees"), external=arguments.unavailable(*MAP_AUTHORITIES) & stated)


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
    "code_of_place", ("countryCode", "place.latitude", "place.longitude", "place.unit"), {"code": pl.String},
    _make_code, distinct=False, needs=(PLACE,),
)  # fmt: skip


def _code_from_coordinates(arguments: Arguments) -> Answer:
    stated = arguments.filled(*_POINT) & ~arguments.filled("countryCode")
    return Answer(
        pl.when(stated).then(_TRUTH),
        external=arguments.unavailable(*MAP_AUTHORITIES) & stated,
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
    stated = arguments.filled(*_POINT, "countryCode")
    uncertainty = value("coordinateUncertaintyInMeters")
    sure = uncertainty.is_null() | (uncertainty < _NEAR_CENTRE.column("half_width_m"))
    issue = _NEAR_CENTRE.column("near") & sure.fill_null(value=True)
    return Answer(pl.when(stated).then(issue), external=arguments.unavailable() & stated)


def _land_or_sea(arguments: Arguments) -> Answer:
    # Whether a species lives in the sea is stated by the World Register of Marine Species, a service that we do not have.
    stated = arguments.filled(*_POINT, "scientificName")
    return Answer(pl.lit(None, dtype=pl.Boolean), external=stated)


# The amendment of BDQ Core that finds coordinates swapped, or with the wrong sign.

_Way = tuple[int, int, int]
"""1 for swapped, then the factors of latitude and longitude."""


def _make_turned(frame: pl.DataFrame, context: Context) -> pl.DataFrame:
    latitude_told, longitude_told = frame["decimalLatitude"], frame["decimalLongitude"]
    # A point that is out of range may be one that was transposed.
    y, x = (values.str.strip_chars(BLANKS).cast(pl.Float64, strict=False) for values in (latitude_told, longitude_told))
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
    stated = text.strip(BLANKS)
    digits = stated.lstrip("+-")
    negative = stated.startswith("-") != (sign < 0)
    return f"-{digits}" if negative else digits


_TURNED: Final = Preparation(
    "turned", (*_POINT, "countryCode", "in_country.agrees"), {"latitude": pl.String, "longitude": pl.String},
    _make_turned, distinct=False, needs=(IN_COUNTRY,),
)  # fmt: skip


def _transposed(arguments: Arguments) -> Answer:
    stated = arguments.filled(*_POINT, "countryCode")
    return Answer(
        pl.when(stated).then(pl.lit(value=True)),
        external=arguments.unavailable(*MAP_AUTHORITIES) & stated,
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
