"""`biodata survey check`, `template` and `headings`."""

import json
from pathlib import Path
from typing import Annotated, Final

import typer

from biodata.cli import survey_options as options
from biodata.cli import survey_told as output
from biodata.cli.options import DEFAULT_DATA, DataOption, boundaries_for, check_kinds, check_outputs, say, settings_for
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
_HEADINGS: Final = """Say what the headings of a survey's files mean: the term, how surely, the unit, and why.

Headings are known in Chinese, Thai, Vietnamese, Lao, Khmer, Burmese, Malay, Indonesian, Filipino and English. --set and
--save keep for a dataset what they mean, so that its next upload needs no answer.

Example: biodata survey headings sample_data/survey_namha.xlsx --language lo --dataset nam-ha --set "locality=verbatimLocality" --save --data biodata_data
"""


def add_commands(group: typer.Typer) -> None:
    """Add this file's commands to the group."""
    group.command(name="check", help=_CHECK)(check)
    group.command(name="template", help=_TEMPLATE)(template)
    group.command(name="headings", help=_HEADINGS)(headings)


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
    files: Annotated[list[Path], typer.Argument(help="XLSX, CSV, or a form of a program: Camtrap DP, SMART, KoboToolbox …", exists=True)],
    language: options.LanguageOption = "en",
    out: Annotated[list[Path] | None, typer.Option(help="Report to write; several times for several.", dir_okay=False)] = None,
    dataset: Annotated[str | None, typer.Option(help="The dataset that they go to: its headings and its licence are known.")] = None,
    encoding: options.EncodingOption = None,
    licence: options.LicenceOption = None,
    accept: options.AcceptOption = None,
    data: DataOption = DEFAULT_DATA,
) -> None:  # fmt: skip
    """Check, write, say what is wrong."""
    from biodata import surveys
    from biodata.ingest import survey_project
    from biodata.surveys.notices import sentences
    from biodata.surveys.report_forms import ReportForm, write_report

    outs = out or []
    for path in outs:
        if path.suffix.lower().removeprefix(".") not in list(ReportForm):
            problem, expected = "a report is not written in this form", ", ".join(f".{form}" for form in ReportForm)
            raise InputError(problem, column="--out", value=path.name, expected=expected, code="KIND_UNKNOWN")
    if len(files) > 1 and any(path.suffix.lower() == ".xlsx" for path in outs):
        problem = "a marked workbook is made of one file"
        raise InputError(problem, column="--out", expected=".csv, .json", code="OPTIONS_UNFIT")
    language = options.language_told(language)
    options.no_folders(files, language)
    check_outputs(outs, files)
    contents = [(file.name, file.read_bytes()) for file in files]
    rules, known = options.known_rules(data)
    kept, licences, accepted = options.kept_of_dataset(data, dataset)
    report = surveys.check_files(
        contents, boundaries_for(data), encoding=encoding, kept=kept, rules=rules, known=known,
        licence=survey_project.checked(licence), licences=licences, language=language, dataset=dataset, accepted=(*accepted, *(accept or ())),
    )  # fmt: skip
    for path in outs:
        form = ReportForm(path.suffix.lower().removeprefix("."))
        path.write_bytes(write_report(form, report, contents[0][1], language=language))
    output.say_problems(report, language)
    for sentence in [*report["notes"], *sentences(report["notices"])]:
        say(f"i {sentence}")
    say(output.summary_of(report, language))
    if not report["ok"]:
        raise typer.Exit(1)


def headings(
    files: Annotated[list[Path], typer.Argument(help="The file of a survey, in any of its forms.", exists=True)],
    language: options.LanguageOption = "en",
    dataset: Annotated[str | None, typer.Option(help="The dataset whose decisions are used and kept.")] = None,
    decided: Annotated[list[str] | None, typer.Option("--set", help="HEADING=TERM, or HEADING= for none; several times for several.")] = None,
    save: Annotated[bool, typer.Option("--save", help="Keep the certain ones and what --set says.")] = False,
    encoding: options.EncodingOption = None,
    data: DataOption = DEFAULT_DATA,
    as_json: options.JsonOption = False,
) -> None:  # fmt: skip
    """Read, propose, keep, print."""
    from biodata.store.registry import Registry
    from biodata.surveys import mappings
    from biodata.surveys.mappings import heading_answer

    if save and dataset is None:
        problem = "it is not told for which dataset"
        raise InputError(problem, column="--dataset", expected="--dataset KEY", code="DATASET_MISSING")
    language, told = options.language_told(language), _decided(decided or [])
    options.no_folders(files, language)
    contents = [(file.name, file.read_bytes()) for file in files]
    known = options.kept_of_dataset(data, dataset)[0] | told
    answer = heading_answer(contents, encoding=encoding, kept=known, language=language)
    if save and dataset is not None:
        every = [one for sheet in answer["sheets"] for one in sheet["headings"]]
        certain = {one["heading"]: one["term"] or "" for one in every if one["certain"]}
        with Registry.open(settings_for(data)) as registry:
            mappings.keep(registry, dataset, certain | told)
    if as_json:
        say(json.dumps(answer, ensure_ascii=False))
        return
    for sheet in answer["sheets"]:
        say(f"{sheet['file']}{': ' + sheet['sheet'] if sheet['sheet'] else ''}, row {sheet['row']}")
        for one in sheet["headings"]:
            unit = f" [{one['unit']}]" if one["unit"] else ""
            say(f"  {one['heading']} → {one['term'] or '-'}{unit} {one['confidence']:.2f}: {one['why']}")


def _decided(texts: list[str]) -> dict[str, str]:
    out = {}
    for told in texts:
        heading, _, term = told.rpartition("=")
        if not heading:
            problem = "this is no decision about a heading"
            raise InputError(problem, column="--set", value=told, expected="HEADING=TERM", code="OPTION_INVALID")
        out[heading] = term.strip()
    return out
