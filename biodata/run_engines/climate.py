"""How fast climates move, and what becomes of areas when they do, as an engine of kept runs."""

import hashlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
from tqdm.auto import tqdm

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
    told_table,
)

if TYPE_CHECKING:
    from biodata.analysis.climate.climates import Analogues, Climates
    from biodata.analysis.climate.corridors import ClimateCorridorParameters
    from biodata.analysis.grid import Floats
    from biodata.places import BoundarySet


_FILES: Final = ("elevation", "areas", "resistance")
_RASTERS: Final = ("velocity", "forward", "backward")
PARAMETERS: Final = Parameters(
    ("years",),
    MappingProxyType(
        dict.fromkeys(
            (*_FILES, *_RASTERS, "today", "future", "warming_c", "elevation_missing", "bin_width", "areas_layer",
             "id_column", "name_column", "boundaries", "out")
        )
        | {
            "measures": list(_RASTERS),
            "lapse_c_per_km": -6.5, "standardise": False, "least_gradient": 0.01, "corridors": False,
            "least_difference_c": 1.0, "cost_per_c": 50_000.0, "max_distance_m": 200_000.0, "within_countries": False,
        }
    ),
    paths=frozenset({*_FILES, "today", "future"}),
    outputs=frozenset({*_RASTERS, "out"}),
)  # fmt: skip
_SUMMARY: Final = MappingProxyType(
    {"what": pl.String, "median_km_per_year": pl.Float64, "cells": pl.Int64, "without": pl.Int64, "near_edge": pl.Int64,
     "capped": pl.Int64, "sha256": pl.String}
)  # fmt: skip


def of_areas(
    work: Work,
    found: "Climates",
    ways: "dict[str, Analogues]",
    boundaries: "BoundarySet",
    facts: dict[str, Any],
    asked: "ClimateCorridorParameters | None",
) -> tuple[dict[str, pl.DataFrame], list[str]]:
    """Return what becomes of areas, and write it where `out` says; nothing where no areas are told.

    Parameters
    ----------
    work : Work
    found : Climates
    ways : dict of str to Analogues
        forward and backward.
    boundaries : BoundarySet
    facts : dict
        What the file names.
    asked : ClimateCorridorParameters or None
        None for no corridors.

    Returns
    -------
    tables : dict of str to polars.DataFrame
        destinations and, where they are asked, climate_corridors; without shapes.
    lines : list of str
    """
    import pandas as pd

    from biodata.analysis import areas as areas_of
    from biodata.analysis.climate import corridors
    from biodata.exports.corridors import write_areas

    areas, out = path_of(work, "areas"), path_of(work, "out")
    if areas is None:
        return {}, []
    names = {"layer": "areas_layer", "id_column": "id_column", "name_column": "name_column"}
    table, unfit = areas_of.read(areas, **{name: parameter(work, told, str | None) for name, told in names.items()})
    lines = [f"{areas.name}: {note}" for note in unfit]
    sites = areas_of.on_grid(areas_of.on_plane(table, found.grid), found.today[0], found.grid)
    if not sites:
        problem = "no area lies on the raster"
        raise InputError(problem, file=areas.name, expected="areas inside the raster's window", code="AREAS_MISSING")
    codes, ambiguous = corridors.cell_countries(found.grid, boundaries)
    told = [corridors.of_areas(sites, one, codes, ambiguous, found.grid, direction=name) for name, one in ways.items()]
    layers = {"destinations": pd.concat(told, ignore_index=True)}
    tables = {"destinations": _plain(layers["destinations"])}
    if asked is not None:
        linked, paths = _corridors(work, corridors.located(sites, codes), found, asked)
        layers |= {"climate_corridors": linked, "climate_paths": paths}
        tables["climate_corridors"] = _plain(linked)
        lines.append(f"{len(linked)} pairs of a warmer and a cooler area, {len(paths)} climate corridors")
    if out is not None:
        write_areas(layers, facts, out)
    first = told[0].sort_values(["across_border", "area_id"], ascending=[False, True])
    lines.append(f"{len(first)} of {len(table)} areas with a known climate{'' if out is None else f' → {out}'}")
    for row in first[first["across_border"] > 0].head(5).to_dict("records"):
        where = row["areas_across"] or "in no area"
        lines.append(
            f"{row['name']!s}: {row['across_border']:.0%} of its climate lies across a border tomorrow ({where})"
        )
    return tables, lines


def _corridors(work: Work, sites: list[Any], found: "Climates", asked: "ClimateCorridorParameters") -> tuple[Any, Any]:
    """Return climate corridors and their paths."""
    from biodata.analysis import own_ground
    from biodata.analysis.climate.corridors import climate_corridors
    from biodata.analysis.grid import require_aligned

    ground, resistance = None, path_of(work, "resistance")
    if resistance is not None:
        raster = own_ground.read_resistance(resistance)
        require_aligned({"the climate": found.grid, resistance.name: raster.grid})
        ground = raster.values
    with ThreadPoolExecutor(1) as here:
        return climate_corridors(
            sites, found, ground, parameters=asked, executor=here if work.executor is None else work.executor,
            progress=work.progress,
        )  # fmt: skip


def _plain(table: Any) -> pl.DataFrame:
    """Return a table without its shapes."""
    plain: pl.DataFrame = pl.from_pandas(table.drop(columns="geometry"))
    return plain


def run(work: Work) -> Outcome:
    """Measure how climates move; figures of each map, and what becomes of areas, are the results.

    Parameters are `years`, `today` and `future` (lists of paths) or `elevation` (path) and `warming_c`, and optionally those
    of `biodata climate`. `measures` are velocity, forward and backward, all of them where none is told; each is written
    where the parameter of its name says. What becomes of areas needs forward and backward.
    """
    return worked(work, read(work))


def read(work: Work) -> "Climates":
    """Read both climates."""
    from biodata.analysis.climate import climates

    elevation = path_of(work, "elevation")
    if elevation is None:
        today, future = (
            [Path(one) for one in parameter(work, name, list | None) or []] for name in ("today", "future")
        )
        return climates.read(today, future)
    lapse = number(work, "lapse_c_per_km")
    return climates.of_elevation(
        elevation, warming_c=number(work, "warming_c") or 0.0, missing=number(work, "elevation_missing"),
        lapse_c_per_km=climates.LAPSE_C_PER_KM if lapse is None else lapse,
    )  # fmt: skip


def worked(work: Work, found: "Climates") -> Outcome:
    """Measure, write what is asked, return the results."""
    from biodata.analysis.climate import climates

    years, least = number(work, "years") or 0.0, number(work, "least_gradient") or 0.0
    if not years > 0:
        problem = "the years between today and tomorrow must be above 0"
        raise InputError(problem, column="years", value=f"{years:g}", expected="such as 50", code="PARAMETERS_INVALID")
    measures = _measures(work)
    boundaries = places.load_boundaries(parameter(work, "boundaries", str | None) or work.settings.boundaries)
    asked, facts = _corridors_asked(work), _facts(work, found)
    facts |= {"corridors": None if asked is None else asdict(asked)}
    facts["boundaries"] = {
        "name": boundaries.name, "version": boundaries.version, "viewpoint": boundaries.viewpoint,
        "band_m": boundaries.band_m,
    }  # fmt: skip
    tags = {f"biodata_{name}": str(facts[name]) for name in ("today", "future", "elevation", "years", "bin_width")}
    rows, lines = [], []
    with tqdm(total=4, unit="step", disable=not work.progress) as bar:
        if "velocity" in measures:
            row, line = _velocity(work, found, years=years, least_gradient=least, tags=tags)
            rows.append(row)
            lines.append(line)
        bar.update()
        standardise = parameter(work, "standardise", bool)
        both = climates.standardised(found.today, found.future) if standardise else (found.today, found.future)
        widths = tuple(_widths(work))
        widths = widths * len(found.names) if standardise and len(widths) == 1 else widths
        now, then = climates.bins(*both, widths=widths)
        ways: dict[str, Analogues] = {}
        for name, wanted, offered in (("forward", now, then), ("backward", then, now)):
            if name not in measures:
                continue
            ways[name] = climates.nearest(wanted, offered, found.grid)
            speed = ways[name].km_per_year(years)
            _write(speed, found, path_of(work, name), f"{name} analogue velocity", tags)
            row, line = _way(name, ways[name], speed)
            rows.append(row)
            lines.append(line)
            bar.update()
        tables, more = of_areas(work, found, ways, boundaries, facts, asked)
        bar.update()
    inputs = (*input_files(work, _FILES), *all_files(work, ("today", "future")))
    tables = {"speeds": pl.DataFrame(rows, schema=dict(_SUMMARY)), **tables, "told": told_table(facts)}
    named = f"boundary set {boundaries.name} ({boundaries.version}), band {boundaries.band_m:g} m"
    return Outcome(inputs, tables, notes=(*lines, *more, *([named] if work.parameters["areas"] else [])))


def _measures(work: Work) -> set[str]:
    """Return what is measured."""
    told = {str(one) for one in parameter(work, "measures", list | tuple)}
    needed = {"forward", "backward"} if work.parameters["areas"] is not None else set()
    if not told <= set(_RASTERS) or not needed <= told:
        problem = "this is not what can be measured" if needed <= told else "areas need both directions"
        raise InputError(
            problem,
            column="measures",
            value=", ".join(sorted(told)),
            expected=", ".join(_RASTERS),
            code="PARAMETERS_INVALID",
        )
    return told


def _widths(work: Work) -> list[float]:
    """Return the widths of bins."""
    return [float(one) for one in parameter(work, "bin_width", list | None) or [0.5]]


def _corridors_asked(work: Work) -> "ClimateCorridorParameters | None":
    """Return what a search for climate corridors decides; None where none is asked."""
    from biodata.analysis.climate.corridors import ClimateCorridorParameters

    if not parameter(work, "corridors", bool):
        return None
    told = {
        name: float(parameter(work, name, int | float))
        for name in ("least_difference_c", "cost_per_c", "max_distance_m")
    }
    return ClimateCorridorParameters(
        least_difference_c=told["least_difference_c"], cost_per_c=told["cost_per_c"],
        max_distance_m=told["max_distance_m"], tolerance_c=_widths(work)[0] / 2,
        across_borders=not parameter(work, "within_countries", bool),
    )  # fmt: skip


def _facts(work: Work, found: "Climates") -> dict[str, Any]:
    """Return what every output names."""
    asked = work.parameters
    elevation, areas, resistance = (path_of(work, name) for name in _FILES)
    return {
        "today": [Path(path).name for path in asked["today"] or []],
        "future": [Path(path).name for path in asked["future"] or []],
        "elevation": None if elevation is None else elevation.name, "warming_c": asked["warming_c"],
        "lapse_c_per_km": asked["lapse_c_per_km"] if elevation else None, "years": asked["years"],
        "bin_width": _widths(work), "standardise": asked["standardise"], "least_gradient": asked["least_gradient"],
        "areas": None if areas is None else areas.name, "resistance": None if resistance is None else resistance.name,
        "rows_columns_cell_m": [*found.grid.shape, found.grid.cell_m], "notes": list(found.notes), "seed": None,
        "records_read": 0, "biodata": version("biodata"),
    }  # fmt: skip


def _velocity(
    work: Work, found: "Climates", *, years: float, least_gradient: float, tags: dict[str, str]
) -> tuple[dict[str, Any], str]:
    """Measure and write the velocity of the first variable."""
    from biodata.analysis.climate import climates

    speed = climates.velocity(found.today[0], found.future[0], found.grid, years=years, least_gradient=least_gradient)
    path = path_of(work, "velocity")
    _write(speed.km_per_year, found, path, f"velocity of {found.names[0]}", tags)
    middle, capped = float(np.nanmedian(np.abs(speed.km_per_year))), int(speed.capped.sum())
    row = {
        "what": f"velocity of {found.names[0]}", "median_km_per_year": middle, "capped": capped,
        "cells": int(np.isfinite(speed.km_per_year).sum()), "sha256": _hash(speed.km_per_year),
    }  # fmt: skip
    line = (
        f"velocity of {found.names[0]}: median {middle:.3g} km a year; {capped} cells are flatter than "
        f"{least_gradient:g} a kilometre and taken as so steep{'' if path is None else f' → {path}'}"
    )
    return row, line


def _way(name: str, found: "Analogues", speed: "Floats") -> tuple[dict[str, Any], str]:
    """Return what came out of one direction."""
    none, known = int((found.cell == -1).sum()), int((found.cell > -2).sum())
    middle = float(np.nanmedian(speed)) if np.isfinite(speed).any() else None
    row = {
        "what": f"{name} analogues", "median_km_per_year": middle, "cells": known, "without": none,
        "near_edge": found.near_edge, "sha256": _hash(speed),
    }  # fmt: skip
    line = (
        f"{name} analogues: {'' if middle is None else f'median {middle:.3g} km a year; '}{none:,} of {known:,} cells have "
        f"none on the raster; for {found.near_edge:,} ground outside it could hold a nearer one"
    )
    return row, line


def _write(values: "Floats", found: "Climates", path: Path | None, description: str, tags: dict[str, str]) -> None:
    """Write a raster of speeds, if that is asked."""
    from biodata.exports.corridors import write_speed

    if path is not None:
        write_speed(values, found.grid, path, description=description, tags=tags)


def _hash(values: "Floats") -> str:
    """Return the checksum of a map."""
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()


ENGINE: Final = Engine(PARAMETERS, run)
