"""The audit chain: each entry's hash covers its content and the hash before it."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from biodata.store import audit_heads
from biodata.store.models import AuditEntry, now

FIRST: Final = "0" * 64
"""Stands for the hash before the first entry."""


def append(session: Session, *, actor: str, action: str, subject: str, details: Mapping[str, Any]) -> AuditEntry:
    """Add an entry, inside the transaction of what it tells of.

    Two writers at once cannot both follow the same entry: the registry has one writer at a time (`store.engine`).

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
        id=last.id + 1 if last else 1,
        time=now(),
        actor=actor,
        action=action,
        subject=subject,
        details=dict(details),
        previous=last.hash if last else FIRST,
    )
    entry.hash = _hash(entry)
    session.add(entry)
    session.flush()
    audit_heads.note(session, entry)
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
    told = [
        entry.id, entry.time.isoformat(), entry.actor, entry.action, entry.subject, entry.details, entry.previous
    ]  # fmt: skip
    text = json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
