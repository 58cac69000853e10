"""`biodata survey review|answer`: what a survey's reviewers look at and decide, and what its team answers."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, installation, say
from biodata.cli.survey_changes import say_difference
from biodata.cli.survey_options import LanguageOption, language_told, who_is
from biodata.cli.survey_told import say_exact, say_rows, say_sides, say_whole, state_line, with_values

if TYPE_CHECKING:
    from biodata.access.roles import Principal
    from biodata.settings import Settings
    from biodata.store.registry import Registry

AccountOption = Annotated[str, typer.Option("--account", help="As whom: the name of an account with the role for it.")]
NumberArgument = Annotated[int, typer.Argument(help="The survey's number.", min=1)]

_HELP = {
    "review": "Accept, ask about or refuse a survey, for the side whose reviewer the account is.\n\n"
    "Without a decision it shows the rows as they would be published, beside what is published now, what would change with "
    "its values, which only this machine's owner sees, and what the check found. With --account only that account's sides; "
    "with --rows the rows of the file as they came.\n\n"
    'Example: biodata survey review 1 ask --account noy --reasons "see row 7" --question "7:sex=is this sure?" --data biodata_data',
    "answer": "Answer what the reviewers of a survey ask, in words; with a mended file: biodata survey submit FILE with the same --part.\n\n"
    'Example: biodata survey answer 1 "two rangers saw it" --account rangers --data biodata_data',
}


def add_commands(group: typer.Typer) -> None:
    """Add this file's commands to the group."""
    for call in (review, answer):
        group.command(name=call.__name__, help=_HELP[call.__name__])(call)


def review(
    number: NumberArgument,
    decision: Annotated[str | None, typer.Argument(help="accept, ask or refuse.")] = None,
    data: DataOption = DEFAULT_DATA,
    account: AccountOption = "",
    country: Annotated[str | None, typer.Option(help="The side, such as LA; all of the account's that wait.")] = None,
    reasons: Annotated[str, typer.Option(help="Why, or what is asked; it must tell no place.")] = "",
    question: Annotated[
        list[str] | None, typer.Option(help="ROW:COLUMN=QUESTION or SHEET!ROW:COLUMN=QUESTION; may be repeated.")
    ] = None,
    rows: Annotated[
        bool, typer.Option("--rows", help="The rows of the file as they came, with their exact places.")
    ] = False,
    language: LanguageOption = "en",
) -> None:
    """Show what is decided about, or decide."""
    from biodata.store.registry import Registry
    from biodata.surveys import review as reviews

    settings, language = installation(data), language_told(language)
    with Registry.open(settings) as registry:
        if decision is None:
            who = who_is(registry, account, language) if account else None
            _show(settings, registry, who, number, rows=rows, country=country, language=language)
            return
        decider = who_is(registry, account, language)
        seen = reviews.look(registry, decider, number)["version"]
        asked = [_question(text) for text in question or ()]
        reviews.decide(
            registry, decider, number, decision, seen=seen, country=country, reasons=reasons, questions=asked
        )
        say(state_line(number, reviews.look(registry, decider, number)["state"], language))


def answer(
    number: NumberArgument,
    words: Annotated[str, typer.Argument(help="The answer; it must tell no place.")],
    account: AccountOption,
    data: DataOption = DEFAULT_DATA,
    language: LanguageOption = "en",
) -> None:
    """Answer in words."""
    from biodata.store.registry import Registry
    from biodata.surveys import conversation
    from biodata.surveys import review as reviews

    settings, language = installation(data), language_told(language)
    with Registry.open(settings) as registry:
        who = who_is(registry, account, language)
        seen = reviews.look(registry, who, number)["version"]
        conversation.answer(registry, who, number, words, seen=seen)
        say(state_line(number, reviews.look(registry, who, number)["state"], language))


def _show(
    settings: "Settings", registry: "Registry", who: "Principal | None", number: int, *, rows: bool, country: str | None,
    language: str,
) -> None:  # fmt: skip
    """Show what is decided about."""
    from biodata.surveys import exact_rows, views
    from biodata.surveys import review as reviews

    side = country.strip().upper() if country is not None else None
    told = reviews.look(registry, who, number, language=language)
    if rows:
        say_exact(exact_rows.rows(settings, registry, who, number, side=side))
        return
    if who is None:  # whoever reads the files of this machine
        told = with_values(settings, told, language)
    say(f"{state_line(number, told['stage'], language)}, {told['dataset']}")
    say_sides(told, language)
    if told["rows"]:
        for table in views.TABLES:
            say_rows(views.rows(registry, who, number, table=table, side=side, language=language), language)
    if told.get("difference") is not None:
        say_difference(told["difference"], language)
    say_whole(told, language)


def _question(text: str) -> dict[str, Any]:
    """Read ROW:COLUMN=QUESTION, with SHEET! before it where wanted."""
    from biodata.errors import InputError

    place, equals, question = text.partition("=")
    sheet, mark, rest = place.rpartition("!")
    row, _, column = rest.partition(":")
    if not equals or not question.strip() or not (row.isascii() and row.isdigit()):
        problem = "this question names no row"
        raise InputError(problem, column="--question", value=text, expected="7:sex=is this sure?", code="OPTIONS_UNFIT")
    told = {"sheet": sheet if mark else None, "row": int(row), "column": column or None, "question": question.strip()}
    return {name: value for name, value in told.items() if value is not None}
