"""`biodata candidates` and `resistance`."""

from pathlib import Path
from typing import Annotated

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, say, settings_for
from biodata.errors import InputError

_CANDIDATES = """Write the candidate transboundary reserves that the last runs found.

Example: biodata candidates --data mydata --out candidates.gpkg
"""
_RESISTANCE = """Turn a land-cover raster into resistance, by a table of classes.

Example: biodata resistance resistance.csv --layers layers --out resistance.tif
"""


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    app.command(name="candidates", help=_CANDIDATES)(candidates)
    app.command(name="resistance", help=_RESISTANCE)(resistance)


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
