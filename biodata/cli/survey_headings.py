"""`biodata survey headings`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, say, settings_for
from biodata.cli.survey_options import LanguageOption, kept_of_dataset, language_told, no_folders
from biodata.errors import InputError

_HELP = """Say what the headings of a survey's files mean: the term, how surely, the unit, and why.

Headings are known in Chinese, Thai, Vietnamese, Lao, Khmer, Burmese, Malay, Indonesian, Filipino and English. --set and
--save keep for a dataset what they mean, so that its next upload needs no answer.

Example: biodata survey headings sample_data/survey_namha.xlsx --language lo --dataset nam-ha --set "locality=verbatimLocality" --save --data biodata_data
"""


def add_commands(group: typer.Typer) -> None:
    """Add this file's command to the group."""
    group.command(name="headings", help=_HELP)(headings)


def headings(
    files: Annotated[list[Path], typer.Argument(help="The file of a survey, in any of its forms.", exists=True)],
    language: LanguageOption = "en",
    dataset: Annotated[str | None, typer.Option(help="The dataset whose decisions are used and kept.")] = None,
    decided: Annotated[
        list[str] | None, typer.Option("--set", help="HEADING=TERM, or HEADING= for none; several times for several.")
    ] = None,
    save: Annotated[bool, typer.Option("--save", help="Keep the certain ones and what --set says.")] = False,
    encoding: Annotated[str | None, typer.Option(help="Of text, such as gb18030 or tis-620.")] = None,
    data: DataOption = DEFAULT_DATA,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Read, propose, keep, print."""
    from biodata.surveys.heading_answers import heading_answer

    if save and dataset is None:
        problem = "it is not told for which dataset"
        raise InputError(problem, column="--dataset", expected="--dataset KEY", code="DATASET_MISSING")
    language = language_told(language)
    no_folders(files, language)
    known = kept_of_dataset(data, dataset)[0] | _read(decided or [])
    contents = [(file.name, file.read_bytes()) for file in files]
    answer = heading_answer(contents, encoding=encoding, kept=known, language=language)
    if save and dataset is not None:
        every = [one for sheet in answer["sheets"] for one in sheet["headings"]]
        _keep(
            data, dataset, {one["heading"]: one["term"] or "" for one in every if one["certain"]} | _read(decided or [])
        )
    if as_json:
        say(json.dumps(answer, ensure_ascii=False))
        return
    for sheet in answer["sheets"]:
        say(f"{sheet['file']}{': ' + sheet['sheet'] if sheet['sheet'] else ''}, row {sheet['row']}")
        for one in sheet["headings"]:
            unit = f" [{one['unit']}]" if one["unit"] else ""
            say(f"  {one['heading']} → {one['term'] or '-'}{unit} {one['confidence']:.2f}: {one['why']}")


def _read(decided: list[str]) -> dict[str, str]:
    """Read what --set says."""
    out = {}
    for told in decided:
        heading, sign, term = told.rpartition("=")
        if not sign or not heading:
            problem = "this is no decision about a heading"
            raise InputError(problem, column="--set", value=told, expected="HEADING=TERM", code="OPTION_INVALID")
        out[heading] = term.strip()
    return out


def _keep(data: Path, dataset: str, mapping: dict[str, str]) -> None:
    """Keep what was decided."""
    from biodata.store.registry import Registry
    from biodata.surveys import mappings

    with Registry.open(settings_for(data)) as registry:
        mappings.keep(registry, dataset, mapping)
