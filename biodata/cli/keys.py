"""`biodata key`: keys for programs."""

from typing import TYPE_CHECKING, Annotated

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, say, settings_for

if TYPE_CHECKING:
    from biodata.access.roles import Principal


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    keys = typer.Typer(help="Keys by which programs show who they are.", no_args_is_help=True)
    keys.command(
        name="new",
        help="Make a key; it is shown this once.\n\n"
        "Without --account it gets an account of its own that hands in surveys, of one dataset.\n\n"
        "Example: biodata key new nam-ha-team --data biodata_data",
    )(new)
    keys.command(name="list", help="Tell which keys there are.\n\nExample: biodata key list --data biodata_data")(
        list_keys
    )
    keys.command(
        name="revoke", help="Take no more of a key, at once.\n\nExample: biodata key revoke 1 --data biodata_data"
    )(revoke)
    app.add_typer(keys, name="key")


def new(
    label: Annotated[str, typer.Argument(help="Whose key it is: a project or a team.")],
    data: DataOption = DEFAULT_DATA,
    dataset: Annotated[str | None, typer.Option(help="The only dataset that it is good for.")] = None,
    account: Annotated[str | None, typer.Option(help="The account whose roles it has.")] = None,
) -> None:
    """Make a key and print it."""
    from biodata.access import credentials
    from biodata.store.registry import Registry

    with Registry.open(settings_for(data)) as registry:
        if account is None:
            key = credentials.key_for_uploads(registry, label, dataset=dataset)
        else:
            key = credentials.new_key(registry, account, label=label, dataset=dataset)
        found = credentials.holder_of_key(registry, key)
    say(key)
    if found is not None:  # beside the key, which a program may read
        typer.echo(_good_for(found), err=True)


def _good_for(who: "Principal") -> str:
    """Return whose a key is, and what it is good for."""
    from biodata.access.roles import role_in_words

    roles = "; ".join(role_in_words(one) for one in who.roles) or "nothing, since the account has no role that fits"
    return f"a key of the account {who.label}, good for: {roles}"


def list_keys(data: DataOption = DEFAULT_DATA) -> None:
    """Print a line for each key."""
    from biodata.access import credentials
    from biodata.store.registry import Registry

    with Registry.open(settings_for(data)) as registry:
        for line in credentials.key_lines(registry):
            say(line)


def revoke(
    number: Annotated[int, typer.Argument(help="The key's number, as `biodata key list` tells it.")],
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Revoke a key."""
    from biodata.access import credentials
    from biodata.store.registry import Registry

    with Registry.open(settings_for(data)) as registry:
        credentials.revoke_key(registry, number)
    say(f"key {number} is revoked")
