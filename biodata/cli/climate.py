"""`biodata climate`: how fast climates move, what of an area's climate lies across the border, climate corridors."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from biodata.cli.options import DEFAULT_BOUNDARIES, BoundariesOption, check_kinds, check_outputs, say, show_progress
from biodata.errors import InputError

if TYPE_CHECKING:
    from biodata.analysis.climate.climates import Climates
    from biodata.analysis.grid import Floats, Grid

_CLIMATE = """Tell how fast climates move, where an area's climate of today lies tomorrow, and the corridors that lead there.

--today and --future are rasters of the same variables in the same order, on the same cells; several variables by giving
the options several times, each with a --bin-width. With --elevation temperature is taken from height alone. --velocity
gets the first variable's change in time over its change in space (Loarie 2009), --forward and --backward the distance to
the nearest cell of the same climate over the years (Hamann 2015). With --areas, --out gets the layer destinations (which
share of each area's analogues lies across a border, and in which areas) and, with --corridors, climate_corridors and
climate_paths: from an area to a cooler one across the border, on which each degree of change costs as --cost-per-c says
(Nuñez 2013), with the share of the first area's climate that the second one has tomorrow.

Example: biodata climate --today t_now.tif --future t_2070.tif --years 50 --velocity velocity.tif --forward forward.tif --areas areas.gpkg --out climate.gpkg

Example: biodata climate --elevation dem.tif --warming-c 2 --years 50 --areas areas.gpkg --corridors --out climate.gpkg
"""


def add_commands(app: typer.Typer) -> None:
    """Add this file's command to the application."""
    app.command(name="climate", help=_CLIMATE)(climate)


def climate(
    years: Annotated[float, typer.Option(help="Years between today and tomorrow.")],
    today: Annotated[list[Path] | None, typer.Option(help="Raster of a variable today; several times.")] = None,
    future: Annotated[list[Path] | None, typer.Option(help="The same variable tomorrow; several times.")] = None,
    elevation: Annotated[Path | None, typer.Option(help="Elevation, metres, in place of a climate.")] = None,
    warming_c: Annotated[
        float | None, typer.Option(help="By how much it is warmer tomorrow, with --elevation.")
    ] = None,
    lapse_c_per_km: Annotated[float, typer.Option(help="Change of temperature with height.")] = -6.5,
    elevation_missing: Annotated[
        float | None, typer.Option(help="Elevation that stands for the sea where the file does not say so.")
    ] = None,
    bin_width: Annotated[
        list[float] | None, typer.Option(help="Width of what counts as one climate: 0.5; for each variable.", min=0)
    ] = None,
    standardise: Annotated[
        bool, typer.Option("--standardise", help="One --bin-width in standard deviations, variables decorrelated.")
    ] = False,
    least_gradient: Annotated[
        float, typer.Option(help="Flatter ground than this (unit a kilometre) is taken as so steep.", min=0)
    ] = 0.01,
    velocity: Annotated[Path | None, typer.Option(help="GeoTIFF, km a year.", dir_okay=False)] = None,
    forward: Annotated[Path | None, typer.Option(help="GeoTIFF, km a year to where it goes.", dir_okay=False)] = None,
    backward: Annotated[
        Path | None, typer.Option(help="GeoTIFF, km a year from where it comes.", dir_okay=False)
    ] = None,
    areas: Annotated[Path | None, typer.Option(help="Polygons or points.")] = None,
    areas_layer: Annotated[str | None, typer.Option(help="Layer of the areas' file.")] = None,
    id_column: Annotated[str | None, typer.Option(help="Column with the areas' ids.")] = None,
    name_column: Annotated[str | None, typer.Option(help="Column with their names.")] = None,
    corridors: Annotated[bool, typer.Option("--corridors", help="Find climate corridors between the areas.")] = False,
    resistance: Annotated[Path | None, typer.Option(help="Resistance of their ground, on the same cells; 1.")] = None,
    least_difference_c: Annotated[
        float, typer.Option(help="By how much the second area is cooler today.", min=0)
    ] = 1.0,
    cost_per_c: Annotated[
        float, typer.Option(help="Cost-metres of a change by a degree on the way.", min=0)
    ] = 50_000.0,
    max_distance_m: Annotated[
        float, typer.Option(help="Areas farther apart are not joined, metres.", min=0)
    ] = 200_000.0,
    within_countries: Annotated[
        bool, typer.Option("--within-countries", help="Join areas of the same country too.")
    ] = False,
    boundaries: BoundariesOption = DEFAULT_BOUNDARIES,
    out: Annotated[Path | None, typer.Option(help="GeoPackage of what becomes of areas.", dir_okay=False)] = None,
    workers: Annotated[int | None, typer.Option(help="Threads: one for each core.", min=1)] = None,
    estimate: Annotated[bool, typer.Option("--estimate", help="Only tell cells, memory and seconds.")] = False,
) -> None:
    """Read, compute, write, say what came out."""
    outputs = [velocity, forward, backward, out]
    if not any(outputs) and not estimate:
        _stop("it is not told what to write", "--velocity, --forward, --backward or --out")
    if (areas is None) != (out is None) and not estimate:
        _stop("areas and the file for them go together", "--areas and --out")
    if not years > 0:
        _stop("the years between today and tomorrow must be above 0", "--years 50")
    if (corridors or resistance is not None) and (areas is None or not corridors):
        _stop("climate corridors need areas, and a resistance is for them", "--corridors --areas FILE --out FILE")
    if (elevation is None) == (not today) or (elevation is not None and warming_c is None):
        _stop("it is not told which climates", "--today and --future, or --elevation and --warming-c")
    if out is not None and out.suffix.lower() != ".gpkg":
        _stop("areas are written as a GeoPackage", "--out with a name that ends with .gpkg")
    inputs = [path for path in (*(today or []), *(future or []), elevation, areas, resistance) if path is not None]
    check_outputs(outputs, inputs)
    check_kinds([velocity, forward, backward])

    from dataclasses import asdict
    from importlib.metadata import version

    from tqdm.auto import tqdm

    from biodata.analysis.climate import analogues, climates
    from biodata.analysis.climate.corridors import ClimateCorridorParameters
    from biodata.places import load_boundaries

    if elevation is not None:
        found = climates.of_elevation(
            elevation, warming_c=warming_c or 0.0, lapse_c_per_km=lapse_c_per_km, missing=elevation_missing
        )
    else:
        found = climates.read(today or [], future or [])
    for note in found.notes:
        say(f"note: {note}")
    grid, known = found.grid, load_boundaries(boundaries)
    say(f"boundary set {known.name} ({known.version}), band {known.band_m:g} m")
    say(f"estimate: {grid.cells:,} cells, {grid.cells * 300 / 2**20:,.0f} MiB, {max(1.0, grid.cells / 1e5):,.0f} s")
    if estimate:
        return
    asked = None
    if corridors:
        asked = ClimateCorridorParameters(
            least_difference_c=least_difference_c, cost_per_c=cost_per_c, max_distance_m=max_distance_m,
            tolerance_c=(bin_width or [0.5])[0] / 2, across_borders=not within_countries,
        )  # fmt: skip
    facts: dict[str, Any] = {
        "today": [path.name for path in today or []], "future": [path.name for path in future or []],
        "elevation": None if elevation is None else elevation.name, "warming_c": warming_c,
        "lapse_c_per_km": lapse_c_per_km if elevation else None, "years": years, "bin_width": bin_width or [0.5],
        "standardise": standardise, "least_gradient": least_gradient, "areas": None if areas is None else areas.name,
        "boundaries": {
            "name": known.name, "version": known.version, "viewpoint": known.viewpoint, "band_m": known.band_m,
        },
        "corridors": None if asked is None else asdict(asked),
        "resistance": None if resistance is None else resistance.name,
        "rows_columns_cell_m": [*grid.shape, grid.cell_m], "notes": list(found.notes), "seed": None,
        "records_read": 0, "biodata": version("biodata"),
    }  # fmt: skip
    tags = {f"biodata_{name}": str(facts[name]) for name in ("today", "future", "elevation", "years", "bin_width")}
    steps = [velocity is not None, forward is not None or out is not None, backward is not None or out is not None]
    with tqdm(total=sum(steps) + 1, unit="step", disable=not show_progress()) as bar:
        if velocity is not None:
            _write_velocity(found, velocity, years=years, least_gradient=least_gradient, tags=tags)
            bar.update()
        both = analogues.standardised(found.today, found.future) if standardise else (found.today, found.future)
        widths = tuple(bin_width or [0.5])
        widths = widths * len(found.names) if standardise and len(widths) == 1 else widths
        now, then = analogues.bins(*both, widths=widths)
        ways = {}
        for name, path, wanted, offered in (("forward", forward, now, then), ("backward", backward, then, now)):
            if path is None and out is None:
                continue
            ways[name] = analogues.nearest(wanted, offered, grid)
            if path is not None:
                _write_speed(ways[name].km_per_year(years), grid, path, f"{name} analogue velocity", tags)
            _tell_way(name, ways[name], years)
            bar.update()
        if areas is not None and out is not None:
            columns = {"layer": areas_layer, "id_column": id_column, "name_column": name_column}
            _write_areas(found, ways, areas, columns, known, facts, out, asked, resistance, workers)
        bar.update()


def _write_velocity(
    found: "Climates", path: Path, *, years: float, least_gradient: float, tags: dict[str, str]
) -> None:
    """Compute, write and tell the velocity of the first variable."""
    import numpy as np

    from biodata.analysis.climate import velocity as velocities

    speed = velocities.velocity(found.today[0], found.future[0], found.grid, years=years, least_gradient=least_gradient)
    _write_speed(speed.km_per_year, found.grid, path, f"velocity of {found.names[0]}", tags)
    middle = float(np.nanmedian(np.abs(speed.km_per_year)))
    say(
        f"velocity of {found.names[0]}: median {middle:.3g} km a year; {int(speed.capped.sum())} cells are flatter than "
        f"{least_gradient:g} a kilometre and taken as so steep → {path}"
    )


def _write_speed(values: "Floats", grid: "Grid", path: Path, description: str, tags: dict[str, str]) -> None:
    """Write a raster of speeds."""
    from biodata.exports.climate import write_speed

    write_speed(values, grid, path, description=description, tags=tags)


def _tell_way(name: str, found: Any, years: float) -> None:
    """Say what came out of one direction."""
    import numpy as np

    none, known = int((found.cell == -1).sum()), int((found.cell > -2).sum())
    speed = found.km_per_year(years)
    middle = f"median {float(np.nanmedian(speed)):.3g} km a year; " if np.isfinite(speed).any() else ""
    say(
        f"{name} analogues: {middle}{none:,} of {known:,} cells have none on the raster; for {found.near_edge:,} ground "
        "outside it could hold a nearer one"
    )


def _write_areas(
    found: "Climates", ways: dict[str, Any], areas: Path, columns: dict[str, Any], boundaries: Any,
    facts: dict[str, Any], out: Path, asked: Any, resistance: Path | None, workers: int | None,
) -> None:  # fmt: skip
    """Compute, write and tell what becomes of areas."""
    import pandas as pd

    from biodata.analysis import areas as areas_of
    from biodata.analysis import own_areas
    from biodata.analysis.climate import destinations
    from biodata.exports.climate import write_areas

    table, unfit = own_areas.read(areas, **columns)
    for note in unfit:
        say(f"{areas.name}: {note}")
    sites = areas_of.on_grid(own_areas.on_plane(table, found.grid), found.today[0], found.grid)
    if not sites:
        problem = "no area lies on the raster"
        raise InputError(problem, file=areas.name, expected="areas inside the raster's window", code="AREAS_MISSING")
    codes, ambiguous = destinations.cell_countries(found.grid, boundaries)
    told = [
        destinations.of_areas(sites, one, codes, ambiguous, found.grid, direction=name) for name, one in ways.items()
    ]
    layers = {"destinations": pd.concat(told, ignore_index=True)}
    if asked is not None:
        linked, paths = _corridors(destinations.located(sites, codes), found, asked, resistance, workers)
        layers |= {"climate_corridors": linked, "climate_paths": paths}
    write_areas(layers, facts, out)
    first = told[0].sort_values(["across_border", "area_id"], ascending=[False, True])
    say(f"{len(first)} of {len(table)} areas with a known climate → {out}")
    for row in first[first["across_border"] > 0].head(5).to_dict("records"):
        where = row["areas_across"] or "in no area"
        say(f"{row['name']!s}: {row['across_border']:.0%} of its climate lies across a border tomorrow ({where})")


def _corridors(
    sites: list[Any], found: "Climates", asked: Any, resistance: Path | None, workers: int | None
) -> tuple[Any, Any]:
    """Compute and tell climate corridors."""
    from concurrent.futures import ThreadPoolExecutor
    from os import cpu_count

    from biodata.analysis import resistance_raster
    from biodata.analysis.climate.corridors import climate_corridors
    from biodata.analysis.grid import require_aligned

    ground = None
    if resistance is not None:
        raster = resistance_raster.read(resistance)
        require_aligned({"the climate": found.grid, resistance.name: raster.grid})
        ground = raster.values
    with ThreadPoolExecutor(workers or cpu_count() or 1) as executor:
        linked, paths = climate_corridors(
            sites, found, ground, parameters=asked, executor=executor, progress=show_progress()
        )
    say(f"{len(linked)} pairs of a warmer and a cooler area, {len(paths)} climate corridors")
    return linked, paths


def _stop(problem: str, expected: str) -> NoReturn:
    raise InputError(problem, expected=expected, code="OPTIONS_UNFIT")
