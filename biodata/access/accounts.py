"""Accounts: who they are and which roles they have; every change stands in the audit, in the same transaction."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from biodata.access import appointments
from biodata.access.roles import (
    PUBLIC,
    SCOPES,
    Principal,
    Role,
    RoleBinding,
    checked_role,
    in_force,
    role_as_json,
    role_in_words,
    role_of_row,
)
from biodata.core.errors import InputError
from biodata.store import audit
from biodata.store.account_models import Account, Binding, Login
from biodata.store.models import now
from biodata.store.registry import Registry

__all__ = ["PUBLIC", "Principal", "Role", "RoleBinding"]

NAME: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{0,99}")
"""What an account can be called."""

COMMAND_LINE: Final = "command line"
"""What the audit calls whoever has the machine."""


def new(
    registry: Registry, name: str, *, label: str | None = None, roles: Iterable[RoleBinding] = (),
    actor: str = COMMAND_LINE, machine: bool = False,
) -> int:  # fmt: skip
    """Make an account, which can do nothing yet but what its roles say.

    Parameters
    ----------
    registry : Registry
        The installation's.
    name : str
        What it is called: small letters, digits, ``. _ @ -``.
    label : str, optional
        What people call it; the name where nothing is given.
    roles : iterable of RoleBinding
        Its roles.
    actor : str
        Who makes it.
    machine : bool
        Whether it is done on the machine itself, in the actor's name.

    Returns
    -------
    int
        Its number.

    Raises
    ------
    InputError
        If it cannot be called so, there is one of this name already, or a role cannot be bound so.
    """
    if not NAME.fullmatch(name):
        expected = "1 to 100 small letters, digits, '.', '_', '@' or '-', a letter or a digit first"
        problem = "an account cannot be called so"
        raise InputError(problem, column="name", value=name, expected=expected, code="FIELD_INVALID")
    with registry.session() as session, session.begin():
        if by_name(session, name) is not None:
            problem = "there is an account of this name already"
            raise InputError(problem, column="name", value=name, code="ACCOUNT_EXISTS")
        account = Account(name=name, label=checked_label(label or name))
        session.add(account)
        session.flush()
        facts = {"id": account.id, "label": account.label}
        audit.append(session, actor=actor, action="account made", subject=name, details=facts)
        for wanted in roles:
            _bind(session, account, wanted, actor, machine=machine)
        return account.id


def bind(
    registry: Registry, name: str, wanted: RoleBinding, *, actor: str = COMMAND_LINE,
    signed: Mapping[str, str] | None = None, machine: bool = False,
) -> bool:  # fmt: skip
    """Give a role to an account; the same once more is no news. Return whether it counts already.

    One by which somebody decides gives no right before somebody else has confirmed it, see `appointments`.

    Parameters
    ----------
    registry : Registry
        The installation's.
    name : str
        The account.
    wanted : RoleBinding
        The role.
    actor : str
        Who gives it.
    signed : mapping, optional
        The word of a country's node on who manages it, `text` and `signature`.
    machine : bool
        Whether it is done on the machine itself, in the actor's name.

    Raises
    ------
    InputError
        If there is no such account, a role cannot be bound so, or it is a country's own to give.
    """
    with registry.session() as session, session.begin():
        return _bind(session, need(session, name), wanted, actor, signed, machine=machine)


def confirm(registry: Registry, name: str, wanted: RoleBinding, *, actor: str) -> None:
    """Confirm a role that waits for a second person: exactly the one that is bound so.

    Raises
    ------
    InputError
        With ROLE_NOT_GIVEN, if no such role waits; OWN_APPOINTMENT or CONFIRMATION_FORBIDDEN, if the actor cannot.
    """
    with registry.session() as session, session.begin():
        account = need(session, name)
        wanted = checked_role(wanted)
        rows = (row for row in _rows(session, account.id) if row.in_force is None)
        if (found := next((row for row in rows if role_of_row(row) == wanted), None)) is None:
            problem = "no role of the account that is bound so waits to be confirmed"
            raise InputError(problem, column="role", value=role_in_words(wanted), code="ROLE_NOT_GIVEN")
        appointments.confirm(session, found, account, actor)


def waiting(registry: Registry) -> list[dict[str, Any]]:
    """Return the appointments that nobody has confirmed yet, as JSON, the oldest first."""
    asked = select(Binding, Account.name).join(Account, Account.id == Binding.account_id)
    with registry.session(read_only=True) as session:
        rows = session.execute(asked.where(Binding.in_force.is_(None)).order_by(Binding.id)).all()
    return [
        {"account": name, **role_as_json(role_of_row(row)), "given_by": row.granted_by, "given": row.created}
        for row, name in rows
    ]


def unbind(
    registry: Registry, name: str, unwanted: RoleBinding, *, actor: str = COMMAND_LINE,
    signed: Mapping[str, str] | None = None,
) -> None:  # fmt: skip
    """Take a role from an account: exactly the one that is bound so; see `bind`.

    Raises
    ------
    InputError
        If the account has no such role; or, unless it is done on the command line, with LAST_ADMINISTRATOR.
    """
    with registry.session() as session, session.begin():
        account = need(session, name)
        found = next((row for row in _rows(session, account.id) if role_of_row(row) == unwanted), None)
        if found is None:
            problem = "the account has no role that is bound so"
            raise InputError(problem, column="role", value=role_in_words(unwanted), code="ROLE_NOT_GIVEN")
        machine = actor == COMMAND_LINE
        appointments.check(session, account, unwanted, actor, given=False, machine=machine, signed=signed)
        session.delete(found)
        _keep_an_administrator(session, account, unwanted, actor)
        audit.append(session, actor=actor, action=appointments.TAKEN, subject=name, details=role_as_json(unwanted))


def revoke(registry: Registry, name: str, *, actor: str = COMMAND_LINE) -> None:
    """Close an account: no password, key or token of it is taken from now on.

    Raises
    ------
    InputError
        If there is no such account; or, unless it is done on the command line, with LAST_ADMINISTRATOR.
    """
    with registry.session() as session, session.begin():
        account = need(session, name)
        if account.disabled is None:
            account.disabled = now()
            for role in principal_of(session, account).roles:
                _keep_an_administrator(session, account, role, actor)
            end_logins(session, account)
            audit.append(session, actor=actor, action="account closed", subject=name, details={})


def reopen(registry: Registry, name: str, *, actor: str = COMMAND_LINE) -> None:
    """Open a closed account again; its old tokens stay ended.

    Raises
    ------
    InputError
        If there is no such account.
    """
    with registry.session() as session, session.begin():
        account = need(session, name)
        if account.disabled is not None:
            account.disabled = None
            audit.append(session, actor=actor, action="account opened again", subject=name, details={})


def end_logins(session: Session, account: Account) -> None:
    """End every login of an account, inside the transaction of what makes it needed."""
    account.token_version += 1
    for login in session.scalars(select(Login).where(Login.account_id == account.id, Login.revoked.is_(None))):
        login.revoked = now()


def principal_of(session: Session, account: Account) -> Principal:
    """Return what an account may be taken for."""
    return Principal(account.id, account.name, in_force(_rows(session, account.id)))


def find(registry: Registry, name: str) -> Principal | None:
    """Return who an open account is; None where there is none of this name, or it is closed."""
    with registry.session(read_only=True) as session:
        account = by_name(session, name)
        return principal_of(session, account) if account is not None and account.disabled is None else None


def describe(registry: Registry, name: str) -> dict[str, Any]:
    """Return what is stated of an account, as JSON.

    Raises
    ------
    InputError
        If there is none of this name.
    """
    with registry.session(read_only=True) as session:
        return _described(session, need(session, name))


def describe_all(registry: Registry) -> list[dict[str, Any]]:
    """Return what is stated of every account, by name."""
    with registry.session(read_only=True) as session:
        return [_described(session, account) for account in session.scalars(select(Account).order_by(Account.name))]


def relabel(registry: Registry, name: str, label: str, *, actor: str) -> None:
    """Change what people call an account.

    Raises
    ------
    InputError
        If there is no such account, or a label cannot be so.
    """
    with registry.session() as session, session.begin():
        account = need(session, name)
        before, account.label = account.label, checked_label(label)
        facts = {"before": before, "after": account.label}
        audit.append(session, actor=actor, action="account relabelled", subject=name, details=facts)


def lines(registry: Registry) -> list[str]:
    """Return a line for each account: its name, its label, its roles, and whether it is closed."""
    with registry.session(read_only=True) as session:
        return [
            f"{account.name} ({account.label}): "
            + ("; ".join(map(_role_line, _rows(session, account.id))) or "no role")
            + (", closed" if account.disabled else "")
            for account in session.scalars(select(Account).order_by(Account.name))
        ]


def by_name(session: Session, name: str) -> Account | None:
    """Return the account of a name, closed or not."""
    return session.scalar(select(Account).where(Account.name == name))


def need(session: Session, name: str) -> Account:
    """Return the account of a name, or fail."""
    if (account := by_name(session, name)) is None:
        problem = "there is no account of this name"
        raise InputError(problem, column="name", value=name, code="ACCOUNT_MISSING")
    return account


def need_open(session: Session, name: str) -> Account:
    """Return the open account of a name, or fail."""
    account = need(session, name)
    if account.disabled is not None:
        problem = "the account is closed"
        raise InputError(problem, column="name", value=name, code="ACCOUNT_CLOSED")
    return account


def hashed(secret: str) -> str:
    """Return what is kept of a secret of 128 random bits or more."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def checked_label(label: str) -> str:
    """Return a label that can be shown, or fail."""
    label = label.strip()
    if not 0 < len(label) <= 200 or not label.isprintable():
        problem = "a label cannot be so"
        expected = "1 to 200 characters that can be seen"
        raise InputError(problem, column="label", value=label, expected=expected, code="FIELD_INVALID")
    return label


def slug(label: str) -> str:
    """Return a name made from a label: of an account, or of the dataset that it uploads to."""
    return re.sub(r"[^a-z0-9]+", "-", label.lower()).strip("-") or "surveys"


def _described(session: Session, account: Account) -> dict[str, Any]:
    """Return what is stated of an account: never what its password is checked by."""
    return {
        "name": account.name,
        "label": account.label,
        "roles": [role_as_json(role) for role in principal_of(session, account).roles],
        "unconfirmed": [role_as_json(role_of_row(row)) for row in _rows(session, account.id) if row.in_force is None],
        "closed": account.disabled is not None,
        "created": account.created,
    }


def _bind(
    session: Session, account: Account, wanted: RoleBinding, actor: str, signed: Mapping[str, str] | None = None,
    *, machine: bool = False,
) -> bool:  # fmt: skip
    """Give a role, inside a transaction; return whether it counts already."""
    wanted = checked_role(wanted)
    found = next((row for row in _rows(session, account.id) if role_of_row(row) == wanted), None)
    if found is None:
        machine = machine or actor == COMMAND_LINE
        appointments.check(session, account, wanted, actor, given=True, machine=machine, signed=signed)
        found = appointments.bind(session, account, wanted, actor, machine=machine, signed=signed is not None)
    return found.in_force is not None


def _keep_an_administrator(session: Session, account: Account, lost: RoleBinding, actor: str) -> None:
    """Refuse to take from an account what makes it the last administrator: after it only the machine's owner could help."""
    if lost != RoleBinding(Role.ADMINISTRATOR) or actor == COMMAND_LINE:
        return
    session.flush()
    unbound = (getattr(Binding, name).is_(None) for name in SCOPES)
    left = select(Binding.id).join(Account, Account.id == Binding.account_id)
    left = left.where(Binding.in_force.is_not(None))
    left = left.where(Binding.role == str(Role.ADMINISTRATOR), Account.disabled.is_(None), *unbound).limit(1)
    if session.scalar(left) is None:
        problem, expected = "this is the last administrator", "make another one first, or use the command line"
        raise InputError(problem, column="name", value=account.name, expected=expected, code="LAST_ADMINISTRATOR")


def _role_line(row: Binding) -> str:
    """Return a role in one line, and whether it counts yet."""
    return role_in_words(role_of_row(row)) + (" (to be confirmed)" if row.in_force is None else "")


def _rows(session: Session, account_id: int) -> list[Binding]:
    """Return an account's roles as the registry has them."""
    return list(session.scalars(select(Binding).where(Binding.account_id == account_id).order_by(Binding.id)))
