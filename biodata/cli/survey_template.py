"""`biodata survey template`."""

from pathlib import Path
from typing import Annotated

import typer

from biodata.cli.options import check_kinds, say

_HELP = """Write the workbook that a survey of a design is filled into, in one of ten languages.

Designs: camera_trap, line_transect, listening_post, sign_transect, point_count, mist_net, plot, conflict_incident.
Languages: en, zh, th, vi, lo, km, my, ms, id, fil.

Example: biodata survey template camera_trap --language lo --out survey.xlsx
"""


def add_commands(group: typer.Typer) -> None:
    """Add this file's command to the group."""
    group.command(name="template", help=_HELP)(template)


def template(
    design: Annotated[str, typer.Argument(help="The design.")],
    out: Annotated[Path, typer.Option(help="File to write, .xlsx.", dir_okay=False)],
    language: Annotated[str, typer.Option(help="Language of headings, lists and explanations.")] = "en",
) -> None:
    """Make and write."""
    from biodata.surveys import templates

    check_kinds([out], (".xlsx",))
    out.write_bytes(templates.template(design, language))
    say(f"{design} in {language} → {out}")
