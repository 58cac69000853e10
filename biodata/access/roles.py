"""Roles: what each may do, what one is bound to, and how it is read, checked, kept and written."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import pycountry

from biodata.core.errors import InputError
from biodata.store.account_models import Binding


class Role(StrEnum):
    """What an account is trusted with. Everybody is `public`, without an account too."""

    PUBLIC = "public"
    RESEARCHER = "researcher"
    UPLOADER = "uploader"
    PLANNER = "planner"
    REVIEWER = "reviewer"
    NODE_MANAGER = "node_manager"
    ADMINISTRATOR = "administrator"


class Action(StrEnum):
    """What can be done; its value is what the audit and the documentation call it."""

    READ_PUBLISHED = "read published"
    CITE_WITH_DOI = "register a DOI"
    HAND_IN = "hand in a survey"
    REVIEW_SUBMISSION = "review a submission"
    START_ANALYSIS = "start an analysis"
    REQUEST_ACCESS = "request access"
    READ_GRANTED = "read what was granted"
    DECIDE_REQUEST = "decide a request for access"
    REVOKE_GRANT = "revoke a grant"
    CHANGE_RULES = "change sharing rules"
    READ_DRAFT = "read the draft of a shared output"
    ANSWER_CONSENT = "answer for a country"
    WITHDRAW = "withdraw records"
    KEEP_PERMITS = "keep permits and labels"
    READ_USE_REPORT = "read what was used"
    READ_AUDIT = "read the audit"
    GRANT_ROLES = "grant roles"
    CONFIRM_ROLES = "see and confirm appointments"
    MANAGE_ACCOUNTS = "manage accounts"
    READ_METRICS = "read metrics"
    ERASE_DOWNLOAD = "erase a download"


_SIGNED_IN: Final = frozenset(Role) - {Role.PUBLIC}
_NODE: Final = frozenset({Role.NODE_MANAGER})

DECIDING: Final = frozenset({Role.REVIEWER, Role.NODE_MANAGER, Role.ADMINISTRATOR})
"""Roles by which somebody decides, or says who does: each is given by one person and confirmed by another."""

# Nobody may do everything: an administrator keeps the machine, and what a country decides only its own node decides.
MAY: Final[Mapping[Action, frozenset[Role]]] = MappingProxyType(
    {
        Action.READ_PUBLISHED: frozenset(Role),
        Action.CITE_WITH_DOI: _SIGNED_IN,
        Action.HAND_IN: frozenset({Role.UPLOADER}),
        Action.REVIEW_SUBMISSION: frozenset({Role.REVIEWER, Role.NODE_MANAGER}),
        Action.START_ANALYSIS: frozenset({Role.PLANNER, Role.NODE_MANAGER}),
        Action.REQUEST_ACCESS: frozenset({Role.RESEARCHER, Role.PLANNER, Role.REVIEWER, Role.NODE_MANAGER}),
        Action.READ_GRANTED: frozenset({Role.RESEARCHER, Role.PLANNER, Role.REVIEWER, Role.NODE_MANAGER}),
        Action.DECIDE_REQUEST: _NODE,
        Action.REVOKE_GRANT: frozenset({Role.NODE_MANAGER, Role.ADMINISTRATOR}),
        Action.CHANGE_RULES: _NODE,
        Action.READ_DRAFT: _NODE,
        Action.ANSWER_CONSENT: _NODE,
        Action.WITHDRAW: _NODE,
        Action.KEEP_PERMITS: frozenset({Role.UPLOADER, Role.NODE_MANAGER}),
        Action.READ_USE_REPORT: _NODE,
        Action.READ_AUDIT: frozenset({Role.NODE_MANAGER, Role.ADMINISTRATOR}),
        Action.GRANT_ROLES: frozenset({Role.NODE_MANAGER, Role.ADMINISTRATOR}),
        Action.CONFIRM_ROLES: DECIDING,
        Action.MANAGE_ACCOUNTS: frozenset({Role.ADMINISTRATOR}),
        Action.READ_METRICS: frozenset({Role.ADMINISTRATOR}),
        Action.ERASE_DOWNLOAD: frozenset({Role.ADMINISTRATOR}),
    }
)
"""Who may do what."""

GRANTED_BY_NODES: Final = frozenset({Role.RESEARCHER, Role.UPLOADER, Role.PLANNER, Role.REVIEWER})
"""What a node manager may give to others beside their own role; the rest is given by administrators."""


@dataclass(frozen=True, slots=True)
class RoleBinding:
    """A role, and how far it goes; where nothing is given it goes everywhere.

    Attributes
    ----------
    role : Role
        What is trusted.
    country : str, optional
        ISO 3166-1 alpha-2 code.
    dataset : str, optional
        Key of a dataset.
    area : str, optional
        Id of an area, as records state it.
    taxon : str, optional
        Accepted scientific name of a taxon, which stands for all within it.
    """

    role: Role
    country: str | None = None
    dataset: str | None = None
    area: str | None = None
    taxon: str | None = None

    def covers(self, facts: Mapping[str, Collection[str]]) -> bool:
        """Return whether the role goes as far as a thing of which this is stated: what is not stated is not covered."""
        return all(bound is None or bound in facts[name] for name, bound in self.scope().items())

    def scope(self) -> dict[str, str | None]:
        """Return what the role is bound to, by its name."""
        return {name: getattr(self, name) for name in SCOPES}


SCOPES: Final = tuple(field.name for field in fields(RoleBinding) if field.name != "role")
"""What a role can be bound to."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks.

    Attributes
    ----------
    account_id : int, optional
        Their account; None for the public.
    label : str
        What the audit calls them.
    roles : tuple of RoleBinding
        What they are trusted with beside `public`.
    key_id : int, optional
        The key that they show; None where they logged in. A key makes no keys and changes no account.
    """

    account_id: int | None
    label: str
    roles: tuple[RoleBinding, ...] = ()
    key_id: int | None = None


PUBLIC: Final = Principal(None, "public")
"""Whoever shows nothing."""

Stated = str | Collection[str] | None


def may(
    principal: Principal, action: Action, *, country: Stated = None, dataset: Stated = None, area: Stated = None,
    taxon: Stated = None,
) -> bool:  # fmt: skip
    """Return whether somebody may do something to a thing.

    Parameters
    ----------
    principal : Principal
        Who asks.
    action : Action
        What they want to do.
    country, dataset, area, taxon : str or collection of str, optional
        Of the thing. Several values are all that the thing lies within: the areas around it, a taxon with those above
        it. A thing of two countries is two questions.

    Returns
    -------
    bool
        False for an action that no table names, and for a bound role wherever the thing does not state what it is
        bound to.
    """
    trusted = MAY.get(action, frozenset())
    if Role.PUBLIC in trusted:
        return True
    facts = {"country": _all(country), "dataset": _all(dataset), "area": _all(area), "taxon": _all(taxon)}
    return any(binding.role in trusted and binding.covers(facts) for binding in principal.roles)


def may_somewhere(principal: Principal, action: Action) -> bool:
    """Return whether there can be a thing to which somebody may do something."""
    trusted = MAY.get(action, frozenset())
    return Role.PUBLIC in trusted or any(binding.role in trusted for binding in principal.roles)


def may_grant(principal: Principal, wanted: RoleBinding) -> bool:
    """Return whether somebody may give, or take away, a role: nobody gives what goes further than their own.

    A node manager gives the lesser roles, within their own country, dataset, area and taxon, and makes others manager
    beside them; an administrator whose role is bound is bound here too. Who may be a node's manager at all is looked at
    in `appointments`.
    """
    if wanted.role is Role.PUBLIC:
        return False
    facts = {name: _all(value) for name, value in wanted.scope().items()}
    for own in principal.roles:
        gives = own.role is Role.ADMINISTRATOR or (
            own.role is Role.NODE_MANAGER and wanted.role in GRANTED_BY_NODES | {Role.NODE_MANAGER}
        )
        if gives and own.covers(facts):
            return True
    return False


def _all(text: Stated) -> Collection[str]:
    """Return what is stated as a collection."""
    if text is None:
        return ()
    return (text,) if isinstance(text, str) else text


def read_role(role: str, **scope: str | None) -> RoleBinding:
    """Return the role that a word names, bound as stated and checked.

    Raises
    ------
    InputError
        If there is no such role, or it cannot be bound so.
    """
    return checked_role(RoleBinding(role_called(role), **scope))


def role_called(role: str) -> Role:
    """Return the role of a name, or fail."""
    if role not in list(Role):
        problem = "there is no such role"
        known = ", ".join(one for one in Role if one is not Role.PUBLIC)
        raise InputError(problem, column="role", value=role, expected=known, code="FIELD_INVALID")
    return Role(role)


def checked_role(wanted: RoleBinding) -> RoleBinding:
    """Return a role that can be given, its country in capital letters, or fail."""
    problem, column, value, expected = "a role cannot be bound so", "role", role_in_words(wanted), ""
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


def role_of_row(row: Binding) -> RoleBinding:
    """Return the role that a row of the registry tells."""
    return RoleBinding(Role(row.role), **{name: getattr(row, name) for name in SCOPES})


def in_force(rows: Iterable[Binding]) -> tuple[RoleBinding, ...]:
    """Return the roles that count: those that needed to be confirmed, and were not, give no right."""
    return tuple(role_of_row(row) for row in rows if row.in_force is not None)


def role_as_json(binding: RoleBinding) -> dict[str, str]:
    """Return a role with what it is bound to, as JSON."""
    return {"role": str(binding.role)} | {name: value for name, value in binding.scope().items() if value is not None}


def role_in_words(binding: RoleBinding) -> str:
    """Return a role as it is written in one line: ``reviewer country=LA``."""
    return " ".join(
        [str(binding.role), *(f"{name}={value}" for name, value in binding.scope().items() if value is not None)]
    )
