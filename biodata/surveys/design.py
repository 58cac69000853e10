"""A survey designed for a corridor or candidate of an installation, from exact or from public records."""

from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import polars as pl
import shapely

from biodata import assessments, places, sharing
from biodata.analysis.evidence import EVENTS
from biodata.core import terms
from biodata.core.settings import Settings
from biodata.core.vocabularies import EvidenceView, SharingCategory
from biodata.runs.engines.survey_results import open_events
from biodata.sharing.received import came_open, hidden_taxa
from biodata.sharing.scopes import hidden_words
from biodata.store.lake import Lake
from biodata.store.published_events import published_events
from biodata.store.query.filters import In
from biodata.store.rules_in_force import rules_in_force
from biodata.surveys.problems import refuse

if TYPE_CHECKING:
    from biodata.analysis.evidence import DesignParameters, Proposal


@dataclass(frozen=True, slots=True, kw_only=True)
class SurveyRequest:
    """What a survey is designed for."""

    species: str  # that is to be found, as the records name it
    result: str  # the `corridor_id` or `candidate_id` that it would settle
    as_of: date  # years are counted back from it
    design: "DesignParameters"
    cell_m: float = 5_000.0  # side of the cells in which effort is stated; records that are less certain play no part
    recent_years: int | None = 15  # effort before these years is none; None for all times
    records: Literal["public", "exact"] = "public"


def design(settings: Settings, request: SurveyRequest) -> "Proposal":
    """Design the next survey of a corridor or candidate; its `facts` name the lake's version, the result and the records, too."""
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
        events, of_events = _events(settings, lake, rules, boundaries, request)
    if view is EvidenceView.PUBLIC:
        known = sharing.publish(known, rules, boundaries=boundaries)
    if known.is_empty():
        problem = f"there is no {'public ' if request.records == 'public' else ''}record of this species"
        expected = "a species as the records name it; of a hidden one, --records exact"
        refuse("SPECIES_UNKNOWN", problem, expected, column="species", value=request.species)

    def strictest(frame: pl.DataFrame) -> SharingCategory:
        if request.records == "public":
            return SharingCategory.OPEN
        return sharing.strictest(terms.conform(frame, terms.OCCURRENCE), rules, boundaries=boundaries)

    judging = evidence.EvidenceParameters(as_of=request.as_of, cell_m=request.cell_m, recent_years=request.recent_years)
    counted = evidence.counted(records, boundaries=boundaries, parameters=judging)
    grid = equal_area_grid((west, south, east, north), request.cell_m)
    effort = evidence.effort(counted, request.species, grid=grid, boundaries=boundaries, region=region, events=events,
                             known=known, strictest=strictest)  # fmt: skip
    proposal = evidence.propose(
        effort, region, [(code,) for code in row["country_codes"]], boundaries=boundaries, parameters=request.design,
        path=shapely.from_wkb(row["path"]) if row.get("path") else None,
    )  # fmt: skip
    found = (SharingCategory(proposal.sharing_category), SharingCategory(row["sharing_category"]), of_events)
    category = str(max(found, key=lambda c: c.strictness))
    facts = {"result": request.result, "run_id": row["run_id"], "snapshot": snapshot, "records": request.records,
             "evidence_view": request.records, "rules": rules.hash, "sharing_category": category}  # fmt: skip
    return replace(proposal, facts=proposal.facts | facts, sharing_category=category)


def _events(
    settings: Settings, lake: Lake, rules: sharing.RuleSet, boundaries: places.BoundarySet, request: SurveyRequest
) -> tuple[pl.DataFrame, SharingCategory]:
    is_public, of_species = request.records == "public", In("species", (request.species,))
    table = published_events(lake, rules, boundaries=boundaries, licences={})
    where = In("datasetKey", tuple(table["datasetKey"].unique().sort()))
    records = assessments.in_view(settings, lake, rules, boundaries, view=EvidenceView.PUBLIC, where=where)
    shown = as_effort(open_events(records, table))
    known = lake.read("occurrences", columns=("species", "scientificName", "shared_as"), where=of_species)
    hidden = bool(hidden_taxa(known))
    if is_public:
        asked = table.select("datasetKey", word=pl.lit(request.species)).unique()
        hidden |= bool(hidden_words(asked, rules, boundaries=boundaries).any())
        own = records.filter(pl.col("species") == request.species)
        hidden |= bool((own["sharing_category"] != SharingCategory.OPEN).any())
    events = shown if is_public else as_effort(came_open(lake.read("events")))
    if hidden:
        events = events.with_columns(scope=pl.lit(None, dtype=events.schema["scope"]))
    if is_public:
        return events, SharingCategory.OPEN
    others = events.join(shown, on="eventID", how="anti")
    return events, SharingCategory.OPEN if others.is_empty() else SharingCategory.WITHHELD


def _result(lake: Lake, request: SurveyRequest, rules: sharing.RuleSet, boundaries: places.BoundarySet) -> dict[str, Any]:  # fmt: skip
    known: list[str] = []
    published = partial(assessments.published_results, lake, rules=rules, boundaries=boundaries)
    read = published if request.records == "public" else lake.read
    for table, key in (("corridors", "corridor_id"), ("reserve_candidates", "candidate_id")):
        frame = read(table)
        found = frame.filter(pl.col(key) == request.result)
        if found.height and found["geometry"][0] is not None:
            return found.row(0, named=True)
        known += frame.filter(pl.col("geometry").is_not_null())[key].to_list()
    problem = "there is no such corridor or candidate with a polygon"
    expected = f"one of {', '.join(known[:6])}" if known else "a run first: `biodata corridors`"
    return refuse("RESULT_UNKNOWN", problem, expected, column="result", value=request.result)


def as_effort(events: pl.DataFrame) -> pl.DataFrame:
    """Return events (`terms.EVENT`) that are no wholes of others and did not fail as `evidence.EVENTS`."""
    upper = events.select("datasetKey", eventID="parentEventID").drop_nulls().unique()
    single = events.join(upper, on=["datasetKey", "eventID"], how="anti", maintain_order="left")
    table = single.filter(pl.col("effort_value").is_null() | (pl.col("effort_value") > 0)).sort("datasetKey", "eventID")
    return table.select(
        pl.format("{}:{}", "datasetKey", "eventID").alias("eventID"), "decimalLongitude", "decimalLatitude",
        pl.col("event_start", "event_end").cast(pl.Date),
        scope=pl.when("isAbsenceReported").then("targetTaxonomicScope"), excluded="excludedTaxonomicScope",
    ).cast(EVENTS)  # fmt: skip
