"""`biodata verify`, `compact`, `backup`, `restore` and `cluster`: looking after an installation on one machine or several."""

import json
import time
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, JsonOption, add_group, say, settings_for, show_progress
from biodata.core.errors import StoreError

if TYPE_CHECKING:
    from biodata.access.purges import Purged
    from biodata.access.withdrawal import Wanted


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    _add_withdrawal(app)
    app.command(name="verify")(verify)
    add_group(app, "cluster", "Several machines: a shared lake, and releases for those that serve.", join, follow)
    app.command(name="compact")(compact)
    app.command(name="backup")(backup)
    app.command(name="restore")(restore)


def verify(
    data: DataOption = DEFAULT_DATA,
    record: Annotated[bool, typer.Option("--record", help="Put down anew the checksums that are lost.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check every file of an installation against its checksum, and that what refers to it says the same.

    Reads the lake's files and catalogue, the releases, the layers, the uploads, secrets, reports and memories, and the
    registry with its audit chain and its sharing rules. Names each damaged or missing file, and each that is of no
    installation, what is wrong and what to do; exit code 1 then. Writers wait meanwhile, readers go on. With --record
    the checksums of files whose own are lost are put down anew, and that of a gazetteer.csv that you wrote.

    Example: biodata verify --data biodata_data

    Example: biodata verify --record --data biodata_data
    """
    from biodata.store.verify import verify as check

    report = check(settings_for(data), progress=show_progress(), record=record)
    if as_json:
        say(json.dumps(report.as_dict(), ensure_ascii=False, indent=1))
    else:
        say(f"{report.files} files, {report.bytes / 1e6:.1f} MB read: {len(report.faults)} faults")
        for name in report.recorded:
            say(f"  {name} had no checksum; it could be read and has one now")
        for owed in report.owed:
            say(f"  {owed}")
        for fault in report.faults:
            say(f"  {fault.file}: {fault.problem}; {fault.remedy}")
    if report.faults:
        raise typer.Exit(1)


def compact(
    data: DataOption = DEFAULT_DATA,
    expire_days: Annotated[
        float | None, typer.Option(help="Versions older than this that nothing refers to go; none by default.", min=0)
    ] = None,
    grace_hours: Annotated[
        float, typer.Option(help="How long merged files stay for whoever began to read before.", min=0)
    ] = 1.0,
    as_json: JsonOption = False,
) -> None:
    """Make few files of the lake's many small ones, and remove those that no version needs.

    Every version stays and answers as before. With --expire-days versions go that are older and that no citation,
    release, submission or run refers to: what they alone had is gone then.

    Example: biodata compact --data biodata_data --expire-days 365
    """
    from biodata.store.compaction import compact as merge

    report = merge(settings_for(data), expire_days=expire_days, grace=timedelta(hours=grace_hours))
    if as_json:
        say(json.dumps(report.as_dict(), indent=1))
        return
    say(
        f"{report.files_before} files ({report.bytes_before / 1e6:.1f} MB) are {report.files_after} "
        f"({report.bytes_after / 1e6:.1f} MB); {report.waiting} of them wait for readers to end"
    )
    cited = ", ".join(str(version) for version in report.cited) or "none"
    say(f"{len(report.expired)} versions went; kept because something refers to them: {cited}")


def backup(
    out: Annotated[Path, typer.Option(help="Folder of backups.")],
    data: DataOption = DEFAULT_DATA,
    as_json: JsonOption = False,
) -> None:
    """Copy an installation: the registry, the lake with every version, the releases, layers and uploads.

    OUT is a folder, to which the next backup adds only what is new. Both catalogues are copied as they are at one
    moment; it works while the installation serves. It holds the secret and exact places: keep it as safe as the
    installation.

    Example: biodata backup --data biodata_data --out backup
    """
    from biodata.store.backup import backup as copy

    report = copy(settings_for(data), out, progress=show_progress())
    if as_json:
        say(json.dumps(report.as_dict(), indent=1))
        return
    say(
        f"{report.name}: lake version {report.snapshot}, {report.files} files ({report.bytes / 1e6:.1f} MB), "
        f"{report.copied} of them new ({report.copied_bytes / 1e6:.1f} MB)"
    )


def restore(
    backup: Annotated[Path, typer.Argument(help="What `biodata backup` wrote.")],
    data: DataOption = DEFAULT_DATA,
    name: Annotated[str | None, typer.Option("--list", help="The backup's list, backup-….json; the newest.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Make an installation of a backup, at any path; the newest of the folder, or the one that --list names.

    Everything in the backup is verified before anything is written, and nothing is ever written over an installation:
    the folder must be new or empty.

    Example: biodata restore backup --data restored
    """
    from biodata.store.backup import restore as put_back

    report = put_back(backup, data, name=name, progress=show_progress())
    if as_json:
        say(json.dumps(report.as_dict(), indent=1))
        return
    say(f"{report.name}: {report.files} files ({report.bytes / 1e6:.1f} MB), lake version {report.snapshot}, in {data}")


StorageOption = Annotated[str, typer.Option(help="The folder of a bucket, s3://bucket/folder.")]
EndpointOption = Annotated[str | None, typer.Option(help="Address of the storage's service; Amazon's without it.")]
RegionOption = Annotated[str, typer.Option(help="The bucket's region.")]


def join(
    catalogue: Annotated[str, typer.Option(help="Address of a PostgreSQL database, postgresql://user@host/database.")],
    storage: StorageOption,
    endpoint: EndpointOption = None,
    region: RegionOption = "us-east-1",
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Let an installation's folder use a lake that several machines share: its catalogue on PostgreSQL, its files on S3-compatible storage.

    The storage's key is read from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.

    Example: biodata cluster join --catalogue CATALOGUE --storage s3://biodata/region --endpoint ENDPOINT --data region
    """
    from biodata.store import cluster
    from biodata.store.cluster import Storage

    cluster.join(data, cluster.Cluster(catalogue, Storage(storage, endpoint=endpoint, region=region)))
    say(f"{data} uses the lake at {storage}")


def follow(
    storage: StorageOption,
    endpoint: EndpointOption = None,
    region: RegionOption = "us-east-1",
    every: Annotated[float, typer.Option(help="Seconds between two looks.", min=0.1)] = 2.0,
    once: Annotated[bool, typer.Option("--once", help="Look once and end.")] = False,
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Bring each new release from the shared storage into the folder of a machine that serves, until it is stopped.

    A key that may read the folder releases is enough.

    Example: biodata cluster follow --storage s3://biodata/region --endpoint ENDPOINT --once --data replica
    """
    from biodata.store.cluster import Storage
    from biodata.store.shared_releases import follow

    place, text = Storage(storage, endpoint=endpoint, region=region), ""
    while True:
        try:
            release = follow(Path(data), place)
        except StoreError as error:
            if once:
                raise
            if str(error) != text:  # the release that is there goes on being served
                text = str(error)
                say(text)
        else:
            text = ""
            if release is not None:
                say(f"release {release} is served from {data}")
            elif once:
                say("nothing is new")
        if once:
            return
        time.sleep(every)


def _add_withdrawal(app: typer.Typer) -> None:
    """Add `biodata withdraw` and `purge`."""
    app.command(name="withdraw")(withdraw)
    app.command(name="purge")(purge)


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
    """Take back a dataset or records: a release without them is made, and what was kept is purged.

    In the lake the rows of every version are emptied (number and dataset stay, so that counts and citations hold),
    older releases and downloads are removed, with the uploads of the dataset. Whatever comes again is refused. Backups
    are purged by `biodata purge --backups`. A hub learns of it at its next harvest. Nothing brings it back: let
    --dry-run count first.

    Examples: biodata withdraw --dataset nam-ha --dry-run --data biodata_data

    biodata withdraw --dataset nam-ha --reason "the community asks for it" --data biodata_data
    """
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
    """Remove whatever still holds a withdrawn record; with --backups also from a folder of backups.

    With --backups a new backup is taken first, and then every older one in the folder is removed with what only they
    had. A hub does it after a harvest that took records back.

    Example: biodata purge --data biodata_data --backups backup
    """
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
