"""`biodata account`: who may do what. The first administrator is made here, and nowhere else."""

import json
from pathlib import Path
from typing import Annotated

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, say, settings_for

NameArgument = Annotated[str, typer.Argument(help="Name of the account.")]
RoleOption = Annotated[
    str | None, typer.Option(help="researcher, uploader, planner, reviewer, node_manager or administrator.")
]
CountryOption = Annotated[str | None, typer.Option(help="Only in this country, such as LA.")]
DatasetOption = Annotated[str | None, typer.Option(help="Only for this dataset.")]
AreaOption = Annotated[str | None, typer.Option(help="Only within this area, by its id.")]
TaxonOption = Annotated[
    str | None, typer.Option(help="Only for this taxon and what is within it, by its accepted name.")
]


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    accounts = typer.Typer(help="Accounts and their roles.", no_args_is_help=True)
    example = "Example: biodata account"
    accounts.command(
        name="new",
        help=f"Make an account.\n\n{example} new ana --role node_manager --country LA --data biodata_data",
    )(new)
    accounts.command(
        name="list", help=f"Tell which accounts there are, and their roles.\n\n{example} list --data biodata_data"
    )(list_accounts)
    accounts.command(
        name="role",
        help="Give a role to an account, or take it away.\n\n"
        f"{example} role ana reviewer --dataset nam-ha --data biodata_data",
    )(role)
    accounts.command(
        name="code",
        help="Make a one-time code by which the account's owner sets a password, or links a provider; it is shown this "
        f"once.\n\n{example} code ana --data biodata_data",
    )(code)
    accounts.command(name="reopen", help=f"Open a closed account again.\n\n{example} reopen ana --data biodata_data")(
        reopen
    )
    accounts.command(
        name="revoke",
        help=f"Close an account: its password, keys and tokens end at once.\n\n{example} revoke ana --data biodata_data",
    )(revoke)
    app.add_typer(accounts, name="account")


def new(
    name: NameArgument,
    data: DataOption = DEFAULT_DATA,
    label: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    role: RoleOption = None,
    country: CountryOption = None,
    dataset: DatasetOption = None,
    area: AreaOption = None,
    taxon: TaxonOption = None,
) -> None:
    """Make an account."""
    from biodata.access import accounts, bindings
    from biodata.store.registry import Registry

    scope = {"country": country, "dataset": dataset, "area": area, "taxon": taxon}
    wanted = [bindings.read(role, **scope)] if role is not None else []
    with Registry.open(settings_for(data)) as registry:
        accounts.new(registry, name, label=label, roles=wanted)
    say(f"account {name} is made, with {bindings.written(wanted[0]) if wanted else 'no role'}")


def list_accounts(data: DataOption = DEFAULT_DATA) -> None:
    """Print a line for each account."""
    from biodata.access import accounts
    from biodata.store.registry import Registry

    with Registry.open(settings_for(data)) as registry:
        for line in accounts.lines(registry):
            say(line)


def role(
    name: NameArgument,
    role: Annotated[str, typer.Argument(help="The role.")],
    data: DataOption = DEFAULT_DATA,
    country: CountryOption = None,
    dataset: DatasetOption = None,
    area: AreaOption = None,
    taxon: TaxonOption = None,
    remove: Annotated[bool, typer.Option("--remove", help="Take it away instead.")] = False,
    signed: Annotated[
        Path | None,
        typer.Option(help="What `biodata node appoint` wrote at the country's node.", exists=True, dir_okay=False),
    ] = None,
) -> None:
    """Give a role, or take it away."""
    from biodata.access import accounts, bindings
    from biodata.store.registry import Registry

    wanted = bindings.read(role, country=country, dataset=dataset, area=area, taxon=taxon)
    word = json.loads(signed.read_text(encoding="utf-8")) if signed is not None else None
    with Registry.open(settings_for(data)) as registry:
        (accounts.unbind if remove else accounts.bind)(registry, name, wanted, signed=word)
    say(f"account {name} {'has no longer' if remove else 'has'} {bindings.written(wanted)}")


def code(name: NameArgument, data: DataOption = DEFAULT_DATA) -> None:
    """Make a code and print it."""
    from biodata.access import codes
    from biodata.store.registry import Registry

    settings = settings_for(data)
    with Registry.open(settings) as registry:
        say(codes.issue(registry, name))
    page = f"{(settings.public_url or 'http://127.0.0.1:8000').rstrip('/')}/surveys#code"
    typer.echo(
        f"give it to {name} alone; it is good once, for {codes.LIFE.days} days: {name} opens {page} (the service's address, if "
        "it is another), sets a password with it, and logs in there\n"
        'without a browser: POST /v1/login/code with {"code": "…", "password": "…"}, then POST /v1/login with '
        '{"name": "…", "password": "…"}',
        err=True,
    )


def revoke(name: NameArgument, data: DataOption = DEFAULT_DATA) -> None:
    """Close an account."""
    from biodata.access import accounts
    from biodata.store.registry import Registry

    with Registry.open(settings_for(data)) as registry:
        accounts.revoke(registry, name)
    say(f"account {name} is closed")


def reopen(name: NameArgument, data: DataOption = DEFAULT_DATA) -> None:
    """Open an account again."""
    from biodata.access import accounts
    from biodata.store.registry import Registry

    with Registry.open(settings_for(data)) as registry:
        accounts.reopen(registry, name)
    say(f"account {name} is open again")
