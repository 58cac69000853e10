"""`biodata candidates`."""

from pathlib import Path
from typing import Annotated

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, say, settings_for

_CANDIDATES = """Write the candidate transboundary reserves that the last runs found.

Example: biodata candidates --data mydata --out candidates.gpkg
"""


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    app.command(name="candidates", help=_CANDIDATES)(candidates)


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
