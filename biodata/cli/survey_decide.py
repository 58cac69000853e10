"""`biodata survey review|answer`: what a survey's reviewers look at and decide, and what its team answers."""

from typing import Annotated, Any

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, installation, say
from biodata.cli.survey_changes import say_difference
from biodata.cli.survey_options import AccountOption, LanguageOption, NumberArgument, opened, who_is
from biodata.cli.survey_told import say_exact, say_rows, say_sides, say_whole, state_line, with_values


def add_commands(group: typer.Typer) -> None:
    """Add this file's commands to the group."""
    for call in (review, answer):
        group.command()(call)


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
    """Accept, ask about or refuse a survey, for the side whose reviewer the account is.

    Without a decision it shows the rows as they would be published, beside what is published now, what would change with
    its values, which only this machine's owner sees, and what the check found. With --account only that account's sides;
    with --rows the rows of the file as they came.

    Example: biodata survey review 1 ask --account noy --reasons "see row 7" --question "7:sex=is this sure?" --data biodata_data
    """
    from biodata.surveys import review as reviews
    from biodata.surveys import views

    with opened(installation(data), language) as found:
        who = who_is(found.registry, account, found.language) if account or decision is not None else None
        if who is not None and decision is not None:
            seen = reviews.look(found.registry, who, number)["version"]
            asked = [_question(text) for text in question or ()]
            reviews.decide(
                found.registry, who, number, decision, seen=seen, country=country, reasons=reasons, questions=asked
            )
            say(state_line(number, reviews.look(found.registry, who, number)["state"], found.language))
            return
        told, side = (
            reviews.look(found.registry, who, number, language=found.language),
            country and country.strip().upper(),
        )
        if rows:
            say_exact(views.exact_rows(found.settings, found.registry, who, number, side=side))
            return
        if who is None:  # whoever reads the files of this machine
            told = with_values(found.settings, told, found.language)
        say(f"{state_line(number, told['stage'], found.language)}, {told['dataset']}")
        say_sides(told, found.language)
        for table in views.TABLES if told["rows"] else ():
            say_rows(
                views.rows(found.registry, who, number, table=table, side=side, language=found.language), found.language
            )
        if told.get("difference") is not None:
            say_difference(told["difference"], found.language)
        say_whole(told, found.language)


def answer(
    number: NumberArgument,
    words: Annotated[str, typer.Argument(help="The answer; it must tell no place.")],
    account: AccountOption,
    data: DataOption = DEFAULT_DATA,
    language: LanguageOption = "en",
) -> None:
    """Answer what the reviewers of a survey ask, in words; with a mended file: biodata survey submit FILE with the same --part.

    Example: biodata survey answer 1 "two rangers saw it" --account rangers --data biodata_data
    """
    from biodata.surveys import review as reviews

    with opened(installation(data), language) as found:
        who = who_is(found.registry, account, found.language)
        reviews.answer(found.registry, who, number, words, seen=reviews.look(found.registry, who, number)["version"])
        say(state_line(number, reviews.look(found.registry, who, number)["state"], found.language))


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
