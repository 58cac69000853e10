"""Where to look next: what one side alone has, as tasks for surveys on the other, with the effort that these would take."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from biodata.analysis import evidence
from biodata.analysis.candidates import hard_criteria, joining
from biodata.analysis.candidates.judging import CANDIDATE, Judged
from biodata.analysis.candidates.parameters import CandidateParameters
from biodata.analysis.evidence.detection import nights_needed
from biodata.analysis.evidence.two_sided import CERTAIN
from biodata.places import country_name
from biodata.vocabularies import SharingCategory

if TYPE_CHECKING:
    from biodata.analysis.evidence import Counted
    from biodata.places import BoundarySet

Tasks = list[dict[str, Any]]
_NO_PLACE: Final = ("geometry", "sharing_category")


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
        helps = judged.outcome == CANDIDATE or judged.failed == [hard_criteria.TWO_SIDED]
        if everything is None or not helps or judged.species is None or not judged.species.one_sided:
            return []
        found = evidence.survey_tasks(
            everything,
            judged.ground.sides,
            region=joining.grown(judged.ground.polygon, parameters.evidence_distance_m),
            boundaries=boundaries,
            threatened=threatened,
            strictest=lambda _: category,
        )
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
    n = one["not_certain"]
    if not n:
        return f"{one['species']} in {where}: no record is there; one that surely lies there makes it certain."
    kind = "probable by" if one["chance"] >= certainty else "not yet probable:"
    records = f"{n} records of which at least one lies" if n > 1 else "1 record that lies"
    told = [f"{one['species']} in {where}: {kind} {records} there at {min(one['chance'], 0.999):g}"]
    if one["tier"] == CERTAIN:
        told.append("one record that surely lies there makes it certain")
    else:
        more = one["records"]
        told.append(
            f"{more} more like {'them' if n > 1 else 'it'} {'make' if more > 1 else 'makes'} it probable, one that surely lies there certain"
        )
    if one["cells"]:
        cells = one["cells"]
        told.append(
            f"{cells} of them {'is' if cells == 1 else 'are'} published as {'a square' if cells == 1 else 'squares'}: a finer "
            "place shared by their owner may do"
        )
    return "; ".join(told) + "."
