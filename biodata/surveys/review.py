"""Who decides about a survey: each country's reviewer for its side; accepted whole, asked about, or refused with reasons."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from biodata import jobs
from biodata.access.roles import Action, Principal, Role, may
from biodata.errors import InputError
from biodata.store.models import Submission
from biodata.store.registry import Registry
from biodata.store.survey_models import SubmissionEvent
from biodata.store.survey_steps import OPEN_FOR_REVIEW, step
from biodata.surveys import renaming, sides, telling
from biodata.surveys.sending import JOB
from biodata.surveys.submit import answered

DECISIONS: Final = ("accept", "ask", "refuse")
MOST_QUESTIONS: Final = 200
_MOST_NOTE: Final = 4_000
_DONE: Final = {"accept": "accepted", "ask": "asked", "refuse": "refused"}
_LISTED: Final = 200


def look(registry: Registry, who: Principal | None, number: int, *, language: str = "en") -> dict[str, Any]:
    """Return a submission as those whom it concerns see it: its sender, who reviews a side of it, the machine's owner.

    Its report is told in the language.

    Raises
    ------
    InputError
        With RECORD_MISSING, if there is none that concerns them: another's is not there.
    """
    with registry.session(read_only=True) as session:
        return _told(session, who, need(session, who, number), language=language)


def listed(registry: Registry, who: Principal | None, *, state: str | None = None) -> list[dict[str, Any]]:
    """Return the submissions that concern somebody, the newest first."""
    with registry.session(read_only=True) as session:
        asked = select(Submission).order_by(Submission.id.desc())
        asked = asked.where(Submission.state == state) if state is not None else asked
        if who is not None and not any(role.role in (Role.REVIEWER, Role.NODE_MANAGER) for role in who.roles):
            asked = asked.where(Submission.account_id == who.account_id)
        found = (one for one in session.scalars(asked.limit(10 * _LISTED)) if who is None or concerns(who, one))
        return [_told(session, who, one) for one, _ in zip(found, range(_LISTED), strict=False)]


def submit(
    registry: Registry, who: Principal, number: int, *, seen: int, renamed: str | None = None, language: str = "en"
) -> None:
    """Send a draft that was checked to those who review it.

    Parameters
    ----------
    registry : Registry
    who : Principal
        Its sender.
    number : int
        The submission.
    seen : int
        The version that was looked at.
    renamed : str, optional
        What they say of rows that the dataset has under another identifier: `same` or `new`. The worker looks at the
        survey once more with that, and then sends it on.
    language : str
        In which it is refused.

    Raises
    ------
    InputError
        With RECORD_MISSING, if it is not theirs; SUBMISSION_CHANGED, if it is another version by now;
        SUBMISSION_DECIDED, if it is no draft, or not checked yet; RENAMED_UNANSWERED, RENAMED_EVENT_LEFT or
        RENAMED_SHIFTED, if it has rows under another identifier and nothing is said of them that can be.
    """
    renaming.checked(renamed)
    with registry.session() as session, session.begin():
        found = need(session, who, number)
        if found.account_id != who.account_id:
            raise _missing(number)
        _check_seen(found, seen)
        if found.state != "draft" or found.report is None:
            problem = f"it is {found.state}" if found.state != "draft" else "it is not checked yet"
            raise InputError(problem, expected="a draft that was checked", code="SUBMISSION_DECIDED")
        if renaming.waits(found):
            renaming.take_word(session, found, renamed, actor=who.label, seen=seen, language=language)
            return
        found.wanted = True
        step(session, found, "submitted", state="submitted", actor=who.label, role=str(Role.UPLOADER), seen=seen)
        if sides.accept_if_nobody_waits(session, found):
            found.job_id = jobs.add(session, JOB, {"submission": number})


def decide(
    registry: Registry, who: Principal, number: int, decision: str, *, seen: int, country: str | None = None,
    reasons: str = "", questions: Sequence[Mapping[str, Any]] = (),
) -> None:  # fmt: skip
    """Put down what a reviewer decides for their side; when every side that waits accepted, the worker publishes it.

    Parameters
    ----------
    registry : Registry
    who : Principal
        Who decides.
    number : int
        The submission.
    decision : str
        accept, ask or refuse.
    seen : int
        The version that was looked at.
    country : str, optional
        The side; all of theirs that wait where nothing is given.
    reasons : str
        Why, or what is asked; needed but to accept.
    questions : sequence of mapping
        `sheet`, `row`, `column`, `question`.

    Raises
    ------
    InputError
        With RECORD_MISSING, if it does not concern them; SUBMISSION_CHANGED, if it is another version by now;
        REVIEW_FORBIDDEN, if it is their own, or no side of it is theirs; SUBMISSION_DECIDED, if nothing is to be decided;
        FIELD_INVALID, if reasons are missing.
    """
    if decision not in DECISIONS:
        problem, expected = "this is no decision", ", ".join(DECISIONS)
        raise InputError(problem, column="decision", value=decision, expected=expected, code="FIELD_INVALID")
    reasons = reasons.strip()
    if decision != "accept" and not reasons and not questions:
        problem, expected = "it needs a reason", "words that help its sender; they must tell no place"
        raise InputError(problem, column="reasons", expected=expected, code="FIELD_INVALID")
    if len(reasons) > _MOST_NOTE or len(questions) > MOST_QUESTIONS:
        problem, expected = "this is too long", f"at most {_MOST_NOTE:,} characters and {MOST_QUESTIONS} questions"
        raise InputError(problem, column="reasons", expected=expected, code="FIELD_INVALID")
    with registry.session() as session, session.begin():
        found = need(session, who, number)
        mine = _own_sides(who, found, country)
        _check_seen(found, seen)
        if found.state not in OPEN_FOR_REVIEW or answered(session, number):
            problem = "it has a new version already" if found.state in OPEN_FOR_REVIEW else f"it is {found.state}"
            raise InputError(problem, expected="one that is submitted or asked", code="SUBMISSION_DECIDED")
        before = found.sides or {}
        if decision == "accept" and all(before[side] == sides.ACCEPTED for side in mine):
            return  # a second time is no news
        role, side = _role(who, found.dataset, mine[0]), mine[0] if len(mine) == 1 else country
        if decision != "refuse":  # whoever asks after they accepted waits for the answer again
            how = sides.ACCEPTED if decision == "accept" else sides.WAITING
            found.sides = {**before, **dict.fromkeys(mine, how)}
        # A side that accepts does not take away what another still asks.
        asks = decision == "ask" or (decision == "accept" and _is_asked(session, found))
        state = "refused" if decision == "refuse" else "asked" if asks else "submitted"
        told = {"sides": mine, "reasons": reasons}
        step(session, found, _DONE[decision], state=state, actor=who.label, role=role, country=side, note=reasons,
             questions=questions, seen=seen, details=told)  # fmt: skip
        if decision == "accept" and sides.accept_if_nobody_waits(session, found):
            found.job_id = jobs.add(session, JOB, {"submission": number})


def need(session: Session, who: Principal | None, number: int) -> Submission:
    """Return a submission that concerns somebody, or fail as if there were none."""
    found = session.get(Submission, number) if abs(number) < 2**63 else None
    if found is None or not (who is None or concerns(who, found)):
        raise _missing(number)
    return found


def concerns(who: Principal, submission: Submission) -> bool:
    """Tell whether somebody sees a submission: numbers are easily guessed, so what is another's is not there.

    A draft that its sender keeps back is its sender's alone.
    """
    if submission.account_id is not None and submission.account_id == who.account_id:
        return True
    if not submission.wanted:
        return False
    known = [side for side in submission.sides or {} if side != "ZZ"]
    return may(who, Action.REVIEW_SUBMISSION, dataset=submission.dataset, country=known)


def _own_sides(who: Principal, submission: Submission, country: str | None) -> list[str]:
    """Return the sides that somebody decides about: those that wait, else those that they may."""
    if submission.account_id == who.account_id:
        problem = "nobody reviews what they handed in themselves"
        raise InputError(problem, expected="another reviewer", code="REVIEW_FORBIDDEN")
    every = submission.sides or {}
    mine = [side for side in every if sides.reviews(who, submission.dataset, side)]
    if country is not None:
        mine = [side for side in mine if side == country.strip().upper()]
    if not mine:
        problem = "no side of it is yours to review"
        expected = f"a reviewer of {', '.join(every) or 'its countries, which are not known yet'}"
        raise InputError(problem, column="country", value=country, expected=expected, code="REVIEW_FORBIDDEN")
    return [side for side in mine if every[side] == sides.WAITING] or mine


def _is_asked(session: Session, submission: Submission) -> bool:
    """Tell whether a side that waits has asked something that it did not accept since."""
    asked = select(SubmissionEvent.country).where(
        SubmissionEvent.submission_id == submission.id, SubmissionEvent.action == "asked"
    )
    waiting = {side for side, how in (submission.sides or {}).items() if how == sides.WAITING}
    return any(side in waiting if side is not None else bool(waiting) for side in session.scalars(asked))


def _role(who: Principal, dataset: str, side: str) -> str:
    """Return as what somebody decides."""
    for role in (Role.NODE_MANAGER, Role.REVIEWER):
        own = Principal(who.account_id, who.label, tuple(one for one in who.roles if one.role is role))
        if sides.reviews(own, dataset, side):
            return str(role)
    return str(Role.REVIEWER)


def _check_seen(submission: Submission, seen: int) -> None:
    """Refuse what is about another version."""
    if submission.version != seen:
        problem = "somebody else did something to it meanwhile; look at it again"
        raise InputError(problem, column="If-Match", value=str(seen), code="SUBMISSION_CHANGED")


def _missing(number: int) -> InputError:
    problem = "there is no submission of this number that concerns you"
    return InputError(problem, column="number", value=str(number), code="RECORD_MISSING")


def _told(session: Session, who: Principal | None, one: Submission, *, language: str | None = None) -> dict[str, Any]:
    """Return what is told of a submission, all of it where a language is given; names of people stand in the audit alone."""
    told = {
        "id": one.id, "state": one.state, "version": one.version, "created": one.created, "changed": one.changed,
        "dataset": one.dataset, "file": one.file_name, "complete": one.complete, "sides": one.sides,
        "answers": one.answers, "returns_to": one.returns_to, "dataset_version": one.dataset_version,
        "mine": who is not None and one.account_id == who.account_id,
    }  # fmt: skip
    if language is not None:
        told |= {"job": one.job_id, "snapshot": one.snapshot, "on_map": telling.on_map(session, one, language),
                 "report": telling.report(one, language), "difference": telling.difference(one, language), "question": renaming.question(one, language),
                 "answered_by": session.scalar(select(Submission.id).where(Submission.answers == one.id).limit(1)),
                 "history": history(session, one.id)}  # fmt: skip
    return {name: value for name, value in told.items() if value is not None}


def history(session: Session, number: int) -> list[dict[str, Any]]:
    """Return what happened to a submission, the oldest first: when, what, as what; never who."""
    found = session.scalars(
        select(SubmissionEvent).where(SubmissionEvent.submission_id == number).order_by(SubmissionEvent.id)
    )
    told = (
        {"action": e.action, "role": e.role, "country": e.country, "note": e.note or None, "questions": e.questions,
         "date": e.created} for e in found
    )  # fmt: skip
    return [{name: value for name, value in one.items() if value is not None} for one in told]
