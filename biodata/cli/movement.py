"""`biodata movement`: steps of tracked animals, what they select, how many end in a corridor."""

from pathlib import Path
from typing import Annotated, Any

import typer

from biodata.cli.options import (
    DEFAULT_DATA,
    DataOption,
    check_kinds,
    check_outputs,
    installation,
    say,
    settings_for,
)
from biodata.cli.species_options import as_text
from biodata.errors import InputError

_HELP = """Movement of tracked animals. Their places are always withheld: answers are for whoever holds the data folder.

Example: biodata ingest movebank sample_data/movebank/events.csv sample_data/movebank/reference.csv --data biodata_data

Example: biodata movement selection "Elephas maximus" --layer landcover_china_laos=2,5 --data biodata_data
"""
_STEPS = """Tell the steps between fixes that are one interval apart, their lengths and turns; gaps are not bridged.

Example: biodata ingest movebank sample_data/movebank/events.csv sample_data/movebank/reference.csv --data biodata_data

Example: biodata movement steps "Elephas maximus" --data biodata_data --out steps.gpkg --plot steps.png
"""
_SELECTION = """Fit what the ends of real steps have more of than those of random steps of the same lengths and turns.

--layer is a raster layer of the installation, its values or, as landcover=2,5, whether a cell is of these classes.

Example: biodata ingest movebank sample_data/movebank/events.csv sample_data/movebank/reference.csv --data biodata_data

Example: biodata movement selection "Elephas maximus" --layer landcover_china_laos=2,5 --data biodata_data --json
"""
_INSIDE = """Tell the share of real steps that end inside a corridor, beside that of random steps.

CORRIDOR is a corridor_id or candidate_id, or a file of polygons.

Example: biodata ingest movebank sample_data/movebank/events.csv sample_data/movebank/reference.csv --data biodata_data

Example: biodata movement inside "Elephas maximus" landcover_china_laos-corridor-1 --data biodata_data --plot inside.png
"""
SpeciesArgument = Annotated[str, typer.Argument(help="The species, as the records name it.")]
IntervalOption = Annotated[
    float | None, typer.Option("--interval-minutes", help="Time of a step: the median found.", min=0.01)
]
ToleranceOption = Annotated[float, typer.Option(help="How much shorter or longer a step may take.", min=0, max=0.99)]
RandomOption = Annotated[int, typer.Option("--random", help="Random steps a real one.", min=1, max=1000)]
SeedOption = Annotated[int, typer.Option(help="Start of every random number.", min=0)]
PlotOption = Annotated[Path | None, typer.Option(help="Picture to draw: .png, .svg or .pdf.", dir_okay=False)]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    group = typer.Typer(help=_HELP, no_args_is_help=True)
    group.command(name="steps", help=_STEPS)(steps)
    group.command(name="selection", help=_SELECTION)(selection)
    group.command(name="inside", help=_INSIDE)(inside)
    app.add_typer(group, name="movement")


def steps(
    species: SpeciesArgument,
    data: DataOption = DEFAULT_DATA,
    interval_minutes: IntervalOption = None,
    tolerance: ToleranceOption = 0.25,
    seed: SeedOption = 1,
    out: Annotated[Path | None, typer.Option(help="GeoPackage of the steps.", dir_okay=False)] = None,
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read, cut, tell."""
    from biodata.species_layers import movement

    _check(data, plot, out)
    found, drawn, facts = movement.drawn_steps(
        settings_for(data),
        species=species,
        interval_minutes=interval_minutes,
        tolerance=tolerance,
        per_step=1,
        seed=seed,
    )
    if out is not None:
        from biodata.exports.layers import write_layers

        write_layers({"steps": movement.step_lines(found, facts)}, out)
    _draw(plot, drawn, facts)
    if not as_json:
        told, fitted = facts["steps"], facts["random_steps"]
        say(
            f"{told['steps']} steps of {told['interval_minutes']:g} minutes (± {tolerance:.0%}) of {told['tracks']} tracks; "
            f"{told['gaps_not_bridged']} gaps not bridged, {told['too_early']} fixes came too early"
        )
        say(
            f"lengths: gamma, shape {fitted['length_gamma_shape']:.3g}, scale {fitted['length_gamma_scale_m']:.4g} m; "
            f"turns: von Mises, concentration {fitted['turn_von_mises_concentration']:.3g}"
        )
    _tell(facts, as_json=as_json)


def selection(
    species: SpeciesArgument,
    layer: Annotated[list[str], typer.Option(help="NAME or NAME=CLASS,CLASS; may be repeated.")],
    data: DataOption = DEFAULT_DATA,
    interval_minutes: IntervalOption = None,
    tolerance: ToleranceOption = 0.25,
    random: RandomOption = 20,
    seed: SeedOption = 1,
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read, draw, fit, tell."""
    from biodata.analysis.movement.selection import fit
    from biodata.species_layers import movement
    from biodata.species_layers.layers import with_layers

    _check(data, plot, None)
    settings = settings_for(data)
    _, drawn, facts = movement.drawn_steps(
        settings, species=species, interval_minutes=interval_minutes, tolerance=tolerance, per_step=random, seed=seed
    )
    table, names, inputs = with_layers(settings, drawn.table, layer)
    told = fit(table, names).told()
    _draw(plot, drawn, facts, told=told)
    if not as_json:
        for name, term in told["terms"].items():
            low, high = term["interval_95"]
            say(
                f"{name}: coefficient {term['coefficient']:.3f} (95 % {low:.3f} to {high:.3f}), p {term['p']:.2g}: "
                f"{term['relative_selection_strength']:.3g} times as often a unit"
            )
        say(f"{told['real_steps']} real steps, {random} random ones each, seed {seed}; {told['note']}")
    _tell({**facts, "layers": inputs, "selection": told}, as_json=as_json)


def inside(
    species: SpeciesArgument,
    corridor: Annotated[str, typer.Argument(help="corridor_id, candidate_id, or a file of polygons.")],
    data: DataOption = DEFAULT_DATA,
    interval_minutes: IntervalOption = None,
    tolerance: ToleranceOption = 0.25,
    random: RandomOption = 200,
    seed: SeedOption = 1,
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read, draw, compare, tell."""
    from biodata.analysis.movement.inside import inside as compare
    from biodata.species_layers import movement

    _check(data, plot, None)
    settings = settings_for(data)
    region, name = movement.corridor(settings, corridor)
    _, drawn, facts = movement.drawn_steps(
        settings, species=species, interval_minutes=interval_minutes, tolerance=tolerance, per_step=random, seed=seed
    )
    found = compare(drawn.table, region)
    if found.steps == 0:
        problem = "no step begins so near that it could end inside"
        raise InputError(problem, column="corridor", value=corridor, code="TRACKS_ELSEWHERE")
    _draw(plot, drawn, facts, inside=found)
    if not as_json:
        say(found.told()["says"])
        say(found.told()["note"])
    _tell({**facts, "corridor": name, "inside": found.told()}, as_json=as_json)


def _check(data: Path, plot: Path | None, out: Path | None) -> None:
    """Make sure that there is something to read, and that what is asked can be written."""
    installation(data)
    check_kinds([plot], (".png", ".svg", ".pdf"))
    check_kinds([out], (".gpkg",))
    check_outputs([plot, out], [])


def _draw(path: Path | None, drawn: Any, facts: dict[str, Any], **more: Any) -> None:
    """Draw the picture, where one is asked."""
    if path is not None:
        from biodata.species_layers.movement_plots import plot

        note = f"{facts['species']}, exact records of lake version {facts['snapshot']}, category withheld"
        plot(drawn, path, note=f"{note}, seed {facts['random_steps']['seed']}", **more)


def _tell(facts: dict[str, Any], *, as_json: bool) -> None:
    """Print JSON, or the lines that name what the answer was made of."""
    if as_json:
        say(as_text(facts))
        return
    reasons = ", ".join(f"{count} ({reason})" for reason, count in facts["left_out"].items() if count)
    if reasons:
        say(f"left out: {reasons}")
    say(
        f"boundary set {facts['boundary_set']} ({facts['boundary_version']}); exact records of lake version "
        f"{facts['snapshot']}; sharing category withheld: made of tracks, not to be passed on"
    )
