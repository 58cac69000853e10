"""Keys for programs: shown once, kept as a hash, with the roles of their account or less."""

import secrets
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import select

from biodata.access import accounts
from biodata.access.roles import Principal, Role, RoleBinding
from biodata.errors import InputError
from biodata.store import audit
from biodata.store.account_models import Account, ApiKey
from biodata.store.models import now
from biodata.store.registry import Registry

START: Final = "biodata_"
"""What every key begins with, so that a scanner for secrets finds one that was left somewhere."""

_LONGEST: Final = 200


def new(
    registry: Registry, account: str, *, label: str | None = None, role: Role | None = None,
    dataset: str | None = None, actor: str = accounts.COMMAND_LINE,
) -> str:  # fmt: skip
    """Make a key of an account and return it; only its hash is kept, so this is the one time that it is told.

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
    key = START + secrets.token_urlsafe(32)
    with registry.session() as session, session.begin():
        owner = accounts.need_open(session, account)
        made = ApiKey(
            sha256=accounts.hashed(key),
            account_id=owner.id,
            label=accounts.checked_label(label or account),
            role=role,
            dataset=dataset,
        )
        session.add(made)
        session.flush()
        told = {"account": account, "label": made.label, "role": role, "dataset": dataset}
        audit.append(session, actor=actor, action="api key made", subject=str(made.id), details=told)
    return key


def for_uploads(registry: Registry, label: str, *, dataset: str | None = None) -> str:
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
    return new(registry, name, label=label)


def find(registry: Registry, key: str) -> Principal | None:
    """Return who shows a key; None where it is not known, was revoked, or its account is closed."""
    if not key.startswith(START) or len(key) > _LONGEST:
        return None
    with registry.session(read_only=True) as session:
        found = session.scalar(select(ApiKey).where(ApiKey.sha256 == accounts.hashed(key), ApiKey.revoked.is_(None)))
        account = session.get(Account, found.account_id) if found is not None else None
        if found is None or account is None or account.disabled is not None:
            return None
        whole = accounts.principal_of(session, account)
        roles = tuple(n for role in whole.roles if (n := _narrowed(role, found)) is not None)
        return replace(whole, roles=roles, key_id=found.id)


def revoke(registry: Registry, key_id: int, *, owner: int | None = None, actor: str = accounts.COMMAND_LINE) -> None:
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


def describe(registry: Registry, account: str) -> list[dict[str, Any]]:
    """Return what is told of an account's keys, as JSON, revoked ones among them, the oldest first: never a key."""
    with registry.session(read_only=True) as session:
        owner = accounts.need(session, account)
        return [
            {
                "id": key.id,
                "label": key.label,
                "role": key.role,
                "dataset": key.dataset,
                "created": key.created,
                "revoked": key.revoked is not None,
            }
            for key in session.scalars(select(ApiKey).where(ApiKey.account_id == owner.id).order_by(ApiKey.id))
        ]


def lines(registry: Registry) -> list[str]:
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
