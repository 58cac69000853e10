"""`biodata species habitat` and `biodata species richness`: maps of a species or a group."""

import json
from typing import Annotated, Any, TypeVar

import typer

from biodata.cli.options import (
    DEFAULT_DATA,
    DataOption,
    check_kinds,
    check_outputs,
    installation,
    say,
)
from biodata.core.run_parameters import EngineParameters
from biodata.core.species_parameters import SpeciesHabitat, SpeciesModel, SpeciesRichness

RangeCodesOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Codes of the Red List's polygons that count, as presence=1 or seasonal=1,2,3; presence= takes all. "
        "Several times for several: presence=1,2 origin=1,2,6 seasonal=1,2,3,4."
    ),
]


JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Asked = TypeVar("Asked", bound=EngineParameters)

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


def asked_of(model: type[Asked], asked: dict[str, Any]) -> Asked:
    """Return what is asked as parameters whose files can be written."""
    parameters = model.read(asked)
    for name, path in parameters.files("output").items():
        extra = model.model_fields[name].json_schema_extra
        endings = extra["endings"] if isinstance(extra, dict) else None
        check_kinds([path], [str(one) for one in endings] if isinstance(endings, list) else ())
        check_outputs([path], parameters.files("input").values())
    return parameters


def habitat(asked: dict[str, Any], data: DataOption = DEFAULT_DATA, as_json: JsonOption = False) -> None:
    """Read, cut, tell."""
    from biodata.runs.species_maps import habitat_of

    parameters = asked_of(SpeciesHabitat, asked)
    report, out = habitat_of(installation(data), parameters), parameters.out
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


def richness(asked: dict[str, Any], data: DataOption = DEFAULT_DATA, as_json: JsonOption = False) -> None:
    """Read, count, tell."""
    from biodata.exports.layers import write_layer
    from biodata.runs.species_maps import richness_of

    parameters = asked_of(SpeciesRichness, asked)
    report, out = richness_of(installation(data), parameters), parameters.out
    if out is not None:
        write_layer(report.layer(), out, layer="richness")
    if as_json:
        say(as_text({**report.facts, "cells": report.cells.to_dicts()}))
        return
    states = dict(report.cells["state"].value_counts().iter_rows())
    say(f"cells of {parameters.cell_m:g} m: " + ", ".join(f"{states[state]} with {state}" for state in sorted(states)))
    say(f"{report.facts['cells_in_window'] - report.cells.height} cells that nobody is known to have visited")
    best = report.cells.drop_nulls("richness")
    if best.height:
        (low, high), (least, most) = (
            (float(best[name].to_numpy().min()), float(best[name].to_numpy().max()))
            for name in ("richness", "observed")
        )
        say(
            f"species at a completeness of {parameters.coverage:.0%}: {low:.1f} to {high:.1f}; observed {least:.0f} to {most:.0f}"
        )
    say_left_out({reason: count for reason, count in report.facts["left_out"].items() if count})
    say(facts_line(report.facts))
    if report.facts["sharing_category"] != "open":
        say(WARNING.format(report.facts["sharing_category"]))


MODEL = """Model where a species may live (MaxEnt, extra `sdm`), scored on blocks of ground that the model has not seen.

--layer is a raster layer of the installation, or NAME=2,5 for cells of these classes. Each fold's score stands beside that
of models of random points; a model that is no better says so.

Example: biodata species model "Sus scrofa" --layer landcover_china_laos=2,5 --layer landcover_china_laos=12,13 --data biodata_data --out suitability.tif
"""


def model(asked: dict[str, Any], data: DataOption = DEFAULT_DATA, as_json: JsonOption = False) -> None:
    """Read, fit, score, tell."""
    from biodata.runs.species_maps import model_of

    parameters = asked_of(SpeciesModel, asked)
    report, out = model_of(installation(data), parameters), parameters.out
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
        f"{told['presences']} cells with a record, {told['background']} background cells ({told['background_of']}), seed {parameters.seed}"
    )
    say_left_out(told["left_out"])
    say(facts_line(told))
    if told["sharing_category"] != "open":
        say(WARNING.format(told["sharing_category"]))


WARNING = "made of exact places of category {}: not to be passed on"


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
