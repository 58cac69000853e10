"""Roles as words: read from a command or a body, checked, kept in a row, told as JSON or in one line."""

from collections.abc import Iterable
from dataclasses import replace

import pycountry

from biodata.access.roles import SCOPES, Role, RoleBinding
from biodata.errors import InputError
from biodata.store.account_models import Binding


def read(role: str, **scope: str | None) -> RoleBinding:
    """Return the role that a word names, bound as told and checked.

    Raises
    ------
    InputError
        If there is no such role, or it cannot be bound so.
    """
    return checked(RoleBinding(role_called(role), **scope))


def role_called(role: str) -> Role:
    """Return the role of a name, or fail."""
    if role not in list(Role):
        problem = "there is no such role"
        known = ", ".join(one for one in Role if one is not Role.PUBLIC)
        raise InputError(problem, column="role", value=role, expected=known, code="FIELD_INVALID")
    return Role(role)


def checked(wanted: RoleBinding) -> RoleBinding:
    """Return a role that can be given, its country in capital letters, or fail."""
    problem, column, value, expected = "a role cannot be bound so", "role", written(wanted), ""
    if wanted.role is Role.PUBLIC:
        expected = "another role: everybody is public"
    elif wanted.role is Role.NODE_MANAGER and wanted.country is None:
        expected = "the country whose node it is"
    else:
        wanted = replace(wanted, country=wanted.country.upper() if wanted.country is not None else None)
        if wanted.country is not None and pycountry.countries.get(alpha_2=wanted.country) is None:
            column, value, expected = "country", wanted.country, "an ISO 3166-1 alpha-2 code such as LA"
        for name, bound in wanted.scope().items():
            if bound is not None and not (0 < len(bound) <= 255 and bound.isprintable()):
                column, value, expected = name, bound, "1 to 255 characters that can be seen"
    if expected:
        raise InputError(problem, column=column, value=value, expected=expected, code="FIELD_INVALID")
    return wanted


def told_by(row: Binding) -> RoleBinding:
    """Return the role that a row of the registry tells."""
    return RoleBinding(Role(row.role), **{name: getattr(row, name) for name in SCOPES})


def in_force(rows: Iterable[Binding]) -> tuple[RoleBinding, ...]:
    """Return the roles that count: those that needed to be confirmed, and were not, give no right."""
    return tuple(told_by(row) for row in rows if row.in_force is not None)


def as_told(binding: RoleBinding) -> dict[str, str]:
    """Return a role with what it is bound to, as JSON."""
    return {"role": str(binding.role)} | {name: value for name, value in binding.scope().items() if value is not None}


def written(binding: RoleBinding) -> str:
    """Return a role as it is written in one line: ``reviewer country=LA``."""
    return " ".join(
        [str(binding.role), *(f"{name}={value}" for name, value in binding.scope().items() if value is not None)]
    )
