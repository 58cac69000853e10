"""`biodata withdraw` and `biodata purge`: what is taken back is gone from everything that is kept."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, say, settings_for

if TYPE_CHECKING:
    from biodata.access.purges import Purged
    from biodata.access.withdrawal import Wanted

_WITHDRAW = """Take back a dataset or records: a release without them is made, and what was kept is purged.

In the lake the rows of every version are emptied (number and dataset stay, so that counts and citations hold), older
releases and downloads are removed, with the uploads of the dataset. Whatever comes again is refused. Backups are
purged by `biodata purge --backups`. A hub learns of it at its next harvest. Nothing brings it back: let --dry-run count first.

Examples: biodata withdraw --dataset nam-ha --dry-run --data biodata_data

biodata withdraw --dataset nam-ha --reason "the community asks for it" --data biodata_data
"""
_PURGE = """Remove whatever still holds a withdrawn record; with --backups also from a folder of backups.

With --backups a new backup is taken first, and then every older one in the folder is removed with what only they had.
A hub does it after a harvest that took records back.

Example: biodata purge --data biodata_data --backups backup
"""
JsonOption = Annotated[bool, typer.Option("--json", help="Print the report as JSON.")]


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    app.command(name="withdraw", help=_WITHDRAW)(withdraw)
    app.command(name="purge", help=_PURGE)(purge)


def withdraw(
    reason: Annotated[
        str, typer.Option(help="What is told of it; it must tell no place. Needed but for --dry-run.")
    ] = "",
    data: DataOption = DEFAULT_DATA,
    dataset: Annotated[str | None, typer.Option(help="Key of the dataset.")] = None,
    key: Annotated[list[int] | None, typer.Option(help="Number of a record; may be repeated.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Count what would go and change nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Withdraw and tell what went."""
    from biodata import pipeline
    from biodata.access import exact_building, withdrawal

    settings = settings_for(data)
    if dry_run:
        _print_wanted(withdrawal.look(settings, dataset=dataset, keys=key or ()), as_json=as_json)
        return
    done = withdrawal.withdraw(settings, reason=reason, release=pipeline.release, dataset=dataset, keys=key or ())
    _print(done, as_json=as_json)
    exact_building.must_follow(settings)


def purge(
    data: DataOption = DEFAULT_DATA,
    backups: Annotated[Path | None, typer.Option(help="Folder of backups.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Purge and tell what went."""
    from biodata import pipeline
    from biodata.access import purges

    settings = settings_for(data)
    _print(purges.purge(settings, release=pipeline.release), as_json=as_json)
    if backups is not None:
        removed = purges.purge_backups(settings, backups)
        say(f"{backups}: a new backup was taken, {removed} files of older ones are gone")


def _print_wanted(wanted: "Wanted", *, as_json: bool) -> None:
    """Print what would be taken back."""
    if as_json:
        say(json.dumps(wanted.as_dict()))
        return
    parts = ", ".join(f"{count} of {dataset}" for dataset, count in wanted.datasets.items())
    say(f"would take back for good {wanted.records + wanted.before} records: {parts}")
    if wanted.before:
        say(f"  {wanted.before} of them went before, and only older versions tell them")
    for country, count in wanted.countries.items():
        say(f"  {count} of {country or 'no stated country'}")
    say("nothing was changed; without --dry-run every version is emptied of them, and nothing brings them back")


def _print(done: "Purged", *, as_json: bool) -> None:
    """Print a report."""
    if as_json:
        say(json.dumps(done.as_dict()))
        return
    say(
        f"{done.records} records are withdrawn; {done.lake_files} files of the lake were written anew, {done.releases} "
        f"releases, {done.downloads} downloads and {done.uploads} uploads removed"
    )
    for name in done.in_use:
        say(f"  {name} is being read: run `biodata purge` again when that has ended")
