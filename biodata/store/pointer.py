"""The pointer to today's release: one small file, swapped by a rename; the release before stays named in it."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from biodata.errors import StoreError
from biodata.store import checksums
from biodata.store.locks import sync_folder


@dataclass(frozen=True, slots=True)
class Named:
    """What the pointer tells of a release; see `releases.Release`."""

    id: str
    snapshot: int
    created: str
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Pointer:
    """The current release, and the id of the one before it."""

    current: Named
    previous: str | None


def folder(data: Path) -> Path:
    """Return the folder of the releases of an installation."""
    return data / "releases"


def path(data: Path, release_id: str) -> Path:
    """Return the file of a release."""
    return folder(data) / f"release-{release_id}.duckdb"


def stamp(data: Path) -> tuple[int, ...] | None:
    """Return what changes whenever the pointer is swapped; None where there is none."""
    try:
        found = (folder(data) / "CURRENT").stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def read(data: Path) -> Pointer | None:
    """Read the pointer; None where no release was made yet.

    Raises
    ------
    StoreError
        If it cannot be read.
    """
    try:
        told = json.loads((folder(data) / "CURRENT").read_text(encoding="utf-8"))
        return Pointer(Named(**told["current"]), told["previous"])
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        message = "releases/CURRENT names no release; run `biodata release` again"
        raise StoreError(message) from error


def swap(data: Path, release: Named, *, alone: bool = False) -> None:
    """Make a release the current one, durably; whoever reads meanwhile sees the old pointer or the new.

    Where it is to stand alone nobody can ask for the one before any more.
    """
    before = None if alone else read(data)
    # The same release again, its file made anew, keeps the one before it.
    again = before is not None and before.current.id == release.id
    previous = None if before is None else before.previous if again else before.current.id
    _write(data, Pointer(release, previous))


def forget_previous(data: Path) -> None:
    """Let the pointer name the current release alone."""
    told = read(data)
    if told is not None and told.previous is not None:
        _write(data, Pointer(told.current, None))


def _write(data: Path, pointer: Pointer) -> None:
    """Write the pointer under another name and give it its own."""
    unnamed = folder(data) / "CURRENT.tmp"
    with unnamed.open("w", encoding="utf-8") as file:
        json.dump(asdict(pointer), file)
        file.flush()
        os.fsync(file.fileno())
    checksums.put_in_place(data, unnamed, folder(data) / "CURRENT")
    sync_folder(folder(data))
