"""`biodata survey headings`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from biodata.cli.options import say

_HELP = """Say what the headings of a survey's workbook mean: the term, how surely, the unit, and why.

Headings are known in Chinese, Thai, Vietnamese, Lao, Khmer, Burmese, Malay, Indonesian, Filipino and English.

Example: biodata survey headings survey.xlsx --language lo
"""


def add_commands(group: typer.Typer) -> None:
    """Add this file's command to the group."""
    group.command(name="headings", help=_HELP)(headings)


def headings(
    file: Annotated[Path, typer.Argument(help="XLSX workbook.", exists=True, dir_okay=False)],
    language: Annotated[str, typer.Option(help="Language of the reasons.")] = "en",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
) -> None:
    """Read, propose, print."""
    from biodata.formats.workbooks import read_workbook
    from biodata.ingest.headings import propose
    from biodata.surveys import words

    answer = []
    for sheet in read_workbook(file):
        names = [name for name in sheet.frame.columns if name != "source_row"]
        cells = {name: sheet.frame[name].head(200).to_list() for name in names}
        for found in propose(names, sheet=sheet.name, cells=cells):
            params = {"term": found.term, "unit": found.unit, "others": ", ".join(found.others)}
            answer.append(
                {
                    "sheet": sheet.name, "heading": found.heading, "term": found.term, "confidence": found.confidence,
                    "unit": found.unit, "code": found.why.value, "others": list(found.others),
                    "why": words.told(found.why.value, params, language)[0],
                }
            )  # fmt: skip
    if as_json:
        say(json.dumps(answer, ensure_ascii=False))
        return
    for row in answer:
        unit = f" [{row['unit']}]" if row["unit"] else ""
        say(f"{row['sheet']}: {row['heading']} → {row['term'] or '-'}{unit} {row['confidence']:.2f}: {row['why']}")
