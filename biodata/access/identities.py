"""What providers call our accounts: by that, and never by an address of mail, somebody who comes from one is known."""

import hashlib
from typing import Any

from sqlalchemy import select

from biodata.access import codes
from biodata.access.oidc import OidcError, Shown
from biodata.errors import InputError
from biodata.store import audit
from biodata.store.account_models import Account, Identity
from biodata.store.registry import Registry


def to_link(registry: Registry, account_id: int) -> dict[str, Any]:
    """Return what a login at a provider brings back with it so that who comes is linked to an account that is logged in.

    It holds the account's version: where its logins were ended meanwhile, whoever had begun this links nothing more.
    """
    with registry.session(read_only=True) as session:
        return {"account": account_id, "version": session.get_one(Account, account_id).token_version}


def describe(registry: Registry, account_id: int) -> list[dict[str, Any]]:
    """Return who an account can log in by, as JSON, the oldest first."""
    with registry.session(read_only=True) as session:
        wanted = select(Identity).where(Identity.account_id == account_id).order_by(Identity.id)
        return [{"id": one.id, "issuer": one.issuer, "created": one.created} for one in session.scalars(wanted)]


def unlink(registry: Registry, account_id: int, number: int, *, actor: str) -> None:
    """Let a provider's word be worth nothing for an account any more.

    Raises
    ------
    InputError
        With IDENTITY_UNKNOWN, if the account has none of this number.
    """
    with registry.session() as session, session.begin():
        found = session.get(Identity, number) if abs(number) < 2**63 else None
        if found is None or found.account_id != account_id:
            problem = "the account is linked to nothing of this number"
            raise InputError(problem, value=str(number), code="IDENTITY_UNKNOWN")
        session.delete(found)
        audit.append(session, actor=actor, action="identity unlinked", subject=actor, details={"issuer": found.issuer})


def account_of(registry: Registry, shown: Shown, *, provider: str, new_accounts: bool) -> int:
    """Return the account of somebody who comes from a provider.

    Parameters
    ----------
    registry : Registry
        The installation's.
    shown : Shown
        Who they are; where they told a one-time code, or were logged in, they are linked to that account now.
    provider : str
        Our name of the provider.
    new_accounts : bool
        Whether an unknown one gets an account, without any role.

    Raises
    ------
    OidcError
        If nobody here is called so, or somebody else is, or the account is closed.
    InputError
        If the one-time code cannot be used.
    """
    with registry.session() as session, session.begin():
        wanted = select(Identity).where(Identity.issuer == shown.issuer, Identity.subject == shown.subject)
        known = session.scalar(wanted)
        code, linked = shown.wanted.get("code"), shown.wanted.get("account")
        account: Account | None
        if code is not None:
            account = codes.use(session, code)
        elif linked is not None:
            account = session.get(Account, linked)
            if account is not None and account.token_version != shown.wanted.get("version"):
                account = None
        elif known is not None:
            account = session.get(Account, known.account_id)
        elif new_accounts:
            digest = hashlib.sha256(f"{shown.issuer} {shown.subject}".encode()).hexdigest()
            account = Account(name=f"{provider}-{digest[:16]}", label=f"somebody by {provider}")
            session.add(account)
            session.flush()
            told = {"id": account.id, "provider": provider}
            audit.append(session, actor=provider, action="account made", subject=account.name, details=told)
        else:
            account = None
        if account is None or account.disabled is not None or (known is not None and known.account_id != account.id):
            message = "the login was refused"
            raise OidcError(message)
        if known is None:
            session.add(Identity(account_id=account.id, issuer=shown.issuer, subject=shown.subject))
            told = {"provider": provider}
            audit.append(session, actor=account.name, action="identity linked", subject=account.name, details=told)
        return account.id
