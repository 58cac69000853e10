"""Tests of TDWG BDQ Core on when a record was made and identified (dwc:Event, dwc:Identification)."""

from typing import Final

from biodata.quality import time_amendments, time_validations

TESTS: Final = (*time_validations.TESTS, *time_amendments.TESTS)
"""The tests of this subject."""
