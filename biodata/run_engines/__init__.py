"""Engines by name, each called in one way, so that any run can be kept, repeated and compared."""

from biodata.run_engines.running import (
    ENGINES,
    forget_outdated,
    keep,
    outdated,
    repeat,
    results_of,
    start,
    work_on,
)
from biodata.run_engines.work import Outcome, Parameters, Work, parameter

__all__ = [
    "ENGINES",
    "Outcome",
    "Parameters",
    "Work",
    "forget_outdated",
    "keep",
    "outdated",
    "parameter",
    "repeat",
    "results_of",
    "start",
    "work_on",
]
