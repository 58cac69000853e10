"""What becomes of areas when climates move, as tables of a kept run."""

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import polars as pl

from biodata.errors import InputError
from biodata.run_engines.work import Work, parameter, path_of

if TYPE_CHECKING:
    from biodata.analysis.climate.analogues import Analogues
    from biodata.analysis.climate.climates import Climates
    from biodata.analysis.climate.corridors import ClimateCorridorParameters
    from biodata.places import BoundarySet


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
    from biodata.analysis import own_areas
    from biodata.analysis.climate import destinations
    from biodata.exports.corridors import write_areas

    areas, out = path_of(work, "areas"), path_of(work, "out")
    if areas is None:
        return {}, []
    names = {"layer": "areas_layer", "id_column": "id_column", "name_column": "name_column"}
    table, unfit = own_areas.read(areas, **{name: parameter(work, told, str | None) for name, told in names.items()})
    lines = [f"{areas.name}: {note}" for note in unfit]
    sites = areas_of.on_grid(own_areas.on_plane(table, found.grid), found.today[0], found.grid)
    if not sites:
        problem = "no area lies on the raster"
        raise InputError(problem, file=areas.name, expected="areas inside the raster's window", code="AREAS_MISSING")
    codes, ambiguous = destinations.cell_countries(found.grid, boundaries)
    told = [
        destinations.of_areas(sites, one, codes, ambiguous, found.grid, direction=name) for name, one in ways.items()
    ]
    layers = {"destinations": pd.concat(told, ignore_index=True)}
    tables = {"destinations": _plain(layers["destinations"])}
    if asked is not None:
        linked, paths = _corridors(work, destinations.located(sites, codes), found, asked)
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
    from biodata.analysis import resistance_raster
    from biodata.analysis.climate.corridors import climate_corridors
    from biodata.analysis.grid import require_aligned

    ground, resistance = None, path_of(work, "resistance")
    if resistance is not None:
        raster = resistance_raster.read(resistance)
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
