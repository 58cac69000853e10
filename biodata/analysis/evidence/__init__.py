"""Evidence on each side of a border: which records count for a side, what was looked for, and where to look next."""

from biodata.analysis.evidence.counting import (
    COARSE,
    DOUBTFUL,
    DUPLICATE,
    EXCLUDED,
    FLAGGED,
    REASONS,
    Counted,
    EvidenceParameters,
    counted,
    excluding,
    facts_of,
    left_out_by_flag,
)
from biodata.analysis.evidence.design import STATIONS, DesignParameters, Detection, Proposal, propose
from biodata.analysis.evidence.effort import EVENTS, Effort, effort
from biodata.analysis.evidence.two_sided import LIKELY, TASKS, TIERS, Checklists, TwoSided, survey_tasks, two_sided

__all__ = [
    "COARSE",
    "DOUBTFUL",
    "DUPLICATE",
    "EVENTS",
    "EXCLUDED",
    "FLAGGED",
    "LIKELY",
    "REASONS",
    "STATIONS",
    "TASKS",
    "TIERS",
    "Checklists",
    "Counted",
    "DesignParameters",
    "Detection",
    "Effort",
    "EvidenceParameters",
    "Proposal",
    "TwoSided",
    "counted",
    "effort",
    "excluding",
    "facts_of",
    "left_out_by_flag",
    "propose",
    "survey_tasks",
    "two_sided",
]
