"""What those whom it concerns see of a survey, and what they decide: each country's reviewer for its side, accepted whole or not."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from biodata import jobs
from biodata.access.roles import Action, Principal, Role, may
from biodata.errors import InputError
from biodata.store import survey_views
from biodata.store.models import Submission
from biodata.store.registry import Registry
from biodata.store.survey_steps import JOB, NO_COUNTRY, OPEN_FOR_REVIEW, replaced_by, state_of, step
from biodata.surveys import conversation, seeing, sides, telling
from biodata.surveys.difference import TABLES

MOST_QUESTIONS: Final = 200
_DECISIONS: Final = {
    "accept": ("accepted", sides.ACCEPTED), "ask": ("asked", sides.WAITING), "refuse": ("refused", sides.REFUSED),
}  # fmt: skip
"""What history calls each, and how a side stands then; one that asks after it accepted waits for the answer again."""
_LISTED: Final = 200


def look(registry: Registry, who: Principal | None, number: int, *, language: str = "en") -> dict[str, Any]:
    """Return a submission as its team, who reviews a side of it, or the machine's owner (None) sees it, in a language.

    To anybody else it is not there (RECORD_MISSING).
    """
    with registry.session(read_only=True) as session:
        return _told(session, who, seeing.need(session, who, number), language=language)


def listed(registry: Registry, who: Principal | None, *, state: str | None = None) -> list[dict[str, Any]]:
    """Return the submissions that concern somebody, the newest first."""
    with registry.session(read_only=True) as session:
        asked = select(Submission).order_by(Submission.id.desc()).limit(10 * _LISTED)
        found = (_told(session, who, one) for one in session.scalars(asked) if who is None or seeing.concerns(who, one))
        wanted = (one for one in found if state is None or one["state"] == state)
        return [one for one, _ in zip(wanted, range(_LISTED), strict=False)]


def versions(registry: Registry, who: Principal | None, dataset: str) -> list[dict[str, Any]]:
    """Return the versions of the parts of a dataset, by part, the oldest first: what each changed, and its history.

    If none concerns somebody it is not there (DATASET_UNKNOWN), unless they send to it: then there is none yet.
    """
    with registry.session(read_only=True) as session:
        asked = select(Submission).where(Submission.dataset == dataset, Submission.part_version.is_not(None))
        found = session.scalars(asked.order_by(Submission.part, Submission.part_version))
        every = [
            {
                "part": one.part, "version": one.part_version, "submission": one.id, "state": state_of(session, one),
                "file": None if one.removes else one.file_name, "snapshot": one.snapshot, "restores": one.restores,
                "changes": _counts(one), "history": conversation.history(session, one.id, sides=_read_by(who, one)),
            }
            for one in found if who is None or seeing.concerns(who, one)
        ]  # fmt: skip
    if not every and not (who is not None and may(who, Action.HAND_IN, dataset=dataset)):
        problem = "no survey made a version of a dataset of this key that concerns you"
        raise InputError(problem, column="dataset", value=dataset, code="DATASET_UNKNOWN")
    return [{name: value for name, value in one.items() if value is not None} for one in every]


def _read_by(who: Principal | None, submission: Submission) -> list[str] | None:
    """Return the sides whose words somebody reads; None for all: the dataset's team reads what it was asked."""
    return None if who is None or seeing.is_of_team(who, submission) else seeing.reviewed(who, submission)


def _counts(submission: Submission) -> dict[str, Any] | None:
    """Return how many records and events became what; None where that is not kept any more."""
    if submission.removes:
        report = submission.report or {}
        return {"occurrences": report.get("records", {}), "events": report.get("events", {})}
    kept = submission.difference
    return None if kept is None else {name: dict(kept[name]["counts"]) for name in TABLES}


def submit(registry: Registry, who: Principal, number: int, *, seen: int) -> None:
    """Send a draft that was checked, in the version that its sender looked at, to those who review it.

    To others it is not there (RECORD_MISSING); it must be that version still (SUBMISSION_CHANGED), and such a draft
    (SUBMISSION_DECIDED).
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
        _go_on(session, found)


def _go_on(session: Session, submission: Submission) -> None:
    """Queue a submission that no side waits with any more."""
    if sides.accept_if_nobody_waits(session, submission):
        submission.job_id = jobs.add(session, JOB, {"submission": submission.id})


def decide(
    registry: Registry, who: Principal, number: int, decision: str, *, seen: int, country: str | None = None,
    reasons: str = "", questions: Sequence[Mapping[str, Any]] = (),
) -> None:  # fmt: skip
    """Put down what a reviewer decides (accept, ask, refuse) for a side, or all of theirs that wait, of the version they have seen.

    When every side that waits accepted, the worker publishes it. Reasons, or questions at a sheet, row and column, are needed
    but to accept, and tell no place (FIELD_INVALID). Whom it does not concern it is not there for (RECORD_MISSING); its team,
    and who reviews no side of it, decides nothing (REVIEW_FORBIDDEN); it must be that version still (SUBMISSION_CHANGED), and
    one that waits (SUBMISSION_DECIDED).
    """
    if decision not in _DECISIONS:
        problem, expected = "this is no decision", ", ".join(_DECISIONS)
        raise InputError(problem, column="decision", value=decision, expected=expected, code="FIELD_INVALID")
    reasons, most = reasons.strip(), conversation.MOST_WORDS
    if decision != "accept" and not reasons and not questions:
        problem, expected = "it needs a reason", "words that help its sender; they must tell no place"
        raise InputError(problem, column="reasons", expected=expected, code="FIELD_INVALID")
    if len(reasons) > most or len(questions) > MOST_QUESTIONS:
        problem, expected = "this is too long", f"at most {most:,} characters and {MOST_QUESTIONS} questions"
        raise InputError(problem, column="reasons", expected=expected, code="FIELD_INVALID")
    conversation.check_no_place("reasons", reasons, *(str(one.get("question", "")) for one in questions))
    with registry.session() as session, session.begin():
        found = seeing.need(session, who, number)
        mine = _own_sides(who, found, country)
        seeing.check_seen(found, seen)
        if found.state not in OPEN_FOR_REVIEW:
            problem = "a new version took its place" if found.state == "replaced" else f"it is {found.state}"
            raise InputError(problem, expected="one that is submitted or asked", code="SUBMISSION_DECIDED")
        before, (action, becomes) = found.sides or {}, _DECISIONS[decision]
        if decision == "accept" and all(before[side] == sides.ACCEPTED for side in mine):
            return  # a second time is no news
        asking = conversation.asking(session, found)
        found.sides = {**before, **dict.fromkeys(mine, becomes)}
        # A side that accepts does not take away what another still asks.
        asks = decision == "ask" or bool(asking - set(mine))
        state = "refused" if decision == "refuse" else "asked" if asks else "submitted"
        step(session, found, action, state=state, actor=who.label, role=_role(who, found.dataset, mine[0]), country=mine,
             note=reasons, questions=questions, seen=seen, details={"sides": mine, "reasons": reasons})  # fmt: skip
        if decision == "accept":
            _go_on(session, found)


def _own_sides(who: Principal, submission: Submission, country: str | None) -> list[str]:
    """Return the sides that somebody decides about: those that wait, else those that they may."""
    every, mine = submission.sides or {}, _to_decide(who, submission)
    wanted = country.strip().upper() if country is not None else None
    code, value = "REVIEW_FORBIDDEN", country
    if seeing.is_of_team(who, submission):
        problem, expected, value = "nobody of its own team reviews a survey", "another reviewer", None
    elif wanted is not None and wanted not in every:
        problem, expected = "the survey has no such side", f"one of its sides: {', '.join(every)}"
        code = "FIELD_INVALID"
    elif not mine and seeing.reviewed(who, submission):
        problem, expected = "no row of your side becomes another one", "the reviewers of the sides that change"
    elif not mine:
        problem, expected = "no side of it is yours to review", "; ".join(f"{side} is {_whose(side)}" for side in every)
    elif wanted is not None and wanted not in mine:
        problem, expected = f"the side {wanted} is {_whose(wanted)}, not with you", f"your side: {', '.join(mine)}"
    elif wanted is not None:
        return [wanted]
    else:
        return [side for side in mine if every[side] == sides.WAITING] or mine
    raise InputError(problem, column="country", value=value, expected=expected, code=code)


def _whose(side: str) -> str:
    """Return with whom a side is."""
    return "with whoever reviews the whole dataset" if side == NO_COUNTRY else f"for the reviewers of {side}"


def _role(who: Principal, dataset: str, side: str) -> str:
    """Return as what somebody decides."""
    own = Principal(who.account_id, who.label, tuple(one for one in who.roles if one.role is Role.NODE_MANAGER))
    return str(Role.NODE_MANAGER if sides.reviews(own, dataset, side) else Role.REVIEWER)


def _told(session: Session, who: Principal | None, one: Submission, *, language: str | None = None) -> dict[str, Any]:
    """Return what is told of a submission, all of it where a language is given; names of people stand in the audit alone."""
    stage, after, is_open = telling.stage(session, one), replaced_by(session, one), one.state in OPEN_FOR_REVIEW
    asking = conversation.asking(session, one) if is_open else set[str]()
    told = {
        "id": one.id, "state": one.state if stage in (telling.CHECKING, telling.REMOVING) else stage, "stage": stage,
        "version": one.version, "created": one.created, "changed": one.changed, "dataset": one.dataset, "part": one.part,
        "part_version": one.part_version, "file": None if one.removes else one.file_name,
        "sides": telling.sides_told(one), "restores": one.restores, "mine": seeing.is_of_team(who, one),
        "replaced_by": None if after is None else after.id, "asking": sorted(asking) or None,
        "waits_for_you": seeing.waits_for(who, one, asking),
    }  # fmt: skip
    if language is not None:
        if is_open:
            told["sides"] = sides.now(session, one, one.sides or {})
        yours = _to_decide(who, one) or None if who is not None and is_open else None
        told |= {"job": one.job_id, "left_alone": telling.is_left_alone(session, one) or None, "snapshot": one.snapshot,
                 "on_map": telling.on_map(session, one, language), "next": telling.what_next(session, one, language),
                 "report": telling.report(one, language), "yours": yours,
                 "difference": telling.difference(one, language, whole=seeing.sees_all(who, one)),
                 "waits": telling.waits(session, one, language) or None,
                 "rows": survey_views.hash_of(session, one.id) is not None,
                 "history": conversation.whole_history(session, who, one)}  # fmt: skip
    return {name: value for name, value in told.items() if value is not None}


def _to_decide(who: Principal, submission: Submission) -> list[str]:
    """Return the sides that somebody reviews and of which something changes."""
    every = submission.sides or {}
    return [side for side in seeing.reviewed(who, submission) if every[side] != sides.UNCHANGED]
