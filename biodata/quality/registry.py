"""Every test of TDWG BDQ Core on single records, with the standard's labels and GUIDs (TDWG, CC BY 4.0)."""

from types import MappingProxyType
from typing import Final

from biodata.errors import InputError
from biodata.quality import location, record, record_measures, record_occurrence, taxon, time
from biodata.quality.model import Kind, Test

TESTS: Final = (
    *record.TESTS,
    *record_occurrence.TESTS,
    *location.TESTS,
    *time.TESTS,
    *taxon.TESTS,
    *record_measures.TESTS,
)
"""All tests, by subject."""

BY_LABEL: Final = MappingProxyType({test.label: test for test in TESTS})
BY_GUID: Final = MappingProxyType({test.guid: test for test in TESTS})
VALIDATIONS: Final = tuple(test for test in TESTS if test.kind is Kind.VALIDATION)


def find(name: str) -> Test:
    """Return the test of a label or GUID; blanks around it and an address or `urn:uuid:` before it do not count.

    Raises
    ------
    InputError
        If there is no such test.
    """
    told = name.strip().rstrip("/")
    test = BY_LABEL.get(told.upper()) or BY_GUID.get(told.rpartition("/")[2].rpartition(":")[2].lower())
    if test is None:
        problem = "there is no such test"
        raise InputError(problem, value=name, expected="a label or GUID of TDWG BDQ Core", code="TEST_UNKNOWN")
    return test
