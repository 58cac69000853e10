"""How often cells are in a corridor and links function under stated assumptions, as an engine of kept runs."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from biodata.core.errors import InputError
from biodata.core.run_parameters import OwnGround
from biodata.core.run_parameters import Uncertainty as Asked
from biodata.core.vocabularies import OWN_FILES
from biodata.runs.engines.work import (
    Engine,
    Outcome,
    Ready,
    Work,
    array_hash,
    base_run,
    facts_table,
    input_files,
    run_inputs,
)
from biodata.store.run_records import RunInput

if TYPE_CHECKING:
    from biodata.analysis.uncertainty.assumptions import Assumptions
    from biodata.analysis.uncertainty.frequencies import Frequencies
    from biodata.analysis.uncertainty.one_draw import Task

_NOT_OF_A_RUN: Final = (*OwnGround.model_fields, "classes", "max_distance_m")
_CUT: Final = (0.05, 0.2)
_AROUND: Final = 2.0
"""A run's own cut and dispersal cost are taken to be right up to this factor, where nothing else is stated."""


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """A task of draws before it is worked.

    Attributes
    ----------
    task : Task
    notes : tuple of str
    inputs : tuple of RunInput
    stated : dict
        What every result has to name: view, boundary set, run, files.
    """

    task: "Task"
    notes: tuple[str, ...]
    inputs: tuple[RunInput, ...]
    told: dict[str, Any]


def prepare(asked: Asked, work: Work) -> Ready:
    """Read what a run of draws stands on, and find its pairs.

    It is asked of a run of corridors in the lake, or of a planner's own raster and areas. Frequencies of links and of cells
    are the results.
    """
    from biodata.analysis.uncertainty import inputs

    ready = _of_files(asked, work) if asked.run is None else _of_run(asked, work)
    return Ready(
        partial(worked, asked, work, ready), ready.notes,
        lambda: inputs.estimate(ready.task, draws=asked.draws, workers=work.workers),
    )  # fmt: skip


def worked(asked: Asked, work: Work, ready: Prepared) -> Outcome:
    """Work a prepared run of draws, write what is asked, return its results."""
    from biodata.analysis.uncertainty import frequencies

    draws, task, out = asked.draws, ready.task, asked.out
    found = frequencies.frequencies(task, draws=draws, executor=work.executor, progress=work.progress)
    facts: dict[str, Any] = {
        "told": found.message(), "draws": draws, "seed": work.seed, "error_at_most": found.error,
        "assumptions": found.assumptions, "parameters": task.assumptions.to_dict(), "rank_agreement": found.rank_agreement,
        "pairs": found.pairs.to_dicts(), "notes": list(ready.notes), **ready.told, "biodata": version("biodata"),
    }  # fmt: skip
    if out is not None:
        _write(found, task, facts, out)
    if asked.report is not None:
        whole = json.dumps(facts | {"chosen": found.chosen}, ensure_ascii=False, indent=1)
        asked.report.write_text(whole, encoding="utf-8")
    tables = {"pairs": found.pairs, "cells": _cells(found), "told": facts_table(facts)}
    named = (
        "" if facts["boundary_set"] is None else f"; boundary set {facts['boundary_set']} ({facts['boundary_version']})"
    )
    lines = [
        found.message(), *(f"assumed: {line}" for line in found.assumptions[len(task.assumptions.ranges) :]),
        f"areas and points: {facts['evidence_view']}{named}",
    ]  # fmt: skip
    return Outcome(ready.inputs, tables, ready.told.get("snapshot"), tuple(lines))


def _short(_results: Any, facts: dict[str, Any], table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a row's report tells: its own links, and under what all of it was drawn."""
    if table == "corridors":
        own = {frozenset((row["from_area_id"], row["to_area_id"]))}
        pairs = [one for one in facts["pairs"] if {one["from_area_id"], one["to_area_id"]} in own]
    else:
        areas = set(row["area_ids"] or [])
        pairs = [one for one in facts["pairs"] if {one["from_area_id"], one["to_area_id"]} <= areas]
    return {name: value for name, value in facts.items() if name not in ("pairs", "biodata", "parameters")} | {
        "pairs": pairs
    }


def _of_run(asked: Asked, work: Work) -> Prepared:
    """Return a task over a run's ground and links: its resistances are wrong by a factor, its choices too."""
    from biodata.analysis.uncertainty import assumptions
    from biodata.analysis.uncertainty.one_draw import Node, Task

    stood = base_run(asked, work, _NOT_OF_A_RUN, has="ground and links")
    if not stood.pairs:
        problem = f"run {stood.run_id} has no link that functions"
        raise InputError(problem, expected="a run with corridors", code="PAIRS_MISSING")
    values = stood.ground.resistance
    ranges, between = assumptions.around(values, factor=asked.spread)
    cut, dispersal = stood.choices.cut_fraction, stood.choices.dispersal_cost
    known = _assumptions(
        asked, ranges, between=between, cut=(cut / _AROUND, cut * _AROUND),
        dispersal=None if dispersal is None else (dispersal / _AROUND, dispersal * _AROUND),
    )  # fmt: skip
    needed = sorted({position for pair in stood.pairs for position in pair})
    new = {position: number for number, position in enumerate(needed)}
    nodes = tuple(Node(stood.sites[k].area_id, stood.sites[k].name, stood.sites[k].cells) for k in needed)
    pairs = tuple((new[i], new[j]) for i, j in stood.pairs)
    task = Task(values, stood.ground.grid, nodes, pairs, known, work.seed)
    notes = (f"the links are those of run {stood.run_id}; areas do not move, and no record plays a part",)
    return Prepared(task, notes, run_inputs(stood), {**stood.to_dict(), "inputs": {"run": stood.run_id}})


def _of_files(asked: Asked, work: Work) -> Prepared:
    """Return a task over a planner's own files."""
    from biodata.analysis import own_ground
    from biodata.analysis.uncertainty import assumptions, inputs
    from biodata.analysis.uncertainty.one_draw import Task, order_bounds

    raster, areas, classes = asked.raster, asked.areas, asked.classes
    if raster is None or areas is None:
        problem = "it is not told what is drawn"
        raise InputError(problem, expected="a run, or raster and areas", code="OPTIONS_UNFIT")
    values, grid, notes = own_ground.read(
        raster, cell_m=asked.cell_m, band=asked.band, nodata=asked.nodata, crs=asked.crs
    )
    if classes is not None:
        ranges, between = inputs.read_ranges(classes), False
        inputs.check_classes(values, ranges, raster=raster.name, table=classes.name)
    else:
        ranges, between = assumptions.around(values, factor=asked.spread)
        notes += own_ground.doubt(values, raster=raster.name)
    known = _assumptions(asked, ranges, between=between, cut=_CUT, dispersal=None)
    order_bounds(ranges)
    nodes, sites, said = inputs.read_nodes(areas, values, grid)
    if len(nodes) < 2:
        problem = f"{len(nodes)} areas lie on the raster"
        raise InputError(problem, file=areas.name, expected="two areas or more", code="AREAS_MISSING")
    stated = values.copy()
    if classes is not None:
        at = np.isfinite(values)
        by_value = np.searchsorted([one.value for one in ranges], values[at])
        stated[at] = np.array([one.resistance for one in ranges])[by_value]
    farthest = np.inf if asked.max_distance_m is None else asked.max_distance_m
    pairs = inputs.neighbours(sites, stated, grid, max_distance_m=farthest)
    if not pairs:
        problem = "no two areas that lie apart are neighbours"
        raise InputError(problem, file=areas.name, code="PAIRS_MISSING")
    facts: dict[str, Any] = {"evidence_view": OWN_FILES, "boundary_set": None}
    facts["inputs"] = {"raster": raster.name, "areas": areas.name, "classes": classes.name if classes else None}
    task = Task(values, grid, nodes, pairs, known, work.seed)
    return Prepared(task, (*notes, *said), input_files(asked), facts)


def _assumptions(
    asked: Asked, ranges: Any, *, between: bool, cut: tuple[float, float], dispersal: tuple[float, float] | None
) -> "Assumptions":
    """Return what is varied: what is stated, else these."""
    from biodata.analysis.uncertainty import assumptions

    return assumptions.Assumptions(
        ranges, between, asked.shape or tuple(assumptions.SHAPES), cut_fraction=asked.cut_fraction or cut,
        dispersal_cost=asked.dispersal_cost or dispersal,
    )  # fmt: skip


def _write(found: "Frequencies", task: "Task", facts: dict[str, Any], out: Path) -> None:
    """Write the cells' frequencies."""
    from biodata.exports.cog import write_cog

    tags = {
        "assumptions": json.dumps(found.assumptions), "evidence_view": str(facts["evidence_view"]),
        "draws": str(found.draws), "seed": str(found.seed), "boundary_set": str(facts["boundary_set"] or "none was asked"),
    }  # fmt: skip
    write_cog(found.cells, task.grid, out, description="frequency under stated assumptions, no probability", tags=tags)


def _cells(found: "Frequencies") -> pl.DataFrame:
    """Return what is kept of the cells: how many are how often in a corridor, and the checksum of them all."""
    inside = found.cells[np.isfinite(found.cells)]
    return pl.DataFrame(
        {
            "cells": [inside.size],
            "ever": [int((inside > 0).sum())],
            "half": [int((inside >= 0.5).sum())],
            "nearly_always": [int((inside >= 0.95).sum())],
            "sha256": [array_hash(found.cells)],
        }
    )


ENGINE: Final = Engine(Asked, prepare, ("uncertainty", _short))
