"""Who decides: an appointment counts once somebody else than its maker and its holder has confirmed it.

Who manages a country's node is the country's own to say beside. Where nobody ever spoke for it here, an administrator
appoints its first manager; from then on it takes a word that the node signed with its own key, or a manager of that
country. A signed word is confirmed by the node that signed it, and an administrator that the machine's owner makes needs
nobody: all others do, and all who decide see who appointed whom.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from biodata.access.roles import DECIDING, Role, RoleBinding, in_force, role_as_json, role_in_words, role_of_row
from biodata.core.errors import InputError
from biodata.formats import node_keys
from biodata.store import audit
from biodata.store.account_models import Account, Binding, Node, NodeWord
from biodata.store.models import AuditEntry, now

PURPOSE: Final = b"biodata node word\n"
GIVEN: Final = "role given"
CONFIRMED: Final = "role confirmed"
TAKEN: Final = "role taken"
SEEN_BY_ALL: Final = (GIVEN, CONFIRMED, TAKEN, "node word", "code made")
"""Actions of the audit that everybody who decides sees: who can act as whom, and who made it so."""


def word(node: str, account: str, *, given: bool) -> str:
    """Return the text by which a node appoints an account its manager, or dismisses it; a moment makes it another each time."""
    facts = {"word": "manager", "node": node, "account": account, "given": given, "date": now().isoformat()}
    return json.dumps(facts, sort_keys=True, separators=(",", ":"))


def check(
    session: Session, account: Account, wanted: RoleBinding, actor: str, *, given: bool, machine: bool,
    signed: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """Refuse a role that somebody gives themselves, and that of a node's manager where it is the country's own to say.

    Parameters
    ----------
    session : Session
        Of the transaction in which the role is given or taken; the signed word is put down in it.
    account : Account
        Whose role.
    wanted : RoleBinding
        Which one.
    actor : str
        Who does it.
    given : bool
        Whether it is given; else it is taken away.
    machine : bool
        Whether it is done on the machine itself, which may be the node.
    signed : mapping, optional
        `text` and `signature` of the node's word.

    Raises
    ------
    InputError
        With OWN_APPOINTMENT, if it is a deciding role of one's own; NODE_DECIDES, if it is not for whoever asks to say; WORD_INVALID, if the word is not the node's, is of
        something else or was followed before.
    """
    if given and wanted.role in DECIDING and actor == account.name:
        problem, expected = "nobody appoints themselves", "somebody else to give the role, and a third to confirm it"
        raise InputError(problem, column="role", value=role_in_words(wanted), expected=expected, code="OWN_APPOINTMENT")
    if wanted.role is not Role.NODE_MANAGER or wanted.country is None:
        return
    node = session.get(Node, wanted.country)
    if signed is not None:
        _follow(session, node, account, wanted.country, given=given, signed=signed)
        return
    if (machine and node is not None and node.own) or _manages(session, actor, wanted.country):
        return
    if node is None and (not given or not _spoken_for(session, wanted.country)):
        return
    problem = f"who speaks for {wanted.country} is said by its node, or by a manager of it"
    expected = f"the word that `biodata node appoint {account.name}` signs at the node of {wanted.country}"
    if node is None:
        expected += f", once `biodata node trust {wanted.country} KEYFILE` made its key known here"
    raise InputError(problem, column="role", value=role_in_words(wanted), expected=expected, code="NODE_DECIDES")


def bind(
    session: Session, account: Account, wanted: RoleBinding, actor: str, *, machine: bool, signed: bool
) -> Binding:
    """Add a role that was checked; it counts from now on, unless somebody decides by it and nobody confirmed it yet."""
    by_node = f"node {wanted.country}" if signed and wanted.role is Role.NODE_MANAGER else None
    counts = wanted.role not in DECIDING or by_node is not None or (wanted.role is Role.ADMINISTRATOR and machine)
    row = Binding(
        account_id=account.id, role=str(wanted.role), granted_by=actor, confirmed_by=by_node,
        in_force=now() if counts else None, **wanted.scope(),
    )  # fmt: skip
    session.add(row)
    session.flush()
    facts = role_as_json(wanted)
    audit.append(session, actor=actor, action=GIVEN, subject=account.name, details=facts)
    if by_node is not None:
        audit.append(
            session, actor=by_node, action=CONFIRMED, subject=account.name, details=facts | {"given_by": actor}
        )
    return row


def confirm(session: Session, row: Binding, account: Account, actor: str) -> None:
    """Let an appointment count, in the name of a second person.

    Raises
    ------
    InputError
        With OWN_APPOINTMENT, if whoever confirms made it or holds it; CONFIRMATION_FORBIDDEN, if they have no open account
        by which they decide themselves.
    """
    wanted = role_of_row(row)
    if actor in (row.granted_by, account.name):
        problem = "an appointment is confirmed by somebody else than its maker and its holder"
        raise InputError(problem, column="by", value=actor, expected="a third account", code="OWN_APPOINTMENT")
    second = session.scalar(select(Account).where(Account.name == actor, Account.disabled.is_(None)))
    roles = in_force(session.scalars(select(Binding).where(Binding.account_id == second.id))) if second else ()
    if not any(role.role in DECIDING for role in roles):
        problem = "who confirms an appointment decides here themselves"
        expected = "an open account of a reviewer, a node's manager or an administrator, itself confirmed"
        raise InputError(problem, column="by", value=actor, expected=expected, code="CONFIRMATION_FORBIDDEN")
    row.confirmed_by, row.in_force = actor, now()
    facts = role_as_json(wanted) | {"given_by": row.granted_by}
    audit.append(session, actor=actor, action=CONFIRMED, subject=account.name, details=facts)


def may_set_password(session: Session, account: Account, actor: str, *, machine: bool) -> bool:
    """Return whether somebody may make a code that sets an account's password: whoever logs in with it decides as its holder.

    Of a reviewer or an administrator who has no password yet anybody may who manages accounts, so that they get their first.
    """
    if machine or actor == account.name:
        return True
    closed = DECIDING if account.password is not None else {Role.NODE_MANAGER}
    rows = session.scalars(select(Binding).where(Binding.account_id == account.id, Binding.role.in_(map(str, closed))))
    return all(row.country is not None and _manages(session, actor, row.country) for row in rows)


def _follow(
    session: Session, node: Node | None, account: Account, country: str, *, given: bool, signed: Mapping[str, str]
) -> None:
    """Put a node's word down, if it says this and was never followed before."""
    text, signature = signed.get("text", ""), signed.get("signature", "")
    content = _read(text)
    wanted = {"word": "manager", "node": country, "account": account.name, "given": given}
    known = session.get(NodeWord, hashlib.sha256(text.encode()).hexdigest())
    good = (
        node is not None
        and node.distrusted is None
        and known is None
        and {**content, **wanted} == content
        and node_keys.holds(PURPOSE, text.encode(), signature, node.public_key)
    )
    if not good:
        problem = f"this is no word of the node of {country} on this account, or was followed before"
        expected = f"what `biodata node appoint {account.name}` wrote at the node just now"
        raise InputError(problem, column="signature", value=account.name, expected=expected, code="WORD_INVALID")
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    session.add(NodeWord(sha256=sha256, node=country, text=text, signature=signature))
    audit.append(session, actor=f"node {country}", action="node word", subject=account.name, details=content)


def _read(text: str) -> dict[str, Any]:
    """Return what a word says; nothing where it is none."""
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _manages(session: Session, actor: str, country: str) -> bool:
    """Return whether whoever acts is a manager of a country's node, for all of it."""
    found = session.scalars(
        select(Binding)
        .join(Account, Account.id == Binding.account_id)
        .where(
            Account.name == actor,
            Account.disabled.is_(None),
            Binding.in_force.is_not(None),
            Binding.role == str(Role.NODE_MANAGER),
        )
    )
    return any(role_of_row(row) == RoleBinding(Role.NODE_MANAGER, country=country) for row in found)


def _spoken_for(session: Session, country: str) -> bool:
    """Return whether a country ever had a confirmed manager here; closing their account gives nobody their place."""
    given = select(AuditEntry.details).where(AuditEntry.action == CONFIRMED)
    return any(
        reported.get("role") == str(Role.NODE_MANAGER) and reported.get("country") == country
        for reported in session.scalars(given)
    )
