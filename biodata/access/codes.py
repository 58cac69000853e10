"""Codes that are good once: an account's first password, a new one, or the first login by a provider."""

import secrets
from datetime import timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from biodata.access import accounts, appointments
from biodata.errors import InputError
from biodata.store import audit
from biodata.store.account_models import Account, OneTimeCode
from biodata.store.models import now
from biodata.store.registry import Registry

LIFE: Final = timedelta(days=3)


def issue(registry: Registry, name: str, *, actor: str = accounts.COMMAND_LINE) -> str:
    """Make a code for an account and return it, the one time that it is told; an earlier one is good no more.

    Raises
    ------
    InputError
        If there is no such account, it is closed, or somebody decides by it: an administrator of the hub who set their
        password would decide in their name (NODE_DECIDES).
    """
    code = secrets.token_urlsafe(24)
    with registry.session() as session, session.begin():
        account = accounts.need_open(session, name)
        if not appointments.may_set_password(session, account, actor, machine=actor == accounts.COMMAND_LINE):
            problem = "by this account somebody decides; who sets its password would, too"
            expected = "its holder, a manager of its country, or the command line"
            raise InputError(problem, column="name", value=name, expected=expected, code="NODE_DECIDES")
        _spend(session, account)
        session.add(OneTimeCode(sha256=accounts.hashed(code), account_id=account.id, expires=now() + LIFE))
        audit.append(session, actor=actor, action="code made", subject=name, details={})
    return code


def owner(session: Session, code: str, *, to_use: bool = False) -> Account:
    """Return whose code it is; one that is to be used is locked, so that of two at once one comes too late.

    Raises
    ------
    InputError
        With CODE_INVALID, if it is not known, was used, is too old, or its account is closed: always the same words.
    """
    found = session.get(OneTimeCode, accounts.hashed(code), with_for_update=to_use)
    account = session.get(Account, found.account_id) if found is not None else None
    if found is None or account is None or found.used is not None or found.expires < now() or account.disabled:
        problem = "the code cannot be used"
        raise InputError(problem, column="code", expected="a code that is new and was never used", code="CODE_INVALID")
    return account


def use(session: Session, code: str) -> Account:
    """Use a code up, inside the transaction of what it is used for, and return whose it was."""
    account = owner(session, code, to_use=True)
    _spend(session, account)
    return account


def _spend(session: Session, account: Account) -> None:
    """Let no code of an account be good any more."""
    unused = select(OneTimeCode).where(OneTimeCode.account_id == account.id, OneTimeCode.used.is_(None))
    for code in session.scalars(unused.with_for_update()):
        code.used = now()
