"""`biodata analysis-inputs`: what is published, as the input files of Marxan, Conefor and Circuitscape."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, current_release, read_box, read_country, say, settings_for
from biodata.cli.reserves import CostOption, ShapeOption, UnitShape, read_rates

if TYPE_CHECKING:
    from biodata.exports.engine_inputs import Written
    from biodata.store.releases import Release

_HELP = """Write what is published as a project of another program, which `biodata reserves`, `network` and `circuit` read too.

Only the current release is read: a place that was made coarser stays so. key.csv tells what stands behind each number.

Example: biodata analysis-inputs marxan --data biodata_data --box 101,20,103,22 --side-m 10000 --out marxan
"""
OutOption = Annotated[Path, typer.Option(help="Folder to write into.", file_okay=False)]
BoxOption = Annotated[str | None, typer.Option(help="Only inside west,south,east,north in degrees.")]


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    group = typer.Typer(help=_HELP, no_args_is_help=True)
    group.command(name="conefor")(conefor)
    group.command(name="circuitscape")(circuitscape)
    group.command(name="marxan")(marxan)
    app.add_typer(group, name="analysis-inputs")


def conefor(
    out: OutOption,
    data: DataOption = DEFAULT_DATA,
    reach_m: Annotated[float | None, typer.Option(help="Pairs farther apart are left out, metres.", min=0)] = None,
    box: BoxOption = None,
    corridors: Annotated[
        bool, typer.Option("--corridors", help="Distances are the least costs of the published corridors.")
    ] = False,
) -> None:
    """Write protected areas as nodes (km²) and the distances between them (metres): nodes.txt, distances.txt.

    Example: biodata analysis-inputs conefor --data biodata_data --reach-m 50000 --out conefor
    """
    from biodata.exports.engine_inputs import write_conefor

    release = current_release(data)
    written = write_conefor(
        release, out, reach_m=math.inf if reach_m is None else reach_m, box=read_box(box) if box else None,
        corridors=corridors,
    )  # fmt: skip
    _print_written(release, written, out)


def circuitscape(
    raster: Annotated[Path, typer.Option(help="Resistance, as `biodata resistance` writes it.")],
    out: OutOption,
    data: DataOption = DEFAULT_DATA,
    points: Annotated[bool, typer.Option("--points", help="One cell in each area, not all of them.")] = False,
) -> None:
    """Write a resistance raster and the protected areas on it: circuit.ini, resistance.asc, focal_regions.asc.

    Example: biodata analysis-inputs circuitscape --data biodata_data --raster sample_data/planning/resistance.tif --out circuit
    """
    from biodata.analysis import rasters
    from biodata.exports.engine_inputs import write_circuitscape

    release = current_release(data)
    _print_written(release, write_circuitscape(release, rasters.read(raster), out, points=points), out)


def marxan(
    out: OutOption,
    box: Annotated[str, typer.Option(help="West,south,east,north in degrees.")],
    side_m: Annotated[
        float, typer.Option(help="Side of a square unit, metres; a hexagon has the same area.", min=100)
    ] = 10_000,
    shape: ShapeOption = UnitShape.SQUARE,
    data: DataOption = DEFAULT_DATA,
    country: Annotated[
        list[str] | None, typer.Option(help="Only units on the land of this country: a code or a name.")
    ] = None,
    cost_per_km2: CostOption = None,
    target: Annotated[float, typer.Option(help="Share of each species' units to hold.", min=0, max=1)] = 0.3,
    least_units: Annotated[int, typer.Option(help="Species in fewer units are left out.", min=1)] = 1,
    locked_in: Annotated[
        float, typer.Option(help="Units with this share of protected ground are locked in; above 1 for none.", min=0)
    ] = 0.5,
    blm: Annotated[float, typer.Option(help="Boundary length modifier.", min=0)] = 0.0,
) -> None:
    """Write planning units, species and where they are: input.dat, pu, spec, puvspr and bound; and units.gpkg.

    Units are cut at the borders of countries and cost their area.

    Example: biodata analysis-inputs marxan --data biodata_data --box 101,20,103,22 --side-m 10000 --out marxan
    """
    from biodata import places
    from biodata.exports.marxan_inputs import MarxanRequest, write_marxan

    release = current_release(data)
    request = MarxanRequest(
        read_box(box), side_m, target, least_units, locked_in, tuple(read_country(one, option="--country") for one in country or ()), boundary_modifier=blm,
        shape=shape.value, cost_per_km2=read_rates(cost_per_km2 or []),
    )  # fmt: skip
    boundaries = places.load_boundaries(settings_for(data).boundaries)
    _print_written(release, write_marxan(release, request, out, boundaries=boundaries), out)


def _print_written(release: "Release", written: "Written", out: Path) -> None:
    """Say what was written."""
    counted = ", ".join(f"{count} {name}" for name, count in written.counts.items() if count)
    say(f"release {release.id}: {counted} → {out}: {', '.join(file.name for file in written.files)}")
