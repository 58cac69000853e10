"""`biodata survey diff|submit|status|review|history|revert|withdraw`: a survey's way into its dataset."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, installation, say, settings_for
from biodata.cli.survey_options import LanguageOption, language_told
from biodata.cli.survey_told import say_difference, say_notes, say_whole, with_values

if TYPE_CHECKING:
    from biodata.access.roles import Principal
    from biodata.store.registry import Registry

JsonOption = Annotated[bool, typer.Option("--json", help="For programs.")]
NumberArgument = Annotated[int, typer.Argument(help="The survey's number.", min=1)]
AccountOption = Annotated[str, typer.Option("--account", help="As whom: the name of an account with the role for it.")]
DatasetOption = Annotated[str, typer.Option("--dataset", help="Key of the dataset.")]
CompleteOption = Annotated[
    bool, typer.Option("--complete", help="The file is the dataset's whole state: what it does not hold goes.")
]
RenamedOption = Annotated[
    str | None,
    typer.Option("--renamed", help="Of rows that the dataset has under another identifier: same or new."),
]
FileArgument = Annotated[Path, typer.Argument(help="The survey's file.", exists=True, dir_okay=False)]

_HELP = {
    "diff": "Tell what a survey's file would change of a dataset: new, changed cell by cell, renamed, gone, unchanged.\n\n"
    "Nothing is changed. Compared are the cells as people wrote them.\n\n"
    "Example: biodata survey diff march.xlsx --dataset nam-ha --data mydata --out changes.csv",
    "submit": "Hand a survey in; `biodata worker` checks it, and publishes it when the reviewers of its countries accepted.\n\n"
    "With --draft it waits until `biodata survey submit --number N` sends it to them.\n\n"
    "Where rows of it seem to be in the dataset under another identifier it waits for --renamed: same, they are those, and "
    "stay one record with its history; or new, they are others. `biodata survey status` tells which rows.\n\n"
    "Example: biodata survey submit march.xlsx --account rangers --dataset nam-ha --data mydata",
    "status": "Tell how surveys stand: one by its number with each problem, or all that concern an account.\n\n"
    "Of one it also tells when the map shows it.\n\n"
    "Example: biodata survey status 12 --language lo --data mydata",
    "review": "Accept, ask about or refuse a survey, for a country whose reviewer the account is.\n\n"
    "Without a decision it shows what would change, with the values, which only this machine's owner sees.\n\n"
    'Example: biodata survey review 12 ask --account noy --reasons "see row 7" --question "7:sex=is this sure?" --data mydata',
    "history": "Tell the versions of a dataset that surveys made: when, what, and as what people did it.\n\n"
    "Example: biodata survey history --dataset nam-ha --data mydata",
    "revert": "Return to a version of a dataset: a new version with the old content, through the same review.\n\n"
    "Example: biodata survey revert 3 --dataset nam-ha --account rangers --data mydata",
    "withdraw": "Take a survey back that the account handed in: file, report, parts, and its records in every version.\n\n"
    "Example: biodata survey withdraw 12 --account rangers --data mydata",
}


_TABLES = {"occurrences": "", "events": "events: "}


def add_commands(group: typer.Typer) -> None:
    """Add this file's commands to the group."""
    for call in (diff, submit, status, review, history, revert, withdraw):
        group.command(name=call.__name__, help=_HELP[call.__name__])(call)


def diff(
    file: FileArgument,
    dataset: DatasetOption,
    data: DataOption = DEFAULT_DATA,
    complete: CompleteOption = False,
    out: Annotated[
        Path | None, typer.Option(help="Write every row to this CSV, or JSON by its ending.", dir_okay=False)
    ] = None,
    renamed: RenamedOption = None,
    language: LanguageOption = "en",
    as_json: JsonOption = False,
) -> None:
    """Compare and tell."""
    from biodata.store.registry import Registry
    from biodata.surveys import renaming
    from biodata.surveys.difference import difference
    from biodata.surveys.taking import headings

    settings, language = installation(data), language_told(language)
    with Registry.open(settings) as registry:
        options = headings(registry, dataset)
    answer = renaming.checked(renamed)
    found = difference([file], dataset, settings, complete=complete, options=options, answer=answer)
    if out is not None:
        text = json.dumps(found.as_dict(most=None), ensure_ascii=False, indent=1)
        out.write_text(text if out.suffix == ".json" else found.as_csv(), encoding="utf-8")
    if as_json:
        say(json.dumps(found.as_dict(), ensure_ascii=False))
        return
    say_difference(found.as_dict(), language)


def submit(
    file: Annotated[Path | None, typer.Argument(help="The survey's file.", exists=True, dir_okay=False)] = None,
    account: AccountOption = "",
    data: DataOption = DEFAULT_DATA,
    dataset: Annotated[
        str | None, typer.Option(help="Key of the dataset; the account's own where none is given.")
    ] = None,
    complete: CompleteOption = False,
    draft: Annotated[bool, typer.Option("--draft", help="Only check it and tell what it would change.")] = False,
    answers: Annotated[int | None, typer.Option(help="The survey that it is a new version of.", min=1)] = None,
    number: Annotated[int | None, typer.Option(help="A draft to send to its reviewers.", min=1)] = None,
    renamed: RenamedOption = None,
    language: LanguageOption = "en",
) -> None:
    """Hand in, or send a draft."""
    from biodata.errors import InputError
    from biodata.store.registry import Registry
    from biodata.surveys import receive
    from biodata.surveys import review as reviews
    from biodata.surveys.sending import Sent

    settings = settings_for(data)
    if (file is None) == (number is None):
        problem = "name a file, or a draft with --number"
        raise InputError(problem, column="FILE", expected="one of them", code="OPTIONS_UNFIT")
    with Registry.open(settings) as registry:
        who = _who(registry, account)
        if number is not None:
            seen = reviews.look(registry, who, number)["version"]
            reviews.submit(registry, who, number, seen=seen, renamed=renamed, language=language_told(language))
            told = reviews.look(registry, who, number)
            waits = " waits for `biodata worker`, which looks at it once more with your answer"
            say(f"survey {number}:{waits if 'report' not in told else ' ' + told['state']}")
            return
        if file is None:
            return
        sent = Sent(complete=complete, wanted=not draft, answers=answers, renamed=renamed)
        made = receive(settings, registry, file.read_bytes(), file.name, sender=who, dataset=dataset, sent=sent)
    say(f"survey {made} is kept and waits for `biodata worker`; biodata survey status {made} --data {data}")


def status(
    number: Annotated[int | None, typer.Argument(help="The survey's number.", min=1)] = None,
    data: DataOption = DEFAULT_DATA,
    account: Annotated[str | None, typer.Option(help="Only what concerns this account.")] = None,
    language: LanguageOption = "en",
    as_json: JsonOption = False,
) -> None:
    """Tell how surveys stand."""
    from biodata.store.registry import Registry
    from biodata.surveys import review as reviews

    settings, language = installation(data), language_told(language)
    with Registry.open(settings) as registry:
        who = _who(registry, account) if account else None
        told: Any = (
            with_values(settings, reviews.look(registry, who, number, language=language), language)
            if number
            else {"results": reviews.listed(registry, who)}
        )
    if as_json:
        say(json.dumps(told, ensure_ascii=False, default=str))
        return
    for one in [told] if number else told["results"]:
        sides = ", ".join(f"{country} {state}" for country, state in one.get("sides", {}).items())
        version = f", version {one['dataset_version']}" if "dataset_version" in one else ""
        say(f"{one['id']}  {one['state']:10}  {one['dataset']}{version}  {one['file']}  {sides}")
    if number:
        if told.get("difference") is not None:
            say_notes(told["difference"], language)
        say_whole(told, language)


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
    language: LanguageOption = "en",
) -> None:
    """Show what would change, or decide."""
    from biodata.store.registry import Registry
    from biodata.surveys import review as reviews

    settings, language = installation(data), language_told(language)
    with Registry.open(settings) as registry:
        if decision is None:
            told = with_values(settings, reviews.look(registry, None, number, language=language), language)
            say(f"survey {number}: {told['state']}, {told['dataset']}")
            if told.get("difference") is not None:
                say_difference(told["difference"], language)
            say_whole(told, language)
            return
        who = _who(registry, account)
        seen = reviews.look(registry, who, number)["version"]
        asked = [_question(text) for text in question or ()]
        reviews.decide(registry, who, number, decision, seen=seen, country=country, reasons=reasons, questions=asked)
        say(f"survey {number}: {reviews.look(registry, who, number)['state']}")


def history(dataset: DatasetOption, data: DataOption = DEFAULT_DATA, as_json: JsonOption = False) -> None:
    """Tell the versions of a dataset."""
    from biodata.store.registry import Registry
    from biodata.surveys import history as histories

    with Registry.open(installation(data)) as registry:
        told = histories.versions(registry, None, dataset)
    if as_json:
        say(json.dumps(told, ensure_ascii=False, default=str))
        return
    for one in told:
        changes = _changes(one.get("changes", {}))
        back = f", returns to version {one['returns_to']}" if "returns_to" in one else ""
        say(
            f"version {one['version']}: survey {one['submission']}, {one['state']}{back}; {changes or 'no change told'}"
        )
        for step in one["history"]:
            say(f"  {step['date']:%Y-%m-%d %H:%M}  {step['action']}, {step['role']} {step.get('country', '')}".rstrip())


def _changes(told: dict[str, Any]) -> str:
    """Return how many records were what, and then events."""
    said = {table: ", ".join(f"{n} {kind}" for kind, n in told.get(table, {}).items() if n) for table in _TABLES}
    return "; ".join(f"{_TABLES[table]}{text}" for table, text in said.items() if text)


def revert(
    version: Annotated[int, typer.Argument(help="The version that it is to be again.", min=1)],
    dataset: DatasetOption,
    account: AccountOption,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Hand the old content in."""
    from biodata.store.registry import Registry
    from biodata.surveys import history as histories
    from biodata.surveys import telling, words

    settings = installation(data)
    with Registry.open(settings) as registry:
        made = histories.go_back(settings, registry, _who(registry, account), dataset, version)
    say(
        f"survey {made} brings version {version} of {dataset} back; it waits for `biodata worker`, then for its reviewers"
    )
    say(f"  {words.told(telling.KEEPS_COARSE, {})[0]}")


def withdraw(
    number: NumberArgument,
    account: AccountOption,
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Take back, at once."""
    from biodata.store.registry import Registry
    from biodata.surveys import withdrawing

    settings = installation(data)
    with Registry.open(settings) as registry:
        job = withdrawing.ask(registry, _who(registry, account), number)
        told = withdrawing.remove(settings, registry, number)
        withdrawing.done(registry, job)
    say(
        json.dumps(told, default=str)
        if as_json
        else f"survey {number} is withdrawn; {told['files']} files of it are gone"
    )


def _who(registry: "Registry", account: str) -> "Principal":
    """Return who an open account is, or fail."""
    from biodata.access import accounts
    from biodata.errors import InputError

    found = accounts.find(registry, account) if account else None
    if found is None:
        problem = "there is no open account of this name"
        expected = "one that `biodata account list` tells"
        raise InputError(problem, column="--account", value=account, expected=expected, code="ACCOUNT_MISSING")
    return found


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
