"""`biodata export`: what the current release holds, as a file."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, say
from biodata.errors import InputError, NoReleaseError

_HELP = """Write a table of the current release: published values only.

Example: biodata export --data mydata --format csv --country LA --species "Nomascus concolor" --out gibbons.csv
"""


class Duplicates(StrEnum):
    """Records of the same event."""

    ONE = "one"
    ALL = "all"


class Format(StrEnum):
    """File formats."""

    CSV = "csv"
    GEOPARQUET = "geoparquet"
    GPKG = "gpkg"


def add_commands(app: typer.Typer) -> None:
    """Add this file's command to the application."""
    app.command(name="export", help=_HELP)(export)


def export(
    out: Annotated[Path, typer.Option(help="The file to write.")],
    data: DataOption = DEFAULT_DATA,
    file_format: Annotated[Format, typer.Option("--format", help="Its format.")] = Format.CSV,
    table: Annotated[str, typer.Option(help="occurrences, protected_areas, corridors, reserve_candidates or taxa.")] = (
        "occurrences"
    ),
    country: Annotated[str | None, typer.Option(help="Only this country (ISO 3166-1 alpha-2).")] = None,
    species: Annotated[str | None, typer.Option(help="Only this accepted species.")] = None,
    box: Annotated[str | None, typer.Option(help="Only inside west,south,east,north in degrees.")] = None,
    duplicates: Annotated[
        Duplicates, typer.Option(help="Of occurrences: one record of each event, or all.")
    ] = Duplicates.ONE,
) -> None:
    """Filter, read, write."""
    from biodata.exports import layers, tables
    from biodata.store import query, releases

    current = releases.current(data)
    if current is None:
        message = f"{data} has no release yet: run `biodata release --data {data}` first"
        raise NoReleaseError(message)
    parts: list[query.Filter] = []
    if country:
        parts.append(
            query.Compare("countryCode", "=", country)
            if table == "occurrences"
            else query.Contains("country_codes", country)
        )
    if species:
        parts.append(query.Compare("species", "=", species))
    if box:
        parts.append(query.InBox(*_read_box(box)))
    where: query.Filter | None = query.And(tuple(parts)) if parts else None
    if table == "occurrences":
        where = query.default_view(where, duplicates=duplicates is Duplicates.ALL)
    frame = releases.read(current, table, where=where)
    match file_format:
        case Format.CSV:
            tables.write_csv(frame, out)
        case Format.GEOPARQUET:
            layers.write_geoparquet(frame, out)
        case Format.GPKG:
            layers.write_geopackage(frame, out, layer=table)
    say(f"{frame.height} rows of release {current.id} → {out}")


def _read_box(text: str) -> tuple[float, float, float, float]:
    """Read west,south,east,north."""
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        problem = "this is no box"
        raise InputError(
            problem, column="--box", value=text, expected="west,south,east,north in degrees, such as 100,20,103,22.5"
        ) from None
    return west, south, east, north
