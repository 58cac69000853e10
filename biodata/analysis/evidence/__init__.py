"""Evidence on each side of a border: which records count for a side, what was looked for, and where to look next."""

from biodata.analysis.evidence.counting import (
    COARSE,
    DOUBTFUL,
    DUPLICATE,
    EXCLUDED,
    FLAGGED,
    REASONS,
    STOOD_FOR,
    Counted,
    EvidenceParameters,
    counted,
    excluding,
    facts_of,
    left_out_by_flag,
    reasons,
)
from biodata.analysis.evidence.design import STATIONS, DesignParameters, Detection, Proposal, propose
from biodata.analysis.evidence.effort import EVENTS, Effort, effort
from biodata.analysis.evidence.two_sided import LIKELY, TASKS, TIERS, Checklists, TwoSided, survey_tasks, two_sided

__all__ = [
    "COARSE", "DOUBTFUL", "DUPLICATE", "EVENTS", "EXCLUDED", "FLAGGED", "LIKELY", "REASONS", "STATIONS", "STOOD_FOR",
    "TASKS", "TIERS", "Checklists", "Counted", "DesignParameters", "Detection", "Effort", "EvidenceParameters",
    "Proposal", "TwoSided", "counted", "effort", "excluding", "facts_of", "left_out_by_flag", "propose", "reasons",
    "survey_tasks", "two_sided",
]  # fmt: skip
