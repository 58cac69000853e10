"""`biodata node`: a country keeps its records at home and shares what its own rules let out."""

import json
from pathlib import Path
from typing import Annotated

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, add_group, open_registry, say, settings_for

CodeArgument = Annotated[str, typer.Argument(help="ISO 3166-1 code of the country, such as LA.")]


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    add_group(app, "consent", "Consent of countries to shared outputs.", list_outputs, show, sign, answer)
    add_group(
        app, "node", "National nodes: keys, exports, and whom a hub trusts.", new, export, trust, distrust, appoint,
        list_nodes,
    )  # fmt: skip


def new(code: CodeArgument, data: DataOption = DEFAULT_DATA) -> None:
    """Make this installation the node of a country, with a key pair of its own.

    The private key stays; the public one is given to hubs.

    Example: biodata node new LA --data laos
    """
    from biodata.access import nodes
    from biodata.formats.node_keys import fingerprint

    settings = settings_for(data)
    with open_registry(settings) as registry:
        path = nodes.new_node(registry, settings.data, code)
    say(f"this is the node of {code.upper()}; give {path} to hubs, fingerprint {fingerprint(path.read_text())}")


def export(out: Annotated[Path, typer.Option(help="The folder to make.")], data: DataOption = DEFAULT_DATA) -> None:
    """Write what the current release publishes of this country into a new folder, with a signed manifest.

    Example: biodata node export --data laos --out laos-2026-11
    """
    from biodata.access import nodes

    made = nodes.export_node(settings_for(data), out)
    counts = made.counts
    say(
        f"{out}: manifest {made.sequence} of node {made.node}, release {made.release}: {counts['records']} records, "
        f"{counts['generalised']} of them generalised; {counts['elsewhere']} records of "
        "other countries stay here"
    )


def trust(
    code: CodeArgument,
    key: Annotated[Path, typer.Argument(help="The node's public key.", exists=True, dir_okay=False)],
    data: DataOption = DEFAULT_DATA,
    fingerprint: Annotated[str | None, typer.Option(help="What the node itself told you of its key.")] = None,
) -> None:
    """Trust a node's public key.

    Let the node tell the fingerprint of its key, which `node new` and `node list` print, by another way than the file
    came (read it aloud), and give it with --fingerprint: another key is refused.

    Example: biodata node trust LA laos/node-LA.pub --fingerprint FINGERPRINT --data hub
    """
    from biodata.access import nodes

    with open_registry(settings_for(data)) as registry:
        text = nodes.trust(registry, code, key, compared=fingerprint)
    code = code.strip().upper()
    say(f"node {code} is trusted; the fingerprint of its key is {text}")
    if fingerprint is None:
        say(
            f"nobody compared it yet: ask the node of {code} for it, and if it is another: `biodata node distrust {code}`"
        )


def distrust(code: CodeArgument, data: DataOption = DEFAULT_DATA) -> None:
    """Take nothing more from a node.

    Example: biodata node distrust LA --data hub
    """
    from biodata.access import nodes

    with open_registry(settings_for(data)) as registry:
        nodes.distrust(registry, code)
    say(f"node {code.upper()} is not trusted any more")


def appoint(
    account: Annotated[str, typer.Argument(help="The account's name at the hub.")],
    out: Annotated[Path, typer.Option(help="JSON file to write.")],
    data: DataOption = DEFAULT_DATA,
    dismiss: Annotated[bool, typer.Option("--dismiss", help="Sign that they manage it no longer.")] = False,
) -> None:
    """Sign, at the node, who manages it at a hub: without it nobody there makes anybody a manager, once somebody was.

    The hub takes it with `biodata account role … --signed`.

    Example: biodata node appoint noy --data laos --out noy.json
    """
    from biodata.access import nodes

    settings = settings_for(data)
    with open_registry(settings) as registry:
        country, signed = nodes.appoint(registry, settings.data, account, given=not dismiss)
    out.write_text(json.dumps(signed), encoding="utf-8")
    say(f"{out}: {account} {'manages' if not dismiss else 'no longer manages'} the node of {country}")


def list_nodes(data: DataOption = DEFAULT_DATA) -> None:
    """Tell which nodes there are.

    Example: biodata node list --data hub
    """
    from biodata.access import nodes

    with open_registry(settings_for(data)) as registry:
        for line in nodes.node_lines(registry):
            say(line)


OutputArgument = Annotated[str, typer.Argument(help="The output's id.")]
CountryArgument = Annotated[str, typer.Argument(help="The country that answers, such as LA.")]
AnswerArgument = Annotated[str, typer.Argument(metavar="ANSWER", help="agree, refuse or ask.")]
NoteOption = Annotated[str, typer.Option(help="Why, or what is asked.")]


def list_outputs(data: DataOption = DEFAULT_DATA) -> None:
    """Tell every output that touches several countries, and what each answered; silence is told, too.

    Example: biodata consent list --data hub
    """
    from biodata.access import consent

    for one in consent.outputs(settings_for(data)):
        text = ", ".join(f"{country} {state}" for country, state in one.states.items())
        say(f"{one.name}\t{'public' if one.public else 'draft'}\t{text}")


def show(
    output: OutputArgument,
    out: Annotated[Path, typer.Option(help="JSON file to write.")],
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Write an output as it would be published, with every answer, into a file that a node looks at and signs.

    Example: biodata consent show landcover_china_laos-candidate-1 --data hub --out draft.json
    """
    from biodata.access import consent

    settings = settings_for(data)
    consent.outputs(settings)
    with open_registry(settings) as registry:
        facts = consent.look(registry, None, output, settings.consent)
    out.write_text(json.dumps(facts, ensure_ascii=False, indent=1, default=str), encoding="utf-8")
    states = ", ".join(f"{one['country']} {one['state']} since {one['since']:%Y-%m-%d}" for one in facts["states"])
    say(f"{out}: {output}, {states}")


def sign(
    draft: Annotated[Path, typer.Argument(help="What `show` wrote, or GET /v1/consents/… answered.", exists=True)],
    given: AnswerArgument,
    out: Annotated[Path, typer.Option(help="JSON file to write.")],
    data: DataOption = DEFAULT_DATA,
    note: NoteOption = "",
) -> None:
    """Sign an answer to a draft, at the node, with its own key; the hub takes it with `answer --signature`.

    Example: biodata consent sign draft.json agree --data laos --out answer.json
    """
    from biodata.access import consent, nodes

    settings = settings_for(data)
    content = json.loads(draft.read_text(encoding="utf-8"))
    with open_registry(settings) as registry:
        country = nodes.need_own(registry)
    text = consent.text_of(content, country, given, note)
    signature = nodes.sign_consent(settings.data, text)
    answer = {"output": content["output"], "country": country, "answer": given, "note": note, "signature": signature}
    out.write_text(json.dumps(answer, ensure_ascii=False, indent=1), encoding="utf-8")
    say(f"{out}: {country} answers {given} to {content['output']}, answer {content['next'][country]}")


def answer(
    output: OutputArgument,
    country: CountryArgument,
    given: AnswerArgument,
    data: DataOption = DEFAULT_DATA,
    note: NoteOption = "",
    signature: Annotated[
        Path | None, typer.Option(help="What `sign` wrote at the node.", exists=True, dir_okay=False)
    ] = None,
) -> None:
    """Put down a country's answer: agree, refuse or ask.

    To agree takes the node's signature; an installation that is the node signs by itself. To refuse or to ask takes
    neither, and keeps the output a draft. The output goes public with the next release once every country that it
    touches agreed.

    Example: biodata consent answer landcover_china_laos-candidate-1 LA agree --signature answer.json --data hub
    """
    from biodata.access import consent, nodes

    settings, country = settings_for(data), nodes.checked_country(country)
    consent.outputs(settings)
    stated_any = json.loads(signature.read_text(encoding="utf-8")) if signature is not None else {}
    note = note or stated_any.get("note", "")
    with open_registry(settings) as registry:
        signed = stated_any.get("signature")
        if signed is None and nodes.is_own(registry, country):
            seen = consent.look(registry, None, output, settings.consent)
            signed = nodes.sign_consent(settings.data, consent.text_of(seen, country, given, note))
        consent.give(registry, None, output, country, given, required=settings.consent, note=note, signature=signed)
    say(f"{country} answered {given} to {output}; `biodata release` makes it count")
