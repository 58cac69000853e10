"""`biodata corridors-uncertainty`."""

from pathlib import Path
from typing import Annotated

import typer

from biodata.cli.options import KeepOption, RunOption, TableOption, check_outputs, say, show_progress
from biodata.cli.over_runs import kept, settings_of, text_of
from biodata.errors import InputError

_HELP = """Draw what is not known many times and tell how often each cell is in a corridor and each link functions.

Drawn are the resistances (the order of classes is kept, and a class's error is one draw for all its cells), the shape of
the transform, the places of points inside their coordinateUncertaintyInMeters, the cut, the dispersal cost and the size
of cells. What comes out is a frequency under these assumptions, which the report lists; it is no probability.

--classes is a CSV of class_value, class_name, resistance, low, high for a raster of classes; without it the raster is
resistance and each value may be --spread times lower or higher. A point of a record with on_land = yes stays on cells
with data; with --keep-country one that tells its countryCode stays in it; others may go anywhere.

With --run and --data it draws over a run of `biodata corridors --layer`: its ground, its areas and its links, its cut and
dispersal cost up to twice and down to half. How often each of its links functions then stands in the reports of its
results, from the next release on.

A run that was killed goes on where it stopped when it is started again, and so does one with more draws if --keep-draws.

Example: biodata corridors-uncertainty --raster sample_data/planning/resistance.tif --areas sample_data/protected_areas.geojson --spread 2 --draws 100 --out frequency.tif --report uncertainty.json

Example: biodata corridors-uncertainty --data biodata_data --run landcover_china_vietnam-corridor-1 --draws 100
"""


def add_commands(app: typer.Typer) -> None:
    """Add this file's command to the application."""
    app.command(name="corridors-uncertainty", help=_HELP)(corridors_uncertainty)


def corridors_uncertainty(
    raster: Annotated[
        Path | None, typer.Option(help="Raster of resistance, or of classes with --classes.", dir_okay=False)
    ] = None,
    areas: Annotated[Path | None, typer.Option(help="Polygons, points, a table of points, or a raster of ids.")] = None,
    run: RunOption = None,
    resistance: TableOption = None,
    data: KeepOption = None,
    out: Annotated[Path | None, typer.Option(help="GeoTIFF of the cells' frequencies.", dir_okay=False)] = None,
    report: Annotated[Path | None, typer.Option(help="JSON of assumptions, pairs and draws.", dir_okay=False)] = None,
    classes: Annotated[Path | None, typer.Option(help="CSV of ranges.", dir_okay=False)] = None,
    spread: Annotated[float, typer.Option(help="Factor up and down, without --classes.", min=1)] = 2.0,
    shape: Annotated[list[str] | None, typer.Option(help="linear, negative exponential, power; several times.")] = None,
    cut_fraction: Annotated[
        tuple[float, float] | None, typer.Option(help="Lowest and highest cut: 0.05 and 0.2, or around the run's.")
    ] = None,
    dispersal_cost: Annotated[
        tuple[float, float] | None, typer.Option(help="Lowest and highest, cost-metres: what a link may cost.")
    ] = None,
    cell_factor: Annotated[list[int] | None, typer.Option(help="Cells so many times as wide; several times.")] = None,
    keep_points: Annotated[bool, typer.Option("--keep-points", help="Points are not moved.")] = False,
    keep_country: Annotated[bool, typer.Option("--keep-country", help="Points stay in the country they tell.")] = False,
    max_distance_m: Annotated[
        float | None, typer.Option(help="Areas farther apart are not joined, metres.", min=0)
    ] = None,
    draws: Annotated[int | None, typer.Option(help="How many draws; 200 where nothing is told.", min=20)] = None,
    error: Annotated[
        float | None, typer.Option(help="Or the standard error of a frequency.", min=0.005, max=0.2)
    ] = None,
    seed: Annotated[int, typer.Option(help="Start of every random number.", min=0)] = 1,
    cell_m: Annotated[float | None, typer.Option(help="Put the raster into cells of this side, metres.", min=1)] = None,
    workers: Annotated[int | None, typer.Option(help="Threads: one for each core.", min=1)] = None,
    keep_draws: Annotated[bool, typer.Option("--keep-draws", help="Keep the folder of draws.")] = False,
    estimate: Annotated[bool, typer.Option("--estimate", help="Only tell cells, memory and seconds.")] = False,
) -> None:
    """Ask the engine, tell an estimate, draw, say what came out, keep."""
    from concurrent.futures import ThreadPoolExecutor
    from os import cpu_count

    from biodata.analysis.uncertainty import frequencies, inputs
    from biodata.run_engines import Work
    from biodata.run_engines import uncertainty as engine

    if draws is not None and error is not None:
        problem = "draws and error are two ways to say the same"
        raise InputError(problem, expected="--draws or --error", code="OPTIONS_UNFIT")
    number = draws or (200 if error is None else frequencies.draws_for(error))
    check_outputs([out, report], [path for path in (raster, areas, classes, resistance) if path])
    asked = {
        "raster": text_of(raster), "areas": text_of(areas), "classes": text_of(classes), "run": run,
        "resistance": text_of(resistance), "shapes": shape or None, "cut_fraction": cut_fraction and list(cut_fraction),
        "dispersal_cost": dispersal_cost and list(dispersal_cost), "cell_factors": cell_factor or None,
        "max_distance_m": max_distance_m, "cell_m": cell_m, "out": text_of(out), "report": text_of(report),
        "spread": spread, "keep_points": keep_points, "keep_country": keep_country, "draws": number,
        "keep_draws": keep_draws,
    }  # fmt: skip
    settings = settings_of(run, data, report or out)
    threads = workers or cpu_count() or 1
    with ThreadPoolExecutor(threads) as executor:
        work = Work(settings, asked, seed, executor, show_progress())
        ready = engine.prepared(work)
        for note in ready.notes:
            say(note)
        say(inputs.estimate(ready.task, draws=number, workers=threads).told())
        if estimate:
            return
        found = engine.worked(work, ready)
    for line in found.notes[:-1]:
        say(f"  {line}" if line.startswith("assumed: ") else line)
    written = ", ".join(str(path) for path in (out, report) if path)
    say(f"{found.notes[-1]}{f' → {written}' if written else ''}")
    if data is not None:
        kept(settings, "uncertainty", asked, found, seed=seed)
