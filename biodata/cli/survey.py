"""`biodata survey …`: the commands of monitoring projects; those of a survey's way into its dataset are in `survey_review`."""

from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import Annotated, Any, ParamSpec, TypeVar

import typer

from biodata.cli import options as common
from biodata.cli import survey_options as options
from biodata.cli import survey_review
from biodata.cli.species import as_text
from biodata.core.errors import BiodataError, InputError
from biodata.core.phrases import Phrase

P = ParamSpec("P")
R = TypeVar("R")


def add_commands(app: typer.Typer) -> None:
    """Add the group to the application."""
    group = typer.Typer(help="Surveys: templates, checks, sending, review, results.", no_args_is_help=True)
    for call in (check, template, results):
        group.command()(call)
    survey_review.add_commands(group)
    for command in group.registered_commands:
        if command.callback is not None:
            command.callback = _in_language(command.callback)
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
    language: Annotated[str, typer.Option(help="Language of headings, lists and explanations.")] = "en",
) -> None:
    """Write the workbook that a survey of a design is filled into, in one of ten languages.

    Designs: camera_trap, line_transect, listening_post, sign_transect, point_count, mist_net, plot, conflict_incident.
    Languages: en, zh, th, vi, lo, km, my, ms, id, fil.

    Example: biodata survey template camera_trap --language lo --out survey.xlsx
    """
    from biodata.surveys import templates

    common.check_kinds([out], (".xlsx",))
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
    for path in outs:
        if path.suffix.lower().removeprefix(".") not in MEDIA_TYPES:
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
    for sentence in [*report["notes"], *sentences(report["notices"])]:
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
    from biodata.exports.reports import survey_page
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
    written = _write(facts, out, png, title=", ".join(dataset), run=kept.id, language=language, translate=translate)
    if as_json:
        common.say(as_text({"run": kept.id, **facts}))
        return
    for name, words in survey_page.summary_rows(facts):
        common.say(f"{translate(name)}: {translate(words)}")
    done = [Phrase("kept as {a}", a=kept.id), *([Phrase("written: {a}", a=", ".join(written))] if written else [])]
    common.say("; ".join(map(translate, done)))


def _write(facts: dict[str, Any], out: Path | None, png: Path | None, **page: Any) -> list[str]:
    from biodata.exports.reports import pdf, survey_page, survey_plots

    written = []
    if out is not None:
        if out.suffix.lower() == ".pdf":
            content = pdf.on_one_page(lambda rows: survey_page.survey_page(facts, rows=rows, **page), facts)
        else:
            html = out.suffix.lower() == ".html"
            content = (survey_page.survey_page(facts, **page) if html else as_text(facts) + "\n").encode()
        out.write_bytes(content)
        written.append(str(out))
    if png is not None:
        png.mkdir(parents=True, exist_ok=True)
        for name, (figure, _) in survey_plots.plots(
            facts, language=page["language"], translate=page["translate"]
        ).items():
            survey_plots.write_png(figure, png / f"{name}.png")
            written.append(str(png / f"{name}.png"))
    return written
