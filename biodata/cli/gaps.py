"""`biodata gaps`."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biodata.cli.options import check_outputs, country_code, say, show_progress

if TYPE_CHECKING:
    import polars as pl

_GAPS = """Tell how much is protected and what is missing, in each country and jointly, at dates (30×30).

AREAS are protected areas, as `biodata protected-areas clean` reads them: they are cleaned here, no ground counts twice,
protected areas and OECMs stand apart, and so do points, sites without a year or a map, and what maps disagree on at a border.

Example: biodata gaps wdpa.gpkg --country KH --country LA --as-of 2010-01-01 --as-of 2026-01-01 --with-proposed --out gaps
"""


def add_commands(app: typer.Typer) -> None:
    """Add this file's command to the application."""
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
        Path | None, typer.Option(help="Polygons of landscapes or ecoregions to tell, too.", dir_okay=False)
    ] = None,
    landscape_name: Annotated[str, typer.Option(help="Their column of names.")] = "name",
    target: Annotated[float, typer.Option(help="Share that was agreed, 0 to 1.")] = 0.3,
    source: Annotated[str | None, typer.Option(help="What the areas are, and of which version.")] = None,
    areas_country: Annotated[str | None, typer.Option(help="Country of sites that tell none, as KH.")] = None,
    crs: Annotated[str | None, typer.Option(help="Coordinate system of areas that tell none.")] = None,
    keep_mab: Annotated[bool, typer.Option("--keep-mab", help="Keep UNESCO-MAB Biosphere Reserves.")] = False,
) -> None:
    """Read, clean, measure, write, say."""
    from biodata.analysis.gaps import coverage as measuring
    from biodata.analysis.gaps import features
    from biodata.exports.gaps import write_gaps
    from biodata.harmonise.area_cleaning import Options
    from biodata.pipeline.protected_ground import protected_ground, read_sites
    from biodata.places import load_boundaries

    check_outputs([], [*areas, *([landscapes] if landscapes else [])])
    boundaries = load_boundaries()
    codes = [country_code(told) for told in country]
    regions = [features.provinces(codes, boundaries)] if provinces else []
    if landscapes is not None:
        regions.append(features.read_places(landscapes, name=landscape_name, kind="landscape"))
    told = {"country": areas_country, "crs": crs}
    options = {name: value for name, value in told.items() if value is not None}
    sites = read_sites(areas, options=options, progress=show_progress())
    dates: list[date] = [one.date() for one in as_of or [datetime.now(UTC)]]
    cleaning = Options(keep_mab=keep_mab)
    scenarios = [
        protected_ground(sites, boundaries, as_of=one, proposed=proposed, options=cleaning, source=source)
        for one in dates
        for proposed in ([False, True] if with_proposed else [False])
    ]
    table = measuring.coverage(scenarios, codes, boundaries, regions=regions, target_share=target)
    facts = {
        "countries": codes,
        "scenarios": [{"scenario": s.scenario, "as_of": s.as_of, **s.facts} for s in scenarios],
    }
    written = write_gaps(out, tables={"coverage": table}, regions=regions, facts=facts)
    _say_coverage(table)
    first = scenarios[0].facts
    say(
        f"areas: {first['areas']}; boundary set {first['boundary_set']} ({first['boundary_version']}), band "
        f"{first['band_m']:g} m → {', '.join(path.name for path in written)} in {out}"
    )


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
        if row["not_mapped_sites"]:
            text += f"; {row['not_mapped_sites']} sites without a map claim {row['reported_not_mapped_km2']:,.0f} km²"
        if row["note"] and row["realm"] == "terrestrial" and row["place_kind"] in ("country", "joint"):
            text += f"; {row['note']}"
        say(text)
