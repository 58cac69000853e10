"""Every kind of file of an installation: registry, lake, release, or derived and deletable; what is none of them is named."""

import hashlib
import re
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq
from pyarrow import ArrowException
from tqdm.auto import tqdm

from biodata.core.errors import StoreError
from biodata.store import audit, checksums, folders, survey_files
from biodata.store.catalogue import FILES
from biodata.store.checksums import Checksum, digest
from biodata.store.lake import Lake


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


class Part(StrEnum):
    """The part of an installation that a file belongs to."""

    REGISTRY = "registry"
    LAKE = "lake"
    RELEASE = "release"
    DERIVED = "derived"
    """Made again when it is asked for, or under way: it may be removed."""


class Guard(StrEnum):
    """What shows that a file is as it was written."""

    OWN = "own"
    """Its name or its content, or what refers to it."""
    CHECKSUM = "checksum"
    """An entry in the checksums of the installation or of its service."""
    NONE = "none"


@dataclass(frozen=True, slots=True)
class FileKind:
    """One kind of file.

    Attributes
    ----------
    pattern : str
        Regular expression of its path below the installation's folder.
    part : Part
    guard : Guard
    meaning : str
        What it is, for people.
    """

    pattern: str
    part: Part
    guard: Guard
    meaning: str


KINDS: Final = tuple(
    FileKind(*row)
    for row in (
        (r"(.*/)?[^/]+\.(lock|use|part|tmp|new)|(.*/)?[^/]+\.sqlite-(wal|shm)|run_results/lock", Part.DERIVED, Guard.NONE,
         "locks, journals and files that are being written"),
        (r"(service/)?(staging|tmp|run)/.*|service/uploads/parts/.*|run_results/[^/]+\.part/.*", Part.DERIVED, Guard.NONE,
         "work under way"),
        (r"runs/.*|pulls/.*", Part.DERIVED, Guard.NONE, "runs that were cut off and go on, and what is kept of pulls"),
        (r"assessed(_open)?\.(json|parquet)|demo\.json", Part.DERIVED, Guard.NONE, "what need not be worked out again"),
        (r"service/results/[0-9a-f]{32}/(results\.json|exact\.sealed)", Part.DERIVED, Guard.CHECKSUM,
         "results of surveys; the exact ones sealed, for their team"),
        (r"downloads/.*", Part.DERIVED, Guard.OWN, "files of downloads; the registry has their checksums"),
        (r"service/registry\.sqlite", Part.REGISTRY, Guard.OWN, "the registry, and in it the sharing rules"),
        (r"service/audit_heads\.txt", Part.REGISTRY, Guard.OWN, "the audit's heads"),
        (r"(service/)?checksums\.sqlite", Part.REGISTRY, Guard.OWN, "the checksums"),
        (r"service/secrets/[^/]+|secrets/[^/]+|upload_key(\.pub)?|node-[A-Z]{2}\.pub", Part.REGISTRY, Guard.CHECKSUM,
         "secrets and keys"),
        (r"service/citations/.*", Part.REGISTRY, Guard.CHECKSUM, "what citations keep"),
        (r"(service/)?uploads/[^/]+", Part.REGISTRY, Guard.OWN, "what was handed in, under its own checksum"),
        (r"reports/[^/]+\.json", Part.REGISTRY, Guard.CHECKSUM, "reports of ingests and runs"),
        (r"cluster\.json", Part.LAKE, Guard.NONE, "where the lake lies that several machines share"),
        (r"lake\.sqlite|lake/.*\.parquet|layers/[^/]+", Part.LAKE, Guard.OWN, "the lake, its catalogue and its layers"),
        (r"secret|gazetteer\.csv|floor/boundaries\.(json|parquet)", Part.LAKE, Guard.CHECKSUM,
         "the secret, the own gazetteer, boundaries"),
        (r"sharing_memory/[0-9a-f]{64}", Part.LAKE, Guard.OWN, "what earlier releases made of sensitive records"),
        (r"run_(reads|results)/.*\.parquet", Part.LAKE, Guard.CHECKSUM, "what runs read and gave"),
        (r"releases/(release|base)-[^/]+\.duckdb", Part.RELEASE, Guard.OWN, "releases"),
        (r"releases/CURRENT", Part.RELEASE, Guard.CHECKSUM, "the pointer to the current release"),
    )
)  # fmt: skip
"""All kinds; the first that fits counts."""

_RULES: Final = re.compile(r"sharing_(rules|consents|labels)\.csv")
_UPLOAD: Final = re.compile(rf"[0-9a-f]{{64}}(\.[a-z]+|\.\d+{re.escape(survey_files.TAKEN)}\w*)?")


def kind_of(name: str) -> FileKind | None:
    """Return the kind of a file by its path below the installation's folder; None where there is none."""
    found = next((kind for kind in KINDS if re.fullmatch(kind.pattern, name)), None)
    if found is not None and "uploads/" in found.pattern and found.guard is Guard.OWN:
        return found if _UPLOAD.fullmatch(name.rsplit("/", 1)[-1]) else None
    return found


def unknown(data: Path) -> tuple[dict[str, Path], list[Fault]]:
    """Look at the name of every file.

    Returns
    -------
    guarded : dict of str to Path
        Those of a kind that has checksums, by their paths below the installation's folder.
    faults : list of Fault
        Those of no kind.
    """
    guarded, faults = {}, []
    for path in sorted(data.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            continue
        name = path.relative_to(data).as_posix()
        kind = kind_of(name)
        if _RULES.fullmatch(name):
            problem = "it is no part of an installation any more: sharing rules stand in the registry"
            faults.append(Fault(name, problem, f"`biodata rules import {name}` if it is to hold, then remove it"))
        elif kind is None or path.is_symlink():
            faults.append(Fault(name, "no file of an installation is called so", "look what it is, and remove it"))
        elif kind.guard is Guard.CHECKSUM:
            guarded[name] = path
    return guarded, faults


def checked(data: Path, name: str, checksum: Checksum, known: Mapping[str, Checksum]) -> Fault | None:
    """Return what is wrong with a file that has a checksum of its own; a derived one may be missing."""
    path, kind = data / name, kind_of(name)
    derived = kind is not None and kind.part is Part.DERIVED
    if not path.is_file():
        return None if derived else Fault(name, "it is missing", RESTORE)
    if name == f"{folders.SERVICE}/{audit.FILE}":
        good = _begins(path, checksum)
    else:
        before = known.get(f"{name}{checksums.BEFORE}")
        good = digest(path).sha256 in {checksum.sha256, before.sha256 if before is not None else checksum.sha256}
    return None if good else Fault(name, "it is not as it was written", "remove this file" if derived else RESTORE)


def _begins(path: Path, checksum: Checksum) -> bool:
    """Return whether a file that only grows begins as it was when its checksum was put down."""
    with path.open("rb") as file:
        return (
            hashlib.sha256(file.read(checksum.bytes)).hexdigest() == checksum.sha256 and file.tell() == checksum.bytes
        )


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
class CataloguedFile:
    """What the catalogue tells of a file: its size, and its rows where it counts them."""

    bytes: int
    rows: int | None


def catalogue(data: Path, known: Mapping[str, Checksum]) -> tuple[dict[str, CataloguedFile], list[Fault]]:
    """Check the lake's catalogue; the caller holds the writer's lock, and this process has no lake open.

    Returns
    -------
    needed : dict of str to CataloguedFile
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
    checksum = known.get(path.name)
    if checksum is not None and checksum.version is not None:
        if checksum.version > version:
            problems.append(f"it is at version {version} and was at {checksum.version}: commits are lost")
        elif checksum.version == version and digest(path).sha256 != checksum.sha256:
            problems.append(f"a part of it was changed since version {version} was written")
    return (
        {f"lake/{name}": CataloguedFile(size or 0, rows) for name, size, rows in files},
        [Fault(path.name, problem, RESTORE) for problem in problems],
    )


def shared_files(lake: Lake) -> tuple[dict[str, CataloguedFile], list[Fault]]:
    """Check that a shared storage has every file that any version needs, as large as it was written.

    The caller holds the writer's lock. What is in them the storage guards itself; it keeps a checksum of each.

    Returns
    -------
    needed : dict of str to CataloguedFile
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
    return {f"lake/{name}": CataloguedFile(size or 0, None) for name, size in needed.items()}, faults


def sealed(data: Path, known: Mapping[str, Checksum]) -> bool:
    """Return whether the catalogue's present version has a checksum."""
    checksum = known.get(checksums.SEALED)
    return checksum is not None and checksum.version == checksums.version(data)


def files(
    data: Path, needed: Mapping[str, CataloguedFile], known: Mapping[str, Checksum], recorded: list[str], *,
    progress: bool, recording: bool = True,
) -> list[Fault]:  # fmt: skip
    """Check the lake's files; one without a checksum is read through and has one from now on.

    Parameters
    ----------
    data : Path
        The installation's folder.
    needed : mapping of str to CataloguedFile
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
    for name, reported in tqdm(sorted(needed.items()), desc="lake", unit="file", disable=not progress):
        problem = _file(data / name, reported, known.get(name))
        if problem is not None:
            faults.append(Fault(name, problem, RESTORE))
        elif name not in known:
            new[name] = data / name
    if new and recording:
        checksums.record(data, new)
        recorded += new
    return faults


def _file(path: Path, reported: CataloguedFile, known: Checksum | None) -> str | None:
    """Return what is wrong with a file of the lake."""
    if not path.is_file():
        return "it is missing"
    size = path.stat().st_size
    expected = known.bytes if known is not None else reported.bytes or size
    if size != expected or (reported.bytes and size != reported.bytes):
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
    if reported.rows is not None and rows != reported.rows:
        return f"it has {rows} rows, and the catalogue counts {reported.rows}"
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
