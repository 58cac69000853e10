"""`biodata cost-distance`: a cost surface over one's own resistance raster."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from biodata.cli.options import check_kinds, check_outputs, read_box, read_options, say, show_progress
from biodata.core.errors import InputError

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from contextlib import AbstractContextManager

    from biodata.analysis.cost_distance import CostSurface
    from biodata.analysis.grid import Grid
    from biodata.analysis.layers import LayerFile
    from biodata.analysis.resistance import ResistanceLayer
    from biodata.analysis.resistance_rules import RuleTable

_COST_DISTANCE = """Accumulate the cost of moving away from sources over a resistance raster.

A step costs the mean of two cells' resistances times the metres between their centres, as in r.cost and ESRI's tools;
cells without data are never entered. Rasters in degrees take the size of each row's cells on the ellipsoid.

Sources and targets are points, lines or polygons in any system, a table with longitude and latitude (or x and y), or a
raster of ids on the same cells. --paths gets target_id, source_id, cost (resistance x metres), length_m and
cost_per_metre.

Example: biodata cost-distance sample_data/planning/resistance.tif --sources sample_data/protected_areas.geojson --out cost.tif

Example: biodata cost-distance sample_data/planning/resistance.tif --sources sample_data/planning/herds.csv --out cost.tif --allocation nearest.tif --targets sample_data/planning/salt_licks.geojson --paths paths.gpkg
"""
_ENCODING = "0 to 7: step into the cell from " + ", ".join(
    f"{number} {way}" for number, way in enumerate(("SE", "S", "SW", "E", "W", "NE", "N", "NW"))
)


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    app.command(name="cost-distance", help=_COST_DISTANCE)(cost_distance)
    app.command(name="circuit", help=_CIRCUIT)(circuit)
    app.command(name="resistance", help=_HELP)(resistance)


def cost_distance(
    raster: Annotated[Path, typer.Argument(help="Resistance: any raster that GDAL reads.")],
    sources: Annotated[Path, typer.Option(help="Where to start: layer, table or raster of ids.")],
    out: Annotated[Path, typer.Option(help="GeoTIFF of accumulated costs.", dir_okay=False)],
    allocation: Annotated[
        Path | None, typer.Option(help="GeoTIFF of the id of each cell's cheapest source.", dir_okay=False)
    ] = None,
    back_link: Annotated[
        Path | None, typer.Option(help="GeoTIFF of the step that leads into each cell.", dir_okay=False)
    ] = None,
    targets: Annotated[Path | None, typer.Option(help="Places that paths lead to.")] = None,
    paths: Annotated[
        Path | None, typer.Option(help="GeoPackage or GeoJSON of the cheapest paths to --targets.", dir_okay=False)
    ] = None,
    neighbours: Annotated[int, typer.Option(help="4 or 8.")] = 8,
    max_cost: Annotated[float | None, typer.Option(help="Where to stop, cost-metres.")] = None,
    cut_corners: Annotated[
        bool,
        typer.Option(
            "--cut-corners/--no-cut-corners",
            help="Whether a diagonal step may pass between two cells without data, as r.cost allows.",
        ),
    ] = True,
    band: Annotated[int | None, typer.Option(help="Band of the raster, where it has several.")] = None,
    nodata: Annotated[float | None, typer.Option(help="Value without data that the file does not declare.")] = None,
    crs: Annotated[str | None, typer.Option(help="System of a raster that tells none, as EPSG:32647.")] = None,
    id_column: Annotated[str | None, typer.Option(help="Column of the sources' ids; else they are numbered.")] = None,
    sources_layer: Annotated[str | None, typer.Option(help="Layer of the sources' file.")] = None,
) -> None:
    """Read, search, write."""
    outputs = [path for path in (out, allocation, back_link, paths) if path is not None]
    _check_options(neighbours, max_cost, targets, paths)
    check_outputs(outputs, [path for path in (raster, sources, targets) if path is not None])
    check_kinds((out, allocation, back_link))

    import numpy as np
    from tqdm.auto import tqdm

    from biodata.analysis import cost_distance as costs
    from biodata.analysis import own_ground
    from biodata.analysis import sources as places

    with tqdm(total=3 + len(outputs), unit="step", disable=not show_progress()) as bar:
        found = own_ground.read_resistance(raster, band=band, nodata=nodata, crs=crs)
        bar.update()
        starts = places.read(sources, found.grid, layer=sources_layer, id_column=id_column)
        starts = places.on_ground(starts, found.values, file=sources.name)
        ends = None if targets is None else places.read(targets, found.grid)
        bar.update()
        width_m, height_m = found.grid.cell_sizes_m()
        surface = costs.surface(
            found.values,
            starts.cells,
            cell_width_m=width_m,
            cell_height_m=height_m,
            source_ids=starts.ids if allocation or paths else None,
            max_cost=math.inf if max_cost is None else max_cost,
            neighbours=neighbours,
            cut_corners=cut_corners,
        )
        bar.update()
        told = {
            "resistance": raster.name, "sources": sources.name, "neighbours": str(neighbours),
            "cut_corners": str(cut_corners).lower(), "max_cost": "none" if max_cost is None else repr(max_cost),
        }  # fmt: skip
        _write(surface, found.grid, told, {"cost": out, "allocation": allocation, "back_link": back_link}, bar)
        traced = None if ends is None else costs.to_places(surface, ends, found.grid)
        if paths is not None:
            _write_paths(traced, paths)
            bar.update()
    for note in (*found.notes, *starts.notes, *(() if ends is None else ends.notes)):
        say(f"note: {note}")
    crossed = costs.corners_cut(surface, found.values) if cut_corners else 0
    if crossed:
        say(f"note: {crossed} steps pass between two cells without data that touch at a corner (--no-cut-corners)")
    reached, known = int(np.isfinite(surface.cost).sum()), int(np.isfinite(found.values).sum())
    say(f"{np.unique(starts.cells).size} source cells, {reached} of {known} cells with data reached → {out}")
    if traced is not None:
        say(f"{int(traced['cost'].notna().sum())} of {len(traced)} targets reached → {paths}")


def _write(
    surface: "CostSurface", grid: "Grid", told: Mapping[str, str], files: Mapping[str, Path | None], bar: Any
) -> None:
    """Write the rasters that were asked for, each on the whole grid."""
    from importlib.metadata import version

    import numpy as np

    from biodata.exports.cog import write_cog

    rows, columns = surface.cost.shape
    window = (slice(surface.row, surface.row + rows), slice(surface.column, surface.column + columns))
    about = {
        "cost": (surface.cost, math.nan, "accumulated cost", "resistance x m"),
        "allocation": (surface.allocation, -1, "id of the cheapest source", ""),
        "back_link": (surface.back_link, -1, f"back-link; {_ENCODING}; 8 source", ""),
    }
    for name, path in files.items():
        values, nodata, description, unit = about[name]
        if path is None or values is None:
            continue
        if values.shape != grid.shape:
            part, values = values, np.full(grid.shape, nodata, dtype=values.dtype)
            values[window] = part
        parameters = {f"biodata_{key}": value for key, value in told.items()} | {
            "TIFFTAG_SOFTWARE": f"biodata {version('biodata')} cost-distance"
        }
        write_cog(values, grid, path, nodata=nodata, description=description, unit=unit, tags=parameters)
        bar.update()


def _write_paths(frame: Any, path: Path) -> None:
    """Write paths as one layer; the file appears whole or not at all."""
    from biodata.exports.layers import column_meanings, describe

    part = path.with_name(f"{path.stem}.part{path.suffix}")
    part.unlink(missing_ok=True)
    if path.suffix.lower() == ".geojson":
        frame.to_crs(4326).to_file(part, layer="paths", driver="GeoJSON", engine="pyogrio")
    else:
        frame.to_file(part, layer="paths", driver="GPKG", engine="pyogrio")
        describe(part, column_meanings("paths"))
    part.replace(path)


def _check_options(neighbours: int, max_cost: float | None, targets: Path | None, paths: Path | None) -> None:
    """Refuse options that cannot be used, alone or together."""
    wrong = (
        (neighbours not in (4, 8), "--neighbours", str(neighbours), "4 or 8"),
        (max_cost is not None and not max_cost >= 0, "--max-cost", str(max_cost), "cost-metres, 0 or more"),
        (paths is None and targets is not None, "--targets", str(targets), "a file for them with --paths"),
        (targets is None and paths is not None, "--paths", str(paths), "places that they lead to with --targets"),
        (
            paths is not None and paths.suffix.lower() not in {".gpkg", ".geojson"},
            "--paths", str(paths), "a name that ends in .gpkg or .geojson",
        ),
    )  # fmt: skip
    for is_wrong, option, value, expected in wrong:
        if is_wrong:
            problem = "the option cannot be used so"
            raise InputError(problem, column=option, value=value, expected=expected, code="OPTION_INVALID")


_CIRCUIT = """Run a Circuitscape project as it is: pairwise, advanced, one-to-all, all-to-one; rasters and networks.

What comes out has Circuitscape's own names. Paths in the .ini are looked for in its folder, in those above it and in the
current one. What was taken in another way than it may have been meant stands on standard error.

Example: biodata circuit sample_data/planning/circuit.ini --out results
"""


def _processes(workers: int) -> "AbstractContextManager[Executor | None]":
    """Return so many processes as a `with` block; None for one, which is this."""
    from concurrent.futures import ProcessPoolExecutor
    from contextlib import nullcontext
    from multiprocessing import get_context

    # A process that was forked from one with threads may stand still.
    return nullcontext() if workers == 1 else ProcessPoolExecutor(workers, mp_context=get_context("spawn"))


def circuit(
    ini: Annotated[Path, typer.Argument(help="The project's .ini file.")],
    out: Annotated[Path, typer.Option(help="Folder for what comes out.", file_okay=False)],
    solver: Annotated[
        str, typer.Option(help="auto, cholmod, pardiso, superlu or gradients; the answers are the same.")
    ] = "auto",
    left_out_maps: Annotated[
        bool, typer.Option(help="Small maps of pairs that a list leaves out, as Circuitscape's verification has them.")
    ] = True,
    workers: Annotated[
        int, typer.Option(help="Processes that write maps and solve pairs of large regions.", min=1)
    ] = 1,
) -> None:
    """Read, solve, write."""
    from biodata.analysis.circuit.project import read_project
    from biodata.exports.circuits import run_project

    if not ini.is_file():
        problem = "there is no such file"
        raise InputError(problem, file=str(ini), code="CIRCUIT_FILE_MISSING")
    project = read_project(ini)
    with _processes(workers) as executor:
        report = run_project(project, out, executor=executor, progress=show_progress())
    for note in report.notes:
        typer.echo(f"biodata: note: {note}", err=True)
    unit = (
        "components" if project.scenario == "advanced" else "pairs" if project.scenario == "pairwise" else "focal nodes"
    )
    missing = f", {report.unconnected} not connected or left out" if report.unconnected else ""
    say(
        f"{project.scenario}: {report.nodes} nodes in {report.components} components; "
        f"{report.solved} {unit} solved{missing}; {report.files} files → {out}"
    )


_HELP = """Turn layers into resistance to movement, by a table.

The table has the columns layer, class, function, resistance, note, and may have combine, linear, curve, species,
version:

\b
layer,class,function,resistance,note,linear,curve
land_cover,2,,1,forest,no,
land_cover,Croplands,,40,by the legend's name,no,
roads,highway=trunk,,500,touching cells,yes,
elevation,,slope,0:1 30:2 60:3,factors by degrees,no,
settlements,,distance,0:200 2000:1,metres,no,
population,,density,0:1 100:50,people by km²,no,
suitability,,value,0:100 1:1,after Keeley et al. 2016,no,exponential 4

A class is a value, a name of the layer's legend, any, other, or attribute=value of features; a resistance is a number
from 1 to 100 000 or barrier. combine is base, max, add or times. A curve is straight, or exponential and a number. A
table of land cover alone may have class_value, class_name, resistance, note (and linear) in place of these.

DIR is an installation's folder or one of files called landcover*.tif, elevation*.tif, roads*.gpkg, … A table with a
column species gives a file for each: FILE_SPECIES.tif. The output tells the table's version, which another value
changes, and the layers with their checksums in its metadata.

Example: biodata resistance sample_data/resistance.csv --layers biodata_data --use land_cover=landcover_china_laos --out resistance.tif
"""


def resistance(
    table: Annotated[Path, typer.Argument(help="CSV, see above.")],
    layers: Annotated[Path, typer.Option(help="Folder of the layers, of the installation, or the one raster itself.")],
    out: Annotated[Path, typer.Option(help="GeoTIFF to write.")],
    species: Annotated[str | None, typer.Option(help="Only this species of the table.")] = None,
    use: Annotated[list[str] | None, typer.Option(help="LAYER=NAME: which layer is meant; may be repeated.")] = None,
    cell_m: Annotated[
        float | None,
        typer.Option(help="Side of a cell of an equal-area grid, metres; else land cover's own cells.", min=1),
    ] = None,
    box: Annotated[str | None, typer.Option(help="Only inside west,south,east,north in degrees.")] = None,
    nearest: Annotated[
        bool, typer.Option("--nearest", help="Resample classes by the nearest cell, not the most common.")
    ] = False,
) -> None:
    """Read the layers, look them up, write."""
    from biodata.analysis.layers import grid_of
    from biodata.analysis.resistance import from_rules
    from biodata.analysis.resistance_rules import for_species, read_rules
    from biodata.exports.cog import file_name_of, resistance_tags, write_cog
    from biodata.runs.layer_folder import LayerFolder

    check_outputs([out], [table])
    window = None if box is None else read_box(box)
    tables = read_rules(table)
    if species is not None:
        tables = {species: for_species(tables, species, file=table.name)}
    with LayerFolder(layers, progress=show_progress()) as folder:
        for name, rules in tables.items():
            found = folder.find(rules.layers, read_options(use or []))
            target = out if len(tables) == 1 else out.with_name(f"{out.stem}_{file_name_of(str(name))}{out.suffix}")
            made = from_rules(
                rules, found, grid_of(found, cell_m=cell_m, box=window),
                resampling="nearest" if nearest else "mode", progress=show_progress(),
            )  # fmt: skip
            facts = resistance_tags(made, rules, found, cell_m=cell_m, resampling="nearest" if nearest else "mode")
            write_cog(made.resistance, made.grid, target, tags=facts)
            _print_cells(made, rules, found, target)


def _print_cells(made: "ResistanceLayer", rules: "RuleTable", layers: "dict[str, LayerFile]", out: Path) -> None:
    """Say what became of the cells."""
    for layer in layers.values():
        for note in layer.notes:
            say(f"{layer.name}: {note}")
    counted = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in made.counts.items() if count)
    species = f"{rules.species}, " if rules.species else ""
    say(f"{species}{rules.name} version {rules.version}")
    say(f"{', '.join(layer.name for layer in layers.values())}: {counted} → {out}")
