"""Latitudes and longitudes as text: decimal degrees, degrees, minutes and seconds, sides in the region's languages."""

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple

import polars as pl

from biodata.parsers.confidence import Confidence
from biodata.parsers.coordinate_tokens import Kind, Token, normalise, tokens_of
from biodata.parsers.decimals import SCHEMA, parse_decimal, parse_decimals
from biodata.parsers.distinct import over_distinct
from biodata.parsers.plain_angles import read_angles


class Axis(StrEnum):
    """Which of the two a coordinate is."""

    LATITUDE = "latitude"
    LONGITUDE = "longitude"

    @property
    def other(self) -> "Axis":
        """The other one."""
        return Axis.LONGITUDE if self is Axis.LATITUDE else Axis.LATITUDE


_LATITUDE, _LONGITUDE = Axis
_SIDES: Final = MappingProxyType(
    {"north": (_LATITUDE, 1), "south": (_LATITUDE, -1), "east": (_LONGITUDE, 1), "west": (_LONGITUDE, -1)}
)
Side = tuple[Axis, int]


Letters = MappingProxyType[str, Side]


def _letters(north: str, south: str, east: str, west: str) -> Letters:
    """Return the sides of a language by letter; a blank is a letter that is not read in it."""
    told = zip((north, south, east, west), _SIDES.values(), strict=True)
    return MappingProxyType({letter: side for letter, side in told if letter.strip()})


LETTERS: Final = (
    _letters("N", "S", "E", "W"),  # English
    _letters("N", "S", "E", "O"),  # French, Spanish, Italian
    _letters("N", "S", "L", "O"),  # Portuguese
    _letters("N", "S", "O", "W"),  # German
    _letters("N", "Z", "O", "W"),  # Dutch
    _letters("U", "S", "T", "B"),  # Indonesian and Malay: utara, selatan, timur, barat
    _letters("B", " ", "Đ", "T"),  # Vietnamese: bắc, (nam), đông, tây; its N for south would undo everybody's north
)
"""What single letters mean, by language. A text is read where all languages that know its letters agree: O is east in
German and west in French, T east in Malay and west in Vietnamese, so alone they are never read."""


class Angle(NamedTuple):
    """One coordinate: degrees whatever their size, its axis where told, the rule, how sure."""

    degrees: float
    axis: Axis | None
    rule: str | None
    confidence: Confidence


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
        `decimal_comma`, `digits`, `hemisphere`, `degrees_minutes_seconds` or `packed` where the text was no plain
        number, all of them certain.
    """
    read = parse_decimals(values, comma_is_decimal=True)
    rest = read["value"].set(read["number"].is_not_null(), None)
    if rest.null_count() == len(rest):
        return read

    def parse(distinct: pl.Series) -> pl.DataFrame:
        plain = read_angles(distinct, *("NS" if axis is _LATITUDE else "EW"))
        odd = plain["degrees"].is_null()
        told = distinct.filter(odd)
        slow = pl.DataFrame([(text, *parse_angle(text, axis)) for text in told], schema=SCHEMA, orient="row")
        quick = plain.select(distinct.alias("value"), pl.col("degrees").alias("number"), "rule").filter(~odd)
        return pl.concat([quick, slow])

    angles = over_distinct(rest, parse).select(pl.all().name.prefix("angle_"))
    return pl.concat([read, angles], how="horizontal").select(
        "value", pl.coalesce("number", "angle_number").alias("number"), pl.coalesce("rule", "angle_rule").alias("rule")
    )


def parse_angle(text: str, axis: Axis) -> tuple[float | None, str | None]:
    """Read one coordinate; return it in degrees, and the rule that was needed, as in `parse_coordinates`."""
    angle = read_angle(text, axis)
    certain = angle is not None and angle.axis is not axis.other and angle.confidence is Confidence.DEFINITE
    return (angle.degrees, angle.rule) if angle is not None and certain else (None, None)


@lru_cache(maxsize=1 << 17)
def read_angle(text: str, axis: Axis | None) -> Angle | None:
    """Read one coordinate; return None where it cannot be read, or where languages disagree about it.

    Parameters
    ----------
    text : str
        The coordinate.
    axis : Axis, optional
        What the column holds; a text that says the other axis is returned with that axis.

    Returns
    -------
    Angle or None
        PROBABLE, with the rule `degrees_minutes_unmarked`, for two numbers without any mark (`21 30`).
    """
    number, rule = parse_decimal(text, comma_is_decimal=True)
    if number is not None:
        return Angle(number, None, rule, Confidence.DEFINITE)
    tokens = tokens_of(normalise(text), comma_is_decimal=True)
    if not tokens:
        return None
    readings = {angle for letters in languages_of(tokens) if (angle := angle_of(tokens, letters, axis)) is not None}
    of_axis = {angle for angle in readings if axis is None or angle.axis is not axis.other} or readings
    return of_axis.pop() if len(of_axis) == 1 else None


def languages_of(tokens: Iterable[Token]) -> list[Letters]:
    """Return the languages that know every single letter among the tokens; one is enough where there is no letter."""
    letters = {token.text for token in tokens if token.kind is Kind.SIDE and token.text not in _SIDES}
    if not letters:
        return [LETTERS[0]]
    # Languages that read these letters alike are one.
    known = {tuple(language[x] for x in letters): language for language in LETTERS if letters <= language.keys()}
    return list(known.values())


def angle_of(tokens: Sequence[Token], letters: Letters, axis: Axis | None) -> Angle | None:
    """Read tokens as one coordinate in a language; return None where they are none.

    Minutes and seconds are below 60, only the last number has a fraction, and a sign does not stand beside a side.
    `axis` is what the column holds: it decides how packed digits (433819N) are cut.
    """
    body = [token for token in tokens if token.kind not in {Kind.SIDE, Kind.AXIS}]
    about = [token for token in tokens if token.kind in {Kind.SIDE, Kind.AXIS}]
    if not body or not _stands_around(tokens, body):
        return None
    sides = {_SIDES.get(token.text) or letters[token.text] for token in about if token.kind is Kind.SIDE}
    axes = {side[0] for side in sides} | {Axis(token.text) for token in about if token.kind is Kind.AXIS}
    if len(sides) > 1 or len(axes) > 1:
        return None
    told_axis = axes.pop() if axes else None
    sign = body[0].text if body[0].kind is Kind.SIGN else ""
    parts = _parts(body[1:] if sign else body)
    if parts is None or (sides and sign == "-"):
        return None
    numbers, marked = parts
    factor = sides.pop()[1] if sides else -1 if sign == "-" else 1
    if len(numbers) == 1 and not marked and len(numbers[0].partition(".")[0]) > 3:
        degrees = _packed(numbers[0], told_axis or axis) if about else None
        return None if degrees is None else Angle(factor * degrees, told_axis, "packed", Confidence.DEFINITE)
    if len(numbers[0].partition(".")[0]) > 3 or any("." in number for number in numbers[:-1]):
        return None
    values = [float(number) for number in numbers]
    if any(value >= 60 for value in values[1:]):
        return None
    degrees = factor * sum(value / 60**power for power, value in enumerate(values))
    if len(values) == 1:
        rule = "hemisphere" if about or marked else None
        return Angle(degrees, told_axis, rule, Confidence.DEFINITE)
    if len(values) == 2 and not marked and not any(token.kind is Kind.SIDE for token in about):
        return Angle(degrees, told_axis, "degrees_minutes_unmarked", Confidence.PROBABLE)
    return Angle(degrees, told_axis, "degrees_minutes_seconds", Confidence.DEFINITE)


def _stands_around(tokens: Sequence[Token], body: Sequence[Token]) -> bool:
    """Tell whether the numbers stand together, words and letters only before or behind them."""
    first = tokens.index(body[0])
    return list(tokens[first : first + len(body)]) == list(body)


def _parts(body: Sequence[Token]) -> tuple[list[str], bool] | None:
    """Return degrees, minutes, seconds as text, and whether a mark tells what they are; None where marks are wrong."""
    numbers: list[str] = []
    marked, closed = False, True
    for token in body:
        level = len(numbers)
        if token.kind is Kind.NUMBER:
            if level == 3:
                return None
            numbers.append(token.text)
            closed = False
        elif closed or not level:
            return None
        elif token.kind is Kind.JOINT:
            marked, closed = marked or token.text == ":", True
        elif token.kind is (Kind.DEGREE, Kind.MINUTE, Kind.SECOND)[level - 1] or (
            # 21°28'30' : the third number can only be seconds.
            level == 3 and marked and token.kind is Kind.MINUTE
        ):
            marked, closed = True, True
        else:
            return None
    return (numbers, marked) if numbers and body[-1].kind is not Kind.JOINT else None


_PACKED: Final = re.compile(r"(\d{2,3})(\d{2})(\d{2}(?:\.\d+)?)")


def _packed(digits: str, axis: Axis | None) -> float | None:
    """Read DDMMSS or DDDMMSS without marks, with or without a fraction, where no other cut gives a coordinate.

    `433819` cannot have three digits of degrees; `043300` could be 4°33'00" or, filled up to three digits, 43°30'0":
    it is not read.
    """
    most, length = 90 if axis is _LATITUDE else 180, len(digits.partition(".")[0])
    if axis is None or length not in {6, 7} or (length == 6 and int(digits[:3]) <= most):
        return None
    match = _PACKED.fullmatch(digits)
    if match is None:
        return None
    degrees, minutes, seconds = int(match[1]), int(match[2]), float(match[3])
    if degrees > most or minutes >= 60 or seconds >= 60:
        return None
    return degrees + minutes / 60 + seconds / 3600
