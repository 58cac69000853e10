"""Requests for exact records: asked by purpose, taxon, area and time, decided by the node of each country alone."""

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import pycountry
from sqlalchemy import select
from sqlalchemy.orm import Session

from biodata.access import exact_process, grants
from biodata.access.grants import Grant
from biodata.access.request_views import missing, overdue
from biodata.access.roles import Action, Principal, may
from biodata.core.errors import InputError
from biodata.store import audit
from biodata.store.account_models import AccessDecision, AccessReport, AccessRequest, AccessUse, Account
from biodata.store.models import now
from biodata.store.registry import Registry

_MOST_COUNTRIES: Final = 20


def ask(
    registry: Registry, who: Principal, *, purpose: str, countries: Sequence[str], wanted: Mapping[str, Any],
    extends: str | None = None,
) -> str:  # fmt: skip
    """Ask for exact records; nothing is stated of how many there are.

    Parameters
    ----------
    registry : Registry
    who : Principal
        Who asks.
    purpose : str
        What for.
    countries : sequence of str
        Countries of occurrence; the node of each decides of its own part.
    wanted : mapping
        `taxon`, `area`, `since`, `until`, `fields`, `rows`, `rows_a_day`, `requests`, `expires` as in `grants.Grant`.
    extends : str, optional
        The request that this one asks to go on with.

    Returns
    -------
    str
        The request's id.

    Raises
    ------
    InputError
        If something of it cannot be, its field is named; with REPORT_OVERDUE, if a report of earlier records is.
    """
    if who.account_id is None or not (0 < len(purpose.strip()) <= 2000):
        problem = "a request needs an account and a purpose"
        raise InputError(problem, column="purpose", value=purpose[:80], expected="1 to 2,000 characters")
    codes = sorted({country.upper() for country in countries})
    if not 0 < len(codes) <= _MOST_COUNTRIES or any(pycountry.countries.get(alpha_2=code) is None for code in codes):
        problem = "a request is for countries of occurrence"
        raise InputError(problem, column="countries", value=", ".join(codes)[:80], expected="codes such as LA")
    number = secrets.token_hex(16)
    kept = {**wanted, "countries": codes}
    for code in codes:
        text = _text(number, who.label, code, kept)  # refused here and not when it is decided
        if Grant.read(text).expired():
            problem = "a request cannot end before it begins"
            raise InputError(problem, column="expires", value=str(wanted.get("expires")), expected="a moment to come")
    with registry.session() as session, session.begin():
        if late := overdue(session, who.account_id):
            problem, expected = "a report of what was made is overdue", f"first the report of request {late[0]}"
            raise InputError(problem, column="id", value=late[0], expected=expected, code="REPORT_OVERDUE")
        made = AccessRequest(
            id=number, account_id=who.account_id, purpose=purpose.strip(), wanted=kept, extends=extends
        )
        session.add(made)
        audit.append(session, actor=who.label, action="access asked", subject=number, details=kept)
    return number


def to_sign(registry: Registry, who: Principal, number: str, country: str) -> str:
    """Return the text that a country's node signs if it grants a request as it was asked.

    Raises
    ------
    InputError
        With REQUEST_MISSING, if there is no such request for that country, or it is not theirs to decide.
    """
    with registry.session(read_only=True) as session:
        row, owner = _for_decision(session, who, number, country)
        return _text(row.id, owner.name, country, row.wanted)


def decide(
    registry: Registry, who: Principal, number: str, country: str, *, grant: str | None = None,
    signature: str | None = None, reason: str | None = None, review: date | None = None, exact: Path | None = None,
) -> None:  # fmt: skip
    """Put down what a country's node decided: a grant with its signature, or a refusal with its reason.

    The signature is checked by the exact process, which trusts the keys in its own folder and not the registry. A grant
    of before that it does not take can be decided again.

    Parameters
    ----------
    registry : Registry
    who : Principal
        Who decides.
    number, country : str
        The request, and the country that the decision is of.
    grant, signature : str, optional
        The grant's text as the node signed it; without them it is a refusal.
    reason : str, optional
        Why.
    review : date, optional
        When the node wants to look at it again.
    exact : Path, optional
        Socket of the exact process; without it the signature is first checked when records are read.

    Raises
    ------
    InputError
        If it is not theirs to decide, was decided already, the grant goes further than what was asked, or is not signed
        with the key that is trusted for the country.
    StoreError
        If the exact process is asked and does not answer: nothing is decided then.
    """
    if (grant is None) != (signature is None):
        problem = "a grant comes with its signature, a refusal with neither"
        raise InputError(problem, column="signature", code="FIELD_INVALID")
    with registry.session(read_only=True) as session:
        row, owner = _for_decision(session, who, number, country)
        before = session.scalar(_decision(number, country))
    # The exact process is asked outside of a transaction, which others would wait for.
    void = None if before is None or _is_in_force(before, exact) else before.id
    if before is not None and void is None:
        raise _decided_already(country)
    if grant is not None and signature is not None:
        _no_further(Grant.read(grant), Grant.read(_text(row.id, owner.name, country, row.wanted)))
        if exact is not None and not exact_process.is_signed(exact, grant, signature):
            problem, expected = (
                f"this is not signed with the key that is trusted for {country}",
                f"the key of {country}",
            )
            raise InputError(problem, column="signature", expected=f"{expected}'s node", code="FIELD_INVALID")
    with registry.session() as session, session.begin():
        found = session.scalar(_decision(number, country))
        if found is not None and found.id != void:
            raise _decided_already(country)
        if found is not None:
            session.delete(found)
            session.flush()
            audit.append(session, actor=who.label, action="grant void", subject=number, details={"country": country})
        session.add(
            AccessDecision(
                request_id=number, country=country, grant=grant, signature=signature, reason=reason, review=review,
                decided_by=who.label,
            )
        )  # fmt: skip
        facts = {"country": country, "reason": reason, "grant": json.loads(grant) if grant is not None else None}
        audit.append(session, actor=who.label, action="access granted" if grant else "access refused",
                     subject=number, details=facts)  # fmt: skip


def revoke(registry: Registry, who: Principal, number: str, country: str) -> str:
    """Take a country's grant back, at once; return the grant's id for the exact process.

    Raises
    ------
    InputError
        With REQUEST_MISSING, if there is none, or it is not theirs to take back.
    """
    with registry.session() as session, session.begin():
        found = session.scalar(_decision(number, country)) if may(who, Action.REVOKE_GRANT, country=country) else None
        if found is None or found.grant is None:
            raise missing(number)
        if found.revoked is None:
            found.revoked = now()
            facts = {"country": country}
            audit.append(session, actor=who.label, action="grant revoked", subject=number, details=facts)
        return Grant.read(found.grant).id


def usable(registry: Registry, who: Principal, number: str) -> list[dict[str, str]]:
    """Return the grants of one's own request that hold, as the exact process wants them.

    Raises
    ------
    InputError
        With REQUEST_MISSING, if the request is another's; with NOTHING_GRANTED, if nothing of it is granted now.
    """
    with registry.session(read_only=True) as session:
        row = session.get(AccessRequest, number)
        if row is None or row.account_id != who.account_id:
            raise missing(number)
        found = session.scalars(
            select(AccessDecision).where(
                AccessDecision.request_id == number, AccessDecision.grant.is_not(None), AccessDecision.revoked.is_(None)
            )
        ).all()
        entries = [
            {"grant": one.grant or "", "signature": one.signature or ""}
            for one in found
            if not Grant.read(one.grant or "").expired()
        ]
    if not entries:
        problem = "nothing of this request is granted now"
        expected = "GET /v1/access/requests/ID tells how it stands in each country"
        raise InputError(problem, column="id", value=number, expected=expected, code="NOTHING_GRANTED")
    return entries


def read(registry: Registry, who: Principal, number: str, rows: int) -> None:
    """Put down that granted records were read; the exact process has its own word on it in its own audit."""
    with registry.session() as session, session.begin():
        use = session.get(AccessUse, number) or AccessUse(request_id=number, first_read=now(), reads=0, rows=0)
        use.last_read, use.reads, use.rows = now(), use.reads + 1, use.rows + rows
        session.add(use)
        audit.append(session, actor=who.label, action="exact read", subject=number, details={"rows": rows})


def report(registry: Registry, who: Principal, number: str, *, made: str, links: Sequence[str] = ()) -> None:
    """Tell the nodes what was made of the records of one's own request.

    Raises
    ------
    InputError
        With REQUEST_MISSING, if the request is another's; or if nothing is stated.
    """
    if not 0 < len(made.strip()) <= 10_000 or len(links) > 50 or any(len(link) > 500 for link in links):
        problem, expected = "a report tells what was made", "1 to 10,000 characters, at most 50 links"
        raise InputError(problem, column="made", value=made[:80], expected=expected, code="FIELD_INVALID")
    with registry.session() as session, session.begin():
        row = session.get(AccessRequest, number)
        if row is None or who.account_id is None or row.account_id != who.account_id:
            raise missing(number)
        session.add(AccessReport(request_id=number, made=made.strip(), links=list(links)))
        audit.append(session, actor=who.label, action="access reported", subject=number, details={"links": len(links)})


def again(registry: Registry, who: Principal, number: str, *, purpose: str, expires: str) -> str:
    """Ask anew for what was granted, for longer: a request of its own, which every country decides anew.

    Returns
    -------
    str
        The new request's id.

    Raises
    ------
    InputError
        With REQUEST_MISSING, if the request is another's; or as `ask`.
    """
    with registry.session(read_only=True) as session:
        row = session.get(AccessRequest, number)
        if row is None or who.account_id is None or row.account_id != who.account_id:
            raise missing(number)
    bounds = {name: value for name, value in row.wanted.items() if name != "countries"}
    wanted = {**bounds, "expires": expires}
    return ask(registry, who, purpose=purpose, countries=row.wanted["countries"], wanted=wanted, extends=number)


def unreported_revocations(registry: Registry) -> list[str]:
    """Return the grants that were taken back and that the exact process has not heard of yet."""
    with registry.session(read_only=True) as session:
        rows = session.scalars(
            select(AccessDecision.grant).where(
                AccessDecision.revoked.is_not(None),
                AccessDecision.exact_told.is_(None),
                AccessDecision.grant.is_not(None),
            )
        )
        return [Grant.read(grant).id for grant in rows if grant is not None]


def report_revocations(registry: Registry, socket: Path) -> int:
    """Let the exact process know of every grant that was taken back; return of how many it heard now.

    Raises
    ------
    StoreError
        If it does not answer: the grants are taken back here in any case, and it is stated at the next call.
    """
    stated = 0
    for grant in unreported_revocations(registry):
        exact_process.call_exact(socket, {"revoke": grant})
        number, _, country = grant.rpartition("-")
        with registry.session() as session, session.begin():
            found = session.scalar(_decision(number, country))
            if found is not None:
                found.exact_told = now()
        stated += 1
    return stated


def _for_decision(session: Session, who: Principal, number: str, country: str) -> tuple[AccessRequest, Account]:
    """Return a request that somebody may decide for a country, and whose it is; nobody decides of their own."""
    row = session.get(AccessRequest, number)
    if (
        row is None
        or country not in row.wanted["countries"]
        or row.account_id == who.account_id
        or not may(who, Action.DECIDE_REQUEST, country=country)
    ):
        raise missing(number)
    return row, session.get_one(Account, row.account_id)


def _text(number: str, account: str, country: str, wanted: Mapping[str, Any]) -> str:
    """Return the text of the grant that gives all that was asked of a country."""
    bounds = {name: value for name, value in wanted.items() if name != "countries"}
    return grants.grant_text(
        {"id": f"{number}-{country}", "request": number, "account": account, "country": country, **bounds}
    )


def _no_further(given: Grant, asked: Grant) -> None:
    """Refuse a grant that goes further than what was asked: a node may give less, and never more."""
    problem = "the grant goes further than what was asked, or is of another request"
    for name in ("id", "request", "account", "country"):
        if getattr(given, name) != getattr(asked, name):
            raise InputError(problem, column=name, value=getattr(given, name), expected=getattr(asked, name))
    # ISO 8601 writes one day in several ways, so texts cannot be compared.
    first, last, since, until = (
        grants.day(name, getattr(one, name)) for one in (asked, given) for name in ("since", "until")
    )
    within = {
        "taxon": asked.taxon is None or given.taxon == asked.taxon,
        "area": asked.area is None or (given.area is not None and grants.area_within(given.area, asked.area)),
        "since": first is None or (since is not None and since >= first),
        "until": last is None or (until is not None and until <= last),
        "fields": set(given.fields) <= set(asked.fields),
        "rows": given.rows <= asked.rows,
        "rows_a_day": given.rows_a_day <= asked.rows_a_day,
        "requests": given.requests <= asked.requests,
        "expires": grants.moment("expires", given.expires) <= grants.moment("expires", asked.expires),
    }
    for name, fits in within.items():
        if not fits:
            raise InputError(problem, column=name, value=str(getattr(given, name)), expected=str(getattr(asked, name)))


def _is_in_force(before: AccessDecision, exact: Path | None) -> bool:
    """Return whether a decision stands: all do but a grant that the exact process does not take."""
    if before.grant is None or before.signature is None or before.revoked is not None or exact is None:
        return True
    return exact_process.is_signed(exact, before.grant, before.signature)


def _decided_already(country: str) -> InputError:
    return InputError(f"{country} has decided already", column="country", value=country, code="REQUEST_DECIDED")


def _decision(number: str, country: str) -> Any:
    return select(AccessDecision).where(AccessDecision.request_id == number, AccessDecision.country == country)
