"""Whether held-out records stand nearer to corridors than chance puts them, as an engine of kept runs."""

import json
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from biodata.core.errors import InputError
from biodata.core.run_parameters import OwnGround
from biodata.core.run_parameters import Validation as Asked
from biodata.core.vocabularies import OWN_FILES
from biodata.runs import standing
from biodata.runs.corridors import judging_of
from biodata.runs.engines.work import (
    Engine,
    Outcome,
    Work,
    at_once,
    base_run,
    facts_table,
    input_files,
    read_own_ground,
    run_inputs,
)
from biodata.store import run_records
from biodata.store.run_records import RunInput

if TYPE_CHECKING:
    from biodata.analysis.adjacency import Neighbour, Pair
    from biodata.analysis.areas import Site
    from biodata.analysis.grid import Floats, Grid
    from biodata.analysis.validation.corridor_test import Validation

_NOT_OF_A_RUN: Final = (*OwnGround.model_fields, "records", "target", "effort", "used")
NOT_WIDE: Final = (
    "blocks are narrower than values of the surface are alike: held-out records are not independent of used ones"
)


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """What a test is of: the corridors' ground, and the records."""

    resistance: "Floats"
    grid: "Grid"
    sites: "list[Site]"
    pairs: "dict[Pair, Neighbour] | None"
    records: pl.DataFrame
    file: str
    since: date | None
    notes: list[str]
    inputs: tuple[RunInput, ...]
    told: dict[str, Any]


def run(asked: Asked, work: Work) -> Outcome:
    """Test corridors against records; the verdict and what was no test are the results.

    It is asked of a run of corridors in the lake, whose records are read as its view shows them, or of a planner's own
    raster, areas and records.
    """
    from biodata.analysis import rasters
    from biodata.analysis.grid import require_aligned
    from biodata.analysis.validation import corridor_test, holding_out, moved_patterns
    from biodata.analysis.validation.corridor_test import ValidationParameters

    parameters = ValidationParameters(
        moves=asked.moves, level=asked.level, least_places=asked.least_places, seed=work.seed
    )  # fmt: skip
    question = _of_files(asked) if asked.run is None else _of_run(asked, work)
    grid, notes = question.grid, list(question.notes)
    ground = np.isfinite(question.resistance)
    for site in question.sites:
        ground.reshape(-1)[site.cells] = False
    effort, target = asked.effort, asked.target
    sites = question.sites if question.pairs else [site for site in question.sites if site.cells.size]
    lower = moved_patterns.excess(sites, question.resistance, grid, pairs=question.pairs)
    looked = None
    if effort is not None:
        looked, own = rasters.read(effort)
        require_aligned({"the ground": grid, effort.name: own})
    group, rest = holding_out.of_species(question.records, asked.species, file=question.file)
    others = rest if target is None else holding_out.read(target, grid)
    length = moved_patterns.variogram_range(
        moved_patterns.ranks(lower, ground & ~np.isnan(lower)), ground, grid, rng=np.random.default_rng(work.seed)
    )
    side = length.range_m if asked.block_m is None else asked.block_m
    if side < length.range_m:
        notes.append(f"{NOT_WIDE} ({side:,.0f} m, and {length.range_m:,.0f} m)")
    limit = max(side, grid.cell_m) if asked.max_uncertainty_m is None else asked.max_uncertainty_m
    group = group.with_columns(used=group["used"] | group["id"].is_in(holding_out.ids_of(asked.used)))
    kept, left_out = holding_out.certain(group, limit)
    held = holding_out.hold_out(kept, block_m=side, origin=(grid.bounds[0], grid.bounds[1]), since=question.since)
    test = kept.filter(held.test)
    result = corridor_test.against_chance(
        lower, ground & holding_out.outside_used(kept, grid, side), grid, test.select("x", "y").to_numpy().astype(np.float64),
        effort=None if others is None or looked is not None else holding_out.distinct(others, limit), effort_raster=looked,
        parameters=parameters, left_out=left_out | held.left_out(),
    )  # fmt: skip
    looked_by = effort.name if effort else target.name if target else None
    facts: dict[str, Any] = {
        **result.as_dict(),
        "told": result.message(),
        "species": asked.species,
        "blocks": {"side_m": side, "variogram": length.message(), "range_m": length.range_m},
        "effort": looked_by or ("other species of the records" if rest is not None else None),
        "since": None if question.since is None else question.since.isoformat(),
        "max_uncertainty_m": limit,
        **question.told,
        "biodata": version("biodata"),
        "raster_notes": [*notes, *holding_out.untold(test)],
    }  # fmt: skip
    if asked.out is not None:
        asked.out.write_text(json.dumps(facts, ensure_ascii=False, indent=1), encoding="utf-8")
    return Outcome(question.inputs, _tables(result, facts), question.told.get("snapshot"), tuple(_lines(facts)))


def _short(_results: Any, facts: dict[str, Any], _table: str, _row: Any) -> dict[str, Any]:
    """Return what a report tells of a test."""
    names = (
        "verdict", "told", "p", "sides", "records", "places", "places_needed", "species", "effort", "since", "left_out",
        "blocks", "max_uncertainty_m", "notes", "raster_notes", "parameters", "evidence_view", "boundary_set",
        "boundary_version", "viewpoint", "band_m", "run", "snapshot",
    )  # fmt: skip
    return {name: facts[name] for name in names if name in facts}


def _of_run(asked: Asked, work: Work) -> Question:
    """Return a run's ground, and the records of its window as its view shows them."""
    stood = base_run(asked, work, _NOT_OF_A_RUN, has="ground and records", files="raster, areas and records")
    found = standing.records(work.settings, stood)
    read = RunInput(
        "records", run_records.table_hash(found, work.settings), f"{stood.request.evidence_view} records of today"
    )
    unfit = dict(found["why_not"].drop_nulls().value_counts().sort("why_not").iter_rows())
    judging = judging_of(stood.request, stood.facts["as_of"])
    since = asked.since or judging.since
    return Question(
        stood.ground.resistance, stood.ground.grid, stood.sites, dict.fromkeys(stood.pairs), records=found.filter(pl.col("why_not").is_null()),  # type: ignore[arg-type]
        file=f"run {stood.run_id}", since=since, notes=[], inputs=(*run_inputs(stood), read),
        told={**stood.to_dict(), "inputs": {"run": stood.run_id}, "records_unfit": unfit},
    )  # fmt: skip


def _of_files(asked: Asked) -> Question:
    """Return the ground and records of a planner's own files."""
    from biodata.analysis import areas as areas_of
    from biodata.analysis import own_ground
    from biodata.analysis.validation import holding_out

    if asked.raster is None or asked.areas is None or asked.records is None:
        problem = "it is not told what is tested against which records"
        raise InputError(problem, expected="a run, or raster, areas and records", code="OPTIONS_UNFIT")
    table, resistance, grid, notes = read_own_ground(asked)
    notes += own_ground.doubt(resistance, raster=asked.raster.name)
    return Question(
        resistance, grid, areas_of.on_grid(areas_of.on_plane(table, grid), resistance, grid), None,
        records=holding_out.read(asked.records, grid), file=asked.records.name,
        since=asked.since, notes=notes, inputs=input_files(asked),
        told={
            "inputs": {"raster": asked.raster.name, "areas": asked.areas.name, "records": asked.records.name},
            "evidence_view": OWN_FILES, "boundary_set": None,
        },
    )  # fmt: skip


def _tables(result: "Validation", facts: dict[str, Any]) -> dict[str, pl.DataFrame]:
    """Return the results as tables."""
    figures = (
        "verdict", "p", "sides", "records", "places", "effort_points", "mean_rank", "effort_rank", "null_rank_spread",
        "effect", "design_effect", "places_needed",
    )  # fmt: skip
    types = {"p": pl.Float64, "mean_rank": pl.Float64, "effort_rank": pl.Float64, "null_rank_spread": pl.Float64}
    types |= {"effect": pl.Float64, "design_effect": pl.Float64}
    return {
        "validation": pl.DataFrame([{name: getattr(result, name) for name in figures}], schema_overrides=types),
        "told": facts_table(facts),
    }


def _lines(facts: dict[str, Any]) -> list[str]:
    """Return what was found as lines for a person, the verdict last."""
    found = [
        f"{count:>6} records were not looked at: {reason}" for reason, count in facts.get("records_unfit", {}).items()
    ]
    found += [f"{count:>6} records are no test: {reason}" for reason, count in facts["left_out"].items()]
    found.append(f"blocks of {facts['blocks']['side_m']:,.0f} m; {facts['blocks']['variogram']}")
    if facts["p"] is not None:
        found.append(f"p {facts['p']:.4g} against the whole pattern moved over the surface {facts['patterns']} times")
    found += [*facts["raster_notes"], *facts["notes"]]
    named = (
        "" if facts["boundary_set"] is None else f"; boundary set {facts['boundary_set']} ({facts['boundary_version']})"
    )
    return [*found, f"records: {facts['evidence_view']}{named}", facts["told"]]


ENGINE: Final = Engine(Asked, at_once(run), ("validation", _short))
