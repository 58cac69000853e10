"""TDWG BDQ Core: tests of data quality on single records, as column expressions with the standard's labels and GUIDs.

`run`, `run_named` and `summarise` are the three most used; the tests are in `bdq_tests.csv` and what answers them in the
modules of their subjects. An amendment is proposed and never applied, and nothing is asked of a network.
Standard: https://www.tdwg.org/standards/bdq/ (TDWG, CC BY 4.0).
"""

from biodata.quality.engine import TESTS, VALIDATIONS, find, run, run_named
from biodata.quality.model import Answer, Arguments, Context, Kind, Preparation, Status, Test
from biodata.quality.report import summarise

__all__ = [
    "TESTS", "VALIDATIONS", "Answer", "Arguments", "Context", "Kind", "Preparation", "Status", "Test", "find", "run",
    "run_named", "summarise",
]  # fmt: skip
