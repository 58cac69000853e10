"""Engines by name, each called in one way, so that any run can be kept, repeated and compared."""

from biodata.runs.engines.work import (
    ENGINES,
    Outcome,
    Work,
    engine_named,
    facts_of,
    keep,
    repeat,
    start,
    work_on,
)

__all__ = [
    "ENGINES",
    "Outcome",
    "Work",
    "engine_named",
    "facts_of",
    "keep",
    "repeat",
    "start",
    "work_on",
]
