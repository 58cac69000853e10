"""`biodata candidates` and `cost-distance`."""

import math
from pathlib import Path
from typing import Annotated

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, say, settings_for

_CANDIDATES = """Write the candidate transboundary reserves that the last runs found.

Example: biodata candidates --data mydata --out candidates.gpkg
"""
_COST_DISTANCE = """Accumulate the cost of moving away from sources over a resistance raster.

Example: biodata cost-distance resistance.tif --sources reserves.gpkg --out cost.tif
"""


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    app.command(name="candidates", help=_CANDIDATES)(candidates)
    app.command(name="cost-distance", help=_COST_DISTANCE)(cost_distance)


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


def cost_distance(
    raster: Annotated[Path, typer.Argument(help="Resistance as a GeoTIFF.")],
    sources: Annotated[Path, typer.Option(help="Points or polygons to start from, or a raster of source cells.")],
    out: Annotated[Path, typer.Option(help="GeoTIFF to write.")],
    neighbours: Annotated[int, typer.Option(help="4 or 8.", min=4, max=8)] = 8,
    max_cost: Annotated[float | None, typer.Option(help="Where to stop, cost-metres.")] = None,
) -> None:
    """Read, search, write."""
    import numpy as np

    from biodata.analysis import cost_distance as costs
    from biodata.analysis import rasters
    from biodata.analysis.sources import read_cells
    from biodata.exports.rasters import write_geotiff

    cost, grid = rasters.read(raster)
    cells = read_cells(sources, grid)
    width_m, height_m = grid.cell_sizes_m()
    found = costs.surface(
        cost,
        cells,
        cell_width_m=width_m,
        cell_height_m=height_m,
        neighbours=neighbours,
        max_cost=math.inf if max_cost is None else max_cost,
    )
    whole = np.full(grid.shape, np.nan)
    rows, columns = found.cost.shape
    whole[found.row : found.row + rows, found.column : found.column + columns] = found.cost
    write_geotiff(whole, grid, out)
    say(f"{len(cells)} source cells, {int(np.isfinite(whole).sum())} of {grid.cells} cells reached → {out}")
