"""`biodata cluster`: several machines share a lake, and its releases reach those that serve."""

import time
from pathlib import Path
from typing import Annotated

import typer

from biodata.cli.options import DEFAULT_DATA, DataOption, say
from biodata.errors import StoreError

StorageOption = Annotated[str, typer.Option(help="The folder of a bucket, s3://bucket/folder.")]
EndpointOption = Annotated[str | None, typer.Option(help="Address of the storage's service; Amazon's without it.")]
RegionOption = Annotated[str, typer.Option(help="The bucket's region.")]


def add_commands(app: typer.Typer) -> None:
    """Add this file's commands to the application."""
    commands = typer.Typer(
        help="Several machines: a shared lake, and releases for those that serve.", no_args_is_help=True
    )
    commands.command(
        name="join",
        help="Let an installation's folder use a lake that several machines share: its catalogue on PostgreSQL, its files on "
        "S3-compatible storage. The storage's key is read from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.\n\n"
        "Example: biodata cluster join --catalogue CATALOGUE --storage s3://biodata/region --endpoint ENDPOINT --data region",
    )(join)
    commands.command(
        name="follow",
        help="Bring each new release from the shared storage into the folder of a machine that serves, until it is stopped. "
        "A key that may read the folder releases is enough.\n\n"
        "Example: biodata cluster follow --storage s3://biodata/region --endpoint ENDPOINT --once --data replica",
    )(follow)
    app.add_typer(commands, name="cluster")


def join(
    catalogue: Annotated[str, typer.Option(help="Address of a PostgreSQL database, postgresql://user@host/database.")],
    storage: StorageOption,
    endpoint: EndpointOption = None,
    region: RegionOption = "us-east-1",
    data: DataOption = DEFAULT_DATA,
) -> None:
    """Join a shared lake."""
    from biodata.store import cluster
    from biodata.store.storage import Storage

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
    """Follow the releases of a shared storage."""
    from biodata.store.shared_releases import follow
    from biodata.store.storage import Storage

    place, told = Storage(storage, endpoint=endpoint, region=region), ""
    while True:
        try:
            release = follow(Path(data), place)
        except StoreError as error:
            if once:
                raise
            if str(error) != told:  # the release that is there goes on being served
                told = str(error)
                say(told)
        else:
            told = ""
            if release is not None:
                say(f"release {release} is served from {data}")
            elif once:
                say("nothing is new")
        if once:
            return
        time.sleep(every)
