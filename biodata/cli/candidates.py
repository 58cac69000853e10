"""`biodata candidates`."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from biodata.cli import options as common
from biodata.core.errors import InputError
from biodata.core.vocabularies import CandidateCriterion

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl

    from biodata.core.settings import Settings


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    app.command(name="candidates")(candidates)
    app.command(name="report")(report)
    app.command(name="survey-design")(survey_design)


def candidates(
    out: Annotated[Path, typer.Option(help="GeoPackage to write.", dir_okay=False)],
    considered: Annotated[
        bool, typer.Option("--considered", help="Also tell what was looked at and fails, and write it as a layer.")
    ] = False,
    criteria: Annotated[
        str | None,
        typer.Option(help=f"Rank anew by these alone, with commas between: {', '.join(CandidateCriterion)}."),
    ] = None,
    exact: Annotated[
        bool, typer.Option("--exact", help="Those of `corridors --set evidence_view=exact` instead.")
    ] = False,
    account: Annotated[
        str | None, typer.Option("--account", help="With --exact: only what this account reviews on all sides.")
    ] = None,
    data: common.DataOption = common.DEFAULT_DATA,
) -> None:
    """Write the candidate transboundary reserves that the last runs found.

    Each is told with its rank, its Pareto front (1: no other candidate is better in one thing and worse in none) and
    its acceptability: the share of all weights under which it stands first; and with the tier of its evidence, certain
    or probable, and what would make it surer. What has no records on either side is listed apart. `biodata report` and
    `survey-design` take the id beside it.

    What `biodata corridors --set evidence_view=exact` found is published nowhere. --exact writes it for the owner of this
    machine, who alone can read its files; with --account for a reviewer: of what lies in countries that the account
    reviews, all of them.

    Under many criteria hardly any candidate dominates another, so that most stand on front 1. --criteria ranks anew by
    those that matter to a decision; what the runs found stays as it is. `biodata corridors` has the same parameter for
    the run itself, and plan, cost_layer and agreements, which tell it more.

    Example: biodata candidates --data biodata_data --out candidates.gpkg --considered

    Example: biodata candidates --data biodata_data --criteria shared_species,human_pressure --out by_two.gpkg
    """
    import polars as pl

    from biodata import runs
    from biodata.exports.layers import to_geodataframe, write_layers

    common.check_kinds([out], (".gpkg",))
    common.check_outputs([out], [])
    settings = common.installation(data)
    if account is not None and not exact:
        problem = "what is published is everybody's"
        raise InputError(
            problem, column="--account", value=account, expected="--exact beside it", code="OPTION_INVALID"
        )
    reviewed = None if account is None else _reviewed_by(account, settings)
    found = runs.read_results(settings, "reserve_candidates", exact=exact, reviewed=reviewed).sort("run_id", "rank")
    if criteria is not None:
        found = runs.ranked_anew(found, runs.checked_criteria(criteria))
    looked_at = runs.read_results(settings, "considered_ground", exact=exact, reviewed=reviewed).sort("run_id", "name")
    layers = {"reserve_candidates": found} | ({"considered_ground": looked_at} if considered else {})
    write_layers({name: to_geodataframe(frame) for name, frame in layers.items()}, out)
    for (run_id,), rows in found.group_by("run_id", maintain_order=True):
        common.say(f"{run_id}: rank, front, acceptability, evidence, id")
        ranking = json.loads(rows["evidence"][0])["ranking"]
        first = int((rows["front"] == 1).sum())
        common.say(
            f"  ranked by {', '.join(ranking['ranked_by']) or 'nothing: all are alike'}; {first} of {rows.height} on front 1"
        )
        for name, why in ranking["left_out"].items():
            common.say(f"  {name} decides nothing: {why}")
        for row in rows.iter_rows(named=True):
            countries = ", ".join(row["country_codes"])
            common.say(
                f"{row['rank']:>5}  {row['front']:>5}  {row['acceptability']:>13.1%}  {row['evidence_tier'] or '–':<8}  "
                f"{row['candidate_id']}  {row['name']} ({countries})"
            )
            _print_lifts(row)
    _print_considered(
        looked_at.filter(pl.col("outcome") == "without_evidence"), "without evidence, as the run had no records"
    )
    if considered:
        _print_considered(
            looked_at.filter(pl.col("outcome") == "failed"), "not candidates, by the hard criteria that they fail"
        )
    common.say(f"{found.height} candidates of {looked_at.height} looked at → {out}")
    if exact:
        common.say("made of exact records: not to be passed on")
        return
    for line in runs.held_back(settings, "considered_ground"):
        common.say(line)


def _reviewed_by(name: str, settings: "Settings") -> "Callable[[str], bool]":
    """Return what says whether an account reviews a country.

    Raises
    ------
    InputError
        If there is no such account (ACCOUNT_MISSING), or it reviews none (ROLE_MISSING).
    """
    from biodata.access.roles import Action, may, may_somewhere
    from biodata.cli.access import open_account
    from biodata.store.registry import Registry

    with Registry.open(settings) as registry:
        who = open_account(registry, name)
    if not may_somewhere(who, Action.REVIEW_SUBMISSION):
        problem = "the account reviews no country"
        expected = "a reviewer or node manager; or no account, for the machine's owner"
        raise InputError(problem, column="--account", value=name, expected=expected, code="ROLE_MISSING")
    return lambda code: may(who, Action.REVIEW_SUBMISSION, country=code)


def _print_considered(rows: "pl.DataFrame", heading: str) -> None:
    """List what is no candidate."""
    if rows.is_empty():
        return
    common.say(f"{heading}:")
    for row in rows.iter_rows(named=True):
        checks = json.loads(row["evidence"])["hard_criteria"]
        why = row["reason"] or "; ".join(f"{name}: {_numbers_text(checks[name]['input'])}" for name in row["failed"])
        common.say(f"       {row['considered_id']}  {row['name']} ({', '.join(row['country_codes'])}): {why}")
        _print_lifts(row)


def _print_lifts(row: dict[str, Any]) -> None:
    """Say what would lift the evidence of a candidate, or of ground that fails, to the next tier."""
    for lift in json.loads(row["evidence"]).get("lifts") or []:
        common.say(f"         {lift['words']}")


def _numbers_text(numbers: dict[str, Any]) -> str:
    """Return what a hard criterion was tested on, in a line."""
    return ", ".join(f"{name.replace('_', ' ')} {_plain(value)}" for name, value in numbers.items())


def _plain(value: Any) -> str:
    """Return numbers by country as `KH 0 and VN 2`, links as yes and no."""
    if isinstance(value, dict):
        return " and ".join(f"{name} {_plain(one)}" for name, one in value.items())
    if isinstance(value, list):
        return " ".join(map(_plain, value)) or "none"
    if value is None or isinstance(value, bool):
        return {True: "yes", False: "no", None: "not known"}[value]
    return f"{value:,.10g}"


def report(
    identifier: Annotated[str, typer.Argument(help="candidate_id, corridor_id or considered_id.", metavar="ID")],
    out: Annotated[Path, typer.Option(help="File to write: .html or .pdf.", dir_okay=False)],
    validation: Annotated[
        Path | None, typer.Option(help="JSON of `corridors-validate`.", dir_okay=False, exists=True)
    ] = None,
    uncertainty: Annotated[
        Path | None, typer.Option(help="JSON of `corridors-uncertainty --report`.", dir_okay=False, exists=True)
    ] = None,
    scenarios: Annotated[
        Path | None, typer.Option(help="GeoPackage of `scenarios`.", dir_okay=False, exists=True)
    ] = None,
    data: common.DataOption = common.DEFAULT_DATA,
) -> None:
    """Write the printable report of a candidate reserve, a corridor, or ground that was looked at.

    Map, evidence on each side, hard criteria, front and rank, uncertainty, validation, what is unknown, citation: as a
    page (.html) or as PDF (.pdf, with the extra `report`). It is made of the current release, so of published values
    only. What `biodata corridors-validate`, `corridors-uncertainty --report` and `scenarios` wrote can be told in it;
    where they are not given it says that they were not run.

    Example: biodata report landcover_china_laos-candidate-1 --data biodata_data --out report.html
    """
    from biodata.core.errors import InputError
    from biodata.exports.reports import findings, material, page
    from biodata.store.reader import ReleaseReader

    given = {"validation": validation, "uncertainty": uncertainty, "scenarios": scenarios}
    files = {name: path for name, path in given.items() if path is not None}
    kind = out.suffix.lower()
    if kind not in (".html", ".pdf"):
        problem, expected = "a report is a page or a PDF", "a name that ends with .html or .pdf"
        raise InputError(problem, file=str(out), expected=expected, code="OUTPUT_KIND")
    common.check_outputs([out], files.values())
    settings = common.settings_for(data)
    common.current_release(data)
    found = {name: findings.read(path) for name, path in files.items()}
    with ReleaseReader(settings.data, timeout_seconds=settings.query_timeout_s) as reader:
        stated_material = material.read(reader.current(), identifier, findings=found)
    if kind == ".pdf":
        from biodata.exports.reports import pdf

        if boxes := pdf.write(stated_material, out):
            common.say(
                f"{len(boxes)} letters stand as boxes, since no font of this machine has them ({boxes[:12]}): install one, on "
                "Debian fonts-noto-cjk for Chinese or fonts-noto-core for other scripts"
            )
    else:
        part = out.with_name(f"{out.name}.part")
        part.write_text(page.page(stated_material), encoding="utf-8")
        part.replace(out)
    common.say(f"{stated_material.id} of release {stated_material.release['id']} → {out}")


def survey_design(
    result: Annotated[str, typer.Argument(help="corridor_id or candidate_id.")],
    species: Annotated[str, typer.Option(help="The species that is to be found.")],
    out: Annotated[list[Path], typer.Option(help="File to write; several times for several.", dir_okay=False)],
    data: common.DataOption = common.DEFAULT_DATA,
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
    """Propose the next survey that would settle a corridor or candidate: where, how long, and what it could tell.

    Cameras or transects on both sides of the border, in cells where nobody looked for the species, those first that
    matter most to the corridor. --out may be told several times: .gpkg, .csv (which KoBoToolbox, ODK and SMART read),
    .gpx.

    With --records public (the default) only what everybody may see decides where stations stand. With --records exact
    the survey carries the strictest category of the records, and is for its maker.

    Example: biodata survey-design landcover_china_laos-corridor-1 --species "Elephas maximus" --data biodata_data --out survey.gpkg --out survey.gpx
    """
    from biodata.analysis.evidence import DesignParameters, Detection
    from biodata.analysis.evidence.design import ASSUMED
    from biodata.exports.tables import WRITERS, write_proposal
    from biodata.surveys.design import SurveyRequest, design

    common.check_kinds(out, tuple(WRITERS))
    for name, text, known in (("kind", kind, ("camera", "transect")), ("records", records, ("public", "exact"))):
        if text not in known:
            problem = f"no such {name}"
            raise InputError(problem, column=f"--{name}", value=text, expected=" or ".join(known))
    common.check_outputs(out, [])
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
    proposal = design(common.installation(data), request)
    for path in out:
        write_proposal(proposal, path)
    for side, cells in proposal.facts["effort"].items():
        common.say(f"{side}: cells " + ", ".join(f"{state} {count}" for state, count in cells.items()))
    for settles in proposal.settles.values():
        common.say(settles["says"])
    facts = proposal.facts
    common.say(
        f"{proposal.stations.height} stations → {', '.join(map(str, out))}; boundary set {facts['boundary_set']} "
        f"({facts['boundary_version']}), band {facts['band_m']:g} m; {records} records of lake version {facts['snapshot']}"
    )
    if "note" in facts:
        common.say(facts["note"])
    if proposal.sharing_category != "open":
        common.say(f"sharing category {proposal.sharing_category}: made of hidden places, not to be passed on")
