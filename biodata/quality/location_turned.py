"""The amendment of BDQ Core that finds coordinates swapped, or with the wrong sign."""

from itertools import product
from typing import Final

import numpy as np
import polars as pl

from biodata.geo import Floats
from biodata.quality.gazetteer import country_codes
from biodata.quality.location_place import IN_COUNTRY, MAP_AUTHORITIES, MAP_BUFFER_M, SEA, in_country
from biodata.quality.model import Answer, Arguments, Context, Preparation, Test
from biodata.quality.numbers import BLANKS

_POINT: Final = ("decimalLatitude", "decimalLongitude")
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
    Test(
        "AMENDMENT_COORDINATES_TRANSPOSED",
        "f2b4a50a-6b2f-4930-b9df-da87b6a21082",
        _POINT,
        "Would the coordinates lie in the country if they were swapped, or had another sign?",
        _transposed,
        consulted=("countryCode",),
        parameters={"sourceAuthority": MAP_AUTHORITIES[0]},
        preparations=(_TURNED,),
    ),
)
"""The test of this file."""
