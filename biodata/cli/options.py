"""Options and words that several commands share."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from biodata.settings import Settings

DataOption = Annotated[
    Path, typer.Option("--data", help="Folder of the installation.", envvar="BIODATA_DATA", file_okay=False)
]

DEFAULT_DATA = Path("biodata_data")


def settings_for(data: Path) -> Settings:
    """Return the installation's settings: the environment's, with this data folder."""
    return Settings(data=data)


def show_progress() -> bool:
    """Tell whether somebody watches: progress bars are for terminals."""
    return sys.stderr.isatty()


def say(text: str) -> None:
    """Print a line of the answer."""
    typer.echo(text)


def read_options(texts: list[str]) -> dict[str, str]:
    """Split NAME=VALUE."""
    options = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            message = f"{text!r} is no NAME=VALUE"
            raise typer.BadParameter(message)
        options[name] = value
    return options
