"""Requests for exact records as people see them: what is known of what is asked, what is due, and a granted page beside the public one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeAlias

import polars as pl
import shapely
from sqlalchemy import select
from sqlalchemy.orm import Session

from biodata.access import grants
from biodata.access.grants import Grant, area_shape, day
from biodata.access.roles import Action, Principal, may, may_somewhere
from biodata.core import terms
from biodata.core.errors import InputError
from biodata.store.account_models import AccessDecision, AccessReport, AccessRequest, AccessUse, Account
from biodata.store.models import now
from biodata.store.query.filters import And, Between, Compare, Contains, Filter, In, Intersects, Or
from biodata.store.registry import Registry
from biodata.text.scientific_names import parse_names

Frame: TypeAlias = Callable[[Sequence[str], Filter], pl.DataFrame]
Ask: TypeAlias = Callable[[Mapping[str, Any]], Mapping[str, Any]]
RANKS: Final = ("acceptedScientificName", "species", "genus", "family", "order", "class", "phylum", "kingdom")
"""Columns of a published record that state a taxon it is within."""
_ALWAYS: Final = ("key", "sharing_category", "cell_west", "cell_south", "cell_east", "cell_north")


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a granted answer.

    Attributes
    ----------
    records : list of dict
        In the order of their keys; `exact` tells of each whether it is as it is, or as it is published.
    after : int, optional
        The key to go on behind; None at the end.
    snapshot : int
        The lake's version that the exact ones are of.
    unsigned : list of str
        Countries whose grant is not signed as it should be, so that no exact record of theirs is here.
    """

    records: list[dict[str, Any]]
    after: int | None
    snapshot: int
    unsigned: list[str]


def granted_page(frame: Frame, grants: Sequence[Grant], ask: Ask, *, after: int | None, limit: int) -> Page:
    """Return a page.

    Parameters
    ----------
    frame : function
        Reads columns of the published records that a filter chooses.
    grants : sequence of Grant
        Of one request.
    ask : function
        Puts a question to the exact process, and counts for the grants what it answers.
    after : int, optional
        A key.
    limit : int
        Records that are taken of each kind.
    """
    where = wanted(grants)
    behind: Filter = where if after is None else And((where, Compare("key", ">", after)))
    keys = frame(["key"], behind)["key"].sort().head(limit)
    until = keys[-1] if keys.len() == limit else None
    answer = ask({"after": after, "until": until, "limit": limit})
    exact = {record["key"]: {**record, "exact": True} for record in answer["records"]}
    if len(exact) == limit:
        until = max(exact)
    if until is not None:
        keys = keys.filter(keys <= until)
    others = keys.filter(~keys.is_in(list(exact)))
    found = [*exact.values(), *({**row, "exact": False} for row in _published(frame, grants, others))]
    return Page(sorted(found, key=lambda row: row["key"]), until, answer["snapshot"], answer.get("unsigned", []))


def wanted(grants: Sequence[Grant]) -> Filter:
    """Return which published records belong to what was granted: of its countries, taxon, area and time."""
    one = grants[0]
    parts: list[Filter] = [Or(tuple(Contains("country_codes", grant.country) for grant in grants))]
    if one.taxon is not None:
        parts.append(of_taxon(one.taxon))
    if one.area is not None:
        parts.append(Intersects(bytes(shapely.to_wkb(area_shape(one.area)))))
    since, until = day("since", one.since), day("until", one.until)
    if since is not None or until is not None:
        parts.append(Between("event_start", since, until))
    return And(tuple(parts))


def of_taxon(taxon: str) -> Filter:
    """Return which published records are of a taxon, with or without its authorship, or of one within it."""
    canonical = parse_names(pl.Series([taxon]))["canonical"][0] or taxon
    names = tuple(dict.fromkeys((taxon, canonical)))
    return Or(tuple(In(rank, names, ignore_case=True) for rank in RANKS))


def _published(frame: Frame, grants: Sequence[Grant], keys: pl.Series) -> list[dict[str, Any]]:
    """Return records as they are published, with the fields that were granted and the cell."""
    if keys.is_empty():
        return []
    fields = {name for grant in grants for name in grant.fields}
    columns = [*_ALWAYS, *(c.name for c in terms.PUBLISHED_OCCURRENCE if c.name in fields and c.name not in _ALWAYS)]
    found: list[dict[str, Any]] = []
    for start in range(0, keys.len(), 1000):
        chosen = In("key", tuple(keys[start : start + 1000].to_list()))
        found += frame(columns, chosen).to_dicts()
    return found


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
        rows = [(row, owner) for row, owner in session.execute(asked) if _may_see(who, row)]
        return _request_views(session, who, rows)


def look(registry: Registry, who: Principal, number: str) -> dict[str, Any]:
    """Return a request.

    Raises
    ------
    InputError
        With REQUEST_MISSING, if there is none that one may see: somebody else's is not there.
    """
    with registry.session(read_only=True) as session:
        row = session.get(AccessRequest, number)
        if row is None or not _may_see(who, row):
            raise missing(number)
        return _request_views(session, who, [(row, session.get_one(Account, row.account_id))])[0]


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
        stated_select = select(AccessReport).where(AccessReport.request_id.in_(some)).order_by(AccessReport.id)
        for report in session.scalars(stated_select):
            found[report.request_id].reports.append(report)
    return found


def _report_due(facts: _Facts) -> date | None:
    """Return the day on which a report is due; None where nothing was read, or the report is there."""
    ends = [_end_of_grant(one) for one in facts.decisions.values() if one.grant is not None]
    if facts.use is None or facts.reports or not ends:
        return None
    return (max(ends) + timedelta(days=REPORT_DAYS)).date()


def missing(number: str) -> InputError:
    """Return the one answer for what is not there, and for what is somebody else's."""
    problem = "there is no such request of yours, or that you decide"
    return InputError(problem, column="id", value=number, code="REQUEST_MISSING")


def _may_see(who: Principal, row: AccessRequest) -> bool:
    """Return whether somebody may see a request: their own, or one of a country that they decide for."""
    mine = who.account_id is not None and row.account_id == who.account_id
    return mine or any(may(who, Action.DECIDE_REQUEST, country=code) for code in row.wanted["countries"])


def _request_views(
    session: Session, who: Principal, rows: Sequence[tuple[AccessRequest, Account]]
) -> list[dict[str, Any]]:
    facts = _facts_of(session, [row.id for row, _ in rows])
    return [_request_view(who, row, owner, facts[row.id]) for row, owner in rows]


def _request_view(who: Principal, row: AccessRequest, owner: Account, facts: _Facts) -> dict[str, Any]:
    """Return what is stated of a request: never how many records it is about, but for those that were read."""
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
    today, lines = now().date(), []
    for code in row.wanted["countries"]:
        one = facts.decisions.get(code)
        if one is None and row.created < now() - timedelta(days=_ANSWER_DAYS):
            lines.append(f"{code} has not answered since {row.created:%Y-%m-%d}")
        if one is None or _state(one) != "granted":
            continue
        ends = _end_of_grant(one)
        if ends < now() + timedelta(days=_SOON_DAYS):
            lines.append(f"the grant of {code} ends on {ends:%Y-%m-%d}; ask anew to go on")
        if one.review is not None and one.review <= today:
            lines.append(f"{code} wanted to look at its grant again on {one.review}")
    due = _report_due(facts)
    if due is not None and due <= today + timedelta(days=_SOON_DAYS):
        lines.append(f"a report of what was made {'was' if due < today else 'is'} due on {due}")
    return lines


def _state(one: AccessDecision | None) -> str:
    if one is None:
        return "waiting"
    if one.revoked is not None:
        return "revoked"
    if one.grant is None:
        return "refused"
    return "expired" if Grant.read(one.grant).expired() else "granted"


def _end_of_grant(one: AccessDecision) -> datetime:
    """Return when a grant ends, or was taken back."""
    ends = grants.moment("expires", Grant.read(one.grant or "").expires)
    return ends if one.revoked is None else min(ends, one.revoked)
