"""`biodata species`: what a name is, figures and maps of species."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from biodata.cli.engine_options import add_engine
from biodata.cli.options import DEFAULT_DATA, DataOption, JsonOption, check_kinds, check_outputs, installation, say
from biodata.core.engine_parameters import SpeciesExtent, SpeciesHabitat, SpeciesModel, SpeciesRichness
from biodata.core.run_parameters import EngineParameters

if TYPE_CHECKING:
    from biodata.runs.species_facts import FiguresReport


Asked = TypeVar("Asked", bound=EngineParameters)

_HELP = """Figures and layers of species: area of occupancy, extent of occurrence, richness, habitat, a model.

Example: biodata species figures "Elephas maximus" --data biodata_data
"""


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    group = typer.Typer(help=_HELP, no_args_is_help=True)
    add_engine(group, "figures", figures, SpeciesExtent, arguments=("species",))
    add_engine(group, "habitat", habitat, SpeciesHabitat, arguments=("species",))
    add_engine(group, "richness", richness, SpeciesRichness, arguments=("group",))
    add_engine(group, "model", model, SpeciesModel, arguments=("species",))
    group.command(name="show")(show)
    group.command(name="statuses")(statuses)
    app.add_typer(group, name="species")


def figures(asked: dict[str, Any], data: DataOption = DEFAULT_DATA, as_json: JsonOption = False) -> None:
    """Tell a species' area of occupancy, extent of occurrence and observed occupancy, jointly and by country.

    With --records public (the default) they are made of what everybody may see: of a species whose places are published
    as cells they are bounds, "at least" and "at most", and withheld records play no part. With --records exact they
    carry the strictest category of the records and are for their maker.

    Records that tell no uncertainty are left out and counted; --untold-uncertainty-m 1000 takes them as certain to 1 km.

    Example: biodata species figures "Elephas maximus" --data biodata_data --out elephant.gpkg --json
    """
    from biodata.analysis.evidence.counting import NO_UNCERTAINTY
    from biodata.runs.species_facts import figures_of

    parameters = asked_of(SpeciesExtent, asked)
    report, out = figures_of(installation(data), parameters), parameters.out
    if out is not None:
        _write(report, out)
    if as_json:
        say(as_text(report.as_dict()))
        return
    facts = report.as_dict()
    _say_figures("all", facts["joint"])
    for code, part in facts["by_country"].items():
        _say_figures(code, part)
    say(f"on no side surely: {facts['on_no_side']} records")
    say_left_out(facts["left_out"])
    if NO_UNCERTAINTY in facts["left_out"]:
        say("records that tell no uncertainty take part with --untold-uncertainty-m METRES")
    for code, cells in facts["observed_occupancy"].get("by_country", {}).items():
        share = cells.pop("share_of_cells_with_effort")
        if share is not None:
            say(f"{code}: cells " + ", ".join(f"{state} {count}" for state, count in cells.items()))
    say_facts(facts)


def _say_figures(of: str, part: dict[str, Any]) -> None:
    """Say the figures of one side."""
    occupied, extent = part["occupied_area"], part["extent"]
    if "cells" in occupied:
        area = f"area of occupancy {occupied['area_km2']:,.0f} km² (least of {occupied['positions']} grid positions)"
    else:
        area = (
            f"area of occupancy {occupied['area_at_least_km2']:,.0f} to {occupied['area_at_most_km2']:,.0f} km² "
            f"({occupied['published_cells']} published cells)"
        )
    most = "_at_most" if "area_km2_at_most" in extent else ""
    value = extent.get(f"area_km2{most}")
    if value is None:
        hull = f"no extent of occurrence: {extent['why_none']}"
    else:
        land = extent[f"hull_land_km2{most}"]
        hull = f"extent of occurrence {'at most ' if most else ''}{value:,.0f} km² (land in it {land:,.0f} km²)"
    say(f"{of}: {part['records']} records, {area}, {hull}")


def _write(report: "FiguresReport", path: Path) -> None:
    """Write layers or figures."""
    if path.suffix.lower() == ".json":
        path.write_text(as_text(report.as_dict()) + "\n", encoding="utf-8")
        return
    from biodata.exports.layers import in_known_system, write_layers

    write_layers({name: in_known_system(frame) for name, frame in report.layers().items()}, path)


def _status(row: dict[str, Any]) -> str:
    """Return what a list says in a line."""
    when = f" {row['year']}" if row["year"] else ""
    whose = f", {row['authority']}" if row["authority"] else ""
    group = "" if " " in row["scientificName"] else f" (all {row['scientificName']})"
    return f"{row['area']} {row['kind']}{when}{whose}: {row['value']}{group}"


def statuses(
    name: Annotated[str, typer.Argument(help="The species' scientific name.")],
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Tell what red lists and lists of protected species say of a species, side by side, and which sharing rules mean it.

    What a list says of a genus or a family it says of its species, unless it names the species. CITES' entries come
    with `biodata pull protection`, other lists with `biodata ingest checklist FILE --option list=red_list --option
    scope=CN --option year=2021`.

    Example: biodata species statuses "Elephas maximus" --data biodata_data
    """
    from biodata.runs.species_facts import statuses as find

    found = find(installation(data), name)
    if as_json:
        say(as_text(found.as_dict()))
        return
    for row in found.lists:
        say(_status(row))
    if not found.lists:
        say("no status list has it")
    for place, rule in enumerate(found.rules):
        where = f" in {rule['country']}" if rule["country"] else ""
        which = "decides" if place == 0 else "may apply too"
        say(f"sharing rule {rule['rule_id']}{where} ({rule['source'] or 'no source'}): {rule['category']}; {which}")


def show(
    name: Annotated[str, typer.Argument(help="A scientific name, with or without author.")],
    data: DataOption = DEFAULT_DATA,
    kingdom: Annotated[str | None, typer.Option(help="Which taxon is meant where kingdoms share a name.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Show what a species or group is: accepted name, rank, classification, other names, since when, from which source.

    The checklists of the installation are asked first, then the reference list that comes with biodata.

    Example: biodata species show "Elephas maximus" --data biodata_data
    """
    from biodata.runs.species_facts import species_facts

    found = species_facts(installation(data), name, of_kingdom=kingdom)
    if as_json:
        say(as_text(found.as_dict()))
        return
    what = "accepted name" if found.status == "ACCEPTED" else f"{found.status.lower()} of {found.accepted_name}"
    say(f"{found.name}: {what}, {(found.rank or 'no rank').lower()}")
    say("  " + " > ".join(f"{rank} {group}" for rank, group in found.classification.items()))
    keys = {"taxon": found.taxon_id, "GBIF": found.gbif_key, "Catalogue of Life": found.col_key}
    listed = ", ".join(f"{whose} {key}" for whose, key in keys.items() if key is not None)
    say(f"  from {found.source}, since {found.since}" + (f" ({listed})" if listed else ""))
    if found.origin is not None:
        say(f"  the name there is from {found.origin}")
    if found.synonyms:
        say(f"  other names: {', '.join(found.synonyms)}")
    if found.common_names:
        say("  common names: " + ", ".join(f"{row['name']} ({row['language']})" for row in found.common_names))
    for row in found.lists:
        say(f"  {_status(row)}")
    for rule in found.rules:
        say(f"  sharing rule {rule['rule_id']}: {rule['category']}")


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
    """Tell a species' area of habitat: suitable land cover and elevation inside its range, by country.

    The range is the species' polygons in a file (--range) or the hull of its records. Of the Red List's polygons those
    count where it is extant (presence 1, 2), native or brought back (origin 1, 2, 6); --range-codes changes that.
    Layers are those of `biodata ingest layer`; classes are not resampled. What no layer tells anything about is told
    apart.

    Example: biodata species habitat "Bos gaurus" --land-cover landcover_china_laos --classes 2,4,5 --data biodata_data --out habitat.tif
    """
    from biodata.runs.species_maps import habitat_of

    parameters = asked_of(SpeciesHabitat, asked)
    report, out = habitat_of(installation(data), parameters), parameters.out
    if out is not None:
        report.write(out)
    facts = report.as_dict()
    if as_json:
        say(as_text(facts))
        return
    say(
        f"habitat {facts['habitat_km2']:,.0f} km² of a range of {facts['range_km2']:,.0f} km² ({facts['range']}); "
        f"no layer tells anything of {facts['unknown_km2']:,.0f} km²"
    )
    if facts["classes_without_cells"]:
        say(f"no cell of the range has class {', '.join(map(str, facts['classes_without_cells']))}")
    for code, area in facts["habitat_km2_by_country"].items():
        say(f"{code or 'no side'}: {area:,.0f} km²")
    if "range_polygons" in facts:
        say_ranges(facts["range_polygons"])
    say_left_out(facts.get("left_out", {}))
    say(
        f"layers {', '.join(one['layer'] for one in facts['layers'])}; boundary set {facts['boundary_set']} "
        f"({facts['boundary_version']}); {facts['evidence_view']} records, lake version {facts['snapshot']}"
    )
    if facts["sharing_category"] != "open":
        say(WARNING.format(facts["sharing_category"]))


def richness(asked: dict[str, Any], data: DataOption = DEFAULT_DATA, as_json: JsonOption = False) -> None:
    """Tell how many species of a group cells hold, compared at equal completeness instead of at unequal effort.

    Cells with too little effort are told apart, and cells that nobody visited are not told at all.

    Example: biodata species richness Mammalia --box 100,20,103,23 --data biodata_data --out richness.gpkg
    """
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
    say_facts(report.facts)


def model(asked: dict[str, Any], data: DataOption = DEFAULT_DATA, as_json: JsonOption = False) -> None:
    """Model where a species may live (MaxEnt, extra `sdm`), scored on blocks of ground that the model has not seen.

    --layer is a raster layer of the installation, or NAME=2,5 for cells of these classes. Each fold's score stands beside that
    of models of random points; a model that is no better says so.

    Example: biodata species model "Sus scrofa" --layer landcover_china_laos=2,5 --layer landcover_china_laos=12,13 --data biodata_data --out suitability.tif
    """
    from biodata.runs.species_maps import model_of

    parameters = asked_of(SpeciesModel, asked)
    report, out = model_of(installation(data), parameters), parameters.out
    if out is not None:
        report.write(out)
    facts = report.as_dict()
    if as_json:
        say(as_text(facts))
        return
    for fold in facts["scores"]["folds"]:
        say(
            f"fold {fold['fold']}: AUC {fold['auc']:.3f} of {fold['presences']} presences and {fold['background']} background "
            f"cells; random points {fold['null_median']:.3f} (95 % below {fold['null_95']:.3f})"
        )
    say(facts["scores"]["says"])
    say(
        f"{facts['presences']} cells with a record, {facts['background']} background cells ({facts['background_of']}), seed {parameters.seed}"
    )
    say_left_out(facts["left_out"])
    say_facts(facts)


WARNING = "made of exact places of category {}: not to be passed on"


def as_text(facts: dict[str, Any]) -> str:
    """Return an answer as JSON."""
    return json.dumps(facts, ensure_ascii=False, indent=1, default=str)


def say_facts(facts: dict[str, Any]) -> None:
    """Say what an answer was made of, and whether it may be passed on."""
    say(
        f"boundary set {facts['boundary_set']} ({facts['boundary_version']}), band {facts['band_m']:g} m; "
        f"{facts['evidence_view']} records of lake version {facts['snapshot']}, as of {facts['parameters']['as_of']}"
    )
    if facts["sharing_category"] != "open":
        say(WARNING.format(facts["sharing_category"]))


def say_left_out(reasons: dict[str, int]) -> None:
    """Say how many records were left out, by reason."""
    if reasons:
        # The reasons are those of biodata.analysis.evidence.REASONS, in their order.
        say("left out: " + ", ".join(f"{count} ({reason})" for reason, count in reasons.items()))


def say_ranges(facts: dict[str, Any]) -> None:
    """Say which polygons of a file of ranges count, and what was left out."""
    codes = ", ".join(f"{column} {'+'.join(map(str, reported))}" for column, reported in facts["codes"].items())
    line = f"ranges of {facts['file']}: {facts['polygons']} polygons" + (f" of {codes}" if codes else "")
    if facts["left_out"]:
        line += "; left out: " + ", ".join(f"{count} of {code}" for code, count in facts["left_out"].items())
    if facts["species_without_range_that_counts"]:
        gone = facts["species_without_range_that_counts"]
        line += f"; no range that counts: {', '.join(gone[:5])}{', …' if len(gone) > 5 else ''}"
    say(line)
