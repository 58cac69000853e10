"""Evidence on each side of a border: which records count for a side, what was looked for, and where to look next."""

from biodata.analysis.evidence.counting import (
    COARSE,
    DUPLICATE,
    FLAGGED,
    REASONS,
    Counted,
    counted,
    facts_of,
    left_out_by_flag,
)
from biodata.analysis.evidence.parameters import DOUBTFUL, EXCLUDED, EvidenceParameters
from biodata.analysis.evidence.two_sided import TwoSided, two_sided

__all__ = [
    "COARSE",
    "DOUBTFUL",
    "DUPLICATE",
    "EXCLUDED",
    "FLAGGED",
    "REASONS",
    "Counted",
    "EvidenceParameters",
    "TwoSided",
    "counted",
    "facts_of",
    "left_out_by_flag",
    "two_sided",
]
