"""What is said of a heading: its term, how surely, in which unit, and why."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

CERTAIN: Final = 0.9
"""What is surer than this needs nobody's word; a heading that may mean two things never is."""


class Why(StrEnum):
    """Why a term is proposed, or none; `surveys.words` tells it in the ten languages."""

    KEPT = "HEADING_KEPT"
    """The mapping that was kept for this dataset says so."""
    TERM = "HEADING_IS_TERM"
    """The heading is the term's own name."""
    DICTIONARY = "HEADING_IN_DICTIONARY"
    """The dictionary has it, with one meaning."""
    SEVERAL = "HEADING_SEVERAL_MEANINGS"
    """The dictionary has it with several meanings."""
    CELLS = "HEADING_BY_CELLS"
    """It has several meanings, and the cells below it decide."""
    TAKEN = "HEADING_TAKEN"
    """It has several meanings; the cells speak for the likeliest, and no other heading of the sheet does."""
    MARKS_MISSING = "HEADING_WITHOUT_MARKS"
    """It is in the dictionary but for the marks on its letters."""
    PARTLY = "HEADING_PARTLY_KNOWN"
    """A part of it is in the dictionary."""
    WORDS = "HEADING_OF_KNOWN_WORDS"
    """Its words are known, and mean something together."""
    NEAR = "HEADING_NEAR"
    """It is like a heading of the dictionary."""
    REPEATED = "HEADING_MEANS_THE_SAME"
    """Another heading of the sheet means the same."""
    UNIT_STRANGE = "HEADING_UNIT_STRANGE"
    """The unit in it is not one that the term is told in."""
    NOT_KEPT = "HEADING_OF_NO_TERM"
    """A column that holds nothing of a record: a row number, a signature, the weather."""
    ZAWGYI = "HEADING_ZAWGYI"
    """It is written in the Zawgyi encoding, read as Unicode."""
    UNKNOWN = "HEADING_UNKNOWN"
    """Nothing is known of it."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a heading may mean.

    Attributes
    ----------
    heading : str
        As it came.
    term : str or None
        The term; None where it is of none, or where none is likely.
    confidence : float
        0 to 1; above `CERTAIN` nothing else can be meant.
    unit : str or None
        The unit that stands in the heading.
    why : Why
    others : tuple of str
        Terms that it may mean, too, the likeliest first.
    """

    heading: str
    term: str | None
    confidence: float
    unit: str | None
    why: Why
    others: tuple[str, ...] = ()
