"""`biodata corridors-validate`."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from biodata.cli.options import KeepOption, RunOption, TableOption, check_outputs, say, show_progress
from biodata.cli.over_runs import kept, settings_of, text_of

_HELP = """Test whether held-out records stand nearer to corridors than chance would put them, given where people looked.

RECORDS is a table with decimalLongitude and decimalLatitude (or x and y in the raster's system), or a layer of points;
it may have species, class, eventDate, coordinateUncertaintyInMeters, cluster_id, and used (yes for a record that
made the resistance, the areas or the evidence: such a record, its event and its block are no test).

Effort is what --effort tells (a raster), the records of --target, or, with --species, the other species of RECORDS, of
the same class where that is told.

With --run and --data it tests a run of `biodata corridors --layer` against the installation's records of its window, as
the run's view of them shows them: those that its candidates stand on are no test, so ask the run --as-of an earlier day to
hold later records out. The verdict then stands in the reports of the run's results, from the next release on.

The null moves records and effort together over the corridors' surface, so herds and roads keep their shape. It says
better than chance, no better than chance, or how many places a test would need.

Example: biodata corridors-validate --raster sample_data/planning/resistance.tif --areas sample_data/protected_areas.geojson --records sample_data/planning/records.csv --species "Elephas maximus" --out validation.json

Example: biodata corridors-validate --data biodata_data --run landcover_china_laos-candidate-1 --species "Elephas maximus"
"""


def add_commands(app: typer.Typer) -> None:
    """Add this file's command to the application."""
    app.command(name="corridors-validate", help=_HELP)(corridors_validate)


def corridors_validate(
    raster: Annotated[Path | None, typer.Option(help="Resistance raster.", dir_okay=False)] = None,
    areas: Annotated[
        Path | None, typer.Option(help="Areas that the corridors join: polygons, points or a raster of ids.")
    ] = None,
    records: Annotated[Path | None, typer.Option(help="Records of the animals.", dir_okay=False)] = None,
    run: RunOption = None,
    resistance: TableOption = None,
    data: KeepOption = None,
    out: Annotated[Path | None, typer.Option(help="JSON to write.", dir_okay=False)] = None,
    species: Annotated[str | None, typer.Option(help="Only this species of RECORDS; the others are effort.")] = None,
    target: Annotated[
        Path | None, typer.Option(help="Records that the same people would have reported.", dir_okay=False)
    ] = None,
    effort: Annotated[Path | None, typer.Option(help="Raster of effort on the same cells.", dir_okay=False)] = None,
    used: Annotated[
        Path | None, typer.Option(help="Table whose first column tells ids of records that were used.", dir_okay=False)
    ] = None,
    since: Annotated[datetime | None, typer.Option(help="First day of the test's time.", formats=["%Y-%m-%d"])] = None,
    block_m: Annotated[
        float | None, typer.Option(help="Side of the blocks, metres: the variogram's range where not told.", min=0)
    ] = None,
    max_uncertainty_m: Annotated[
        float | None, typer.Option(help="Records less certain are no test: the side of a block where not told.", min=0)
    ] = None,
    surface: Annotated[
        Path | None, typer.Option(help="Another surface to test, lower is better, in place of corridors.")
    ] = None,
    cell_m: Annotated[float | None, typer.Option(help="Put the raster into cells of this side, metres.", min=1)] = None,
    moves: Annotated[int, typer.Option(help="Null patterns.", min=19)] = 999,
    level: Annotated[float, typer.Option(help="A p below it is better than chance.", min=0.0001, max=0.5)] = 0.05,
    two_sided: Annotated[bool, typer.Option("--two-sided", help="Also count records far from corridors.")] = False,
    least_places: Annotated[int, typer.Option(help="Fewer independent places give no test.", min=2)] = 10,
    seed: Annotated[int, typer.Option(help="Start of every random number.", min=0)] = 1,
) -> None:
    """Ask the engine, write, say, keep."""
    from biodata import run_engines
    from biodata.run_engines import Work

    check_outputs([out], [path for path in (raster, areas, records, target, effort, used, surface, resistance) if path])
    asked = {
        "raster": text_of(raster), "areas": text_of(areas), "records": text_of(records), "run": run,
        "resistance": text_of(resistance), "out": text_of(out), "species": species, "target": text_of(target),
        "effort": text_of(effort), "used": text_of(used), "since": None if since is None else since.date().isoformat(),
        "block_m": block_m, "max_uncertainty_m": max_uncertainty_m, "surface": text_of(surface), "cell_m": cell_m,
        "moves": moves, "level": level, "two_sided": two_sided, "least_places": least_places,
    }  # fmt: skip
    settings = settings_of(run, data, out)
    found = run_engines.work_on(Work(settings, asked, seed, None, show_progress()), "validation")
    for line in found.notes[:-1]:
        say(line)
    say(f"{found.notes[-1]}{'' if out is None else f' → {out}'}")
    if data is not None:
        kept(settings, "validation", asked, found, seed=seed)
