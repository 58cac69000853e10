"""`biodata account` and `biodata key`: who may do what, and the keys of programs."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, add_group, open_registry, say, settings_for

if TYPE_CHECKING:
    from biodata.access.roles import Principal, RoleBinding
    from biodata.store.registry import Registry

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

ByOption = Annotated[
    str | None,
    typer.Option("--by", help="Account in whose name the role is given; a reviewer or node_manager needs it."),
]
_WAITS = "it gives no right before somebody else has confirmed it: `biodata account confirm`"


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    add_group(app, "account", "Accounts and their roles.", new, list_accounts, role, confirm, code, reopen, revoke)
    add_group(app, "key", "Keys by which programs show who they are.", new_key, list_keys, revoke_key)


def new(
    name: NameArgument,
    data: DataOption = DEFAULT_DATA,
    label: Annotated[str | None, typer.Option(help="What people call it.")] = None,
    role: RoleOption = None,
    country: CountryOption = None,
    dataset: DatasetOption = None,
    area: AreaOption = None,
    taxon: TaxonOption = None,
    by: ByOption = None,
) -> None:
    """Make an account.

    Who gives it a role by which somebody decides (reviewer, node_manager) is named with --by; an administrator is made
    by whoever has the machine.

    Example: biodata account new ana --role node_manager --country LA --by office --data biodata_data
    """
    from biodata.access import accounts, roles

    scope = {"country": country, "dataset": dataset, "area": area, "taxon": taxon}
    wanted = [roles.read_role(role, **scope)] if role is not None else []
    with open_registry(settings_for(data)) as registry:
        actor = _giver(registry, wanted[0], by) if wanted else accounts.COMMAND_LINE
        accounts.new(registry, name, label=label, roles=wanted, actor=actor, machine=True)
        found = accounts.find(registry, name)
    say(f"account {name} is made, with {roles.role_in_words(wanted[0]) if wanted else 'no role'}")
    if found is not None and found.roles != tuple(wanted):
        say(_WAITS)


def list_accounts(data: DataOption = DEFAULT_DATA) -> None:
    """Tell which accounts there are, and their roles.

    Example: biodata account list --data biodata_data
    """
    from biodata.access import accounts

    with open_registry(settings_for(data)) as registry:
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
    by: ByOption = None,
) -> None:
    """Give a role to an account, or take it away.

    A reviewer and a node's manager decide, so the role gives no right until somebody else than its giver and its holder
    has confirmed it.

    Example: biodata account role ana reviewer --dataset nam-ha --by office --data biodata_data
    """
    from biodata.access import accounts, roles

    wanted = roles.read_role(role, country=country, dataset=dataset, area=area, taxon=taxon)
    word = json.loads(signed.read_text(encoding="utf-8")) if signed is not None else None
    with open_registry(settings_for(data)) as registry:
        if remove:
            accounts.unbind(registry, name, wanted, signed=word)
            say(f"account {name} has no longer {roles.role_in_words(wanted)}")
            return
        actor = accounts.COMMAND_LINE if word is not None else _giver(registry, wanted, by)
        counts = accounts.bind(registry, name, wanted, actor=actor, signed=word, machine=True)
    say(f"account {name} has {roles.role_in_words(wanted)}")
    if not counts:
        say(_WAITS)


def confirm(
    name: NameArgument,
    role: Annotated[str, typer.Argument(help="The role.")],
    by: Annotated[str, typer.Option("--by", help="Account in whose name it is confirmed.")],
    data: DataOption = DEFAULT_DATA,
    country: CountryOption = None,
    dataset: DatasetOption = None,
    area: AreaOption = None,
    taxon: TaxonOption = None,
) -> None:
    """Confirm a role that somebody else gave: it counts from now on.

    Who confirms it is an account that decides here, neither the role's giver nor its holder. Whoever decides sees all
    appointments, with who made and who confirmed each (GET /v1/appointments, `biodata audit list`).

    Example: biodata account confirm ana reviewer --dataset nam-ha --by witness --data biodata_data
    """
    from biodata.access import accounts, roles

    wanted = roles.read_role(role, country=country, dataset=dataset, area=area, taxon=taxon)
    with open_registry(settings_for(data)) as registry:
        accounts.confirm(registry, name, wanted, actor=by)
    say(f"{by} confirmed {roles.role_in_words(wanted)} of {name}: it counts from now on")


def code(name: NameArgument, data: DataOption = DEFAULT_DATA) -> None:
    """Make a one-time code by which the account's owner sets a password, or links a provider; it is shown this once.

    Example: biodata account code ana --data biodata_data
    """
    from biodata.access import credentials

    settings = settings_for(data)
    with open_registry(settings) as registry:
        say(credentials.new_code(registry, name))
    page = f"{(settings.public_url or 'http://127.0.0.1:8000').rstrip('/')}/surveys#code"
    typer.echo(
        f"give it to {name} alone; it is good once, for {credentials.CODE_LIFE.days} days: {name} opens {page} (the service's address, if "
        "it is another), sets a password with it, and logs in there\n"
        'without a browser: POST /v1/login/code with {"code": "…", "password": "…"}, then POST /v1/login with '
        '{"name": "…", "password": "…"}',
        err=True,
    )


def revoke(name: NameArgument, data: DataOption = DEFAULT_DATA) -> None:
    """Close an account: its password, keys and tokens end at once.

    Example: biodata account revoke ana --data biodata_data
    """
    from biodata.access import accounts

    with open_registry(settings_for(data)) as registry:
        accounts.revoke(registry, name)
    say(f"account {name} is closed")


def reopen(name: NameArgument, data: DataOption = DEFAULT_DATA) -> None:
    """Open a closed account again.

    Example: biodata account reopen ana --data biodata_data
    """
    from biodata.access import accounts

    with open_registry(settings_for(data)) as registry:
        accounts.reopen(registry, name)
    say(f"account {name} is open again")


def _giver(registry: "Registry", wanted: "RoleBinding", by: str | None) -> str:
    """Return in whose name a role is given; one by which somebody decides is given in somebody's, who may give it."""
    from biodata.access import accounts
    from biodata.access.roles import DECIDING, Role, may_grant
    from biodata.core.errors import InputError

    if by is None:
        if wanted.role in DECIDING and wanted.role is not Role.ADMINISTRATOR:
            problem, expected = (
                "who gives a role by which somebody decides is named",
                "--by ACCOUNT, as of an administrator",
            )
            raise InputError(problem, column="--by", value="", expected=expected, code="FIELD_INVALID")
        return accounts.COMMAND_LINE
    giver = accounts.find(registry, by)
    if giver is None or not may_grant(giver, wanted):
        problem, expected = (
            "this account cannot give that role",
            "an administrator, or a manager of that country's node",
        )
        raise InputError(problem, column="--by", value=by, expected=expected, code="FIELD_INVALID")
    return by


def new_key(
    label: Annotated[str, typer.Argument(help="Whose key it is: a project or a team.")],
    data: DataOption = DEFAULT_DATA,
    dataset: Annotated[str | None, typer.Option(help="The only dataset that it is good for.")] = None,
    account: Annotated[str | None, typer.Option(help="The account whose roles it has.")] = None,
) -> None:
    """Make a key; it is shown this once.

    Without --account it gets an account of its own that hands in surveys, of one dataset.

    Example: biodata key new nam-ha-team --data biodata_data
    """
    from biodata.access import credentials

    with open_registry(settings_for(data)) as registry:
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
    """Tell which keys there are.

    Example: biodata key list --data biodata_data
    """
    from biodata.access import credentials

    with open_registry(settings_for(data)) as registry:
        for line in credentials.key_lines(registry):
            say(line)


def revoke_key(
    number: Annotated[int, typer.Argument(help="The key's number, as `biodata key list` tells it.")],
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Take no more of a key, at once.

    Example: biodata key revoke 1 --data biodata_data
    """
    from biodata.access import credentials

    with open_registry(settings_for(data)) as registry:
        credentials.revoke_key(registry, number)
    say(f"key {number} is revoked")
