"""Permits that datasets rest on: Nagoya certificates with their numbers checked, national permits, consents, terms.

An internationally recognised certificate of compliance is numbered by the Access and Benefit-sharing Clearing-House as
ABSCH-IRCC, the country, the document's number, the number of its revision: ABSCH-IRCC-IN-256843-1.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any, Final, NoReturn

import pycountry
from sqlalchemy import select

from biodata.core.errors import InputError
from biodata.store import audit
from biodata.store.account_models import Permit
from biodata.store.models import now
from biodata.store.registry import Registry

SOON_DAYS: Final = 90
"""A permit that ends within so many days is stated to end soon."""

MISSING: Final = (
    "No permit is told. Whether one, or a certificate of compliance with the Nagoya Protocol, stands behind these records "
    "has to be asked of their publisher."
)
"""What is said of a dataset that rests on no permit that is stated."""

# After what the Clearing-House gives out and what those who check it take, as in api.cbd.int/api/v2013/documents/NUMBER.
_IRCC: Final = re.compile(
    r"ABSCH-IRCC-(?P<country>[A-Z]{2})-(?P<document>[0-9]{6,7})-(?P<revision>[1-9][0-9]?)", re.ASCII
)
_IRCC_FORM: Final = "ABSCH-IRCC, a country, 6 or 7 digits and a revision, as ABSCH-IRCC-IN-256843-1"
_CODE: Final = "PERMIT_INVALID"


class Kind(StrEnum):
    """What a permit is."""

    IRCC = "ircc"
    """An internationally recognised certificate of compliance with the Nagoya Protocol."""
    PERMIT = "permit"
    """A national permit to collect, to survey or to export."""
    CONSENT = "consent"
    """Prior informed consent of a community or an authority."""
    TERMS = "terms"
    """Mutually agreed terms."""


class State(StrEnum):
    """How a permit stands on a day."""

    VALID = "valid"
    ENDS_SOON = "ends soon"
    ENDED = "ended"
    NOT_YET = "not yet valid"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class PermitData:
    """A permit as it is stated.

    Attributes
    ----------
    dataset, kind, number : str
        What rests on it, what it is, how its authority numbers it.
    country : str, optional
        ISO 3166-1 alpha-2 of the country that gave it; of a certificate it follows from the number.
    authority : str, optional
        The office that gave it.
    issued, expires : date, optional
        First and last day that it holds.
    """

    dataset: str
    kind: Kind
    number: str
    country: str | None = None
    authority: str | None = None
    issued: date | None = None
    expires: date | None = None


def checked(permit_data: PermitData) -> PermitData:
    """Return a permit with number and country as they are written.

    Raises
    ------
    InputError
        If the number of a certificate is none, its country is not the permit's, or it ends before it begins.
    """
    number = " ".join(permit_data.number.split())
    country = (permit_data.country or "").strip().upper() or None
    if permit_data.kind is Kind.IRCC:
        number = re.sub(r"[\s\u2010-\u2015]+", "-", number.upper())
        match = _IRCC.fullmatch(number)
        if match is None:
            _refuse("no number of a certificate", "number", permit_data.number, _IRCC_FORM)
        if country not in (None, match["country"]):
            _refuse(f"the number is one of {match['country']}", "country", str(country), match["country"])
        country = match["country"]
    if not number:
        _refuse(
            "this value is missing", "number", permit_data.number, "the permit's number, as its authority writes it"
        )
    if country is None or pycountry.countries.get(alpha_2=country) is None:
        column = "number" if permit_data.kind is Kind.IRCC else "country"
        _refuse("no such country", column, country or "", "an ISO 3166-1 alpha-2 code, as LA")
    if permit_data.issued is not None and permit_data.expires is not None and permit_data.expires < permit_data.issued:
        _refuse(
            "it ends before it begins",
            "expires",
            permit_data.expires.isoformat(),
            f"a day from {permit_data.issued} on",
        )
    if not permit_data.dataset.strip():
        _refuse("this value is missing", "dataset", permit_data.dataset, "the key of a dataset")
    return replace(permit_data, dataset=permit_data.dataset.strip(), number=number, country=country)


def record(registry: Registry, permit_data: PermitData, *, actor: str) -> int:
    """Keep a permit; the same once more changes what is stated of it. Return its number here.

    Raises
    ------
    InputError
        If it is not valid (`checked`).
    """
    wanted = checked(permit_data)
    with registry.session() as session, session.begin():
        same = (Permit.dataset == wanted.dataset, Permit.kind == str(wanted.kind), Permit.number == wanted.number)
        found = session.scalar(select(Permit).where(*same))
        if found is None:
            found = Permit(dataset=wanted.dataset, kind=str(wanted.kind), number=wanted.number)
            session.add(found)
        found.country, found.authority = str(wanted.country), wanted.authority
        found.issued, found.expires, found.withdrawn = wanted.issued, wanted.expires, None
        session.flush()
        audit.append(
            session, actor=actor, action="permit recorded", subject=wanted.number, details=_permit_as_json(found)
        )
        return found.id


def withdraw(registry: Registry, number: int, *, actor: str) -> None:
    """Take a permit back, by its number here; it stays stated as withdrawn.

    Raises
    ------
    InputError
        If there is none.
    """
    with registry.session() as session, session.begin():
        found = session.get(Permit, number)
        if found is None or found.withdrawn is not None:
            problem = "there is no such permit"
            raise InputError(problem, column="id", value=str(number), code="PERMIT_MISSING")
        found.withdrawn = now()
        audit.append(
            session, actor=actor, action="permit withdrawn", subject=found.number, details=_permit_as_json(found)
        )


def of_dataset(registry: Registry, dataset: str | None = None, *, day: date | None = None) -> list[dict[str, Any]]:
    """Return the permits of a dataset, or all, as plain values with their `state` on a day (today)."""
    today = day or now().date()
    asked = select(Permit).order_by(Permit.dataset, Permit.kind, Permit.number)
    if dataset is not None:
        asked = asked.where(Permit.dataset == dataset)
    with registry.session(read_only=True) as session:
        return [{"id": p.id, **_permit_as_json(p), "state": str(state_of(p, today))} for p in session.scalars(asked)]


def get(registry: Registry, number: int) -> dict[str, Any] | None:
    """Return a permit by its number here; None where there is none."""
    return next((permit for permit in of_dataset(registry) if permit["id"] == number), None)


def state_of(permit: Permit, day: date) -> State:
    """Return how a permit stands on a day."""
    if permit.withdrawn is not None:
        return State.WITHDRAWN
    if permit.issued is not None and day < permit.issued:
        return State.NOT_YET
    if permit.expires is None:
        return State.VALID
    left = (permit.expires - day).days
    return State.ENDED if left < 0 else State.ENDS_SOON if left < SOON_DAYS else State.VALID


def permit_in_words(permit: Mapping[str, Any]) -> str:
    """Return a permit, as `of_dataset` tells it, in words."""
    words = {
        Kind.IRCC: "certificate of compliance", Kind.PERMIT: "permit", Kind.CONSENT: "consent", Kind.TERMS: "terms",
    }  # fmt: skip
    ends = f" until {permit['expires']}" if permit["expires"] else ""
    given = f" by {permit['authority']}" if permit["authority"] else ""
    return f"{words[permit['kind']]} {permit['number']} of {permit['country']}{given}{ends} ({permit['state']})"


def notices(held: Iterable[Mapping[str, Any]]) -> list[str]:
    """Return what whoever uses a dataset has to heed of its permits, as `of_dataset` tells them, in sentences.

    A permit that ended, or does not hold yet, may forbid what it allowed: who gave it has to be asked.
    """
    lines, held = [], list(held)
    for permit in held:
        asked = permit["authority"] or f"the authority of {permit['country']}"
        if permit["state"] == State.ENDED:
            lines.append(f"{permit['number']} ended on {permit['expires']}: ask {asked} before its records are used.")
        elif permit["state"] == State.ENDS_SOON:
            lines.append(f"{permit['number']} ends on {permit['expires']}.")
        elif permit["state"] == State.NOT_YET:
            lines.append(
                f"{permit['number']} holds from {permit['issued']} on: ask {asked} before its records are used."
            )
        elif permit["state"] == State.WITHDRAWN:
            lines.append(f"{permit['number']} was withdrawn: ask {asked} before its records are used.")
    return lines if held else [MISSING]


def _permit_as_json(permit: Permit) -> dict[str, Any]:
    """Return a permit as plain values."""
    facts = {name: getattr(permit, name) for name in ("dataset", "kind", "number", "country", "authority")}
    days = {"issued": permit.issued, "expires": permit.expires}
    return facts | {name: None if value is None else value.isoformat() for name, value in days.items()}


def _refuse(problem: str, column: str, value: str, expected: str) -> NoReturn:
    raise InputError(problem, column=column, value=value, expected=expected, code=_CODE)
