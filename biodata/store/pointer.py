"""The pointer to today's release: one small file, swapped by a rename; the release before stays named in it."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from biodata.core.errors import StoreError
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


DELTA: Final = ".delta.duckdb"
"""Ends the name of a release's file that holds what differs from another, its base."""


def path(data: Path, release_id: str) -> Path:
    """Return the file of a release: the whole one, or else that of what differs from its base."""
    whole = folder(data) / f"release-{release_id}.duckdb"
    delta = folder(data) / f"release-{release_id}{DELTA}"
    return delta if not whole.is_file() and delta.is_file() else whole


def base_path(folder: Path, release_id: str) -> Path:
    """Return the whole file that others differ from; when its own release is not kept any more it has another name."""
    named = folder / f"release-{release_id}.duckdb"
    return named if named.is_file() else folder / f"base-{release_id}.duckdb"


def files(data: Path) -> list[Path]:
    """Return the files of all releases, whole and others, without the bases of those that are not kept any more."""
    return sorted(folder(data).glob("release-*.duckdb"))


def release_of(path: Path) -> str:
    """Return the id of the release that a file is named after."""
    return path.name.removesuffix(".duckdb").removesuffix(".delta").split("-", 1)[1]


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
        content = json.loads((folder(data) / "CURRENT").read_text(encoding="utf-8"))
        return Pointer(Named(**content["current"]), content["previous"])
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
    write(data, Pointer(release, previous))


def forget_previous(data: Path) -> None:
    """Let the pointer name the current release alone."""
    pointer = read(data)
    if pointer is not None and pointer.previous is not None:
        write(data, Pointer(pointer.current, None))


def write(data: Path, pointer: Pointer) -> None:
    """Put a pointer in place of the one that there is, durably."""
    unnamed = folder(data) / "CURRENT.tmp"
    with unnamed.open("w", encoding="utf-8") as file:
        json.dump(asdict(pointer), file)
        file.flush()
        os.fsync(file.fileno())
    checksums.put_in_place(data, unnamed, folder(data) / "CURRENT")
    sync_folder(folder(data))
