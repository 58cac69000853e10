"""`biodata survey results`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, check_kinds, check_outputs, installation, say, show_progress
from biodata.cli.species_options import RecordsOption, as_text
from biodata.cli.survey_options import LanguageOption, language_told

_MOST_NAMES: Final = 20
_HELP = """Tell the results of surveys: effort, species, relative abundance, occupancy, trends, totals across a border.

Per side and jointly, each number with its limits. What cannot be told or compared says why. --dataset may be told several
times, for a project whose sides are datasets of their own. With --records public (the default) it is what a release tells:
effort, records and species of all that is published, cells among it, and the rest of open events and records alone. --records
exact reads all, and its results stay with whoever holds the data. The run is kept.

Example: biodata survey results --dataset nam-ha --data biodata_data --out results.html --png plots
"""


def add_commands(group: typer.Typer) -> None:
    """Add this file's command to the group."""
    group.command(name="results", help=_HELP)(results)


def results(
    dataset: Annotated[list[str], typer.Option(help="Key of a survey's dataset; several times for several.")],
    data: DataOption = DEFAULT_DATA,
    out: Annotated[Path | None, typer.Option(help="Page (.html) or numbers (.json) to write.", dir_okay=False)] = None,
    png: Annotated[Path | None, typer.Option(help="Folder in which plots are written as PNG.", file_okay=False)] = None,
    records: RecordsOption = "public",
    species: Annotated[list[str] | None, typer.Option(help="Only these; several times for several.")] = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(help="Taxon that events which tell no scope looked for; several times for several."),
    ] = None,
    occasion_days: Annotated[int, typer.Option(help="Days of an occasion of cameras.", min=1, max=366)] = 5,
    gap_minutes: Annotated[float, typer.Option(help="Events of a species at a site are so far apart.", min=0)] = 30.0,
    within_m: Annotated[float, typer.Option(help="Cameras of a site that are nearer are one.", min=0)] = 200.0,
    distance_m: Annotated[float, typer.Option(help="Groups of two sides that are nearer may be one.", min=0)] = 5_000.0,
    hours: Annotated[float, typer.Option(help="And so near in time.", min=0)] = 72.0,
    seed: Annotated[int, typer.Option(help="Start of every random number.", min=0)] = 1,
    language: LanguageOption = "en",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Run, keep, write, say."""
    from biodata import run_engines
    from biodata.run_engines import Work
    from biodata.run_engines.work import told_of
    from biodata.surveys.words.sentences import retold

    language = language_told(language)
    check_kinds([out], (".html", ".json"))
    check_outputs([out], [])
    settings = installation(data)
    asked = {
        "dataset": dataset, "records": records, "species": species or None, "scope": scope or None,
        "occasion_days": occasion_days, "gap_minutes": gap_minutes, "within_m": within_m, "distance_m": distance_m,
        "hours": hours,
    }  # fmt: skip
    outcome = run_engines.work_on(Work(settings, asked, seed, None, show_progress()), "survey-results")
    kept = run_engines.keep(settings, "survey-results", asked, outcome, seed=seed)
    told = told_of(outcome.results)
    written = _write(told, out, png, title=", ".join(dataset), run=kept.id, language=language)
    if as_json:
        say(as_text({"run": kept.id, **told}))
        return
    kept_as = f"kept as {kept.id}" + (f"; written: {', '.join(written)}" if written else "")
    for line in (*_lines(told), *outcome.notes, kept_as):
        say(retold(line, language))


def _write(
    told: dict[str, Any], out: Path | None, png: Path | None, *, title: str, run: str, language: str
) -> list[str]:
    """Write what was asked; return the names."""
    from functools import partial

    from biodata.surveys.words import sentences

    retold = partial(sentences.retold, language=language)
    written = []
    if out is not None:
        from biodata.exports.reports.survey_page import survey_page

        html = out.suffix.lower() == ".html"
        words = (
            survey_page(told, title=title, run=run, language=language, retold=retold) if html else as_text(told) + "\n"
        )
        part = out.with_name(f"{out.name}.part")
        part.write_text(words, encoding="utf-8")
        part.replace(out)
        written.append(str(out))
    if png is not None:
        from biodata.exports.reports.survey_marks import write_png
        from biodata.exports.reports.survey_plots import plots

        png.mkdir(parents=True, exist_ok=True)
        for name, (figure, _) in plots(told, language=language, retold=retold).items():
            write_png(figure, png / f"{name}.png")
            written.append(str(png / f"{name}.png"))
    return written


def _lines(told: dict[str, Any]) -> Iterator[str]:
    """Return the results in lines."""
    summary = told["summary"]
    days = "" if summary["first"] is None else f", {summary['first']} to {summary['last']}"
    yield (
        f"{_counted(summary['events'], 'event')} at {_counted(summary['sites'], 'site')}{days}; "
        f"{_counted(summary['records'], 'record')} of {summary['species']} species"
    )
    if summary["left_out"]:
        yield ("records left out: " + ", ".join(f"{n} {reason}" for reason, n in summary["left_out"].items()))
    for row in told["effort"]:
        value = "not known" if row["effort"] is None else _counted(row["effort"], row["effort_unit"] or "")
        unknown = (
            f", not known of {_counted(row['effort_unknown'], 'event')}"
            if row["effort_unknown"] and row["effort"] is not None
            else ""
        )
        yield (
            f"effort {row['side']}, {row['method']}: {value}{unknown}, {_counted(row['sites'], 'site')}, "
            f"{_counted(row['failed_days'], 'day')} failed"
        )
    for method, found in told["richness"].items():
        for part, one in found["by"].items():
            pool = one["estimates"]
            every = f", Chao {pool['chao']:.1f} ± {pool['chao_se']:.1f}" if pool["species"] and "chao" in pool else ""
            yield (
                f"species {part}, {method}: {pool['species']} found{every}"
                + (f"; {pool['refused']}" if "refused" in pool else "")
            )
    for one in told["abundance"]:
        found = one["by"]["joint"]
        if "refused" not in found:
            low, mean, high = (f"{100 * found[key]:.2g}" for key in ("low", "rate", "high"))
            yield (
                f"relative abundance {one['species']}, {one['method']}: {_counted(found['events'], 'independent event')}, "
                f"{mean} ({low} to {high}) for 100 {_plural(found['unit'])}"
            )
    for one in told["occupancy"]:
        found = one["by"]["joint"]
        if "refused" not in found and found["psi"] is not None:
            yield (
                f"occupancy {one['species']}, {one['method']} {one['repeat']}: {found['psi']:.2f} "
                f"({found['psi_low']:.2f} to {found['psi_high']:.2f}), found at {found['found_at']} of {found['sites']} sites"
                + (f"; {'; '.join(found['notes'])}" if found["notes"] else "")
            )
    for reason, names in _untold(told).items():
        yield (f"no abundance or occupancy of {', '.join(names)}: {reason}")
    for one in told["totals"]:
        span = f"{one['low']} to {one['high']}" if one["low"] < one["high"] else f"{one['high']}"
        yield (f"total {one['species']}, {one['method']} {one['repeat']}: {span} individuals in independent events")


def _counted(number: float, unit: str) -> str:
    """Return a number and what it counts."""
    return f"{number:g} {unit if number == 1 else _plural(unit)}".strip()


def _plural(unit: str) -> str:
    """Return more than one of a unit; signs such as km have no plural."""
    return f"{unit}s" if unit.isascii() and len(unit) > 2 else unit


def _untold(told: dict[str, Any]) -> dict[str, list[str]]:
    """Return the species of which abundance or occupancy is not told, by the reason."""
    found: dict[str, list[str]] = {}
    for one in (*told["abundance"], *told["occupancy"]):
        reason = one["by"]["joint"].get("refused")
        if reason is not None and one["species"] not in found.setdefault(reason, []):
            found[reason].append(one["species"])
    return found
