"""`biodata species habitat` and `biodata species richness`: maps of a species or a group."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from biodata.cli.options import (
    DEFAULT_DATA,
    DataOption,
    check_kinds,
    check_outputs,
    installation,
    read_box,
    say,
    settings_for,
)
from biodata.core.errors import InputError
from biodata.core.run_parameters import GEOTIFF

UntoldOption = Annotated[
    float | None, typer.Option("--untold-uncertainty-m", help="Uncertainty of records that tell none.", min=0, max=1e6)
]


RecordsOption = Annotated[str, typer.Option("--records", help="public or exact.")]


AsOfOption = Annotated[
    datetime | None, typer.Option("--as-of", help="Date of the run: the lake's.", formats=["%Y-%m-%d"])
]


SuspiciousOption = Annotated[bool, typer.Option("--keep-suspicious", help="Use records of suspicious places too.")]


RangeCodesOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Codes of the Red List's polygons that count, as presence=1 or seasonal=1,2,3; presence= takes all. "
        "Several times for several: presence=1,2 origin=1,2,6 seasonal=1,2,3,4."
    ),
]


HABITAT = """Tell a species' area of habitat: suitable land cover and elevation inside its range, by country.

The range is the species' polygons in a file (--range) or the hull of its records. Of the Red List's polygons those count
where it is extant (presence 1, 2), native or brought back (origin 1, 2, 6); --range-codes changes that. Layers are those of `biodata ingest layer`;
classes are not resampled. What no layer tells anything about is told apart.

Example: biodata species habitat "Bos gaurus" --land-cover landcover_china_laos --classes 2,4,5 --data biodata_data --out habitat.tif
"""


RICHNESS = """Tell how many species of a group cells hold, compared at equal completeness instead of at unequal effort.

Cells with too little effort are told apart, and cells that nobody visited are not told at all.

Example: biodata species richness Mammalia --box 100,20,103,23 --data biodata_data --out richness.gpkg
"""


def habitat(
    species: Annotated[str, typer.Argument(help="The species, as the records name it.")],
    land_cover: Annotated[str, typer.Option(help="Layer of land cover.")],
    classes: Annotated[str, typer.Option(help="Suitable classes, with commas.")],
    data: DataOption = DEFAULT_DATA,
    elevation: Annotated[str | None, typer.Option(help="Layer of elevation.")] = None,
    lowest_m: Annotated[float | None, typer.Option(help="Lowest elevation, metres.")] = None,
    highest_m: Annotated[float | None, typer.Option(help="Highest elevation, metres.")] = None,
    range_file: Annotated[
        Path | None, typer.Option("--range", help="Polygons of the range.", exists=True, dir_okay=False)
    ] = None,
    range_codes: RangeCodesOption = None,
    records: RecordsOption = "public",
    as_of: AsOfOption = None,
    untold_uncertainty_m: UntoldOption = None,
    keep_suspicious: SuspiciousOption = False,
    out: Annotated[Path | None, typer.Option(help="GeoTIFF (COG) of the habitat.", dir_okay=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Read, cut, tell."""
    from biodata.analysis.species.ranges import read_codes
    from biodata.runs.species.maps import HabitatRequest, habitat_of
    from biodata.runs.species.reading import view_of
    from biodata.runs.species.species_facts import FiguresRequest

    _check(out, GEOTIFF, [range_file] if range_file else [])
    installation(data)
    try:
        wanted = tuple(int(part) for part in classes.split(","))
    except ValueError:
        problem = "these are no classes"
        raise InputError(problem, column="--classes", value=classes, expected="as 2,4,5") from None
    asked = FiguresRequest(
        species=species, view=view_of(records), as_of=day(as_of), untold_uncertainty_m=untold_uncertainty_m,
        keep_suspicious=keep_suspicious,
    )  # fmt: skip
    report = habitat_of(
        settings_for(data),
        HabitatRequest(
            land_cover=land_cover, classes=wanted, elevation=elevation, lowest_m=lowest_m, highest_m=highest_m,
            range_file=range_file, range_codes=read_codes(range_codes or []), records=asked,
        ),
    )  # fmt: skip
    if out is not None:
        report.write(out)
    told = report.as_dict()
    if as_json:
        say(as_text(told))
        return
    say(
        f"habitat {told['habitat_km2']:,.0f} km² of a range of {told['range_km2']:,.0f} km² ({told['range']}); "
        f"no layer tells anything of {told['unknown_km2']:,.0f} km²"
    )
    if told["classes_without_cells"]:
        say(f"no cell of the range has class {', '.join(map(str, told['classes_without_cells']))}")
    for code, area in told["habitat_km2_by_country"].items():
        say(f"{code or 'no side'}: {area:,.0f} km²")
    if "range_polygons" in told:
        say_ranges(told["range_polygons"])
    say_left_out(told.get("left_out", {}))
    say(
        f"layers {', '.join(one['layer'] for one in told['layers'])}; boundary set {told['boundary_set']} "
        f"({told['boundary_version']}); {told['evidence_view']} records, lake version {told['snapshot']}"
    )
    if told["sharing_category"] != "open":
        say(WARNING.format(told["sharing_category"]))


def richness(
    group: Annotated[str, typer.Argument(help="Class, order, family, phylum or kingdom.")],
    box: Annotated[str, typer.Option(help="west,south,east,north in degrees.")],
    data: DataOption = DEFAULT_DATA,
    cell_m: Annotated[float, typer.Option(help="Side of a cell.", min=100, max=1e6)] = 20_000.0,
    coverage: Annotated[
        float, typer.Option(help="Completeness at which cells are compared.", min=0.05, max=0.99)
    ] = 0.8,
    least_visits: Annotated[int, typer.Option(help="Cells with fewer visits have too little effort.", min=2)] = 5,
    records: RecordsOption = "public",
    as_of: AsOfOption = None,
    recent_years: Annotated[int | None, typer.Option(help="Records of so many years: of all times.", min=1)] = None,
    untold_uncertainty_m: UntoldOption = None,
    keep_suspicious: SuspiciousOption = False,
    out: Annotated[Path | None, typer.Option(help="GeoPackage of the cells.", dir_okay=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Read, count, tell."""
    from biodata.exports.layers import write_layer
    from biodata.runs.species.maps import RichnessRequest, richness_of
    from biodata.runs.species.reading import view_of

    _check(out, (".gpkg",), [])
    report = richness_of(
        installation(data),
        RichnessRequest(
            group=group, window=read_box(box), view=view_of(records), cell_m=cell_m, coverage=coverage,
            least_visits=least_visits, as_of=day(as_of), recent_years=recent_years,
            untold_uncertainty_m=untold_uncertainty_m, keep_suspicious=keep_suspicious,
        ),
    )  # fmt: skip
    if out is not None:
        write_layer(report.layer(), out, layer="richness")
    if as_json:
        say(as_text({**report.facts, "cells": report.cells.to_dicts()}))
        return
    states = dict(report.cells["state"].value_counts().iter_rows())
    say(f"cells of {cell_m:g} m: " + ", ".join(f"{states[state]} with {state}" for state in sorted(states)))
    say(f"{report.facts['cells_in_window'] - report.cells.height} cells that nobody is known to have visited")
    best = report.cells.drop_nulls("richness")
    if best.height:
        (low, high), (least, most) = (
            (float(best[name].to_numpy().min()), float(best[name].to_numpy().max()))
            for name in ("richness", "observed")
        )
        say(f"species at a completeness of {coverage:.0%}: {low:.1f} to {high:.1f}; observed {least:.0f} to {most:.0f}")
    say_left_out({reason: count for reason, count in report.facts["left_out"].items() if count})
    say(facts_line(report.facts))
    if report.facts["sharing_category"] != "open":
        say(WARNING.format(report.facts["sharing_category"]))


def _check(out: Path | None, known: tuple[str, ...], inputs: list[Path]) -> None:
    """Make sure that what is asked can be written."""
    check_kinds([out], known)
    check_outputs([out], inputs)


MODEL = """Model where a species may live (MaxEnt, extra `sdm`), scored on blocks of ground that the model has not seen.

--layer is a raster layer of the installation, or NAME=2,5 for cells of these classes. Each fold's score stands beside that
of models of random points; a model that is no better says so.

Example: biodata species model "Sus scrofa" --layer landcover_china_laos=2,5 --layer landcover_china_laos=12,13 --data biodata_data --out suitability.tif
"""


def model(
    species: Annotated[str, typer.Argument(help="The species, as the records name it.")],
    layer: Annotated[list[str], typer.Option(help="NAME or NAME=CLASS,CLASS; may be repeated.")],
    data: DataOption = DEFAULT_DATA,
    box: Annotated[str | None, typer.Option(help="west,south,east,north: the first layer's.")] = None,
    cell_m: Annotated[float, typer.Option(help="Side of a cell.", min=30, max=1e6)] = 2_000.0,
    block_m: Annotated[
        float | None,
        typer.Option(
            help="Side of a block that is held out, metres: how far the layers are alike, where not told.",
            min=100,
            max=1e7,
        ),
    ] = None,
    folds: Annotated[int, typer.Option(help="Parts that blocks are dealt into.", min=2, max=20)] = 4,
    nulls: Annotated[int, typer.Option(help="Models of random points.", min=19, max=999)] = 19,
    seed: Annotated[int, typer.Option(help="Start of every random number.", min=0)] = 1,
    records: RecordsOption = "public",
    as_of: AsOfOption = None,
    recent_years: Annotated[int | None, typer.Option(help="Records of so many years: of all times.", min=1)] = None,
    untold_uncertainty_m: UntoldOption = None,
    keep_suspicious: SuspiciousOption = False,
    out: Annotated[Path | None, typer.Option(help="GeoTIFF (COG) of the suitability.", dir_okay=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Read, fit, score, tell."""
    from biodata.runs.species.maps import ModelRequest, model_of
    from biodata.runs.species.reading import view_of

    check_kinds([out])
    check_outputs([out], [])
    report = model_of(
        installation(data),
        ModelRequest(
            species=species, layers=tuple(layer), window=read_box(box) if box else None, view=view_of(records),
            cell_m=cell_m, block_m=block_m, folds=folds, nulls=nulls, seed=seed, as_of=day(as_of),
            recent_years=recent_years, untold_uncertainty_m=untold_uncertainty_m, keep_suspicious=keep_suspicious,
        ),
    )  # fmt: skip
    if out is not None:
        report.write(out)
    told = report.as_dict()
    if as_json:
        say(as_text(told))
        return
    for fold in told["scores"]["folds"]:
        say(
            f"fold {fold['fold']}: AUC {fold['auc']:.3f} of {fold['presences']} presences and {fold['background']} background "
            f"cells; random points {fold['null_median']:.3f} (95 % below {fold['null_95']:.3f})"
        )
    say(told["scores"]["says"])
    say(
        f"{told['presences']} cells with a record, {told['background']} background cells ({told['background_of']}), seed {seed}"
    )
    say_left_out(told["left_out"])
    say(facts_line(told))
    if told["sharing_category"] != "open":
        say(WARNING.format(told["sharing_category"]))


WARNING = "made of exact places of category {}: not to be passed on"


def day(told: datetime | None) -> date | None:
    """Return the day of a date option."""
    return told.replace(tzinfo=UTC).date() if told is not None else None


def as_text(told: dict[str, Any]) -> str:
    """Return an answer as JSON."""
    return json.dumps(told, ensure_ascii=False, indent=1, default=str)


def facts_line(told: dict[str, Any]) -> str:
    """Return the line that names what an answer was made of."""
    return (
        f"boundary set {told['boundary_set']} ({told['boundary_version']}), band {told['band_m']:g} m; "
        f"{told['evidence_view']} records of lake version {told['snapshot']}, as of {told['parameters']['as_of']}"
    )


def say_left_out(reasons: dict[str, int]) -> None:
    """Say how many records were left out, by reason."""
    if reasons:
        # The reasons are those of biodata.analysis.evidence.REASONS, in their order.
        say("left out: " + ", ".join(f"{count} ({reason})" for reason, count in reasons.items()))


def say_ranges(facts: dict[str, Any]) -> None:
    """Say which polygons of a file of ranges count, and what was left out."""
    codes = ", ".join(f"{column} {'+'.join(map(str, told))}" for column, told in facts["codes"].items())
    line = f"ranges of {facts['file']}: {facts['polygons']} polygons" + (f" of {codes}" if codes else "")
    if facts["left_out"]:
        line += "; left out: " + ", ".join(f"{count} of {code}" for code, count in facts["left_out"].items())
    if facts["species_without_range_that_counts"]:
        gone = facts["species_without_range_that_counts"]
        line += f"; no range that counts: {', '.join(gone[:5])}{', …' if len(gone) > 5 else ''}"
    say(line)
