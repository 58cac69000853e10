"""`biodata survey …`: the commands of monitoring projects; each part has its own file."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import typer

from biodata.cli import survey_check, survey_results, survey_review
from biodata.cli.survey_told import refusal
from biodata.errors import BiodataError, InputError

P = ParamSpec("P")
R = TypeVar("R")


def add_commands(app: typer.Typer) -> None:
    """Add the group to the application."""
    group = typer.Typer(help="Surveys: headings, templates, checks, results.", no_args_is_help=True)
    for part in (survey_check, survey_results, survey_review):
        part.add_commands(group)
    for command in group.registered_commands:
        if command.callback is not None:
            command.callback = _in_language(command.callback)
    app.add_typer(group, name="survey")


def _in_language(call: Callable[P, R]) -> Callable[P, R]:
    """Return a command that says in its language why it cannot be done."""

    @wraps(call)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return call(*args, **kwargs)
        except InputError as error:
            from biodata.surveys import words

            language = words.language_of(str(kwargs.get("language") or "en")) or "en"
            if language == "en":
                raise
            raise BiodataError(refusal(error, language)) from error

    return run
