"""Tests of BDQ Core whether a term of the place has something in it."""

from typing import Final

from biodata.quality.model import Answer, Arguments, Test

LOCATING: Final = tuple(
    """
    higherGeographyID higherGeography continent country countryCode stateProvince county municipality waterBody island
    islandGroup locality locationID verbatimLocality decimalLatitude decimalLongitude verbatimCoordinates
    verbatimLatitude verbatimLongitude footprintWKT
    """.split()
)
"""The terms of which one is enough to tell a place."""


def _filled(term: str, label: str, guid: str, asks: str) -> Test:
    """Return the test whether a term has something in it."""
    return Test(label, guid, (term,), asks, lambda arguments: Answer(arguments.filled(term)))


def _country(arguments: Arguments) -> Answer:
    # On the high seas there is no country to tell.
    high_seas = (arguments["countryCode"] == "XZ").fill_null(value=False)
    return Answer(arguments.filled("country") | high_seas)


def _location(arguments: Arguments) -> Answer:
    return Answer(arguments.any_filled(*LOCATING))


TESTS: Final = (
    Test(
        "VALIDATION_COUNTRY_NOTEMPTY",
        "6ce2b2b4-6afe-4d13-82a0-390d31ade01c",
        ("country",),
        "Is there a country, or does the code say high seas?",
        _country,
        consulted=("countryCode",),
    ),
    _filled(
        "countryCode",
        "VALIDATION_COUNTRYCODE_NOTEMPTY",
        "853b79a2-b314-44a2-ae46-34a1e7ed85e4",
        "Is there a country code?",
    ),
    _filled(
        "decimalLatitude",
        "VALIDATION_DECIMALLATITUDE_NOTEMPTY",
        "7d2485d5-1ba7-4f25-90cb-f4480ff1a275",
        "Is there a latitude?",
    ),
    _filled(
        "decimalLongitude",
        "VALIDATION_DECIMALLONGITUDE_NOTEMPTY",
        "9beb9442-d942-4f42-8b6a-fcea01ee086a",
        "Is there a longitude?",
    ),
    _filled(
        "geodeticDatum",
        "VALIDATION_GEODETICDATUM_NOTEMPTY",
        "239ec40e-a729-4a8e-ba69-e0bf03ac1c44",
        "Is there a datum?",
    ),
    Test(
        "VALIDATION_LOCATION_NOTEMPTY",
        "58486cb6-1114-4a8a-ba1e-bd89cfe887e9",
        LOCATING,
        "Does anything tell the place?",
        _location,
    ),
)
"""The tests of this file."""
