"""Who decides about a survey: each country's reviewer for its side; accepted whole, asked about, or refused with reasons."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from biodata import jobs
from biodata.access.roles import Principal, Role
from biodata.errors import InputError
from biodata.store import survey_views
from biodata.store.models import Submission
from biodata.store.registry import Registry
from biodata.store.survey_steps import JOB, NO_COUNTRY, OPEN_FOR_REVIEW, replaced_by, step
from biodata.surveys import conversation, seeing, sides, telling

DECISIONS: Final = ("accept", "ask", "refuse")
MOST_QUESTIONS: Final = 200
_DONE: Final = {"accept": "accepted", "ask": "asked", "refuse": "refused"}
_BECOMES: Final = {"accept": sides.ACCEPTED, "ask": sides.WAITING, "refuse": sides.REFUSED}
"""How a side stands then; one that asks after it accepted waits for the answer again."""
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
        return _told(session, who, seeing.need(session, who, number), language=language)


def listed(registry: Registry, who: Principal | None, *, state: str | None = None) -> list[dict[str, Any]]:
    """Return the submissions that concern somebody, the newest first."""
    with registry.session(read_only=True) as session:
        asked = select(Submission).order_by(Submission.id.desc())
        found = (one for one in session.scalars(asked.limit(10 * _LISTED)) if who is None or seeing.concerns(who, one))
        every = (_told(session, who, one) for one in found)
        wanted = (one for one in every if state is None or one["state"] == state)
        return [one for one, _ in zip(wanted, range(_LISTED), strict=False)]


def submit(registry: Registry, who: Principal, number: int, *, seen: int) -> None:
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

    Raises
    ------
    InputError
        With RECORD_MISSING, if it is not theirs; SUBMISSION_CHANGED, if it is another version by now;
        SUBMISSION_DECIDED, if it is no draft, or not checked yet.
    """
    with registry.session() as session, session.begin():
        found = seeing.need(session, who, number)
        if not seeing.is_own(who, found):
            raise seeing.missing(number)
        seeing.check_seen(found, seen)
        if found.state != "draft" or found.report is None:
            problem = f"it is {found.state}" if found.state != "draft" else "it is not checked yet"
            raise InputError(problem, expected="a draft that was checked", code="SUBMISSION_DECIDED")
        found.wanted = True
        step(session, found, "submitted", state="submitted", actor=who.label, role=str(Role.UPLOADER), seen=seen)
        conversation.replace(session, found)
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
        FIELD_INVALID, if reasons are missing, or tell a place.
    """
    if decision not in DECISIONS:
        problem, expected = "this is no decision", ", ".join(DECISIONS)
        raise InputError(problem, column="decision", value=decision, expected=expected, code="FIELD_INVALID")
    reasons = reasons.strip()
    if decision != "accept" and not reasons and not questions:
        problem, expected = "it needs a reason", "words that help its sender; they must tell no place"
        raise InputError(problem, column="reasons", expected=expected, code="FIELD_INVALID")
    if len(reasons) > conversation.MOST_WORDS or len(questions) > MOST_QUESTIONS:
        problem, expected = (
            "this is too long",
            f"at most {conversation.MOST_WORDS:,} characters and {MOST_QUESTIONS} questions",
        )
        raise InputError(problem, column="reasons", expected=expected, code="FIELD_INVALID")
    conversation.check_no_place("reasons", reasons, *(str(one.get("question", "")) for one in questions))
    with registry.session() as session, session.begin():
        found = seeing.need(session, who, number)
        mine = _own_sides(who, found, country)
        seeing.check_seen(found, seen)
        if found.state not in OPEN_FOR_REVIEW:
            problem = "a new version took its place" if found.state == "replaced" else f"it is {found.state}"
            raise InputError(problem, expected="one that is submitted or asked", code="SUBMISSION_DECIDED")
        before = found.sides or {}
        if decision == "accept" and all(before[side] == sides.ACCEPTED for side in mine):
            return  # a second time is no news
        role, asking = _role(who, found.dataset, mine[0]), conversation.asking(session, found)
        found.sides = {**before, **dict.fromkeys(mine, _BECOMES[decision])}
        # A side that accepts does not take away what another still asks.
        asks = decision == "ask" or bool(asking - set(mine))
        state = "refused" if decision == "refuse" else "asked" if asks else "submitted"
        told = {"sides": mine, "reasons": reasons}
        step(session, found, _DONE[decision], state=state, actor=who.label, role=role, country=mine, note=reasons,
             questions=questions, seen=seen, details=told)  # fmt: skip
        if decision == "accept" and sides.accept_if_nobody_waits(session, found):
            found.job_id = jobs.add(session, JOB, {"submission": number})


def _own_sides(who: Principal, submission: Submission, country: str | None) -> list[str]:
    """Return the sides that somebody decides about: those that wait, else those that they may."""
    if seeing.is_own(who, submission):
        problem = "nobody reviews what they handed in themselves"
        raise InputError(problem, expected="another reviewer", code="REVIEW_FORBIDDEN")
    every, mine = submission.sides or {}, _to_decide(who, submission)
    wanted = country.strip().upper() if country is not None else None
    if wanted is not None and wanted not in every:
        problem, expected = "the survey has no such side", f"one of its sides: {', '.join(every)}"
        raise InputError(problem, column="country", value=country, expected=expected, code="FIELD_INVALID")
    if not mine and seeing.reviewed(who, submission):
        problem, expected = "no row of your side becomes another one", "the reviewers of the sides that change"
        raise InputError(problem, column="country", value=country, expected=expected, code="REVIEW_FORBIDDEN")
    if not mine:
        problem, expected = "no side of it is yours to review", "; ".join(f"{side} is {_whose(side)}" for side in every)
        raise InputError(problem, column="country", value=country, expected=expected, code="REVIEW_FORBIDDEN")
    if wanted is not None and wanted not in mine:
        problem, expected = f"the side {wanted} is {_whose(wanted)}, not with you", f"your side: {', '.join(mine)}"
        raise InputError(problem, column="country", value=country, expected=expected, code="REVIEW_FORBIDDEN")
    if wanted is not None:
        return [wanted]
    return [side for side in mine if every[side] == sides.WAITING] or mine


def _whose(side: str) -> str:
    """Return with whom a side is."""
    return "with whoever reviews the whole dataset" if side == NO_COUNTRY else f"for the reviewers of {side}"


def _role(who: Principal, dataset: str, side: str) -> str:
    """Return as what somebody decides."""
    for role in (Role.NODE_MANAGER, Role.REVIEWER):
        own = Principal(who.account_id, who.label, tuple(one for one in who.roles if one.role is role))
        if sides.reviews(own, dataset, side):
            return str(role)
    return str(Role.REVIEWER)


def _told(session: Session, who: Principal | None, one: Submission, *, language: str | None = None) -> dict[str, Any]:
    """Return what is told of a submission, all of it where a language is given; names of people stand in the audit alone."""
    stage, after = telling.stage(session, one), replaced_by(session, one)
    told = {
        "id": one.id, "state": "draft" if stage == telling.CHECKING else stage, "stage": stage, "version": one.version,
        "created": one.created, "changed": one.changed, "dataset": one.dataset, "part": one.part,
        "part_version": one.part_version, "file": None if one.removes else one.file_name,
        "sides": telling.sides_told(one), "restores": one.restores, "mine": seeing.is_of_team(who, one),
        "replaced_by": None if after is None else after.id,
    }  # fmt: skip
    asking = conversation.asking(session, one) if one.state in ("asked", "submitted") else set[str]()
    told["asking"] = sorted(asking) or None
    told["waits_for_you"] = seeing.waits_for(who, one, asking)
    if language is not None:
        seen = None if seeing.sees_all(who, one) else seeing.seen_sides(who, one)
        told |= {"job": one.job_id, "left_alone": telling.is_left_alone(session, one) or None, "snapshot": one.snapshot,
                 "on_map": telling.on_map(session, one, language), "next": telling.what_next(session, one, language),
                 "report": telling.report(one, language), "difference": telling.difference(one, language, of=seen),
                 "waits": telling.waits(session, one, language) or None, "yours": _yours(who, one),
                 "rows": survey_views.hash_of(session, one.id) is not None,
                 "history": conversation.whole_history(session, who, one)}  # fmt: skip
    return {name: value for name, value in told.items() if value is not None}


def _yours(who: Principal | None, submission: Submission) -> list[str] | None:
    """Return the sides that somebody may decide about now."""
    return _to_decide(who, submission) or None if who is not None and submission.state in OPEN_FOR_REVIEW else None


def _to_decide(who: Principal, submission: Submission) -> list[str]:
    """Return the sides that somebody reviews and of which something changes."""
    every = submission.sides or {}
    return [side for side in seeing.reviewed(who, submission) if every[side] != sides.UNCHANGED]
