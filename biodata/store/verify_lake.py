"""Verification of the lake: its catalogue, and every file that any version needs."""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq
from pyarrow import ArrowException
from tqdm.auto import tqdm

from biodata.errors import StoreError
from biodata.store import checksums
from biodata.store.catalogue import FILES
from biodata.store.checksums import Checksum, digest
from biodata.store.lake import Lake

RESTORE: Final = "restore a backup with `biodata restore`"
RESTORE_SHARED: Final = "restore it with the storage's own tools"

_LISTED: Final = f"SELECT path, bytes, rows FROM ({FILES})"  # noqa: S608 - nothing in it comes from outside

_LOOSE: Final = """
    SELECT 'a file of rows', f.path FROM ducklake_data_file f
    WHERE f.table_id NOT IN (SELECT table_id FROM ducklake_table)
    UNION ALL
    SELECT 'a file of removals', d.path FROM ducklake_delete_file d
    WHERE d.data_file_id NOT IN (SELECT data_file_id FROM ducklake_data_file)
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is not as it was written.

    Attributes
    ----------
    file : str
        Below the installation's folder.
    problem : str
        What is wrong.
    remedy : str
        What to do.
    """

    file: str
    problem: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Told:
    """What the catalogue tells of a file: its size, and its rows where it counts them."""

    bytes: int
    rows: int | None


def catalogue(data: Path, known: Mapping[str, Checksum]) -> tuple[dict[str, Told], list[Fault]]:
    """Check the lake's catalogue; the caller holds the writer's lock, and this process has no lake open.

    Returns
    -------
    needed : dict of str to Told
        The files that any version needs, by their paths below the installation's folder.
    faults : list of Fault
    """
    path = data / checksums.SEALED
    try:
        checksums.settle(path)
        sound(path)
        version = checksums.version(data)
        with closing(sqlite3.connect(path)) as connection:
            files = connection.execute(_LISTED.format(metadata="")).fetchall()
            loose = connection.execute(_LOOSE).fetchall()
    except (sqlite3.Error, StoreError, TypeError, ValueError) as error:
        return {}, [Fault(path.name, f"it cannot be read: {error}", RESTORE)]
    problems = [f"{what}, {name}, belongs to nothing" for what, name in loose]
    told = known.get(path.name)
    if told is not None and told.version is not None:
        if told.version > version:
            problems.append(f"it is at version {version} and was at {told.version}: commits are lost")
        elif told.version == version and digest(path).sha256 != told.sha256:
            problems.append(f"a part of it was changed since version {version} was written")
    return (
        {f"lake/{name}": Told(size or 0, rows) for name, size, rows in files},
        [Fault(path.name, problem, RESTORE) for problem in problems],
    )


def shared_files(lake: Lake) -> tuple[dict[str, Told], list[Fault]]:
    """Check that a shared storage has every file that any version needs, as large as it was written.

    The caller holds the writer's lock. What is in them the storage guards itself; it keeps a checksum of each.

    Returns
    -------
    needed : dict of str to Told
    faults : list of Fault
    """
    needed, there = lake.listed(), lake.files.sizes()
    faults = []
    for name, size in sorted(needed.items()):
        if name not in there:
            faults.append(Fault(f"lake/{name}", "it is missing on the shared storage", RESTORE_SHARED))
        elif size is not None and size != there[name]:
            problem = f"it has {there[name]} bytes on the shared storage and was written with {size}"
            faults.append(Fault(f"lake/{name}", problem, RESTORE_SHARED))
    return {f"lake/{name}": Told(size or 0, None) for name, size in needed.items()}, faults


def sealed(data: Path, known: Mapping[str, Checksum]) -> bool:
    """Tell whether the catalogue's present version has a checksum."""
    told = known.get(checksums.SEALED)
    return told is not None and told.version == checksums.version(data)


def files(
    data: Path,
    needed: Mapping[str, Told],
    known: Mapping[str, Checksum],
    recorded: list[str],
    *,
    progress: bool,
    recording: bool = True,
) -> list[Fault]:
    """Check the lake's files; one without a checksum is read through and has one from now on.

    Parameters
    ----------
    data : Path
        The installation's folder.
    needed : mapping of str to Told
        What the catalogue tells of them.
    known : mapping of str to Checksum
        The checksums that were put down.
    recorded : list of str
        Grows by the files that had none.
    progress : bool
        Show a progress bar.
    recording : bool
        False puts nothing down.
    """
    faults, new = [], {}
    for name, told in tqdm(sorted(needed.items()), desc="lake", unit="file", disable=not progress):
        problem = _file(data / name, told, known.get(name))
        if problem is not None:
            faults.append(Fault(name, problem, RESTORE))
        elif name not in known:
            new[name] = data / name
    if new and recording:
        checksums.record(data, new)
        recorded += new
    return faults


def _file(path: Path, told: Told, known: Checksum | None) -> str | None:
    """Return what is wrong with a file of the lake."""
    if not path.is_file():
        return "it is missing"
    size = path.stat().st_size
    expected = known.bytes if known is not None else told.bytes or size
    if size != expected or (told.bytes and size != told.bytes):
        return f"it has {size} bytes and was written with {expected}"
    if known is not None and digest(path).sha256 != known.sha256:
        return "it is not as it was written"
    try:
        with pq.ParquetFile(path) as file:
            rows = file.metadata.num_rows
            if known is None:  # nothing but its own content can tell
                for _ in file.iter_batches(batch_size=50_000):
                    pass
    except (ArrowException, OSError) as error:
        return f"it cannot be read: {str(error).splitlines()[0]}"
    if told.rows is not None and rows != told.rows:
        return f"it has {rows} rows, and the catalogue counts {told.rows}"
    return None


def sound(path: Path) -> None:
    """Let SQLite check a file's own structure.

    Raises
    ------
    StoreError
        With the first thing that is wrong.
    """
    with closing(sqlite3.connect(path)) as connection:
        found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
    if found != ["ok"]:
        raise StoreError(found[0].splitlines()[0])
