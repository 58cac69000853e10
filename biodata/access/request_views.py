"""What is told of requests for exact records, to whom, and what is due of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from biodata.access import grants
from biodata.access.grants import Grant
from biodata.access.roles import Action, Principal, may, may_somewhere
from biodata.errors import InputError
from biodata.store.account_models import Account
from biodata.store.grant_models import AccessDecision, AccessReport, AccessRequest, AccessUse
from biodata.store.models import now
from biodata.store.registry import Registry

REPORT_DAYS: Final = 30
"""Days after the last grant has ended until a report of what was made is due."""
_SOON_DAYS: Final = 14
_ANSWER_DAYS: Final = 14
_AT_ONCE: Final = 500
"""Requests that one question to the registry is about."""


def describe(registry: Registry, who: Principal) -> list[dict[str, Any]]:
    """Return one's own requests, and those that one's countries' nodes decide; the oldest first."""
    asked = select(AccessRequest, Account).join(Account).order_by(AccessRequest.created, AccessRequest.id)
    if not may_somewhere(who, Action.DECIDE_REQUEST):
        asked = asked.where(AccessRequest.account_id == who.account_id)
    with registry.session(read_only=True) as session:
        rows = [(row, owner) for row, owner in session.execute(asked) if _seen(who, row)]
        return _all_told(session, who, rows)


def look(registry: Registry, who: Principal, number: str) -> dict[str, Any]:
    """Return a request.

    Raises
    ------
    InputError
        With REQUEST_MISSING, if there is none that one may see: somebody else's is not there.
    """
    with registry.session(read_only=True) as session:
        row = session.get(AccessRequest, number)
        if row is None or not _seen(who, row):
            raise missing(number)
        return _all_told(session, who, [(row, session.get_one(Account, row.account_id))])[0]


def overdue(session: Session, account_id: int) -> list[str]:
    """Return the requests of an account whose report should have come."""
    rows = session.scalars(select(AccessRequest.id).where(AccessRequest.account_id == account_id)).all()
    today, facts = now().date(), _facts_of(session, rows)
    due = {number: _report_due(facts[number]) for number in rows}
    return [number for number, day in due.items() if day is not None and day < today]


@dataclass(slots=True)
class _Facts:
    """What became of a request: the decision of each country, how much was read, and what was reported."""

    decisions: dict[str, AccessDecision] = field(default_factory=dict)
    use: AccessUse | None = None
    reports: list[AccessReport] = field(default_factory=list)


def _facts_of(session: Session, numbers: Sequence[str]) -> dict[str, _Facts]:
    """Return what became of requests: a few questions to the registry for all of them."""
    found = {number: _Facts() for number in numbers}
    for start in range(0, len(numbers), _AT_ONCE):
        some = numbers[start : start + _AT_ONCE]
        for decision in session.scalars(select(AccessDecision).where(AccessDecision.request_id.in_(some))):
            found[decision.request_id].decisions[decision.country] = decision
        for use in session.scalars(select(AccessUse).where(AccessUse.request_id.in_(some))):
            found[use.request_id].use = use
        told = select(AccessReport).where(AccessReport.request_id.in_(some)).order_by(AccessReport.id)
        for report in session.scalars(told):
            found[report.request_id].reports.append(report)
    return found


def _report_due(facts: _Facts) -> date | None:
    """Return the day on which a report is due; None where nothing was read, or the report is there."""
    ends = [_ended(one) for one in facts.decisions.values() if one.grant is not None]
    if facts.use is None or facts.reports or not ends:
        return None
    return (max(ends) + timedelta(days=REPORT_DAYS)).date()


def missing(number: str) -> InputError:
    """Return the one answer for what is not there, and for what is somebody else's."""
    problem = "there is no such request of yours, or that you decide"
    return InputError(problem, column="id", value=number, code="REQUEST_MISSING")


def _seen(who: Principal, row: AccessRequest) -> bool:
    """Tell whether somebody may see a request: their own, or one of a country that they decide for."""
    mine = who.account_id is not None and row.account_id == who.account_id
    return mine or any(may(who, Action.DECIDE_REQUEST, country=code) for code in row.wanted["countries"])


def _all_told(session: Session, who: Principal, rows: Sequence[tuple[AccessRequest, Account]]) -> list[dict[str, Any]]:
    facts = _facts_of(session, [row.id for row, _ in rows])
    return [_told(who, row, owner, facts[row.id]) for row, owner in rows]


def _told(who: Principal, row: AccessRequest, owner: Account, facts: _Facts) -> dict[str, Any]:
    """Return what is told of a request: never how many records it is about, but for those that were read."""
    made, use = facts.decisions, facts.use
    mine = row.account_id == who.account_id
    decisions = []
    for code in row.wanted["countries"]:
        one = made.get(code)
        # What a node says is for whoever asked and for its own people; another country's node hears the outcome.
        heard = one is not None and (mine or may(who, Action.DECIDE_REQUEST, country=code))
        decisions.append(
            {
                "country": code,
                "state": _state(one),
                "reason": one.reason if one is not None and heard else None,
                "review": one.review if one is not None and heard else None,
            }
        )
    return {
        "id": row.id,
        "account": owner.name,
        "purpose": row.purpose,
        "created": row.created,
        "wanted": row.wanted,
        "extends": row.extends,
        "decisions": decisions,
        "use": None
        if use is None
        else {"first": use.first_read, "last": use.last_read, "reads": use.reads, "rows": use.rows},
        "reports": [{"made": one.made, "links": one.links, "created": one.created} for one in facts.reports],
        "due": _due(row, facts),
    }


def _due(row: AccessRequest, facts: _Facts) -> list[str]:
    """Return what somebody has to do about a request, in words."""
    today, told = now().date(), []
    for code in row.wanted["countries"]:
        one = facts.decisions.get(code)
        if one is None and row.created < now() - timedelta(days=_ANSWER_DAYS):
            told.append(f"{code} has not answered since {row.created:%Y-%m-%d}")
        if one is None or _state(one) != "granted":
            continue
        ends = _ended(one)
        if ends < now() + timedelta(days=_SOON_DAYS):
            told.append(f"the grant of {code} ends on {ends:%Y-%m-%d}; ask anew to go on")
        if one.review is not None and one.review <= today:
            told.append(f"{code} wanted to look at its grant again on {one.review}")
    due = _report_due(facts)
    if due is not None and due <= today + timedelta(days=_SOON_DAYS):
        told.append(f"a report of what was made {'was' if due < today else 'is'} due on {due}")
    return told


def _state(one: AccessDecision | None) -> str:
    if one is None:
        return "waiting"
    if one.revoked is not None:
        return "revoked"
    if one.grant is None:
        return "refused"
    return "expired" if Grant.read(one.grant).expired() else "granted"


def _ended(one: AccessDecision) -> datetime:
    """Return when a grant ends, or was taken back."""
    ends = grants.moment("expires", Grant.read(one.grant or "").expires)
    return ends if one.revoked is None else min(ends, one.revoked)
