"""Whom a survey concerns: its dataset's team, and who reviews a side of it; to anybody else it is not there."""

from sqlalchemy.orm import Session

from biodata.access.roles import Action, Principal, may
from biodata.errors import InputError
from biodata.store.models import Submission
from biodata.store.survey_steps import NO_COUNTRY, OPEN_FOR_REVIEW, changed_meanwhile
from biodata.surveys import sides


def need(session: Session, who: Principal | None, number: int) -> Submission:
    """Return a submission that concerns somebody, or fail as if there were none (RECORD_MISSING)."""
    found = session.get(Submission, number) if abs(number) < 2**63 else None
    if found is None or not (who is None or concerns(who, found)):
        raise missing(number)
    return found


def concerns(who: Principal, submission: Submission) -> bool:
    """Tell whether somebody sees a submission: numbers are easily guessed, so what is another's is not there.

    A draft that its sender keeps back is its sender's alone.
    """
    if is_own(who, submission) or not submission.wanted:
        return is_own(who, submission)
    known = [side for side in submission.sides or {} if side != NO_COUNTRY]
    reads = may(who, Action.REVIEW_SUBMISSION, dataset=submission.dataset, country=known)
    return reads or is_of_team(who, submission)


def is_own(who: Principal | None, submission: Submission) -> bool:
    """Tell whether somebody handed a submission in."""
    return who is not None and submission.account_id is not None and submission.account_id == who.account_id


def is_of_team(who: Principal | None, submission: Submission) -> bool:
    """Tell whether somebody sends to a submission's dataset."""
    return who is not None and (is_own(who, submission) or may(who, Action.HAND_IN, dataset=submission.dataset))


def reviewed(who: Principal, submission: Submission) -> list[str]:
    """Return the sides of a submission that somebody reviews: nobody of its team any."""
    own = is_of_team(who, submission)
    return [side for side in submission.sides or {} if not own and sides.reviews(who, submission.dataset, side)]


def seen_sides(who: Principal | None, submission: Submission) -> list[str]:
    """Return the sides whose rows somebody sees: all to the team and to the machine's owner, else those that they review."""
    return list(submission.sides or {}) if who is None or is_of_team(who, submission) else reviewed(who, submission)


def sees_all(who: Principal | None, submission: Submission) -> bool:
    """Tell whether somebody sees the rows of every side of a submission."""
    return set(submission.sides or {}) <= set(seen_sides(who, submission))


def waits_for(who: Principal | None, submission: Submission, asking: set[str]) -> bool:
    """Tell whether a submission goes no further before somebody does something.

    Its sender sends a draft that they kept back, and its team answers; a reviewer decides about a side that waits and asks nothing.
    """
    if who is None:
        return False
    if is_of_team(who, submission):
        kept_back = submission.state == "draft" and not submission.wanted and submission.report is not None
        return kept_back or submission.state == "asked"
    waiting = {side for side, how in (submission.sides or {}).items() if how == sides.WAITING}
    return submission.state in OPEN_FOR_REVIEW and bool(waiting & set(reviewed(who, submission)) - asking)


def check_seen(submission: Submission, seen: int) -> None:
    """Refuse what is about another version (SUBMISSION_CHANGED)."""
    if submission.version != seen:
        raise changed_meanwhile(submission.id, seen)


def missing(number: int) -> InputError:
    """Return what is told of a submission that is not there for somebody."""
    problem = "there is no submission of this number that concerns you"
    return InputError(problem, column="number", value=str(number), code="RECORD_MISSING")
