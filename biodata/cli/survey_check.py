"""`biodata survey check` and `biodata survey template`."""

from pathlib import Path
from typing import Annotated, Final

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, boundaries_for, check_kinds, check_outputs, say
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

_CHECK: Final = """Check a survey's files and change nothing: each problem with its sheet, row, column, value and what would be right.

Problems of one kind stand together, those that block first. Where a proposal is clear, --accept CODE takes it: it stands in
the place of the cell, and what was written is kept.

--out writes the report: .json, .csv, or .xlsx, a copy of the workbook with the faulty cells coloured and told.
Lines that begin with i are no faults: which names are sensitive and why, how many records wait, and what the scope leaves open.
The command ends with 1 where something blocks.

Example: biodata survey check sample_data/survey_with_faults.xlsx --language lo --out report.xlsx
"""
_TEMPLATE: Final = """Write the workbook that a survey of a design is filled into, in one of ten languages.

Designs: camera_trap, line_transect, listening_post, sign_transect, point_count, mist_net, plot, conflict_incident.
Languages: en, zh, th, vi, lo, km, my, ms, id, fil.

Example: biodata survey template camera_trap --language lo --out survey.xlsx
"""
_FORMS: Final = (".json", ".csv", ".xlsx")


def add_commands(group: typer.Typer) -> None:
    """Add this file's commands to the group."""
    group.command(name="check", help=_CHECK)(check)
    group.command(name="template", help=_TEMPLATE)(template)


def template(
    design: Annotated[str, typer.Argument(help="The design.")],
    out: Annotated[Path, typer.Option(help="File to write, .xlsx.", dir_okay=False)],
    language: Annotated[str, typer.Option(help="Language of headings, lists and explanations.")] = "en",
) -> None:
    """Make and write."""
    from biodata.surveys import templates

    check_kinds([out], (".xlsx",))
    out.write_bytes(templates.template(design, language))
    say(f"{design} in {language} → {out}")


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

    forms = [path.suffix.lower() for path in out or []]
    for path, form in zip(out or [], forms, strict=True):
        if form not in _FORMS:
            problem, expected = "a report is not written in this form", ", ".join(_FORMS)
            raise InputError(problem, column="--out", value=path.name, expected=expected, code="KIND_UNKNOWN")
    if len(files) > 1 and ".xlsx" in forms:
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
    for path, form in zip(out or [], forms, strict=True):
        path.write_bytes(write_report(ReportForm(form.removeprefix(".")), report, contents[0][1], language=language))
    say_problems(report, language)
    for sentence in [*report["notes"], *sentences(report["notices"])]:
        say(f"i {sentence}")
    say(summary_of(report, language))
    if not report["ok"]:
        raise typer.Exit(1)
