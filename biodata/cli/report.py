"""`biodata report`."""

from pathlib import Path
from typing import Annotated

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, check_outputs, current_release, say, settings_for

_REPORT = """Write the printable report of a candidate reserve, a corridor, or ground that was looked at.

Map, evidence on each side, hard criteria, front and rank, uncertainty, validation, what is unknown, citation: as a page
(.html) or as PDF (.pdf, with the extra `report`). It is made of the current release, so of published values only. What
`biodata corridors-validate`, `corridors-uncertainty --report` and `scenarios` wrote can be told in it; where they are not
given it says that they were not run.

Example: biodata report landcover_china_laos-candidate-1 --data biodata_data --out report.html
"""


def add_commands(app: typer.Typer) -> None:
    """Add this file's command to the application."""
    app.command(name="report", help=_REPORT)(report)


def report(
    identifier: Annotated[str, typer.Argument(help="candidate_id, corridor_id or considered_id.", metavar="ID")],
    out: Annotated[Path, typer.Option(help="File to write: .html or .pdf.", dir_okay=False)],
    validation: Annotated[
        Path | None, typer.Option(help="JSON of `corridors-validate`.", dir_okay=False, exists=True)
    ] = None,
    uncertainty: Annotated[
        Path | None, typer.Option(help="JSON of `corridors-uncertainty --report`.", dir_okay=False, exists=True)
    ] = None,
    scenarios: Annotated[
        Path | None, typer.Option(help="GeoPackage of `scenarios`.", dir_okay=False, exists=True)
    ] = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Read, write, say."""
    from biodata.errors import InputError
    from biodata.exports.reports import findings, material, page
    from biodata.store.reader import ReleaseReader

    given = {"validation": validation, "uncertainty": uncertainty, "scenarios": scenarios}
    files = {name: path for name, path in given.items() if path is not None}
    kind = out.suffix.lower()
    if kind not in (".html", ".pdf"):
        problem, expected = "a report is a page or a PDF", "a name that ends with .html or .pdf"
        raise InputError(problem, file=str(out), expected=expected, code="OUTPUT_KIND")
    check_outputs([out], files.values())
    settings = settings_for(data)
    current_release(data)
    found = {name: findings.read(path) for name, path in files.items()}
    with ReleaseReader(settings.data, timeout_seconds=settings.query_timeout_s) as reader:
        told = material.read(reader.current(), identifier, findings=found)
    if kind == ".pdf":
        from biodata.exports.reports import pdf

        boxes = pdf.write(told, out)
        if boxes:
            say(
                f"{len(boxes)} letters stand as boxes, since no font of this machine has them ({boxes[:12]}): install one, on "
                "Debian fonts-noto-cjk for Chinese or fonts-noto-core for other scripts"
            )
    else:
        part = out.with_name(f"{out.name}.part")
        part.write_text(page.page(told), encoding="utf-8")
        part.replace(out)
    say(f"{told.id} of release {told.release['id']} → {out}")
