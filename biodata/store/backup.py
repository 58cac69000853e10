"""Backups: every file of an installation with its checksum, and the way back at any path."""

import hashlib
import json
import logging
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import Any, Final

from tqdm.auto import tqdm

from biodata.core.errors import InputError, StoreError
from biodata.core.settings import Settings
from biodata.store import audit, checksums, folders
from biodata.store.checksums import Checksum, digest
from biodata.store.cluster import cluster_of
from biodata.store.lake import Lake
from biodata.store.locks import builders_lock, sync_file, sync_folder, writers_lock
from biodata.store.registry import Registry
from biodata.store.staging import WorkFolder

_LIST: Final = "backup-"


class BackupFolder:
    """Backups in a folder: ``objects/<first two>/<SHA-256>``, each content once, and a list ``backup-<time>.json`` for each.

    A list comes last: an interrupted backup has none, and those before it stay whole.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def has(self, checksum: Checksum) -> bool:
        """Return whether a content is there."""
        path = self.folder / _object(checksum.sha256)
        return path.is_file() and path.stat().st_size == checksum.bytes

    def put(self, path: Path, checksum: Checksum) -> None:
        """Add a content, durably, and make sure that it arrived."""
        target = self.folder / _object(checksum.sha256)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        unnamed = target.with_suffix(".part")
        shutil.copyfile(path, unnamed)
        unnamed.chmod(0o600)
        sync_file(unnamed)
        if digest(unnamed).sha256 != checksum.sha256:
            message = f"{path.name} changed while it was copied"
            raise StoreError(message)
        unnamed.replace(target)
        sync_folder(target.parent)

    def write_list(self, name: str, facts: dict[str, Any]) -> None:
        """Add the list of a backup; it counts from then on."""
        unnamed = self.folder / f"{name}.part"
        unnamed.write_bytes(_encode(facts))
        unnamed.chmod(0o600)
        sync_file(unnamed)
        unnamed.rename(self.folder / name)
        sync_folder(self.folder)

    def read_list(self, name: str | None) -> tuple[str, dict[str, Any]]:
        """Return the name and content of a list, the newest where none is named."""
        names = sorted(path.name for path in self.folder.glob(f"{_LIST}*.json"))
        chosen = _choose(names, name, self.folder)
        return chosen, _decode((self.folder / chosen).read_bytes(), chosen)

    def open(self, sha256: str) -> BufferedReader:
        """Open a content for reading."""
        return (self.folder / _object(sha256)).open("rb")


def forget_older(folder: Path, *, keep: str) -> int:
    """Remove every backup of a folder but one, with the contents that only they have; return how many files went."""
    kept = BackupFolder(folder).read_list(keep)[1]
    wanted = {_object(entry["sha256"]) for entry in kept["files"].values()}
    removed = 0
    # Lists first: a backup whose list is there is whole.
    for path in [*folder.glob(f"{_LIST}*.json"), *folder.glob("objects/*/*")]:
        if path.name != keep and path.relative_to(folder).as_posix() not in wanted:
            path.unlink()
            removed += 1
    sync_folder(folder)
    return removed


def _object(sha256: str) -> str:
    return f"objects/{sha256[:2]}/{sha256}"


def _choose(names: list[str], name: str | None, place: Path) -> str:
    """Return the list that was named, or the newest."""
    if name is not None and name in names:
        return name
    if name is None and names:
        return names[-1]
    problem = "there is no such backup" if names else "there is no finished backup in it"
    raise InputError(problem, file=str(place), value=name, expected=f"one of {', '.join(names)}" if names else None)


def _encode(facts: dict[str, Any]) -> bytes:
    """Return a list with its own checksum."""
    text = json.dumps(facts, sort_keys=True)
    return json.dumps({"sha256": hashlib.sha256(text.encode()).hexdigest(), "backup": facts}, sort_keys=True).encode()


def _decode(content: bytes, name: str) -> dict[str, Any]:
    """Read a list, and make sure that it is as it was written."""
    try:
        facts = json.loads(content)
        backup: dict[str, Any] = facts["backup"]
        sound = facts["sha256"] == hashlib.sha256(json.dumps(backup, sort_keys=True).encode()).hexdigest()
    except (ValueError, KeyError, TypeError) as error:
        message = f"{name} is damaged; take another backup"
        raise StoreError(message) from error
    if not sound:
        message = f"{name} is not as it was written; take another backup"
        raise StoreError(message)
    return backup


logger = logging.getLogger(__name__)

_FORMAT: Final = 1
_OF_SERVICE: Final = f"{folders.SERVICE}/{checksums.FILE}"
_HEADS: Final = f"{folders.SERVICE}/{audit.FILE}"
_DATABASES: Final = (folders.REGISTRY, checksums.SEALED, checksums.FILE, _OF_SERVICE)
_AT_ONE_MOMENT: Final = (*_DATABASES, _HEADS)
_LEFT_OUT: Final = frozenset({"staging", "tmp", "run"})
"""What is under way, and what is made again when it is asked for."""
_LEFT_OUT_ENDS: Final = (".lock", ".use", "-wal", "-shm", ".tmp", ".part")


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What a backup holds.

    Attributes
    ----------
    name : str
        The name of its list.
    snapshot : int
        The lake's version.
    files, bytes : int
        What it holds.
    copied, copied_bytes : int
        What was not there already.
    """

    name: str
    snapshot: int
    files: int
    bytes: int
    copied: int
    copied_bytes: int

    def as_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return asdict(self)


def backup(settings: Settings, out: Path, *, progress: bool = False) -> BackupReport:
    """Copy an installation; into a folder that holds backups already, only what is new.

    Both catalogues are copied as they are at one moment, under the builder's and the writer's locks, with the list of
    every file and its checksum. A folder gets the bulk before the locks are taken. A file that is not as it was
    written is stated, and the backups before stay.

    Parameters
    ----------
    settings : Settings
        The installation.
    out : Path
        The backups' folder, made when needed.
    progress : bool
        Show a progress bar.

    Raises
    ------
    InputError
        If it lies inside the installation.
    StoreError
        If there is no installation, its registry lies elsewhere, a file is damaged, or there is no room.
    """
    data = settings.data
    if cluster_of(data) is not None:
        message = "the lake is shared: back up its database with pg_dump, then its bucket with the storage's own tools"
        raise StoreError(message)
    if not (data / checksums.SEALED).is_file():
        message = f"{data} holds no lake; name the installation's folder with --data"
        raise StoreError(message)
    if settings.registry_url is not None:
        message = "the registry lies in another database; back both up at one time with that database's own tools"
        raise StoreError(message)
    if out.resolve().is_relative_to(data.resolve()):
        problem = "a backup inside the installation is none"
        raise InputError(problem, value=str(out), expected="another folder, better on another disk")
    try:
        out.mkdir(parents=True, exist_ok=True, mode=0o700)
        place = BackupFolder(out)
        _copy(place, _files(data, lasting=True), checksums.read(data), progress=progress, moving=True)
        with builders_lock(data), writers_lock(data), WorkFolder(data / "staging") as work:
            copies = _copy_databases(data, work.folder)
            snapshot = checksums.version(data)
            sources = {**_files(data), **copies}
            of_service = checksums.read(folders.service(data)).items()
            known = checksums.read(data) | {f"{folders.SERVICE}/{name}": checksum for name, checksum in of_service}
            known = {name: checksum for name, checksum in known.items() if name not in copies}
            listed, copied = _copy(place, sources, known, progress=progress)
            files = {
                name: {"bytes": checksum.bytes, "sha256": checksum.sha256, "mode": sources[name].stat().st_mode & 0o777}
                for name, checksum in listed.items()
            }
        created = datetime.now(UTC)
        name = f"backup-{created:%Y%m%dT%H%M%S.%fZ}.json"
        checksum = {"format": _FORMAT, "created": created.isoformat(), "snapshot": snapshot, "files": files}
        place.write_list(name, checksum)
    except (OSError, sqlite3.Error) as error:
        message = f"no backup was made, those before it stay: {error}"
        raise StoreError(message) from error
    sizes = [checksum.bytes for checksum in listed.values()]
    logger.info("backup %s of lake %d: %d files, %d of them new", name, snapshot, len(listed), len(copied))
    new = sum(listed[path].bytes for path in copied)
    return BackupReport(name, snapshot, len(listed), sum(sizes), len(copied), new)


def restore(source: Path, data: Path, *, name: str | None = None, progress: bool = False) -> BackupReport:
    """Make an installation of a backup, at any path; every content is verified before anything is written.

    Parameters
    ----------
    source : Path
        The backups' folder.
    data : Path
        The installation's folder: absent or empty.
    name : str, optional
        The list of the backup; the newest where none is given.
    progress : bool
        Show a progress bar.

    Raises
    ------
    InputError
        If the folder is not empty, or there is no such backup.
    StoreError
        If a file of the backup is missing or damaged, or there is no room; then nothing is written.
    """
    if data.exists() and (not data.is_dir() or any(data.iterdir())):
        problem = "the folder is not empty"
        raise InputError(problem, value=str(data), expected="a new one: nothing is ever restored over something")
    unnamed = data.with_name(f"{data.name}.restoring")
    if not source.is_dir():
        problem = "there is no backup"
        raise InputError(problem, file=str(source), expected="the folder that `biodata backup` wrote")
    place = BackupFolder(source)
    name, facts = place.read_list(name)
    if facts["format"] != _FORMAT:
        message = f"{name} was made by another biodata (format {facts['format']})"
        raise StoreError(message)
    files: dict[str, dict[str, Any]] = facts["files"]
    _check(place, name, files, progress=progress)
    try:
        data.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(unnamed, ignore_errors=True)
        unnamed.mkdir(mode=0o700)
        for path, entry in tqdm(files.items(), desc="restore", unit="file", disable=not progress):
            _write(place, unnamed / path, entry)
        _settle(unnamed, facts["snapshot"])
        unnamed.replace(data)
        sync_folder(data.parent)
    except (OSError, StoreError) as error:
        shutil.rmtree(unnamed, ignore_errors=True)
        message = f"nothing was restored: {error}"
        raise StoreError(message) from error
    size = sum(entry["bytes"] for entry in files.values())
    return BackupReport(name, facts["snapshot"], len(files), size, len(files), size)


def _check(place: BackupFolder, name: str, files: Mapping[str, Mapping[str, Any]], *, progress: bool) -> None:
    """Make sure that every content of a backup is there and as it was written.

    Raises
    ------
    StoreError
        With the names of those that are not.
    """
    damaged = []
    for path, entry in tqdm(files.items(), desc="verify", unit="file", disable=not progress):
        parts = PurePosixPath(path).parts
        if not parts or path.startswith("/") or ".." in parts:
            message = f"{name} names a file outside the installation: {path!r}"
            raise StoreError(message)
        try:
            with place.open(entry["sha256"]) as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            found = ""
        if found != entry["sha256"]:
            damaged.append(path)
    if damaged:
        shown = ", ".join(damaged[:5]) + (f" and {len(damaged) - 5} more" if len(damaged) > 5 else "")
        message = f"{name} is damaged, nothing was restored: {shown}; take another backup"
        raise StoreError(message)


def _write(place: BackupFolder, target: Path, entry: Mapping[str, Any]) -> None:
    """Write a file of an installation, durably."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with place.open(entry["sha256"]) as source, target.open("wb") as file:
        shutil.copyfileobj(source, file, 1 << 20)
    target.chmod(entry["mode"])
    sync_file(target)


def _settle(data: Path, snapshot: int) -> None:
    """Open what was restored, and settle what was under way when it was copied."""
    with Lake.open(data) as lake, Registry.open(Settings(data=data, registry_url=None)) as registry:
        registry.reconcile(lake)
        found, broken = lake.snapshot(), registry.first_broken_audit_entry()
    if found != snapshot:
        message = f"the lake is at version {found}, and the backup was made of {snapshot}"
        raise StoreError(message)
    if broken is not None:
        message = f"audit entry {broken} of the registry was changed before the backup was made"
        raise StoreError(message)


def _copy_databases(data: Path, folder: Path) -> dict[str, Path]:
    """Copy the SQLite files, each as it is at one moment; whoever uses the registry goes on."""
    copies = {}
    # Before the registry, which only grows: a head is of an entry that the copy has.
    (folder / folders.SERVICE).mkdir()
    if (data / _HEADS).is_file():
        copies[_HEADS] = folder / _HEADS
        shutil.copyfile(data / _HEADS, copies[_HEADS])
    for name in _DATABASES:
        if (data / name).is_file():
            copies[name] = folder / name
            with closing(sqlite3.connect(data / name)) as source, closing(sqlite3.connect(copies[name])) as target:
                source.backup(target)
    # A copy says the same, and not in the same bytes: its checksum is its own.
    found = digest(copies[checksums.SEALED])
    checksums.write(folder, {checksums.SEALED: Checksum(found.bytes, found.sha256, checksums.version(data))})
    copies[checksums.FILE] = folder / checksums.FILE
    if folders.REGISTRY in copies:
        state = checksums.registry_state(copies[folders.REGISTRY])
        checksums.write(folder / folders.SERVICE, {checksums.REGISTRY: state} if state is not None else {})
        copies[_OF_SERVICE] = folder / _OF_SERVICE
        if _HEADS in copies:
            checksums.seal_start(folder / folders.SERVICE, copies[_HEADS])
    return copies


def _files(data: Path, *, lasting: bool = False) -> dict[str, Path]:
    """Return the files of an installation that are worth keeping, but for the SQLite files; or those that never change."""
    roots = [data / "lake", data / "releases"] if lasting else [data]
    found = {}
    for path in (path for root in roots for path in sorted(root.rglob("*"))):
        inside = path.relative_to(data)
        name = inside.as_posix()
        under_way = inside.parts[inside.parts[0] == folders.SERVICE :][:1]
        left_out = (under_way and under_way[0] in _LEFT_OUT) or name in _AT_ONE_MOMENT or name.endswith(_LEFT_OUT_ENDS)
        if not left_out and path.is_file():
            found[name] = path
    return found


def _copy(
    place: BackupFolder, sources: Mapping[str, Path], known: Mapping[str, Checksum], *, progress: bool,
    moving: bool = False,
) -> tuple[dict[str, Checksum], list[str]]:  # fmt: skip
    """Copy what is not there yet.

    Parameters
    ----------
    place : BackupFolder
        Where to.
    sources : mapping of str to Path
        The files.
    known : mapping of str to Checksum
        The checksums that were put down.
    progress : bool
        Show a progress bar.
    moving : bool
        True while files may go; only those with a checksum are copied then.

    Returns
    -------
    listed : dict of str to Checksum
        Of every file.
    copied : list of str
        The files that were not there.

    Raises
    ------
    StoreError
        If a file is not as it was written.
    """
    listed: dict[str, Checksum] = {}
    copied = []
    for name, path in tqdm(sources.items(), desc="backup", unit="file", disable=not progress):
        checksum = known.get(name)
        if moving and (checksum is None or not path.exists()):
            continue
        if checksum is not None and place.has(checksum) and path.stat().st_size == checksum.bytes:
            listed[name] = checksum
            continue
        try:
            found = digest(path)
            if checksum is not None and found.sha256 != checksum.sha256:
                message = f"{name} is not as it was written; run `biodata verify`"
                raise StoreError(message)
            if not place.has(found):
                place.put(path, found)
                copied.append(name)
        except FileNotFoundError:
            if not moving:
                raise
            continue
        listed[name] = found
    return listed, copied
