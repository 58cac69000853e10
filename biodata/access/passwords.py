"""Passwords: what argon2 makes of them is kept, and no more; too many bytes are refused before any work is done."""

import secrets
import unicodedata
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy.orm import Session

from biodata.access import accounts, codes
from biodata.access.roles import Principal
from biodata.errors import InputError
from biodata.store import audit
from biodata.store.account_models import Account
from biodata.store.registry import Registry

MOST_BYTES: Final = 1_000
"""Of a password."""
LEAST_CHARACTERS: Final = 12

_FEWEST_DIFFERENT: Final = 5


class Passwords:
    """Makes and checks what is kept of passwords.

    Parameters
    ----------
    memory_mib : int
        What one check takes, in MiB; whoever lets several run at once multiplies it.
    """

    def __init__(self, *, memory_mib: int = 64) -> None:
        # RFC 9106, section 4, its second choice: three passes, four lanes, 64 MiB.
        self._hasher = PasswordHasher(time_cost=3, memory_cost=memory_mib * 1024, parallelism=4)
        self._nobody = self._hasher.hash(secrets.token_urlsafe(16))

    def hash(self, password: str, *, name: str) -> str:
        """Return what is kept of a new password.

        Parameters
        ----------
        password : str
            The password.
        name : str
            Whose it is; it must not stand in it.

        Raises
        ------
        InputError
            With PASSWORD_INVALID, if it is too long, too short or too plain; it is not told.
        """
        check_length(password)
        problem = None
        if len(password) < LEAST_CHARACTERS:
            problem = f"the password has fewer than {LEAST_CHARACTERS} characters"
        elif len(set(password)) < _FEWEST_DIFFERENT:
            problem = f"the password has fewer than {_FEWEST_DIFFERENT} different characters"
        elif name.lower() in password.lower():
            problem = "the password holds the account's name"
        if problem is not None:
            expected = (
                f"at least {LEAST_CHARACTERS} characters, {_FEWEST_DIFFERENT} of them different, without the name"
            )
            raise InputError(problem, column="password", expected=expected, code="PASSWORD_INVALID")
        return self._hasher.hash(_normal(password))

    def right(self, kept: str | None, password: str) -> bool:
        """Tell whether a password is the one that something was kept of.

        Where nothing was kept the same work is done for nothing, so that time does not tell which accounts there are.
        """
        check_length(password)
        try:
            found = self._hasher.verify(kept if kept is not None else self._nobody, _normal(password))
        except (VerificationError, InvalidHashError):
            return False
        return found and kept is not None

    def who(self, registry: Registry, name: str, password: str) -> Principal | None:
        """Return who logs in; None where name and password do not belong together, or the account is closed."""
        with registry.session(read_only=True) as session:
            account = accounts.by_name(session, name) if accounts.NAME.fullmatch(name) else None
            kept = account.password if account is not None and account.disabled is None else None
            found = accounts.principal_of(session, account) if account is not None else None
        if not self.right(kept, password):
            return None
        if kept is not None and found is not None and self._hasher.check_needs_rehash(kept):
            self._keep_anew(registry, found, kept, password)
        return found

    def set_by_code(self, registry: Registry, code: str, password: str) -> None:
        """Give a password to the account of a code, which is used up by it; every login of the account ends.

        Raises
        ------
        InputError
            With CODE_INVALID, if the code is not known, was used, is too old, or its account is closed.
        """
        with registry.session(read_only=True) as session:
            name = codes.owner(session, code).name
        made = self.hash(password, name=name)  # takes long: outside the transaction that others wait for
        with registry.session() as session, session.begin():
            _keep(session, codes.use(session, code), made)

    def change(self, registry: Registry, name: str, *, before: str, after: str) -> bool:
        """Change a password, whose old one has to be told; False where that is not right. Every login ends."""
        if self.who(registry, name, before) is None:
            return False
        made = self.hash(after, name=name)
        with registry.session() as session, session.begin():
            _keep(session, accounts.need(session, name), made)
        return True

    def _keep_anew(self, registry: Registry, who: Principal, kept: str, password: str) -> None:
        """Keep a password as the settings ask today: one of other settings takes another time, which tells that it is there."""
        made = self._hasher.hash(_normal(password))
        with registry.session() as session, session.begin():
            account = accounts.need(session, who.label)
            if account.password == kept:  # not changed meanwhile
                account.password = made
                audit.append(session, actor=who.label, action="password kept anew", subject=who.label, details={})


def check_length(password: str) -> None:
    """Refuse what is too long to be a password, before anything is made of it.

    Raises
    ------
    InputError
        With PASSWORD_INVALID.
    """
    if len(password.encode("utf-8", "surrogatepass")) > MOST_BYTES:
        problem, expected = "the password is too long", f"at most {MOST_BYTES:,} bytes"
        raise InputError(problem, column="password", expected=expected, code="PASSWORD_INVALID")


def _normal(password: str) -> bytes:
    """Return a password's bytes, the same however a keyboard puts its accents together."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def _keep(session: Session, account: Account, made: str) -> None:
    """Put down a new password, inside a transaction; whoever is logged in has to do it again."""
    account.password = made
    accounts.end_logins(session, account)
    audit.append(session, actor=account.name, action="password set", subject=account.name, details={})
