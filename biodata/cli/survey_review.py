"""`biodata survey diff|submit|status|review|answer|history|remove|restore|purge`: a survey's way into its dataset."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from biodata.cli import survey_options as options
from biodata.cli.options import DEFAULT_DATA, DataOption, installation, say, settings_for
from biodata.core.errors import InputError

PartOption = Annotated[
    str | None, typer.Option("--part", help="The part of the dataset that the file is, such as a season; else the file's name.")
]  # fmt: skip


def add_commands(group: typer.Typer) -> None:
    """Add this file's commands to the group."""
    for call in (diff, submit, status, history, remove, restore, purge, review, answer):
        group.command()(call)


def diff(
    file: Annotated[Path, typer.Argument(help="The survey's file.", exists=True)],
    dataset: options.DatasetOption,
    data: DataOption = DEFAULT_DATA,
    part: PartOption = None,
    licence: options.LicenceOption = None,
    language: options.LanguageOption = "en",
    as_json: options.JsonOption = False,
) -> None:  # fmt: skip
    """Tell what a survey's file would change of its part of a dataset: rows that are new, changed cell by cell, gone, unchanged.

    Nothing is changed. Compared are the cells as people wrote them; --json has every row.

    Example: biodata survey diff sample_data/survey_namha.xlsx --dataset nam-ha --data biodata_data
    """
    from biodata.ingest import survey_shapes
    from biodata.store import survey_steps
    from biodata.surveys import licences
    from biodata.surveys.difference import as_dict, difference
    from biodata.surveys.submit import part_name

    with options.opened(installation(data), language) as (settings, registry, language):
        options.no_folders([file], language)
        decided = survey_steps.options(registry, dataset)
        licence = survey_shapes.checked(licence) or licences.known_of(registry, dataset)["inherited"]
    found = difference([file], dataset, part_name(part or file.stem), settings, options=decided, licence=licence)
    if as_json:
        say(json.dumps(as_dict(found, most=None), ensure_ascii=False))
    else:
        options.say_difference(as_dict(found), language)


def submit(
    file: Annotated[Path | None, typer.Argument(help="The survey's file.", exists=True)] = None,
    account: options.AccountOption = "",
    data: DataOption = DEFAULT_DATA,
    dataset: Annotated[str | None, typer.Option(help="Key of the dataset; the account's own where none is given.")] = None,
    part: PartOption = None,
    draft: Annotated[bool, typer.Option("--draft", help="Only check it and tell what it would change.")] = False,
    number: Annotated[int | None, typer.Option(help="A draft to send to its reviewers.", min=1)] = None,
    licence: options.LicenceOption = None,
    accept: options.AcceptOption = None,
    language: options.LanguageOption = "en",
) -> None:  # fmt: skip
    """Send a survey; `biodata worker` checks it, and publishes it when the reviewers of its countries accepted.

    A file is a part of its dataset, such as a season: --part names it. Sent again, corrected, it takes the place of the
    version before it, whole; other parts stay.

    With --draft it waits until `biodata survey submit --number N` sends it to them.

    Example: biodata survey submit sample_data/survey_namha.xlsx --accept "heading.locality=verbatimLocality" --account rangers --dataset nam-ha --data biodata_data
    """
    from biodata.surveys import receive, words
    from biodata.surveys import review as reviews
    from biodata.surveys.submit import Sent

    if (file is None) == (number is None):
        problem = "name a file, or a draft with --number"
        raise InputError(problem, column="FILE", code="OPTIONS_UNFIT")
    with options.opened(settings_for(data), language) as found:
        options.no_folders([file] if file else [], found.language)
        who = found.who(account)
        if file is None:
            facts = {"--dataset": dataset, "--part": part, "--draft": draft, "--license": licence, "--accept": accept}
            if given := [name for name, value in facts.items() if value]:  # they only count when its file is handed in
                problem, expected = words.message_of("DRAFT_OPTIONS", {"options": " ".join(given)}, found.language)
                raise InputError(problem, column=given[0], expected=expected, code="OPTIONS_UNFIT")
            made = int(number or 0)
            reviews.submit(found.registry, who, made, seen=found.version(who, made))
        else:
            sent = Sent(part=part, wanted=not draft, licence=licence, accept=tuple(accept or ()))
            content = file.read_bytes()
            made = receive(found.settings, found.registry, content, file.name, sender=who, dataset=dataset, sent=sent)
        survey = found.look(who, made)
    command = f"biodata survey status {made} --data {data}"
    if survey["stage"] == reviews.CHECKING:
        say(options.line("SURVEY_KEPT", found.language, number=made, command=command))
    else:  # a draft, or it was sent before
        say(f"{options.state_line(made, survey['stage'], found.language)}; {command}")
    options.say_next(survey)


def status(
    number: Annotated[int | None, typer.Argument(help="The survey's number.", min=1)] = None, data: DataOption = DEFAULT_DATA,
    account: Annotated[str | None, typer.Option(help="Only what concerns this account.")] = None, language: options.LanguageOption = "en",
    as_json: options.JsonOption = False,
) -> None:  # fmt: skip
    """Tell how surveys stand: one by its number with each problem, or all that concern an account.

    Of one it also tells when the map shows it.

    Example: biodata survey status 1 --language lo --data biodata_data
    """
    from biodata.surveys import review as reviews

    with options.opened(installation(data), language) as found:
        who, language = found.who(account) if account else None, found.language
        if number is None:
            every = reviews.listed(found.registry, who)
            facts: dict[str, Any] = {"results": every}
        else:
            facts = options.with_values(found.settings, found.look(who, number), language)
            every = [facts]
    if as_json:
        say(json.dumps(facts, ensure_ascii=False, default=str))
        return
    for one in every:
        say(options.status_line(one, language))
    if number is not None:
        options.say_survey(facts, language, rows=False)


def review(
    number: options.NumberArgument,
    decision: Annotated[str | None, typer.Argument(help="accept, ask or refuse.")] = None,
    data: DataOption = DEFAULT_DATA,
    account: options.AccountOption = "",
    country: Annotated[str | None, typer.Option(help="The side, such as LA; all of the account's that wait.")] = None,
    reasons: Annotated[str, typer.Option(help="Why, or what is asked; it must tell no place.")] = "",
    rows: Annotated[bool, typer.Option("--rows", help="The rows of the file as they came, with their exact places.")] = False,
    language: options.LanguageOption = "en",
) -> None:  # fmt: skip
    """Accept, ask about or refuse a survey, for the side whose reviewer the account is.

    Without a decision it shows the rows as they would be published, beside what is published now, what would change with
    its values, which only this machine's owner sees, and what the check found. With --account only that account's sides;
    with --rows the rows of the file as they came.

    Example: biodata survey review 1 ask --account noy --reasons "row 7: is the sex sure?" --data biodata_data
    """
    from biodata.surveys import review as reviews
    from biodata.surveys import views

    with options.opened(installation(data), language) as found:
        if decision is not None:
            reviewer = found.who(account)
            seen = found.version(reviewer, number)
            reviews.decide(found.registry, reviewer, number, decision, seen=seen, country=country, reasons=reasons)
            found.say_state(reviewer, number)
            return
        who, side = found.who(account) if account else None, country and country.strip().upper()
        facts = found.look(who, number)
        if rows:
            options.say_exact(views.exact_rows(found.settings, found.registry, who, number, side=side))
            return
        if who is None:  # whoever reads the files of this machine
            facts = options.with_values(found.settings, facts, found.language)
        say(options.status_line(facts, found.language))
        for table in views.TABLES if facts["rows"] else ():
            published = views.rows(found.registry, who, number, table=table, side=side, language=found.language)
            options.say_rows(published, found.language)
        options.say_survey(facts, found.language)


def answer(
    number: options.NumberArgument, words: Annotated[str, typer.Argument(help="The answer; it must tell no place.")],
    account: options.AccountOption, data: DataOption = DEFAULT_DATA, language: options.LanguageOption = "en",
) -> None:  # fmt: skip
    """Answer what the reviewers of a survey ask, in words; with a mended file: biodata survey submit FILE with the same --part.

    Example: biodata survey answer 1 "two rangers saw it" --account rangers --data biodata_data
    """
    from biodata.surveys import review as reviews

    with options.opened(installation(data), language) as found:
        who = found.who(account)
        reviews.answer(found.registry, who, number, words, seen=found.version(who, number))
        found.say_state(who, number)


def history(
    dataset: options.DatasetOption, data: DataOption = DEFAULT_DATA, language: options.LanguageOption = "en", as_json: options.JsonOption = False
) -> None:  # fmt: skip
    """Tell the versions of the parts of a dataset: when, what, and as what people did it.

    Example: biodata survey history --dataset nam-ha --data biodata_data
    """
    from biodata.surveys import review as reviews

    with options.opened(installation(data), language) as (_, registry, language):
        entries = reviews.versions(registry, None, dataset)
    if as_json:
        say(json.dumps(entries, ensure_ascii=False, default=str))
        return
    for one in entries:
        changes = "; ".join(options.changes_of(one["changes"], language)) or options.line("DIFFERENCE_NONE", language)
        say(f"{options.status_line(one, language)}  {changes}")
        for step in one["history"]:
            say(f"  {options.step_line(step, language)}")


def restore(
    number: options.NumberArgument, account: options.AccountOption, data: DataOption = DEFAULT_DATA,
    language: options.LanguageOption = "en",
) -> None:  # fmt: skip
    """Make an earlier version of a part current again: one more version, through the same review.

    What was published as a cell stays one: `biodata survey status` says so beside the difference.

    Example: biodata survey restore 1 --account rangers --data biodata_data
    """
    from biodata.surveys import submit as sending

    with options.opened(installation(data), language) as found:
        who = found.who(account)
        made, facts = sending.restore(found.registry, who, number), found.look(who, number)
    part = f"{facts['dataset']}: {facts['part']}"
    say(options.line("SURVEY_RETURNS", found.language, number=made, version=facts["part_version"], dataset=part))


def remove(
    number: options.NumberArgument, account: options.AccountOption, data: DataOption = DEFAULT_DATA,
    language: options.LanguageOption = "en",
) -> None:  # fmt: skip
    """Take a survey off the map: its part of the dataset has no rows any more, until an earlier version is restored.

    One that still waits is taken back, and its file is gone.

    Example: biodata survey remove 1 --account rangers --data biodata_data
    """
    from biodata import worker
    from biodata.surveys import submit as sending

    with options.opened(installation(data), language) as found:
        who = found.who(account)
        made = sending.remove(found.settings, found.registry, who, number)
        facts = found.look(who, made)
        while made != number and "job" in facts and facts["state"] in ("accepted", "committing", "committed"):
            # The job that takes the part out, then the one that releases; a worker beside this may have taken it by now.
            worker.do_one(found.settings, found.registry, facts["job"])
            facts = found.look(who, made)
    say(options.state_line(made, facts["stage"], found.language))
    options.say_next(facts)


def purge(
    dataset: options.DatasetOption, part: Annotated[str, typer.Option(help="The part, as `biodata survey history` tells it.")],
    reason: Annotated[str, typer.Option(help="Why, for the audit; it must tell no place.")], data: DataOption = DEFAULT_DATA,
    yes: Annotated[bool, typer.Option("--yes", help="It goes for good: without this nothing is done.")] = False,
    as_json: options.JsonOption = False,
) -> None:  # fmt: skip
    """Let a part of a dataset go for good, from every version and with its files, as a law may ask.

    It does not come back, and its rows are not taken in again. To take it off the map, use `biodata survey remove`.

    Example: biodata survey purge --dataset nam-ha --part "survey_namha" --reason "asked by the ministry" --yes --data biodata_data
    """
    from biodata.surveys.submit import purge_part
    from biodata.text.proposals import names_a_place

    settings = installation(data)
    if not yes or not reason.strip() or names_a_place(reason):
        problem = "what is purged does not come back" if not yes else "it needs a reason that tells no place"
        column = "--reason" if yes else "--yes"
        raise InputError(problem, column=column, expected="--yes and --reason", code="OPTIONS_UNFIT")
    with options.opened(settings, "en") as (_, registry, _):
        done = purge_part(settings, registry, dataset=dataset, part=part, reason=reason.strip(), actor="command line")
    counts = f"{done['records']} records, {done['events']} events, {done['files']} files"
    say(json.dumps(done, default=str) if as_json else f"part {part} of {dataset} is purged: {counts}")
