"""`biodata dataset`: what is stated of each dataset as a whole, and stating it."""

import json
from typing import Annotated

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, installation, open_registry, say


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    group = typer.Typer(no_args_is_help=True, help="What is stated of each dataset: title, licence, citation, DOI.")
    group.command(name="set")(set_description)
    group.command(name="list")(list_datasets)
    app.add_typer(group, name="dataset")


def set_description(
    key: Annotated[str, typer.Argument(help="The dataset's key.")],
    data: DataOption = DEFAULT_DATA,
    title: Annotated[str | None, typer.Option(help="Its title.")] = None,
    licence: Annotated[
        str | None,
        typer.Option("--license", help="CC0 1.0, CC BY 4.0, CC BY-NC 4.0, or the address of another licence."),
    ] = None,
    citation: Annotated[str | None, typer.Option(help="How to cite it.")] = None,
    doi: Annotated[str | None, typer.Option(help="Its DOI.")] = None,
    scope: Annotated[
        str | None,
        typer.Option(help="The taxon that it is about, such as Aves: a name in it that nobody knows is of that taxon."),
    ] = None,
) -> None:
    """State a dataset's title, licence, citation or DOI; the next `biodata release` has it, and every citation from then on.

    Example: biodata dataset set checklist --data biodata_data --title "Checklist of our region" --license "CC BY 4.0"
    """
    from biodata.access import accounts
    from biodata.core.errors import InputError
    from biodata.pipeline import descriptions

    values = {"title": title, "license": licence, "citation": citation, "doi": doi, "scope": scope}
    if not any(value is not None for value in values.values()):
        problem = "nothing is stated"
        raise InputError(problem, expected="--title, --license, --citation, --doi or --scope", code="OPTION_MISSING")
    changed = descriptions.describe(installation(data), key, values, actor=accounts.COMMAND_LINE)
    for name, value in changed.items():
        say(f"{key}: {name} is {value}")
    say(f"`biodata release --data {data}` publishes it" if changed else f"{key}: this was stated before")


def list_datasets(
    data: DataOption = DEFAULT_DATA,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """List the datasets of an installation with their titles and licences, one a line.

    Example: biodata dataset list --data biodata_data
    """
    with open_registry(installation(data)) as registry:
        rows = registry.datasets().to_dicts()
    if as_json:
        say(json.dumps(rows, ensure_ascii=False, indent=1))
        return
    for row in rows:
        say(f"{row['key']}: {row['title'] or 'no title'}, {row['license'] or 'no licence of the whole'}")
