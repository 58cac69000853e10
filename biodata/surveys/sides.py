"""The sides of a survey: the countries that its records and events may lie in, and who reviews it for each."""

from typing import Final

import polars as pl
from sqlalchemy import select
from sqlalchemy.orm import Session

from biodata.access import accounts
from biodata.access.roles import MAY, Action, Principal, Role, may
from biodata.pipeline import Interpreted
from biodata.pipeline.row_countries import countries_of
from biodata.settings import Settings
from biodata.store.account_models import Account, Binding
from biodata.store.models import Submission
from biodata.store.survey_steps import MACHINE, NO_COUNTRY, step

WAITING: Final = "waiting"
ACCEPTED: Final = "accepted"
REFUSED: Final = "refused"
UNCHANGED: Final = "unchanged"
"""No row of this side becomes another one: there is nothing for its reviewer to decide."""
OPEN: Final = "open"
"""Nobody reviews this side, and the settings do not ask for it."""


def countries(read: Interpreted) -> set[str]:
    """Return every country that a record or an event of an upload may lie in, or is said to; ZZ for those of none."""
    found: set[str] = set()
    for table in read.tables:
        for rows in table.countries or ():
            found |= _codes(rows, nowhere=table.report.table == "occurrences")
    return found or {NO_COUNTRY}


def _codes(frame: pl.DataFrame, *, nowhere: bool) -> set[str]:
    """Return the countries of rows."""
    codes = frame.select(code=countries_of(frame))["code"]
    lost = nowhere and bool((codes.list.len() == 0).any())
    return set(codes.explode().drop_nulls()) | ({NO_COUNTRY} if lost else set())


def asked(
    session: Session, settings: Settings, submission: Submission, wanted: set[str], *, concerned: set[str]
) -> dict[str, str]:
    """Return how each side of a survey stands before anybody has looked at it.

    A side waits where somebody else than the sender may review it, or the settings ask for a review in any case; one that
    is not among the `concerned` does not.
    """
    sender = session.get(Account, submission.account_id) if submission.account_id is not None else None
    free = settings.survey_review == "not_required" or (
        sender is not None and sender.name in settings.survey_unreviewed
    )
    if free:
        return dict.fromkeys(sorted(wanted), OPEN)
    reviewers = _reviewers(session, but=submission.account_id)

    def state(side: str) -> str:
        some = any(reviews(one, submission.dataset, side) for one in reviewers)
        if not (some or settings.survey_review == "required"):
            return OPEN
        return WAITING if side in concerned else UNCHANGED

    return {side: state(side) for side in sorted(wanted)}


def reviews(who: Principal, dataset: str, side: str) -> bool:
    """Tell whether somebody reviews a side of a dataset's surveys."""
    return may(who, Action.REVIEW_SUBMISSION, dataset=dataset, country=None if side == NO_COUNTRY else side)


def accept_if_nobody_waits(session: Session, submission: Submission, *, actor: str = MACHINE) -> bool:
    """Let the worker publish a survey that no side waits with; return whether it does."""
    if WAITING in (submission.sides or {}).values():
        return False
    step(session, submission, "accepted", state="accepted", actor=actor, role=MACHINE,
         details={"sides": submission.sides})  # fmt: skip
    return True


def _reviewers(session: Session, *, but: int | None) -> list[Principal]:
    """Return everybody who reviews something, but for one account."""
    roles = [str(role) for role in MAY[Action.REVIEW_SUBMISSION] if role is not Role.PUBLIC]
    found = session.scalars(
        select(Account)
        .join(Binding, Binding.account_id == Account.id)
        .where(Binding.role.in_(roles), Binding.in_force.is_not(None))
        .where(Account.disabled.is_(None), Account.id != (but if but is not None else -1))
        .distinct()
    )
    return [accounts.principal_of(session, account) for account in found]
