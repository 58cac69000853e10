"""TDWG BDQ Core: tests of data quality on single records, as column expressions with the standard's labels and GUIDs.

Standard: https://www.tdwg.org/standards/bdq/ (TDWG, CC BY 4.0).
"""

from biodata.quality.model import Answer, Arguments, Context, Kind, Preparation, Status, Test
from biodata.quality.registry import TESTS, VALIDATIONS, find
from biodata.quality.running import run, run_named, summarise

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
