"""`biodata gaps`, how much is protected and what is missing, and `biodata protected-areas clean`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from biodata.cli.engine_options import add_engine
from biodata.cli.options import (
    add_group,
    boundaries_for,
    check_outputs,
    installation,
    read_country,
    say,
    settings_for,
    show_progress,
)
from biodata.cli.species import say_ranges
from biodata.core.engine_parameters import Gaps
from biodata.core.errors import InputError

if TYPE_CHECKING:
    import polars as pl

    from biodata.harmonise.area_cleaning import Report


_RASTERS: Final = (".tif", ".tiff", ".vrt", ".asc", ".img")


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    add_engine(app, "gaps", gaps, Gaps, arguments=("areas",))
    add_group(app, "protected-areas", "Protected and conserved areas.", clean_files)


def gaps(
    asked: dict[str, Any],
    data: Annotated[
        Path | None,
        typer.Option(help="Installation whose public records tell occupied cells, and effort.", file_okay=False),
    ] = None,
) -> None:
    """Tell how much is protected and what is missing, in each country and jointly, at dates (30×30).

    With ranges, habitats or records it also tells which species and habitats are protected enough (met, partial, gap),
    and which countries can reach a target only together. Records are read as everybody may see them.

    AREAS are protected areas, as `biodata protected-areas clean` reads them: they are cleaned here, no ground counts
    twice, protected areas and OECMs stand apart, and so do points, sites without a year or a map, and what maps
    disagree on at a border.

    Example: biodata gaps sample_data/protected_areas.geojson --country LA --country VN --as-of 2010-01-01 --as-of 2026-01-01 --ranges sample_data/planning/ranges.geojson --out gaps
    """
    import shapely

    from biodata.analysis.gaps import coverage as measuring
    from biodata.analysis.gaps import features
    from biodata.analysis.gaps.coverage import occupied, survey_gaps
    from biodata.analysis.gaps.features import Target
    from biodata.analysis.species.ranges import read_codes, read_ranges
    from biodata.exports.layers import write_gaps
    from biodata.harmonise.area_cleaning import Options
    from biodata.harmonise.area_twins import twins
    from biodata.pipeline.gap_analysis import ToCover, protected_ground, public_evidence, read_sites, represented

    wanted = Gaps.read(asked)
    for path in wanted.files("input").values():
        if not path.exists():
            problem = "there is no such file"
            raise InputError(problem, file=str(path), code="FILE_MISSING")
    if data is not None:
        installation(data)
    species = Target(rule=wanted.species_target, share=wanted.species_share, km2=wanted.species_km2)
    codes_of_ranges = read_codes(wanted.range_codes)
    drawn = [read_ranges(path, name=wanted.range_name, codes=codes_of_ranges) for path in wanted.ranges]
    rasters = [path for path in wanted.habitats if path.suffix.lower() in _RASTERS]
    what = ToCover(
        species=[one.places for one in drawn],
        habitats=[
            features.read_places(path, name=wanted.habitat_name, kind="habitat")
            for path in wanted.habitats
            if path not in rasters
        ],
        habitat_rasters=rasters,
        area_of_habitat=list(wanted.area_of_habitat),
        species_target=species,
        cells_target=Target(rule="relative", share=wanted.species_share),
        habitat_target=Target(rule="relative", share=wanted.target),
    )
    boundaries = boundaries_for(data)
    codes = list(dict.fromkeys(read_country(entry, option="--country") for entry in wanted.country))
    regions = [features.provinces(codes, boundaries)] if wanted.provinces else []
    if wanted.landscapes is not None:
        regions.append(features.read_places(wanted.landscapes, name=wanted.landscape_name, kind="landscape"))
    surveyed = shapely.union_all(regions[-1].shapes) if wanted.landscapes is not None else None
    stated = None if wanted.areas_country is None else read_country(wanted.areas_country, option="--areas-country")
    entry = {"country": stated, "crs": wanted.crs}
    options = {name: value for name, value in entry.items() if value is not None}
    sites = read_sites(list(wanted.areas), options=options, progress=show_progress())
    pairs = twins(sites)
    dates = wanted.as_of or (datetime.now(UTC).date(),)
    cleaning = Options(keep_mab=wanted.keep_mab)
    scenarios = [
        protected_ground(sites, boundaries, as_of=one, proposed=proposed, options=cleaning, source=wanted.source)
        for one in dates
        for proposed in ([False, True] if wanted.with_proposed else [False])
    ]
    tables = {"coverage": measuring.coverage(scenarios, codes, boundaries, regions=regions, target_share=wanted.target)}
    facts: dict[str, Any] = {
        "countries": codes,
        "scenarios": [
            {"scenario": s.scenario, "as_of": s.as_of, "sites_by_country": measuring.sites_counted(s, codes), **s.facts}
            for s in scenarios
        ],
        "ranges": [one.facts for one in drawn],
        "species_target": species.to_dict(),
        "cells_target": what.cells_target.to_dict(),
        "habitat_target": what.habitat_target.to_dict(),
    }
    if pairs.height:
        tables["same_sites"] = pairs
    layers: dict[str, pl.DataFrame] = {}
    if data is not None:
        settings, last = settings_for(data), max(dates)
        counted, facts["records"] = public_evidence(settings, codes, boundaries, as_of=last, cell_m=wanted.cell_m)
        what.cells.extend(occupied(counted, cell_m=wanted.cell_m))
        counted, facts["effort"] = public_evidence(settings, codes, boundaries, as_of=last, cell_m=wanted.effort_cell_m)
        for name in ("records", "effort"):
            _say_records(facts[name])
        tables["surveys"], cells = survey_gaps(counted, codes, boundaries, cell_m=wanted.effort_cell_m, region=surveyed)
        if cells.height:
            layers["cells_without_effort"] = cells
    tables |= represented(scenarios, codes, boundaries, what)
    first = scenarios[0].facts
    named = {name: first[name] for name in ("areas", "boundary_set", "boundary_version", "band_m")}
    if data is not None:
        named |= {name: facts["records"][name] for name in ("evidence_view", "snapshot")}
    written = write_gaps(wanted.out, tables=tables, regions=regions, facts=facts, layers=layers, named=named)
    for of_file in drawn:
        say_ranges(of_file.facts)
    _say_coverage(tables["coverage"])
    for one in scenarios:
        if one.facts["not_counted"]:
            reasons = ", ".join(f"{count} {reason}" for reason, count in one.facts["not_counted"].items())
            say(f"{one.as_of} {one.scenario}: rows of sites that hold no ground: {reasons}")
    if pairs.height:
        without = pairs["shared_ground"].null_count()
        say(
            f"{pairs.height} pairs of sites of different lists seem to be one site (same_sites.csv): their ground counts once"
            + (f", but what {without} without a map claim may be counted with it" if without else "")
        )
    _say_sites(facts["scenarios"])
    _say_species(tables)
    say(
        f"areas: {first['areas']}; boundary set {first['boundary_set']} ({first['boundary_version']}), band "
        f"{first['band_m']:g} m → {', '.join(path.name for path in written)} in {wanted.out}"
    )


def _say_records(facts: "dict[str, Any]") -> None:
    """Print how many records count, and why the others do not."""
    reasons = ", ".join(f"{count} {reason}" for reason, count in facts["not_counting"].items())
    say(
        f"{facts['records']} {facts['evidence_view']} records of lake version {facts['snapshot']}, in cells of "
        f"{facts['parameters']['cell_m']:g} m: {facts['counting']} count" + (f"; {reasons}" if reasons else "")
    )


def _say_species(tables: "dict[str, pl.DataFrame]") -> None:
    """Print how many species and habitats reach their targets, and where few have looked."""
    import polars as pl

    if "representation" in tables:
        keys = ["as_of", "scenario", "feature_kind", "country_code"]
        counts = tables["representation"].group_by(*keys, "status", maintain_order=True).len()
        for entries, rows in counts.group_by(keys, maintain_order=True):
            when, scenario, kind, code = entries
            states = ", ".join(f"{n} {status}" for status, n in sorted(rows.select("status", "len").iter_rows()))
            say(f"{when} {scenario}: {kind} in {code or 'all of them jointly'}: {states}")
        shared = tables["responsibility"].unique(["feature_kind", "feature"], keep="last", maintain_order=True)
        together = shared.filter("possible_only_together")
        say(f"{shared.height} in several countries, of which {together.height} can reach their target only together")
    if "surveys" in tables:
        nowhere = tables["surveys"].group_by("class").agg(pl.col("visits").sum()).filter(pl.col("visits") == 0)
        for name in nowhere["class"].sort():
            say(f"{name}: no record tells a visit in any of them, so sides cannot be compared")
        for row in tables["surveys"].filter(pl.col("under_surveyed").fill_null(value=False)).iter_rows(named=True):
            say(
                f"{row['class']} in {row['country_code']}: {row['effort_of_best']:.0%} of the effort per area of the best "
                f"visited country, {row['share_without_effort']:.0%} of cells without any"
            )


def _say_sites(scenarios: "list[dict[str, Any]]") -> None:
    """Print of how many sites the shares are: a list that is not whole makes a country look bad."""
    for one in scenarios:
        counts = ", ".join(f"{code} {count}" for code, count in one["sites_by_country"].items())
        say(f"{one['as_of']} {one['scenario']}: mapped sites in the files: {counts}")
    say("shares are of these sites alone: whether they are all that a country has the files do not tell")


def _say_coverage(table: "pl.DataFrame") -> None:
    """Print the countries, and the regions that are asked."""
    for row in table.iter_rows(named=True):
        place = (
            row["place"] if row["place_kind"] in ("country", "joint") else f"{row['place']} {row['country_code'] or ''}"
        )
        text = f"{row['as_of']} {row['scenario']}: {place.strip()}, {row['realm']}: {row['covered_km2']:,.0f} km²"
        if row["share"] is not None:
            text += f", {row['share']:.1%} of {row['area_km2']:,.0f} km² (OECMs {row['oecm_km2']:,.0f})"
            text += (
                f", {row['missing_km2']:,.0f} km² to {row['target_share']:.0%}" if row["missing_km2"] > 0 else ", met"
            )
        elif row["realm"] == "marine" and not row["covered_km2"]:
            continue
        if row["border_disagreement_km2"] and row["border_disagreement_km2"] > 0.5:
            text += f"; {row['border_disagreement_km2']:,.0f} km² of neighbours' sites in the band of its border"
        if row["coast_disagreement_km2"] and row["coast_disagreement_km2"] > 0.5:
            text += f"; {row['coast_disagreement_km2']:,.0f} km² where the map of the coast and the sites disagree"
        if row["not_mapped_sites"]:
            text += f"; {row['not_mapped_sites']} sites without a map claim {row['reported_not_mapped_km2']:,.0f} km²"
            if row["not_mapped_without_area"]:
                text += f", {row['not_mapped_without_area']} of them tell no area"
        if row["note"] and row["realm"] == "terrestrial" and row["place_kind"] in ("country", "joint"):
            text += f"; {row['note']}"
        say(text)


_SHOWN = 12


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
    """Clean protected areas into two layers, coverage and planning, with a report of every step and every site.

    FILE is WDPA's (GeoPackage, File Geodatabase, shapefiles, also zipped; old or new columns), a national file, or a
    table without geometry (CSV, XLSX) whose sites count as not mapped; several files are cleaned together.

    Example: biodata protected-areas clean sample_data/protected_areas.geojson sample_data/protected_areas_old_schema.gpkg --out cleaned.gpkg --report cleaned.json
    """
    from biodata.exports.layers import write_cleaned, write_report
    from biodata.harmonise.area_cleaning import Options, clean, report_of
    from biodata.pipeline.gap_analysis import read_sites
    from biodata.places import load_boundaries

    check_outputs([out, report], files)
    facts = {"country": country, "crs": crs, "encoding": encoding, "layer": layer}
    options = {name: value for name, value in facts.items() if value is not None}
    areas = read_sites(files, options=options, progress=show_progress())
    cleaned = clean(areas, Options(snap_m=snap_m, keep_mab=keep_mab))
    found = report_of(cleaned, load_boundaries(settings_for(Path()).boundaries))
    write_cleaned(cleaned, found, out)
    if report is not None:
        write_report(found, report)
    _say_cleaned(found, out)


def _say_cleaned(report: "Report", out: Path) -> None:
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
