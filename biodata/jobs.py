"""The table-backed queue of work that no API worker does itself: names and arguments in, leases out."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import or_, select, update

from biodata.errors import StoreError
from biodata.store.models import Job
from biodata.store.registry import Registry

logger = logging.getLogger(__name__)

LEASE_S = 120
"""Seconds that a claimed job belongs to its worker without a sign of life."""

ATTEMPTS = 3
"""Times a job is claimed before it counts as failed."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that a worker holds.

    Attributes
    ----------
    id : int
        The job's number.
    name : str
        What is to be done.
    arguments : dict
        With what.
    attempt : int
        1 at the first try.
    worker : str
        Who holds it.
    """

    id: int
    name: str
    arguments: dict[str, Any]
    attempt: int
    worker: str


def enqueue(registry: Registry, name: str, arguments: Mapping[str, Any]) -> int:
    """Put a job into the queue and return its number."""
    with registry.session() as session, session.begin():
        job = Job(name=name, arguments=dict(arguments), state="queued", attempts=0, created=_now())
        session.add(job)
        session.flush()
        return job.id


def claim(registry: Registry, worker: str, *, names: list[str], lease_s: int = LEASE_S) -> Claim | None:
    """Take the oldest job that waits, or whose worker has fallen silent; None where there is none.

    Parameters
    ----------
    worker : str
        Who takes it.
    names : list of str
        The jobs that this worker can do.
    lease_s : int
        Seconds until somebody else may take it, without a sign of life.
    """
    now = _now()
    due = or_(Job.state == "queued", (Job.state == "running") & (Job.lease_until < now))
    with registry.session() as session, session.begin():
        exhausted = session.scalars(select(Job).where(due, Job.attempts >= ATTEMPTS)).all()
        for job in exhausted:
            job.state, job.error, job.finished = "failed", f"given up after {ATTEMPTS} attempts", now
        found = session.scalar(
            select(Job.id).where(due, Job.attempts < ATTEMPTS, Job.name.in_(names)).order_by(Job.id).limit(1)
        )
        if found is None:
            return None
        taken = session.execute(
            update(Job)
            .where(Job.id == found, due)
            .values(
                state="running", worker=worker, lease_until=now + timedelta(seconds=lease_s), attempts=Job.attempts + 1
            )
        )
        if taken.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE's result counts its rows
            return None
        job = session.get_one(Job, found, populate_existing=True)
        return Claim(job.id, job.name, dict(job.arguments), job.attempts, worker)


def keep(registry: Registry, held: Claim, *, progress: float | None = None, lease_s: int = LEASE_S) -> None:
    """Give a sign of life: prolong the lease and tell how far the work is (0-1).

    Raises
    ------
    StoreError
        If the job belongs to somebody else by now.
    """
    values: dict[str, Any] = {"lease_until": _now() + timedelta(seconds=lease_s)}
    if progress is not None:
        values["progress"] = progress
    _change(registry, held, values)


def finish(registry: Registry, held: Claim, result: Mapping[str, Any]) -> None:
    """Put down what came out."""
    _change(registry, held, {"state": "done", "result": dict(result), "progress": 1.0, "finished": _now()})


def fail(registry: Registry, held: Claim, error: str) -> None:
    """Put down that it cannot be done."""
    _change(registry, held, {"state": "failed", "error": error, "finished": _now()})


def _change(registry: Registry, held: Claim, values: Mapping[str, Any]) -> None:
    """Change the job as long as this claim still holds it."""
    with registry.session() as session, session.begin():
        changed = session.execute(
            update(Job)
            .where(Job.id == held.id, Job.state == "running", Job.worker == held.worker, Job.attempts == held.attempt)
            .values(**values)
        )
        if changed.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE's result counts its rows
            message = f"job {held.id} ({held.name}) is no longer held by worker {held.worker}"
            raise StoreError(message)


def _now() -> datetime:
    """Return the present time in UTC."""
    return datetime.now(UTC)
