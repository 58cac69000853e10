"""The steps of a submission: each changes its state, its version, its history and the audit, in one transaction."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from biodata.errors import InputError
from biodata.store import audit, survey_views
from biodata.store.models import Release, Submission, now
from biodata.store.survey_models import SubmissionEvent

STATES: Final = (
    "draft", "submitted", "asked", "accepted", "committing", "committed", "published", "replaced", "removed", "refused",
    "withdrawn",
)  # fmt: skip
"""As `state_of` derives them: published, removed and replaced of those that are in the lake are stored nowhere."""
CHANGES: Final = ("new", "changed", "unchanged", "gone")
"""What becomes of a published row when a submission is published."""
WAITING: Final = ("draft", "submitted", "asked", "accepted", "committing")
"""States in which nothing of it is in the lake."""

COMMITTING: Final = "committing"
"""The state in which it is being written to the lake, or is in it and that is not put down yet."""

COMMITTED: Final = "committed"
"""The state in which all of it is in the lake; whether the map shows it the releases say."""

OPEN_FOR_REVIEW: Final = ("submitted", "asked")
VIEWED: Final = ("draft", *OPEN_FOR_REVIEW, "accepted", "committing")
"""States in which somebody still decides about its rows, or may have to again; in all others its view is gone."""

JOB: Final = "survey"
"""The name of the job that takes a submission further."""
RESULTS_JOB: Final = "survey results"
"""The name of the job that makes the pages of published results after a release."""
MACHINE: Final = "biodata"
"""What the audit calls the worker; and the role that history tells of what it did."""

NO_COUNTRY: Final = "ZZ"
"""Stands for the side of records that lie in no country."""


def step(
    session: Session, submission: Submission, action: str, *, state: str, actor: str, role: str,
    country: str | Sequence[str] | None = None, note: str = "", questions: Sequence[Mapping[str, Any]] | None = None,
    seen: int | None = None, details: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Take a submission a step further.

    Parameters
    ----------
    session : Session
        Whose transaction it belongs to.
    submission : Submission
        As it was read in this session.
    action : str
        What is done, in one word.
    state : str
        The state that it leads to.
    actor, role : str
        Who does it, for the audit; as what, for everybody concerned.
    country : str or sequence of str, optional
        For which side, or sides: each has its line in the history.
    note : str
        Reasons.
    questions : sequence of mapping, optional
        What is asked at which row.
    seen : int, optional
        The version that this is about.
    details : mapping, optional
        More for the audit; it must hold no value of a file.

    Raises
    ------
    InputError
        With SUBMISSION_CHANGED, if it is another version by now: two at once never both act on the same one.
    """
    before = submission.version if seen is None else seen
    session.flush()
    taken = session.execute(
        update(Submission)
        .where(Submission.id == submission.id, Submission.version == before)
        .values(version=before + 1, state=state, changed=now())
    )
    if taken.rowcount != 1:  # type: ignore[attr-defined]  # an UPDATE's result counts its rows
        raise changed_meanwhile(submission.id, before)
    session.refresh(submission)
    for side in [country] if country is None or isinstance(country, str) else country:
        session.add(
            SubmissionEvent(
                submission_id=submission.id, action=action, role=role, country=side, note=note,
                questions=[dict(one) for one in questions] if questions else None,
            )
        )  # fmt: skip
    if state not in VIEWED:
        survey_views.forget(session, submission.id)
    told = {"dataset": submission.dataset, "country": country, "questions": len(questions or ()), **(details or {})}
    audit.append(session, actor=actor, action=f"survey {action}", subject=f"survey {submission.id}", details=told)


def changed_meanwhile(number: int, seen: int) -> InputError:
    """Return what is told where somebody acts on another version than there is by now."""
    problem = "it is not as it was when you looked at it, so nothing was put down: look at it again, then decide again"
    expected = f"the ETag that GET /v1/surveys/{number} answers now"
    return InputError(
        problem, column="If-Match", value=f'"{number}-{seen}"', expected=expected, code="SUBMISSION_CHANGED"
    )


def outdated(session: Session, submission: Submission) -> None:
    """Put down that a survey is to be checked again, since what was decided about is not what would happen any more.

    Whoever calls it queues the job (`JOB`) in the same transaction.
    """
    submission.report = submission.difference = submission.sides = None
    survey_views.forget(session, submission.id)
    step(session, submission, "outdated", state="draft", actor=MACHINE, role=MACHINE)


def committed(session: Session, submission: Submission, *, snapshot: int | None) -> None:
    """Put down that a submission is in the lake: the next version of its part; a second time is no news."""
    if submission.state == COMMITTED:
        return
    last = last_of(session, submission.dataset, submission.part)
    version = 1 if last is None else (last.part_version or 0) + 1
    submission.part_version, submission.snapshot = version, snapshot
    step(session, submission, "committed", state=COMMITTED, actor=MACHINE, role=MACHINE,
         details={"part": submission.part, "version": version, "snapshot": snapshot})  # fmt: skip


def last_of(session: Session, dataset: str, part: str) -> Submission | None:
    """Return the last version of a part that is in the lake; None before the first."""
    asked = select(Submission).where(
        Submission.dataset == dataset, Submission.part == part, Submission.part_version.is_not(None)
    )
    found: Submission | None = session.scalar(asked.order_by(Submission.part_version.desc()).limit(1))
    return found


def state_of(session: Session, submission: Submission) -> str:
    """Return how a submission stands, of `STATES`; of one in the lake by what is current and what the map shows.

    It is published while the current release shows it, replaced once another version of its part took its place, removed
    once its part was; until the next release it is committed.
    """
    if submission.state != COMMITTED:
        return str(submission.state)
    out = _released(session)
    after = [one for one in versions(session, submission) if _number(one) > _number(submission)]
    shown = [one for one in after if _is_out(one, out)]
    if not _is_out(submission, out):
        return "replaced" if after else COMMITTED
    if shown:
        return "removed" if shown[-1].removes else "replaced"
    return "removed" if submission.removes else "published"


def replaced_by(session: Session, submission: Submission) -> Submission | None:
    """Return the version of its part that took a submission's place in the lake; None of one that is current."""
    if submission.part_version is None:
        return None
    return next((one for one in versions(session, submission) if _number(one) > _number(submission)), None)


def versions(session: Session, submission: Submission) -> list[Submission]:
    """Return all versions of a submission's part that are in the lake, the oldest first."""
    asked = select(Submission).where(
        Submission.dataset == submission.dataset, Submission.part == submission.part,
        Submission.part_version.is_not(None),
    )  # fmt: skip
    return list(session.scalars(asked.order_by(Submission.part_version)))


def shown_since(session: Session, submission: Submission) -> str | None:
    """Return the release that first had a submission; None where none has it, or its entry is gone."""
    if submission.snapshot is None:
        return None
    has = select(Release.id).where(Release.snapshot >= submission.snapshot)
    found: str | None = session.scalar(has.order_by(Release.snapshot, Release.created).limit(1))
    return found


def _number(submission: Submission) -> int:
    return submission.part_version or 0


def _released(session: Session) -> int:
    """Return the version of the lake that the last release was made of; before the first none is."""
    last: int | None = session.scalar(select(func.max(Release.snapshot)))
    return -1 if last is None else last


def _is_out(submission: Submission, released: int) -> bool:
    """Tell whether the last release was made after a submission had come in."""
    return submission.snapshot is not None and submission.snapshot <= released
