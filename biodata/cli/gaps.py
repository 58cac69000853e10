"""`biodata gaps`."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from biodata.cli.options import (
    boundaries_for,
    installation,
    read_country,
    say,
    settings_for,
    show_progress,
)
from biodata.cli.species_maps import RangeCodesOption, say_ranges
from biodata.core.errors import InputError

if TYPE_CHECKING:
    import polars as pl

    from biodata.analysis.gaps.features import Rule

_RASTERS: Final = (".tif", ".tiff", ".vrt", ".asc", ".img")
_GAPS = """Tell how much is protected and what is missing, in each country and jointly, at dates (30×30).

With ranges, habitats or records it also tells which species and habitats are protected enough (met, partial, gap), and which
countries can reach a target only together. Records are read as everybody may see them.

AREAS are protected areas, as `biodata protected-areas clean` reads them: they are cleaned here, no ground counts twice,
protected areas and OECMs stand apart, and so do points, sites without a year or a map, and what maps disagree on at a border.

Example: biodata gaps sample_data/protected_areas.geojson --country LA --country VN --as-of 2010-01-01 --as-of 2026-01-01 --ranges sample_data/planning/ranges.geojson --out gaps
"""


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    app.command(name="gaps", help=_GAPS)(gaps)


def gaps(
    areas: Annotated[list[Path], typer.Argument(help="Files of protected areas.")],
    country: Annotated[list[str], typer.Option(help="Country as code or name; several times for several.")],
    out: Annotated[
        Path, typer.Option(help="Folder that gets the tables (CSV), gaps.gpkg and gaps.json.", file_okay=False)
    ],
    as_of: Annotated[
        list[datetime] | None,
        typer.Option(help="Date; several times for several: today.", formats=["%Y-%m-%d"]),
    ] = None,
    with_proposed: Annotated[
        bool, typer.Option("--with-proposed", help="Tell everything a second time with proposed sites.")
    ] = False,
    provinces: Annotated[bool, typer.Option("--provinces", help="Tell the countries' provinces, too.")] = False,
    landscapes: Annotated[
        Path | None,
        typer.Option(
            help="Polygons of landscapes or ecoregions to tell, too; effort is then told inside them.", dir_okay=False
        ),
    ] = None,
    landscape_name: Annotated[str, typer.Option(help="Their column of names.")] = "name",
    target: Annotated[float, typer.Option(help="Share that was agreed, of land and of habitats, 0 to 1.")] = 0.3,
    ranges: Annotated[
        list[Path] | None, typer.Option(help="Polygons of species' ranges; several times for several.", dir_okay=False)
    ] = None,
    range_name: Annotated[
        str | None, typer.Option(help="Their column of species: species, sci_name or binomial.")
    ] = None,
    range_codes: RangeCodesOption = None,
    area_of_habitat: Annotated[
        list[Path] | None,
        typer.Option(help="Raster of a species' habitat (cells above 0), named after it.", dir_okay=False),
    ] = None,
    habitats: Annotated[
        list[Path] | None,
        typer.Option(help="Polygons of ecosystems, or a raster (.tif) of land cover classes.", dir_okay=False),
    ] = None,
    habitat_name: Annotated[str, typer.Option(help="Their column of names.")] = "name",
    species_target: Annotated[
        str, typer.Option(help="log-linear by range (1,000 km² all to 250,000 km² a tenth), relative or absolute.")
    ] = "log-linear",
    species_share: Annotated[
        float, typer.Option(help="Of a relative target, and of cells that records occupy, 0 to 1.")
    ] = 0.3,
    species_km2: Annotated[float, typer.Option(help="Of an absolute target, km².")] = 1_000.0,
    data: Annotated[
        Path | None,
        typer.Option(help="Installation whose public records tell occupied cells, and effort.", file_okay=False),
    ] = None,
    cell_m: Annotated[float, typer.Option(help="Side of cells that records occupy, metres.", min=1, max=1e6)] = 2_000.0,
    effort_cell_m: Annotated[
        float, typer.Option(help="Side of cells in which effort is told, metres.", min=1, max=1e6)
    ] = 20_000.0,
    source: Annotated[str | None, typer.Option(help="What the areas are, and of which version.")] = None,
    areas_country: Annotated[str | None, typer.Option(help="Country of sites that tell none, as KH.")] = None,
    crs: Annotated[str | None, typer.Option(help="Coordinate system of areas that tell none.")] = None,
    keep_mab: Annotated[bool, typer.Option("--keep-mab", help="Keep UNESCO-MAB Biosphere Reserves.")] = False,
) -> None:
    """Read, clean, measure, write, say."""
    import shapely

    from biodata.analysis.gaps import coverage as measuring
    from biodata.analysis.gaps import features
    from biodata.analysis.gaps.coverage import occupied, survey_gaps
    from biodata.analysis.gaps.features import Target
    from biodata.analysis.species.ranges import read_codes, read_ranges
    from biodata.exports.layers import write_gaps
    from biodata.harmonise.area_cleaning import Options
    from biodata.harmonise.area_twins import twins
    from biodata.pipeline.gap_analysis import ToCover, public_evidence, represented
    from biodata.pipeline.protected_ground import protected_ground, read_sites

    inputs = [*areas, *(ranges or []), *(habitats or []), *(area_of_habitat or [])]
    for path in [*inputs, *filter(None, [landscapes])]:
        if not path.exists():
            problem = "there is no such file"
            raise InputError(problem, file=str(path), code="FILE_MISSING")
    if data is not None:
        installation(data)
    species = Target(rule=_rule(species_target), share=species_share, km2=species_km2)
    codes_of_ranges = read_codes(range_codes or [])
    drawn = [read_ranges(path, name=range_name, codes=codes_of_ranges) for path in ranges or []]
    rasters = [path for path in habitats or [] if path.suffix.lower() in _RASTERS]
    what = ToCover(
        species=[one.places for one in drawn],
        habitats=[
            features.read_places(path, name=habitat_name, kind="habitat")
            for path in habitats or []
            if path not in rasters
        ],
        habitat_rasters=rasters,
        area_of_habitat=area_of_habitat or [],
        species_target=species,
        cells_target=Target(rule="relative", share=species_share),
        habitat_target=Target(rule="relative", share=target),
    )
    boundaries = boundaries_for(data)
    codes = list(dict.fromkeys(read_country(told, option="--country") for told in country))
    regions = [features.provinces(codes, boundaries)] if provinces else []
    if landscapes is not None:
        regions.append(features.read_places(landscapes, name=landscape_name, kind="landscape"))
    surveyed = shapely.union_all(regions[-1].shapes) if landscapes is not None else None
    stated = None if areas_country is None else read_country(areas_country, option="--areas-country")
    told = {"country": stated, "crs": crs}
    options = {name: value for name, value in told.items() if value is not None}
    sites = read_sites(areas, options=options, progress=show_progress())
    pairs = twins(sites)
    dates: list[date] = [one.date() for one in as_of or [datetime.now(UTC)]]
    cleaning = Options(keep_mab=keep_mab)
    scenarios = [
        protected_ground(sites, boundaries, as_of=one, proposed=proposed, options=cleaning, source=source)
        for one in dates
        for proposed in ([False, True] if with_proposed else [False])
    ]
    tables = {"coverage": measuring.coverage(scenarios, codes, boundaries, regions=regions, target_share=target)}
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
        counted, facts["records"] = public_evidence(settings, codes, boundaries, as_of=last, cell_m=cell_m)
        what.cells.extend(occupied(counted, cell_m=cell_m))
        counted, facts["effort"] = public_evidence(settings, codes, boundaries, as_of=last, cell_m=effort_cell_m)
        for name in ("records", "effort"):
            _say_records(facts[name])
        tables["surveys"], cells = survey_gaps(counted, codes, boundaries, cell_m=effort_cell_m, region=surveyed)
        if cells.height:
            layers["cells_without_effort"] = cells
    tables |= represented(scenarios, codes, boundaries, what)
    first = scenarios[0].facts
    named = {name: first[name] for name in ("areas", "boundary_set", "boundary_version", "band_m")}
    if data is not None:
        named |= {name: facts["records"][name] for name in ("evidence_view", "snapshot")}
    written = write_gaps(out, tables=tables, regions=regions, facts=facts, layers=layers, named=named)
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
        f"{first['band_m']:g} m → {', '.join(path.name for path in written)} in {out}"
    )


def _rule(told: str) -> "Rule":
    """Return a rule of targets."""
    from biodata.analysis.gaps.features import RULES

    for rule in RULES:
        if rule == told:
            return rule
    problem = "there is no such target"
    raise InputError(problem, column="--species-target", value=told, expected=f"one of {', '.join(RULES)}")


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
        for told, rows in counts.group_by(keys, maintain_order=True):
            when, scenario, kind, code = told
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
