"""Options and words that the commands about species share."""

import json
from datetime import UTC, date, datetime
from typing import Annotated, Any

import typer

from biodata.cli.options import say

RecordsOption = Annotated[str, typer.Option("--records", help="public or exact.")]
AsOfOption = Annotated[
    datetime | None, typer.Option("--as-of", help="Date of the run: the lake's.", formats=["%Y-%m-%d"])
]
UntoldOption = Annotated[
    float | None, typer.Option("--untold-uncertainty-m", help="Uncertainty of records that tell none.", min=0, max=1e6)
]
SuspiciousOption = Annotated[bool, typer.Option("--keep-suspicious", help="Use records of suspicious places too.")]
RangeCodesOption = Annotated[
    list[str] | None,
    typer.Option(
        help="Codes of the Red List's polygons that count, as presence=1 or seasonal=1,2,3; presence= takes all. "
        "Several times for several: presence=1,2 origin=1,2,6 seasonal=1,2,3,4."
    ),
]
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
