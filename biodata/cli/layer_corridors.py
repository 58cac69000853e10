"""`biodata corridors` over a layer of the installation: run, keep, say what came out, write it."""

from pathlib import Path
from typing import Any

from biodata.cli.options import installation, say, show_progress


def run(
    data: Path, asked: dict[str, Any], out: Path | None, *, alone: bool, estimate: bool, check_window: bool
) -> None:
    """Run over a layer of the installation."""
    from biodata import run_engines, runs
    from biodata.exports.corridors import write_published
    from biodata.run_engines.corridors import outcome_of

    settings = installation(data)
    request = runs.Request(**asked, check_window=check_window)
    asked = asked | {"criteria": list(request.criteria)}
    say(runs.estimate(settings, request).told())
    if estimate:
        return
    report = runs.find_corridors(settings, request, alone=alone, progress=show_progress())
    kept = run_engines.keep(settings, "corridors", asked, outcome_of(settings, request, report), seed=request.seed)
    say(
        f"run {report.run_id} on lake version {report.snapshot}: {report.areas} areas, {report.pairs} pairs, "
        f"{report.corridors} corridors, {report.candidates} candidates"
    )
    say(f"looked at: {', '.join(f'{count} {outcome}' for outcome, count in report.considered.items()) or 'nothing'}")
    if report.replaced:
        say(f"in the place of {', '.join(report.replaced)}; earlier versions of the lake keep that")
    if report.beside:
        say(
            f"beside it stand, from other layers, boxes or species, {', '.join(report.beside)}; --alone takes them away"
        )
    if report.window:
        say(report.window)
    say(
        f"records of threatened species: {report.records}, of which {report.counting} are evidence for a side, "
        f"certain from {request.certainty:.10g} on and farther than {report.parameters['boundary_band_m']:,.10g} m from a border"
    )
    if report.left_out:
        say(f"records left out: {', '.join(f'{name} {count}' for name, count in report.left_out.items())}")
    if set(report.left_out) == {runs.NO_CATEGORY}:
        say(
            "only threatened species are evidence: `biodata ingest checklist` with a list that tells Red List categories, "
            "before the records, says which these are"
        )
    if out is not None:
        found = runs.read_results(settings, "corridors")
        frame = found.filter(found["run_id"] == report.run_id)
        write_published(frame, out)
        say(f"{frame.height} pairs → {out}")
    say(f"kept as {kept.id}")
