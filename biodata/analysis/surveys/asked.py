"""What results of surveys are asked, and the parts that they are told by."""

from dataclasses import dataclass
from typing import Final

import polars as pl

from biodata.analysis.surveys.joining import NO_SIDE

JOINT: Final = "joint"
"""What all sides together are called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameters:
    """What results are asked.

    Attributes
    ----------
    species : tuple of str or None
        Names of the records; all of them where none is told.
    occasion_days : int
        See `histories.history`.
    gap_minutes, within_m : float
        See `abundance.independent_events`.
    distance_m, hours : float
        See `joint.total`.
    assumed_scope : tuple of str or None
        See `joining.looked_for`.
    seed : int
        Of the intervals of compared richness.
    """

    species: tuple[str, ...] | None = None
    occasion_days: int = 5
    gap_minutes: float = 30.0
    within_m: float = 200.0
    distance_m: float = 5_000.0
    hours: float = 72.0
    assumed_scope: tuple[str, ...] | None = None
    seed: int = 1


def sides_of(events: pl.DataFrame) -> list[str]:
    """Return the sides of events."""
    return [side for side in events["side"].unique().sort() if side != NO_SIDE]
