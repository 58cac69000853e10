"""`biodata survey …`: the commands of monitoring projects; each part has its own file."""

from typing import Final

import typer

from biodata.cli import survey_check, survey_decide, survey_headings, survey_results, survey_review
from biodata.cli.survey_told import spoken

_PARTS: Final = (survey_check, survey_headings, survey_results, survey_review, survey_decide)
"""Files that add commands to the group."""


def add_commands(app: typer.Typer) -> None:
    """Add the group to the application."""
    group = typer.Typer(help="Surveys: headings, templates, checks, results.", no_args_is_help=True)
    for part in _PARTS:
        part.add_commands(group)
    for command in group.registered_commands:
        if command.callback is not None:
            command.callback = spoken(command.callback)
    app.add_typer(group, name="survey")
