"""Tests of BDQ Core on the numbers of a place: coordinates in range, uncertainty, depths and elevations."""

from typing import Final

import polars as pl

from biodata.quality.model import Answer, Arguments, Test
from biodata.quality.numbers import number, value

HALF_EQUATOR_M: Final = 20_037_509
"""Half the circumference of the earth at the equator, metres."""

_ELEVATION: Final = {"minimumValidElevationInMeters": "-430", "maximumValidElevationInMeters": "8850"}
_DEPTH: Final = {"minimumValidDepthInMeters": "0", "maximumValidDepthInMeters": "11000"}


def _within(term: str, label: str, guid: str, low: float, high: float) -> Test:
    """Return the test whether a coordinate is in its range."""

    def answer(_: Arguments) -> Answer:
        return Answer(value(term).is_between(low, high))

    asks = f"Is {term} a number between {low:g} and {high:g}?"
    return Test(label, guid, (term,), asks, answer, preparations=(number(term),))


def _in_valid_range(
    term: str, label: str, guid: str, parameters: dict[str, str], *, least: float | None = None
) -> Test:
    """Return the test whether a number lies between two parameters; below `least` it is none that can be tested."""
    lower, upper = parameters

    def answer(arguments: Arguments) -> Answer:
        told = value(term) if least is None else pl.when(value(term) >= least).then(value(term))
        return Answer((told >= arguments.number(lower)) & (told <= arguments.number(upper)))

    asks = f"Is {term} a number that occurs on earth?"
    return Test(label, guid, (term,), asks, answer, parameters=parameters, preparations=(number(term),))


def _ordered(what: str, label: str, guid: str, *, least: float | None = None) -> Test:
    """Return the test whether a minimum is not above its maximum."""
    low, high = f"minimum{what}InMeters", f"maximum{what}InMeters"

    def answer(_: Arguments) -> Answer:
        ordered = value(low) <= value(high)
        if least is not None:
            ordered = pl.when((value(low) >= least) & (value(high) >= least)).then(ordered)
        return Answer(ordered)

    asks = f"Is {low} not above {high}?"
    return Test(label, guid, (low, high), asks, answer, preparations=(number(low), number(high)))


def _uncertainty_in_range(arguments: Arguments) -> Answer:
    told = value("coordinateUncertaintyInMeters")
    inside = told.is_between(1, HALF_EQUATOR_M).fill_null(value=False)
    return Answer(pl.when(arguments.filled("coordinateUncertaintyInMeters")).then(inside))


def _not_zero(_: Arguments) -> Answer:
    latitude, longitude = value("decimalLatitude"), value("decimalLongitude")
    told = latitude.is_not_null() & longitude.is_not_null()
    return Answer(pl.when(told).then((latitude != 0) | (longitude != 0)))


TESTS: Final = (
    _within(
        "decimalLatitude", "VALIDATION_DECIMALLATITUDE_INRANGE", "b6ecda2a-ce36-437a-b515-3ae94948fe83", -90.0, 90.0
    ),
    _within(
        "decimalLongitude", "VALIDATION_DECIMALLONGITUDE_INRANGE", "0949110d-c06b-450e-9649-7c1374d940d1", -180.0, 180.0
    ),
    Test(
        "VALIDATION_COORDINATES_NOTZERO",
        "1bf0e210-6792-4128-b8cc-ab6828aa4871",
        ("decimalLatitude", "decimalLongitude"),
        "Are the coordinates something else than 0, 0?",
        _not_zero,
        preparations=(number("decimalLatitude"), number("decimalLongitude")),
    ),
    Test(
        "VALIDATION_COORDINATEUNCERTAINTY_INRANGE",
        "c6adf2ea-3051-4498-97f4-4b2f8a105f57",
        ("coordinateUncertaintyInMeters",),
        "Is the uncertainty between a metre and half the earth's circumference?",
        _uncertainty_in_range,
        preparations=(number("coordinateUncertaintyInMeters"),),
    ),
    _in_valid_range(
        "minimumDepthInMeters",
        "VALIDATION_MINDEPTH_INRANGE",
        "04b2c8f3-c71b-4e95-8e43-f70374c5fb92",
        _DEPTH,
        least=0.0,
    ),
    _in_valid_range(
        "maximumDepthInMeters",
        "VALIDATION_MAXDEPTH_INRANGE",
        "3f1db29a-bfa5-40db-9fd1-fde020d81939",
        _DEPTH,
        least=0.0,
    ),
    _in_valid_range(
        "minimumElevationInMeters",
        "VALIDATION_MINELEVATION_INRANGE",
        "0bb8297d-8f8a-42d2-80c1-558f29efe798",
        _ELEVATION,
    ),
    _in_valid_range(
        "maximumElevationInMeters",
        "VALIDATION_MAXELEVATION_INRANGE",
        "c971fe3f-84c1-4636-9f44-b1ec31fd63c7",
        _ELEVATION,
    ),
    _ordered("Depth", "VALIDATION_MINDEPTH_LESSTHAN_MAXDEPTH", "8f1e6e58-544b-4365-a569-fb781341644e", least=0.0),
    _ordered("Elevation", "VALIDATION_MINELEVATION_LESSTHAN_MAXELEVATION", "d708526b-6561-438e-aa1a-82cd80b06396"),
)
"""The tests of this file."""
