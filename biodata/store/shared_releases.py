"""Releases on shared storage: whoever makes them puts the files there, each API machine keeps files of its own.

The storage is made equal to the folder of releases: files by their SHA-256, and ``releases/CURRENT``, which names them.
A machine that serves makes its folder equal to that again. Both can be done twice, or begun and never ended.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Final

from biodata.core.errors import StoreError
from biodata.store import checksums, pointer
from biodata.store.cluster import Storage, cluster_of
from biodata.store.locks import file_lock, sync_folder
from biodata.store.pointer import Named, Pointer

logger = logging.getLogger(__name__)

_FOLDER: Final = "releases"
_CURRENT: Final = f"{_FOLDER}/CURRENT"


class NotSharedError(StoreError):
    """A release was made, and machines that serve do not have it yet."""


def share(data: Path) -> None:
    """Make the storage that an installation shares equal to its folder of releases; nothing where it shares none.

    The caller holds the builder's lock. New files come first, then the pointer, and what it names no more goes last.

    Raises
    ------
    NotSharedError
        If the storage does not take them; called again it goes on.
    """
    shared, stated_pointer = cluster_of(data), pointer.read(data)
    if shared is None or stated_pointer is None:
        return
    try:
        _share(data, shared.storage, stated_pointer)
    except (OSError, StoreError) as error:
        message = f"release {stated_pointer.current.id} is not on the storage yet, run `biodata release` again: {error}"
        raise NotSharedError(message) from error


def _share(data: Path, storage: Storage, stated_pointer: Pointer) -> None:
    known = checksums.read(data)
    named = {}
    for path in _files(data):
        entry = known.get(path.relative_to(data).as_posix()) or checksums.digest(path)
        named[path.name] = entry.sha256
    there = storage.sizes(_FOLDER)
    for name, sha256 in named.items():
        if _stored(sha256) not in there:
            storage.put(pointer.folder(data) / name, _stored(sha256))
    content = json.dumps({**asdict(stated_pointer), "files": named}, sort_keys=True).encode()
    if storage.read(_CURRENT) != content:
        storage.put_bytes(content, _CURRENT)
        logger.info("release %s is on the shared storage", stated_pointer.current.id)
    for name in there.keys() - {_CURRENT, *map(_stored, named.values())}:
        storage.remove(name)


def follow(data: Path, storage: Storage) -> str | None:
    """Make the folder of releases of a machine that serves equal to the shared storage.

    Files come first, each held against its SHA-256; then the pointer is swapped, and what it names no more goes last.

    Parameters
    ----------
    data : Path
        The folder of the machine.
    storage : Storage
        Where `share` put the releases; to read is enough.

    Returns
    -------
    str or None
        The id of the current release; None where nothing was changed.

    Raises
    ------
    StoreError
        If there is no release, the storage does not answer, or a file there is not as it was written.
    """
    pointer.folder(data).mkdir(parents=True, exist_ok=True)
    with file_lock(data / "releases.lock", what="the folder of releases"):
        if (content := storage.read(_CURRENT)) is None:
            message = f"{storage.address} has no release"
            raise StoreError(message)
        facts = json.loads(content)
        named: Mapping[str, str] = facts["files"]
        wanted = Pointer(Named(**facts["current"]), facts["previous"])
        known = checksums.read(data)
        changed = [name for name, sha256 in named.items() if not _has(data, name, sha256, known)]
        for name in changed:
            _fetch(data, storage, name, named[name])
        extra = [path for path in _files(data) if path.name not in named]
        if not changed and not extra and pointer.read(data) == wanted:
            return None
        pointer.write(data, wanted)
        for path in extra:
            checksums.remove(data, path)
    return wanted.current.id


def _files(data: Path) -> list[Path]:
    """Return the files of all releases and their bases."""
    return sorted([*pointer.files(data), *pointer.folder(data).glob("base-*.duckdb")])


def _stored(sha256: str) -> str:
    """Return the name of a file on the storage."""
    return f"{_FOLDER}/{sha256}.duckdb"


def _has(data: Path, name: str, sha256: str, known: Mapping[str, checksums.Checksum]) -> bool:
    """Return whether a machine has a file as it was written."""
    path = pointer.folder(data) / name
    entry = known.get(path.relative_to(data).as_posix())
    return path.is_file() and entry is not None and entry.sha256 == sha256


def _fetch(data: Path, storage: Storage, name: str, sha256: str) -> None:
    """Bring one file.

    Raises
    ------
    StoreError
        If its name is none of a release's, or its content is another.
    """
    path = pointer.folder(data) / name
    if path.parent != pointer.folder(data) or not name.startswith(("release-", "base-")):
        message = f"{storage.address} names a file that is none of a release: {name[:80]!r}"
        raise StoreError(message)
    part = path.with_suffix(".part")
    storage.fetch(_stored(sha256), part)
    found = checksums.digest(part)
    if found.sha256 != sha256:
        part.unlink()
        message = f"{name} on {storage.address} is not as it was written"
        raise StoreError(message)
    checksums.write(data, {path.relative_to(data).as_posix(): found})
    part.replace(path)
    sync_folder(path.parent)
