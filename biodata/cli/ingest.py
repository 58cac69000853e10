"""`biodata ingest`: something from outside into the lake."""

import json
import shlex
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biodata.cli import options as common

if TYPE_CHECKING:
    from biodata.pipeline import IngestReport

_SHOWN = 20
_OF_COMMAND = ("SURVEY_BLOCKED", "IDENTIFIER_IN_TWO_PARTS", "INPUT_EMPTY")
"""Refusals that are not about what kind of file it is."""
_ALSO_READ = frozenset(
    {("gbif", "dwca"), ("gbif", "survey"), ("survey", "gbif"), ("protected-areas", "survey"), ("protected-areas", "layer"),
     ("checklist", "survey"), ("wildlife-insights", "survey"), ("detections", "survey"),
     ("kobo", "survey"), ("layer", "survey")}
)  # fmt: skip
"""A source, and what it reads as well: where it refuses such a file its own reason is the right one."""


def add_commands(app: typer.Typer) -> None:
    """Add this file's command to the application."""
    app.command(name="ingest")(ingest)


def ingest(
    source: Annotated[str, typer.Argument(help="What kind of thing it is.")],
    paths: Annotated[list[Path] | None, typer.Argument(help="Files or folders.")] = None,
    data: common.DataOption = common.DEFAULT_DATA,
    dataset: Annotated[str | None, typer.Option(help="Key of the dataset for rows that tell none.")] = None,
    option: Annotated[
        list[str] | None, typer.Option(help="NAME=VALUE for the source, such as encoding=gb18030; may be repeated.")
    ] = None,
    kind: Annotated[
        str | None,
        typer.Option(
            help="Of a layer: land_cover, elevation, population, suitability, roads, rivers, settlements, fence, mine or dam."
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would happen and change nothing.")] = False,
    as_json: common.JsonOption = False,
    report: Annotated[Path | None, typer.Option(help="CSV file that gets one line for every row.")] = None,
    part: Annotated[
        str | None,
        typer.Option(help="The part of its dataset that it is: what the dataset has of that part is replaced."),
    ] = None,
) -> None:
    """Take files into the lake, with a report of where every row went.

    SOURCE is gbif, dwca, survey, camtrapdp, wildlife-insights, detections, smart, kobo, protected-areas, checklist,
    layer or node (the folder that `biodata node export` wrote). What GBIF and other services have is fetched by
    `biodata pull`.

    What the dataset declares of its values goes in as --option too: calendar=buddhist, day_month_order=day_first,
    time_zone=+07:00, datum=EPSG:4240; without it nothing is guessed. uncertainty_m=250 declares the radius, metres, of
    every place whose row tells none: a record without one is never evidence for a side. Such a value is flagged as
    declared.

    Headings are read in ten languages where their meaning is sure, and the report says which were. --option
    heading.final_species=scientificName says what a column of any table holds; heading.notes= says that it holds
    nothing of a record. A table of which neither a name, a coordinate nor a date is recognised stops, and says what to
    type.

    A layer is a GeoTIFF or a file of features (GeoPackage, shapefile, GeoJSON). What its file gets wrong is said with
    --option: crs=EPSG:32648, nodata=-9999, legend=clcd (or worldcover, igbp, esa_cci, none), band=2, layer=roads.

    Of a survey in sheets all goes in or nothing: what blocks it at the service (`biodata survey check` tells it) blocks it here.
    --part NAME says which part of its dataset a file is, such as a season: what the dataset had of that part goes, all of it,
    and the file stands in its place; other parts stay.

    Of every other source the rows that cannot be taken are refused, each with its reason, and the others go in: the
    exit code is 1 where every row was refused. Where a node took records back, a release without them is made and what
    was made of them before is purged; the exit code is 1 while somebody still reads an old release.

    Examples: biodata ingest gbif sample_data/occurrences_gbif.zip --data mydata

    biodata ingest layer sample_data/layers/elevation_china_laos.tif --data mydata --kind elevation
    """
    from biodata.core.errors import InputError

    try:
        _ingest(source, paths, data, dataset, option, kind, dry_run, as_json, report, part)
    except InputError as error:
        if source != "node" and error.code not in _OF_COMMAND and not error.code.startswith("OPTION_"):
            _name_source(source, paths or [], data, dataset)
        raise


def _name_source(source: str, paths: Sequence[Path], data: Path, dataset: str | None) -> None:
    """Say what to type where files are not of the source that was named.

    Raises
    ------
    InputError
        With SOURCE_OTHER, if they are surely of another one.
    """
    from biodata.core.errors import InputError
    from biodata.ingest.forms import source_of

    kind = source_of(paths) if all(path.exists() for path in paths) else None
    if kind is None or kind.source == source or (source, kind.source) in _ALSO_READ:
        return
    typed = ["biodata", "ingest", kind.source, *map(str, paths), "--data", str(data)]
    typed += ["--dataset", dataset] if dataset else []
    typed += ["--kind", "KIND"] if kind.source == "layer" else []
    problem = f"this is {kind.words}, which the source {source} does not read"
    file = ", ".join(path.name for path in paths)
    raise InputError(problem, file=file, expected=f"type `{shlex.join(typed)}`", code="SOURCE_OTHER")


def _ingest(
    source: str, paths: list[Path] | None, data: Path, dataset: str | None, option: list[str] | None, kind: str | None,
    dry_run: bool, as_json: bool, report: Path | None, part: str | None,
) -> None:  # fmt: skip
    """Take files in by the source that was named."""
    from biodata import pipeline

    common.check_outputs([report], paths or [])
    options = common.read_options(option or [])
    if kind is not None:
        options["kind"] = kind
    if source == "survey":
        _refuse_blocked(paths or [], data, dataset, options, as_json=as_json, report=report)
    reports = pipeline.ingest(
        source,
        paths or [],
        common.settings_for(data),
        dataset=dataset,
        options=options,
        dry_run=dry_run,
        report_file=report,
        progress=common.show_progress(),
        part=part,
    )
    if not dry_run:
        _add_survey_facts(data, reports)
    print_reports(reports, as_json=as_json, dry_run=dry_run)
    if any(one.table == "events" for one in reports) and not dry_run:
        _print_refused(reports)
    if source == "node" and not dry_run:
        _purge(data)
    if any(one.rows for one in reports) and all(one.refused == one.rows for one in reports):
        raise typer.Exit(1)


def _add_survey_facts(data: Path, reports: Sequence["IngestReport"]) -> None:
    """Add to the reports of surveys which names are sensitive, how many records wait, and what their scopes leave open."""
    events = {one.dataset for one in reports if one.table == "events"}
    surveys = [one for one in reports if one.table == "occurrences" and one.dataset in events]
    if not surveys:
        return
    from biodata.surveys.notices import of_datasets, sentences

    facts = of_datasets(common.settings_for(data), {one.dataset for one in surveys})
    for one in surveys:
        one.notes.extend(sentences(facts[one.dataset]))


def print_reports(reports: Sequence["IngestReport"], *, as_json: bool, dry_run: bool) -> None:
    """Print the reports for programs or for people."""
    if as_json:
        plain = [one.as_dict() for one in reports]
        common.say(json.dumps(plain[0] if len(plain) == 1 else plain, ensure_ascii=False, indent=1))
        return
    for one in reports:
        _print(one, dry_run=dry_run)


def _refuse_blocked(
    paths: Sequence[Path], data: Path, dataset: str | None, options: Mapping[str, str], *, as_json: bool,
    report: Path | None,
) -> None:  # fmt: skip
    """Take nothing in of a survey that the service would refuse.

    Raises
    ------
    InputError
        With SURVEY_BLOCKED, if something blocks it.
    """
    from biodata.core.errors import InputError
    from biodata.pipeline.report import write_outcomes
    from biodata.surveys.check import blocked

    if not (found := blocked(paths, common.settings_for(data), dataset=dataset, options=options)):
        return
    print_reports(found, as_json=as_json, dry_run=False)
    if report is not None:
        write_outcomes(((one, []) for one in found), report)
    count = sum(len(one.refusals) for one in found)
    problem = f"{count} problems block this survey; nothing was taken in"
    expected = "`biodata survey check` tells each with what would be right"
    raise InputError(problem, file=", ".join(one.source for one in found), expected=expected, code="SURVEY_BLOCKED")


def _print_refused(reports: Sequence["IngestReport"]) -> None:
    """Say that a survey is in the lake without some of its rows: whoever reads no report would take it for whole."""
    if count := sum(not refusal.by_rule for one in reports for refusal in one.refusals):
        typer.echo(
            f"{count} rows of this survey were refused and are not in the lake; the others are. `biodata survey check` tells what "
            "is to be mended, and `biodata survey submit` takes a survey whole or not at all",
            err=True,
        )


def _purge(data: Path) -> None:
    """Where a node took records back, make a release without them and remove what was made of them before."""
    from biodata import pipeline
    from biodata.access import purges

    settings = common.settings_for(data)
    with common.open_registry(settings) as registry:
        if not purges.owed(registry):
            return
    done = purges.purge(settings, release=pipeline.release)
    typer.echo(
        f"a node took records back: a release without them is made, {done.releases} older ones and {done.downloads} downloads "
        f"are gone; `biodata purge --backups FOLDER` purges backups",
        err=True,
    )
    if done.in_use:
        typer.echo(f"{', '.join(done.in_use)} is being read: run `biodata purge` when that has ended", err=True)
        raise typer.Exit(1)


def _print(report: "IngestReport", *, dry_run: bool) -> None:
    """Print a report for people."""
    would = "would be " if dry_run else ""
    common.say(f"{report.source} → {report.table}, dataset {report.dataset}")
    unit = ("layer" if report.rows == 1 else "layers") if report.table == "layers" else "rows"
    left_out = Counter(refusal.message for refusal in report.refusals if refusal.by_rule)
    refusals = [refusal for refusal in report.refusals if not refusal.by_rule]
    stay_out = f"{left_out.total()} left out, " if left_out else ""
    common.say(
        f"  {report.rows} {unit}: {report.stored} {would}stored ({report.new} new, {report.changed} changed), "
        f"{report.unchanged} unchanged, {stay_out}{report.refused - left_out.total()} refused"
    )
    failed = sorted(report.quality.items(), key=lambda item: -item[1]["not_compliant"])
    if failed and failed[0][1]["not_compliant"]:
        worst = ", ".join(
            f"{label} {counts['not_compliant']}" for label, counts in failed[:3] if counts["not_compliant"]
        )
        common.say(
            f"  of {len(failed)} validations of BDQ Core most rows fail {worst}; biodata quality run tells which rows"
        )
    for repair in report.repairs:
        common.say(f"  mended: {repair.count} × {repair.file}: {repair.message}")
    for note in report.notes:
        common.say(f"  {note}")
    if report.gone:
        common.say(f"  {report.gone} records are gone from the source")
    for name, count in sorted(report.flags.items(), key=lambda item: -item[1]):
        common.say(f"  {count:>9} {name}")
    for country, count in report.not_mapped.items():
        common.say(f"  {count:>9} sites of {'no stated country' if country == '-' else country} are not mapped")
    for message, count in left_out.most_common():
        common.say(f"  left out: {count} × {message}")
    for refusal in refusals[:_SHOWN]:
        places = (refusal.file, refusal.sheet, f"row {refusal.row}", refusal.column)
        common.say(f"  refused: {', '.join(filter(None, places))}: {refusal.message}")
    if len(refusals) > _SHOWN:
        common.say(f"  … and {len(refusals) - _SHOWN} more refused; --report FILE.csv lists every row")
