"""An analysis run: what it was asked, on which version of the lake, what came out, under one name that states it all."""

from biodata.core.run_parameters import Corridors, checked_criteria
from biodata.runs.corridors import NO_CATEGORY, RunReport, estimate, find_corridors
from biodata.runs.reading import EVIDENCE_COLUMNS
from biodata.runs.results import KEYS, held_back, ranked_anew, read_results

__all__ = [
    "EVIDENCE_COLUMNS", "KEYS", "NO_CATEGORY", "Corridors", "RunReport", "checked_criteria", "estimate",
    "find_corridors", "held_back", "ranked_anew", "read_results",
]  # fmt: skip
