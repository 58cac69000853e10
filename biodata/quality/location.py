"""Tests of TDWG BDQ Core on places (dcterms:Location)."""

from typing import Final

from biodata.quality import (
    location_country,
    location_datum,
    location_filled,
    location_map,
    location_numbers,
    location_turned,
    location_verbatim,
)

TESTS: Final = (
    *location_filled.TESTS,
    *location_numbers.TESTS,
    *location_country.TESTS,
    *location_map.TESTS,
    *location_turned.TESTS,
    *location_datum.TESTS,
    *location_verbatim.TESTS,
)
"""The tests of this subject."""
