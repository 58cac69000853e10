"""How fast climates move, and what becomes of areas when they do, as an engine of kept runs."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl
from tqdm.auto import tqdm

from biodata import places
from biodata.core.errors import InputError
from biodata.core.run_parameters import Climate as Asked
from biodata.runs.engines.work import Engine, Outcome, Ready, Work, array_hash, facts_table, input_files

if TYPE_CHECKING:
    from biodata.analysis.climate.climates import Analogues, Climates
    from biodata.analysis.climate.corridors import ClimateCorridorParameters
    from biodata.analysis.grid import Floats
    from biodata.places import BoundarySet


_SUMMARY: Final = MappingProxyType(
    {"what": pl.String, "median_km_per_year": pl.Float64, "cells": pl.Int64, "without": pl.Int64, "near_edge": pl.Int64,
     "capped": pl.Int64, "sha256": pl.String}
)  # fmt: skip


def of_areas(
    asked: Asked,
    work: Work,
    found: "Climates",
    ways: "dict[str, Analogues]",
    boundaries: "BoundarySet",
    facts: dict[str, Any],
    wanted: "ClimateCorridorParameters | None",
) -> tuple[dict[str, pl.DataFrame], list[str]]:
    """Return what becomes of areas, and write it where `out` says; nothing where no areas are stated.

    Parameters
    ----------
    asked : Climate
    work : Work
    found : Climates
    ways : dict of str to Analogues
        forward and backward.
    boundaries : BoundarySet
    facts : dict
        What the file names.
    wanted : ClimateCorridorParameters or None
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

    areas, out = asked.areas, asked.out
    if areas is None:
        return {}, []
    table, unfit = areas_of.read(
        areas, layer=asked.areas_layer, id_column=asked.id_column, name_column=asked.name_column
    )
    lines = [f"{areas.name}: {note}" for note in unfit]
    sites = areas_of.on_grid(areas_of.on_plane(table, found.grid), found.today[0], found.grid)
    if not sites:
        problem = "no area lies on the raster"
        raise InputError(problem, file=areas.name, expected="areas inside the raster's window", code="AREAS_MISSING")
    codes, ambiguous = corridors.cell_countries(found.grid, boundaries)
    entries = [
        corridors.of_areas(sites, one, codes, ambiguous, found.grid, direction=name) for name, one in ways.items()
    ]
    layers = {"destinations": pd.concat(entries, ignore_index=True)}
    tables = {"destinations": _plain(layers["destinations"])}
    if wanted is not None:
        linked, paths = _corridors(asked, work, corridors.located(sites, codes), found, wanted)
        layers |= {"climate_corridors": linked, "climate_paths": paths}
        tables["climate_corridors"] = _plain(linked)
        lines.append(f"{len(linked)} pairs of a warmer and a cooler area, {len(paths)} climate corridors")
    if out is not None:
        write_areas(layers, facts, out)
    first = entries[0].sort_values(["across_border", "area_id"], ascending=[False, True])
    lines.append(f"{len(first)} of {len(table)} areas with a known climate{'' if out is None else f' → {out}'}")
    for row in first[first["across_border"] > 0].head(5).to_dict("records"):
        where = row["areas_across"] or "in no area"
        lines.append(
            f"{row['name']!s}: {row['across_border']:.0%} of its climate lies across a border tomorrow ({where})"
        )
    return tables, lines


def _corridors(
    asked: Asked, work: Work, sites: list[Any], found: "Climates", wanted: "ClimateCorridorParameters"
) -> tuple[Any, Any]:
    """Return climate corridors and their paths."""
    from biodata.analysis import own_ground
    from biodata.analysis.climate.corridors import climate_corridors
    from biodata.analysis.grid import require_aligned

    ground = None
    if asked.resistance is not None:
        raster = own_ground.read_resistance(asked.resistance)
        require_aligned({"the climate": found.grid, asked.resistance.name: raster.grid})
        ground = raster.values
    with ThreadPoolExecutor(1) as here:
        return climate_corridors(
            sites, found, ground, parameters=wanted, executor=here if work.executor is None else work.executor,
            progress=work.progress,
        )  # fmt: skip


def _plain(table: Any) -> pl.DataFrame:
    """Return a table without its shapes."""
    plain: pl.DataFrame = pl.from_pandas(table.drop(columns="geometry"))
    return plain


def prepare(asked: Asked, work: Work) -> Ready:
    """Read both climates; figures of each map, and what becomes of areas, are the results."""
    if (asked.corridors or asked.resistance is not None) and (asked.areas is None or not asked.corridors):
        problem = "climate corridors need areas, and a resistance is for them"
        raise InputError(problem, expected="--corridors --areas FILE --out FILE", code="OPTIONS_UNFIT")
    if (asked.elevation is None) == (not asked.today) or (asked.elevation is not None and asked.warming_c is None):
        problem = "it is not told which climates"
        raise InputError(problem, expected="--today and --future, or --elevation and --warming-c", code="OPTIONS_UNFIT")
    if asked.out is not None and asked.areas is None:
        problem = "areas and the file for them go together"
        raise InputError(problem, expected="--areas and --out", code="OPTIONS_UNFIT")
    found = read(asked)
    cells = found.grid.cells
    return Ready(
        partial(worked, asked, work, found), tuple(f"note: {note}" for note in found.notes),
        lambda: f"estimate: {cells:,} cells, {cells * 300 / 2**20:,.0f} MiB, {max(1.0, cells / 1e5):,.0f} s",
    )  # fmt: skip


def read(asked: Asked) -> "Climates":
    """Read both climates."""
    from biodata.analysis.climate import climates

    if asked.elevation is None:
        return climates.read(list(asked.today), list(asked.future))
    return climates.of_elevation(
        asked.elevation, warming_c=asked.warming_c or 0.0, missing=asked.elevation_missing,
        lapse_c_per_km=asked.lapse_c_per_km,
    )  # fmt: skip


def worked(asked: Asked, work: Work, found: "Climates") -> Outcome:
    """Measure, write what is asked, return the results."""
    from biodata.analysis.climate import climates

    boundaries = places.load_boundaries(asked.boundaries or work.settings.boundaries)
    wanted, facts = _corridors_asked(asked), _facts(asked, found)
    facts |= {"corridors": None if wanted is None else asdict(wanted)}
    facts["boundaries"] = boundaries.named()
    tags = {f"biodata_{name}": str(facts[name]) for name in ("today", "future", "elevation", "years", "bin_width")}
    rows, lines = [], []
    with tqdm(total=4, unit="step", disable=not work.progress) as bar:
        if "velocity" in asked.measures:
            row, line = _velocity(asked, found, tags=tags)
            rows.append(row)
            lines.append(line)
        bar.update()
        now, then = climates.bins(found.today, found.future, widths=asked.bin_width)
        ways: dict[str, Analogues] = {}
        for name, here, offered in (("forward", now, then), ("backward", then, now)):
            if name not in asked.measures:
                continue
            ways[name] = climates.nearest(here, offered, found.grid)
            speed = ways[name].km_per_year(asked.years)
            _write(speed, found, getattr(asked, name), f"{name} analogue velocity", tags)
            row, line = _way(name, ways[name], speed)
            rows.append(row)
            lines.append(line)
            bar.update()
        tables, more = of_areas(asked, work, found, ways, boundaries, facts, wanted)
        bar.update()
    tables = {"speeds": pl.DataFrame(rows, schema=dict(_SUMMARY)), **tables, "told": facts_table(facts)}
    named = f"boundary set {boundaries.name} ({boundaries.version}), band {boundaries.band_m:g} m"
    return Outcome(input_files(asked), tables, notes=(*lines, *more, *([named] if asked.areas else [])))


def _corridors_asked(asked: Asked) -> "ClimateCorridorParameters | None":
    """Return what a search for climate corridors decides; None where none is asked."""
    from biodata.analysis.climate.corridors import ClimateCorridorParameters

    if not asked.corridors:
        return None
    return ClimateCorridorParameters(
        least_difference_c=asked.least_difference_c, cost_per_c=asked.cost_per_c, max_distance_m=asked.max_distance_m,
        tolerance_c=asked.bin_width[0] / 2, across_borders=not asked.within_countries,
    )  # fmt: skip


def _facts(asked: Asked, found: "Climates") -> dict[str, Any]:
    """Return what every output names."""
    files = {name: getattr(asked, name) for name in ("elevation", "areas", "resistance")}
    names = {name: None if path is None else path.name for name, path in files.items()}
    return {
        "today": [path.name for path in asked.today], "future": [path.name for path in asked.future], **names,
        "warming_c": asked.warming_c, "lapse_c_per_km": asked.lapse_c_per_km if asked.elevation else None,
        "years": asked.years, "bin_width": list(asked.bin_width),
        "least_gradient": asked.least_gradient, "rows_columns_cell_m": [*found.grid.shape, found.grid.cell_m],
        "notes": list(found.notes), "seed": None, "records_read": 0, "biodata": version("biodata"),
    }  # fmt: skip


def _velocity(asked: Asked, found: "Climates", *, tags: dict[str, str]) -> tuple[dict[str, Any], str]:
    """Measure and write the velocity of the first variable."""
    from biodata.analysis.climate import climates

    least = asked.least_gradient
    speed = climates.velocity(found.today[0], found.future[0], found.grid, years=asked.years, least_gradient=least)
    path = asked.velocity
    _write(speed.km_per_year, found, path, f"velocity of {found.names[0]}", tags)
    middle, capped = float(np.nanmedian(np.abs(speed.km_per_year))), int(speed.capped.sum())
    row = {
        "what": f"velocity of {found.names[0]}", "median_km_per_year": middle, "capped": capped,
        "cells": int(np.isfinite(speed.km_per_year).sum()), "sha256": array_hash(speed.km_per_year),
    }  # fmt: skip
    line = (
        f"velocity of {found.names[0]}: median {middle:.3g} km a year; {capped} cells are flatter than "
        f"{least:g} a kilometre and taken as so steep{'' if path is None else f' → {path}'}"
    )
    return row, line


def _way(name: str, found: "Analogues", speed: "Floats") -> tuple[dict[str, Any], str]:
    """Return what came out of one direction."""
    none, known = int((found.cell == -1).sum()), int((found.cell > -2).sum())
    middle = float(np.nanmedian(speed)) if np.isfinite(speed).any() else None
    row = {
        "what": f"{name} analogues", "median_km_per_year": middle, "cells": known, "without": none,
        "near_edge": found.near_edge, "sha256": array_hash(speed),
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


ENGINE: Final = Engine(Asked, prepare)
