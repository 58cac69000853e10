"""The audit chain's heads: a file beside the registry, one line an entry, that only grows.

The chain tells by itself when an entry was changed, or one before another taken out; it cannot tell that its last
entries are gone. A head is written down after each transaction. Whoever wants to be sure that nobody who can write in
the folder shortened both notes the newest head elsewhere (`biodata audit head`), and asks for it later.
"""

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import event, select
from sqlalchemy.orm import Session, sessionmaker

from biodata.store.models import AuditEntry

logger = logging.getLogger(__name__)

FILE: Final = "audit_heads.txt"
_NEW: Final = "audit_heads"


def note(session: Session, entry: AuditEntry) -> None:
    """Keep an entry in mind until its transaction has ended."""
    session.info.setdefault(_NEW, []).append((entry.id, entry.hash))


def keep(sessions: "sessionmaker[Session]", data: Path) -> None:
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


def begin(session: Session, data: Path) -> None:
    """Write the heads of the entries that a new registry begins with."""
    entries = [
        (row.id, row.hash) for row in session.execute(select(AuditEntry.id, AuditEntry.hash).order_by(AuditEntry.id))
    ]
    _write(data / FILE, entries)


def read(data: Path) -> dict[int, str]:
    """Return the hash of each entry whose head is written down; nothing where there is no file.

    A line that was cut off while it was written is none: its entry is in the chain, the line after it begins anew.
    """
    try:
        lines = (data / FILE).read_text(encoding="ascii", errors="replace").splitlines()
    except FileNotFoundError:
        return {}
    found = {}
    for line in lines:
        number, _, told = line.partition(" ")
        if number.isdigit() and len(number) < 19 and len(told) == 64:
            found[int(number)] = told
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
    return min((number for number, told in heads.items() if kept.get(number) != told), default=None)


def _write(path: Path, entries: Sequence[tuple[int, str]]) -> None:
    """Add lines at the end of the file, durably; each process adds them in one piece."""
    if not entries:
        return
    text = "".join(f"\n{number} {told}" for number, told in entries)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)
    try:
        os.write(descriptor, text.encode("ascii"))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
