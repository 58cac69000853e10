"""Corridors with the border open and closed, as an engine of kept runs."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from biodata import places
from biodata.core.errors import InputError
from biodata.core.run_parameters import OwnLinks
from biodata.core.run_parameters import Scenarios as Asked
from biodata.core.vocabularies import OWN_FILES
from biodata.runs.corridors import choices_of
from biodata.runs.engines.work import (
    Engine,
    Outcome,
    Ready,
    Work,
    base_run,
    facts_table,
    input_files,
    read_own_ground,
    run_inputs,
)
from biodata.store.run_records import RunInput

if TYPE_CHECKING:
    import geopandas as gpd

    from biodata.analysis.corridor_parameters import CorridorParameters
    from biodata.analysis.grid import Floats, Grid
    from biodata.analysis.scenarios.barriers import Barrier, Crossing
    from biodata.analysis.scenarios.comparing import Comparison
    from biodata.places import BoundarySet


def barriers(
    asked: Asked, work: Work, grid: "Grid", level: float
) -> "tuple[list[Barrier], list[str], tuple[RunInput, ...]]":
    """Read barriers out of files and named layers."""
    from biodata.analysis.scenarios.barriers import read_barriers
    from biodata.runs.engines.rasters import LayerFolder

    found, notes, inputs = [], [], []
    for path in asked.barriers:
        some, texts = read_barriers(path, grid, kind=path.stem, resistance=level)
        found += some
        notes += [f"{path.name}: {note}" for note in texts]
    names, layers = asked.barrier_layer, asked.layers
    if names:
        with LayerFolder(layers or work.settings.data, progress=work.progress) as folder:
            for name, file in folder.find(names).items():
                if file.form == "raster":
                    problem = "the layer is a raster, and barriers are lines or polygons"
                    raise InputError(problem, column="--barrier-layer", value=name, code="LAYER_UNFIT")
                some, texts = read_barriers(file.path, grid, kind=name, resistance=level)
                found += some
                notes += [f"{name}: {note}" for note in texts]
                inputs.append(RunInput(f"barrier layer {name}", file.sha256, f"{file.name}, {file.version}"))
    return found, notes, tuple(inputs)


def border(grid: "Grid", boundaries: "BoundarySet", between: Sequence[str], level: float) -> "list[Barrier]":
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


def crossings(asked: Asked, grid: "Grid") -> "tuple[list[Crossing], list[str]]":
    """Read crossings."""
    from biodata.analysis.scenarios.barriers import read_crossings

    if asked.crossings is None:
        return [], []
    found, notes = read_crossings(asked.crossings, grid, width_m=asked.crossing_width_m)
    return found, [f"{asked.crossings.name}: {note}" for note in notes]


def tables(found: "Comparison", facts: dict[str, Any]) -> dict[str, pl.DataFrame]:
    """Return pairs and crossings, without their places, and what was asked."""
    bounds = facts["boundaries"]
    named = {
        "boundary_set": bounds["name"], "boundary_version": bounds["version"], "viewpoint": bounds["viewpoint"],
        "band_m": bounds["band_m"],
    }  # fmt: skip
    crossings = [asdict(one) for one in found.crossings]
    return {
        "pairs": pl.from_pandas(found.pairs.drop(columns="geometry")),
        "crossings": pl.DataFrame(crossings),
        "told": facts_table(facts | named),
    }


def lines(found: "Comparison") -> list[str]:
    """Return what came out as lines for a person, what became of pairs first."""
    counts = found.pairs["change"].value_counts()
    eca = found.eca_km2
    shut = f", {eca['shut']:,.6g} with every crossing shut" if found.crossings else ""
    texts = [
        f"{len(found.pairs)} pairs: {', '.join(f'{count} {name}' for name, count in counts.items()) or 'none'}",
        *(f"note: {note}" for note in found.notes),
        f"equivalent connected area: {eca['open']:,.6g} km² open, {eca['closed']:,.6g} with the barriers{shut}",
    ]
    return texts + [
        f"{one.name}: alone +{one.alone_eca_km2:,.4g} km², {one.alone_pairs_opened} pairs opened, "
        f"{one.last_eca_km2:,.4g} km² lost without it"
        for one in found.crossings
    ]


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


def prepare(asked: Asked, work: Work) -> Ready:
    """Read ground, areas, barriers and crossings; pairs, crossings and barriers of both scenarios are the results.

    It is asked of a run of corridors in the lake, or of a planner's own raster and areas.
    """
    if not (asked.barriers or asked.barrier_layer or asked.close_border or asked.between):
        problem, expected = "it is not told what closes", "--barriers FILE, --barrier-layer NAME or --close-border"
        raise InputError(problem, expected=expected, code="OPTIONS_UNFIT")
    of_nothing = asked.layers is not None and not asked.barrier_layer
    of_nowhere = asked.barrier_layer and asked.layers is None and asked.run is None
    if of_nothing or of_nowhere:
        problem, expected = "a layer's name and where it lies go together", "--barrier-layer NAME --layers DIR"
        raise InputError(problem, expected=expected, code="OPTIONS_UNFIT")
    ready = _prepared(asked, work)
    return Ready(
        partial(worked, asked, work, ready), ready.notes,
        lambda: _estimate(len(ready.areas), ready.grid.cells, len(ready.crossings), work.workers),
    )  # fmt: skip


def _estimate(areas: int, cells: int, crossings: int, workers: int) -> str:
    """Return what a run will take: a search from each area for each set of open crossings, and the corridors of both."""
    searches = areas * (2 * crossings + 6)
    # Measured on one thread: a search takes a second for 8 million cells, and 0.3 ms for each area that it looks up.
    seconds = searches * (cells / 8e6 + areas / 2 * 3e-4) / workers
    return (
        f"estimate: {cells:,} cells, {areas} areas, {crossings} crossings, {searches:,} searches, "
        f"{cells * 75 / 2**20 + workers * cells * 32 / 2**20:,.0f} MiB, {max(seconds, 1):,.0f} s"
    )


def _prepared(asked: Asked, work: Work) -> Prepared:
    """Read ground, areas, barriers and crossings."""
    boundaries = places.load_boundaries(asked.boundaries or work.settings.boundaries)
    areas, resistance, grid, parameters, notes, inputs, reported = (
        _of_files(asked) if asked.run is None else _of_run(asked, work, boundaries)
    )
    level = math.inf if asked.barrier_resistance is None else asked.barrier_resistance
    built, some, more_inputs = barriers(asked, work, grid, level)
    notes += some
    used: dict[str, Any] = {**boundaries.named(), "closed": []}
    if asked.close_border or asked.between:
        closed = border(grid, boundaries, asked.between, level)
        used["closed"] = [one.barrier_id for one in closed]
        notes.append(f"closed: {', '.join(used['closed'])} ({boundaries.name}, {boundaries.version})")
        notes.append(
            f"the border is that of {boundaries.name}, right to {boundaries.band_m:g} m: a crossing may lie beside it"
        )
        if asked.between:
            notes.append("all other borders stay open, so ways round through other countries count")
        built += closed
    opened, some = crossings(asked, grid)
    return Prepared(
        areas, resistance, grid, built, opened, parameters, boundaries, (*notes, *some), (*inputs, *more_inputs),
        reported | {"boundaries": used},
    )  # fmt: skip


def worked(asked: Asked, work: Work, ready: Prepared) -> Outcome:
    """Compare prepared scenarios, write what is asked, return the results."""
    from concurrent.futures import ThreadPoolExecutor

    from biodata.analysis.scenarios import comparing
    from biodata.exports.corridors import write_comparison, write_difference

    with ThreadPoolExecutor(1) as here:
        found = comparing.compare(
            ready.areas, ready.resistance, ready.grid, barriers=ready.barriers, crossings=ready.crossings,
            parameters=ready.parameters, median_cost=asked.median_cost, boundaries=ready.boundaries,
            executor=here if work.executor is None else work.executor, progress=work.progress,
        )  # fmt: skip
    facts: dict[str, Any] = {
        **ready.told, "barriers": [path.name for path in asked.barriers],
        "barrier_layers": list(asked.barrier_layer), "barrier_resistance": asked.barrier_resistance,
        "crossings": None if asked.crossings is None else asked.crossings.name,
        "crossing_width_m": asked.crossing_width_m, "parameters": ready.parameters.to_dict(),
        "median_cost": found.median_cost, "eca_km2": found.eca_km2,
        "rows_columns_cell_m": [*ready.grid.shape, ready.grid.cell_m], "notes": [*ready.notes, *found.notes],
        "seed": None, "records_read": 0, "biodata": version("biodata"),
    }  # fmt: skip
    if asked.out is not None:
        write_comparison(found, ready.barriers, facts, asked.out)
    if asked.difference is not None:
        tags = {"biodata_ground": str(ready.told["ground"]), "biodata_boundaries": str(facts["boundaries"])}
        software = {"TIFFTAG_SOFTWARE": f"biodata {version('biodata')} scenarios"}
        write_difference(found, ready.grid, asked.difference, tags=tags | software)
    return Outcome(ready.inputs, tables(found, facts), ready.told.get("snapshot"), tuple(lines(found)))


def _short(
    results: Mapping[str, pl.DataFrame], stated: dict[str, Any], table: str, row: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a row's report tells: its own links, and what was asked of all of them."""
    areas = {row["from_area_id"], row["to_area_id"]} if table == "corridors" else set(row["area_ids"] or [])
    # Of an area that a barrier divides every part counts.
    own = [
        one for one in results["pairs"].to_dicts()
        if {str(one[name]).partition("|")[0] for name in ("from_area_id", "to_area_id")} <= areas
    ]  # fmt: skip
    names = ("evidence_view", "boundary_set", "boundary_version", "viewpoint", "band_m", "snapshot", "run")
    facts = {name: value for name, value in stated.items() if name not in (*names, "biodata")}
    of_run = {name: stated[name] for name in names}
    return {"pairs": own, "crossings": results["crossings"].to_dicts(), "asked": facts, **of_run}


def _of_run(asked: Asked, work: Work, boundaries: "BoundarySet") -> Any:
    """Return a run's ground, areas and choices."""
    stood = base_run(asked, work, tuple(OwnLinks.model_fields), has="ground, areas and choices")
    if stood.boundaries.to_dict() != boundaries.to_dict():
        problem = "the run stands on another boundary set"
        raise InputError(
            problem, value=f"{boundaries.name} {boundaries.version}",
            expected=f"{stood.boundaries.name} {stood.boundaries.version}", code="RUN_CHANGED",
        )  # fmt: skip
    facts = {**stood.to_dict(), "ground": f"run {stood.run_id}"}
    inputs = (*run_inputs(stood), *input_files(asked, leave=("resistance", "layers")))
    return stood.areas, stood.ground.resistance, stood.ground.grid, stood.choices, [], inputs, facts


def _of_files(asked: Asked) -> Any:
    """Return the ground, areas and choices of a planner's own files."""
    table, resistance, grid, notes = read_own_ground(asked)
    names = {name: getattr(asked, name).name for name in ("raster", "areas")}
    facts = {"ground": names["raster"], **names, "evidence_view": OWN_FILES}
    inputs = input_files(asked, leave=("resistance", "layers"))
    return table, resistance, grid, choices_of(asked), notes, inputs, facts


ENGINE: Final = Engine(Asked, prepare, ("scenarios", _short))
