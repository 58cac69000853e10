"""`biodata survey-design`."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, check_kinds, check_outputs, installation, say
from biodata.errors import InputError

_HELP = """Propose the next survey that would settle a corridor or candidate: where, how long, and what it could tell.

Cameras or transects on both sides of the border, in cells where nobody looked for the species, those first that matter
most to the corridor. --out may be told several times: .gpkg, .csv (which KoBoToolbox, ODK and SMART read), .gpx.

With --records public (the default) only what everybody may see decides where stations stand. With --records exact the
survey carries the strictest category of the records, and is for its maker.

Example: biodata survey-design landcover_china_laos-corridor-1 --species "Elephas maximus" --data biodata_data --out survey.gpkg --out survey.gpx
"""


def add_commands(app: typer.Typer) -> None:
    """Add this file's command to the application."""
    app.command(name="survey-design", help=_HELP)(survey_design)


def survey_design(
    result: Annotated[str, typer.Argument(help="corridor_id or candidate_id.")],
    species: Annotated[str, typer.Option(help="The species that is to be found.")],
    out: Annotated[list[Path], typer.Option(help="File to write; several times for several.", dir_okay=False)],
    data: DataOption = DEFAULT_DATA,
    kind: Annotated[str, typer.Option(help="camera or transect.")] = "camera",
    stations: Annotated[int, typer.Option(help="Stations of both sides together.", min=1)] = 20,
    spacing_m: Annotated[float, typer.Option(help="Least distance of neighbours, metres.", min=1)] = 2_000.0,
    transect_m: Annotated[float, typer.Option(help="Length of a transect, metres.", min=1)] = 2_000.0,
    nights: Annotated[int | None, typer.Option(help="Nights of a camera: as many as are needed.", min=1)] = None,
    per_night: Annotated[float | None, typer.Option(help="Chance to detect the species in a night (or walk) where it is: 0.03 of a camera, 0.3 of a walk.")] = None,
    per_night_source: Annotated[str | None, typer.Option(help="Where that chance comes from.")] = None,
    cell_m: Annotated[float, typer.Option(help="Side of the cells in which effort is told, metres.", min=1)] = 5_000.0,
    recent_years: Annotated[int, typer.Option(help="Effort of so many years counts.", min=1)] = 15,
    as_of: Annotated[datetime | None, typer.Option(help="Date from which they are counted back: today.", formats=["%Y-%m-%d"])] = None,
    records: Annotated[str, typer.Option(help="public or exact.")] = "public",
) -> None:  # fmt: skip
    """Design, write, say what it would settle."""
    from biodata.analysis.evidence import DesignParameters, Detection
    from biodata.analysis.evidence.design import ASSUMED
    from biodata.exports.survey_stations import WRITERS, write_proposal
    from biodata.surveys.design import SurveyRequest, design

    check_kinds(out, tuple(WRITERS))
    for name, told, known in (("kind", kind, ("camera", "transect")), ("records", records, ("public", "exact"))):
        if told not in known:
            problem = f"no such {name}"
            raise InputError(problem, column=f"--{name}", value=told, expected=" or ".join(known))
    check_outputs(out, [])
    chance = per_night if per_night is not None else {"camera": 0.03, "transect": 0.3}[kind]
    detection = Detection(per_night=chance, source=per_night_source or ASSUMED)
    request = SurveyRequest(
        species=species, result=result, as_of=(as_of or datetime.now(UTC)).date(), cell_m=cell_m,
        recent_years=recent_years, records="exact" if records == "exact" else "public",
        design=DesignParameters(
            kind="transect" if kind == "transect" else "camera", stations=stations, spacing_m=spacing_m,
            transect_m=transect_m, nights=nights, detection=detection,
        ),
    )  # fmt: skip
    proposal = design(installation(data), request)
    for path in out:
        write_proposal(proposal, path)
    for side, cells in proposal.facts["effort"].items():
        say(f"{side}: cells " + ", ".join(f"{state} {count}" for state, count in cells.items()))
    for settles in proposal.settles.values():
        say(settles["says"])
    facts = proposal.facts
    say(
        f"{proposal.stations.height} stations → {', '.join(map(str, out))}; boundary set {facts['boundary_set']} "
        f"({facts['boundary_version']}), band {facts['band_m']:g} m; {records} records of lake version {facts['snapshot']}"
    )
    if "note" in facts:
        say(facts["note"])
    if proposal.sharing_category != "open":
        say(f"sharing category {proposal.sharing_category}: made of hidden places, not to be passed on")
