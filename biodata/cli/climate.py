"""`biodata climate`: how fast climates move, what of an area's climate lies across the border, climate corridors."""

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from biodata.cli.options import check_kinds, check_outputs, say, settings_for, show_progress
from biodata.cli.over_runs import kept, text_of
from biodata.errors import InputError

_CLIMATE = """Tell how fast climates move, where an area's climate of today lies tomorrow, and the corridors that lead there.

--today and --future are rasters of the same variables in the same order, on the same cells; several variables by giving
the options several times, each with a --bin-width. With --elevation temperature is taken from height alone. --velocity
gets the first variable's change in time over its change in space (Loarie 2009), --forward and --backward the distance to
the nearest cell of the same climate over the years (Hamann 2015). With --areas, --out gets the layer destinations (which
share of each area's analogues lies across a border, and in which areas) and, with --corridors, climate_corridors and
climate_paths: from an area to a cooler one across the border, on which each degree of change costs as --cost-per-c says
(Nuñez 2013), with the share of the first area's climate that the second one has tomorrow.

Example: biodata climate --today sample_data/planning/temperature_now.tif --future sample_data/planning/temperature_2075.tif --years 50 --velocity velocity.tif --forward forward.tif --areas sample_data/protected_areas.geojson --out climate.gpkg

Example: biodata climate --elevation sample_data/layers/elevation_china_vietnam.tif --warming-c 2 --years 50 --areas sample_data/protected_areas.geojson --corridors --out climate.gpkg
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
    boundaries: Annotated[
        str | None, typer.Option(help="Boundary set, by name or path: that of BIODATA_BOUNDARIES.")
    ] = None,
    data: Annotated[Path | None, typer.Option(help="Installation that keeps the run.", file_okay=False)] = None,
    out: Annotated[Path | None, typer.Option(help="GeoPackage of what becomes of areas.", dir_okay=False)] = None,
    workers: Annotated[int | None, typer.Option(help="Threads: one for each core.", min=1)] = None,
    estimate: Annotated[bool, typer.Option("--estimate", help="Only tell cells, memory and seconds.")] = False,
) -> None:
    """Read, compute, write, say what came out."""
    outputs = [velocity, forward, backward, out]
    if not any(outputs) and data is None and not estimate:
        _stop("it is not told what to write", "--velocity, --forward, --backward or --out")
    if (areas is None) != (out is None) and data is None and not estimate:
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

    from concurrent.futures import ThreadPoolExecutor
    from os import cpu_count

    from biodata.run_engines import Work
    from biodata.run_engines import climate as engine

    asked = {
        "years": years, "today": [str(path) for path in today or []] or None,
        "future": [str(path) for path in future or []] or None, "elevation": text_of(elevation), "warming_c": warming_c,
        "lapse_c_per_km": lapse_c_per_km, "elevation_missing": elevation_missing, "bin_width": bin_width or None,
        "standardise": standardise, "least_gradient": least_gradient, "velocity": text_of(velocity),
        "forward": text_of(forward), "backward": text_of(backward), "areas": text_of(areas), "areas_layer": areas_layer,
        "id_column": id_column, "name_column": name_column, "corridors": corridors, "resistance": text_of(resistance),
        "least_difference_c": least_difference_c, "cost_per_c": cost_per_c, "max_distance_m": max_distance_m,
        "within_countries": within_countries, "boundaries": boundaries, "out": text_of(out),
    }  # fmt: skip
    maps = {"velocity": velocity, "forward": forward, "backward": backward}
    both = {"forward", "backward"} if areas is not None else set()
    asked["measures"] = [name for name, path in maps.items() if path is not None or name in both] or list(maps)
    settings = settings_for(Path() if data is None else data)
    with ThreadPoolExecutor(workers or cpu_count() or 1) as executor:
        work = Work(settings, asked, 1, executor, show_progress())
        found = engine.read(work)
        for note in found.notes:
            say(f"note: {note}")
        cells = found.grid.cells
        say(f"estimate: {cells:,} cells, {cells * 300 / 2**20:,.0f} MiB, {max(1.0, cells / 1e5):,.0f} s")
        if estimate:
            return
        outcome = engine.worked(work, found)
    for line in outcome.notes:
        say(line)
    if data is not None:
        kept(settings, "climate", asked, outcome)


def _stop(problem: str, expected: str) -> NoReturn:
    raise InputError(problem, expected=expected, code="OPTIONS_UNFIT")
