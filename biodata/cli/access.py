"""`biodata access`: requests for exact records, and what a country's node decides of them."""

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, add_group, open_registry, say, settings_for

if TYPE_CHECKING:
    from collections.abc import Mapping

    from biodata.access.roles import Principal
    from biodata.store.registry import Registry
import os
import signal
import threading

IdArgument = Annotated[str, typer.Argument(help="Id of the request.")]
AccountOption = Annotated[str, typer.Option("--account", help="Who does it.")]
CountryOption = Annotated[str, typer.Option("--country", help="For which country.")]


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    add_group(app, "exact", "The exact records of sensitive species, kept apart.", build, serve, key, trust, audit)
    add_group(
        app, "access", "Requests for exact records, and their grants.", list_requests, request, decide, sign, revoke
    )


def list_requests(account: AccountOption, data: DataOption = DEFAULT_DATA) -> None:
    """Tell the requests of an account, and those that it decides.

    Each tells what is asked, for what, until when, and what each country decided.

    Example: biodata access list --account ana --data biodata_data
    """
    from biodata.access import request_views

    with open_registry(settings_for(data)) as registry:
        for facts in request_views.describe(registry, open_account(registry, account)):
            states = ", ".join(f"{one['country']} {one['state']}" for one in facts["decisions"])
            say(f"{facts['id']} {facts['account']}: {states}: {facts['purpose']}")
            say(f"  {_asked(facts['wanted'])}")
            for one in facts["decisions"]:
                if one["reason"]:
                    say(f"  {one['country']} says: {one['reason']}")
            for line in facts["due"]:
                say(f"  {line}")


def request(
    account: AccountOption,
    country: Annotated[list[str], typer.Option("--country", help="Country of occurrence; several times.")],
    field: Annotated[list[str], typer.Option("--field", help="A field that is needed; several times.")],
    purpose: Annotated[str, typer.Option(help="What for.")],
    expires: Annotated[str, typer.Option(help="When it is to end, ISO 8601 with a zone.")],
    data: DataOption = DEFAULT_DATA,
    taxon: Annotated[str | None, typer.Option(help="Accepted name of a taxon, for all within it.")] = None,
    box: Annotated[str | None, typer.Option(help="West,south,east,north in degrees.")] = None,
    polygon: Annotated[
        Path | None, typer.Option(help="GeoJSON file of a polygon.", exists=True, dir_okay=False)
    ] = None,
    since: Annotated[str | None, typer.Option(help="First day.")] = None,
    until: Annotated[str | None, typer.Option(help="Last day.")] = None,
    rows: Annotated[int, typer.Option(help="Records that may be handed out.", min=1)] = 10_000,
    rows_a_day: Annotated[int, typer.Option(help="Records that may be handed out in a day.", min=1)] = 10_000,
    times: Annotated[int, typer.Option(help="How often may be asked.", min=1)] = 100,
) -> None:
    """Ask for exact records.

    Example: biodata access request --account sou --country LA --taxon "Elephas maximus" --field decimalLatitude --expires 2027-06-30T00:00:00+00:00 --purpose "corridor study" --data biodata_data
    """
    from biodata.access import requests
    from biodata.core.errors import InputError

    try:
        area: Any = [float(edge) for edge in box.split(",")] if box is not None else None
        area = json.loads(polygon.read_text(encoding="utf-8")) if polygon is not None else area
    except ValueError:
        problem = "this is no area"
        expected = "--box west,south,east,north, or --polygon with a file of GeoJSON"
        raise InputError(problem, column="--box", value=box or str(polygon), expected=expected) from None
    wanted = {
        "taxon": taxon, "area": area, "since": since, "until": until, "fields": field, "rows": rows,
        "rows_a_day": min(rows_a_day, rows), "requests": times, "expires": expires,
    }  # fmt: skip
    settings = settings_for(data)
    with open_registry(settings) as registry:
        say(requests.ask(registry, open_account(registry, account), purpose=purpose, countries=country, wanted=wanted))


def decide(
    number: IdArgument,
    account: AccountOption,
    country: CountryOption,
    data: DataOption = DEFAULT_DATA,
    key: Annotated[Path | None, typer.Option(help="The node's key: grants all that was asked.", dir_okay=False)] = None,
    refuse: Annotated[bool, typer.Option("--refuse", help="Refuse it.")] = False,
    reason: Annotated[str | None, typer.Option(help="Why, above all where it is refused.")] = None,
    review: Annotated[
        datetime | None, typer.Option(help="When to look at the grant again.", formats=["%Y-%m-%d"])
    ] = None,
) -> None:
    """Grant a request for a country with its node's key, or refuse it.

    A decision stands: whoever was refused asks anew, and a grant is taken back by `biodata access revoke`.

    Example: biodata access decide ID --account ana --country LA --key la.key --data biodata_data

    Example: biodata access decide ID --account ana --country LA --refuse --reason "a smaller area would do" --data biodata_data
    """
    from biodata.access import grants, requests
    from biodata.core.errors import InputError

    if refuse is (key is not None):
        problem = "a request is either granted or refused, and that stands"
        raise InputError(problem, expected="--key FILE to grant it, or --refuse", code="DECISION_MISSING")
    country = country.upper()
    settings = settings_for(data)
    with open_registry(settings) as registry:
        who = open_account(registry, account)
        text = requests.to_sign(registry, who, number, country) if key is not None else None
        signature = grants.sign(text, key) if text is not None and key is not None else None
        requests.decide(registry, who, number, country, grant=text, signature=signature, reason=reason,
                         review=review.date() if review is not None else None, exact=settings.exact_socket)  # fmt: skip
    say(f"{country} {'granted' if key is not None else 'refused'} request {number}")
    if key is not None and settings.exact_socket is None:
        say("the signature is checked when records are read: no exact process is named here (BIODATA_EXACT_SOCKET)")


def sign(
    grant: Annotated[Path, typer.Argument(help="File with the grant's text.", exists=True, dir_okay=False)],
    key: Annotated[Path, typer.Option(help="The node's key.", exists=True, dir_okay=False)],
) -> None:
    """Sign a grant's text at home; the signature goes to POST /v1/access/requests/ID/decide.

    Example: biodata access sign grant.json --key la.key
    """
    from biodata.access import grants

    text = grants.Grant.read(grant.read_text(encoding="utf-8").strip()).text()
    say(grants.sign(text, key))


def revoke(number: IdArgument, account: AccountOption, country: CountryOption, data: DataOption = DEFAULT_DATA) -> None:
    """Take a grant back.

    Example: biodata access revoke ID --account ana --country LA --data biodata_data
    """
    from biodata.access import requests

    settings, country = settings_for(data), country.upper()
    with open_registry(settings) as registry:
        requests.revoke(registry, open_account(registry, account), number, country)
        if settings.exact_socket is not None:
            requests.report_revocations(registry, settings.exact_socket)
    say(f"the grant of {country} for request {number} has ended")


def _asked(wanted: "Mapping[str, Any]") -> str:
    """Return in words what a request asks for, so that it can be decided from the list."""
    taxon = wanted["taxon"] or "every sensitive species"
    since, until = wanted.get("since"), wanted.get("until")
    times = f", from {since or 'the first day'} to {until or 'the last day'}" if since or until else ""
    area = (
        f" within {json.dumps(wanted['area'], ensure_ascii=False)}"
        if wanted.get("area")
        else " anywhere in the country"
    )
    return (
        f"{taxon}{area}{times}: {', '.join(wanted['fields'])}; "
        f"at most {wanted['rows']} records, {wanted.get('rows_a_day', wanted['rows'])} a day, asked {wanted['requests']} times; until {wanted['expires']}"
    )


def open_account(registry: "Registry", account: str) -> "Principal":
    """Return an open account, or fail."""
    from biodata.access import accounts
    from biodata.core.errors import InputError

    if (found := accounts.find(registry, account)) is None:
        problem = "there is no open account of this name"
        raise InputError(problem, column="--account", value=account, code="ACCOUNT_MISSING")
    return found


StoreOption = Annotated[Path, typer.Option("--store", help="Folder of the exact store.", file_okay=False)]
CountryArgument = Annotated[str, typer.Argument(help="The node's country, such as LA.")]


def build(
    store: Annotated[Path | None, typer.Option("--store", help="Folder of the exact store.", file_okay=False)] = None,
    socket: Annotated[
        Path | None,
        typer.Option("--socket", help="Socket of the running exact process, which then writes them itself."),
    ] = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Write the sensitive records into the exact store.

    Example: biodata exact build --data biodata_data --store exact
    """
    from biodata.access import exact_building
    from biodata.core.errors import InputError

    settings = settings_for(data)
    if store is not None and socket is None:
        facts = exact_building.build(settings, store)
    elif socket is not None and store is None:
        facts = exact_building.hand_over(settings, socket)
    else:
        problem = "the exact store is given by its folder or by its process's socket"
        raise InputError(problem, column="--store", expected="--store or --socket", code="OPTIONS_UNFIT")
    say(f"{facts.records} sensitive records of lake version {facts.snapshot} are in {store or 'the exact store'}")


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
    """Answer grants over a local socket.

    Example: biodata exact serve --store exact --socket exact.sock
    """
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
    """Make a node's key.

    Example: biodata exact key la.key --public la.pem
    """
    from biodata.formats import node_keys

    public.write_text(node_keys.keep_new(path), encoding="ascii")
    say(f"{path} is the key, only its owner may read it; {public} is for `biodata exact trust`")


def trust(
    country: CountryArgument,
    public: Annotated[Path, typer.Argument(help="File of the public key.", exists=True, dir_okay=False)],
    store: StoreOption,
) -> None:
    """Trust a node's public key for its country.

    Example: biodata exact trust LA la.pem --store exact
    """
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
    """Check the store's own audit.

    Example: biodata exact audit --store exact
    """
    from biodata.access.exact_process import ExactStore
    from biodata.core.errors import StoreError

    if (broken := ExactStore(store).first_broken()) is not None:
        message = f"entry {broken} of the exact store's audit was changed or is gone"
        raise StoreError(message)
    say("the exact store's audit is whole")
