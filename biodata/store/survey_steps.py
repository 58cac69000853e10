"""The steps of a submission: each changes its state, its version, its history and the audit, in one transaction."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from biodata.core.errors import InputError
from biodata.store import audit, survey_files
from biodata.store.models import AcceptedProposal, Release, Submission, SubmissionEvent, now

if TYPE_CHECKING:
    from biodata.store.registry import Registry

COMMITTING: Final = "committing"  # it is being written to the lake, or is in it and that is not put down yet
COMMITTED: Final = "committed"  # all of it is in the lake; whether the map shows it the releases say
OPEN_FOR_REVIEW: Final = ("submitted", "asked")
WAITING: Final = ("draft", *OPEN_FOR_REVIEW, "accepted", COMMITTING)
"""States in which nothing of it is in the lake, and somebody decides about its rows; in all others its view is gone."""
STATES: Final = (*WAITING, COMMITTED, "published", "replaced", "removed", "refused", "withdrawn")
"""As `state_of` derives them: published, removed and replaced of those that are in the lake are stored nowhere."""
CHANGES: Final = ("new", "changed", "unchanged", "gone")  # what becomes of a published row when one is published
JOB: Final = "survey"  # the job that takes a submission further
RESULTS_JOB: Final = "survey results"  # the job that makes the pages of published results after a release
MACHINE: Final = "biodata"  # what the audit calls the worker; and the role that history tells of what it did
NO_COUNTRY: Final = "ZZ"  # the side of records that lie in no country


def step(
    session: Session, submission: Submission, action: str, *, state: str, actor: str, role: str,
    country: Sequence[str] | None = None, note: str = "",
    seen: int | None = None, details: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Take a submission a step further, from the version that was `seen`, else the one that was read in this session.

    The audit names the `actor`, the history only as what (`role`) and for which sides it was done, each in a line of its own.
    `details` must hold no value of a file. Two at once never both act on the same version: the other is refused
    (SUBMISSION_CHANGED).
    """
    before = submission.version if seen is None else seen
    session.flush()
    same = update(Submission).where(Submission.id == submission.id, Submission.version == before)
    taken = session.execute(same.values(version=before + 1, state=state, changed=now()))
    if taken.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE's result counts its rows
        raise changed_meanwhile(submission.id, before)
    session.refresh(submission)
    of_sides: Sequence[str | None] = country or [None]
    for side in of_sides:
        about = {"submission_id": submission.id, "action": action, "role": role, "country": side, "note": note}
        session.add(SubmissionEvent(**about))
    if state not in WAITING:
        survey_files.forget_view(session, submission.id)
    facts = {"dataset": submission.dataset, "country": country, **(details or {})}
    audit.append(session, actor=actor, action=f"survey {action}", subject=f"survey {submission.id}", details=facts)


def changed_meanwhile(number: int, seen: int) -> InputError:
    """Return what is stated where somebody acts on another version than there is by now."""
    problem = "it is not as it was when you looked at it, so nothing was put down: look at it again, then decide again"
    expected = f"the ETag that GET /v1/surveys/{number} answers now"
    value = f'"{number}-{seen}"'
    return InputError(problem, column="If-Match", value=value, expected=expected, code="SUBMISSION_CHANGED")


def outdated(session: Session, submission: Submission) -> None:
    """Put down that a survey is to be checked again, by a job (`JOB`) that is queued in the same transaction."""
    submission.report = submission.difference = submission.sides = None
    survey_files.forget_view(session, submission.id)
    step(session, submission, "outdated", state="draft", actor=MACHINE, role=MACHINE)


def committed(session: Session, submission: Submission, *, snapshot: int | None) -> None:
    """Put down that a submission is in the lake: the next version of its part; a second time is no news."""
    if submission.state == COMMITTED:
        return
    last = last_of(session, submission.dataset, submission.part)
    submission.part_version, submission.snapshot = 1 if last is None else (last.part_version or 0) + 1, snapshot
    facts = {"part": submission.part, "version": submission.part_version, "snapshot": snapshot}
    step(session, submission, "committed", state=COMMITTED, actor=MACHINE, role=MACHINE, details=facts)


def last_of(session: Session, dataset: str, part: str) -> Submission | None:
    """Return the last version of a part that is in the lake; None before the first."""
    every = _versions(session, dataset, part)
    return every[-1] if every else None


def state_of(session: Session, submission: Submission) -> str:
    """Return how a submission stands, of `STATES`: of one in the lake by what is current and what the map shows."""
    if submission.state != COMMITTED:
        return str(submission.state)
    released, after = session.scalar(select(func.max(Release.snapshot))), _after(session, submission)
    last = -1 if released is None else released  # what came in before it the map shows
    shown = [one for one in (submission, *after) if one.snapshot is not None and one.snapshot <= last]
    if submission not in shown:
        return "replaced" if after else COMMITTED
    if shown[-1].removes:
        return "removed"
    return "published" if shown[-1] is submission else "replaced"


def replaced_by(session: Session, submission: Submission) -> Submission | None:
    """Return the version of its part that took a submission's place in the lake; None of one that is current."""
    return next(iter(_after(session, submission)), None) if submission.part_version is not None else None


def _versions(session: Session, dataset: str, part: str) -> list[Submission]:
    own = (Submission.dataset == dataset) & (Submission.part == part) & Submission.part_version.is_not(None)
    return list(session.scalars(select(Submission).where(own).order_by(Submission.part_version)))


def _after(session: Session, submission: Submission) -> list[Submission]:
    every = _versions(session, submission.dataset, submission.part)
    return [one for one in every if (one.part_version or 0) > (submission.part_version or 0)]


def shown_since(session: Session, submission: Submission) -> str | None:
    """Return the release that first had a submission; None where none has it, or its entry is gone."""
    if submission.snapshot is None:
        return None
    has = select(Release.id).where(Release.snapshot >= submission.snapshot)
    found: str | None = session.scalar(has.order_by(Release.snapshot, Release.created).limit(1))
    return found


PREFIX: Final = "heading."


def accepted_of(registry: "Registry", dataset: str | None) -> list[str]:
    """Return what was accepted for a dataset before; nothing where none is named."""
    with registry.session(read_only=True) as session:
        return sorted(session.scalars(select(AcceptedProposal.accepted).where(AcceptedProposal.dataset == dataset)))


def decided(accepted: Iterable[str]) -> dict[str, str]:
    """Return heading → term of what was accepted; an empty term says that the column is of none."""
    entries = (one.removeprefix(PREFIX).rpartition("=") for one in accepted if one.startswith(PREFIX))
    return {heading: term for heading, _, term in entries}


def options(registry: "Registry", dataset: str) -> dict[str, str]:
    """Return what was decided of a dataset's headings as the option of its source; none where nothing was."""
    found = decided(accepted_of(registry, dataset))
    return {"headings": json.dumps(found)} if found else {}
