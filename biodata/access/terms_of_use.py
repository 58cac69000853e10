"""Terms of use: versions that never change, and who accepted which before a restricted download.

Restricted are records with a community's label, of a dataset that rests on a permit, or whose licence is none that
everybody knows. Where an installation has no terms nothing is asked.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import select

from biodata.errors import InputError
from biodata.sharing.licences import UNSPECIFIED, UNSUPPORTED
from biodata.store import audit
from biodata.store.query.filters import And, Filter, In, IsNull, Not, Or
from biodata.store.registry import Registry
from biodata.store.rights_models import Permit, TermsAcceptance, TermsVersion

MOST_BYTES: Final = 200_000


@dataclass(frozen=True, slots=True)
class Terms:
    """A version of the terms.

    Attributes
    ----------
    version : int
        Counted from 1.
    text : str
        What they say.
    sha256 : str
        Of the text.
    created : datetime
        Since when they hold.
    """

    version: int
    text: str
    sha256: str
    created: datetime


def current(registry: Registry) -> Terms | None:
    """Return the terms that hold; None where there are none."""
    with registry.session(read_only=True) as session:
        found = session.scalar(select(TermsVersion).order_by(TermsVersion.version.desc()).limit(1))
    return None if found is None else Terms(found.version, found.text, found.sha256, found.created)


def put(registry: Registry, text: str, *, actor: str) -> Terms:
    """Make a text the terms that hold; the same text once more is no new version.

    Raises
    ------
    InputError
        If it is empty, or longer than `MOST_BYTES`.
    """
    raw = text.strip().encode()
    if not 0 < len(raw) <= MOST_BYTES:
        problem, expected = "no terms of use", f"a text of 1 to {MOST_BYTES:,} bytes"
        raise InputError(problem, value=f"{len(raw)} bytes", expected=expected, code="TERMS_INVALID")
    before, digest = current(registry), hashlib.sha256(raw).hexdigest()
    if before is not None and before.sha256 == digest:
        return before
    version = 1 if before is None else before.version + 1
    with registry.session() as session, session.begin():
        session.add(TermsVersion(version=version, text=raw.decode(), sha256=digest))
        audit.append(session, actor=actor, action="terms of use set", subject=str(version), details={"sha256": digest})
    made = current(registry)
    assert made is not None
    return made


def accept(registry: Registry, account_id: int, version: int, *, actor: str) -> None:
    """Keep that an account accepted the terms that hold.

    Raises
    ------
    InputError
        If that version does not hold: nobody accepts what is not in force.
    """
    held = current(registry)
    if held is None or held.version != version:
        expected = "there are no terms" if held is None else f"{held.version}, the version that holds"
        problem = "these terms do not hold"
        raise InputError(problem, column="version", value=str(version), expected=expected, code="TERMS_VERSION")
    with registry.session() as session, session.begin():
        if session.get(TermsAcceptance, (account_id, version)) is None:
            session.add(TermsAcceptance(account_id=account_id, version=version))
            details = {"sha256": held.sha256}
            audit.append(session, actor=actor, action="terms of use accepted", subject=str(version), details=details)


def accepted(registry: Registry, account_id: int | None) -> bool:
    """Tell whether an account accepted the terms that hold; nobody in particular accepted nothing."""
    held = current(registry)
    if held is None:
        return True
    if account_id is None:
        return False
    with registry.session(read_only=True) as session:
        return session.get(TermsAcceptance, (account_id, held.version)) is not None


def restricts(registry: Registry, made: Mapping[str, Any]) -> bool:
    """Tell whether a download holds restricted records, by what is told of it since it was made.

    Parameters
    ----------
    registry : Registry
        The installation's; a permit that came later counts.
    made : mapping
        `license`, `community_labels` and `datasets` of it, as `downloads.summary` tells them; where one is missing
        nothing is known, and it is taken for restricted.
    """
    if not {"license", "community_labels", "datasets"} <= made.keys():
        return True
    if not made["datasets"]:
        return False  # there are no records
    if made["community_labels"] or made["license"] in (UNSPECIFIED, UNSUPPORTED):
        return True
    return not _resting(registry).isdisjoint(dataset["key"] for dataset in made["datasets"])


def restricted(registry: Registry, chosen: Filter | None) -> Filter:
    """Return a filter for the restricted records of those that are chosen."""
    resting = _resting(registry)
    parts: list[Filter] = [
        Not(IsNull("community_labels")),
        IsNull("license_effective"),
        In("license_effective", (UNSPECIFIED, UNSUPPORTED)),
    ]
    if resting:
        parts.append(In("datasetKey", tuple(sorted(resting))))
    return Or(tuple(parts)) if chosen is None else And((chosen, Or(tuple(parts))))


def _resting(registry: Registry) -> set[str]:
    """Return the datasets that rest on a permit."""
    with registry.session(read_only=True) as session:
        return set(session.scalars(select(Permit.dataset).where(Permit.withdrawn.is_(None)).distinct()))
