"""`biodata protconn`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from biodata.cli.options import check_outputs, read_country, say, settings_for
from biodata.errors import InputError

if TYPE_CHECKING:
    from biodata.analysis.networks.protconn_pieces import Pieces

_PROTCONN = """Compute ProtConn, the protected and connected part of a country or a landscape, with all its fractions.

AREAS are protected areas, those of neighbouring countries too: what lies within --transboundary-m of the border, or only
touches it, counts as a stepping stone.

Example: biodata protconn sample_data/protected_areas.geojson sample_data/protected_areas_old_schema.gpkg --country LA --distance-m 10000 --out protconn.json
"""


_UNITS: Final = {"EC(PC)": " km²", "PC": "", "Maximum landscape attribute": " km²", "Protected surface": " km²"}
"""Of the values that are no percents."""


def add_commands(app: typer.Typer) -> None:
    """Add this file's command to the application."""
    app.command(name="protconn", help=_PROTCONN)(compute)


def compute(
    areas: Annotated[list[Path], typer.Argument(help="Files of protected areas.")],
    country: Annotated[str | None, typer.Option(help="The region as a country's code or name.")] = None,
    region: Annotated[Path | None, typer.Option(help="The region as a file of polygons.", dir_okay=False)] = None,
    distance_m: Annotated[
        list[float] | None, typer.Option(help="Dispersal distance, metres; can be given again.")
    ] = None,
    probability: Annotated[float, typer.Option(help="Probability of that distance; 0.5 for the median.")] = 0.5,
    transboundary_m: Annotated[
        float, typer.Option(help="How far beyond the border areas count, metres; -1 for none, 0 for those that touch.")
    ] = 50_000.0,
    around: Annotated[
        str, typer.Option(help="Areas beyond the border are near the region, or the areas in it.")
    ] = "region",
    measured: Annotated[str, typer.Option(help="Distances between edge or centroid.")] = "edge",
    crs: Annotated[
        str | None, typer.Option(help="Plane to measure on, as EPSG:n; an equal-area one if not told.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="JSON file to write.", dir_okay=False)] = None,
    conefor: Annotated[
        Path | None,
        typer.Option(
            help="Folder that gets the pieces as Conefor's nodes.txt (km²) and distances.txt (m).", file_okay=False
        ),
    ] = None,
) -> None:
    """Read, cut once, compute for each distance, say and write."""
    import orjson

    from biodata.analysis.layers import read_polygons
    from biodata.analysis.networks.protconn import of_pieces, reach_of
    from biodata.analysis.networks.protconn_pieces import Around, Measured, cut
    from biodata.places import country_geometry, load_boundaries

    distances = distance_m or [10_000.0]
    if (country is None) == (region is None):
        problem = "the region is told neither or both ways"
        raise InputError(problem, expected="either --country CODE or --region FILE", code="OPTION_MISSING")
    if not all(0 < distance < float("inf") for distance in distances) or not 0 < probability < 1:
        problem = "a distance is not positive, or the probability is not between 0 and 1"
        raise InputError(problem, code="OPTION_INVALID")
    for name, told, known in (("around", around, Around), ("measured", measured, Measured)):
        if told not in list(known):
            problem = "this is not known"
            raise InputError(problem, column=name, value=told, expected=" or ".join(known), code="OPTION_INVALID")
    check_outputs([out], [*areas, *([region] if region else [])])
    boundaries = load_boundaries(settings_for(Path()).boundaries) if country else None
    land = (
        country_geometry(read_country(country, option="--country"), boundaries)
        if country and boundaries
        else read_polygons([region] if region else [])
    )
    parks = read_polygons(areas)
    for file, count in parks.attrs["left_out"].items():
        typer.echo(f"biodata: {file}: {count} rows are no polygons and were left out", err=True)
    pieces = cut(
        parks,
        land,
        transboundary_m=None if transboundary_m < 0 else transboundary_m,
        around=Around(around),
        measured=Measured(measured),
        reach_m=max(reach_of(distance, probability) for distance in distances),
        crs=crs,
    )
    found = []
    for distance in distances:
        values = of_pieces(pieces, distance_m=distance, probability=probability).as_dict()
        found.append({"distance_m": distance, "probability": probability, **values})
        say(f"distance {distance:g} m, probability {probability:g}")
        for name, value in values.items():
            unit = _UNITS.get(name, " %" if isinstance(value, float) else "")
            say(f"{name:>28} {value:,.4f}{unit}" if isinstance(value, float) else f"{name:>28} {value}")
    if conefor is not None:
        _write_conefor(pieces, conefor)
        say(f"{len(pieces.shapes)} pieces, {pieces.first.size} distances → {conefor}")
    if out is not None:
        facts: dict[str, Any] = {"plane": pieces.crs.to_string(), "units": "areas in km², the others in percent"}
        if boundaries:
            facts["boundaries"] = boundaries.told()
        out.write_bytes(orjson.dumps({**facts, "results": found}, option=orjson.OPT_INDENT_2))
        say(f"{len(found)} results → {out}")


def _write_conefor(pieces: "Pieces", folder: Path) -> None:
    """Write the pieces as Conefor's files; those beyond the border are the last, and have no area."""
    import numpy as np

    from biodata.formats.conefor import Connections, Nodes, write_connections, write_nodes
    from biodata.formats.conefor_options import Kind

    folder.mkdir(parents=True, exist_ok=True)
    count = len(pieces.shapes)
    nodes = Nodes(np.arange(1, count + 1), pieces.area_m2 / 1e6, np.ones(count, dtype=np.bool_))
    write_nodes(nodes, folder / "nodes.txt")
    found = Connections(Kind.DISTANCE, pieces.first, pieces.second, pieces.distance_m)
    write_connections(found, nodes, folder / "distances.txt")
