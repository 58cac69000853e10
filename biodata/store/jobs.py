"""The table-backed queue of work that no API worker does itself: names and arguments in, leases out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from biodata.core.errors import JobStoppedError
from biodata.store.models import Job
from biodata.store.registry import Registry

LEASE_S = 120
"""Seconds that a claimed job belongs to its worker without a sign of life."""

ATTEMPTS = 3
"""Times a job is claimed, without getting any further, before it counts as failed."""

UNTAKEN_S = 20
"""Seconds after which a job that still waits says that nobody works: a worker that has nothing to do looks each second."""

GIVEN_UP = "given up after"
"""How the error of a job begins whose workers died each time."""


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


def enqueue(registry: Registry, name: str, arguments: Mapping[str, Any], *, priority: int = 0) -> int:
    """Put a job into the queue and return its number; a larger priority goes first."""
    with registry.session() as session, session.begin():
        return add(session, name, arguments, priority=priority)


def add(session: Session, name: str, arguments: Mapping[str, Any], *, priority: int = 0) -> int:
    """Put a job into the queue together with whatever else the session holds; return its number."""
    job = Job(
        name=name, arguments=dict(arguments), state="queued", priority=priority, attempts=0, created=_now()
    )  # fmt: skip
    session.add(job)
    session.flush()
    return job.id


def add_once(session: Session, name: str) -> int:
    """Return the number of the job of a name that is queued without arguments; put it into the queue where none is."""
    queued = select(Job).where(Job.name == name, Job.state == "queued").order_by(Job.id)
    for job in session.scalars(queued):
        if not job.arguments:
            return job.id
    return add(session, name, {})


def asked(session: Session, name: str) -> list[dict[str, Any]]:
    """Return what the jobs of a name that have not ended are asked."""
    found = session.scalars(select(Job).where(Job.name == name, Job.state.in_(("queued", "running"))))
    return [dict(job.arguments) for job in found]


def look(registry: Registry, number: int | None) -> Job | None:
    """Return a job's entry, readable after the session; None where there is none of this number."""
    if number is None:
        return None
    with registry.session(read_only=True) as session:
        return session.get(Job, number)


def cancel(registry: Registry, number: int) -> bool:
    """Cancel a job that waits or runs; whoever does it notices within seconds. False where it had ended already."""
    with registry.session() as session, session.begin():
        changed = session.execute(
            update(Job)
            .where(Job.id == number, Job.state.in_(("queued", "running")))
            .values(state="cancelled", finished=_now(), lease_until=None)
        )
        return bool(changed.rowcount)  # type: ignore[attr-defined]  # an UPDATE's result counts its rows


def withdraw(registry: Registry, number: int) -> None:
    """Take back what a job made: it counts as cancelled, although it was done."""
    with registry.session() as session, session.begin():
        session.execute(update(Job).where(Job.id == number, Job.state == "done").values(state="cancelled"))


def waiting(registry: Registry, name: str) -> int:
    """Count the jobs of a name that wait or run."""
    with registry.session(read_only=True) as session:
        counted = select(func.count()).where(Job.name == name, Job.state.in_(("queued", "running")))
        return int(session.scalar(counted) or 0)


def is_left_alone(session: Session, job: Job | None = None) -> bool:
    """Return whether a job, or any, waits although no worker has something else in hand or had a moment ago."""
    past = _now() - timedelta(seconds=UNTAKEN_S)
    if job is not None and (job.state != "queued" or job.created > past):
        return False
    at_work = select(Job.id).where((Job.state == "running") & (Job.lease_until > _now()))
    done = select(Job.id).where(Job.state.in_(("done", "failed")), Job.finished > past)
    left = select(Job.id).where(Job.state == "queued", Job.created <= past)
    return session.scalar(left.limit(1)) is not None and not any(
        session.scalar(one.limit(1)) is not None for one in (at_work, done)
    )


def claim(
    registry: Registry, worker: str, *, names: list[str], number: int | None = None, lease_s: int = LEASE_S
) -> Claim | None:
    """Take the job of the highest priority, of these the oldest, that waits or whose worker has fallen silent.

    Parameters
    ----------
    worker : str
        Who takes it.
    names : list of str
        The jobs that this worker can do.
    number : int, optional
        The only one that is wanted.
    lease_s : int
        Seconds until somebody else may take it, without a sign of life.

    Returns
    -------
    Claim or None
        None where there is none.
    """
    now = _now()
    due = or_(Job.state == "queued", (Job.state == "running") & (Job.lease_until < now))
    if number is not None:
        due &= Job.id == number
    with registry.session() as session, session.begin():
        exhausted = session.scalars(select(Job).where(due, Job.attempts >= ATTEMPTS)).all()
        for job in exhausted:
            job.state, job.error, job.finished = "failed", f"{GIVEN_UP} {ATTEMPTS} attempts", now
        found = session.scalar(
            select(Job.id)
            .where(due, Job.attempts < ATTEMPTS, Job.name.in_(names))
            .order_by(Job.priority.desc(), Job.id)
            .limit(1)
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


def keep(
    registry: Registry, held: Claim, *, progress: float | None = None, further: bool = False, lease_s: int = LEASE_S
) -> Claim:
    """Give a sign of life: prolong the lease and tell how far the work is (0-1).

    Parameters
    ----------
    held : Claim
        The job.
    progress : float, optional
        How far the work is.
    further : bool
        Part of the work is kept and need not be done again: if the worker dies now, that attempt does not count.
    lease_s : int
        Seconds until somebody else may take it, without another sign of life.

    Returns
    -------
    Claim
        The job as it is held from now on.

    Raises
    ------
    JobStoppedError
        If it was cancelled, or belongs to somebody else by now.
    """
    values: dict[str, Any] = {"lease_until": _now() + timedelta(seconds=lease_s)}
    if progress is not None:
        values["progress"] = progress
    if further:
        values["attempts"] = 1
    _change(registry, held, values)
    return replace(held, attempt=1) if further else held


def give_back(registry: Registry, held: Claim) -> None:
    """Put a job back into the queue, as if it had not been begun: its worker is to end."""
    _change(registry, held, {"state": "queued", "lease_until": None, "attempts": held.attempt - 1})


def take_from_dead(registry: Registry, workers: Callable[[str], bool]) -> int:
    """Let jobs of workers that are known to be dead be taken at once; return how many.

    Parameters
    ----------
    workers : function of a worker's name
        True where it is dead for certain.
    """
    with registry.session() as session, session.begin():
        running = session.scalars(select(Job).where(Job.state == "running", Job.worker.is_not(None))).all()
        dead = [job for job in running if workers(str(job.worker))]
        for job in dead:
            job.lease_until = _now() - timedelta(seconds=1)
        return len(dead)


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
            raise JobStoppedError(message)


def _now() -> datetime:
    """Return the present time in UTC."""
    return datetime.now(UTC)
