"""`biodata candidates`."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, check_kinds, check_outputs, installation, say
from biodata.vocabularies import CandidateCriterion

if TYPE_CHECKING:
    import polars as pl

_CANDIDATES = """Write the candidate transboundary reserves that the last runs found.

Each is told with its rank, its Pareto front (1: no other candidate is better in one thing and worse in none) and its
acceptability: the share of all weights under which it stands first; and with the tier of its evidence, certain or probable,
and what would make it surer. What has no records on either side is listed apart.
`biodata report` and `survey-design` take the id beside it.

Under many criteria hardly any candidate dominates another, so that most stand on front 1. --criteria ranks anew by those
that matter to a decision; what the runs found stays as it is. `biodata corridors` has the same option for the run itself,
and --plan, --cost-layer and --agreements, which tell it more.

Example: biodata candidates --data biodata_data --out candidates.gpkg --considered

Example: biodata candidates --data biodata_data --criteria shared_species,human_pressure --out by_two.gpkg
"""


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    app.command(name="candidates", help=_CANDIDATES)(candidates)


def candidates(
    out: Annotated[Path, typer.Option(help="GeoPackage to write.", dir_okay=False)],
    considered: Annotated[
        bool, typer.Option("--considered", help="Also tell what was looked at and fails, and write it as a layer.")
    ] = False,
    criteria: Annotated[
        str | None,
        typer.Option(help=f"Rank anew by these alone, with commas between: {', '.join(CandidateCriterion)}."),
    ] = None,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Read, rank, write, list."""
    import polars as pl

    from biodata import runs
    from biodata.exports.layers import to_geodataframe, write_layers

    check_kinds([out], (".gpkg",))
    check_outputs([out], [])
    settings = installation(data)
    found = runs.read_results(settings, "reserve_candidates").sort("run_id", "rank")
    if criteria is not None:
        found = runs.ranked_anew(found, runs.checked_criteria(criteria))
    looked_at = runs.read_results(settings, "considered_ground").sort("run_id", "name")
    layers = {"reserve_candidates": found} | ({"considered_ground": looked_at} if considered else {})
    write_layers({name: to_geodataframe(frame) for name, frame in layers.items()}, out)
    for (run_id,), rows in found.group_by("run_id", maintain_order=True):
        say(f"{run_id}: rank, front, acceptability, evidence, id")
        ranking = json.loads(rows["evidence"][0])["ranking"]
        first = int((rows["front"] == 1).sum())
        say(
            f"  ranked by {', '.join(ranking['ranked_by']) or 'nothing: all are alike'}; {first} of {rows.height} on front 1"
        )
        for name, why in ranking["left_out"].items():
            say(f"  {name} decides nothing: {why}")
        for row in rows.iter_rows(named=True):
            countries = ", ".join(row["country_codes"])
            say(
                f"{row['rank']:>5}  {row['front']:>5}  {row['acceptability']:>13.1%}  {row['evidence_tier'] or '–':<8}  "
                f"{row['candidate_id']}  {row['name']} ({countries})"
            )
            _tell_lifts(row)
    _tell(looked_at.filter(pl.col("outcome") == "without_evidence"), "without evidence, as the run had no records")
    if considered:
        _tell(looked_at.filter(pl.col("outcome") == "failed"), "not candidates, by the hard criteria that they fail")
    say(f"{found.height} candidates of {looked_at.height} looked at → {out}")
    for line in runs.held_back(settings, "considered_ground"):
        say(line)


def _tell(rows: "pl.DataFrame", heading: str) -> None:
    """List what is no candidate."""
    if rows.is_empty():
        return
    say(f"{heading}:")
    for row in rows.iter_rows(named=True):
        checks = json.loads(row["evidence"])["hard_criteria"]
        why = row["reason"] or "; ".join(f"{name}: {_told(checks[name]['input'])}" for name in row["failed"])
        say(f"       {row['considered_id']}  {row['name']} ({', '.join(row['country_codes'])}): {why}")
        _tell_lifts(row)


def _tell_lifts(row: dict[str, Any]) -> None:
    """Say what would lift the evidence of a candidate, or of ground that fails, to the next tier."""
    for lift in json.loads(row["evidence"]).get("lifts") or []:
        say(f"         {lift['words']}")


def _told(numbers: dict[str, Any]) -> str:
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
