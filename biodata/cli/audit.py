"""`biodata audit`: who did what, and whether the log of it is whole."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, JsonOption, add_group, installation, open_registry, say

ActionOption = Annotated[str | None, typer.Option(help="Only this, `role given`.")]
ActorOption = Annotated[str | None, typer.Option(help="Only what this account or command did.")]
SubjectOption = Annotated[str | None, typer.Option(help="Only what was done to this.")]
SinceOption = Annotated[datetime | None, typer.Option(help="From this day or moment on (UTC).")]
UntilOption = Annotated[datetime | None, typer.Option(help="Before this day or moment (UTC).")]


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    add_group(
        app, "audit", "Who did what, and whether the log of it is whole.", list_entries, verify, head, leaks, openness
    )


def list_entries(
    data: DataOption = DEFAULT_DATA,
    action: ActionOption = None,
    actor: ActorOption = None,
    subject: SubjectOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    newest: Annotated[int | None, typer.Option(help="Only so many, of the newest.", min=1)] = None,
    out: Annotated[Path | None, typer.Option(help="Write them into this file, a JSON object a line.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object a line.")] = False,
) -> None:
    """Tell who did what: every change, release, key, role, grant and reading of exact places.

    Example: biodata audit list --data biodata_data --action "role given" --since 2026-11-01
    """
    from biodata.access import audit_log

    wanted = audit_log.Wanted(actor=actor, action=action, subject=subject, since=_utc(since), until=_utc(until))
    with open_registry(installation(data)) as registry:
        found = audit_log.entries(registry, wanted, newest=newest)
        if out is not None:
            with out.open("w", encoding="utf-8") as file:
                count = sum(1 for entry in found if file.write(_as_json(entry) + "\n"))
            say(f"{count} entries in {out}")
            return
        for entry in found:
            say(_as_json(entry) if as_json else _line(entry))


def verify(
    data: DataOption = DEFAULT_DATA,
    head: Annotated[str | None, typer.Option(help="NUMBER:HASH that `biodata audit head` told earlier.")] = None,
) -> None:
    """Check that no entry was changed or taken out; names the first that was. Exit code 1 then.

    Each entry holds the hash of the one before, and the newest ones also stand in audit_heads.txt. A head that you
    noted elsewhere shows whether somebody shortened both: biodata audit verify --head 41:9f86d08…

    Example: biodata audit verify --data biodata_data
    """
    from biodata.access import audit_log

    settings = installation(data)
    with open_registry(settings) as registry:
        count = audit_log.verify(settings, registry, noted=head)
    say(f"{count} entries, none changed and none gone")


def head(data: DataOption = DEFAULT_DATA) -> None:
    """Print the newest entry's number and hash. Note it where nobody of this machine can change it.

    Example: biodata audit head --data biodata_data
    """
    from biodata.access import audit_log

    with open_registry(installation(data)) as registry:
        found = audit_log.head(registry)
    say("no entry yet" if found is None else f"{found[0]}:{found[1]}")


def leaks(data: DataOption = DEFAULT_DATA, as_json: JsonOption = False) -> None:
    """Hold the current release against the exact places of the sensitive records: what is told, and what is too much.

    Tells by country of occurrence and rule how many records are generalised, already coarse, without a place, or
    withheld, and every record of which the release tells too much; exit code 1 then. Each release is looked at like
    this before it is served. The table counts withheld records: it is for the owner of the installation.

    Example: biodata audit leaks --data biodata_data
    """
    from biodata import pipeline

    report = pipeline.look_for_leaks(installation(data))
    if as_json:
        say(json.dumps(report.as_dict(), ensure_ascii=False, indent=1))
    else:
        say(f"{'country':<8} {'published as':<16} {'records':>8}  rule")
        for row in report.records.iter_rows(named=True):
            say(
                f"{row['country'] or '-':<8} {row['published']:<16} {row['n']:>8}  {row['rule_id']} ({row['category']})"
            )
        for key, dataset, problem in report.faults.iter_rows():
            say(f"record {key} of {dataset}: {problem}")
        say(f"{report.release}: {report.faults.height} faults")
    if report.faults.height:
        raise typer.Exit(1)


def openness(data: DataOption = DEFAULT_DATA, as_json: JsonOption = False) -> None:
    """Count the records that are coarser than a rule that names their taxon asks, by reason, and tell what would open them.

    A name that no list knows, a record without a name, an earlier release that was coarser, a record set apart beside
    another, one that waits for more places, one in a wider cell, a coast. The table counts sensitive records: it is for
    the owner of the installation.

    Example: biodata audit openness --data biodata_data
    """
    from biodata import pipeline

    found = pipeline.openness(installation(data))
    if as_json:
        say(json.dumps(found.as_dict(), ensure_ascii=False, indent=1))
        return
    coarser = 0
    for row in found.datasets.iter_rows(named=True):
        reasons = {name: row[name] for name in pipeline.REASONS if row[name]}
        coarser += sum(reasons.values())
        text = "".join(f", {n} coarser: {name}" for name, n in reasons.items())
        say(
            f"{row['datasetKey'] or '-'}: {row['records']} records, {row['open']} open, {row['as_asked']} as a rule asks{text}"
        )
    records = found.datasets["records"].sum()
    say(f"{coarser} of {records} records are coarser than a rule that names their taxon asks")
    for dataset, remedy, n in found.remedies.iter_rows():
        say(f"{dataset or '-'}: {n} records would be finer: {remedy}")


def _utc(moment: datetime | None) -> datetime | None:
    """Read a moment without a zone as one in UTC."""
    return moment if moment is None or moment.tzinfo else moment.replace(tzinfo=UTC)


def _as_json(entry: dict[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False)


def _line(entry: dict[str, Any]) -> str:
    """Return an entry as a line for people."""
    details = " ".join(f"{name}={value}" for name, value in entry["details"].items() if value is not None)
    return f"{entry['number']:>6}  {entry['time'][:19]}Z  {entry['actor']}: {entry['action']} {entry['subject']}  {details}"
