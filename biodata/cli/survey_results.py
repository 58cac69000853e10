"""`biodata survey results`."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, check_kinds, check_outputs, installation, say, show_progress
from biodata.cli.species_maps import RecordsOption, as_text
from biodata.cli.survey_options import LanguageOption, language_told

_HELP: Final = """Tell the results of surveys: effort, species, relative abundance, occupancy, trends, totals across a border.

Per side and jointly, each number with its limits. What cannot be told or compared says why. --dataset may be told several
times, for a project whose sides are datasets of their own. With --records public (the default) it is what a release tells:
effort, records and species of all that is published, cells among it, and the rest of open events and records alone. --records
exact reads all, and its results stay with whoever holds the data. The run is kept; `biodata runs start survey-results` takes
other days of an occasion, gaps and distances.

Example: biodata survey results --dataset nam-ha --data biodata_data --out results.html --png plots
"""


def add_commands(group: typer.Typer) -> None:
    """Add this file's command to the group."""
    group.command(name="results", help=_HELP)(results)


def results(
    dataset: Annotated[list[str], typer.Option(help="Key of a survey's dataset; several times for several.")],
    data: DataOption = DEFAULT_DATA,
    out: Annotated[Path | None, typer.Option(help="Page (.html), sheet of A4 (.pdf) or numbers (.json).", dir_okay=False)] = None,
    png: Annotated[Path | None, typer.Option(help="Folder in which plots are written as PNG.", file_okay=False)] = None,
    records: RecordsOption = "public",
    species: Annotated[list[str] | None, typer.Option(help="Only these; several times for several.")] = None,
    scope: Annotated[list[str] | None, typer.Option(help="Taxon that events which tell no scope looked for; several times for several.")] = None,
    language: LanguageOption = "en",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:  # fmt: skip
    """Run, keep, write, say."""
    from biodata import run_engines
    from biodata.exports.reports import survey_page
    from biodata.run_engines import Work, told_of
    from biodata.surveys.words import sentences

    language = language_told(language)
    check_kinds([out], (".html", ".pdf", ".json"))
    check_outputs([out], [])
    settings = installation(data)
    asked = {"dataset": dataset, "records": records, "species": species or None, "scope": scope or None}
    outcome = run_engines.work_on(Work(settings, progress=show_progress()), "survey-results", asked)
    kept = run_engines.keep(settings, "survey-results", asked, outcome, seed=1)
    told, retold = told_of(outcome.results), partial(sentences.retold, language=language)
    written = _write(told, out, png, title=", ".join(dataset), run=kept.id, language=language, retold=retold)
    if as_json:
        say(as_text({"run": kept.id, **told}))
        return
    say(survey_page.lines(told, retold))
    say(retold(f"kept as {kept.id}" + (f"; written: {', '.join(written)}" if written else "")))


def _write(told: dict[str, Any], out: Path | None, png: Path | None, **page: Any) -> list[str]:
    from biodata.exports.reports import pdf, survey_page, survey_plots

    written = []
    if out is not None:
        if out.suffix.lower() == ".pdf":
            content = pdf.on_one_page(lambda rows: survey_page.one_page(told, rows=rows, **page), told)
        else:
            html = out.suffix.lower() == ".html"
            content = (survey_page.survey_page(told, **page) if html else as_text(told) + "\n").encode()
        part = out.with_name(f"{out.name}.part")
        part.write_bytes(content)
        part.replace(out)
        written.append(str(out))
    if png is not None:
        png.mkdir(parents=True, exist_ok=True)
        for name, (figure, _) in survey_plots.plots(told, language=page["language"], retold=page["retold"]).items():
            survey_plots.write_png(figure, png / f"{name}.png")
            written.append(str(png / f"{name}.png"))
    return written
