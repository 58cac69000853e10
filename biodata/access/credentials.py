"""What an account is known by: its password, codes that are good once, and keys for programs."""

import secrets
import unicodedata
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from biodata.access import accounts, appointments
from biodata.access.roles import Principal, Role, RoleBinding
from biodata.core.errors import InputError
from biodata.core.phrases import Phrase
from biodata.store import audit
from biodata.store.account_models import Account, ApiKey, OneTimeCode
from biodata.store.models import now
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
            With PASSWORD_INVALID, if it is too long, too short or too plain; it is not stated.
        """
        check_length(password)
        problem: str | None = None
        if len(password) < LEAST_CHARACTERS:
            problem = Phrase("the password has fewer than {n} characters", n=LEAST_CHARACTERS)
        elif len(set(password)) < _FEWEST_DIFFERENT:
            problem = Phrase("the password has fewer than {n} different characters", n=_FEWEST_DIFFERENT)
        elif name.lower() in password.lower():
            problem = "the password holds the account's name"
        if problem is not None:
            words = "at least {n} characters, {n1} of them different, without the name"
            expected = Phrase(words, n=LEAST_CHARACTERS, n1=_FEWEST_DIFFERENT)
            raise InputError(problem, column="password", expected=expected, code="PASSWORD_INVALID")
        return self._hasher.hash(_normal(password))

    def right(self, kept: str | None, password: str) -> bool:
        """Return whether a password is the one that something was kept of.

        Where nothing was kept the same work is done for nothing, so that time does not state which accounts there are.
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
            name = code_owner(session, code).name
        made = self.hash(password, name=name)  # takes long: outside the transaction that others wait for
        with registry.session() as session, session.begin():
            _keep_password(session, use_code(session, code), made)

    def change(self, registry: Registry, name: str, *, before: str, after: str) -> bool:
        """Change a password, whose old one has to be stated; False where that is not right. Every login ends."""
        if self.who(registry, name, before) is None:
            return False
        made = self.hash(after, name=name)
        with registry.session() as session, session.begin():
            _keep_password(session, accounts.need(session, name), made)
        return True

    def _keep_anew(self, registry: Registry, who: Principal, kept: str, password: str) -> None:
        """Keep a password as the settings ask today: one of other settings takes another time, which states that it is there."""
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
        problem, expected = "the password is too long", Phrase("at most {n} bytes", n=MOST_BYTES)
        raise InputError(problem, column="password", expected=expected, code="PASSWORD_INVALID")


def _normal(password: str) -> bytes:
    """Return a password's bytes, the same however a keyboard puts its accents together."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")


def _keep_password(session: Session, account: Account, made: str) -> None:
    """Put down a new password, inside a transaction; whoever is logged in has to do it again."""
    account.password = made
    accounts.end_logins(session, account)
    audit.append(session, actor=account.name, action="password set", subject=account.name, details={})


CODE_LIFE: Final = timedelta(days=3)


def new_code(registry: Registry, name: str, *, actor: str = accounts.COMMAND_LINE) -> str:
    """Make a code for an account and return it, the one time that it is stated; an earlier one is good no more.

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
        _end_codes(session, account)
        session.add(OneTimeCode(sha256=accounts.hashed(code), account_id=account.id, expires=now() + CODE_LIFE))
        audit.append(session, actor=actor, action="code made", subject=name, details={})
    return code


def code_owner(session: Session, code: str, *, to_use: bool = False) -> Account:
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


def use_code(session: Session, code: str) -> Account:
    """Use a code up, inside the transaction of what it is used for, and return whose it was."""
    account = code_owner(session, code, to_use=True)
    _end_codes(session, account)
    return account


def _end_codes(session: Session, account: Account) -> None:
    """Let no code of an account be good any more."""
    unused = select(OneTimeCode).where(OneTimeCode.account_id == account.id, OneTimeCode.used.is_(None))
    for code in session.scalars(unused.with_for_update()):
        code.used = now()


KEY_START: Final = "biodata_"
"""What every key begins with, so that a scanner for secrets finds one that was left somewhere."""

_LONGEST_KEY: Final = 200


def new_key(
    registry: Registry, account: str, *, label: str | None = None, role: Role | None = None,
    dataset: str | None = None, actor: str = accounts.COMMAND_LINE,
) -> str:  # fmt: skip
    """Make a key of an account and return it; only its hash is kept, so this is the one time that it is stated.

    Parameters
    ----------
    registry : Registry
        The installation's.
    account : str
        Name of the account whose roles it has.
    label : str, optional
        What it is for; the account's name where nothing is given.
    role : Role, optional
        The only role that it has.
    dataset : str, optional
        The only dataset that it is good for.
    actor : str
        Who asked for it.

    Raises
    ------
    InputError
        If there is no such account, or it is closed.
    """
    key = KEY_START + secrets.token_urlsafe(32)
    with registry.session() as session, session.begin():
        owner = accounts.need_open(session, account)
        made = ApiKey(
            sha256=accounts.hashed(key), account_id=owner.id, label=accounts.checked_label(label or account), role=role,
            dataset=dataset,
        )  # fmt: skip
        session.add(made)
        session.flush()
        facts = {"account": account, "label": made.label, "role": role, "dataset": dataset}
        audit.append(session, actor=actor, action="api key made", subject=str(made.id), details=facts)
    return key


def key_for_uploads(registry: Registry, label: str, *, dataset: str | None = None) -> str:
    """Make an account for a team or a program that hands in surveys, and its key.

    Parameters
    ----------
    registry : Registry
        The installation's.
    label : str
        Whose it is; the account's name is made of it.
    dataset : str, optional
        The only dataset that it uploads to; one called as the account where nothing is given.
    """
    name = unused_name(registry, label)
    accounts.new(
        registry, name, label=label, roles=[RoleBinding(Role.UPLOADER, dataset=dataset or accounts.slug(label))]
    )
    return new_key(registry, name, label=label)


def holder_of_key(registry: Registry, key: str) -> Principal | None:
    """Return who shows a key; None where it is not known, was revoked, or its account is closed."""
    if not key.startswith(KEY_START) or len(key) > _LONGEST_KEY:
        return None
    with registry.session(read_only=True) as session:
        found = session.scalar(select(ApiKey).where(ApiKey.sha256 == accounts.hashed(key), ApiKey.revoked.is_(None)))
        account = session.get(Account, found.account_id) if found is not None else None
        if found is None or account is None or account.disabled is not None:
            return None
        whole = accounts.principal_of(session, account)
        roles = tuple(n for role in whole.roles if (n := _narrowed(role, found)) is not None)
        return replace(whole, roles=roles, key_id=found.id)


def revoke_key(
    registry: Registry, key_id: int, *, owner: int | None = None, actor: str = accounts.COMMAND_LINE
) -> None:
    """Revoke a key.

    Parameters
    ----------
    registry : Registry
        The installation's.
    key_id : int
        Its number.
    owner : int, optional
        The account that it has to belong to; another's key is as one that is not there.
    actor : str
        Who asked for it.

    Raises
    ------
    InputError
        If there is none of this number.
    """
    with registry.session() as session, session.begin():
        key = session.get(ApiKey, key_id) if abs(key_id) < 2**63 else None
        if key is None or owner not in (None, key.account_id):
            problem = "there is no key of this number"
            raise InputError(problem, value=str(key_id), code="KEY_UNKNOWN")
        if key.revoked is None:
            key.revoked = now()
            audit.append(session, actor=actor, action="api key revoked", subject=str(key_id), details={})


def describe_keys(registry: Registry, account: str) -> list[dict[str, Any]]:
    """Return what is stated of an account's keys, as JSON, revoked ones among them, the oldest first: never a key."""
    with registry.session(read_only=True) as session:
        owner = accounts.need(session, account)
        return [
            {name: getattr(key, name) for name in ("id", "label", "role", "dataset", "created")}
            | {"revoked": key.revoked is not None}
            for key in session.scalars(select(ApiKey).where(ApiKey.account_id == owner.id).order_by(ApiKey.id))
        ]


def key_lines(registry: Registry) -> list[str]:
    """Return a line for each key, its number first: never the key."""
    with registry.session(read_only=True) as session:
        rows = session.execute(
            select(ApiKey, Account.name).join(Account, Account.id == ApiKey.account_id).order_by(ApiKey.id)
        )
        return [
            f"{key.id} {key.label}: account {name}, {key.role or 'all its roles'}, "
            f"{key.dataset or 'any dataset of theirs'}, {'revoked' if key.revoked else 'good'}"
            for key, name in rows
        ]


def unused_name(registry: Registry, label: str) -> str:
    """Return a name for an account, made of a label, that no other has."""
    base, number = accounts.slug(label)[:90], 1
    with registry.session(read_only=True) as session:
        name = base
        while accounts.by_name(session, name) is not None:
            number += 1
            name = f"{base}-{number}"
    return name


def _narrowed(binding: RoleBinding, key: ApiKey) -> RoleBinding | None:
    """Return what a key has of a role of its account; None where it has nothing of it."""
    if key.role not in (None, str(binding.role)) or (
        key.dataset is not None and binding.dataset not in (None, key.dataset)
    ):
        return None
    return binding if key.dataset is None else replace(binding, dataset=key.dataset)
