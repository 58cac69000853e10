"""A survey designed for a corridor or candidate of an installation, from exact or from public records."""

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl
import shapely

from biodata import assessments, places, sharing, terms
from biodata.errors import InputError
from biodata.settings import Settings
from biodata.sharing.received import hidden_taxa
from biodata.sharing.scopes import hidden_words
from biodata.store.lake import Lake
from biodata.store.query.filters import In
from biodata.store.rules_in_force import rules_in_force
from biodata.store.survey_rows import rows_of
from biodata.vocabularies import EvidenceView, SharingCategory

if TYPE_CHECKING:
    from biodata.analysis.evidence import DesignParameters, Proposal
    from biodata.analysis.evidence.stations import Values

Records = Literal["public", "exact"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyRequest:
    """What a survey is designed for.

    Attributes
    ----------
    species : str
        The species that is to be found, as the records name it.
    result : str
        The `corridor_id` or `candidate_id` that it would settle.
    as_of : date
        Years are counted back from it.
    design : DesignParameters
    cell_m : float
        Side of the cells in which effort is told, metres; records that are less certain play no part.
    recent_years : int, optional
        Effort before these years is none; None for all times.
    records : public or exact
        With public ones, places of stations follow from what everybody may see, and the survey may be shown to all. With
        exact ones it carries the category of the strictest record, and where that is not open it is for its maker.
    scope : tuple of str
        What was looked for at events that do not state it.
    value : Path, optional
        Raster of what places are worth: current, for example, of which more is better.
    access : Path, optional
        Roads, tracks, posts: where teams can go, within `access_m` metres.
    """

    species: str
    result: str
    as_of: date
    design: "DesignParameters"
    cell_m: float = 5_000.0
    recent_years: int | None = 15
    records: Records = "public"
    scope: tuple[str, ...] = ()
    value: Path | None = None
    access: Path | None = None
    access_m: float = 5_000.0


def design(settings: Settings, request: SurveyRequest) -> "Proposal":
    """Design the next survey of a corridor or candidate.

    Parameters
    ----------
    settings : Settings
        The installation.
    request : SurveyRequest

    Returns
    -------
    Proposal
        Its `facts` name the lake's version, the result and the kind of records, too.

    Raises
    ------
    InputError
        If there is no such result, or a file cannot be read.
    """
    from biodata.analysis import evidence
    from biodata.analysis.grid import equal_area_grid

    boundaries = places.load_boundaries(settings.boundaries)
    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        rules = rules_in_force(settings, lake)
        assessments.assess(settings, lake=lake)
        snapshot = lake.snapshot()
        row = _result(lake, request, rules, boundaries)
        region = shapely.from_wkb(row["geometry"])
        west, south, east, north = shapely.bounds(region)
        window = (west - 0.1, south - 0.1, east + 0.1, north + 0.1)
        view = EvidenceView(request.records)
        records = assessments.in_view(settings, lake, rules, boundaries, view=view, window=window)
        known = lake.read("occurrences", where=In("species", (request.species,)))
        events, of_events = _of_lake(settings, lake, rules, boundaries, request)
    if view is EvidenceView.PUBLIC:
        known = sharing.publish(known, rules, boundaries=boundaries)
    if known.is_empty():
        problem = f"there is no {'public ' if request.records == 'public' else ''}record of this species"
        expected = "a species as the records name it; of a hidden one, --records exact"
        raise InputError(problem, column="species", value=request.species, expected=expected, code="SPECIES_UNKNOWN")

    def strictest(frame: pl.DataFrame) -> SharingCategory:
        if request.records == "public":
            return SharingCategory.OPEN
        return sharing.strictest(terms.conform(frame, terms.OCCURRENCE), rules, boundaries=boundaries)

    judging = evidence.EvidenceParameters(as_of=request.as_of, cell_m=request.cell_m, recent_years=request.recent_years)
    counted = evidence.counted(records, boundaries=boundaries, parameters=judging)
    effort = evidence.effort(
        counted,
        request.species,
        grid=equal_area_grid((west, south, east, north), request.cell_m),
        boundaries=boundaries,
        region=region,
        events=events,
        known=known,
        strictest=strictest,
    )
    proposal = evidence.propose(
        effort,
        region,
        [(code,) for code in row["country_codes"]],
        boundaries=boundaries,
        parameters=request.design,
        path=shapely.from_wkb(row["path"]) if row.get("path") else None,
        value=None if request.value is None else _sampled(request.value),
        reachable=None if request.access is None else _around(request.access, request.access_m),
    )
    found = (SharingCategory(proposal.sharing_category), SharingCategory(row["sharing_category"]), of_events)
    category = max(found, key=lambda c: c.strictness)
    facts = proposal.facts | {
        "result": request.result, "run_id": row["run_id"], "snapshot": snapshot, "records": request.records,
        "evidence_view": request.records, "rules": rules.hash, "sharing_category": str(category),
    }  # fmt: skip
    return replace(proposal, facts=facts, sharing_category=str(category))


def _of_lake(
    settings: Settings, lake: Lake, rules: sharing.RuleSet, boundaries: places.BoundarySet, request: SurveyRequest
) -> tuple[pl.DataFrame, SharingCategory]:
    """Return the events that the lake has, exactly or as a release made now tells them, and the category of what is made of them.

    Of exact ones some may tell the place of a species that nobody asked for, so the result is withheld unless all are open.
    Of a species whose places are hidden open events tell no absence: a record of it may be told without its event.
    """
    from biodata.pipeline.survey_publishing import published_events
    from biodata.surveys.events import of_lake, of_published

    scope = list(request.scope) or None
    told = published_events(lake, rules, boundaries=boundaries, licences={})
    where = In("datasetKey", tuple(told["datasetKey"].unique().sort()))
    records = assessments.in_view(settings, lake, rules, boundaries, view=EvidenceView.PUBLIC, where=where)
    rows = rows_of(records, told).join(told.select("survey_id"), on="survey_id", how="semi", maintain_order="left")
    shown = of_published(rows, scope=scope)
    of_species = In("species", (request.species,))
    known = lake.read("occurrences", columns=("species", "scientificName", "shared_as"), where=of_species)
    hidden = bool(hidden_taxa(known))
    if request.records == "public":
        asked = told.select("datasetKey", word=pl.lit(request.species)).unique()
        own = records.filter(pl.col("species") == request.species)
        hidden |= bool(hidden_words(asked, rules, boundaries=boundaries).any())
        hidden |= not own.filter(pl.col("sharing_category") != SharingCategory.OPEN).is_empty()
    events = shown if request.records == "public" else of_lake(lake, scope=scope)
    if hidden:
        events = events.with_columns(scope=pl.lit(None, dtype=events.schema["scope"]))
    if request.records == "public":
        return events, SharingCategory.OPEN
    others = events.join(shown, on="eventID", how="anti")
    return events, SharingCategory.OPEN if others.is_empty() else SharingCategory.WITHHELD


def _result(
    lake: Lake, request: SurveyRequest, rules: sharing.RuleSet, boundaries: places.BoundarySet
) -> dict[str, Any]:
    """Return the corridor or candidate asked, as the lake has it or as it is published."""
    known: list[str] = []
    for table, key in (("corridors", "corridor_id"), ("reserve_candidates", "candidate_id")):
        frame = (
            assessments.published_results(lake, table, rules=rules, boundaries=boundaries)
            if request.records == "public"
            else lake.read(table)
        )
        found = frame.filter(pl.col(key) == request.result)
        if found.height and found["geometry"][0] is not None:
            return found.row(0, named=True)
        known += frame.filter(pl.col("geometry").is_not_null())[key].to_list()
    problem = "there is no such corridor or candidate with a polygon"
    expected = f"one of {', '.join(known[:6])}" if known else "a run first: `biodata corridors`"
    raise InputError(problem, column="result", value=request.result, expected=expected, code="RESULT_UNKNOWN")


def _sampled(path: Path) -> "Values":
    """Return what a raster tells of places."""
    from biodata.analysis import rasters

    values, grid = rasters.read(path)

    def at(longitude: np.ndarray[Any, Any], latitude: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        rows, columns = grid.cells_at(longitude, latitude)
        return np.where(rows >= 0, values[rows, columns], np.nan)

    return at


def _around(path: Path, metres: float) -> shapely.Geometry:
    """Return the ground within a distance of the shapes of a file, degrees."""
    from biodata import geo
    from biodata.formats.vectors import read_frame

    try:
        shapes = list(read_frame(path).to_crs(4326).geometry.dropna())
    except ValueError as error:
        problem = "the roads or posts cannot be read"
        raise InputError(problem, file=path.name, value=str(error)[:200], code="FILE_UNREADABLE") from error
    whole = shapely.union_all(shapes)
    if shapely.is_empty(whole):
        problem = "the file holds no shape"
        raise InputError(problem, file=path.name, code="FILE_EMPTY")
    west, south, east, north = (float(value) for value in shapely.bounds(whole))
    crs = geo.equal_area_crs((west, south, east, north))
    flat = geo.project(whole, 4326, crs)
    around: shapely.Geometry = geo.project(shapely.buffer(flat, metres), crs, 4326)
    return around
