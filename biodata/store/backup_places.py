"""Where a backup is kept: a folder that grows by what is new, or one file.

Either holds ``objects/<first two>/<SHA-256>``, each content once, and a list ``backup-<time>.json`` for each backup. A
list comes last: an interrupted backup has none, and those before it stay whole.
"""

import hashlib
import io
import json
import shutil
import tarfile
from io import BufferedReader
from pathlib import Path
from typing import Any, Final, Protocol, cast

from biodata.errors import InputError, StoreError
from biodata.store.checksums import Checksum, digest
from biodata.store.locks import sync_file, sync_folder

_LIST: Final = "backup-"


class BackupPlace(Protocol):
    """Where backups are kept."""

    def has(self, told: Checksum) -> bool:
        """Tell whether a content is there."""

    def put(self, path: Path, told: Checksum) -> None:
        """Add a content, durably."""

    def write_list(self, name: str, told: dict[str, Any]) -> None:
        """Add the list of a backup; it counts from then on."""

    def read_list(self, name: str | None) -> tuple[str, dict[str, Any]]:
        """Return the name and content of a list, the newest where none is named."""

    def open(self, sha256: str) -> BufferedReader:
        """Open a content for reading."""

    def close(self) -> None:
        """Let go of the place."""


class BackupFolder:
    """Backups in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def has(self, told: Checksum) -> bool:
        """Tell whether a content is there."""
        path = self.folder / _object(told.sha256)
        return path.is_file() and path.stat().st_size == told.bytes

    def put(self, path: Path, told: Checksum) -> None:
        """Add a content, durably, and make sure that it arrived."""
        target = self.folder / _object(told.sha256)
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        unnamed = target.with_suffix(".part")
        shutil.copyfile(path, unnamed)
        unnamed.chmod(0o600)
        sync_file(unnamed)
        if digest(unnamed).sha256 != told.sha256:
            message = f"{path.name} changed while it was copied"
            raise StoreError(message)
        unnamed.replace(target)
        sync_folder(target.parent)

    def write_list(self, name: str, told: dict[str, Any]) -> None:
        """Add the list of a backup; it counts from then on."""
        unnamed = self.folder / f"{name}.part"
        unnamed.write_bytes(_encode(told))
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

    def close(self) -> None:
        """Let go of the folder."""


class BackupFile:
    """One backup in a tar file, written under another name until its list is in it."""

    def __init__(self, path: Path, *, write: bool) -> None:
        self.path = path
        self._unnamed = path.with_name(f"{path.name}.part")
        self._written: set[str] = set()
        try:
            self._tar = tarfile.open(self._unnamed, "w") if write else tarfile.open(path, "r:")  # noqa: SIM115 - see close
        except tarfile.TarError as error:
            problem = "the file is no backup"
            raise InputError(problem, file=str(path), expected="what `biodata backup` wrote") from error
        if write:
            self._unnamed.chmod(0o600)

    def has(self, told: Checksum) -> bool:
        """Tell whether a content is there."""
        return told.sha256 in self._written

    def put(self, path: Path, told: Checksum) -> None:
        """Add a content."""
        entry = tarfile.TarInfo(_object(told.sha256))
        entry.size, entry.mode = told.bytes, 0o600
        with path.open("rb") as file:
            self._tar.addfile(entry, file)
        self._written.add(told.sha256)

    def write_list(self, name: str, told: dict[str, Any]) -> None:
        """Add the list, and give the file its name; a file of that name is replaced."""
        content = _encode(told)
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(content), 0o600
        self._tar.addfile(entry, io.BytesIO(content))
        self._tar.close()
        sync_file(self._unnamed)
        self._unnamed.replace(self.path)
        sync_folder(self.path.parent)

    def read_list(self, name: str | None) -> tuple[str, dict[str, Any]]:
        """Return the name and content of the list."""
        try:
            names = sorted(found for found in self._tar.getnames() if found.startswith(_LIST))
        except tarfile.TarError as error:
            message = f"{self.path.name} is damaged: {error}"
            raise StoreError(message) from error
        chosen = _choose(names, name, self.path)
        with self._member(chosen) as file:
            return chosen, _decode(file.read(), chosen)

    def open(self, sha256: str) -> BufferedReader:
        """Open a content for reading."""
        return self._member(_object(sha256))

    def close(self) -> None:
        """Close the file; one that has no list goes."""
        self._tar.close()
        self._unnamed.unlink(missing_ok=True)

    def _member(self, name: str) -> BufferedReader:
        try:
            found = self._tar.extractfile(name)
        except (KeyError, tarfile.TarError) as error:
            raise FileNotFoundError(name) from error
        if found is None:
            raise FileNotFoundError(name)
        return cast("BufferedReader", found)


def place_to_write(out: Path) -> BackupPlace:
    """Return the place of a backup to make: one file where the name ends in .tar, else a folder, made when needed."""
    if out.suffix == ".tar":
        out.parent.mkdir(parents=True, exist_ok=True)
        return BackupFile(out, write=True)
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    return BackupFolder(out)


def place_to_read(source: Path) -> BackupPlace:
    """Return the place of a backup that is there.

    Raises
    ------
    InputError
        If it is none.
    """
    if source.is_dir():
        return BackupFolder(source)
    if source.is_file():
        return BackupFile(source, write=False)
    problem = "there is no backup"
    raise InputError(problem, file=str(source), expected="the folder or file that `biodata backup` wrote")


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


def _encode(told: dict[str, Any]) -> bytes:
    """Return a list with its own checksum."""
    text = json.dumps(told, sort_keys=True)
    return json.dumps({"sha256": hashlib.sha256(text.encode()).hexdigest(), "backup": told}, sort_keys=True).encode()


def _decode(content: bytes, name: str) -> dict[str, Any]:
    """Read a list, and make sure that it is as it was written."""
    try:
        told = json.loads(content)
        backup: dict[str, Any] = told["backup"]
        sound = told["sha256"] == hashlib.sha256(json.dumps(backup, sort_keys=True).encode()).hexdigest()
    except (ValueError, KeyError, TypeError) as error:
        message = f"{name} is damaged; take another backup"
        raise StoreError(message) from error
    if not sound:
        message = f"{name} is not as it was written; take another backup"
        raise StoreError(message)
    return backup
