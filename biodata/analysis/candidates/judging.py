"""Judge ground by the hard criteria: everything that is looked at is told with every one of them."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import polars as pl
import shapely

from biodata.analysis import evidence
from biodata.analysis.candidates import habitat as habitats
from biodata.analysis.candidates import hard_criteria, joining
from biodata.analysis.candidates.ground import Ground, Side, beyond_band
from biodata.analysis.candidates.habitat import Crossing, Habitat
from biodata.analysis.candidates.hard_criteria import Check
from biodata.analysis.candidates.parameters import CandidateParameters

if TYPE_CHECKING:
    from biodata.places import BoundarySet

CANDIDATE, FAILED, WITHOUT_EVIDENCE = "candidate", "failed", "without_evidence"


@dataclass(frozen=True, eq=False, slots=True)
class Judged:
    """Ground with how it stands to the hard criteria, and what that was made from.

    Attributes
    ----------
    ground : Ground
    checks : dict of str to Check
        By the hard criterion's name.
    beyond : dict of side to shapely geometry
        Each side's ground beyond the band.
    crossing : Crossing, optional
        Its habitat; None where the run knows of none.
    near : polars.DataFrame, optional
        Records of threatened species on it and around it; None where the run has no records.
    species : TwoSided, optional
        The same by side.
    """

    ground: Ground
    checks: dict[str, Check]
    beyond: dict[Side, shapely.Geometry]
    crossing: Crossing | None
    near: pl.DataFrame | None
    species: evidence.TwoSided | None

    @property
    def failed(self) -> list[str]:
        """The hard criteria that are not passed."""
        return hard_criteria.failed(self.checks)

    @property
    def reason(self) -> str | None:
        """Why it is no candidate: the first hard criterion that is not passed, with its numbers."""
        return hard_criteria.reason(self.checks)

    @property
    def tier(self) -> str | None:
        """The tier of its evidence on every side: certain, probable, or none."""
        return None if self.species is None else self.species.tier(self.ground.sides)

    @property
    def outcome(self) -> str:
        """`candidate`, `failed`, or `without_evidence` where nothing but the run's lack of records stands against it."""
        if not self.failed:
            return CANDIDATE
        return WITHOUT_EVIDENCE if self.failed == [hard_criteria.TWO_SIDED] and self.near is None else FAILED

    def told(self) -> dict[str, Any]:
        """Return the checks as plain values."""
        return {name: asdict(check) | {"input": dict(check.input)} for name, check in self.checks.items()}


def judge_by(
    records: evidence.Counted | None,
    boundaries: "BoundarySet",
    parameters: CandidateParameters,
    habitat: Habitat | None,
) -> Callable[[Ground], Judged]:
    """Return what judges ground with what a run has at hand.

    Parameters
    ----------
    records : Counted, optional
        Threatened species, counted by side.
    boundaries : BoundarySet
    parameters : CandidateParameters
    habitat : Habitat, optional
    """

    def judge(ground: Ground) -> Judged:
        near, found = None, None
        if records is not None:
            near = records.inside(joining.grown(ground.polygon, parameters.evidence_distance_m))
            certainty, likely = records.facts["parameters"]["side_share"], evidence.likely_from(boundaries.band_m)
            found = evidence.two_sided(near, ground.sides, certainty, likely)
        beyond = beyond_band(ground, boundaries)
        crossing = None if habitat is None else habitats.crossing(habitat, ground.polygon, beyond)
        checks = {
            hard_criteria.TWO_SIDED: hard_criteria.two_sided_evidence(found, ground.sides),
            hard_criteria.PASSABLE: hard_criteria.passable_link(ground, crossing),
            hard_criteria.BEYOND: hard_criteria.beyond_band(
                beyond, least_km2=parameters.beyond_band_km2, band_m=boundaries.band_m
            ),
        }
        return Judged(ground, checks, beyond, crossing, near, found)

    return judge
