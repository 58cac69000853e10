"""How sure a parser is of what it read, in GBIF's words."""

from enum import StrEnum


class Confidence(StrEnum):
    """GBIF's confidences, the surest first; what could not be read has none."""

    DEFINITE = "DEFINITE"
    """Nothing else could have been meant."""
    PROBABLE = "PROBABLE"
    """Read so because another reading is less likely: a proposal, not a fact."""
    POSSIBLE = "POSSIBLE"
    """Readable, but likely a mistake or a stand-in for nothing."""
