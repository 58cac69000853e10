"""`biodata assess`: what only the whole lake tells of a record."""

import json
from typing import Annotated

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, say, settings_for, stages

_HELP = """Set all records beside each other: clusters that may tell of one thing, and places that look wrong beside the others.

`release` and the analyses do it by themselves where records have changed; nothing is deleted and nothing is hidden. Who
wants one record of each cluster asks for it: `--cluster-representative`, or clusterRepresentative=true.

Example: biodata assess --data biodata_data
"""


def add_commands(app: typer.Typer) -> None:
    """Add this file's command to the application."""
    app.command(name="assess", help=_HELP)(assess)


def assess(
    data: DataOption = DEFAULT_DATA,
    as_json: Annotated[bool, typer.Option("--json", help="Print the counts as JSON.")] = False,
) -> None:
    """Assess, count, print."""
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
