"""The audit chain: each entry's hash covers its content and the hash before it."""

import hashlib
import json
import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from sqlalchemy import event, select
from sqlalchemy.orm import Session, sessionmaker

from biodata.store.models import AuditEntry, now

FIRST: Final = "0" * 64
"""Stands for the hash before the first entry."""


def append(session: Session, *, actor: str, action: str, subject: str, details: Mapping[str, Any]) -> AuditEntry:
    """Add an entry, inside the transaction of what it tells of.

    Two writers at once cannot both follow the same entry: the registry has one writer at a time (`store.registry`).

    Parameters
    ----------
    session : Session
        Whose transaction it belongs to.
    actor, action, subject : str
        Who did what to what.
    details : mapping
        More, as JSON.
    """
    last = session.scalar(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(1))
    entry = AuditEntry(
        id=last.id + 1 if last else 1, time=now(), actor=actor, action=action, subject=subject, details=dict(details),
        previous=last.hash if last else FIRST,
    )  # fmt: skip
    entry.hash = _hash(entry)
    session.add(entry)
    session.flush()
    note_head(session, entry)
    return entry


def first_broken(session: Session) -> int | None:
    """Return the number of the first entry that was changed, or that follows a missing one; None where all is well."""
    previous, expected = FIRST, 1
    with session.scalars(select(AuditEntry).order_by(AuditEntry.id).execution_options(yield_per=1000)) as entries:
        for entry in entries:
            if entry.id != expected or entry.previous != previous or entry.hash != _hash(entry):
                return expected
            previous, expected = entry.hash, expected + 1
    return None


def _hash(entry: AuditEntry) -> str:
    """Return the SHA-256 of the entry's content and the hash before it."""
    entries = [
        entry.id, entry.time.isoformat(), entry.actor, entry.action, entry.subject, entry.details, entry.previous
    ]  # fmt: skip
    text = json.dumps(entries, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


logger = logging.getLogger(__name__)

FILE: Final = "audit_heads.txt"
_NEW: Final = "audit_heads"


def note_head(session: Session, entry: AuditEntry) -> None:
    """Keep an entry in mind until its transaction has ended."""
    session.info.setdefault(_NEW, []).append((entry.id, entry.hash))


def keep_heads(sessions: "sessionmaker[Session]", data: Path) -> None:
    """Write the heads of all sessions of a maker into a folder once their transactions are committed."""

    def committed(session: Session) -> None:
        entries = session.info.pop(_NEW, [])
        try:
            _write(data / FILE, entries)
        except OSError as error:  # what was committed stands, whatever became of its head
            logger.warning("%s was not written: %s", FILE, error.strerror)

    def rolled_back(session: Session) -> None:
        session.info.pop(_NEW, None)

    event.listen(sessions, "after_commit", committed)
    event.listen(sessions, "after_rollback", rolled_back)


def begin_heads(session: Session, data: Path) -> None:
    """Write the heads of the entries that a new registry begins with."""
    entries = [
        (row.id, row.hash) for row in session.execute(select(AuditEntry.id, AuditEntry.hash).order_by(AuditEntry.id))
    ]
    _write(data / FILE, entries)


def read_heads(data: Path) -> dict[int, str]:
    """Return the hash of each entry whose head is written down; nothing where there is no file.

    A line that was cut off while it was written is none: its entry is in the chain, the line after it begins anew.
    """
    try:
        lines = (data / FILE).read_text(encoding="ascii", errors="replace").splitlines()
    except FileNotFoundError:
        return {}
    found = {}
    for line in lines:
        number, _, text = line.partition(" ")
        if number.isdigit() and len(number) < 19 and len(text) == 64:
            found[int(number)] = text
    return found


def first_missing(session: Session, heads: Mapping[int, str]) -> int | None:
    """Return the number of the first entry that the chain no longer has as its head tells; None where all are there.

    Parameters
    ----------
    session : Session
        Of the registry.
    heads : mapping of int to str
        Hashes by number, as `read` returns them.
    """
    kept = {row.id: row.hash for row in session.execute(select(AuditEntry.id, AuditEntry.hash))}
    return min((number for number, text in heads.items() if kept.get(number) != text), default=None)


def _write(path: Path, entries: Sequence[tuple[int, str]]) -> None:
    """Add lines at the end of the file, durably; each process adds them in one piece."""
    if not entries:
        return
    text = "".join(f"\n{number} {stated}" for number, stated in entries)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    try:
        os.write(descriptor, text.encode("ascii"))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
