"""`biodata consent`: what the nodes of the countries that an output touches answered to it."""

from typing import Annotated

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, say, settings_for


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    consent = typer.Typer(help="Consent of countries to shared outputs.", no_args_is_help=True)
    consent.command(
        name="list",
        help="Tell every output that touches several countries, and what each answered; silence is told, too.\n\n"
        "Example: biodata consent list --data hub",
    )(list_outputs)
    consent.command(
        name="answer",
        help="Put down a country's answer: agree, refuse or ask. The output goes public with the next release once every "
        "country that it touches agreed.\n\n"
        "Example: biodata consent answer landcover_china_laos-candidate-1 LA agree --data hub",
    )(answer)
    app.add_typer(consent, name="consent")


def list_outputs(data: DataOption = DEFAULT_DATA) -> None:
    """Print a line for each output."""
    from biodata.pipeline import consent

    for one in consent.outputs(settings_for(data)):
        told = ", ".join(f"{country} {state}" for country, state in one.states.items())
        say(f"{one.name}\t{'public' if one.public else 'draft'}\t{told}")


def answer(
    output: Annotated[str, typer.Argument(help="The output's id.")],
    country: Annotated[str, typer.Argument(help="The country that answers, such as LA.")],
    given: Annotated[str, typer.Argument(metavar="ANSWER", help="agree, refuse or ask.")],
    data: DataOption = DEFAULT_DATA,
    note: Annotated[str, typer.Option(help="Why, or what is asked.")] = "",
) -> None:
    """Put down an answer."""
    from biodata.pipeline import consent

    consent.give(settings_for(data), output, country, given, note=note)
    say(f"{country.upper()} answered {given} to {output}; `biodata release` makes it count")
