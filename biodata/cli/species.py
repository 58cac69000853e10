"""`biodata species`: figures and layers of species."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from biodata.cli.engine_options import add_engine
from biodata.cli.options import DEFAULT_DATA, DataOption, installation, say
from biodata.cli.species_maps import (
    HABITAT,
    MODEL,
    RICHNESS,
    WARNING,
    JsonOption,
    as_text,
    asked_of,
    facts_line,
    habitat,
    model,
    richness,
    say_left_out,
)
from biodata.core.species_parameters import SpeciesExtent, SpeciesHabitat, SpeciesModel, SpeciesRichness

if TYPE_CHECKING:
    from biodata.runs.species_facts import FiguresReport

_HELP = """Figures and layers of species: area of occupancy, extent of occurrence, richness, habitat, a model.

Example: biodata species figures "Elephas maximus" --data biodata_data
"""
_FIGURES = """Tell a species' area of occupancy, extent of occurrence and observed occupancy, jointly and by country.

With --records public (the default) they are made of what everybody may see: of a species whose places are published as
cells they are bounds, "at least" and "at most", and withheld records play no part. With --records exact they carry the
strictest category of the records and are for their maker.

Records that tell no uncertainty are left out and counted; --untold-uncertainty-m 1000 takes them as certain to 1 km.

Example: biodata species figures "Elephas maximus" --data biodata_data --out elephant.gpkg --json
"""


_STATUSES = """Tell what red lists and lists of protected species say of a species, side by side, and which sharing rules mean it.

What a list says of a genus or a family it says of its species, unless it names the species. CITES' entries come with
`biodata pull protection`, other lists with `biodata ingest checklist FILE --option list=red_list --option scope=CN --option year=2021`.

Example: biodata species statuses "Elephas maximus" --data biodata_data
"""

_SHOW = """Show what a species or group is: accepted name, rank, classification, other names, since when, from which source.

The checklists of the installation are asked first, then the reference list that comes with biodata.

Example: biodata species show "Elephas maximus" --data biodata_data
"""


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    group = typer.Typer(help=_HELP, no_args_is_help=True)
    add_engine(group, "figures", figures, SpeciesExtent, words=_FIGURES, arguments=("species",))
    add_engine(group, "habitat", habitat, SpeciesHabitat, words=HABITAT, arguments=("species",))
    add_engine(group, "richness", richness, SpeciesRichness, words=RICHNESS, arguments=("group",))
    add_engine(group, "model", model, SpeciesModel, words=MODEL, arguments=("species",))
    group.command(name="show", help=_SHOW)(show)
    group.command(name="statuses", help=_STATUSES)(statuses)
    app.add_typer(group, name="species")


def figures(asked: dict[str, Any], data: DataOption = DEFAULT_DATA, as_json: JsonOption = False) -> None:
    """Read, compute, say."""
    from biodata.analysis.evidence.counting import NO_UNCERTAINTY
    from biodata.runs.species_facts import figures_of

    parameters = asked_of(SpeciesExtent, asked)
    report, out = figures_of(installation(data), parameters), parameters.out
    if out is not None:
        _write(report, out)
    if as_json:
        say(as_text(report.as_dict()))
        return
    told = report.as_dict()
    _say_figures("all", told["joint"])
    for code, part in told["by_country"].items():
        _say_figures(code, part)
    say(f"on no side surely: {told['on_no_side']} records")
    say_left_out(told["left_out"])
    if NO_UNCERTAINTY in told["left_out"]:
        say("records that tell no uncertainty take part with --untold-uncertainty-m METRES")
    for code, cells in told["observed_occupancy"].get("by_country", {}).items():
        share = cells.pop("share_of_cells_with_effort")
        if share is not None:
            say(f"{code}: cells " + ", ".join(f"{state} {count}" for state, count in cells.items()))
    say(facts_line(told))
    if told["sharing_category"] != "open":
        say(WARNING.format(told["sharing_category"]))


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
    from biodata.exports.layers import write_layers

    write_layers(report.layers(), path)


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
    """Print the lists, then the rules."""
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
    """Look the name up and print what is known."""
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
