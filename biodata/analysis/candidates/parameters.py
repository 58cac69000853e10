"""What a run for candidates decides."""

from dataclasses import asdict, dataclass
from typing import Any

from biodata.errors import InputError
from biodata.vocabularies import CandidateCriterion


@dataclass(frozen=True, slots=True)
class CandidateParameters:
    """What a run for candidates decides.

    Attributes
    ----------
    facing_distance_m : float
        Areas whose edges lie this near face each other, metres.
    evidence_distance_m : float
        Records count up to this far around the candidate, metres.
    beyond_band_km2 : float
        Ground that a candidate needs on each side farther from the other side than the boundary set's band, km².
    habitat_resistance : float
        Resistance up to which a cell counts as habitat.
    dispersal_m : float
        Median dispersal distance of the network's gain, metres: half of all moves get so far.
    rarity_cell_m : float
        Side of the cells in which the rarity of a species is counted, metres.
    border_reach_m : float
        Clusters of ground are looked for up to this far from the other country, metres.
    cluster_cell_m : float
        Side of a cluster's cells, metres.
    cluster_reach_m : float
        Distance to a record at which its worth has fallen to 1/e, and least distance between clusters, metres.
    cluster_share : float
        Largest share of the land within `border_reach_m` that clusters take.
    most_clusters : int
        Clusters that share that land between them; 0 for none.
    first : int
        Ranks 1 to this are told as one share as well.
    draws : int
        Weight vectors that are drawn.
    seed : int
        Start of the draws.
    criteria : tuple of str
        Of CandidateCriterion: what candidates are ranked by; the others are told all the same.
    """

    facing_distance_m: float = 10_000.0
    evidence_distance_m: float = 5_000.0
    beyond_band_km2: float = 1.0
    habitat_resistance: float = 10.0
    dispersal_m: float = 10_000.0
    rarity_cell_m: float = 10_000.0
    border_reach_m: float = 50_000.0
    cluster_cell_m: float = 2_500.0
    cluster_reach_m: float = 10_000.0
    cluster_share: float = 0.05
    most_clusters: int = 5
    first: int = 3
    draws: int = 10_000
    seed: int = 1
    criteria: tuple[str, ...] = tuple(CandidateCriterion)

    def __post_init__(self) -> None:
        distances = (self.facing_distance_m, self.dispersal_m, self.rarity_cell_m, self.border_reach_m,
                     self.cluster_cell_m, self.cluster_reach_m, self.habitat_resistance)  # fmt: skip
        if min(distances) <= 0 or min(self.evidence_distance_m, self.beyond_band_km2) < 0:
            problem = "distances and cells of a run for candidates must be above 0, margins 0 or more"
            raise InputError(problem, code="PARAMETERS_INVALID")
        if not 0 < self.cluster_share <= 1 or self.most_clusters < 0 or min(self.draws, self.first) < 1:
            problem = "a share is above 0 and at most 1, counts of draws and ranks are 1 or more"
            raise InputError(problem, code="PARAMETERS_INVALID")

    def told(self) -> dict[str, Any]:
        """Return the parameters as plain values for the evidence."""
        return asdict(self) | {"criteria": [str(one) for one in self.criteria]}
