"""`biodata explain`, the story of a record, and `biodata assess`, what only the whole lake tells of records."""

import json
import re
import shutil
import sys
from typing import Annotated

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, JsonOption, say, settings_for, stages
from biodata.core.errors import InputError


def add_commands(app: typer.Typer) -> None:
    """Add this file's command to the application."""
    app.command(name="explain")(explain)
    app.command(name="assess")(assess)


def explain(
    key: Annotated[str | None, typer.Argument(help="The record's number.", show_default=False)] = None,
    data: DataOption = DEFAULT_DATA,
    occurrence_id: Annotated[str | None, typer.Option(help="Its occurrenceID instead of its number.")] = None,
    dataset: Annotated[str | None, typer.Option(help="The dataset of that occurrenceID.")] = None,
    gbif_id: Annotated[str | None, typer.Option(help="GBIF's number instead of the record's.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell the story of a record.

    Each value stands beside what was told and the rule that read it, with the rule's version; then the doubts, the match
    of the name, every version of the record, and what goes out of it.

    It reads the lake, exact places of sensitive species among it: it is for the owner of the installation.

    Example: biodata explain KEY --data biodata_data

    Example: biodata explain --occurrence-id urn:biodata-sample:namha:00002 --data biodata_data --json
    """
    from biodata import stories
    from biodata.stories.words import as_text

    ways = [name for name in (key, occurrence_id, gbif_id) if name is not None]
    if len(ways) != 1:
        problem = "the record is named in no way" if not ways else "the record is named in more than one way"
        raise InputError(problem, expected="its number, --occurrence-id with --dataset, or --gbif-id")
    if key is not None and not re.fullmatch(r"[0-9]{1,18}", key):
        problem = "this is no number of a record"
        raise InputError(problem, column="KEY", value=key, expected="up to 18 digits, or --occurrence-id TEXT")
    story = stories.explain(
        None if key is None else int(key), settings_for(data), occurrence_id=occurrence_id, dataset=dataset,
        gbif_id=gbif_id,
    )  # fmt: skip
    if as_json:
        text = json.dumps(story.as_dict(), ensure_ascii=False, indent=1)
        # JSON leaves controls above 0x7e and marks of direction as they are; a terminal would obey them.
        say(re.sub(r"[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]", lambda m: f"\\u{ord(m[0]):04x}", text))
    else:
        width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 100
        typer.echo(as_text(story, width=width), nl=False)


def assess(data: DataOption = DEFAULT_DATA, as_json: JsonOption = False) -> None:
    """Set all records beside each other: clusters that may tell of one thing, and places that look wrong beside the others.

    `release` and the analyses do it by themselves where records have changed; nothing is deleted and nothing is hidden.
    Who wants one record of each cluster asks for it: `--cluster-representative`, or clusterRepresentative=true.

    Example: biodata assess --data biodata_data
    """
    from biodata import assessments

    with stages():
        report = assessments.assess(settings_for(data))
    if as_json:
        say(json.dumps(report.as_dict(), ensure_ascii=False, indent=1))
        return
    say(f"{report.records} records{'' if report.changed else ', unchanged since the last time'}")
    say(f"  {report.clustered:>9} records in {report.clusters} clusters")
    for reason, count in report.reasons.items():
        say(f"  {count:>9} {reason}")
    for name, count in report.flags.items():
        say(f"  {count:>9} {name}")
