"""Find corridors and candidates over an installation's layer, and put them into the lake."""

import contextlib
import hashlib
import logging
import math
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from biodata import assessments, places
from biodata.core.errors import InputError
from biodata.core.run_parameters import Corridors, OwnLinks
from biodata.core.settings import Settings
from biodata.core.vocabularies import CandidateCriterion, EvidenceView
from biodata.places.boundaries import REACH_M
from biodata.runs import reading
from biodata.runs.reading import category_of, date_of, layer_named, layers_of, records_of, resistance_of, window_of
from biodata.runs.results import KEYS, commit, named, place_of, run_id_of
from biodata.store import private_reports
from biodata.store.lake import Lake
from biodata.store.locks import try_lock
from biodata.store.registry import Registry
from biodata.store.rules_in_force import rules_in_force

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from biodata.analysis.corridor_parameters import CorridorParameters, Estimate
    from biodata.analysis.evidence import EvidenceParameters
    from biodata.places import BoundarySet


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
    unpaired : dict of str to list of str
        Areas, by name, with the countries near them of which no area was set beside them.
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
    unpaired: dict[str, list[str]] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return asdict(self)


logger = logging.getLogger(__name__)


def find_corridors(
    settings: Settings,
    request: Corridors,
    *,
    seed: int = 1,
    executor: "Executor | None" = None,
    progress: bool = False,
) -> RunReport:
    """Find corridors and candidate reserves between protected areas of different countries; put them into the lake.

    Results of an earlier run over the same layer, box and species are replaced; the lake's earlier versions keep them.

    Parameters
    ----------
    settings : Settings
        The installation.
    request : Corridors
        What is asked.
    seed : int
        Start of the draws of weights, by which candidates are ranked.
    executor : concurrent.futures.Executor, optional
        Where to work; as many threads as there are cores where none is given. What comes out is the same.
    progress : bool
        Show a progress bar.

    Returns
    -------
    RunReport

    Raises
    ------
    InputError
        If there is no such layer, no protected area in its window, or the table cannot be read.
    """
    from biodata.analysis import areas as areas_of
    from biodata.analysis import corridors, evidence, window_check
    from biodata.analysis.candidates import criteria, search
    from biodata.analysis.candidates import ground as habitat
    from biodata.analysis.candidates.criteria import CandidateParameters
    from biodata.analysis.candidates.measuring import Surroundings

    drawn = places.load_boundaries(settings.boundaries)
    boundaries = with_band(drawn, request)
    with contextlib.ExitStack() as held, Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        rules = rules_in_force(settings, lake)
        assessments.assess(settings, lake=lake)
        snapshot = lake.snapshot()
        layer = layer_named(lake, request.layer)
        window = window_of(layer, request)
        # What is wrong with these files is stated before the work.
        plan = None if request.plan is None else reading.read_plan(request.plan)
        agreements = None if request.agreements is None else reading.read_agreements(request.agreements)
        table = lake.read("protected_areas")
        checklists, held_back = reading.read_checklists(request, lake, table, rules, drawn)
        ground, resistance_facts = resistance_of(settings, lake, layer, request, progress=progress)
        areas = areas_of.geodataframe(table)
        areas = areas[areas.intersects(polygon_of(window))]
        if areas.empty:
            problem = "no protected area lies in the layer's window"
            expected = "areas there, taken in with `biodata ingest protected-areas FILE`"
            raise InputError(problem, column="layer", value=request.layer, expected=expected, code="AREAS_MISSING")
        parameters = {
            **request.model_dump(mode="json", exclude={"check_window", "alone", "out"}),
            "seed": seed,
            "as_of": date_of(lake, request.as_of, snapshot).isoformat(),
            "resistance": request.resistance.name,
            "resistance_sha256": hashlib.sha256(request.resistance.read_bytes()).hexdigest(),
            "layer_sha256": layer["sha256"],
            **resistance_facts,
            **reading.facts_of(settings, lake, request),
            "boundary_set": f"{boundaries.name} {boundaries.version}",
            "boundary_viewpoint": boundaries.viewpoint,
            "boundary_band_m": boundaries.band_m,
            "snapshot": snapshot,
            "rules": rules.hash,
            "biodata": version("biodata"),
            "cells": dict(ground.counts),
        }
        run_id, place = run_id_of(parameters), place_of(request)
        records = records_of(settings, lake, window, rules, drawn, request.evidence_view)
        category = category_of(records, request.evidence_view)
        if request.evidence_view is EvidenceView.EXACT:
            category = max(category, held_back, key=lambda one: one.strictness)
        judging = judging_of(request, parameters["as_of"])
        everything = evidence.counted(records, boundaries=boundaries, parameters=judging)
        counted = everything.threatened()
        unjudged = everything.records["iucnRedListCategory"].null_count()
        home = held.enter_context(_home(settings.data / "runs", run_id))
        choices = choices_of(request)
        links = corridors.between(
            areas, ground.resistance, ground.grid, parameters=choices, boundaries=boundaries,
            executor=executor, folder=home, progress=progress,
        )  # fmt: skip
        window_told = None
        if request.check_window:
            window_told = window_check.between(
                links, areas, ground.resistance, ground.grid, parameters=choices, boundaries=boundaries,
                executor=executor,
            ).message()  # fmt: skip
        pairs = links.select("from_area_id", "to_area_id").rows()
        unpaired = habitat.without_partner(areas, pairs, boundaries, request.max_distance_m)
        links = named(links, run_id, KEYS["corridors"], place, parameters)
        wanted = CandidateParameters(
            seed=seed,
            habitat_resistance=choices.low_resistance,
            criteria=request.criteria or tuple(CandidateCriterion),
        )
        found = search.find(
            table.filter(pl.col("area_id").is_in(areas["area_id"].to_list())),
            links,
            counted,
            boundaries=boundaries,
            parameters=wanted,
            view=request.evidence_view,
            category=category,
            everything=everything,
            surroundings=Surroundings(
                window=window,
                habitat=habitat.of_resistance(ground.resistance, ground.grid, limit=wanted.habitat_resistance),
                layers=layers_of(lake, settings, criteria.THEMES, window),
                cost_layer=reading.cost_layer(settings, lake, request),
                plan=plan,
                agreements=agreements,
                checklists=checklists,
            ),
        )
        candidates = named(found.candidates, run_id, KEYS["reserve_candidates"], place, parameters)
        considered = named(found.considered, run_id, KEYS["considered_ground"], place, parameters)
        frames = {"corridors": links, "reserve_candidates": candidates, "considered_ground": considered}
        assessments.remember(settings.data, run_id, records)
        others = commit(lake, frames, place, alone=request.alone)
        assessments.forget(settings.data, set(others.replaced) - {run_id})
        shutil.rmtree(home, ignore_errors=True)
    functional = int(links["functional"].sum())
    left_out = {
        **evidence.left_out_by_flag(counted.records, judging.excluded_flags),
        **{reason: n for reason, n in counted.reasons().items() if reason != evidence.FLAGGED},
        **({NO_CATEGORY: unjudged} if unjudged else {}),
    }
    report = RunReport(
        run_id, snapshot, len(areas), links.height, functional, candidates.height, parameters, left_out, window_told,
        dict(considered["outcome"].value_counts().sort("outcome").iter_rows()), others.replaced, others.beside,
        counted.records.height, counted.records["why_not"].null_count(), unpaired,
    )  # fmt: skip
    with Registry.open(settings) as registry:
        private_reports.record_run(registry, settings.data, run_id, request.layer, report.as_dict())
    logger.info("run %s: %d pairs, %d linked, %d candidates", run_id, links.height, functional, candidates.height)
    return report


def estimate(settings: Settings, request: Corridors) -> "Estimate":
    """Estimate a run before it starts, without reading the layer itself.

    Parameters
    ----------
    settings : Settings
        The installation.
    request : Corridors
        What would be asked.

    Raises
    ------
    InputError
        If there is no such layer.
    """
    from biodata.analysis import areas as areas_of
    from biodata.analysis import corridor_parameters
    from biodata.analysis.grid import equal_area_grid

    with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        layer = layer_named(lake, request.layer)
        areas = areas_of.geodataframe(lake.read("protected_areas"))
    window = window_of(layer, request)
    near = areas[areas.intersects(polygon_of(window))]
    return corridor_parameters.estimate(near, equal_area_grid(window, request.cell_m), parameters=choices_of(request))


@contextlib.contextmanager
def _home(folder: Path, run_id: str) -> Iterator[Path]:
    """Give a run its folder, where one that was killed goes on; while the same run uses it, another one."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = folder / f"{run_id}.lock"
    with lock.open("ab") as handle:
        alone = try_lock(handle.fileno())
        home = folder / (run_id if alone else f"{run_id}.{secrets.token_hex(4)}")
        try:
            yield home
        finally:
            if not alone:
                shutil.rmtree(home, ignore_errors=True)
    if alone and not home.exists():
        lock.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        folder.rmdir()  # unless another run is using it


def polygon_of(window: tuple[float, float, float, float]) -> Any:
    """Return the window as a polygon."""
    import shapely

    return shapely.box(*window)


NO_CATEGORY: Final = "no Red List category told"
"""Whether such a record is of a threatened species is not known: a checklist with categories tells it."""


def choices_of(asked: Corridors | OwnLinks) -> "CorridorParameters":
    """Return what a run decides of its corridors; an own ground has no limit that is not stated."""
    from biodata.analysis.corridor_parameters import CorridorParameters

    facts = {name: value for name, value in asked if value is not None}
    shared = ("max_distance_m", "max_cost", "dispersal_cost", "cut_fraction", "cut_cost", "drop_through")
    chosen = {name: facts[name] for name in shared if name in facts}
    return CorridorParameters(**{"max_distance_m": math.inf, **chosen})


def with_band(boundaries: "BoundarySet", request: Corridors) -> "BoundarySet":
    """Return the boundary set with the band that a request asks; its own where it asks none.

    Raises
    ------
    InputError
        If the band is wider than what is known beside a border (PARAMETERS_INVALID).
    """
    if request.band_m is None:
        return boundaries
    if request.band_m > REACH_M:
        problem, expected = "band_m does not fit", f"0 to {REACH_M:,.0f} metres"
        raise InputError(
            problem, column="band_m", value=f"{request.band_m:g}", expected=expected, code="PARAMETERS_INVALID"
        )
    return replace(boundaries, band_m=request.band_m)


def judging_of(request: Corridors, as_of: str) -> "EvidenceParameters":
    """Return what the evidence of a run of some day is judged by."""
    from biodata.analysis import evidence

    return evidence.EvidenceParameters(
        as_of=date.fromisoformat(as_of),
        cell_m=request.cell_m,
        untold_uncertainty_m=request.untold_uncertainty_m,
        recent_years=request.recent_years,
        side_share=request.certainty,
        excluded_flags=evidence.DOUBTFUL if request.keep_suspicious else evidence.EXCLUDED,
    )
