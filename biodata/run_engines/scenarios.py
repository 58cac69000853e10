"""Corridors with the border open and closed, as an engine of kept runs."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from biodata import places
from biodata.errors import InputError
from biodata.run_engines import scenario_barriers, scenario_tables
from biodata.run_engines.over_runs import all_files, input_files, put, run_inputs
from biodata.run_engines.work import Outcome, Parameters, Work, number, parameter, path_of
from biodata.run_records import RunInput
from biodata.runs import standing
from biodata.vocabularies import OWN_FILES

if TYPE_CHECKING:
    import geopandas as gpd

    from biodata.analysis.corridor_parameters import CorridorParameters
    from biodata.analysis.grid import Floats, Grid
    from biodata.analysis.scenarios.barriers import Barrier, Crossing
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
    built, some, more_inputs = scenario_barriers.barriers(work, grid, math.inf if level is None else level)
    notes += some
    used: dict[str, Any] = {
        "name": boundaries.name, "version": boundaries.version, "viewpoint": boundaries.viewpoint,
        "band_m": boundaries.band_m, "closed": [],
    }  # fmt: skip
    between = parameter(work, "between", list | None) or []
    if parameter(work, "close_border", bool) or between:
        closed = scenario_barriers.border(grid, boundaries, between, math.inf if level is None else level)
        used["closed"] = [one.barrier_id for one in closed]
        notes.append(f"closed: {', '.join(used['closed'])} ({boundaries.name}, {boundaries.version})")
        notes.append(
            f"the border is that of {boundaries.name}, right to {boundaries.band_m:g} m: a crossing may lie beside it"
        )
        if between:
            notes.append("all other borders stay open, so ways round through other countries count")
        built += closed
    opened, some = scenario_barriers.crossings(work, grid)
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
        scenario_tables.tables(found, facts),
        ready.told.get("snapshot"),
        tuple(scenario_tables.lines(found)),
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
    given = [name for name in _OF_A_RUN if work.parameters[name] is not None]
    if given:
        problem = f"a run has its own ground, areas and choices, so it takes no {', '.join(given)}"
        raise InputError(problem, column=given[0], expected="run alone, or raster and areas", code="OPTIONS_UNFIT")
    stood = standing.taken_up(
        work.settings, parameter(work, "run", str), resistance=path_of(work, "resistance"), progress=work.progress
    )
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
    from biodata.analysis import own_areas, own_ground, sources
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
        table, unfit = own_areas.read(
            areas, **{name: parameter(work, told, str | None) for name, told in names.items()}
        )
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
