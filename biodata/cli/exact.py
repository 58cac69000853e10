"""`biodata exact`: the store of exact records, the process that alone reads it, and the keys that it trusts."""

import os
import signal
import threading
from pathlib import Path
from typing import Annotated

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, say, settings_for

StoreOption = Annotated[Path, typer.Option("--store", help="Folder of the exact store.", file_okay=False)]
CountryArgument = Annotated[str, typer.Argument(help="The node's country, such as LA.")]


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    exact = typer.Typer(help="The exact records of sensitive species, kept apart.", no_args_is_help=True)
    example = "Example: biodata exact"
    exact.command(
        name="build",
        help=f"Write the sensitive records into the exact store.\n\n{example} build --data biodata_data --store exact",
    )(build)
    exact.command(
        name="serve",
        help=f"Answer grants over a local socket.\n\n{example} serve --store exact --socket exact.sock",
    )(serve)
    exact.command(name="key", help=f"Make a node's key.\n\n{example} key la.key --public la.pem")(key)
    exact.command(
        name="trust", help=f"Trust a node's public key for its country.\n\n{example} trust LA la.pem --store exact"
    )(trust)
    exact.command(name="audit", help=f"Check the store's own audit.\n\n{example} audit --store exact")(audit)
    app.add_typer(exact, name="exact")


def build(
    store: Annotated[Path | None, typer.Option("--store", help="Folder of the exact store.", file_okay=False)] = None,
    socket: Annotated[
        Path | None,
        typer.Option("--socket", help="Socket of the running exact process, which then writes them itself."),
    ] = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Write the store."""
    from biodata.access import exact_building
    from biodata.core.errors import InputError

    settings = settings_for(data)
    if store is not None and socket is None:
        told = exact_building.build(settings, store)
    elif socket is not None and store is None:
        told = exact_building.hand_over(settings, socket)
    else:
        problem = "the exact store is given by its folder or by its process's socket"
        raise InputError(problem, column="--store", expected="--store or --socket", code="OPTIONS_UNFIT")
    say(f"{told.records} sensitive records of lake version {told.snapshot} are in {store or 'the exact store'}")


def serve(
    store: StoreOption,
    socket: Annotated[Path, typer.Option("--socket", help="The socket to listen at.")],
    client: Annotated[
        list[str] | None, typer.Option("--client", help="System user who may ask: the service's.")
    ] = None,
    owner: Annotated[
        list[str] | None, typer.Option("--owner", help="System user who has the lake and gives the records.")
    ] = None,
    user: Annotated[str | None, typer.Option(help="System user to run as, when started as root.")] = None,
) -> None:
    """Serve the store until told to stop."""
    from biodata.access.exact_process import ExactServer, ExactStore
    from biodata.cli.service_user import become, load_codecs, numbers_of
    from biodata.store import folders

    clients, owners = ([numbers_of(name)[0] for name in names or ()] for names in (client, owner))
    # Made first: whoever starts it may write where the socket lies, and the user need not.
    with ExactServer(socket, users=clients, owners=owners) as server:
        if user is not None:
            number, group = numbers_of(user)
            store.mkdir(mode=0o700, exist_ok=True)
            folders.give(store.resolve(), user=number, group=group)
            load_codecs()
            become(number, group)
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, lambda *_: threading.Thread(target=server.shutdown).start())
        opened = ExactStore(store)
        say(f"the exact store answers at {socket}")
        server.serve(opened)


def key(
    path: Annotated[Path, typer.Argument(help="File of the key, which must not leave the node.")],
    public: Annotated[Path, typer.Option("--public", help="File of the public key, for those who trust it.")],
) -> None:
    """Make a key."""
    from biodata.formats import node_keys

    public.write_text(node_keys.keep_new(path), encoding="ascii")
    say(f"{path} is the key, only its owner may read it; {public} is for `biodata exact trust`")


def trust(
    country: CountryArgument,
    public: Annotated[Path, typer.Argument(help="File of the public key.", exists=True, dir_okay=False)],
    store: StoreOption,
) -> None:
    """Trust a key."""
    import pycountry

    from biodata.core.errors import InputError
    from biodata.formats import node_keys

    code = country.upper()
    if pycountry.countries.get(alpha_2=code) is None:
        problem = "this is no country"
        raise InputError(problem, column="country", value=country, expected="an ISO 3166-1 alpha-2 code such as LA")
    if not store.is_dir():
        problem = "there is no exact store in this folder"
        raise InputError(problem, column="--store", value=str(store), expected="one that `biodata exact build` made")
    given = node_keys.read_public(public.read_text(encoding="utf-8", errors="replace"), file=str(public))
    folder = store / "nodes"
    folder.mkdir(mode=0o700, exist_ok=True)
    kept = folder / f"{code}.pem"
    if kept.exists() and kept.read_text(encoding="utf-8", errors="replace") != given:
        say(f"another key of {code} was trusted until now: grants signed with it end")
    # Written from the key, not copied: the file may be the private key, which must not leave the node.
    kept.write_text(given, encoding="ascii")
    if os.geteuid() == 0:  # they go on being the store's own user's
        owner = store.stat()
        for path in (folder, kept):
            os.chown(path, owner.st_uid, owner.st_gid)
    say(f"grants of {code} are those signed with the key of {public.name}")


def audit(store: StoreOption) -> None:
    """Check the audit."""
    from biodata.access.exact_process import ExactStore
    from biodata.core.errors import StoreError

    broken = ExactStore(store).first_broken()
    if broken is not None:
        message = f"entry {broken} of the exact store's audit was changed or is gone"
        raise StoreError(message)
    say("the exact store's audit is whole")
