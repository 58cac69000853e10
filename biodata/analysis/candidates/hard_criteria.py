"""What a candidate must have before anything is weighed: none of these can be made up for by another."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from biodata.analysis.areas import km2
from biodata.analysis.candidates.ground import Ground, Side
from biodata.analysis.candidates.habitat import Crossing
from biodata.analysis.evidence.two_sided import PROBABLE, TIERS
from biodata.places import country_name

if TYPE_CHECKING:
    import shapely

    from biodata.analysis.evidence import TwoSided

TWO_SIDED: Final = "two_sided_evidence"
PASSABLE: Final = "passable_link"
BEYOND: Final = "beyond_band"


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
    known = {" and ".join(side): len(set().union(*(found.known_in(code, PROBABLE) for code in side))) for side in sides}
    tier = found.tier(sides)
    return Check(tier is not None, {"tier": tier, **by_tier, "species_by_side": known}, meaning)


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


def reason(checks: Mapping[str, Check]) -> str | None:
    """Return why some ground is no candidate: the first criterion that is not passed, in words with its numbers."""
    lacking = failed(checks)
    if not lacking:
        return None
    found = checks[lacking[0]].input
    if lacking[0] == PASSABLE:
        return f"{_link(checks[PASSABLE])}: nothing that animals could take joins the sides"
    if lacking[0] == BEYOND:
        small = [
            f"{_named(side)} {km2:,.10g} km²"
            for side, km2 in found["beyond_band_km2"].items()
            if km2 < found["least_km2"]
        ]
        return f"too little ground beyond the band of the border: {', '.join(small)}, where {found['least_km2']:g} km² are asked"
    if "species_by_side" not in found:
        return f"{_link(checks[PASSABLE])}, no records at hand on any side"
    known: Mapping[str, int] = found["species_by_side"]
    without = [side for side, shared in found["probable_species_by_side"].items() if not shared]
    nothing = [side for side in without if not known[side]]
    counts = ", ".join(f"{n} in {_named(side)}" for side, n in known.items())
    survey = " and in ".join(_named(side) for side in nothing or without)
    return f"{_link(checks[PASSABLE])}, 0 shared species (threatened species known: {counts}): survey in {survey}"


def _link(check: Check) -> str:
    """Return in a word whether there is a way, with the numbers behind a no."""
    if check.passed:
        return "corridor yes"
    links, habitat_km2 = check.input["corridors_functional"], check.input["crossing_habitat_km2"]
    told = [
        *([f"{links.count(True)} of {len(links)} links can be used"] if any(one is not None for one in links) else []),
        *([] if habitat_km2 is None else [f"{habitat_km2:,.10g} km² of habitat over the line"]),
    ]
    return f"corridor no ({', '.join(told)})" if told else "corridor not known"


def _named(side: str) -> str:
    """Return a side by the names of its countries."""
    return " and ".join(map(country_name, side.split(" and ")))
