"""Corridors with the border open and closed, as an engine of kept runs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from biodata import places
from biodata.errors import InputError
from biodata.run_engines.work import (
    Engine,
    Outcome,
    Parameters,
    Work,
    all_files,
    input_files,
    number,
    parameter,
    path_of,
    put,
    run_inputs,
    run_taken_up,
    told_table,
)
from biodata.run_records import RunInput
from biodata.vocabularies import OWN_FILES

if TYPE_CHECKING:
    import geopandas as gpd

    from biodata.analysis.corridor_parameters import CorridorParameters
    from biodata.analysis.grid import Floats, Grid
    from biodata.analysis.scenarios.barriers import Barrier, Crossing
    from biodata.analysis.scenarios.comparing import Comparison
    from biodata.places import BoundarySet


_FILES: Final = ("raster", "areas", "crossings")
_OF_A_RUN: Final = (
    "raster", "areas", "cell_m", "band", "nodata", "crs", "areas_layer", "id_column", "name_column", "max_distance_m",
    "max_cost", "dispersal_cost", "cut_cost", "cut_fraction",
)  # fmt: skip
PARAMETERS: Final = Parameters(
    (),
    MappingProxyType(
        dict.fromkeys(
            (*_FILES, *_OF_A_RUN, "run", "resistance", "barriers", "barrier_layers", "layers", "barrier_resistance",
             "between", "boundaries", "median_cost", "out", "difference")
        )
        | {"close_border": False, "crossing_width_m": 1000.0}
    ),
    paths=frozenset({*_FILES, "resistance", "layers", "barriers"}),
    outputs=frozenset({"out", "difference"}),
)  # fmt: skip


def barriers(work: Work, grid: "Grid", level: float) -> "tuple[list[Barrier], list[str], tuple[RunInput, ...]]":
    """Read barriers out of files and named layers."""
    from biodata.analysis.scenarios.barriers import read_barriers
    from biodata.pipeline.layer_folder import LayerFolder

    found, notes, inputs = [], [], []
    for path in (Path(one) for one in parameter(work, "barriers", list | None) or []):
        some, told = read_barriers(path, grid, kind=path.stem, resistance=level)
        found += some
        notes += [f"{path.name}: {note}" for note in told]
    names, layers = parameter(work, "barrier_layers", list | None) or [], path_of(work, "layers")
    if names:
        if layers is None and work.parameters["run"] is None:
            problem = "it is not told where the layers lie"
            raise InputError(
                problem,
                column="layers",
                value=str(names[0]),
                expected="an installation or a folder",
                code="OPTIONS_UNFIT",
            )
        with LayerFolder(layers or work.settings.data, progress=work.progress) as folder:
            for name, file in folder.find(names).items():
                if file.form == "raster":
                    problem = "the layer is a raster, and barriers are lines or polygons"
                    raise InputError(problem, column="--barrier-layer", value=name, code="LAYER_UNFIT")
                some, told = read_barriers(file.path, grid, kind=name, resistance=level)
                found += some
                notes += [f"{name}: {note}" for note in told]
                inputs.append(RunInput(f"barrier layer {name}", file.sha256, f"{file.name}, {file.version}"))
    return found, notes, tuple(inputs)


def border(grid: "Grid", boundaries: "BoundarySet", between: list[str], level: float) -> "list[Barrier]":
    """Return the border's barriers."""
    from biodata.analysis.scenarios.barriers import border_barriers

    pairs = [frozenset(pair.upper().split("-")) for pair in between]
    for pair, text in zip(pairs, between, strict=True):
        if len(pair) != 2 or any(code not in boundaries.countries for code in pair):
            problem = f"{text} names no two countries of the boundary set"
            raise InputError(
                problem, column="--between", value=text, expected="two codes, as CN-LA", code="OPTIONS_UNFIT"
            )
    found = border_barriers(grid, boundaries, between=pairs or None, resistance=level)
    if not found:
        there = [one.barrier_id.removeprefix("border ") for one in border_barriers(grid, boundaries)]
        problem = f"no such border runs through the raster: {', '.join(between) or 'none at all'}"
        expected = f"one of {', '.join(there)}" if there else "a raster that holds both sides of a land border"
        raise InputError(problem, expected=expected, code="OPTIONS_UNFIT")
    return found


def crossings(work: Work, grid: "Grid") -> "tuple[list[Crossing], list[str]]":
    """Read crossings."""
    from biodata.analysis.scenarios.barriers import read_crossings

    path = path_of(work, "crossings")
    if path is None:
        return [], []
    found, notes = read_crossings(path, grid, width_m=number(work, "crossing_width_m") or 0.0)
    return found, [f"{path.name}: {note}" for note in notes]


def tables(found: "Comparison", facts: dict[str, Any]) -> dict[str, pl.DataFrame]:
    """Return pairs, crossings and barriers, without their places, and what was asked."""
    bounds = facts["boundaries"]
    named = {
        "boundary_set": bounds["name"], "boundary_version": bounds["version"], "viewpoint": bounds["viewpoint"],
        "band_m": bounds["band_m"],
    }  # fmt: skip
    kinds = {"tied_with": pl.String, "order": pl.Int64, "order_eca_km2": pl.Float64}
    crossings = [
        {name: getattr(one, name) for name in one.__slots__} | {"tied_with": ", ".join(one.tied_with)}
        for one in found.crossings
    ]
    barriers = [{name: getattr(one, name) for name in one.__slots__} for one in found.barriers]
    return {
        "pairs": pl.from_pandas(found.pairs.drop(columns="geometry")),
        "crossings": pl.DataFrame(crossings, schema_overrides=kinds) if crossings else pl.DataFrame(),
        "barriers": pl.DataFrame(barriers),
        "told": told_table(facts | named),
    }


def lines(found: "Comparison") -> list[str]:
    """Return what came out as lines for a person, what became of pairs first."""
    counts = found.pairs["change"].value_counts()
    eca = found.eca_km2
    shut = f", {eca['shut']:,.6g} with every crossing shut" if found.crossings else ""
    told = [
        f"{len(found.pairs)} pairs: {', '.join(f'{count} {name}' for name, count in counts.items()) or 'none'}",
        *(f"note: {note}" for note in found.notes),
        f"equivalent connected area: {eca['open']:,.6g} km² open, {eca['closed']:,.6g} with the barriers{shut}",
    ]
    told += [
        f"{one.barrier_id} alone: of any two areas, neighbours or not, {one.pairs_cut} pairs cut, {one.pairs_dearer} dearer, "
        f"{one.eca_lost_km2:,.4g} km² of equivalent connected area lost"
        for one in found.barriers
    ]
    for one in found.crossings:
        place = "gains nothing more" if one.order is None else f"{one.order}. in order"
        tied = f", tied with {', '.join(one.tied_with)}" if one.tied_with else ""
        told.append(
            f"{one.name}: alone +{one.alone_eca_km2:,.4g} km², {one.alone_pairs_opened} pairs opened, "
            f"{one.last_eca_km2:,.4g} km² lost without it; {place}{tied}"
        )
    return told


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Two scenarios before they are compared."""

    areas: "gpd.GeoDataFrame"
    resistance: "Floats"
    grid: "Grid"
    barriers: "list[Barrier]"
    crossings: "list[Crossing]"
    parameters: "CorridorParameters"
    boundaries: "BoundarySet"
    notes: tuple[str, ...]
    inputs: tuple[RunInput, ...]
    told: dict[str, Any]


def run(work: Work) -> Outcome:
    """Compare corridors without and with barriers; pairs, crossings and barriers are the results.

    Parameters are `run` (a run of corridors in the lake) or `raster` and `areas` (paths), one of `barriers` (paths),
    `barrier_layers` with `layers`, `close_border` and `between`, and optionally those of `biodata scenarios`.
    """
    return worked(work, prepared(work))


def prepared(work: Work) -> Prepared:
    """Read ground, areas, barriers and crossings."""
    of_run = work.parameters["run"] is not None
    boundaries = places.load_boundaries(parameter(work, "boundaries", str | None) or work.settings.boundaries)
    areas, resistance, grid, parameters, notes, inputs, told = _of_run(work, boundaries) if of_run else _of_files(work)
    level = number(work, "barrier_resistance")
    built, some, more_inputs = barriers(work, grid, math.inf if level is None else level)
    notes += some
    used: dict[str, Any] = {
        "name": boundaries.name, "version": boundaries.version, "viewpoint": boundaries.viewpoint,
        "band_m": boundaries.band_m, "closed": [],
    }  # fmt: skip
    between = parameter(work, "between", list | None) or []
    if parameter(work, "close_border", bool) or between:
        closed = border(grid, boundaries, between, math.inf if level is None else level)
        used["closed"] = [one.barrier_id for one in closed]
        notes.append(f"closed: {', '.join(used['closed'])} ({boundaries.name}, {boundaries.version})")
        notes.append(
            f"the border is that of {boundaries.name}, right to {boundaries.band_m:g} m: a crossing may lie beside it"
        )
        if between:
            notes.append("all other borders stay open, so ways round through other countries count")
        built += closed
    opened, some = crossings(work, grid)
    inputs = (*inputs, *all_files(work, ("barriers",)), *more_inputs)
    return Prepared(
        areas, resistance, grid, built, opened, parameters, boundaries, (*notes, *some), inputs, told | {"boundaries": used}
    )  # fmt: skip


def worked(work: Work, ready: Prepared) -> Outcome:
    """Compare prepared scenarios, write what is asked, return the results."""
    from concurrent.futures import ThreadPoolExecutor

    from biodata.analysis.scenarios import comparing
    from biodata.exports.corridors import write_comparison, write_difference

    out, difference = path_of(work, "out"), path_of(work, "difference")
    with ThreadPoolExecutor(1) as here:
        found = comparing.compare(
            ready.areas, ready.resistance, ready.grid, barriers=ready.barriers, crossings=ready.crossings,
            parameters=ready.parameters, median_cost=number(work, "median_cost"), boundaries=ready.boundaries,
            executor=here if work.executor is None else work.executor, progress=work.progress,
        )  # fmt: skip
    asked = work.parameters
    facts: dict[str, Any] = {
        **ready.told, "barriers": [Path(path).name for path in asked["barriers"] or []],
        "barrier_layers": asked["barrier_layers"] or [], "barrier_resistance": asked["barrier_resistance"],
        "crossings": None if asked["crossings"] is None else Path(asked["crossings"]).name,
        "crossing_width_m": asked["crossing_width_m"], "parameters": ready.parameters.told(),
        "median_cost": found.median_cost, "eca_km2": found.eca_km2,
        "rows_columns_cell_m": [*ready.grid.shape, ready.grid.cell_m], "notes": [*ready.notes, *found.notes],
        "seed": None, "records_read": 0, "biodata": version("biodata"),
    }  # fmt: skip
    if out is not None:
        write_comparison(found, ready.barriers, facts, out)
    if difference is not None:
        tags = {"biodata_ground": str(ready.told["ground"]), "biodata_boundaries": str(facts["boundaries"])}
        software = {"TIFFTAG_SOFTWARE": f"biodata {version('biodata')} scenarios"}
        write_difference(found, ready.grid, difference, tags=tags | software)
    return Outcome(
        ready.inputs,
        tables(found, facts),
        ready.told.get("snapshot"),
        tuple(lines(found)),
    )


def put_into_run(work: Work, outcome: Outcome) -> int:
    """Put what becomes of its own links beside each result of the run; 0 where it was of own files."""
    pairs, crossings = (outcome.results[name].to_dicts() for name in ("pairs", "crossings"))

    def short(told: dict[str, Any], table: str, row: Mapping[str, Any]) -> dict[str, Any]:
        areas = {row["from_area_id"], row["to_area_id"]} if table == "corridors" else set(row["area_ids"] or [])
        own = [
            one for one in pairs
            if {str(one[name]).partition("|")[0] for name in ("from_area_id", "to_area_id")} <= areas
        ]  # fmt: skip
        names = ("evidence_view", "boundary_set", "boundary_version", "viewpoint", "band_m", "snapshot")
        facts = {name: value for name, value in told.items() if name not in (*names, "run", "biodata")}
        of_run = {name: told[name] for name in (*names, "run")}
        return {"pairs": own, "crossings": crossings, "asked": facts, **of_run}

    return put(work, "scenarios", outcome, short)


def _of_run(work: Work, boundaries: "BoundarySet") -> Any:
    """Return a run's ground, areas and choices."""
    stood = run_taken_up(work, _OF_A_RUN, has="ground, areas and choices")
    if stood.boundaries.told() != boundaries.told():
        problem = "the run stands on another boundary set"
        raise InputError(
            problem, value=f"{boundaries.name} {boundaries.version}",
            expected=f"{stood.boundaries.name} {stood.boundaries.version}", code="RUN_CHANGED",
        )  # fmt: skip
    told = {**stood.told(), "ground": f"run {stood.run_id}"}
    inputs = (*run_inputs(stood), *input_files(work, ("crossings",)))
    return stood.areas, stood.ground.resistance, stood.ground.grid, stood.choices, [], inputs, told


def _of_files(work: Work) -> Any:
    """Return the ground, areas and choices of a planner's own files."""
    from biodata.analysis import areas as areas_of
    from biodata.analysis import own_ground, sources
    from biodata.analysis.corridor_parameters import CorridorParameters

    raster, areas = path_of(work, "raster"), path_of(work, "areas")
    if raster is None or areas is None:
        problem = "it is not told over what"
        raise InputError(problem, expected="a run, or raster and areas", code="OPTIONS_UNFIT")
    resistance, grid, read = own_ground.read(
        raster, cell_m=number(work, "cell_m"), band=parameter(work, "band", int | None), nodata=number(work, "nodata"),
        crs=parameter(work, "crs", str | None),
    )  # fmt: skip
    notes = [f"{raster.name}: {note}" for note in read]
    if sources.is_raster(areas):
        table = own_ground.areas(areas, grid)
    else:
        names = {"layer": "areas_layer", "id_column": "id_column", "name_column": "name_column"}
        table, unfit = areas_of.read(areas, **{name: parameter(work, told, str | None) for name, told in names.items()})
        notes += [f"{areas.name}: {note}" for note in unfit]
    farthest, dearest = (number(work, name) for name in ("max_distance_m", "max_cost"))
    cut = number(work, "cut_fraction")
    parameters = CorridorParameters(
max_distance_m=math.inf if farthest is None else farthest, max_cost=math.inf if dearest is None else dearest,
        dispersal_cost=number(work, "dispersal_cost"), cut_cost=number(work, "cut_cost"),
        cut_fraction=0.1 if cut is None else cut,
    )  # fmt: skip
    told = {"ground": raster.name, "raster": raster.name, "areas": areas.name, "evidence_view": OWN_FILES}
    return table, resistance, grid, parameters, notes, input_files(work, _FILES), told


ENGINE: Final = Engine(PARAMETERS, run, put_into_run)
