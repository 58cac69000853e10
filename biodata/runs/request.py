"""What a run of corridors and candidates is asked, and what it reports."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from biodata.errors import InputError
from biodata.places.boundaries import REACH_M
from biodata.vocabularies import CandidateCriterion, EvidenceView

if TYPE_CHECKING:
    from biodata.analysis.corridor_parameters import CorridorParameters
    from biodata.analysis.evidence import EvidenceParameters
    from biodata.places import BoundarySet

NO_CATEGORY: Final = "no Red List category told"
"""Whether such a record is of a threatened species is not known: a checklist with categories tells it."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a run of corridors and candidates is asked.

    Attributes
    ----------
    layer : str
        The land-cover layer, as `ingest layer` named it; its window is the run's window where no box is told.
    resistance : str
        CSV table of resistance, as `analysis.resistance_rules` reads it; its land cover is `layer`, its other layers
        are those of the installation that show what it names.
    cell_m : float
        Side of a cell of the equal-area grid, metres.
    max_distance_m : float
        Areas farther apart than this are not joined, metres.
    cut_fraction : float
        A corridor holds what costs up to this fraction of the run's median least cost more than its cheapest path.
    as_of : str, optional
        The date of the run, ISO 8601: later records are no evidence, and the years are counted back from it. Where none
        is told, the day of the lake's version that is read.
    recent_years : int
        Records of events before these years are no evidence.
    keep_suspicious : bool
        Records of suspicious places (`flags.SUSPICIOUS`) are evidence too.
    evidence_view : EvidenceView
        Which records are read: `public`, what is published of them, or `exact`.
    seed : int
        Start of the draws of weights, by which candidates are ranked.
    dispersal_cost : float, optional
        What the species can spend on a journey, cost-metres; `cut_fraction` is then a share of it.
    species : str, optional
        Whose lines of the table count; needed where it has several species.
    check_window : bool
        Also compute what a smaller window gives, from which the run's window grew by a fifth.
    box : tuple of float, optional
        West, south, east, north in degrees: the part of the layer that is looked at.
    criteria : tuple of str
        Names of the criteria that candidates are ranked by (`vocabularies.CandidateCriterion`), in their own order;
        none stands for all.
    plan : str, optional
        plan.json of `biodata reserves solve`, or its folder: how often its plans take some ground is its
        irreplaceability.
    cost_layer : str, optional
        A layer of the installation, a raster whose sum over some ground is what it costs.
    agreements : str, optional
        CSV table of agreements between countries: name, countries, source.
    band_m : float, optional
        Within this distance of a border a place may belong to either side, metres; the boundary set's own where none is
        told.
    certainty : float
        Share of a record's circle of uncertainty that must lie on a side, so that the record is certain evidence there;
        and the chance from which several less certain ones are probable evidence.
    """

    layer: str
    resistance: str
    cell_m: float = 1000.0
    max_distance_m: float = 60_000.0
    cut_fraction: float = 0.1
    as_of: str | None = None
    recent_years: int = 15
    keep_suspicious: bool = False
    evidence_view: EvidenceView = EvidenceView.PUBLIC
    seed: int = 1
    dispersal_cost: float | None = None
    species: str | None = None
    check_window: bool = False
    box: tuple[float, float, float, float] | None = None
    criteria: tuple[str, ...] = ()
    plan: str | None = None
    cost_layer: str | None = None
    agreements: str | None = None
    band_m: float | None = None
    certainty: float = 0.95

    def __post_init__(self) -> None:
        _check_edges(self.band_m, self.certainty)
        if self.box is not None:
            object.__setattr__(self, "box", _checked_box(self.box))
        object.__setattr__(self, "criteria", checked_criteria(self.criteria))
        try:
            object.__setattr__(self, "evidence_view", EvidenceView(self.evidence_view))
        except ValueError as error:
            problem = "there is no such view of the records"
            raise InputError(
                problem, column="evidence_view", value=str(self.evidence_view), expected=" or ".join(EvidenceView),
                code="PARAMETERS_INVALID",
            ) from error  # fmt: skip


@dataclass(frozen=True, slots=True)
class RunReport:
    """What came out of a run.

    Attributes
    ----------
    run_id : str
        Made from code version, lake version, layer, table and parameters: the same run has the same id.
    snapshot : int
        The lake's version that was read.
    areas, pairs, corridors, candidates : int
        Protected areas in the window, pairs answered, those of them with a functional link, and candidates.
    considered : dict of str to int
        Everything that was looked at, by outcome: candidate, failed, without_evidence.
    parameters : dict
        The request and the facts that the run id is made from.
    records, counting : int
        Records of threatened species in the window, and those of them that are evidence for a side.
    left_out : dict of str to int
        Records of threatened species in the window that are no evidence, by quality flag or other reason, and those of
        which no Red List category is known (NO_CATEGORY).
    window : str, optional
        What the check of the window found.
    replaced, beside : tuple of str
        Runs whose results went, and those whose results stay beside these.
    """

    run_id: str
    snapshot: int
    areas: int
    pairs: int
    corridors: int
    candidates: int
    parameters: dict[str, Any] = field(default_factory=dict)
    left_out: dict[str, int] = field(default_factory=dict)
    window: str | None = None
    considered: dict[str, int] = field(default_factory=dict)
    replaced: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()
    records: int = 0
    counting: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return asdict(self)


def choices_of(request: Request) -> "CorridorParameters":
    """Return what a request decides of its corridors."""
    from biodata.analysis.corridor_parameters import CorridorParameters

    return CorridorParameters(
        max_distance_m=request.max_distance_m,
        cut_fraction=request.cut_fraction,
        dispersal_cost=request.dispersal_cost,
    )


def with_band(boundaries: "BoundarySet", request: Request) -> "BoundarySet":
    """Return the boundary set with the band that a request asks; its own where it asks none."""
    return boundaries if request.band_m is None else replace(boundaries, band_m=float(request.band_m))


def judging_of(request: Request, as_of: str) -> "EvidenceParameters":
    """Return what the evidence of a run of some day is judged by."""
    from biodata.analysis import evidence

    return evidence.EvidenceParameters(
        as_of=date.fromisoformat(as_of),
        cell_m=request.cell_m,
        recent_years=request.recent_years,
        side_share=request.certainty,
        excluded_flags=evidence.DOUBTFUL if request.keep_suspicious else evidence.EXCLUDED,
    )


def _check_edges(band_m: float | None, certainty: float) -> None:
    """Refuse a band or certainty that does not fit."""
    for name, value, fits, expected in (
        ("band_m", band_m, band_m is None or 0 <= band_m <= REACH_M, f"0 to {REACH_M:,.0f} metres"),
        ("certainty", certainty, 0.5 < certainty < 1, "above 0.5, so that one side has it, and below 1"),
    ):
        if not fits:
            problem = f"{name} does not fit"
            raise InputError(problem, column=name, value=str(value), expected=expected, code="PARAMETERS_INVALID")


def _checked_box(box: Sequence[float]) -> tuple[float, float, float, float]:
    """Return four numbers that are a box."""
    numbers = [float(side) for side in box if isinstance(side, int | float) and math.isfinite(side)]
    if len(numbers) == len(box) == 4 and numbers[0] < numbers[2] and numbers[1] < numbers[3]:
        return (numbers[0], numbers[1], numbers[2], numbers[3])
    problem = "this is no box"
    expected = "west,south,east,north in degrees, such as 100,20,103,22.5"
    raise InputError(problem, column="box", value=str(box), expected=expected, code="PARAMETERS_INVALID")


def checked_criteria(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names of criteria in their own order; none where all are named.

    Parameters
    ----------
    names : sequence of str, or one text with commas between them

    Raises
    ------
    InputError
        If there is no such criterion (CRITERION_UNKNOWN).
    """
    if isinstance(names, str):
        names = [name.strip() for name in names.split(",") if name.strip()]
    known = [str(one) for one in CandidateCriterion]
    wrong = next((name for name in names if name not in known), None)
    if wrong is not None:
        problem, expected = "candidates are not compared by this", f"some of {', '.join(known)}"
        raise InputError(problem, column="criteria", value=str(wrong), expected=expected, code="CRITERION_UNKNOWN")
    chosen = tuple(name for name in known if name in names)
    return () if len(chosen) == len(known) else chosen
