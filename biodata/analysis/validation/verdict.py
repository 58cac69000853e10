"""Parameters of a test of corridors, and its verdict in words."""

from dataclasses import asdict, dataclass, field
from typing import Any, Final

from biodata.errors import InputError

POWER: Final = 0.8
"""The power that `places_needed` is told for."""


@dataclass(frozen=True, slots=True)
class ValidationParameters:
    """What a test decides, stated before the records are looked at.

    Attributes
    ----------
    moves : int
        Null patterns drawn; with 999 the least p is 0.001.
    level : float
        A p below it is called better than chance.
    two_sided : bool
        Also count records that stand at a higher cost than chance gives; else only lower cost speaks for a corridor.
    independent_m : float
        Records of one square of this side are one place and count once together, metres; at least a cell.
    least_places : int
        Fewer places give no test.
    kept_share : float
        A move that leaves less than this share of the places on the ground is no null pattern.
    effort_points : int
        Points drawn where effort comes as a raster.
    seed : int
        Start of every random number.
    """

    moves: int = 999
    level: float = 0.05
    two_sided: bool = False
    independent_m: float = 1000.0
    least_places: int = 10
    kept_share: float = 0.5
    effort_points: int = 5000
    seed: int = 1

    def __post_init__(self) -> None:
        fits = (
            self.moves >= 19
            and 0 < self.level < 1
            and self.independent_m >= 0
            and self.least_places >= 2
            and 0 < self.kept_share <= 1
            and self.effort_points >= 100
        )
        if not fits:
            problem = "the parameters of the test cannot be used"
            expected = "19 moves or more, a level between 0 and 1, two places or more, a share above 0"
            raise InputError(problem, value=str(asdict(self)), expected=expected, code="PARAMETERS_INVALID")

    def told(self) -> dict[str, Any]:
        """Return the parameters as plain values for JSON."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Null:
    """One null and what came out against it.

    Attributes
    ----------
    name : str
    patterns : int
        Null patterns drawn.
    p : float or None
        (b + 1) / (n + 1), where b of n null patterns are as far out as the records, ties included; None for no test.
    decides : bool
        Whether the verdict rests on it; one null only, chosen before the records were looked at.
    weakness : str
    """

    name: str
    patterns: int
    p: float | None
    decides: bool
    weakness: str


@dataclass(frozen=True, slots=True)
class Validation:
    """What a test found; no place is told.

    Attributes
    ----------
    verdict : str
        `better than chance`, `no better than chance`, or `too few records`.
    p : float or None
        Of the null that decides; None where there was no test.
    sides : str
        What the p counts.
    records, places, effort_points : int
        Test records on the ground, independent places among them, and points of effort; 0 where effort was not told.
    mean_rank, effort_rank, null_rank_spread : float or None
        Mean share of the ground that is cheaper than the records' places and than where people looked, and the spread
        (one standard deviation) of the difference under the null, in ranks.
    effect : float or None
        Records less effort in standard deviations of ranks at effort; below 0 is nearer to corridors.
    design_effect : float or None
        How many places carry as much as one independent place, from the spread of the null.
    places_needed : int
        Places that would show an effect of half a standard deviation with power 0.8.
    nulls : tuple of Null
    left_out : dict of str to int
        Records that were no test, by reason.
    notes : tuple of str
    parameters : dict
        As `ValidationParameters.told` gives them, with the seed.
    """

    verdict: str
    p: float | None
    sides: str
    records: int
    places: int
    effort_points: int
    mean_rank: float | None
    effort_rank: float | None
    null_rank_spread: float | None
    effect: float | None
    design_effect: float | None
    places_needed: int
    nulls: tuple[Null, ...]
    left_out: dict[str, int] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    parameters: dict[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return all of it as plain values for JSON."""
        return asdict(self)

    def told(self) -> str:
        """Return the verdict as a line for a person."""
        if self.p is None:
            return (
                f"{self.verdict}: {self.records} records in {self.places} places; about {self.places_needed} places are "
                f"needed to see half a standard deviation with power {POWER:g}"
            )
        looked = "where people looked" if self.effort_points else "the ground"
        return (
            f"{self.verdict} (p = {self.p:.4g}, {self.sides}): {self.records} records in {self.places} places have "
            f"{self.mean_rank:.0%} of the ground nearer to a corridor, {looked} {self.effort_rank:.0%}"
        )
