"""What a survey's reviewers ask and its team answers: in words, or with a new upload; each side until it has its answer."""

from collections.abc import Collection
from typing import Any, Final

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from biodata.access.roles import Principal, Role
from biodata.errors import InputError
from biodata.parsers.told_places import tells_a_place
from biodata.store.models import Submission
from biodata.store.registry import Registry
from biodata.store.survey_models import SubmissionEvent
from biodata.store.survey_steps import MACHINE, OPEN_FOR_REVIEW, step
from biodata.surveys import seeing

MOST_WORDS: Final = 4_000
"""Characters of an answer, or of reasons."""


def asking(session: Session, submission: Submission) -> set[str]:
    """Return the sides that asked something, and have neither an answer nor accepted since."""
    events = select(SubmissionEvent.action, SubmissionEvent.country).where(
        SubmissionEvent.submission_id == submission.id
    )
    every, open_ones = set(submission.sides or {}), set[str]()
    for action, side in session.execute(events.order_by(SubmissionEvent.id)):
        if action == "asked":
            open_ones |= every if side is None else {side}
        elif action == "answered":
            open_ones = set() if side is None else open_ones - {side}
        elif action == "accepted" and side is not None:
            open_ones.discard(side)
    return open_ones & every


def answer(registry: Registry, who: Principal, number: int, words: str, *, seen: int) -> None:
    """Put down what the team answers in words that tell no place; the sides that asked look at the survey again.

    `seen` is the version that was looked at. The codes of what is refused: RECORD_MISSING of what does not concern them,
    FORBIDDEN, SUBMISSION_CHANGED of another version, SUBMISSION_DECIDED where nothing is asked, FIELD_INVALID of the words.
    """
    words = words.strip()
    if not 0 < len(words) <= MOST_WORDS:
        problem, expected = "this is no answer", f"1 to {MOST_WORDS:,} characters that tell no place"
        raise InputError(problem, column="answer", expected=expected, code="FIELD_INVALID")
    check_no_place("answer", words)
    with registry.session() as session, session.begin():
        found = seeing.need(session, who, number)
        if not seeing.is_of_team(who, found):
            problem, expected = "only its team answers", "an account that uploads to its dataset"
            raise InputError(problem, expected=expected, code="FORBIDDEN")
        seeing.check_seen(found, seen)
        if found.state != "asked":
            problem, expected = f"it is {found.state}, and nobody waits for an answer", "a survey that is asked about"
            raise InputError(problem, expected=expected, code="SUBMISSION_DECIDED")
        asked = sorted(asking(session, found)) or None  # the answer is theirs, and no other node's
        step(
            session, found, "answered", state="submitted", actor=who.label, role=str(Role.UPLOADER), country=asked,
            note=words, seen=seen,
        )  # fmt: skip


def check_no_place(column: str, *words: str) -> None:
    """Refuse words that tell a place, without repeating them: they are read by others than those who may know it, and kept."""
    if any(tells_a_place(one) for one in words):
        problem, expected = "these words tell a place", "the row, the site or the date, and no coordinates"
        raise InputError(problem, column=column, expected=expected, code="FIELD_INVALID")


def replace(session: Session, submission: Submission) -> None:
    """Let a version that its reviewers see now take the place of those of its part that still wait."""
    for earlier in session.scalars(_of_part(submission).where(Submission.state.in_(OPEN_FOR_REVIEW))).all():
        step(session, earlier, "replaced", state="replaced", actor=MACHINE, role=MACHINE, details={"by": submission.id})


def _of_part(submission: Submission) -> Select[Submission]:
    """Return the query of the submissions of a part before one, the oldest first."""
    before = (Submission.dataset == submission.dataset) & (Submission.part == submission.part)
    return select(Submission).where(before, Submission.id < submission.id).order_by(Submission.id)


def history(session: Session, number: int, *, sides: Collection[str] | None = None) -> list[dict[str, Any]]:
    """Return what happened to a submission, the oldest first: when, what, as what, for which side; never who.

    What was written for other sides than `sides` is left out: it may name their rows.
    """
    found = session.scalars(
        select(SubmissionEvent).where(SubmissionEvent.submission_id == number).order_by(SubmissionEvent.id)
    )
    told = []
    for e in found:
        words: dict[str, Any] = {"note": e.note or None, "questions": e.questions}
        if sides is not None and e.country is not None and e.country not in sides:
            words = {}
        one = {"action": e.action, "role": e.role, "country": e.country, **words, "date": e.created}
        told.append({name: value for name, value in one.items() if value is not None})
    return told


def whole_history(session: Session, who: Principal | None, submission: Submission) -> list[dict[str, Any]]:
    """Return the history of a submission behind those of the ones of its part before it, back to the last that came in."""
    every = list(session.scalars(_of_part(submission)))
    last = max((place for place, one in enumerate(every) if one.part_version is not None), default=-1)
    before = [one for one in every[last + 1 :] if who is None or seeing.concerns(who, one)]

    def of(one: Submission) -> list[dict[str, Any]]:
        sides = None if who is None or seeing.is_of_team(who, one) else seeing.reviewed(who, one)
        return history(session, one.id, sides=sides)

    return [{**one, "survey": old.id} for old in before for one in of(old)] + of(submission)
