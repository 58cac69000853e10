"""Latitudes and longitudes as text: decimal degrees, hemisphere letters, degrees, minutes and seconds."""

import re
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import polars as pl

from biodata.parsers.decimals import LONGEST, SCHEMA, parse_decimal, parse_decimals
from biodata.parsers.distinct import over_distinct
from biodata.parsers.numerals import ascii_digits


class Axis(StrEnum):
    """Which of the two a coordinate is."""

    LATITUDE = "latitude"
    LONGITUDE = "longitude"


# Upper case only: a small s marks seconds. O is west in French and Spanish and east in German: it is not read.
_SIDES: Final = MappingProxyType(
    {
        "N": (Axis.LATITUDE, 1),
        "S": (Axis.LATITUDE, -1),
        "E": (Axis.LONGITUDE, 1),
        "W": (Axis.LONGITUDE, -1),
        "北纬": (Axis.LATITUDE, 1),
        "北緯": (Axis.LATITUDE, 1),
        "南纬": (Axis.LATITUDE, -1),
        "南緯": (Axis.LATITUDE, -1),
        "东经": (Axis.LONGITUDE, 1),
        "東經": (Axis.LONGITUDE, 1),
        "东經": (Axis.LONGITUDE, 1),
        "西经": (Axis.LONGITUDE, -1),
        "西經": (Axis.LONGITUDE, -1),
    }
)
_SIDE: Final = "|".join(_SIDES)
_PART: Final = r"\d+(?:[.,]\d+)?"
_ANGLE: Final = re.compile(
    rf"(?P<before>{_SIDE})?\.?\s*(?P<sign>[+\-])?\s*(?P<degrees>{_PART})\s*(?P<mark>[°º˚∘dg]|deg\.?|度)?\s*"
    rf"(?:(?P<minutes>{_PART})\s*(?:['′’‘´`m]|min\.?|分)?\s*)?"
    rf"(?:(?P<seconds>{_PART})\s*(?:[\"″”“s]|''|′′|’’|sec\.?|秒)?\s*)?(?P<after>{_SIDE})?\.?"
)


def parse_coordinates(values: pl.Series, axis: Axis) -> pl.DataFrame:
    """Read a column of latitudes or of longitudes.

    Parameters
    ----------
    values : polars.Series of str, length n
        Text without white space around it.
    axis : Axis
        What the column holds; a letter of the other axis is not read.

    Returns
    -------
    polars.DataFrame of n rows
        `value` as told; `number` in degrees, whatever its size, null where it cannot be read; `rule`:
        `decimal_comma`, `digits`, `hemisphere` or `degrees_minutes_seconds` where the text was no plain number.
    """
    read = parse_decimals(values, comma_is_decimal=True)
    rest = read["value"].set(read["number"].is_not_null(), None)
    if rest.null_count() == len(rest):
        return read

    def parse(distinct: pl.Series) -> pl.DataFrame:
        return pl.DataFrame([(text, *parse_angle(text, axis)) for text in distinct], schema=SCHEMA, orient="row")

    angles = over_distinct(rest, parse).select(pl.all().name.prefix("angle_"))
    return pl.concat([read, angles], how="horizontal").select(
        "value", pl.coalesce("number", "angle_number").alias("number"), pl.coalesce("rule", "angle_rule").alias("rule")
    )


@lru_cache(maxsize=1 << 17)
def parse_angle(text: str, axis: Axis) -> tuple[float | None, str | None]:
    """Read one coordinate; return it in degrees, and the rule that was needed, as in `parse_coordinates`.

    Minutes without any mark are read only where a degree sign or a letter says what they are: `21 30` alone could be
    two numbers.
    """
    number, rule = parse_decimal(text, comma_is_decimal=True)
    if number is not None:
        return number, rule
    match = None if len(text) > LONGEST else _ANGLE.fullmatch(ascii_digits(text).replace("\u2212", "-").strip())
    if match is None:
        return None, None
    sides = {side for side in (match["before"], match["after"]) if side}
    minutes, seconds = match["minutes"], match["seconds"]
    if len(sides) > 1 or not (sides or match["mark"]) or (sides and match["sign"]):
        return None, None
    parts = [float(part.replace(",", ".")) for part in (match["degrees"], minutes, seconds) if part]
    if any(not part.is_integer() for part in parts[:-1]) or any(part >= 60 for part in parts[1:]):
        return None, None
    degrees = sum(part / 60**power for power, part in enumerate(parts))
    if sides:
        of_axis, factor = _SIDES[sides.pop()]
        if of_axis is not axis:
            return None, None
        degrees *= factor
    elif match["sign"] == "-":
        degrees = -degrees
    return degrees, "degrees_minutes_seconds" if minutes else "hemisphere"
