"""`biodata corridors-uncertainty`."""

import json
import shutil
from pathlib import Path
from typing import Annotated, Any

import typer

from biodata.cli.options import check_outputs, say, settings_for, show_progress
from biodata.errors import InputError
from biodata.vocabularies import OWN_FILES

_HELP = """Draw what is not known many times and tell how often each cell is in a corridor and each link functions.

Drawn are the resistances (the order of classes is kept, and a class's error is one draw for all its cells), the shape of
the transform, the places of points inside their coordinateUncertaintyInMeters, the cut, the dispersal cost and the size
of cells. What comes out is a frequency under these assumptions, which the report lists; it is no probability.

--classes is a CSV of class_value, class_name, resistance, low, high for a raster of classes; without it the raster is
resistance and each value may be --spread times lower or higher. A point of a record with on_land = yes stays on cells
with data; with --keep-country one that tells its countryCode stays in it; others may go anywhere.

A run that was killed goes on where it stopped when it is started again, and so does one with more draws if --keep-draws.

Example: biodata corridors-uncertainty --raster resistance.tif --areas areas.gpkg --spread 2 --draws 200 --out frequency.tif --report uncertainty.json
"""


def add_commands(app: typer.Typer) -> None:
    """Add this file's command to the application."""
    app.command(name="corridors-uncertainty", help=_HELP)(corridors_uncertainty)


def corridors_uncertainty(
    raster: Annotated[Path, typer.Option(help="Raster of resistance, or of classes with --classes.", dir_okay=False)],
    areas: Annotated[Path, typer.Option(help="Polygons, points, a table of points, or a raster of ids.")],
    out: Annotated[Path, typer.Option(help="GeoTIFF of the cells' frequencies.", dir_okay=False)],
    report: Annotated[Path | None, typer.Option(help="JSON of assumptions, pairs and draws.", dir_okay=False)] = None,
    classes: Annotated[Path | None, typer.Option(help="CSV of ranges.", dir_okay=False)] = None,
    spread: Annotated[float, typer.Option(help="Factor up and down, without --classes.", min=1)] = 2.0,
    shape: Annotated[list[str] | None, typer.Option(help="linear, negative exponential, power; several times.")] = None,
    cut_fraction: Annotated[tuple[float, float], typer.Option(help="Lowest and highest cut.")] = (0.05, 0.2),
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
    """Read, tell an estimate, draw, write, say what came out."""
    from concurrent.futures import ThreadPoolExecutor
    from importlib.metadata import version
    from os import cpu_count

    import numpy as np

    from biodata import places
    from biodata.analysis import own_ground
    from biodata.analysis.uncertainty import assumptions as assumed
    from biodata.analysis.uncertainty import estimate as estimates
    from biodata.analysis.uncertainty import frequencies, inputs
    from biodata.analysis.uncertainty.one_draw import Task
    from biodata.analysis.uncertainty.ordered_draws import order_bounds
    from biodata.exports.cog import write_cog

    if draws is not None and error is not None:
        problem = "draws and error are two ways to say the same"
        raise InputError(problem, expected="--draws or --error", code="OPTIONS_UNFIT")
    number = draws or (200 if error is None else frequencies.draws_for(error))
    check_outputs([out, report], [path for path in (raster, areas, classes) if path])
    values, grid, notes = own_ground.read(raster, cell_m=cell_m)
    if classes is not None:
        ranges, between = inputs.read_ranges(classes), False
        inputs.check_classes(values, ranges, raster=raster.name, table=classes.name)
    else:
        ranges, between = assumed.around(values, factor=spread)
        notes += inputs.doubt(values, raster=raster.name)
    known = assumed.Assumptions(
        ranges, between, tuple(shape or assumed.SHAPES), cut_fraction=cut_fraction, dispersal_cost=dispersal_cost,
        cell_factors=tuple(cell_factor or (1,)), move_points=not keep_points,
    )  # fmt: skip
    order_bounds(ranges)
    boundaries = places.load_boundaries(settings_for(Path()).boundaries) if keep_country else None
    nodes, sites, masks, said = inputs.read_nodes(areas, values, grid, boundaries=boundaries)
    notes += said
    if len(nodes) < 2:
        problem = f"{len(nodes)} areas lie on the raster"
        raise InputError(problem, file=areas.name, expected="two areas or more", code="AREAS_MISSING")
    stated = values.copy()
    if classes is not None:
        at = np.isfinite(values)
        by_value = np.searchsorted([one.value for one in ranges], values[at])
        stated[at] = np.array([one.resistance for one in ranges])[by_value]
    pairs = inputs.neighbours(sites, stated, grid, max_distance_m=np.inf if max_distance_m is None else max_distance_m)
    if not pairs:
        problem = "no two areas that lie apart are neighbours"
        raise InputError(problem, file=areas.name, code="PAIRS_MISSING")
    task = Task(values, grid, nodes, pairs, known, masks, seed)
    threads = workers or cpu_count() or 1
    for note in notes:
        say(note)
    say(estimates.estimate(task, draws=number, workers=threads).told())
    if estimate:
        return
    home = out.with_name(f"{out.stem}.parts")
    with ThreadPoolExecutor(threads) as executor:
        found = frequencies.frequencies(task, draws=number, executor=executor, folder=home, progress=show_progress())
    tags = {
        "assumptions": json.dumps(found.assumptions),
        "evidence_view": OWN_FILES,
        "draws": str(number),
        "seed": str(seed),
    }
    write_cog(found.cells, grid, out, description="frequency under stated assumptions, no probability", tags=tags)
    if report is not None:
        told: dict[str, Any] = {
            "told": found.told(), "draws": number, "seed": seed, "error_at_most": found.error,
            "assumptions": found.assumptions, "parameters": known.told(), "rank_agreement": found.rank_agreement,
            "pairs": found.pairs.to_dicts(), "chosen": found.chosen, "notes": notes, "evidence_view": OWN_FILES, "biodata": version("biodata"),
            "inputs": {"raster": raster.name, "areas": areas.name, "classes": classes.name if classes else None},
        }  # fmt: skip
        report.write_text(json.dumps(told, ensure_ascii=False, indent=1), encoding="utf-8")
    if not keep_draws:
        shutil.rmtree(home, ignore_errors=True)
    for line in found.assumptions[len(ranges) :]:
        say(f"  assumed: {line}")
    say(f"areas and points: {OWN_FILES}")
    say(f"{found.told()} → {', '.join(str(path) for path in (out, report) if path)}")
