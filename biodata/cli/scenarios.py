"""`biodata scenarios`: corridors with the border open and closed, and what each crossing is worth."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from biodata.cli.options import DEFAULT_BOUNDARIES, BoundariesOption, check_kinds, check_outputs, say, show_progress
from biodata.errors import InputError

if TYPE_CHECKING:
    from biodata.places import BoundarySet

_SCENARIOS = """Compare corridors with the border open and closed: by fences, roads, rivers, dams, or along the line itself.

Without the barriers the raster stands as it is. With them nothing passes their cells, or at the resistance that
--barrier-resistance or the file's column resistance says; --crossings are open in that. --out gets the layers pairs
(least cost, narrowest place and path of both, and the change), crossings (what each is worth alone, as the last one shut,
and in the order that gains most), corridors_open, corridors_closed and barrier_lines. --difference gets a map: corridor under
both, lost, new. An area that a barrier divides is two areas in both scenarios.

Example: biodata scenarios --raster resistance.tif --areas areas.gpkg --barriers fence.gpkg --crossings gates.gpkg --crossing-width-m 500 --out scenarios.gpkg --difference difference.tif

Example: biodata scenarios --raster resistance.tif --areas areas.gpkg --close-border --between CN-LA --out scenarios.gpkg
"""


def add_commands(app: typer.Typer) -> None:
    """Add this file's command to the application."""
    app.command(name="scenarios", help=_SCENARIOS)(scenarios)


def scenarios(
    raster: Annotated[Path, typer.Option(help="Resistance raster without the barriers.")],
    areas: Annotated[Path, typer.Option(help="Polygons or points, or a raster of ids on the same cells.")],
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
    boundaries: BoundariesOption = DEFAULT_BOUNDARIES,
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
    cut_fraction: Annotated[float, typer.Option(help="Share of that which a corridor may be dearer.", min=0)] = 0.1,
    cut_cost: Annotated[float | None, typer.Option(help="The cut as a cost, the same for all pairs.", min=0)] = None,
    estimate: Annotated[bool, typer.Option("--estimate", help="Only tell cells, searches and seconds.")] = False,
    workers: Annotated[int | None, typer.Option(help="Threads: one for each core.", min=1)] = None,
) -> None:
    """Read, compare, write, say what came out."""
    if not (barriers or barrier_layer or close_border or between):
        _stop("it is not told what closes", "--barriers FILE, --barrier-layer NAME or --close-border")
    if bool(barrier_layer) != (layers is not None):
        _stop("a layer's name and where it lies go together", "--barrier-layer NAME --layers DIR")
    if out is None and not estimate:
        _stop("it is not told where the answer goes", "--out FILE.gpkg")
    if out is not None and out.suffix.lower() != ".gpkg":
        _stop("scenarios are written as a GeoPackage", "--out with a name that ends with .gpkg")
    inputs = [raster, areas, *(barriers or []), *([crossings] if crossings else [])]
    check_outputs([out, difference], inputs)
    check_kinds([difference])

    from concurrent.futures import ThreadPoolExecutor
    from importlib.metadata import version
    from os import cpu_count

    from biodata.analysis import own_areas, own_ground, sources
    from biodata.analysis.corridor_parameters import CorridorParameters
    from biodata.analysis.scenarios import comparing
    from biodata.exports.scenarios import write_comparison, write_difference
    from biodata.places import load_boundaries

    resistance, grid, notes = own_ground.read(raster, cell_m=cell_m, band=band, nodata=nodata, crs=crs)
    notes = [f"{raster.name}: {note}" for note in notes]
    if sources.is_raster(areas):
        table = own_ground.areas(areas, grid)
    else:
        table, unfit = own_areas.read(areas, layer=areas_layer, id_column=id_column, name_column=name_column)
        notes += [f"{areas.name}: {note}" for note in unfit]
    built, told = _barriers(grid, barriers or [], barrier_layer or [], layers, barrier_resistance)
    known = load_boundaries(boundaries)
    used: dict[str, Any] = {
        "name": known.name, "version": known.version, "viewpoint": known.viewpoint, "band_m": known.band_m, "closed": [],
    }  # fmt: skip
    if close_border or between:
        closed = _border(grid, known, between or [], barrier_resistance)
        used["closed"] = [one.barrier_id for one in closed]
        notes.append(f"the border is that of {known.name}, right to {known.band_m:g} m: a crossing may lie beside it")
        if between:
            notes.append("all other borders stay open, so ways round through other countries count")
        built += closed
    opened, more = ([], []) if crossings is None else _crossings(crossings, grid, crossing_width_m)
    notes += told + more
    for note in notes:
        say(note)
    workers = workers or cpu_count() or 1
    _estimate(len(table), grid.cells, len(opened), workers)
    if estimate or out is None:
        return
    parameters = CorridorParameters(
        max_distance_m=math.inf if max_distance_m is None else max_distance_m,
        max_cost=math.inf if max_cost is None else max_cost,
        dispersal_cost=dispersal_cost, cut_fraction=cut_fraction, cut_cost=cut_cost,
    )  # fmt: skip
    with ThreadPoolExecutor(workers) as executor:
        found = comparing.compare(
            table, resistance, grid, barriers=built, crossings=opened, parameters=parameters, median_cost=median_cost,
            boundaries=known, executor=executor, progress=show_progress(),
        )  # fmt: skip
    facts: dict[str, Any] = {
        "raster": raster.name, "areas": areas.name, "barriers": [path.name for path in barriers or []],
        "barrier_layers": barrier_layer or [], "barrier_resistance": barrier_resistance, "boundaries": used,
        "crossings": None if crossings is None else crossings.name, "crossing_width_m": crossing_width_m,
        "parameters": parameters.told(), "median_cost": found.median_cost, "eca_km2": found.eca_km2,
        "rows_columns_cell_m": [*grid.shape, grid.cell_m], "notes": [*notes, *found.notes],
        "seed": None, "records_read": 0, "biodata": version("biodata"),
    }  # fmt: skip
    write_comparison(found, built, facts, out)
    if difference is not None:
        tags = {"biodata_raster": raster.name, "biodata_boundaries": str(used)}
        write_difference(
            found, grid, difference, tags=tags | {"TIFFTAG_SOFTWARE": f"biodata {version('biodata')} scenarios"}
        )
    _tell(found, out)


def _barriers(
    grid: Any, files: list[Path], names: list[str], layers: Path | None, resistance: float | None
) -> tuple[list[Any], list[str]]:
    """Read barriers out of files and named layers."""
    from biodata.analysis.scenarios.reading import read_barriers
    from biodata.pipeline.layer_folder import LayerFolder

    level = math.inf if resistance is None else resistance
    found, notes = [], []
    for path in files:
        some, told = read_barriers(path, grid, kind=path.stem, resistance=level)
        found += some
        notes += [f"{path.name}: {note}" for note in told]
    if layers is not None:
        with LayerFolder(layers, progress=show_progress()) as folder:
            for name, file in folder.find(names).items():
                if file.form == "raster":
                    problem = "the layer is a raster, and barriers are lines or polygons"
                    raise InputError(problem, column="--barrier-layer", value=name, code="LAYER_UNFIT")
                some, told = read_barriers(file.path, grid, kind=name, resistance=level)
                found += some
                notes += [f"{name}: {note}" for note in told]
    return found, notes


def _border(grid: Any, boundaries: "BoundarySet", between: list[str], resistance: float | None) -> list[Any]:
    """Return the border's barriers."""
    from biodata.analysis.scenarios.border import border_barriers

    pairs = [frozenset(pair.upper().split("-")) for pair in between]
    for pair, text in zip(pairs, between, strict=True):
        unknown = sorted(code for code in pair if code not in boundaries.countries)
        if len(pair) != 2 or unknown:
            _stop(f"--between {text} names no two countries of the boundary set", "two codes, as CN-LA")
    found = border_barriers(
        grid, boundaries, between=pairs or None, resistance=math.inf if resistance is None else resistance
    )
    if not found:
        there = [one.barrier_id.removeprefix("border ") for one in border_barriers(grid, boundaries)]
        _stop(
            f"no such border runs through the raster: {', '.join(between) or 'none at all'}",
            f"one of {', '.join(there)}" if there else "a raster that holds both sides of a land border",
        )
    say(f"closed: {', '.join(one.barrier_id for one in found)} ({boundaries.name}, {boundaries.version})")
    return found


def _crossings(path: Path, grid: Any, width_m: float) -> tuple[list[Any], list[str]]:
    """Read crossings."""
    from biodata.analysis.scenarios.reading import read_crossings

    found, notes = read_crossings(path, grid, width_m=width_m)
    return found, [f"{path.name}: {note}" for note in notes]


def _estimate(areas: int, cells: int, crossings: int, workers: int) -> None:
    """Say what a run will take: a search from each area for each set of open crossings, and the corridors of both."""
    from biodata.analysis.scenarios.crossing_gains import most_sets

    searches = areas * (most_sets(crossings) + 5)
    # Measured on one thread: a search takes a second for 8 million cells, and 0.3 ms for each area that it looks up.
    seconds = searches * (cells / 8e6 + areas / 2 * 3e-4) / workers
    say(
        f"estimate: {cells:,} cells, {areas} areas, {crossings} crossings, at most {searches:,} searches, "
        f"{cells * 75 / 2**20 + workers * cells * 32 / 2**20:,.0f} MiB, {max(seconds, 1):,.0f} s"
    )


def _tell(found: Any, out: Path) -> None:
    """Say what came out."""
    for note in found.notes:
        say(f"note: {note}")
    counts = found.pairs["change"].value_counts()
    say(f"{len(found.pairs)} pairs: {', '.join(f'{count} {name}' for name, count in counts.items()) or 'none'} → {out}")
    eca = found.eca_km2
    shut = f", {eca['shut']:,.6g} with every crossing shut" if found.crossings else ""
    say(f"equivalent connected area: {eca['open']:,.6g} km² open, {eca['closed']:,.6g} with the barriers{shut}")
    for one in found.barriers:
        say(
            f"{one.barrier_id} alone: of any two areas, neighbours or not, {one.pairs_cut} pairs cut, {one.pairs_dearer} dearer, "
            f"{one.eca_lost_km2:,.4g} km² of equivalent connected area lost"
        )
    for one in found.crossings:
        place = "gains nothing more" if one.order is None else f"{one.order}. in order"
        tied = f", tied with {', '.join(one.tied_with)}" if one.tied_with else ""
        say(
            f"{one.name}: alone +{one.alone_eca_km2:,.4g} km², {one.alone_pairs_opened} pairs opened, "
            f"{one.last_eca_km2:,.4g} km² lost without it; {place}{tied}"
        )


def _stop(problem: str, expected: str) -> NoReturn:
    raise InputError(problem, expected=expected, code="OPTIONS_UNFIT")
