"""The sharing rules of an installation: rules, consents and labels, one row of the registry for each version of them.

The last version is in force. Its hash stands in its row and in the audit, so that a version that is missing, cut or
changed stops publication; no other list ever takes its place.
"""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from importlib.metadata import version
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from biodata.core.errors import InputError, RulesUnreadableError
from biodata.core.settings import Settings
from biodata.sharing import Consent, Rule, RuleSet
from biodata.sharing.rule import Assignment
from biodata.sharing.rules import (
    BUNDLED,
    COLUMNS,
    CONSENT_COLUMNS,
    LABEL_COLUMNS,
    bundled_list,
    cells,
    read_consents,
    read_labels,
    read_rules,
)
from biodata.store import audit
from biodata.store.models import AuditEntry, RuleVersion
from biodata.store.registry import Registry

WRITTEN: Final = "sharing rules written"
"""The action of the audit entry of a version; its subject is the version's number."""
UNREADABLE: Final = "the sharing rules cannot be read"
"""How every message begins that a missing or changed version stops something with."""

_REMEDY: Final = (
    "nothing is published without them: restore a backup with `biodata restore`, or put rules in their place with "
    "`biodata rules import FILE.csv` or `biodata rules import --bundled`"
)


@dataclass(frozen=True, slots=True)
class RuleContent:
    """What a version holds; consents and labels that are over, or begin later, too.

    Attributes
    ----------
    rules : tuple of Rule
    consents : tuple of Consent
    labels : tuple of Assignment
    """

    rules: tuple[Rule, ...]
    consents: tuple[Consent, ...] = ()
    labels: tuple[Assignment, ...] = ()

    @classmethod
    def parse(cls, rules: str, consents: str | None = None, labels: str | None = None) -> "RuleContent":
        """Read the three CSV texts.

        Raises
        ------
        InputError
            If one is not valid.
        """
        return cls(
            RuleSet.of(read_rules(rules, file="rules")).rules,
            read_consents(consents, file="consents") if consents is not None else (),
            read_labels(labels, file="labels") if labels is not None else (),
        )

    @classmethod
    def bundled(cls) -> "RuleContent":
        """Return the list that is shipped."""
        return cls(RuleSet.of(read_rules(bundled_list(), file=BUNDLED)).rules)

    def texts(self) -> tuple[str, str, str]:
        """Return rules, consents and labels as CSV, the same for the same ones in any order."""
        by_name = sorted(self.rules, key=lambda rule: rule.rule_id)
        return (
            _csv(COLUMNS, map(cells, by_name)),
            _csv(CONSENT_COLUMNS, map(cells, sorted(set(self.consents), key=str))),
            _csv(LABEL_COLUMNS, map(cells, sorted(set(self.labels), key=str))),
        )

    def on(self, day: date) -> RuleSet:
        """Return the rules with the consents and labels that hold on a day."""
        return RuleSet.of(self.rules).on(day, consents=self.consents, labels=self.labels)


Change = Callable[[RuleContent], RuleContent]
"""What makes a version's content of the one before."""


def rules_of(source: Registry | Settings, *, day: date | None = None) -> RuleSet:
    """Return the sharing rules of an installation that hold on a day, today where none is given.

    Raises
    ------
    RulesUnreadableError
        If the last version is missing, or is not as it was written: a `SharingError`, so that nothing is published.
    """
    if isinstance(source, Settings):
        with Registry.open(source) as registry:
            return rules_of(registry, day=day)
    with source.session(read_only=True) as session:
        return rules_in(session, day=day)


def rules_in(session: Session, *, day: date | None = None) -> RuleSet:
    """Return the same inside a transaction."""
    return _in_force(_texts(session), day or datetime.now(tz=UTC).date())


def current(session: Session) -> RuleContent:
    """Return the content of the last version.

    Raises
    ------
    RulesUnreadableError
        If it is missing, or is not as it was written.
    """
    return _parsed(_texts(session))


def versions(session: Session) -> Sequence[RuleVersion]:
    """Return all versions, the oldest first."""
    return session.scalars(select(RuleVersion).order_by(RuleVersion.number)).all()


def write(session: Session, content: RuleContent, *, actor: str, reason: str) -> int:
    """Write a version, with its audit entry, inside a transaction; return its number.

    Raises
    ------
    InputError
        If what is written would not be read; nothing is written then.
    """
    texts = content.texts()
    RuleContent.parse(*texts)
    last, named = _last(session), _named(session)
    number = 1 + max(last.number if last is not None else 0, int(named[0]) if named is not None else 0)
    sha256 = _digest(texts)
    rules, consents, labels = texts
    session.add(
        RuleVersion(
            number=number, rules=rules, consents=consents, labels=labels, sha256=sha256, actor=actor, reason=reason
        )
    )
    details = {"sha256": sha256, "rules": len(content.rules), "reason": reason}
    audit.append(session, actor=actor, action=WRITTEN, subject=str(number), details=details)
    return number


def change(registry: Registry, alter: Change, *, actor: str, reason: str) -> RuleContent:
    """Write a version made of the one in force; of two changes at once neither is lost.

    Returns
    -------
    RuleContent
        What was in force before.

    Raises
    ------
    RulesUnreadableError
        If the version in force is missing or was changed; nothing is written then.
    """
    with registry.session() as session, session.begin():
        before = current(session)
        write(session, alter(before), actor=actor, reason=reason)
    return before


def write_first(session: Session) -> None:
    """Write the list that is shipped as the first version of a new installation."""
    write(session, RuleContent.bundled(), actor="biodata", reason=f"bundled list {version('biodata')}")


def _texts(session: Session) -> tuple[str, str, str]:
    """Return the CSV texts of the last version, checked against its hash and the audit's."""
    row, named = _last(session), _named(session)
    if row is None:
        problem = "the registry has no version of them"
    elif named is None or (str(row.number), row.sha256) != (named[0], named[1].get("sha256")):
        problem = f"version {row.number} is not the last one that the audit names"
    else:
        texts = (row.rules, row.consents, row.labels)
        if _digest(texts) == row.sha256:
            return texts
        problem = f"version {row.number} was changed since it was written"
    message = f"{UNREADABLE}: {problem}; {_REMEDY}"
    raise RulesUnreadableError(message)


def _last(session: Session) -> RuleVersion | None:
    return session.scalar(select(RuleVersion).order_by(RuleVersion.number.desc()).limit(1))


def _named(session: Session) -> tuple[str, Mapping[str, object]] | None:
    """Return number and details of the last version that the audit names."""
    entries = select(AuditEntry.subject, AuditEntry.details).where(AuditEntry.action == WRITTEN)
    found = session.execute(entries.order_by(AuditEntry.id.desc()).limit(1)).one_or_none()
    return None if found is None else (found[0], found[1])


@lru_cache(maxsize=4)
def _parsed(texts: tuple[str, str, str]) -> RuleContent:
    try:
        return RuleContent.parse(*texts)
    except InputError as error:
        message = f"{UNREADABLE}: {error.without_value()}; {_REMEDY}"
        raise RulesUnreadableError(message) from error


@lru_cache(maxsize=4)
def _in_force(texts: tuple[str, str, str], day: date) -> RuleSet:
    return _parsed(texts).on(day)


def _digest(texts: Sequence[str]) -> str:
    return hashlib.sha256(json.dumps(list(texts), ensure_ascii=False).encode()).hexdigest()


def _csv(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
