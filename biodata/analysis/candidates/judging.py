"""Judge ground by the hard criteria, and say where a survey would change the outcome."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

import polars as pl
import shapely

from biodata.analysis import evidence
from biodata.analysis.areas import km2
from biodata.analysis.candidates import ground
from biodata.analysis.candidates import ground as grounds
from biodata.analysis.candidates.criteria import CandidateParameters
from biodata.analysis.candidates.ground import Crossing, Ground, Habitat, Side, beyond_band
from biodata.analysis.evidence.design import nights_needed
from biodata.analysis.evidence.two_sided import CERTAIN, LISTED, TIERS, Checklists
from biodata.core.vocabularies import SharingCategory
from biodata.places import country_name

if TYPE_CHECKING:
    from biodata.analysis.evidence import Counted, TwoSided
    from biodata.places import BoundarySet


TWO_SIDED: Final = "two_sided_evidence"
PASSABLE: Final = "passable_link"
BEYOND: Final = "beyond_band"


CANDIDATE, FAILED, WITHOUT_EVIDENCE = "candidate", "failed", "without_evidence"
Tasks = list[dict[str, Any]]
_NO_PLACE: Final = ("geometry", "sharing_category")


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


def two_sided_evidence(found: "TwoSided | None", sides: list[Side], left_out: Mapping[str, int]) -> Check:
    """Check that each side has evidence, certain or probable, of a threatened species that another side has too."""
    meaning = (
        "Each side has a threatened species that another side has, too: certain by a record that surely lies there, "
        "probable by records of which at least one very likely does, listed by no record but a checklist of an area."
    )
    if found is None:
        return Check(None, {"records": None}, meaning)
    by_tier = {
        f"{tier}_species_by_side": {" and ".join(side): len(found.shared_on(side, tier)) for side in sides}
        for tier in TIERS
    }
    known = {" and ".join(side): len(set().union(*(found.known_in(code, LISTED) for code in side))) for side in sides}
    tier = found.tier(sides)
    numbers = {"tier": tier, **by_tier, "species_by_side": known, "left_out": dict(left_out)}
    return Check(tier is not None, numbers, meaning)


def passable_link(ground: Ground, found: Crossing | None) -> Check:
    """Check that the sides are joined by a functional corridor, or by habitat that goes on over the line."""
    meaning = "A functional corridor joins the areas, or habitat goes on over the line beyond the band on both sides."
    corridors = [link.functional for link in ground.links.values()]
    crossing_km2 = None if found is None else found.crossing_km2
    facts = {"corridors_functional": corridors, "crossing_habitat_km2": crossing_km2}
    # Of three areas two links join all.
    if corridors and corridors.count(True) >= len(ground.sides) - 1:
        return Check(True, facts, meaning)
    if len(ground.sides) == 2 and crossing_km2:
        return Check(True, facts, meaning)
    not_known = found is None and not any(functional is not None for functional in corridors)
    return Check(None if not_known else False, facts, meaning)


def enough_beyond_band(beyond: "Mapping[Side, shapely.Geometry]", *, least_km2: float, band_m: float) -> Check:
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
    if not (lacking := failed(checks)):
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
    without = [side for side, shared in found[f"{LISTED}_species_by_side"].items() if not shared]
    nothing = [side for side in without if not known[side]]
    counts = ", ".join(f"{n} in {_named(side)}" for side, n in known.items())
    survey = " and in ".join(_named(side) for side in nothing or without)
    lost: Mapping[str, int] = found["left_out"]
    why = ", ".join(f"{what} {n}" for what, n in lost.items())
    records = f"; records here that do not count: {why}" if lost else ""
    return (
        f"{_link(checks[PASSABLE])}, 0 shared species (threatened species known: {counts}{records}): survey in {survey}"
    )


def _link(check: Check) -> str:
    """Return in a word whether there is a way, with the numbers behind a no."""
    if check.passed:
        return "corridor yes"
    links, habitat_km2 = check.input["corridors_functional"], check.input["crossing_habitat_km2"]
    lines = [
        *([f"{links.count(True)} of {len(links)} links can be used"] if any(one is not None for one in links) else []),
        *([] if habitat_km2 is None else [f"{habitat_km2:,.10g} km² of habitat over the line"]),
    ]
    return f"corridor no ({', '.join(lines)})" if lines else "corridor not known"


def _named(side: str) -> str:
    """Return a side by the names of its countries."""
    return " and ".join(map(country_name, side.split(" and ")))


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
        return failed(self.checks)

    @property
    def reason(self) -> str | None:
        """Why it is no candidate: the first hard criterion that is not passed, with its numbers."""
        return reason(self.checks)

    @property
    def tier(self) -> str | None:
        """The tier of its evidence on every side: certain, probable, listed, or none."""
        return None if self.species is None else self.species.tier(self.ground.sides)

    @property
    def outcome(self) -> str:
        """`candidate`, `failed`, or `without_evidence` where nothing but the run's lack of records stands against it."""
        if not self.failed:
            return CANDIDATE
        return WITHOUT_EVIDENCE if self.failed == [TWO_SIDED] and self.near is None else FAILED

    def to_dict(self) -> dict[str, Any]:
        """Return the checks as plain values."""
        return {name: asdict(check) | {"input": dict(check.input)} for name, check in self.checks.items()}


def judge_by(
    records: evidence.Counted | None,
    boundaries: "BoundarySet",
    parameters: CandidateParameters,
    habitat: Habitat | None,
    checklists: Checklists,
) -> Callable[[Ground], Judged]:
    """Return what judges ground with what a run has at hand.

    Parameters
    ----------
    records : Counted, optional
        Threatened species, counted by side.
    boundaries : BoundarySet
    parameters : CandidateParameters
    habitat : Habitat, optional
    checklists : Checklists
        Of threatened species, by the area's id.
    """

    def judge(ground: Ground) -> Judged:
        near, found, left_out = None, None, dict[str, int]()
        if records is not None:
            near = records.inside(grounds.grown(ground.polygon, parameters.evidence_distance_m))
            listed: dict[str, dict[str, list[str]]] = {}
            for area_id, side in zip(ground.area_ids, ground.sides, strict=False):
                for species, sources in checklists.get(area_id, {}).items():
                    for code in side:
                        listed.setdefault(code, {}).setdefault(species, []).extend(sources)
            found = evidence.two_sided(near, ground.sides, records.facts["parameters"]["side_share"], listed)
            left_out = evidence.reasons(
                near.filter(pl.col("chances").is_null(), ~pl.col("why_not").is_in(evidence.STOOD_FOR))
            )
        beyond = beyond_band(ground, boundaries)
        crossing = None if habitat is None else grounds.crossing(habitat, ground.polygon, beyond)
        checks = {
            TWO_SIDED: two_sided_evidence(found, ground.sides, left_out),
            PASSABLE: passable_link(ground, crossing),
            BEYOND: enough_beyond_band(beyond, least_km2=parameters.beyond_band_km2, band_m=boundaries.band_m),
        }
        return Judged(ground, checks, beyond, crossing, near, found)

    return judge


def tasks_by(
    everything: "Counted | None",
    threatened: "Counted | None",
    boundaries: "BoundarySet",
    parameters: CandidateParameters,
    category: SharingCategory,
) -> Callable[[Judged], Tasks]:
    """Return what makes survey tasks of ground.

    Parameters
    ----------
    everything : Counted, optional
        Records of all species, as the run read them: those of a species' class tell where people looked.
    threatened : Counted, optional
        Those of threatened species.
    boundaries : BoundarySet
    parameters : CandidateParameters
    category : SharingCategory
        Of everything that the run read.

    Returns
    -------
    callable
        From judged ground to rows of `evidence.TASKS` without a place; none for ground that no survey would help: what
        is no candidate, and not for want of evidence alone.
    """

    def tasks(judged: Judged) -> Tasks:
        helps = judged.outcome == CANDIDATE or judged.failed == [TWO_SIDED]
        if everything is None or not helps or judged.species is None or not judged.species.one_sided:
            return []
        found = evidence.survey_tasks(
            everything, judged.ground.sides, region=ground.grown(judged.ground.polygon, parameters.evidence_distance_m),
            boundaries=boundaries, threatened=threatened, strictest=lambda _: category,
        )  # fmt: skip
        return found.drop(_NO_PLACE).with_columns(area_km2=found["area_km2"].round(1)).to_dicts()

    return tasks


def effort_needed() -> dict[str, Any]:
    """Return how long a camera must stand so that a species that uses its cell is seldom missed, by chance of detection."""
    detection = evidence.Detection()
    cases = {
        name: {"per_night": round(one.per_night, 4), "nights": nights_needed(one)}
        for name, one in detection.cases().items()
    }
    return {"kind": "camera", "miss": detection.miss, "source": detection.source, "cases": cases}


def lifts(judged: Judged) -> list[dict[str, Any]]:
    """Return what would lift the evidence of ground to the next tier, each in `words`, too."""
    if judged.species is None:
        return []
    found = judged.species.lifts(judged.ground.sides)
    return [{**one, "words": _lift(one, judged.species.certainty)} for one in found]


def _lift(one: dict[str, Any], certainty: float) -> str:
    where = " or ".join(map(country_name, one["survey_in"]))
    if not (n := one["not_certain"]):
        return f"{one['species']} in {where}: no record is there; one that surely lies there makes it certain."
    kind = "probable by" if one["chance"] >= certainty else "not yet probable:"
    records = f"{n} records of which at least one lies" if n > 1 else "1 record that lies"
    lines = [f"{one['species']} in {where}: {kind} {records} there at {min(one['chance'], 0.999):g}"]
    if one["tier"] == CERTAIN:
        lines.append("one record that surely lies there makes it certain")
    else:
        more = one["records"]
        lines.append(
            f"{more} more like {'them' if n > 1 else 'it'} {'make' if more > 1 else 'makes'} it probable, one that surely lies there certain"
        )
    if one["untold"]:
        lines.append(
            f"{one['untold']} of them {'states' if one['untold'] == 1 else 'state'} no uncertainty: their owner may know it"
        )
    if one["cells"]:
        cells = one["cells"]
        lines.append(
            f"{cells} of them {'is' if cells == 1 else 'are'} published as {'a square' if cells == 1 else 'squares'}: a finer "
            "place shared by their owner may do"
        )
    return "; ".join(lines) + "."
