"""Tokens of a login: a short one that is shown with each request, and one that is exchanged once for the next two."""

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any, Final

import jwt
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from biodata.access import accounts
from biodata.access.roles import Principal
from biodata.core.settings import Settings
from biodata.store import audit
from biodata.store.account_models import Account, Login, RefreshToken
from biodata.store.folders import token_secret
from biodata.store.models import now
from biodata.store.registry import Registry

ALGORITHM: Final = "HS256"
"""The only one: a token says which it wants, and is not asked."""
AUDIENCE: Final = "biodata-api"
TYPE: Final = "at+jwt"

LIFE: Final = timedelta(minutes=15)
REFRESH_LIFE: Final = timedelta(days=14)
LOGIN_LIFE: Final = timedelta(days=90)
"""After it somebody has to log in again, however often tokens were exchanged."""

_LONGEST: Final = 2_000
_LEEWAY_S: Final = 5
_CLAIMS: Final = ("iss", "aud", "sub", "iat", "nbf", "exp", "jti", "login", "version")


@dataclass(frozen=True, slots=True)
class Pair:
    """What a login gives.

    Attributes
    ----------
    access : str
        Shown as `Authorization: Bearer`, for `LIFE`.
    refresh : str
        Exchanged once for the next pair.
    """

    access: str
    refresh: str


class Tokens:
    """Makes and checks the tokens of an installation.

    Parameters
    ----------
    registry : Registry
        Its logins; it is asked each time, so that what is revoked is revoked at once.
    settings : Settings
        Its folder has the secret that tokens are signed with.
    """

    def __init__(self, registry: Registry, settings: Settings) -> None:
        self._registry, self._settings = registry, settings

    @cached_property
    def _key(self) -> bytes:
        return hmac.digest(token_secret(self._settings.data), b"biodata access tokens 1", "sha256")

    @cached_property
    def key_id(self) -> str:
        """What tells which key signed."""
        return hashlib.sha256(b"key id" + self._key).hexdigest()[:16]

    @property
    def issuer(self) -> str:
        """Who signs."""
        return self._settings.public_url or f"urn:biodata:{self.key_id}"

    def start(self, account_id: int, *, method: str) -> Pair:
        """Begin a login.

        Parameters
        ----------
        account_id : int
            Who showed who they are.
        method : str
            How: `password`.
        """
        with self._registry.session() as session, session.begin():
            account = session.get_one(Account, account_id)
            _forget(session, account_id)
            login = Login(id=secrets.token_hex(16), account_id=account_id, method=method, expires=now() + LOGIN_LIFE)
            session.add(login)
            session.flush()
            details = {"login": login.id, "method": method}
            audit.append(session, actor=account.name, action="login", subject=account.name, details=details)
            return self._pair(session, account, login)

    def exchange(self, refresh: str) -> Pair | None:
        """Exchange a refresh token for the next pair; None where it cannot be taken.

        Notes
        -----
        One that was exchanged before was stolen, from its owner or by him who came first: the whole login ends.
        """
        if not self._knows(refresh):
            return None
        with self._registry.session() as session, session.begin():
            # Locked, on databases where several write at once: of two that come together one is the second.
            wanted = select(RefreshToken).where(RefreshToken.sha256 == accounts.hashed(refresh)).with_for_update()
            if (found := session.scalar(wanted)) is None:
                return None
            login = session.get_one(Login, found.login_id)
            account = session.get_one(Account, login.account_id)
            if found.used is not None:
                if login.revoked is None:
                    login.revoked = now()
                    details = {"login": login.id}
                    audit.append(
                        session, actor="unknown", action="refresh token reused", subject=account.name, details=details
                    )
                return None
            if login.revoked is not None or account.disabled is not None or now() > min(found.expires, login.expires):
                return None
            found.used = now()
            return self._pair(session, account, login)

    def end(self, refresh: str) -> None:
        """End the login of a refresh token; nothing is stated of one that is not known."""
        if not self._knows(refresh):
            return
        with self._registry.session() as session, session.begin():
            found = session.get(RefreshToken, accounts.hashed(refresh))
            login = session.get_one(Login, found.login_id) if found is not None else None
            if login is not None and login.revoked is None:
                login.revoked = now()

    def end_all(self, name: str) -> None:
        """End every login of an account, at once."""
        with self._registry.session() as session, session.begin():
            accounts.end_logins(session, accounts.need(session, name))
            audit.append(session, actor=name, action="logins ended", subject=name, details={})

    def principal(self, token: str) -> Principal | None:
        """Return who shows a token; None where it cannot be taken, whatever the reason."""
        if (claims := self._claims(token)) is None:
            return None
        with self._registry.session(read_only=True) as session:
            login, account = session.get(Login, claims["login"]), session.get(Account, int(claims["sub"]))
            if login is None or account is None or login.account_id != account.id or login.revoked is not None:
                return None
            if account.disabled is not None or account.token_version != claims["version"]:
                return None
            return accounts.principal_of(session, account)

    def _knows(self, refresh: str) -> bool:
        """Return whether a refresh token was ever made, without the lock of whoever writes: anybody can send any."""
        with self._registry.session(read_only=True) as session:
            return session.get(RefreshToken, accounts.hashed(refresh)) is not None

    def _claims(self, token: str) -> dict[str, Any] | None:
        """Return what a token says, where we signed it and it is good now."""
        if len(token) > _LONGEST or token.count(".") != 2:
            return None
        try:
            header = jwt.get_unverified_header(token)
            if header.get("kid") != self.key_id or header.get("typ") != TYPE:
                return None
            return jwt.decode(
                token, self._key, algorithms=[ALGORITHM], audience=AUDIENCE, issuer=self.issuer, leeway=_LEEWAY_S,
                options={"require": list(_CLAIMS), "strict_aud": True},
            )  # fmt: skip
        except (jwt.PyJWTError, ValueError, RecursionError):
            return None

    def _pair(self, session: Session, account: Account, login: Login) -> Pair:
        """Make the next two tokens of a login, inside a transaction."""
        refresh, at = secrets.token_urlsafe(32), now()
        session.add(RefreshToken(sha256=accounts.hashed(refresh), login_id=login.id, expires=at + REFRESH_LIFE))
        claims = {
            "iss": self.issuer, "aud": AUDIENCE, "sub": str(account.id), "iat": at, "nbf": at, "exp": at + LIFE,
            "jti": secrets.token_hex(16), "login": login.id, "version": account.token_version,
        }  # fmt: skip
        return Pair(jwt.encode(claims, self._key, ALGORITHM, headers={"kid": self.key_id, "typ": TYPE}), refresh)


def _forget(session: Session, account_id: int) -> None:
    """Remove an account's logins whose tokens are all too old to be taken, whatever became of them."""
    past = select(Login.id).where(Login.account_id == account_id, Login.expires < now() - REFRESH_LIFE)
    session.execute(delete(RefreshToken).where(RefreshToken.login_id.in_(past)))
    session.execute(delete(Login).where(Login.account_id == account_id, Login.expires < now() - REFRESH_LIFE))
