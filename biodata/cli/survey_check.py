"""`biodata survey check`."""

from pathlib import Path
from typing import Annotated

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, boundaries_for, check_outputs, say
from biodata.cli.survey_options import (
    AcceptOption,
    LanguageOption,
    LicenceOption,
    kept_of_dataset,
    known_rules,
    language_told,
    no_folders,
)
from biodata.cli.survey_told import say_problems, summary_of
from biodata.errors import InputError

_HELP = """Check a survey's files and change nothing: each problem with its sheet, row, column, value and what would be right.

Problems of one kind stand together, those that block first. Where a proposal is clear, --accept CODE takes it: it stands in
the place of the cell, and what was written is kept.

--out writes the report: .json, .csv, or .xlsx, a copy of the workbook with the faulty cells coloured and told.
Lines that begin with i are no faults: which names are sensitive and why, how many records wait, and what the scope leaves open.
The command ends with 1 where something blocks.

Example: biodata survey check sample_data/survey_with_faults.xlsx --language lo --out report.xlsx
"""


def add_commands(group: typer.Typer) -> None:
    """Add this file's command to the group."""
    group.command(name="check", help=_HELP)(check)


def check(
    files: Annotated[
        list[Path],
        typer.Argument(help="XLSX, CSV, or a form of a program: Camtrap DP, SMART, KoboToolbox …", exists=True),
    ],
    language: LanguageOption = "en",
    out: Annotated[
        list[Path] | None, typer.Option(help="Report to write; several times for several.", dir_okay=False)
    ] = None,
    dataset: Annotated[
        str | None, typer.Option(help="The dataset that they go to: its headings and its licence are known.")
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Of text, such as gb18030 or tis-620.")] = None,
    licence: LicenceOption = None,
    accept: AcceptOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Check, write, say what is wrong."""
    from biodata import surveys
    from biodata.ingest import survey_project
    from biodata.surveys.notices import sentences
    from biodata.surveys.report_forms import ReportForm, write_report

    wanted = [(path, _form(path)) for path in out or []]
    if len(files) > 1 and any(form is ReportForm.XLSX for _, form in wanted):
        problem = "a marked workbook is made of one file"
        raise InputError(problem, column="--out", expected=".csv, .json", code="OPTIONS_UNFIT")
    language = language_told(language)
    no_folders(files, language)
    check_outputs(out or [], files)
    contents = [(file.name, file.read_bytes()) for file in files]
    rules, known = known_rules(data)
    kept, licences, accepted = kept_of_dataset(data, dataset)
    report = surveys.check_files(
        contents, boundaries_for(data), encoding=encoding, kept=kept, rules=rules, known=known,
        licence=survey_project.checked(licence), licences=licences, language=language, dataset=dataset, accepted=(*accepted, *(accept or ())),
    )  # fmt: skip
    for path, form in wanted:
        path.write_bytes(write_report(ReportForm(form), report, contents[0][1], language=language))
    say_problems(report, language)
    for sentence in [*report["notes"], *sentences(report["notices"])]:
        say(f"i {sentence}")
    say(summary_of(report, language))
    if not report["ok"]:
        raise typer.Exit(1)


def _form(path: Path) -> str:
    """Return the form that a file's name asks for."""
    form = path.suffix.lower().removeprefix(".")
    if form not in ("json", "csv", "xlsx"):
        problem = "a report is not written in this form"
        raise InputError(problem, column="--out", value=path.name, expected=".json, .csv, .xlsx", code="KIND_UNKNOWN")
    return form
