"""Accounts of the tests whose roles count at once, as if a second person had confirmed each."""

from typing import Any

from sqlalchemy import select

from biodata.access import accounts, appointments, roles
from biodata.access.roles import RoleBinding
from biodata.store import audit
from biodata.store.account_models import Account, Binding
from biodata.store.models import now
from biodata.store.registry import Registry

SECOND = "a second person"


def new(registry: Registry, name: str, **told: Any) -> int:
    """Make an account with its roles, confirmed."""
    number = accounts.new(registry, name, **told)
    confirm_all(registry)
    return number


def bind(registry: Registry, name: str, wanted: RoleBinding, **told: Any) -> None:
    """Give a role, confirmed."""
    accounts.bind(registry, name, wanted, **told)
    confirm_all(registry)


def confirm_all(registry: Registry) -> None:
    """Confirm what waits."""
    asked = select(Binding, Account.name).join(Account, Account.id == Binding.account_id)
    with registry.session() as session, session.begin():
        for row, name in session.execute(asked.where(Binding.in_force.is_(None))).all():
            row.confirmed_by, row.in_force = SECOND, now()
            told = roles.role_as_json(roles.role_of_row(row))
            audit.append(session, actor=SECOND, action=appointments.CONFIRMED, subject=name, details=told)
