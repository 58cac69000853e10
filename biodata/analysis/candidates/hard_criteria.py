"""What a candidate must have before anything is weighed: none of these can be made up for by another."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from biodata.analysis.areas import km2
from biodata.analysis.candidates.ground import Ground, Side
from biodata.analysis.candidates.habitat import Crossing
from biodata.analysis.evidence.two_sided import TIERS

if TYPE_CHECKING:
    import shapely

    from biodata.analysis.evidence import TwoSided

TWO_SIDED: Final = "two_sided_evidence"
PASSABLE: Final = "passable_link"
BEYOND: Final = "beyond_band"
NAMES: Final = (TWO_SIDED, PASSABLE, BEYOND)
"""The hard criteria, in the order in which they are told."""


@dataclass(frozen=True, slots=True)
class Check:
    """How some ground stands to one hard criterion.

    Attributes
    ----------
    passed : bool, optional
        None where the input is missing: not known is not passed.
    input : dict
        The numbers that it was made from.
    meaning : str
        How, in one sentence.
    """

    passed: bool | None
    input: Mapping[str, Any] = field(default_factory=dict)
    meaning: str = ""


def two_sided_evidence(found: "TwoSided | None", sides: list[Side]) -> Check:
    """Check that each side has evidence, certain or probable, of a threatened species that another side has too."""
    meaning = (
        "Each side has a threatened species that another side has, too: certain by a record that surely lies there, "
        "probable by records of which at least one very likely does."
    )
    if found is None:
        return Check(None, {"records": None}, meaning)
    by_tier = {
        f"{tier}_species_by_side": {" and ".join(side): len(found.shared_on(side, tier)) for side in sides}
        for tier in TIERS
    }
    tier = found.tier(sides)
    return Check(tier is not None, {"tier": tier, **by_tier}, meaning)


def passable_link(ground: Ground, found: Crossing | None) -> Check:
    """Check that the sides are joined by a functional corridor, or by habitat that goes on over the line."""
    meaning = "A functional corridor joins the areas, or habitat goes on over the line beyond the band on both sides."
    corridors = [link.functional for link in ground.links.values()]
    crossing_km2 = None if found is None else found.crossing_km2
    told = {"corridors_functional": corridors, "crossing_habitat_km2": crossing_km2}
    # Of three areas two links join all.
    if corridors and corridors.count(True) >= len(ground.sides) - 1:
        return Check(True, told, meaning)
    if len(ground.sides) == 2 and crossing_km2:
        return Check(True, told, meaning)
    not_known = found is None and not any(functional is not None for functional in corridors)
    return Check(None if not_known else False, told, meaning)


def beyond_band(beyond: "Mapping[Side, shapely.Geometry]", *, least_km2: float, band_m: float) -> Check:
    """Check that the ground is more than overlap inside the band, which is disagreement between maps."""
    own = {" and ".join(side): round(km2(shape), 3) for side, shape in beyond.items()}
    meaning = (
        f"Each side has at least {least_km2:g} km² on its own land farther from the others' land than the boundary "
        f"set's band of {band_m:g} m."
    )
    return Check(min(own.values()) >= least_km2, {"beyond_band_km2": own, "least_km2": least_km2}, meaning)


def failed(checks: Mapping[str, Check]) -> list[str]:
    """Return the criteria that are not passed, those whose input is missing among them."""
    return [name for name, check in checks.items() if check.passed is not True]
