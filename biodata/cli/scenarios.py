"""`biodata scenarios`: corridors with the border open and closed, and what each crossing is worth."""

from pathlib import Path
from typing import Annotated, NoReturn

import typer

from biodata.cli.options import KeepOption, RunOption, TableOption, check_kinds, check_outputs, say, show_progress
from biodata.cli.over_runs import kept, settings_of, text_of
from biodata.errors import InputError

_SCENARIOS = """Compare corridors with the border open and closed: by fences, roads, rivers, dams, or along the line itself.

Without the barriers the raster stands as it is. With them nothing passes their cells, or at the resistance that
--barrier-resistance or the file's column resistance says; --crossings are open in that. --out gets the layers pairs
(least cost, narrowest place and path of both, and the change), crossings (what each is worth alone, as the last one shut,
and in the order that gains most), corridors_open, corridors_closed and barrier_lines. --difference gets a map: corridor under
both, lost, new. An area that a barrier divides is two areas in both scenarios.

With --run and --data it compares over a run of `biodata corridors --layer`: its ground, its areas and its choices, and
--barrier-layer names layers of the installation. What becomes of its links then stands in the reports of its results,
from the next release on.

Example: biodata scenarios --raster sample_data/planning/resistance.tif --areas sample_data/protected_areas.geojson --barriers sample_data/planning/fence.geojson --crossings sample_data/planning/gates.geojson --crossing-width-m 500 --out scenarios.gpkg --difference difference.tif

Example: biodata scenarios --raster sample_data/planning/resistance.tif --areas sample_data/protected_areas.geojson --close-border --between CN-LA --out scenarios.gpkg

Example: biodata scenarios --data biodata_data --run landcover_china_vietnam-corridor-1 --close-border
"""


def add_commands(app: typer.Typer) -> None:
    """Add this file's command to the application."""
    app.command(name="scenarios", help=_SCENARIOS)(scenarios)


def scenarios(
    raster: Annotated[Path | None, typer.Option(help="Resistance raster without the barriers.")] = None,
    areas: Annotated[
        Path | None, typer.Option(help="Polygons or points, or a raster of ids on the same cells.")
    ] = None,
    run: RunOption = None,
    resistance: TableOption = None,
    data: KeepOption = None,
    out: Annotated[Path | None, typer.Option(help="GeoPackage to write.", dir_okay=False)] = None,
    barriers: Annotated[
        list[Path] | None, typer.Option(help="Lines or polygons of barriers; several times for several files.")
    ] = None,
    barrier_layer: Annotated[
        list[str] | None,
        typer.Option(help="Name of a layer of --layers, as fence or roads; several times for several."),
    ] = None,
    layers: Annotated[
        Path | None, typer.Option(help="Installation or folder whose layers --barrier-layer names.", file_okay=False)
    ] = None,
    barrier_resistance: Annotated[
        float | None, typer.Option(help="Resistance of barriers' cells that tell none; else nothing passes.", min=0)
    ] = None,
    close_border: Annotated[
        bool, typer.Option("--close-border", help="Close the land borders of the boundary set.")
    ] = False,
    between: Annotated[
        list[str] | None, typer.Option(help="Close only the border of these two, as CN-LA; several times for several.")
    ] = None,
    boundaries: Annotated[
        str | None,
        typer.Option(help="Boundary set, by name or path: that of the installation, or of BIODATA_BOUNDARIES."),
    ] = None,
    crossings: Annotated[Path | None, typer.Option(help="Points, lines or polygons where barriers open.")] = None,
    crossing_width_m: Annotated[
        float, typer.Option(help="Width of crossings that tell none (column width_m), metres.", min=0)
    ] = 1000.0,
    difference: Annotated[
        Path | None, typer.Option(help="GeoTIFF of what the barriers change; its style beside it.", dir_okay=False)
    ] = None,
    median_cost: Annotated[
        float | None,
        typer.Option(help="Cost at which half of the journeys arrive; the median link of the open border.", min=0),
    ] = None,
    cell_m: Annotated[float | None, typer.Option(help="Put the raster into equal-area cells, metres.", min=1)] = None,
    band: Annotated[int | None, typer.Option(help="Band of the raster, where it has several.")] = None,
    nodata: Annotated[float | None, typer.Option(help="Value without data that the file does not declare.")] = None,
    crs: Annotated[str | None, typer.Option(help="System of a raster that tells none, as EPSG:32647.")] = None,
    areas_layer: Annotated[str | None, typer.Option(help="Layer of the areas' file.")] = None,
    id_column: Annotated[str | None, typer.Option(help="Column with the areas' ids.")] = None,
    name_column: Annotated[str | None, typer.Option(help="Column with their names.")] = None,
    max_distance_m: Annotated[
        float | None, typer.Option(help="Areas farther apart are not joined, metres; no limit.", min=0)
    ] = None,
    max_cost: Annotated[float | None, typer.Option(help="Links that cost more do not function.", min=0)] = None,
    dispersal_cost: Annotated[float | None, typer.Option(help="What a journey can cost, cost-metres.", min=0)] = None,
    cut_fraction: Annotated[
        float | None, typer.Option(help="Share of that which a corridor may be dearer: 0.1.", min=0)
    ] = None,
    cut_cost: Annotated[float | None, typer.Option(help="The cut as a cost, the same for all pairs.", min=0)] = None,
    estimate: Annotated[bool, typer.Option("--estimate", help="Only tell cells, searches and seconds.")] = False,
    workers: Annotated[int | None, typer.Option(help="Threads: one for each core.", min=1)] = None,
) -> None:
    """Ask the engine, tell an estimate, compare, say what came out, keep."""
    if not (barriers or barrier_layer or close_border or between):
        _stop("it is not told what closes", "--barriers FILE, --barrier-layer NAME or --close-border")
    if (layers is not None and not barrier_layer) or (barrier_layer and layers is None and run is None):
        _stop("a layer's name and where it lies go together", "--barrier-layer NAME --layers DIR")
    if out is not None and out.suffix.lower() != ".gpkg":
        _stop("scenarios are written as a GeoPackage", "--out with a name that ends with .gpkg")
    inputs = [path for path in (raster, areas, *(barriers or []), crossings, resistance) if path is not None]
    check_outputs([out, difference], inputs)
    check_kinds([difference])

    from concurrent.futures import ThreadPoolExecutor
    from os import cpu_count

    from biodata.run_engines import Work
    from biodata.run_engines import scenarios as engine

    asked = {
        "raster": text_of(raster), "areas": text_of(areas), "run": run, "resistance": text_of(resistance),
        "barriers": [str(path) for path in barriers or []] or None, "barrier_layers": barrier_layer or None,
        "layers": text_of(layers), "barrier_resistance": barrier_resistance, "close_border": close_border,
        "between": between or None, "boundaries": boundaries, "crossings": text_of(crossings),
        "crossing_width_m": crossing_width_m, "out": text_of(out), "difference": text_of(difference),
        "median_cost": median_cost, "cell_m": cell_m, "band": band, "nodata": nodata, "crs": crs,
        "areas_layer": areas_layer, "id_column": id_column, "name_column": name_column, "max_distance_m": max_distance_m,
        "max_cost": max_cost, "dispersal_cost": dispersal_cost, "cut_fraction": cut_fraction, "cut_cost": cut_cost,
    }  # fmt: skip
    settings = settings_of(run, data, Path() if estimate else out)
    threads = workers or cpu_count() or 1
    with ThreadPoolExecutor(threads) as executor:
        work = Work(settings, asked, 1, executor, show_progress())
        ready = engine.prepared(work)
        for note in ready.notes:
            say(note)
        _estimate(len(ready.areas), ready.grid.cells, len(ready.crossings), threads)
        if estimate:
            return
        found = engine.worked(work, ready)
    say(f"{found.notes[0]}{'' if out is None else f' → {out}'}")
    for line in found.notes[1:]:
        say(line)
    if data is not None:
        kept(settings, "scenarios", asked, found)


def _estimate(areas: int, cells: int, crossings: int, workers: int) -> None:
    """Say what a run will take: a search from each area for each set of open crossings, and the corridors of both."""
    from biodata.analysis.scenarios.effects import most_sets

    searches = areas * (most_sets(crossings) + 5)
    # Measured on one thread: a search takes a second for 8 million cells, and 0.3 ms for each area that it looks up.
    seconds = searches * (cells / 8e6 + areas / 2 * 3e-4) / workers
    say(
        f"estimate: {cells:,} cells, {areas} areas, {crossings} crossings, at most {searches:,} searches, "
        f"{cells * 75 / 2**20 + workers * cells * 32 / 2**20:,.0f} MiB, {max(seconds, 1):,.0f} s"
    )


def _stop(problem: str, expected: str) -> NoReturn:
    raise InputError(problem, expected=expected, code="OPTIONS_UNFIT")
