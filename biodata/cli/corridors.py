"""`biodata corridors`: over an installation's layer, or over one's own raster and areas."""

import math
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from biodata.cli import layer_corridors, own_corridors
from biodata.cli.options import (
    DEFAULT_DATA,
    DataOption,
    check_kinds,
    check_outputs,
    read_box,
)
from biodata.errors import InputError
from biodata.vocabularies import CandidateCriterion, EvidenceView

_CORRIDORS = """Find corridors between areas: line, polygon, width, narrowest place and cost of every pair of neighbours.

With --data and --layer: between protected areas of different countries over a land-cover layer of the installation;
they go into the lake, and --out writes them too.

With --raster and --areas: between any areas over one's own resistance raster, without an installation. --out gets the
layers corridors, paths, narrowest (barriers, pinch_points), --mosaic the least normalised corridor of each cell, --pinch
the current of 1 A between each pair that flows inside its corridor alone, --barriers what restoring a round window would
save; to a pair without any way nothing can be saved, and the layer barriers tells where a window would open the cheapest
one. A run that was killed goes on where it stopped when it is started again.

Example: biodata corridors --data biodata_data --layer landcover_china_vietnam --resistance sample_data/resistance.csv --out corridors.gpkg

Example: biodata corridors --raster sample_data/planning/resistance.tif --areas sample_data/protected_areas.geojson --out corridors.gpkg --mosaic mosaic.tif
"""
_OWN = "Own raster and areas"


def add_commands(app: typer.Typer) -> None:
    """Add this file's command to the application."""
    app.command(name="corridors", help=_CORRIDORS)(find_corridors)


def find_corridors(
    layer: Annotated[str | None, typer.Option(help="Name of the installation's land-cover layer.")] = None,
    resistance_table: Annotated[
        Path | None, typer.Option("--resistance", help="CSV table, as `biodata resistance` reads it.")
    ] = None,
    species: Annotated[str | None, typer.Option(help="Species of the table, where it has several.")] = None,
    data: DataOption = DEFAULT_DATA,
    cell_m: Annotated[
        float | None, typer.Option(help="Side of a cell, metres: 1000, or as the own raster has it.", min=1)
    ] = None,
    max_distance_m: Annotated[
        float | None,
        typer.Option(help="Areas farther apart are not joined, metres: 60000; no limit over an own raster.", min=0),
    ] = None,
    cut_fraction: Annotated[
        float,
        typer.Option(
            help="How much dearer than the cheapest path a corridor may be: share of the dispersal cost, or of the median least cost of the run; one cost for all pairs, so that widths compare.",
            min=0,
        ),
    ] = 0.1,
    dispersal_cost: Annotated[
        float | None,
        typer.Option(help="What the species can spend on a journey, cost-metres."),
    ] = None,
    keep_suspicious: Annotated[
        bool, typer.Option("--keep-suspicious", help="Take records of suspicious places as evidence too.")
    ] = False,
    evidence: Annotated[
        EvidenceView,
        typer.Option(
            help="Records that candidates are judged by: what is published of them, or exact ones, whose results stay here."
        ),
    ] = EvidenceView.PUBLIC,
    band_m: Annotated[
        float | None,
        typer.Option(
            help="Within so many metres of a border a record is on no side: as the boundary set has it, 5000.", min=0
        ),
    ] = None,
    certainty: Annotated[
        float | None,
        typer.Option(
            help="Share of a record's uncertainty that makes it certain on a side, and the chance that makes several probable: 0.95."
        ),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            help="Date from which recent years are counted back: the day of the lake's version.", metavar="YYYY-MM-DD"
        ),
    ] = None,
    box: Annotated[
        str | None, typer.Option(help="Only inside west,south,east,north in degrees; else all of the layer.")
    ] = None,
    criteria: Annotated[
        str | None,
        typer.Option(help=f"What candidates are ranked by, with commas: {', '.join(CandidateCriterion)}; else all."),
    ] = None,
    plan: Annotated[
        Path | None,
        typer.Option(
            help="plan.json of `biodata reserves solve`, or its folder: irreplaceability is how often its plans take ground."
        ),
    ] = None,
    cost_layer: Annotated[
        str | None, typer.Option(help="Raster layer of the installation whose sum over ground is its cost.")
    ] = None,
    agreements: Annotated[
        Path | None, typer.Option(help="CSV of agreements between countries: name, countries (LA;VN), source.")
    ] = None,
    alone: Annotated[
        bool,
        typer.Option(
            "--alone",
            help="Take away the results of all other runs; else only those of the same layer, box and species go.",
        ),
    ] = False,
    out: Annotated[Path | None, typer.Option(help="GeoPackage to write.", dir_okay=False)] = None,
    estimate: Annotated[bool, typer.Option("--estimate", help="Only tell cells, memory and seconds.")] = False,
    check_window: Annotated[
        bool,
        typer.Option("--check-window", help="Also show whether the result stays when the window grows by a fifth."),
    ] = False,
    raster: Annotated[Path | None, typer.Option(help="Resistance raster.", rich_help_panel=_OWN)] = None,
    areas: Annotated[
        Path | None,
        typer.Option(help="Polygons or points, or a raster of ids on the same cells.", rich_help_panel=_OWN),
    ] = None,
    band: Annotated[
        int | None, typer.Option(help="Band of the raster, where it has several.", rich_help_panel=_OWN)
    ] = None,
    nodata: Annotated[
        float | None, typer.Option(help="Value without data that the file does not declare.", rich_help_panel=_OWN)
    ] = None,
    crs: Annotated[
        str | None, typer.Option(help="System of a raster that tells none, as EPSG:32647.", rich_help_panel=_OWN)
    ] = None,
    areas_layer: Annotated[str | None, typer.Option(help="Layer of the areas' file.", rich_help_panel=_OWN)] = None,
    id_column: Annotated[str | None, typer.Option(help="Column with the areas' ids.", rich_help_panel=_OWN)] = None,
    name_column: Annotated[str | None, typer.Option(help="Column with their names.", rich_help_panel=_OWN)] = None,
    mosaic: Annotated[
        Path | None,
        typer.Option(help="GeoTIFF of the least normalised corridor.", dir_okay=False, rich_help_panel=_OWN),
    ] = None,
    pinch: Annotated[
        Path | None,
        typer.Option(
            help="GeoTIFF of the current inside each corridor, most of any pair.", dir_okay=False, rich_help_panel=_OWN
        ),
    ] = None,
    barriers: Annotated[
        Path | None,
        typer.Option(help="GeoTIFF of the best improvement score of any pair.", dir_okay=False, rich_help_panel=_OWN),
    ] = None,
    barriers_sum: Annotated[
        Path | None, typer.Option(help="GeoTIFF of the sum of all pairs' scores.", dir_okay=False, rich_help_panel=_OWN)
    ] = None,
    barrier_radius_m: Annotated[
        list[float] | None,
        typer.Option(help="Radius of the window restored, metres; several times for several.", rich_help_panel=_OWN),
    ] = None,
    restored_resistance: Annotated[
        float | None, typer.Option(help="Resistance restored ground has; the raster's best.", rich_help_panel=_OWN)
    ] = None,
    cut_cost: Annotated[
        float | None,
        typer.Option(help="The cut as a cost, cost-metres, in place of --cut-fraction.", min=0, rich_help_panel=_OWN),
    ] = None,
    max_cost: Annotated[
        float | None, typer.Option(help="Links that cost more do not function, cost-metres.", rich_help_panel=_OWN)
    ] = None,
    drop_through: Annotated[
        bool,
        typer.Option("--drop-through", help="No link whose path leads through a third area.", rich_help_panel=_OWN),
    ] = False,
    workers: Annotated[
        int | None, typer.Option(help="Threads: one for each core.", min=1, rich_help_panel=_OWN)
    ] = None,
) -> None:
    """Run, say what came out, write it."""
    own = {
        "--areas": areas, "--band": band, "--nodata": nodata, "--crs": crs, "--areas-layer": areas_layer, "--id-column": id_column, "--name-column": name_column,
        "--mosaic": mosaic, "--pinch": pinch, "--barriers": barriers, "--barriers-sum": barriers_sum, "--barrier-radius-m": barrier_radius_m,
        "--restored-resistance": restored_resistance, "--cut-cost": cut_cost, "--max-cost": max_cost,
        "--drop-through": drop_through or None, "--workers": workers,
    }  # fmt: skip
    check_kinds([out], (".gpkg",))
    if raster is None:
        check_outputs([out], [path for path in (resistance_table,) if path])
        told = [name for name, value in own.items() if value is not None and value != []]
        if told:
            _stop(f"{', '.join(told)} without --raster", "--raster RESISTANCE.tif")
        if layer is None or resistance_table is None:
            _stop("it is not told over what", "--layer and --resistance, or --raster and --areas")
        layer_corridors.run(
            data,
            {
                "layer": layer,
                "resistance": str(resistance_table),
                "cell_m": 1000.0 if cell_m is None else cell_m,
                "max_distance_m": 60_000.0 if max_distance_m is None else max_distance_m,
                "cut_fraction": cut_fraction,
                "dispersal_cost": dispersal_cost,
                "keep_suspicious": keep_suspicious,
                "species": species,
                "evidence_view": str(evidence),
                "band_m": band_m,
                "certainty": 0.95 if certainty is None else certainty,
                "as_of": as_of,
                "box": None if box is None else read_box(box),
                "criteria": criteria or "",
                "plan": None if plan is None else str(plan),
                "cost_layer": cost_layer,
                "agreements": None if agreements is None else str(agreements),
            },
            out,
            alone=alone,
            estimate=estimate,
            check_window=check_window,
        )
        return
    if areas is None or (out is None and not estimate):
        _stop("an own raster needs areas and a file to write", "--raster, --areas and --out")
    if layer is not None or resistance_table is not None or species is not None or box is not None:
        _stop("an own raster is resistance already", "--raster without --layer, --resistance, --species and --box")
    if criteria or plan or cost_layer or agreements or alone or band_m is not None or certainty is not None:
        expected = "--layer, or --raster without --criteria, --plan, --cost-layer, --agreements, --band-m, --certainty and --alone"
        _stop("candidates are looked for over a layer of the installation alone", expected)
    if (barriers or barriers_sum or restored_resistance) and not barrier_radius_m:
        _stop("barriers need the radius of a window", "--barrier-radius-m METRES")
    limits = {"max_distance_m": max_distance_m, "max_cost": max_cost}
    parameters: dict[str, Any] = {name: math.inf if value is None else value for name, value in limits.items()}
    parameters |= {"dispersal_cost": dispersal_cost, "cut_fraction": cut_fraction, "cut_cost": cut_cost}
    parameters |= {"drop_through": drop_through}
    rasters = {"mosaic": mosaic, "pinch": pinch, "largest": barriers, "total": barriers_sum}
    check_outputs([out, *rasters.values()], [raster, areas])
    check_kinds(rasters.values())
    columns = {"layer": areas_layer, "id_column": id_column, "name_column": name_column}
    restoring = (barrier_radius_m, restored_resistance) if barrier_radius_m else None
    own_corridors.run(
        raster, areas, columns, parameters, restoring, out, rasters,
        reading={"cell_m": cell_m, "band": band, "nodata": nodata, "crs": crs}, workers=workers, estimate=estimate,
        check_window=check_window,
    )  # fmt: skip


def _stop(problem: str, expected: str) -> NoReturn:
    raise InputError(problem, expected=expected, code="OPTIONS_UNFIT")
