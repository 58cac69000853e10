"""Where the files of surveys lie: sealed in the service's folder while they wait, then beside the lake.

The service keeps what is handed in under a public key; the private one lies beside the lake, so that only the worker
can read it, and whoever gets at the service's user finds nothing of a survey that waits.
"""

import hashlib
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from biodata.core.errors import StoreError
from biodata.formats import node_keys
from biodata.store import folders
from biodata.store.locks import sync_folder
from biodata.store.models import SubmissionView

SEALED: Final = ".sealed"
PRIVATE_KEY: Final = "upload_key"
PUBLIC_KEY: Final = folders.UPLOAD_KEY
TAKEN: Final = ".taken"
SUFFIXES: Final = (".xlsx", ".xlsm", ".ods", ".xls", ".csv", ".tsv", ".txt", ".json", ".xml", ".zip")
"""Endings that a kept file may have; any other is kept as a workbook, which it will be refused as."""


def make_key(data: Path) -> None:
    """Make the pair of keys where there is none; the public one is written last, so that it is never alone."""
    private, public = data / PRIVATE_KEY, data / PUBLIC_KEY
    if public.exists():
        return
    try:
        data.mkdir(parents=True, exist_ok=True)
        from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

        secret = folders.kept(data, private, made=lambda: node_keys.new_sealing_key()[0])
        content = X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()
        folders.kept(data, public, made=lambda: content, mode=0o644)
    except OSError as error:
        message = f"the key that uploads are sealed with cannot be made: {error.strerror}; start `biodata worker` first"
        raise StoreError(message) from error


def waiting(data: Path, checksum: str) -> Path:
    """Return where the service puts an upload, sealed: under its checksum, never under its own name."""
    return folders.service(data) / "uploads" / f"{checksum}{SEALED}"


def file_kept(data: Path, checksum: str, name: str) -> Path:
    """Return where the worker keeps an upload, beside the lake, with the ending that its sender's name has."""
    ending = Path(name).suffix.lower()
    return data / "uploads" / f"{checksum}{ending if ending in SUFFIXES else '.xlsx'}"


def stripped_file(data: Path, checksum: str, submission: int) -> Path:
    """Return where the worker keeps what it took of an upload whose file holds what is never kept."""
    return data / "uploads" / f"{checksum}.{submission}{TAKEN}"


def put(data: Path, path: Path, content: bytes) -> None:
    """Seal a content into a file, durably, whole or not at all."""
    make_key(data)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, node_keys.seal([content], (data / PUBLIC_KEY).read_bytes()))


def opened(data: Path, path: Path) -> Iterator[bytes]:
    """Give what a sealed file holds, piece by piece, unless it was changed; only the owner of the installation can."""
    with path.open("rb") as file:
        yield from node_keys.unseal(file, (data / PRIVATE_KEY).read_bytes())


def digest_of(data: Path, path: Path) -> str:
    """Return the SHA-256 of what a sealed file holds."""
    digest = hashlib.sha256()
    for piece in opened(data, path):
        digest.update(piece)
    return digest.hexdigest()


def open_out(data: Path, path: Path, target: Path) -> None:
    """Write what a sealed file holds into one that is the owner's alone, whole or not at all."""
    target.parent.mkdir(mode=0o700, exist_ok=True)
    write_whole(target, opened(data, path), mode=0o600)


def write_whole(path: Path, parts: Iterable[bytes], *, mode: int = 0o660) -> None:
    """Write a file durably, whole or not at all; two that write the same at once do not meet."""
    part = path.with_name(f"{path.name}.{os.getpid()}-{os.urandom(4).hex()}.part")
    folders.write_part(part, parts, mode)
    part.replace(path)
    sync_folder(path.parent)


@dataclass(frozen=True, eq=False)
class View:
    """A submission as the rules of a hash let it out: rows with the `sides` whose reviewers see them, and counts by side."""

    occurrences: pl.DataFrame
    events: pl.DataFrame
    counts: Mapping[str, Any]
    rules_hash: str


def keep_view(session: Session, number: int, view: View) -> None:
    """Keep the view of a submission instead of the one before."""
    forget_view(session, number)
    rows = {"occurrences": _bytes(view.occurrences), "events": _bytes(view.events)}
    session.add(SubmissionView(submission_id=number, rules_hash=view.rules_hash, counts=dict(view.counts), **rows))


def read_view(session: Session, number: int) -> View | None:
    """Return the view of a submission; None where it has none, or nobody decides any more."""
    found = session.get(SubmissionView, number)
    if found is None:
        return None
    occurrences, events = (pl.read_parquet(io.BytesIO(content)) for content in (found.occurrences, found.events))
    return View(occurrences, events, found.counts, found.rules_hash)


def hash_of(session: Session, number: int) -> str | None:
    """Return the hash of the rules that let out the view of a submission; None where it has none."""
    found: str | None = session.scalar(select(SubmissionView.rules_hash).where(SubmissionView.submission_id == number))
    return found


def forget_view(session: Session, number: int) -> None:
    """Remove the view of a submission, and let nothing of it stand in free pages of the file."""
    if session.get_bind().dialect.name == "sqlite":
        session.execute(text("PRAGMA secure_delete = ON"))
    session.execute(delete(SubmissionView).where(SubmissionView.submission_id == number))


def _bytes(frame: pl.DataFrame) -> bytes:
    file = io.BytesIO()
    frame.write_parquet(file, compression="zstd")
    return file.getvalue()
