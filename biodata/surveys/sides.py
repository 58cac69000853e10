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
NOBODY: Final = "nobody"
"""As it is told of a side that waits, since the settings ask for a review, while only its team might review it, or nobody."""


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


def asked(
    session: Session, settings: Settings, submission: Submission, wanted: set[str], *, concerned: set[str]
) -> dict[str, str]:
    """Return how each side of a survey stands before anybody has looked at it.

    A side waits where somebody who is not of its team may review it, or the settings ask for a review in any case; one that
    is not among the `concerned` does not.
    """
    sender = session.get(Account, submission.account_id) if submission.account_id is not None else None
    unreviewed = sender is not None and sender.name in settings.survey_unreviewed
    if settings.survey_review == "not_required" or unreviewed:
        return dict.fromkeys(sorted(wanted), OPEN)
    needed = wanted if settings.survey_review == "required" else _reviewed(session, submission, wanted)
    waits = {side: WAITING if side in concerned else UNCHANGED for side in needed}
    return {side: waits.get(side, OPEN) for side in sorted(wanted)}


def now(session: Session, submission: Submission, told: dict[str, str]) -> dict[str, str]:
    """Return how sides stand (`told`), with those that wait and that nobody may review, as roles are now."""
    waiting = {side for side, how in told.items() if how == WAITING}
    left = waiting - _reviewed(session, submission, waiting) if waiting else waiting
    return told | dict.fromkeys(left, NOBODY)


def reviews(who: Principal, dataset: str, side: str) -> bool:
    """Tell whether somebody reviews a side of a dataset's surveys."""
    return may(who, Action.REVIEW_SUBMISSION, dataset=dataset, country=None if side == NO_COUNTRY else side)


def accept_if_nobody_waits(session: Session, submission: Submission) -> bool:
    """Let the worker publish a survey that no side waits with; return whether it does."""
    if WAITING in (submission.sides or {}).values():
        return False
    told = {"sides": submission.sides}
    step(session, submission, "accepted", state="accepted", actor=MACHINE, role=MACHINE, details=told)
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
