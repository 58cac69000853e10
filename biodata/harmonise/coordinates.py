"""Coordinates of records as numbers, with the doubts that need no map; the told values stay."""

from typing import Final

import polars as pl

from biodata.harmonise.findings import Findings, repairs
from biodata.harmonise.told import Told
from biodata.parsers.coordinates import Axis, parse_coordinates

AXES: Final = ("decimalLatitude", "decimalLongitude")


def interpret(told: Told) -> Findings:
    """Read latitude and longitude.

    Parameters
    ----------
    told : Told
        n rows.

    Returns
    -------
    Findings of n rows
        `decimalLatitude` and `decimalLongitude` where both can be read and are in range, else null.
    """
    latitude = parse_coordinates(told[AXES[0]], Axis.LATITUDE)
    longitude = parse_coordinates(told[AXES[1]], Axis.LONGITUDE)
    frame = pl.DataFrame({"latitude": latitude["number"], "longitude": longitude["number"]})
    lat, lon = pl.col("latitude"), pl.col("longitude")
    in_range = (lat.abs() <= 90) & (lon.abs() <= 180)
    marks = frame.select(
        in_range=in_range,
        outside=~in_range,
        zero=(lat == 0) & (lon == 0),
        swapped=(lat.abs() > 90) & (lat.abs() <= 180) & (lon.abs() <= 90),
    )
    flags = {
        "COORDINATE_MISSING": told[AXES[0]].is_null() | told[AXES[1]].is_null(),
        "COORDINATE_INVALID": _unreadable(latitude) | _unreadable(longitude),
        "COORDINATE_OUT_OF_RANGE": marks["outside"],
        "ZERO_COORDINATE": marks["zero"],
        "PRESUMED_SWAPPED_COORDINATE": marks["swapped"],
    }
    usable = frame.select(pl.when(marks["in_range"]).then(pl.all())).to_dict()
    columns = {
        "decimalLatitude": usable["latitude"],
        "decimalLongitude": usable["longitude"],
    }
    noted = [*swap(marks["swapped"], frame["latitude"], frame["longitude"])]
    for axis, read in zip(AXES, (latitude, longitude), strict=True):
        by_rule = read["rule"].is_not_null()
        noted.append(repairs(by_rule, axis, read["number"], read["rule"], applied=True))
    return Findings(columns, flags, noted)


def swap(where: pl.Series, latitude: pl.Series, longitude: pl.Series) -> list[pl.DataFrame]:
    """Propose to swap latitude and longitude where `where` is True."""
    rule = "swap_latitude_longitude"
    return [
        repairs(where, "decimalLatitude", longitude, rule, applied=False),
        repairs(where, "decimalLongitude", latitude, rule, applied=False),
    ]


def _unreadable(read: pl.DataFrame) -> pl.Series:
    """Tell where something was told that is no number."""
    return read["value"].is_not_null() & read["number"].is_null()
