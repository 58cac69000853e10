"""`biodata survey diff|submit|status|history|revert|withdraw`: a survey's way into its dataset."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, installation, say, settings_for
from biodata.cli.survey_options import LanguageOption, language_told, who_is
from biodata.cli.survey_told import say_difference, say_sides, say_whole, with_values

JsonOption = Annotated[bool, typer.Option("--json", help="For programs.")]
NumberArgument = Annotated[int, typer.Argument(help="The survey's number.", min=1)]
AccountOption = Annotated[str, typer.Option("--account", help="As whom: the name of an account with the role for it.")]
DatasetOption = Annotated[str, typer.Option("--dataset", help="Key of the dataset.")]
CompleteOption = Annotated[
    bool, typer.Option("--complete", help="The file is the dataset's whole state: what it does not hold goes.")
]
FileArgument = Annotated[Path, typer.Argument(help="The survey's file.", exists=True, dir_okay=False)]

_HELP = {
    "diff": "Tell what a survey's file would change of a dataset: new, changed cell by cell, renamed, gone, unchanged.\n\n"
    "Nothing is changed. Compared are the cells as people wrote them.\n\n"
    "Example: biodata survey diff march.xlsx --dataset nam-ha --data mydata --out changes.csv",
    "submit": "Hand a survey in; `biodata worker` checks it, and publishes it when the reviewers of its countries accepted.\n\n"
    "With --draft it waits until `biodata survey submit --number N` sends it to them.\n\n"
    "Example: biodata survey submit march.xlsx --account rangers --dataset nam-ha --data mydata",
    "status": "Tell how surveys stand: one by its number with each problem, or all that concern an account.\n\n"
    "Of one it also tells when the map shows it.\n\n"
    "Example: biodata survey status 12 --language lo --data mydata",
    "history": "Tell the versions of a dataset that surveys made: when, what, and as what people did it.\n\n"
    "Example: biodata survey history --dataset nam-ha --data mydata",
    "revert": "Return to a version of a dataset: a new version with the old content, through the same review.\n\n"
    "Example: biodata survey revert 3 --dataset nam-ha --account rangers --data mydata",
    "withdraw": "Take a survey back that the account handed in: file, report, parts, and its records in every version.\n\n"
    "Example: biodata survey withdraw 12 --account rangers --data mydata",
}


def add_commands(group: typer.Typer) -> None:
    """Add this file's commands to the group."""
    for call in (diff, submit, status, history, revert, withdraw):
        group.command(name=call.__name__, help=_HELP[call.__name__])(call)


def diff(
    file: FileArgument,
    dataset: DatasetOption,
    data: DataOption = DEFAULT_DATA,
    complete: CompleteOption = False,
    out: Annotated[
        Path | None, typer.Option(help="Write every row to this CSV, or JSON by its ending.", dir_okay=False)
    ] = None,
    language: LanguageOption = "en",
    as_json: JsonOption = False,
) -> None:
    """Compare and tell."""
    from biodata.store.registry import Registry
    from biodata.surveys.difference import difference
    from biodata.surveys.taking import headings

    settings, language = installation(data), language_told(language)
    with Registry.open(settings) as registry:
        options = headings(registry, dataset)
    found = difference([file], dataset, settings, complete=complete, options=options)
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
        who = who_is(registry, account)
        if number is not None:
            reviews.submit(registry, who, number, seen=reviews.look(registry, who, number)["version"])
            say(f"survey {number}: {reviews.look(registry, who, number)['state']}")
            return
        if file is None:
            return
        sent = Sent(complete=complete, wanted=not draft, answers=answers)
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
        who = who_is(registry, account) if account else None
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
        waits = "  <- waits for you" if one["waits_for_you"] else ""
        say(f"{one['id']}  {one['state']:10}  {one['dataset']}{version}  {one['file']}  {sides}{waits}")
    if number:
        say_sides(told)
        say_whole(told, language)


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
        counts = one.get("changes", {}).get("occurrences", {})
        changes = ", ".join(f"{count} {kind}" for kind, count in counts.items() if count)
        back = f", returns to version {one['returns_to']}" if "returns_to" in one else ""
        say(
            f"version {one['version']}: survey {one['submission']}, {one['state']}{back}; {changes or 'no change told'}"
        )
        for step in one["history"]:
            say(f"  {step['date']:%Y-%m-%d %H:%M}  {step['action']}, {step['role']} {step.get('country', '')}".rstrip())


def revert(
    version: Annotated[int, typer.Argument(help="The version that it is to be again.", min=1)],
    dataset: DatasetOption,
    account: AccountOption,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Hand the old content in."""
    from biodata.store.registry import Registry
    from biodata.surveys import history as histories

    settings = installation(data)
    with Registry.open(settings) as registry:
        made = histories.go_back(settings, registry, who_is(registry, account), dataset, version)
    say(
        f"survey {made} brings version {version} of {dataset} back; it waits for `biodata worker`, then for its reviewers"
    )


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
        job = withdrawing.ask(registry, who_is(registry, account), number)
        told = withdrawing.remove(settings, registry, number)
        withdrawing.done(registry, job)
    say(
        json.dumps(told, default=str)
        if as_json
        else f"survey {number} is withdrawn; {told['files']} files of it are gone"
    )
