"""An analysis run: what it was asked, on which version of the lake, what came out, under one name that tells it all."""

from biodata.runs.corridors import estimate, find_corridors
from biodata.runs.reading import EVIDENCE_COLUMNS
from biodata.runs.request import NO_CATEGORY, Request, RunReport
from biodata.runs.results import held_back, read_results

__all__ = [
    "EVIDENCE_COLUMNS",
    "NO_CATEGORY",
    "Request",
    "RunReport",
    "estimate",
    "find_corridors",
    "held_back",
    "read_results",
]
