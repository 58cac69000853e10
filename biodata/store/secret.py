"""The installation's secrets: random bytes in files of their own, made once, readable by their owner only.

Two are the service's: what tokens are signed with, which nobody else reads, and what citations are marked with, which
the worker needs, too.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Final

from biodata.core.errors import StoreError
from biodata.store import checksums, folders

_BYTES: Final = 32


def secret(data: Path) -> bytes:
    """Return the installation's secret, made at the first call; it never leaves the folder."""
    return kept(data, data / "secret")


def token_secret(data: Path) -> bytes:
    """Return what tokens are signed with; it tells nothing of the installation's other secrets."""
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


def kept(data: Path, path: Path) -> bytes:
    """Return the random bytes of a file, made where it is missing: whole before it has its name, the same for all.

    Its checksum stands among those of a folder, so that one that was lost and made anew is told apart.
    """
    if not path.exists():
        part = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}.part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(os.urandom(_BYTES))
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):  # another process was faster
                os.link(part, path)
                if path.relative_to(data).as_posix() not in checksums.read(data):
                    checksums.record(data, {path.relative_to(data).as_posix(): path})
        finally:
            part.unlink()
    return path.read_bytes()
