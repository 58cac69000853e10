"""`biodata key`: who may upload."""

from typing import Annotated

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, say, settings_for


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    keys = typer.Typer(help="Keys that let a project upload its surveys.", no_args_is_help=True)
    keys.command(
        name="new", help="Make a key; it is shown this once.\n\nExample: biodata key new nam-ha-team --data mydata"
    )(new)
    app.add_typer(keys, name="key")


def new(
    label: Annotated[str, typer.Argument(help="Whose key it is: a project or a team.")],
    data: DataOption = DEFAULT_DATA,
    dataset: Annotated[str | None, typer.Option(help="The only dataset that it may upload to.")] = None,
) -> None:
    """Make a key and print it."""
    from biodata.store.registry import Registry

    settings = settings_for(data)
    with Registry.open(settings) as registry:
        say(registry.new_api_key(label, dataset=dataset))
