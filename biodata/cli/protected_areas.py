"""`biodata protected-areas clean`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biodata.cli.options import check_outputs, say, settings_for, show_progress

if TYPE_CHECKING:
    from biodata.harmonise.area_cleaning import Report

_CLEAN = """Clean protected areas into two layers, coverage and planning, with a report of every step and every site.

FILE is WDPA's (GeoPackage, File Geodatabase, shapefiles, also zipped; old or new columns), a national file, or a table
without geometry (CSV, XLSX) whose sites count as not mapped; several files are cleaned together.

Example: biodata protected-areas clean sample_data/protected_areas.geojson sample_data/protected_areas_old_schema.gpkg --out cleaned.gpkg --report cleaned.json
"""
_SHOWN = 12


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    areas = typer.Typer(help="Protected and conserved areas.", no_args_is_help=True)
    areas.command(name="clean", help=_CLEAN)(clean_files)
    areas.callback()(_group)
    app.add_typer(areas, name="protected-areas")


def _group() -> None:
    """Protected and conserved areas."""


def clean_files(
    files: Annotated[list[Path], typer.Argument(help="Files of sites.")],
    out: Annotated[Path, typer.Option(help="GeoPackage to write.", dir_okay=False)],
    report: Annotated[Path | None, typer.Option(help="JSON file that gets every step and every site.")] = None,
    country: Annotated[str | None, typer.Option(help="ISO 3166-1 alpha-2 code of sites that tell none.")] = None,
    crs: Annotated[str | None, typer.Option(help="Coordinate system of files that tell none.")] = None,
    encoding: Annotated[str | None, typer.Option(help="Encoding of files that tell none.")] = None,
    layer: Annotated[str | None, typer.Option(help="The only layer of a GeoPackage to take.")] = None,
    snap_m: Annotated[float, typer.Option(help="Grid to snap to, metres; 0 for none.", min=0, max=1000)] = 1.0,
    keep_mab: Annotated[bool, typer.Option("--keep-mab", help="Keep UNESCO-MAB Biosphere Reserves.")] = False,
) -> None:
    """Read, clean, write, say what came out."""
    from biodata.exports.layers import write_cleaned, write_report
    from biodata.harmonise.area_cleaning import Options, clean, report_of
    from biodata.pipeline.protected_ground import read_sites
    from biodata.places import load_boundaries

    check_outputs([out, report], files)
    told = {"country": country, "crs": crs, "encoding": encoding, "layer": layer}
    options = {name: value for name, value in told.items() if value is not None}
    areas = read_sites(files, options=options, progress=show_progress())
    cleaned = clean(areas, Options(snap_m=snap_m, keep_mab=keep_mab))
    found = report_of(cleaned, load_boundaries(settings_for(Path()).boundaries))
    write_cleaned(cleaned, found, out)
    if report is not None:
        write_report(found, report)
    _say(found, out)


def _say(report: "Report", out: Path) -> None:
    """Print the steps and the countries."""
    for step in report.steps:
        if step.dropped or step.changed or step.name == "read":
            reasons = ", ".join(f"{count} {reason}" for reason, count in step.dropped.items())
            text = f"{step.product:>9} {step.rows:>7} → {step.kept:<7} {step.name}"
            say(text + (f", {step.changed} changed" if step.changed else "") + (f": {reasons}" if reasons else ""))
    facts = report.as_dict()
    say(
        f"{facts['rows']} rows: {facts['coverage']} in coverage ({facts['coverage_km2']:,.1f} km², largest overlap left "
        f"{facts['largest_overlap_m2']:.0e} m²), {facts['planning']} in planning, {facts['not_mapped']} not mapped → {out}"
    )
    countries = report.countries
    covered = countries.filter(countries["km2"] > 0).sort("km2", descending=True)
    for row in covered.head(_SHOWN).iter_rows(named=True):
        share = f" ({row['share_of_land']:.1%} of its land)" if row["share_of_land"] else ""
        say(f"{row['country_code'] or '-':>9} {row['kind']}, {row['realm']}: {row['km2']:,.1f} km²{share}")
    rest = covered.slice(_SHOWN)
    if rest.height:
        say(f"{'…':>9} and {rest.height} more: {rest['km2'].sum():,.1f} km²")
    apart = {
        "over borders, inside their band": "border_disagreement_km2",
        "farther inside other countries": "elsewhere_km2",
        "on the wrong side of a coast": "coast_disagreement_km2",
    }
    for words, column in apart.items():
        if (km2 := countries[column].sum()) > 0.05:
            say(f"{'apart':>9} {words}: {km2:,.1f} km²")
    for row in report.not_mapped.iter_rows(named=True):
        level = f" {row['level']}" if row["level"] else ""
        claims = f"{row['claimed_km2']:,.1f} km² claimed, {row['without_area']} without an area"
        say(f"{row['country_code'] or '-':>9} not mapped, {row['sites']}{level} sites ({row['reason']}): {claims}")
