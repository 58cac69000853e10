"""What lies in an installation's folder, and who may read it: the service's processes, or its owner alone.

Three kinds of things lie there. What is published (`PUBLIC`) anybody on the machine may read. What the service's
processes write (`service`: registry, uploads on their way in, citations) belongs to the system user that they run as.
All else (the lake, what is under way, layers, secrets, reports with refused values) is private: the owner's alone. A
name that is not known here is private.
"""

import contextlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from biodata.core.errors import InputError, StoreError
from biodata.store import checksums, folders

SERVICE: Final = "service"
"""The one folder that processes of the service may write in."""
REGISTRY: Final = f"{SERVICE}/registry.sqlite"
"""The registry, where it is a SQLite file."""

CITATION_SECRET: Final = "citations"
"""The secret of the service that its group reads, too."""

PUBLIC: Final = frozenset({"releases", "downloads"})
"""Folders of published values: written by whoever has the lake, read by the service."""

UPLOAD_KEY: Final = "upload_key.pub"
"""What uploads are sealed with; the key that opens them is private."""

READ: Final = frozenset({"gazetteer.csv", "demo.json", UPLOAD_KEY})
"""Files without places of records that the service reads."""

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


@dataclass(frozen=True, slots=True)
class Wrong:
    """A file or folder that somebody can read or write who must not, or that the service cannot use.

    Attributes
    ----------
    name : str
        Below the installation's folder; ``.`` is the folder itself.
    problem : str
        What is wrong.
    """

    name: str
    problem: str


def service(data: Path) -> Path:
    """Return the folder that the service's processes write in."""
    return data / SERVICE


def results(data: Path) -> Path:
    """Return the folder of the pages of published results, which are made again after each release."""
    return service(data) / "results"


def private_reports(data: Path) -> Path:
    """Return the folder of the reports that state refused values."""
    return data / "reports"


def open_service(data: Path) -> Path:
    """Return the service's folder, made where it is missing.

    Raises
    ------
    OSError
        If it cannot be made.
    """
    folder = service(data)
    if not folder.is_dir():
        data.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o750, exist_ok=True)
    found = folder.stat()
    if found.st_uid == os.geteuid() and found.st_mode & stat.S_IRWXO:  # as when a backup was restored
        folder.chmod(stat.S_IMODE(found.st_mode) & ~stat.S_IRWXO)
    return folder


def close(data: Path) -> None:
    """Take the rights of everybody else from what is private; nothing that is another system user's, but for root."""
    for path in _private(data):
        with contextlib.suppress(FileNotFoundError):  # SQLite's -shm goes when another process is done with it
            found = path.lstat()
            mine = os.geteuid() in (0, found.st_uid)
            if mine and found.st_mode & _OTHERS and not stat.S_ISLNK(found.st_mode):
                path.chmod(stat.S_IMODE(found.st_mode) & ~_OTHERS)


def hand_over(data: Path, *, user: int, group: int) -> None:
    """Give the service's folder to the system user that it runs as; the rest stays the caller's, private things closed.

    Parameters
    ----------
    data : Path
        The installation's folder.
    user, group : int
        Numbers of the system user and its group.

    Raises
    ------
    StoreError
        If the caller may not give files away.
    """
    folder = open_service(data)
    try:
        for name in ("citations", "uploads", "staging", "tmp", "run"):
            (folder / name).mkdir(exist_ok=True)
        give(folder.resolve(), user=user, group=group, mode=_service_mode)
        close(data)
        data.chmod(0o755)
        for path in _public(data):
            path.chmod(0o755 if path.is_dir() else 0o644)
    except OSError as error:
        message = f"{data} cannot be prepared for the service's user: {error.strerror} ({error.filename})"
        raise StoreError(message) from error


def _service_mode(below: tuple[str, ...], is_folder: bool) -> int:
    """Return the mode of what lies in the service's folder."""
    if below[:1] == ("secrets",):
        return 0o750 if is_folder else 0o640 if below[-1] == CITATION_SECRET else 0o600
    # New files get the group, so that a worker of the same group can use the registry too.
    return 0o2770 if is_folder else 0o660


def wrong(data: Path) -> list[Wrong]:
    """Return what somebody else than the owner may do that only the owner may; nothing where all is well.

    Parameters
    ----------
    data : Path
        The installation's folder.
    """
    found = []
    if data.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        found.append(Wrong(".", "others may write in it, and could put a folder of theirs in the lake's place"))
    for path in _private(data):
        with contextlib.suppress(FileNotFoundError):
            mode = path.lstat().st_mode
            if not stat.S_ISLNK(mode) and mode & _OTHERS:
                found.append(Wrong(path.name, f"others than its owner may use it (mode {stat.S_IMODE(mode):04o})"))
    for path in _public(data):
        if path.lstat().st_mode & stat.S_IWOTH:
            found.append(Wrong(str(path.relative_to(data)), "everybody may write to it"))
    folder = service(data)
    if folder.is_dir() and folder.stat().st_mode & stat.S_IRWXO:
        found.append(Wrong(SERVICE, "others than the service's user may use it"))
    return found


def read_by_service(data: Path) -> None:
    """Make sure that the calling process, one of the service, can read nothing private.

    Raises
    ------
    InputError
        If it can: it runs as the owner, or a mode is wrong.
    """
    if open_to_it := [path.name for path in _private(data) if os.access(path, os.R_OK)]:
        problem = f"the service's user can read what is private: {', '.join(sorted(open_to_it)[:5])}"
        expected = "a system user that owns none of it; `biodata verify` names what others may read"
        raise InputError(problem, file=str(data), expected=expected, code="PRIVATE_READABLE")


def _private(data: Path) -> Iterator[Path]:
    """Give what is private, at the top of the folder: below a closed folder everything is closed."""
    for path in sorted(data.iterdir()) if data.is_dir() else ():
        if path.name not in PUBLIC | READ | {SERVICE}:
            yield path


def _public(data: Path) -> Iterator[Path]:
    """Give what the service reads."""
    for name in sorted(PUBLIC | READ):
        path = data / name
        if path.exists():
            yield path
            if path.is_dir():
                yield from (inside for inside in sorted(path.rglob("*")) if not inside.is_symlink())


Mode = Callable[[tuple[str, ...], bool], int]
"""Gives the mode of what lies at the parts of a path below the folder, and whether it is a folder."""


def give(folder: Path, *, user: int, group: int, mode: Mode | None = None) -> None:
    """Make a system user the owner of a folder and of all in it.

    Parameters
    ----------
    folder : Path
        Itself no link.
    user, group : int
        Numbers of the system user and its group.
    mode : function, optional
        The modes that files and folders get; without it they keep theirs.

    Raises
    ------
    OSError
        If the caller may not.

    Notes
    -----
    Everything is opened below its own folder and without following links, and then changed as it was opened: whoever
    owns the folder cannot have a file of somebody else given to them. A file of another owner with a second name may
    be such a file, and stays as it is; a link, a socket or a pipe only changes its owner.
    """
    for path, _, files, at in os.fwalk(folder, follow_symlinks=False):
        below = Path(path).relative_to(folder).parts
        found = os.fstat(at)
        _change(at, user, group, found, mode(below, True) if mode is not None else None)
        for name in files:
            found = os.stat(name, dir_fd=at, follow_symlinks=False)
            if not stat.S_ISREG(found.st_mode):
                os.chown(name, user, group, dir_fd=at, follow_symlinks=False)
                continue
            descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY, dir_fd=at)
            try:
                found = os.fstat(descriptor)
                if stat.S_ISREG(found.st_mode) and (found.st_nlink == 1 or found.st_uid == user):
                    _change(descriptor, user, group, found, mode((*below, name), False) if mode is not None else None)
            finally:
                os.close(descriptor)


def _change(descriptor: int, user: int, group: int, found: os.stat_result, mode: int | None) -> None:
    """Change the owner, then the mode: a change of owner takes the set-group bit."""
    if (found.st_uid, found.st_gid) != (user, group):
        os.fchown(descriptor, user, group)
    if mode is not None:
        os.fchmod(descriptor, mode)


_BYTES: Final = 32


def secret(data: Path) -> bytes:
    """Return the installation's secret, made at the first call; it never leaves the folder."""
    return kept(data, data / "secret")


def token_secret(data: Path) -> bytes:
    """Return what tokens are signed with; it states nothing of the installation's other secrets."""
    return _of_service(data, "tokens")


def citation_secret(data: Path) -> bytes:
    """Return what the content of citations is marked with."""
    return _of_service(data, folders.CITATION_SECRET)


def _of_service(data: Path, name: str) -> bytes:
    try:
        folder = folders.open_service(data) / "secrets"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return kept(folders.service(data), folder / name)
    except OSError as error:
        message = f"the secret of the {name} can neither be read nor made: {error.strerror}"
        raise StoreError(message) from error


def kept(data: Path, path: Path, *, made: Callable[[], bytes] = lambda: os.urandom(_BYTES), mode: int = 0o600) -> bytes:
    """Return the bytes of a file, random ones or as they are `made` where it is missing: whole before it has its name, the same for all.

    Its checksum stands among those of a folder, so that one that was lost and made anew is distinguished.
    """
    if not path.exists():
        part = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}.part")
        try:
            write_part(part, [made()], mode)
            part.chmod(mode)
            with suppress(FileExistsError):  # another process was faster
                os.link(part, path)
                if path.relative_to(data).as_posix() not in checksums.read(data):
                    checksums.record(data, {path.relative_to(data).as_posix(): path})
        finally:
            part.unlink(missing_ok=True)
    return path.read_bytes()


def write_part(part: Path, pieces: Iterable[bytes], mode: int) -> None:
    """Write a new file durably, all of it or nothing."""
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            for piece in pieces:
                file.write(piece)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        part.unlink(missing_ok=True)
        raise
