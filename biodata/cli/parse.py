"""`biodata parse`: one kind of value in a CSV file, read row by row."""

from pathlib import Path
from typing import Annotated

import typer

from biodata.cli.options import say, show_progress


def add_commands(app: typer.Typer) -> None:
    """Add this file's command to the application."""
    app.command(name="parse")(parse)


def parse(
    kind: Annotated[str, typer.Argument(help="What the values are.")],
    file: Annotated[Path, typer.Argument(help="CSV file with a heading.", dir_okay=False)],
    out: Annotated[Path, typer.Option(help="CSV file to write.", dir_okay=False)],
    declare: Annotated[
        list[str] | None,
        typer.Option(help="NAME=VALUE that the dataset declares, such as day_month_order=day_first or unit=mu."),
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help="Encoding of FILE, such as gb18030; found out where none is told.")
    ] = None,
) -> None:
    """Read one kind of value in a CSV file and write the file again with what was understood.

    KIND is coordinates, dms, date, country, province, name, area, basis-of-record, occurrence-status, licence, sex,
    life-stage, rank, type-status, establishment-means, taxonomic-status, threat-status or continent.

    It reads the column called value, else the one called by the kind's Darwin Core term, else the first. Coordinates
    stand in latitude and longitude (or decimalLatitude …, verbatimLatitude …) or, in rows where those tell nothing, in
    one column coordinates, verbatimCoordinates or value; dates in value or eventDate with year, month and day beside
    it; provinces beside country or countryCode.

    The other columns pass unchanged. Written behind them: the value (decimalLatitude and decimalLongitude; eventDate,
    start, end …; else parsed), issues (GBIF's names, joined by semicolons), confidence (DEFINITE, PROBABLE, POSSIBLE,
    empty where nothing was read) and the rule. A column of the same name as one of these is written as told_…, a third
    column without a name as column_3.

    Values are written as they came, also where a spreadsheet would take one for a formula: open the file as text.

    A file that is not UTF-8 is read in the encoding in which its text is most plausible; the answer says which. Name
    another with --encoding.

    Example: biodata parse date sample_data/labels.csv --out dates.csv
    """
    from biodata.cli.options import read_options
    from biodata.cli.parse_files import parse_file
    from biodata.formats.encodings import CANDIDATES

    declared = read_options(declare or [])
    rows, columns, read_in = parse_file(kind, file, out, declared=declared, encoding=encoding, progress=show_progress())
    say(f"{rows} rows, read from {', '.join(columns)} → {out}")
    if read_in != "utf-8":
        others = ", ".join(name for name in CANDIDATES if name not in {"utf-8", read_in})
        hint = "" if encoding else f"; if letters are wrong, name another with --encoding: {others}, …"
        say(f"{file.name} is not UTF-8 and was read in {read_in}{hint}")
