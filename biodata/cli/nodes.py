"""`biodata node`: a country keeps its records at home and shares what its own rules let out."""

import json
from pathlib import Path
from typing import Annotated

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, say, settings_for

CodeArgument = Annotated[str, typer.Argument(help="ISO 3166-1 code of the country, such as LA.")]


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    nodes = typer.Typer(help="National nodes: keys, exports, and whom a hub trusts.", no_args_is_help=True)
    example = "Example: biodata node"
    nodes.command(
        name="new",
        help="Make this installation the node of a country, with a key pair of its own. The private key stays; the public "
        f"one is given to hubs.\n\n{example} new LA --data laos",
    )(new)
    nodes.command(
        name="export",
        help="Write what the current release publishes of this country into a new folder, with a signed manifest.\n\n"
        f"{example} export --data laos --out laos-2026-11",
    )(export)
    nodes.command(
        name="trust",
        help="Trust a node's public key. Let the node tell the fingerprint of its key, which `node new` and `node list` "
        "print, by another way than the file came (read it aloud), and give it with --fingerprint: another key is refused.\n\n"
        f"{example} trust LA laos/node-LA.pub --fingerprint FINGERPRINT --data hub",
    )(trust)
    nodes.command(name="distrust", help=f"Take nothing more from a node.\n\n{example} distrust LA --data hub")(distrust)
    nodes.command(
        name="appoint",
        help="Sign, at the node, who manages it at a hub: without it nobody there makes anybody a manager, once somebody was. "
        f"The hub takes it with `biodata account role … --signed`.\n\n{example} appoint noy --data laos --out noy.json",
    )(appoint)
    nodes.command(name="list", help=f"Tell which nodes there are.\n\n{example} list --data hub")(list_nodes)
    app.add_typer(nodes, name="node")


def new(code: CodeArgument, data: DataOption = DEFAULT_DATA) -> None:
    """Make a node."""
    from biodata.access import nodes
    from biodata.formats.node_keys import fingerprint
    from biodata.store.registry import Registry

    settings = settings_for(data)
    with Registry.open(settings) as registry:
        path = nodes.new_node(registry, settings.data, code)
    say(f"this is the node of {code.upper()}; give {path} to hubs, fingerprint {fingerprint(path.read_text())}")


def export(
    out: Annotated[Path, typer.Option(help="The folder to make.")],
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Write an export."""
    from biodata.access import nodes

    made = nodes.export_node(settings_for(data), out)
    counts = made.counts
    say(
        f"{out}: manifest {made.sequence} of node {made.node}, release {made.release}: {counts['records']} records, "
        f"{counts['generalised']} of them generalised, {counts['units']} planning units; {counts['elsewhere']} records of "
        "other countries stay here"
    )


def trust(
    code: CodeArgument,
    key: Annotated[Path, typer.Argument(help="The node's public key.", exists=True, dir_okay=False)],
    data: DataOption = DEFAULT_DATA,
    fingerprint: Annotated[str | None, typer.Option(help="What the node itself told you of its key.")] = None,
) -> None:
    """Trust a node."""
    from biodata.access import nodes
    from biodata.store.registry import Registry

    with Registry.open(settings_for(data)) as registry:
        told = nodes.trust(registry, code, key, compared=fingerprint)
    code = code.strip().upper()
    say(f"node {code} is trusted; the fingerprint of its key is {told}")
    if fingerprint is None:
        say(
            f"nobody compared it yet: ask the node of {code} for it, and if it is another: `biodata node distrust {code}`"
        )


def distrust(code: CodeArgument, data: DataOption = DEFAULT_DATA) -> None:
    """Trust a node no longer."""
    from biodata.access import nodes
    from biodata.store.registry import Registry

    with Registry.open(settings_for(data)) as registry:
        nodes.distrust(registry, code)
    say(f"node {code.upper()} is not trusted any more")


def appoint(
    account: Annotated[str, typer.Argument(help="The account's name at the hub.")],
    out: Annotated[Path, typer.Option(help="JSON file to write.")],
    data: DataOption = DEFAULT_DATA,
    dismiss: Annotated[bool, typer.Option("--dismiss", help="Sign that they manage it no longer.")] = False,
) -> None:
    """Sign a word on a manager."""
    from biodata.access import nodes
    from biodata.store.registry import Registry

    settings = settings_for(data)
    with Registry.open(settings) as registry:
        country, signed = nodes.appoint(registry, settings.data, account, given=not dismiss)
    out.write_text(json.dumps(signed), encoding="utf-8")
    say(f"{out}: {account} {'manages' if not dismiss else 'no longer manages'} the node of {country}")


def list_nodes(data: DataOption = DEFAULT_DATA) -> None:
    """Print a line for each node."""
    from biodata.access import nodes
    from biodata.store.registry import Registry

    with Registry.open(settings_for(data)) as registry:
        for line in nodes.node_lines(registry):
            say(line)
