"""Whom a survey concerns: its dataset's team, and who reviews a side of it; to anybody else it is not there.

Its sides are the countries that its records and events may lie in.
"""

from typing import Final, NoReturn

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from biodata.access import accounts
from biodata.access.roles import MAY, Action, Principal, Role, may
from biodata.core.settings import Settings
from biodata.pipeline import Interpreted
from biodata.pipeline.preview import countries_of
from biodata.store.account_models import Account, Binding
from biodata.store.models import Submission
from biodata.store.survey_steps import MACHINE, NO_COUNTRY, OPEN_FOR_REVIEW, changed_meanwhile, step
from biodata.surveys.problems import refuse

WAITING: Final = "waiting"
ACCEPTED: Final = "accepted"
REFUSED: Final = "refused"
UNCHANGED: Final = "unchanged"  # no row of this side becomes another one: there is nothing for its reviewer to decide
OPEN: Final = "open"  # nobody reviews this side, and the settings do not ask for it
NOBODY: Final = "nobody"  # of a side that waits, as the settings ask, while nobody but its team may review it


def countries(read: Interpreted) -> set[str]:
    """Return every country that a record or an event of an upload may lie in, or is said to; ZZ for those of none."""
    found: set[str] = set()
    for table in read.tables:
        for rows in table.countries or ():
            codes: pl.Series = rows.select(code=countries_of(rows))["code"]
            found |= set(codes.explode().drop_nulls())
            if table.report.table == "occurrences" and (codes.list.len() == 0).any():
                found.add(NO_COUNTRY)
    return found or {NO_COUNTRY}


def asked(session: Session, settings: Settings, submission: Submission, wanted: set[str], *, concerned: set[str]) -> dict[str, str]:  # fmt: skip
    """Return how each side of a survey stands before anybody has looked at it."""
    sender = session.get(Account, submission.account_id) if submission.account_id is not None else None
    if settings.survey_review == "not_required" or (sender is not None and sender.name in settings.survey_unreviewed):
        return dict.fromkeys(sorted(wanted), OPEN)
    needed = wanted if settings.survey_review == "required" else _reviewed(session, submission, wanted)
    waits = {side: WAITING if side in concerned else UNCHANGED for side in needed}
    return {side: waits.get(side, OPEN) for side in sorted(wanted)}


def now(session: Session, submission: Submission, facts: dict[str, str]) -> dict[str, str]:
    """Return how sides stand (`facts`), with those that wait and that nobody may review, as roles are now."""
    waiting = {side for side, how in facts.items() if how == WAITING}
    return facts | dict.fromkeys(waiting - _reviewed(session, submission, waiting) if waiting else waiting, NOBODY)


def reviews(who: Principal, dataset: str, side: str) -> bool:
    """Return whether somebody reviews a side of a dataset's surveys."""
    return may(who, Action.REVIEW_SUBMISSION, dataset=dataset, country=None if side == NO_COUNTRY else side)


def accept_if_nobody_waits(session: Session, submission: Submission) -> bool:
    """Let the worker publish a survey that no side waits with; return whether it does."""
    if WAITING in (submission.sides or {}).values():
        return False
    facts = {"sides": submission.sides}
    step(session, submission, "accepted", state="accepted", actor=MACHINE, role=MACHINE, details=facts)
    return True


def _reviewed(session: Session, submission: Submission, wanted: set[str]) -> set[str]:
    """Return the sides that somebody may review who is not of the dataset's team."""
    roles = [str(role) for role in MAY[Action.REVIEW_SUBMISSION] if role is not Role.PUBLIC]
    found = session.scalars(
        select(Account).join(Binding, Binding.account_id == Account.id)
        .where(Binding.role.in_(roles), Binding.in_force.is_not(None), Account.disabled.is_(None)).distinct()
    )  # fmt: skip
    every = [accounts.principal_of(session, one) for one in found if one.id != submission.account_id]
    others = [one for one in every if not may(one, Action.HAND_IN, dataset=submission.dataset)]
    return {side for side in wanted if any(reviews(one, submission.dataset, side) for one in others)}


def need(session: Session, who: Principal | None, number: int) -> Submission:
    """Return a submission that concerns somebody, or fail as if there were none (RECORD_MISSING)."""
    found = session.get(Submission, number) if abs(number) < 2**63 else None
    if found is None or not concerns(who, found):
        missing(number)
    return found


def concerns(who: Principal | None, submission: Submission) -> bool:
    """Return whether somebody, or the machine's owner (None), sees a submission: what is another's is not there for them."""
    if who is None:
        return True
    if is_own(who, submission) or not submission.wanted:
        return is_own(who, submission)
    known = [side for side in submission.sides or {} if side != NO_COUNTRY]
    return is_of_team(who, submission) or may(who, Action.REVIEW_SUBMISSION, dataset=submission.dataset, country=known)


def is_own(who: Principal | None, submission: Submission) -> bool:
    """Return whether somebody handed a submission in."""
    return who is not None and submission.account_id is not None and submission.account_id == who.account_id


def is_of_team(who: Principal | None, submission: Submission) -> bool:
    """Return whether somebody sends to a submission's dataset."""
    return who is not None and (is_own(who, submission) or may(who, Action.HAND_IN, dataset=submission.dataset))


def reviewed(who: Principal, submission: Submission) -> list[str]:
    """Return the sides of a submission that somebody reviews: nobody of its team any."""
    own = is_of_team(who, submission)
    return [side for side in submission.sides or {} if not own and reviews(who, submission.dataset, side)]


def visible_sides(who: Principal | None, submission: Submission) -> list[str]:
    """Return the sides whose rows somebody sees: all to the team and to the machine's owner, else those that they review."""
    return list(submission.sides or {}) if who is None or is_of_team(who, submission) else reviewed(who, submission)


def waits_for(who: Principal | None, submission: Submission, asking: set[str]) -> bool:
    """Return whether a submission goes no further before somebody does something."""
    if who is None:
        return False
    if is_of_team(who, submission):
        kept_back = submission.state == "draft" and not submission.wanted and submission.report is not None
        return kept_back or submission.state == "asked"
    waiting = {side for side, how in (submission.sides or {}).items() if how == WAITING}
    return submission.state in OPEN_FOR_REVIEW and bool(waiting & set(reviewed(who, submission)) - asking)


def check_version(submission: Submission, seen: int) -> None:
    """Refuse what is about another version (SUBMISSION_CHANGED)."""
    if submission.version != seen:
        raise changed_meanwhile(submission.id, seen)


def missing(number: int) -> NoReturn:
    """Refuse a submission that is not there for somebody."""
    refuse("RECORD_MISSING", "MISSING", column="number", value=str(number))
