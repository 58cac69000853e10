"""The audit log for people: who did what, page by page, and whether anything of it was changed or taken out."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select

from biodata.core.errors import InputError, StoreError
from biodata.core.settings import Settings
from biodata.store import audit
from biodata.store.models import AuditEntry
from biodata.store.registry import Registry

_AT_A_TIME: Final = 1000


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are asked for; what is None asks for all.

    Attributes
    ----------
    actor, action, subject : str, optional
        Who, what, of what: exactly so.
    actions : tuple of str, optional
        One of these.
    since, until : datetime, optional
        From when, and before when; with a time zone.
    """

    actor: str | None = None
    action: str | None = None
    subject: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    actions: tuple[str, ...] | None = None


def entries(registry: Registry, wanted: Wanted, *, newest: int | None = None) -> Iterator[dict[str, Any]]:
    """Tell the entries that are asked for, the oldest first.

    Parameters
    ----------
    registry : Registry
    wanted : Wanted
    newest : int, optional
        Only so many, of the newest.

    Yields
    ------
    dict
        number, time, actor, action, subject, details, hash.
    """
    asked = select(AuditEntry)
    for column, value in (
        (AuditEntry.actor, wanted.actor), (AuditEntry.action, wanted.action), (AuditEntry.subject, wanted.subject)
    ):  # fmt: skip
        if value is not None:
            asked = asked.where(column == value)
    if wanted.actions is not None:
        asked = asked.where(AuditEntry.action.in_(wanted.actions))
    if wanted.since is not None:
        asked = asked.where(AuditEntry.time >= wanted.since)
    if wanted.until is not None:
        asked = asked.where(AuditEntry.time < wanted.until)
    if newest is not None:
        last = asked.with_only_columns(AuditEntry.id).order_by(AuditEntry.id.desc()).limit(newest)
        asked = select(AuditEntry).where(AuditEntry.id.in_(last))
    with registry.session(read_only=True) as session:
        rows = session.scalars(asked.order_by(AuditEntry.id).execution_options(yield_per=_AT_A_TIME))
        for entry in rows:
            yield {
                "number": entry.id, "time": entry.time.isoformat(), "actor": entry.actor, "action": entry.action,
                "subject": entry.subject, "details": entry.details, "hash": entry.hash,
            }  # fmt: skip


def head(registry: Registry) -> tuple[int, str] | None:
    """Return the newest entry's number and hash, to be noted elsewhere; None where there is no entry."""
    with registry.session(read_only=True) as session:
        found = session.execute(
            select(AuditEntry.id, AuditEntry.hash).order_by(AuditEntry.id.desc()).limit(1)
        ).one_or_none()
    return None if found is None else (found[0], found[1])


def verify(settings: Settings, registry: Registry, *, noted: str | None = None) -> int:
    """Check the whole chain, the heads beside it, and a head that was noted elsewhere.

    Parameters
    ----------
    settings : Settings
        The installation.
    registry : Registry
    noted : str, optional
        `NUMBER:HASH`, as `biodata audit head` printed it once.

    Returns
    -------
    int
        How many entries there are.

    Raises
    ------
    StoreError
        If an entry was changed or is gone, with its number.
    InputError
        If what was noted is no head.
    """
    broken = registry.first_broken_audit_entry()
    if broken is None and noted is not None:
        number, _, text = noted.partition(":")
        if not (number.isdigit() and len(number) < 19 and len(text) == 64):
            problem = "this is no head of the audit log"
            raise InputError(problem, column="head", value=noted, expected="NUMBER:HASH, as `biodata audit head` tells")
        with registry.session(read_only=True) as session:
            broken = audit.first_missing(session, {int(number): text})
    if broken is not None:
        message = (
            f"audit entry {broken} was changed or is gone; what stands from there on in {settings.data} cannot be "
            "relied on: compare it with a backup"
        )
        raise StoreError(message)
    newest = head(registry)
    return 0 if newest is None else newest[0]
