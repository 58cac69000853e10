"""`biodata survey diff|submit|status|history|revert|withdraw`: a survey's way into its dataset."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, installation, say, settings_for
from biodata.cli.survey_changes import counts_of, say_difference, say_notes
from biodata.cli.survey_options import LanguageOption, LicenceOption, language_told, no_folders, who_is
from biodata.cli.survey_told import (
    line,
    say_sides,
    say_whole,
    state_line,
    step_line,
    with_values,
)
from biodata.errors import InputError

JsonOption = Annotated[bool, typer.Option("--json", help="For programs.")]
NumberArgument = Annotated[int, typer.Argument(help="The survey's number.", min=1)]
AccountOption = Annotated[str, typer.Option("--account", help="As whom: the name of an account with the role for it.")]
DatasetOption = Annotated[str, typer.Option("--dataset", help="Key of the dataset.")]
CompleteOption = Annotated[
    bool, typer.Option("--complete", help="The file is the dataset's whole state: what it does not hold goes.")
]
AnswersOption = Annotated[
    int | None,
    typer.Option(
        min=1,
        help="The survey that it is a new version of: one that was asked about or refused, or a published one that it corrects. "
        "What that one alone said and the file does not say goes; all else of the dataset stays.",
    ),
]
RenamedOption = Annotated[
    str | None,
    typer.Option("--renamed", help="Of rows that the dataset has under another identifier: same or new."),
]
FileArgument = Annotated[Path, typer.Argument(help="The survey's file.", exists=True)]

_HELP = {
    "diff": "Tell what a survey's file would change of a dataset: new, changed cell by cell, renamed, gone, unchanged.\n\n"
    "Nothing is changed. Compared are the cells as people wrote them.\n\n"
    "Example: biodata survey diff sample_data/survey_namha.xlsx --dataset nam-ha --data biodata_data --out changes.csv",
    "submit": "Hand a survey in; `biodata worker` checks it, and publishes it when the reviewers of its countries accepted.\n\n"
    "With --answers N it is a new version of survey N. Of a published one it is the corrected version: what that one alone said and "
    "the file does not say goes.\n\n"
    "With --draft it waits until `biodata survey submit --number N` sends it to them.\n\n"
    "Where rows of it seem to be in the dataset under another identifier it waits for --renamed: same, they are those, and "
    "stay one record with its history; or new, they are others. `biodata survey status` tells which rows.\n\n"
    "Example: biodata survey submit sample_data/survey_namha.xlsx --account rangers --dataset nam-ha --data biodata_data",
    "status": "Tell how surveys stand: one by its number with each problem, or all that concern an account.\n\n"
    "Of one it also tells when the map shows it.\n\n"
    "Example: biodata survey status 1 --language lo --data biodata_data",
    "history": "Tell the versions of a dataset that surveys made: when, what, and as what people did it.\n\n"
    "Example: biodata survey history --dataset nam-ha --data biodata_data",
    "revert": "Return to a version of a dataset: a new version with the old content, through the same review.\n\n"
    "Example: biodata survey revert VERSION --dataset nam-ha --account rangers --data biodata_data",
    "withdraw": "Take a survey back that the account handed in: each row is again what the others said of it; file, report, parts "
    "and what it alone said are gone from every version.\n\n"
    "Where other versions of the dataset stand, it first tells what would become of how many rows; --yes does it.\n\n"
    "Example: biodata survey withdraw 1 --account rangers --yes --data biodata_data",
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
    answers: AnswersOption = None,
    out: Annotated[
        Path | None, typer.Option(help="Write every row to this CSV, or JSON by its ending.", dir_okay=False)
    ] = None,
    renamed: RenamedOption = None,
    licence: LicenceOption = None,
    language: LanguageOption = "en",
    as_json: JsonOption = False,
) -> None:
    """Compare and tell."""
    from biodata.ingest import survey_project
    from biodata.store import heading_mappings
    from biodata.store.lake import Lake
    from biodata.store.registry import Registry
    from biodata.surveys import correcting, gone_rows, licences, renaming, telling
    from biodata.surveys.difference import difference

    language = language_told(language)
    no_folders([file], language)
    settings = installation(data)
    with Registry.open(settings) as registry:
        options = heading_mappings.options(registry, dataset)
        licence = survey_project.checked(licence) or licences.of_dataset(registry, dataset).told
    answer = renaming.checked(renamed)
    with Registry.open(settings) as registry:
        of = correcting.asked(settings, registry, dataset, answers, complete=complete)
        found = difference(
            [file], dataset, settings, complete=complete, options=options, answer=answer, licence=licence, of=of
        )
        with Lake.open(settings.data, memory_limit=settings.memory_limit) as lake:
            found = gone_rows.told(found, registry, lake)
        with registry.session(read_only=True) as session:
            files = gone_rows.file_names(session, None, found.goes())
    if out is not None:
        text = json.dumps(found.as_dict(most=None), ensure_ascii=False, indent=1)
        out.write_text(text if out.suffix == ".json" else found.as_csv(), encoding="utf-8")
    if as_json:
        say(json.dumps(found.as_dict(), ensure_ascii=False))
        return
    told = found.as_dict()
    say_difference(told | {"notes": telling.notes(told, language, files=files)}, language)


def submit(
    file: Annotated[Path | None, typer.Argument(help="The survey's file.", exists=True)] = None,
    account: AccountOption = "",
    data: DataOption = DEFAULT_DATA,
    dataset: Annotated[
        str | None, typer.Option(help="Key of the dataset; the account's own where none is given.")
    ] = None,
    complete: CompleteOption = False,
    draft: Annotated[bool, typer.Option("--draft", help="Only check it and tell what it would change.")] = False,
    answers: AnswersOption = None,
    number: Annotated[int | None, typer.Option(help="A draft to send to its reviewers.", min=1)] = None,
    renamed: RenamedOption = None,
    licence: LicenceOption = None,
    language: LanguageOption = "en",
) -> None:
    """Hand in, or send a draft."""
    from biodata.store.registry import Registry
    from biodata.surveys import receive, telling
    from biodata.surveys import review as reviews
    from biodata.surveys.sending import Sent

    settings, language = settings_for(data), language_told(language)
    if (file is None) == (number is None):
        problem = "name a file, or a draft with --number"
        raise InputError(problem, column="FILE", code="OPTIONS_UNFIT")
    no_folders([] if file is None else [file], language)
    with Registry.open(settings) as registry:
        who = who_is(registry, account, language)
        if number is not None:
            _only_of_files({"--dataset": dataset, "--complete": complete, "--draft": draft, "--answers": answers,
                            "--license": licence}, language)  # fmt: skip
            seen = reviews.look(registry, who, number)["version"]
            reviews.submit(registry, who, number, seen=seen, renamed=renamed, language=language)
            told = reviews.look(registry, who, number, language=language)
            if told.get("report") is None:  # the worker looks at it once more with the answer
                say(
                    line(
                        "SURVEY_KEPT", language, number=number, command=f"biodata survey status {number} --data {data}"
                    )
                )
            else:
                say(state_line(number, told["stage"], language))
            return
        if file is None:
            return
        sent = Sent(complete=complete, wanted=not draft, answers=answers, renamed=renamed, licence=licence)
        made = receive(settings, registry, file.read_bytes(), file.name, sender=who, dataset=dataset, sent=sent)
        told = reviews.look(registry, who, made, language=language)
    command = f"biodata survey status {made} --data {data}"
    if told["stage"] == telling.CHECKING:
        say(line("SURVEY_KEPT", language, number=made, command=command))
    else:  # it was sent before
        say(f"{state_line(made, told['stage'], language)}; {command}")
    if "next" in told:
        say(f"  {told['next']}")


def _only_of_files(told: Mapping[str, object], language: str) -> None:
    """See that nothing is told of a draft that only counts when its file is handed in.

    Raises
    ------
    InputError
        In the language, if something is.
    """
    from biodata.surveys import words

    given = [name for name, value in told.items() if value]
    if given:
        problem, expected = words.told("DRAFT_OPTIONS", {"options": " ".join(given)}, language)
        raise InputError(problem, column=given[0], expected=expected, code="OPTIONS_UNFIT")


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
        who = who_is(registry, account, language) if account else None
        told: Any = (
            with_values(settings, reviews.look(registry, who, number, language=language), language)
            if number
            else {"results": reviews.listed(registry, who)}
        )
    if as_json:
        say(json.dumps(told, ensure_ascii=False, default=str))
        return
    for one in [told] if number else told["results"]:
        say(_status_line(one, language))
    if number:
        say_sides(told, language)
        if told.get("difference") is not None:
            say_notes(told["difference"], language)
        say_whole(told, language)


def history(
    dataset: DatasetOption,
    data: DataOption = DEFAULT_DATA,
    language: LanguageOption = "en",
    as_json: JsonOption = False,
) -> None:
    """Tell the versions of a dataset."""
    from biodata.store.registry import Registry
    from biodata.surveys import history as histories
    from biodata.surveys import telling, words

    settings, language = installation(data), language_told(language)
    with Registry.open(settings) as registry:
        told = histories.versions(registry, None, dataset)
    if as_json:
        say(json.dumps(told, ensure_ascii=False, default=str))
        return
    for one in told:
        changes = _changes(one.get("changes", {}), language) or line("DIFFERENCE_NONE", language)
        state = words.called("STATE", one["state"], language)
        told_of = {"version": one["version"], "number": one["submission"], "back": one.get("returns_to")}
        say(line("VERSION_TOLD", language, **told_of, state=state, changes=changes))
        for step in one["history"]:
            say(f"  {step_line(step, language)}")
        if "undone" in one:
            say(f"  {telling.undone_words(one['undone'], language)}")


def _changes(told: dict[str, Any], language: str) -> str:
    """Return how many records were what, and then events."""
    said = []
    for table in ("occurrences", "events"):
        counts = {kind: count for kind, count in told.get(table, {}).items() if count}
        name = f"{line('TABLE_EVENTS', language)}: " if table == "events" else ""
        said += [name + ", ".join(counts_of(counts, language))] if counts else []
    return "; ".join(said)


def revert(
    version: Annotated[int, typer.Argument(help="The version that it is to be again.", min=1)],
    dataset: DatasetOption,
    account: AccountOption,
    data: DataOption = DEFAULT_DATA,
    language: LanguageOption = "en",
) -> None:
    """Hand the old content in."""
    from biodata.store.registry import Registry
    from biodata.surveys import history as histories
    from biodata.surveys import telling

    settings, language = installation(data), language_told(language)
    with Registry.open(settings) as registry:
        made = histories.go_back(settings, registry, who_is(registry, account, language), dataset, version)
    say(line("SURVEY_RETURNS", language, number=made, version=version, dataset=dataset))
    say(f"  {line(telling.KEEPS_COARSE, language)}")


def withdraw(
    number: NumberArgument,
    account: AccountOption,
    data: DataOption = DEFAULT_DATA,
    yes: Annotated[
        bool, typer.Option("--yes", help="Undo it in its dataset without asking; what it alone said is gone for good.")
    ] = False,
    language: LanguageOption = "en",
    as_json: JsonOption = False,
) -> None:
    """Take back, at once."""
    from biodata import worker
    from biodata.store.registry import Registry
    from biodata.surveys import telling, withdrawing

    settings, language = installation(data), language_told(language)
    with Registry.open(settings) as registry:
        who = who_is(registry, account, language)
        if not yes and (plan := withdrawing.plan(settings, registry, number, who=who, language=language)) is not None:
            say(json.dumps({**plan, "state": "not_withdrawn"}) if as_json else plan["message"])
            typer.echo(line("WITHDRAWAL_HOW", language), err=as_json)
            raise typer.Exit(1)
        job = withdrawing.ask(registry, who, number, yes=yes, language=language)
        # A worker that runs beside this may have taken it by now.
        told = worker.do_one(settings, registry, job)
    say(
        json.dumps(told, default=str)
        if as_json
        else line("SURVEY_WITHDRAWN", language, number=number, count=told["files"])
    )
    if "records" in told and not as_json:
        say(f"  {telling.undone_words(told, language)}")


def _status_line(one: dict[str, Any], language: str) -> str:
    """Return how a survey stands, with its dataset, its file and each side."""
    from biodata.surveys import words

    sides = ", ".join(f"{side} {words.called('SIDE', how, language)}" for side, how in one.get("sides", {}).items())
    version = f", {line('VERSION_OF', language, version=one['dataset_version'])}" if "dataset_version" in one else ""
    state = words.called("STATE", one["stage"], language)
    waits = f"  <- {line('WAITING_FOR_YOU', language)}" if one["waits_for_you"] else ""
    return f"{one['id']}  {state}  {one['dataset']}{version}  {one['file']}  {sides}".rstrip() + waits
