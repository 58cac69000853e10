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
    "draft", "submitted", "asked", "accepted", "committing", "committed", "published", "refused", "replaced", "withdrawn",
)  # fmt: skip
CHANGES: Final = ("new", "changed", "unchanged", "gone")
"""What becomes of a published row when a submission is published."""
WAITING: Final = ("draft", "submitted", "asked", "accepted", "committing")
"""States in which nothing of it is in the lake."""

COMMITTING: Final = "committing"
"""The state in which it is being written to the lake, or is in it and that is not put down yet."""

IN_THE_LAKE: Final = ("committed", "published")
"""States in which all of it is in the lake; when the current release has it, too, it is published."""

OPEN_FOR_REVIEW: Final = ("submitted", "asked")
VIEWED: Final = ("draft", *OPEN_FOR_REVIEW, "accepted", "committing")
"""States in which somebody still decides about its rows, or may have to again; in all others its view is gone."""

JOB: Final = "survey"
"""The name of the job that takes a submission further."""
UNDOING_JOB: Final = "survey withdrawal"
"""The name of the job that removes what its sender took back."""
PLANNING_JOB: Final = "survey withdrawal plan"
"""The name of the job that works out what undoing a survey does, and does nothing."""
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
    """Put down that a submission is in the lake: the next version of its dataset; a second time is no news."""
    if submission.state in IN_THE_LAKE:
        return
    last = last_version(session, submission.dataset)
    submission.dataset_version, submission.snapshot = (last or 0) + 1, snapshot
    told = {"version": submission.dataset_version, "snapshot": snapshot}
    step(session, submission, "committed", state="committed", actor=MACHINE, role=MACHINE, details=told)


def published(session: Session, release_id: str, *, snapshot: int) -> None:
    """Put down of each submission that a release has that it is published: from now on the map shows it."""
    has = (Submission.state == "committed") & (Submission.snapshot <= snapshot)
    for submission in session.scalars(select(Submission).where(has).order_by(Submission.id)).all():
        told = {"release": release_id}
        step(session, submission, "published", state="published", actor=MACHINE, role=MACHINE, details=told)


def shown_since(session: Session, submission: Submission) -> str | None:
    """Return the release that first had a submission; None where none has it, or its entry is gone."""
    if submission.state != "published" or submission.snapshot is None:
        return None
    has = select(Release.id).where(Release.snapshot >= submission.snapshot)
    found: str | None = session.scalar(has.order_by(Release.snapshot, Release.created).limit(1))
    return found


def last_version(session: Session, dataset: str) -> int | None:
    """Return the number of a dataset's last version that a survey made; None before the first."""
    last: int | None = session.scalar(select(func.max(Submission.dataset_version)).where(Submission.dataset == dataset))
    return last
