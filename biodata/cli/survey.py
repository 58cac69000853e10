"""`biodata survey …`: the commands of monitoring projects: templates, checks, results, and a survey's way into its dataset."""

import json
from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar

import typer

from biodata.cli import options as common
from biodata.cli import survey_options as options
from biodata.cli.species import as_text
from biodata.core.errors import BiodataError, InputError
from biodata.core.phrases import Phrase

P = ParamSpec("P")
R = TypeVar("R")
PartOption = Annotated[
    str | None, typer.Option("--part", help="The part of the dataset that the file is, such as a season; else the file's name.")
]  # fmt: skip


def add_commands(app: typer.Typer) -> None:
    """Add the group to the application."""
    group = typer.Typer(help="Surveys: templates, checks, sending, review, results.", no_args_is_help=True)
    for call in (check, template, results, diff, submit, status, history, remove, restore, purge, review, answer):
        group.command()(_in_language(call))
    app.add_typer(group, name="survey")


def _in_language(call: Callable[P, R]) -> Callable[P, R]:
    @wraps(call)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return call(*args, **kwargs)
        except InputError as error:
            from biodata.surveys import words

            language = words.language_of(str(kwargs.get("language") or "en")) or "en"
            if language == "en":
                raise
            raise BiodataError(options.refusal(error, language)) from error

    return run


def template(
    design: Annotated[str, typer.Argument(help="The design.")],
    out: Annotated[Path, typer.Option(help="File to write, .xlsx.", dir_okay=False)],
    language: options.LanguageOption = "en",
) -> None:
    """Write the workbook that a survey of a design is filled into, in one of ten languages.

    Designs: camera_trap, line_transect, listening_post, sign_transect, point_count, mist_net, plot, conflict_incident.
    Languages: en, zh, th, vi, lo, km, my, ms, id, fil.

    Example: biodata survey template camera_trap --language lo --out survey.xlsx
    """
    from biodata.surveys import templates

    common.check_kinds([out], (".xlsx",))
    language = options.language_of_tag(language)
    out.write_bytes(templates.template(design, language))
    common.say(f"{design} in {language} → {out}")


def check(
    files: Annotated[list[Path], typer.Argument(help="XLSX, CSV, or a form of a program: Camtrap DP, SMART, KoboToolbox …", exists=True)],
    language: options.LanguageOption = "en",
    out: Annotated[list[Path] | None, typer.Option(help="Report to write; several times for several.", dir_okay=False)] = None,
    dataset: Annotated[str | None, typer.Option(help="The dataset that they go to: its headings and its licence are known.")] = None,
    encoding: options.EncodingOption = None,
    licence: options.LicenceOption = None,
    accept: options.AcceptOption = None,
    data: common.DataOption = common.DEFAULT_DATA,
) -> None:  # fmt: skip
    """Check a survey's files and change nothing: each problem with its sheet, row, column, value and what would be right.

    Problems of one kind stand together, those that block first. Where a proposal is clear, --accept CODE takes it: it stands in
    the place of the cell, and what was written is kept. --accept "heading.HEADING=TERM" says what a heading means (HEADING= for
    nothing); what is sent with it is read so from then on.

    --out writes the report: .json, .csv, or .xlsx, a copy of the workbook with the faulty cells coloured and stated.
    Lines that begin with i are no faults: which names are sensitive and why, how many records wait, and what the scope leaves open.
    The command ends with 1 where something blocks.

    Example: biodata survey check sample_data/survey_with_faults.xlsx --language lo --out report.xlsx
    """
    from biodata import surveys
    from biodata.ingest import survey_shapes
    from biodata.surveys.notices import sentences
    from biodata.surveys.problems import MEDIA_TYPES, write_report

    outs = out or []
    for path in (one for one in outs if one.suffix.lower().removeprefix(".") not in MEDIA_TYPES):
        problem, expected = "a report is not written in this form", ", ".join(f".{form}" for form in MEDIA_TYPES)
        raise InputError(problem, column="--out", value=path.name, expected=expected, code="KIND_UNKNOWN")
    if len(files) > 1 and any(path.suffix.lower() == ".xlsx" for path in outs):
        problem = "a marked workbook is made of one file"
        raise InputError(problem, column="--out", expected=".csv, .json", code="OPTIONS_UNFIT")
    language = options.language_of_tag(language)
    options.no_folders(files, language)
    common.check_outputs(outs, files)
    contents = [(file.name, file.read_bytes()) for file in files]
    known = options.known_of(data, dataset)
    known["accepted"] += accept or ()
    report = surveys.check_files(
        contents, common.boundaries_for(data), encoding=encoding, licence=survey_shapes.checked(licence), language=language,
        dataset=dataset, **known,
    )  # fmt: skip
    for path in outs:
        form = path.suffix.lower().removeprefix(".")
        path.write_bytes(write_report(form, report, contents[0][1], language=language))
    options.say_problems(report, language)
    for sentence in [*report["notes"], *sentences(report["notices"], language)]:
        common.say(f"i {sentence}")
    common.say(options.summary_of(report, language))
    if not report["ok"]:
        raise typer.Exit(1)


def results(
    dataset: Annotated[list[str], typer.Option(help="Key of a survey's dataset; several times for several.")],
    data: common.DataOption = common.DEFAULT_DATA,
    out: Annotated[Path | None, typer.Option(help="Page (.html), sheet of A4 (.pdf) or numbers (.json).", dir_okay=False)] = None,
    png: Annotated[Path | None, typer.Option(help="Folder in which plots are written as PNG.", file_okay=False)] = None,
    records: Annotated[str, typer.Option(help="public or exact.")] = "public",
    species: Annotated[list[str] | None, typer.Option(help="Only these; several times for several.")] = None,
    scope: Annotated[list[str] | None, typer.Option(help="Taxon that events which tell no scope looked for; several times for several.")] = None,
    language: options.LanguageOption = "en",
    as_json: options.JsonOption = False,
) -> None:  # fmt: skip
    """Tell the results of surveys: effort, species, relative abundance, occupancy, trends, totals across a border.

    Per side and jointly, each number with its limits. What cannot be stated or compared says why. --dataset may be stated several
    times, for a project whose sides are datasets of their own. With --records public (the default) it is what a release tells:
    effort, records and species of all that is published, cells among it, and the rest of open events and records alone. --records
    exact reads all, and its results stay with whoever holds the data. The run is kept; `biodata runs start survey-results` takes
    other days of an occasion, gaps and distances.

    Example: biodata survey results --dataset nam-ha --data biodata_data --out results.html --png plots
    """
    from biodata.exports.reports import survey_page, survey_plots
    from biodata.runs.engines import work as run_engines
    from biodata.runs.engines.work import Work, facts_of
    from biodata.surveys.words import stated

    language = options.language_of_tag(language)
    common.check_kinds([out], (".html", ".pdf", ".json"))
    common.check_outputs([out], [])
    settings = common.installation(data)
    asked = {"dataset": dataset, "records": records, "species": species or None, "scope": scope or None}
    outcome = run_engines.work_on(Work(settings, progress=common.show_progress()), "survey-results", asked)
    kept = run_engines.keep(settings, "survey-results", asked, outcome, seed=1)
    facts, translate = facts_of(outcome.results), partial(stated, language=language)
    words: dict[str, Any] = {"language": language, "translate": translate}
    written = []
    if out is not None:
        ending, numbers = out.suffix.lower(), f"{as_text(facts)}\n".encode()
        page = {"title": ", ".join(dataset), "run": kept.id, **words}
        out.write_bytes(numbers if ending == ".json" else survey_page.survey_file(ending, facts, **page))
        written.append(str(out))
    if png is not None:
        png.mkdir(parents=True, exist_ok=True)
        for name, (figure, _) in survey_plots.plots(facts, **words).items():
            survey_plots.write_png(figure, png / f"{name}.png")
            written.append(str(png / f"{name}.png"))
    if as_json:
        common.say(as_text({"run": kept.id, **facts}))
        return
    for name, said in survey_page.summary_rows(facts):
        common.say(f"{translate(name)}: {translate(said)}")
    done = [Phrase("kept as {a}", a=kept.id), *([Phrase("written: {a}", a=", ".join(written))] if written else [])]
    common.say("; ".join(map(translate, done)))


def diff(
    file: Annotated[Path, typer.Argument(help="The survey's file.", exists=True)],
    dataset: options.DatasetOption,
    data: common.DataOption = common.DEFAULT_DATA,
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
    from biodata.surveys import accepting
    from biodata.surveys.difference import as_dict, difference
    from biodata.surveys.submit import part_name

    with options.opened(common.installation(data), language) as (settings, registry, language):
        options.no_folders([file], language)
        decided = survey_steps.options(registry, dataset)
        licence = survey_shapes.checked(licence) or accepting.known_of(registry, dataset)["inherited"]
    found = difference([file], dataset, part_name(part or file.stem), settings, options=decided, licence=licence)
    if as_json:
        common.say(json.dumps(as_dict(found, most=None), ensure_ascii=False))
    else:
        options.say_difference(as_dict(found), language)


def submit(
    file: Annotated[Path | None, typer.Argument(help="The survey's file.", exists=True)] = None,
    account: options.AccountOption = "",
    data: common.DataOption = common.DEFAULT_DATA,
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
    with options.opened(common.settings_for(data), language) as found:
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
        common.say(options.line("SURVEY_KEPT", found.language, number=made, command=command))
    else:  # a draft, or it was sent before
        common.say(f"{options.state_line(made, survey['stage'], found.language)}; {command}")
    options.say_next(survey)


def status(
    number: Annotated[int | None, typer.Argument(help="The survey's number.", min=1)] = None, data: common.DataOption = common.DEFAULT_DATA,
    account: Annotated[str | None, typer.Option(help="Only what concerns this account.")] = None, language: options.LanguageOption = "en",
    as_json: options.JsonOption = False,
) -> None:  # fmt: skip
    """Tell how surveys stand: one by its number with each problem, or all that concern an account.

    Of one it also tells when the map shows it.

    Example: biodata survey status 1 --language lo --data biodata_data
    """
    from biodata.surveys import review as reviews

    with options.opened(common.installation(data), language) as found:
        who, language = found.who(account) if account else None, found.language
        own = None if number is None else options.with_values(found.settings, found.look(who, number), language)
        every = reviews.listed(found.registry, who) if own is None else [own]
    if as_json:
        common.say(json.dumps({"results": every} if own is None else own, ensure_ascii=False, default=str))
        return
    for one in every:
        common.say(options.status_line(one, language))
    if own is not None:
        options.say_survey(own, language, rows=False)


def review(
    number: options.NumberArgument,
    decision: Annotated[str | None, typer.Argument(help="accept, ask or refuse.")] = None,
    data: common.DataOption = common.DEFAULT_DATA,
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

    with options.opened(common.installation(data), language) as found:
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
        common.say(options.status_line(facts, found.language))
        for table in views.TABLES if facts["rows"] else ():
            published = views.rows(found.registry, who, number, table=table, side=side, language=found.language)
            options.say_rows(published, found.language)
        options.say_survey(facts, found.language)


def answer(
    number: options.NumberArgument, words: Annotated[str, typer.Argument(help="The answer; it must tell no place.")],
    account: options.AccountOption, data: common.DataOption = common.DEFAULT_DATA, language: options.LanguageOption = "en",
) -> None:  # fmt: skip
    """Answer what the reviewers of a survey ask, in words; with a mended file: biodata survey submit FILE with the same --part.

    Example: biodata survey answer 1 "two rangers saw it" --account rangers --data biodata_data
    """
    from biodata.surveys import review as reviews

    with options.opened(common.installation(data), language) as found:
        who = found.who(account)
        reviews.answer(found.registry, who, number, words, seen=found.version(who, number))
        found.say_state(who, number)


def history(
    dataset: options.DatasetOption, data: common.DataOption = common.DEFAULT_DATA, language: options.LanguageOption = "en", as_json: options.JsonOption = False
) -> None:  # fmt: skip
    """Tell the versions of the parts of a dataset: when, what, and as what people did it.

    Example: biodata survey history --dataset nam-ha --data biodata_data
    """
    from biodata.surveys import review as reviews

    with options.opened(common.installation(data), language) as (_, registry, language):
        entries = reviews.versions(registry, None, dataset)
    if as_json:
        common.say(json.dumps(entries, ensure_ascii=False, default=str))
        return
    for one in entries:
        changes = "; ".join(options.changes_of(one["changes"], language)) or options.line("DIFFERENCE_NONE", language)
        common.say(f"{options.status_line(one, language)}  {changes}")
        for step in one["history"]:
            common.say(f"  {options.step_line(step, language)}")


def restore(
    number: options.NumberArgument, account: options.AccountOption, data: common.DataOption = common.DEFAULT_DATA,
    language: options.LanguageOption = "en",
) -> None:  # fmt: skip
    """Make an earlier version of a part current again: one more version, through the same review.

    What was published as a cell stays one: `biodata survey status` says so beside the difference.

    Example: biodata survey restore 1 --account rangers --data biodata_data
    """
    from biodata.surveys import submit as sending

    with options.opened(common.installation(data), language) as found:
        who = found.who(account)
        made, facts = sending.restore(found.registry, who, number), found.look(who, number)
    part = f"{facts['dataset']}: {facts['part']}"
    common.say(options.line("SURVEY_RETURNS", found.language, number=made, version=facts["part_version"], dataset=part))


def remove(
    number: options.NumberArgument, account: options.AccountOption, data: common.DataOption = common.DEFAULT_DATA,
    language: options.LanguageOption = "en",
) -> None:  # fmt: skip
    """Take a survey off the map: its part of the dataset has no rows any more, until an earlier version is restored.

    One that still waits is taken back, and its file is gone.

    Example: biodata survey remove 1 --account rangers --data biodata_data
    """
    from biodata import worker
    from biodata.surveys import submit as sending

    with options.opened(common.installation(data), language) as found:
        who = found.who(account)
        made = sending.remove(found.settings, found.registry, who, number)
        facts = found.look(who, made)
        while made != number and "job" in facts and facts["state"] in ("accepted", "committing", "committed"):
            # The job that takes the part out, then the one that releases; a worker beside this may have taken it by now.
            worker.do_one(found.settings, found.registry, facts["job"])
            facts = found.look(who, made)
    common.say(options.state_line(made, facts["stage"], found.language))
    options.say_next(facts)


def purge(
    dataset: options.DatasetOption, part: Annotated[str, typer.Option(help="The part, as `biodata survey history` tells it.")],
    reason: Annotated[str, typer.Option(help="Why, for the audit; it must tell no place.")], data: common.DataOption = common.DEFAULT_DATA,
    yes: Annotated[bool, typer.Option("--yes", help="It goes for good: without this nothing is done.")] = False,
    as_json: options.JsonOption = False,
) -> None:  # fmt: skip
    """Let a part of a dataset go for good, from every version and with its files, as a law may ask.

    It does not come back, and its rows are not taken in again. To take it off the map, use `biodata survey remove`.

    Example: biodata survey purge --dataset nam-ha --part "survey_namha" --reason "asked by the ministry" --yes --data biodata_data
    """
    from biodata.surveys.submit import purge_part
    from biodata.text.proposals import names_a_place

    settings = common.installation(data)
    if not yes or not reason.strip() or names_a_place(reason):
        problem = "what is purged does not come back" if not yes else "it needs a reason that tells no place"
        column = "--reason" if yes else "--yes"
        raise InputError(problem, column=column, expected="--yes and --reason", code="OPTIONS_UNFIT")
    with options.opened(settings, "en") as (_, registry, _):
        done = purge_part(settings, registry, dataset=dataset, part=part, reason=reason.strip(), actor="command line")
    counts = f"{done['records']} records, {done['events']} events, {done['files']} files"
    common.say(json.dumps(done, default=str) if as_json else f"part {part} of {dataset} is purged: {counts}")
