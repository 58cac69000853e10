"""Find corridors and candidates over an installation's layer, and put them into the lake."""

import contextlib
import hashlib
import logging
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from biodata import assessments, places
from biodata.errors import InputError
from biodata.runs import reading
from biodata.runs.reading import category_of, date_of, layer_named, layers_of, records_of, resistance_of, window_of
from biodata.runs.request import NO_CATEGORY, Request, RunReport, choices_of, judging_of, with_band
from biodata.runs.results import KEYS, commit, named, place_of, run_id_of
from biodata.settings import Settings
from biodata.store import private_reports
from biodata.store.lake import Lake
from biodata.store.locks import try_lock
from biodata.store.registry import Registry
from biodata.store.rules_in_force import rules_in_force
from biodata.vocabularies import CandidateCriterion

if TYPE_CHECKING:
    from concurrent.futures import Executor

    from biodata.analysis.corridor_parameters import Estimate

logger = logging.getLogger(__name__)


def find_corridors(
    settings: Settings,
    request: Request,
    *,
    alone: bool = False,
    executor: "Executor | None" = None,
    progress: bool = False,
) -> RunReport:
    """Find corridors and candidate reserves between protected areas of different countries; put them into the lake.

    Results of an earlier run over the same layer, box and species are replaced; the lake's earlier versions keep them.

    Parameters
    ----------
    settings : Settings
        The installation.
    request : Request
        What is asked.
    alone : bool
        Take away the results of all other runs too; else they stand beside these.
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
    from biodata.analysis.candidates.measuring import Surroundings
    from biodata.analysis.candidates.parameters import CandidateParameters

    drawn = places.load_boundaries(settings.boundaries)
    boundaries = with_band(drawn, request)
    with contextlib.ExitStack() as held, Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
        rules = rules_in_force(settings, lake)
        assessments.assess(settings, lake=lake)
        snapshot = lake.snapshot()
        layer = layer_named(lake, request.layer)
        window = window_of(layer, request)
        # What is wrong with these files is told before the work.
        plan = None if request.plan is None else reading.read_plan(Path(request.plan))
        agreements = None if request.agreements is None else reading.read_agreements(Path(request.agreements))
        ground, resistance_facts = resistance_of(settings, lake, layer, request, progress=progress)
        table = lake.read("protected_areas")
        areas = areas_of.geodataframe(table)
        areas = areas[areas.intersects(polygon_of(window))]
        if areas.empty:
            problem = "no protected area lies in the layer's window"
            expected = "areas there, taken in with `biodata ingest protected-areas FILE`"
            raise InputError(problem, column="layer", value=request.layer, expected=expected, code="AREAS_MISSING")
        parameters = {
            **asdict(request),
            "as_of": date_of(lake, request, snapshot).isoformat(),
            "resistance": Path(request.resistance).name,
            "criteria": list(request.criteria),
            "resistance_sha256": hashlib.sha256(Path(request.resistance).read_bytes()).hexdigest(),
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
        del parameters["check_window"]  # it changes nothing of what is found
        run_id, place = run_id_of(parameters), place_of(request)
        records = records_of(settings, lake, window, rules, drawn, request.evidence_view)
        category = category_of(records, request.evidence_view)
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
                links,
                areas,
                ground.resistance,
                ground.grid,
                parameters=choices,
                boundaries=boundaries,
                executor=executor,
            ).told()
        links = named(links, run_id, KEYS["corridors"], place, parameters)
        wanted = CandidateParameters(
            seed=request.seed,
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
            ),
        )
        candidates = named(found.candidates, run_id, KEYS["reserve_candidates"], place, parameters)
        considered = named(found.considered, run_id, KEYS["considered_ground"], place, parameters)
        frames = {"corridors": links, "reserve_candidates": candidates, "considered_ground": considered}
        assessments.remember(settings.data, run_id, records)
        others = commit(lake, frames, place, alone=alone)
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
        counted.records.height, counted.records["why_not"].null_count(),
    )  # fmt: skip
    with Registry.open(settings) as registry:
        private_reports.record_run(registry, settings.data, run_id, request.layer, report.as_dict())
    logger.info("run %s: %d pairs, %d linked, %d candidates", run_id, links.height, functional, candidates.height)
    return report


def estimate(settings: Settings, request: Request) -> "Estimate":
    """Estimate a run before it starts, without reading the layer itself.

    Parameters
    ----------
    settings : Settings
        The installation.
    request : Request
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
