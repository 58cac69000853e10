"""Options and words that several commands share."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import ValidationError

from biodata.errors import InputError, NoReleaseError
from biodata.settings import Settings

if TYPE_CHECKING:
    from biodata.store.releases import Release

DataOption = Annotated[
    Path, typer.Option("--data", help="Folder of the installation.", envvar="BIODATA_DATA", file_okay=False)
]

DEFAULT_DATA = Path("biodata_data")


def settings_for(data: Path) -> Settings:
    """Return the installation's settings: the environment's, with this data folder.

    Raises
    ------
    InputError
        If a variable of the environment cannot be used; its value, which may be a secret, is not told.
    """
    try:
        return Settings(data=data)
    except ValidationError as error:
        first = error.errors()[0]
        variable = f"BIODATA_{'.'.join(map(str, first['loc'])).upper()}"
        problem = f"this setting cannot be used: {first['msg']}"
        raise InputError(problem, column=variable, expected="what the README's list of settings says") from None


def show_progress() -> bool:
    """Tell whether somebody watches: progress bars are for terminals."""
    return sys.stderr.isatty()


def say(text: str) -> None:
    """Print a line of the answer."""
    typer.echo(text)


def check_outputs(outputs: Iterable[Path | None], inputs: Iterable[Path]) -> None:
    """Make sure, before anything is done, that the answer can be written and is not written over what is read.

    Raises
    ------
    InputError
        If a file would be written over itself.
    OSError
        If a file cannot be written.
    """
    read = [path for path in inputs if path.exists()]
    for out in filter(None, outputs):
        existed = out.exists()
        if existed and any(out.samefile(path) for path in read):
            problem = "the file would be written over itself"
            raise InputError(
                problem, file=str(out), expected="another name for what is written", code="OUTPUT_IS_INPUT"
            )
        with out.open("ab"):
            pass
        if not existed:
            out.unlink()


def read_options(texts: list[str]) -> dict[str, str]:
    """Split NAME=VALUE."""
    options = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            message = f"{text!r} is no NAME=VALUE"
            raise typer.BadParameter(message, param_hint="--option")
        options[name] = value
    return options


def read_box(text: str) -> tuple[float, float, float, float]:
    """Read west,south,east,north.

    Raises
    ------
    InputError
        If these are no four numbers.
    """
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError:
        problem = "this is no box"
        raise InputError(
            problem, column="--box", value=text, expected="west,south,east,north in degrees, such as 100,20,103,22.5"
        ) from None
    return west, south, east, north


def country_code(country: str) -> str:
    """Return a country's code, of its code or a name of it.

    Raises
    ------
    InputError
        If it is not known.
    """
    from biodata.parsers.countries import parse_country

    code, _ = parse_country(country)
    if code is None:
        problem = "there is no such country"
        raise InputError(problem, column="--country", value=country, expected="KH, KHM or Cambodia, for example")
    return code


def current_release(data: Path) -> "Release":
    """Return the installation's current release.

    Raises
    ------
    NoReleaseError
        If there is none, or no installation.
    """
    from biodata.store import releases

    current = releases.current(data) if data.is_dir() else None
    if current is None:
        message = f"{data} has no release yet: run `biodata release --data {data}` first"
        raise NoReleaseError(message)
    return current
