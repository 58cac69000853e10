"""What a test of corridors against records decides."""

from dataclasses import asdict, dataclass
from typing import Any

from biodata.errors import InputError


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
