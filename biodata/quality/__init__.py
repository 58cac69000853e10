"""TDWG BDQ Core: tests of data quality on single records, as column expressions with the standard's labels and GUIDs.

Standard: https://www.tdwg.org/standards/bdq/ (TDWG, CC BY 4.0).
"""

from biodata.quality.engine import TESTS, VALIDATIONS, find, run, run_named
from biodata.quality.model import Answer, Arguments, Context, Kind, Preparation, Status, Test
from biodata.quality.report import summarise

__all__ = [
    "TESTS",
    "VALIDATIONS",
    "Answer",
    "Arguments",
    "Context",
    "Kind",
    "Preparation",
    "Status",
    "Test",
    "find",
    "run",
    "run_named",
    "summarise",
]
