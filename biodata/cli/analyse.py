"""`biodata corridors`, `candidates` and `resistance`."""

from pathlib import Path
from typing import Annotated

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, say, settings_for, show_progress
from biodata.errors import InputError

_CORRIDORS = """Find corridors between protected areas of different countries over a land-cover layer.

Line, polygon, width and cost of every pair go into the lake; --out also writes them as a GeoPackage.

Example: biodata corridors --data mydata --layer landcover_china_laos --resistance resistance.csv --out corridors.gpkg
"""
_CANDIDATES = """Write the candidate transboundary reserves that the last runs found.

Example: biodata candidates --data mydata --out candidates.gpkg
"""
_RESISTANCE = """Turn a land-cover raster into resistance, by a table of classes.

Example: biodata resistance resistance.csv --layers layers --out resistance.tif
"""


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    app.command(name="corridors", help=_CORRIDORS)(find_corridors)
    app.command(name="candidates", help=_CANDIDATES)(candidates)
    app.command(name="resistance", help=_RESISTANCE)(resistance)


def find_corridors(
    layer: Annotated[str, typer.Option(help="Name of the land-cover layer.")],
    resistance_table: Annotated[Path, typer.Option("--resistance", help="CSV: class_value, class_name, resistance.")],
    data: DataOption = DEFAULT_DATA,
    cell_m: Annotated[float, typer.Option(help="Side of a cell, metres.", min=1)] = 1000.0,
    max_distance_m: Annotated[float, typer.Option(help="Areas farther apart are not joined, metres.")] = 60_000.0,
    cut_fraction: Annotated[
        float, typer.Option(help="How much dearer than the cheapest path a corridor may be.")
    ] = 0.1,
    keep_suspicious: Annotated[
        bool, typer.Option("--keep-suspicious", help="Take records of suspicious places as evidence too.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="GeoPackage to write.")] = None,
) -> None:
    """Run, say what came out, write it."""
    from biodata import runs
    from biodata.exports.layers import write_geopackage

    settings = settings_for(data)
    request = runs.Request(
        layer=layer,
        resistance=str(resistance_table),
        cell_m=cell_m,
        max_distance_m=max_distance_m,
        cut_fraction=cut_fraction,
        keep_suspicious=keep_suspicious,
    )
    report = runs.find_corridors(settings, request, progress=show_progress())
    say(
        f"run {report.run_id} on lake version {report.snapshot}: {report.areas} areas, {report.pairs} pairs, "
        f"{report.corridors} corridors, {report.candidates} candidates"
    )
    if report.left_out:
        say(f"records left out: {', '.join(f'{name} {count}' for name, count in report.left_out.items())}")
    if out is not None:
        found = runs.read_results(settings, "corridors")
        frame = found.filter(found["run_id"] == report.run_id)
        write_geopackage(frame, out, layer="corridors")
        say(f"{frame.height} pairs → {out}")


def candidates(
    out: Annotated[Path, typer.Option(help="GeoPackage to write.")], data: DataOption = DEFAULT_DATA
) -> None:
    """Read, write, list."""
    from biodata import runs
    from biodata.exports.layers import write_geopackage

    frame = runs.read_results(settings_for(data), "reserve_candidates").sort("run_id", "rank")
    write_geopackage(frame, out, layer="reserve_candidates")
    for row in frame.iter_rows(named=True):
        say(f"{row['rank']:>3}  {row['score']:.2f}  {row['name']} ({', '.join(row['country_codes'])})")
    say(f"{frame.height} candidates → {out}")


def resistance(
    table: Annotated[Path, typer.Argument(help="CSV: class_value, class_name, resistance.")],
    layers: Annotated[Path, typer.Option(help="Folder of the land-cover raster, or the raster itself.")],
    out: Annotated[Path, typer.Option(help="GeoTIFF to write.")],
) -> None:
    """Read the classes, look them up, write."""
    from biodata.analysis import rasters, resistance_table
    from biodata.analysis import resistance as resistances
    from biodata.exports.rasters import write_geotiff

    raster = layers if layers.is_file() else _only_raster(layers)
    found = resistances.from_layers(rasters.read(raster), resistance_table.read_table(table))
    write_geotiff(found.resistance, found.grid, out)
    told = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in found.counts.items() if count)
    say(f"{raster.name}: {told} → {out}")


def _only_raster(folder: Path) -> Path:
    """Return the folder's one land-cover raster."""
    found = sorted(path for path in folder.glob("*.tif") if path.stem.startswith(("landcover", "land_cover")))
    if len(found) != 1:
        problem = f"the folder has {len(found)} rasters called landcover*.tif"
        expected = "name the raster itself with --layers FILE.tif"
        raise InputError(problem, file=str(folder), expected=expected, code="LAYER_UNKNOWN")
    return found[0]
