"""What providers call our accounts: by that, and never by an address of mail, somebody who comes from one is known."""

import hashlib

from sqlalchemy import select

from biodata.access import codes
from biodata.access.oidc import OidcError, Shown
from biodata.store import audit
from biodata.store.account_models import Account, Identity
from biodata.store.registry import Registry


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
