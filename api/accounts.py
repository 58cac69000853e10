"""Accounts: one's own, everybody's for administrators, and appointments, which a second person confirms."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field
from starlette.requests import Request
from starlette.responses import Response

from api import auth, documents
from api.answers import json_answer
from api.auth import StrictSmallRoute, count_try, gate
from api.bodies import Sent
from api.dependencies import service
from api.errors import Code, ProblemError
from api.readers import integer
from biodata.access import accounts, appointments, audit_log, credentials, roles
from biodata.access.credentials import check_length
from biodata.access.roles import SCOPES, Action, Principal, Role, RoleBinding, may_grant
from biodata.access.tokens import LIFE, Pair


class NameAndPassword(Sent):
    """A login."""

    name: str = Field(max_length=100)
    password: str


class Refresh(Sent):
    """A token to exchange, or to end."""

    refresh_token: str = Field(max_length=200)


class CodeAndPassword(Sent):
    """A one-time code, and the password that it is to set."""

    code: str = Field(max_length=200)
    password: str


class PasswordChange(Sent):
    """The old password, and the new one."""

    old: str
    new: str


class LabelChange(Sent):
    """What of one's own account can be changed."""

    label: str = Field(max_length=200)


class NewKey(Sent):
    """A key that is wanted."""

    label: str = Field(max_length=200)
    role: str | None = Field(default=None, description="The only role that it has; all of the account's without it.")
    dataset: str | None = Field(default=None, max_length=255, description="The only dataset that it is good for.")


class NewAccount(Sent):
    """An account that is wanted."""

    name: str = Field(max_length=100)
    label: str | None = Field(default=None, max_length=200)


class AccountChange(Sent):
    """What an administrator changes of an account."""

    closed: bool


class NodeWord(Sent):
    """What a country's node signed on who manages it; `biodata node appoint` writes it."""

    text: str = Field(max_length=1000)
    signature: str = Field(max_length=200)


class Binding(Sent):
    """What a role is bound to."""

    country: str | None = Field(default=None, max_length=2)
    dataset: str | None = Field(default=None, max_length=255)
    area: str | None = Field(default=None, max_length=255)
    taxon: str | None = Field(default=None, max_length=255)


_ROLES: Final[dict[str, Any]] = {"enum": [role for role in Role if role is not Role.PUBLIC]}


class Bound(Binding):
    """A role, and what it is bound to."""

    role: str = Field(json_schema_extra=_ROLES)
    signed: NodeWord | None = Field(
        default=None, description="Of a country that spoke here before, who manages its node is the node's own to say."
    )


class Confirmation(Binding):
    """An appointment that is confirmed: whose role, and what it is bound to."""

    account: str = Field(max_length=100)
    role: str = Field(json_schema_extra=_ROLES)


class WaitingAppointment(Binding):
    """A role that nobody has confirmed yet: it gives no right."""

    account: str
    role: str
    given_by: str
    given: datetime


class AppointmentEntry(BaseModel):
    """What the audit has of a role: given, confirmed or taken, or of a code that sets a password."""

    number: int
    time: datetime
    actor: str
    action: str
    subject: str
    details: dict[str, Any]
    hash: str


class AppointmentList(BaseModel):
    """Who may act as whom, and who made it so, the oldest first."""

    waiting: list[WaitingAppointment]
    results: list[AppointmentEntry]


class TokenPair(BaseModel):
    """What a login gives."""

    access_token: str = Field(description="Shown as Authorization: Bearer.")
    token_type: str = Field(description="Always Bearer.")
    expires_in: int = Field(description="Seconds that the access token is good for.")
    refresh_token: str = Field(description="Exchanged once, at /v1/login/refresh, for the next pair.")


class OneAccount(BaseModel):
    """An account."""

    name: str
    label: str
    roles: list[Bound]
    unconfirmed: list[Bound] = Field(description="Given, and without any right until somebody else confirms them.")
    closed: bool
    created: datetime


class AccountList(BaseModel):
    """Accounts, by name."""

    results: list[OneAccount]


class OneKey(BaseModel):
    """A key, without the key."""

    id: int
    label: str
    role: str | None = None
    dataset: str | None = None
    created: datetime
    revoked: bool


class KeyList(BaseModel):
    """One's keys, the oldest first."""

    results: list[OneKey]


class MadeKey(BaseModel):
    """A key, told this once."""

    key: str


class MadeCode(BaseModel):
    """A one-time code, told this once."""

    code: str
    expires_in: int = Field(description="Seconds that it is good for.")


own_router = APIRouter(prefix="/v1/account", tags=["accounts"], route_class=StrictSmallRoute)

Known = Annotated[Principal, Depends(auth.need)]
LoggedIn = Annotated[Principal, Depends(auth.need_login)]


@own_router.get("", **documents.answered(OneAccount, "Who one is", other=(401,)))
def who(request: Request, known: Known) -> Response:
    """Answer with one's account and the roles that the key or token has."""
    facts = accounts.describe(service(request).registry, known.label)
    facts["roles"] = [roles.role_as_json(role) for role in known.roles]
    return json_answer(facts)


@own_router.patch("", name="change", **documents.answered(OneAccount, "Change one's label", other=(401, 403, 422)))
def change_own(request: Request, known: LoggedIn, sent: LabelChange) -> Response:
    """Change what people call one; the name, the roles and the rest stay."""
    accounts.relabel(service(request).registry, known.label, sent.label, actor=known.label)
    return who(request, known)


@own_router.post("/password", **documents.done("Change one's password", other=(401, 403, 422)))
async def password(request: Request, known: LoggedIn, sent: PasswordChange) -> Response:
    """Change the password, whose old one is asked for; every login ends."""
    await count_try(request, known.label)
    for text in (sent.old, sent.new):
        check_length(text)
    found = service(request)
    done = await gate(request).run(
        lambda: found.passwords.change(found.registry, known.label, before=sent.old, after=sent.new)
    )
    if not done:
        raise ProblemError(Code.LOGIN_FAILED, "the old password is another one")
    return Response(status_code=204)


@own_router.delete("/logins", **documents.done("Log out everywhere", other=(401, 403)))
def end_logins(request: Request, known: LoggedIn) -> Response:
    """End every login of one's account, at once; keys go on."""
    service(request).tokens.end_all(known.label)
    return Response(status_code=204)


@own_router.get("/keys", **documents.answered(KeyList, "One's keys", other=(401, 403)))
def keys(request: Request, known: LoggedIn) -> Response:
    """Answer with one's keys: never with a key itself."""
    return json_answer({"results": credentials.describe_keys(service(request).registry, known.label)})


@own_router.post("/keys", **documents.answered(MadeKey, "Make a key", other=(401, 403, 422), status=201))
def new_key(request: Request, known: LoggedIn, sent: NewKey) -> Response:
    """Make a key with the roles of one's account, or less; it is told this once."""
    role = roles.role_called(sent.role) if sent.role is not None else None
    key = credentials.new_key(
        service(request).registry, known.label, label=sent.label, role=role, dataset=sent.dataset, actor=known.label
    )
    return json_answer({"key": key}, status=201)


@own_router.delete("/keys/{number}", **documents.done("Revoke a key", missing=True, other=(401, 403)))
def revoke_key(request: Request, known: LoggedIn, number: Annotated[str, documents.WHOLE]) -> Response:
    """Revoke one of one's own keys, at once; another's is not there."""
    credentials.revoke_key(
        service(request).registry, integer("number", number), owner=known.account_id, actor=known.label
    )
    return Response(status_code=204)


router = APIRouter(prefix="/v1/accounts", tags=["accounts"], route_class=StrictSmallRoute)

Administrator = Annotated[Principal, Depends(auth.logged_in_who(Action.MANAGE_ACCOUNTS, everywhere=True))]
Granter = Annotated[Principal, Depends(auth.logged_in_who(Action.GRANT_ROLES))]


@router.get("", **documents.answered(AccountList, "Every account", other=(401, 403)))
def every(request: Request, who: Administrator) -> Response:
    """Answer with all accounts and their roles, by name."""
    return json_answer({"results": accounts.describe_all(service(request).registry)})


@router.post("", **documents.answered(OneAccount, "Make an account", other=(401, 403, 409, 422), status=201))
def make(request: Request, who: Administrator, sent: NewAccount) -> Response:
    """Make an account without a role and without a password; a one-time code sets its first."""
    registry = service(request).registry
    accounts.new(registry, sent.name, label=sent.label, actor=who.label)
    return json_answer(accounts.describe(registry, sent.name), status=201)


@router.get("/{name}", **documents.answered(OneAccount, "An account", missing=True, other=(401, 403)))
def one(request: Request, who: Administrator, name: str) -> Response:
    """Answer with an account."""
    return json_answer(accounts.describe(service(request).registry, name))


@router.patch(
    "/{name}",
    **documents.answered(OneAccount, "Close an account, or open it again", missing=True, other=(401, 403, 409, 422)),
)
def change(request: Request, who: Administrator, name: str, sent: AccountChange) -> Response:
    """Close an account, at once for its password, keys and tokens, or open it again."""
    registry = service(request).registry
    (accounts.revoke if sent.closed else accounts.reopen)(registry, name, actor=who.label)
    return json_answer(accounts.describe(registry, name))


@router.post(
    "/{name}/code",
    **documents.answered(MadeCode, "Make a one-time code", missing=True, other=(401, 403, 409), status=201),
)
def code(request: Request, who: Administrator, name: str) -> Response:
    """Make a code by which the account's owner sets a password; it is told this once, and an earlier one ends."""
    made = credentials.new_code(service(request).registry, name, actor=who.label)
    return json_answer(
        {"code": made, "expires_in": int(credentials.CODE_LIFE.total_seconds())},
        status=201,
    )


@router.post("/{name}/roles", **documents.done("Give a role", missing=True, other=(401, 403, 422)))
def give(request: Request, who: Granter, name: str, sent: Bound) -> Response:
    """Give a role that goes no further than one's own."""
    wanted = _within(request, who, sent.model_dump(exclude={"signed"}))
    signed = sent.signed.model_dump() if sent.signed is not None else None
    accounts.bind(service(request).registry, name, wanted, actor=who.label, signed=signed)
    return Response(status_code=204)


@router.delete(
    "/{name}/roles",
    openapi_extra=documents.plain_parameters(
        *((each, {"type": "string"}, "As it was given.") for each in ("role", *SCOPES))
    ),
    **documents.done("Take a role away", missing=True, other=(401, 403, 409, 422)),
)
def take(request: Request, who: Granter, name: str) -> Response:
    """Take away the role that is bound exactly so, if one could have given it."""
    query_params = request.query_params
    unwanted = {"role": query_params.get("role", ""), **{each: query_params.get(each) for each in SCOPES}}
    accounts.unbind(service(request).registry, name, _within(request, who, unwanted), actor=who.label)
    return Response(status_code=204)


def _within(request: Request, who: Principal, facts: Mapping[str, str | None]) -> RoleBinding:
    """Return the role that is told, if whoever asks may give it."""
    wanted = roles.read_role(str(facts["role"]), **{each: facts[each] for each in SCOPES})
    if not may_grant(who, wanted):
        raise auth.forbidden(request, who, Action.GRANT_ROLES)
    return wanted


appointments_router = APIRouter(prefix="/v1/appointments", tags=["accounts"], route_class=StrictSmallRoute)

Decider = Annotated[Principal, Depends(auth.logged_in_who(Action.CONFIRM_ROLES))]


@appointments_router.get("", name="every", **documents.answered(AppointmentList, "Appointments", other=(401, 403)))
def every_appointment(request: Request, who: Decider) -> Response:
    """Answer with the appointments that wait for a second person, and with all that the audit has of roles."""
    registry = service(request).registry
    entries = audit_log.entries(registry, audit_log.Wanted(actions=appointments.SEEN_BY_ALL))
    return json_answer({"waiting": accounts.waiting(registry), "results": list(entries)})


@appointments_router.post("", **documents.done("Confirm an appointment", other=(401, 403, 404, 422)))
def confirm(request: Request, who: Decider, sent: Confirmation) -> Response:
    """Let a role count that somebody else gave to somebody else."""
    wanted = roles.read_role(sent.role, **{name: getattr(sent, name) for name in SCOPES})
    accounts.confirm(service(request).registry, sent.account, wanted, actor=who.label)
    return Response(status_code=204)


login_router = APIRouter(prefix="/v1/login", tags=["accounts"], route_class=StrictSmallRoute)


@login_router.post("", **documents.answered(TokenPair, "Log in with a password", other=(401, 422)))
async def log_in(request: Request, sent: NameAndPassword) -> Response:
    """Answer with tokens; with the same 401 whether there is no such account, or another password, or it is closed."""
    await count_try(request, sent.name)
    check_length(sent.password)
    found = service(request)

    def work() -> Pair | None:
        who = found.passwords.who(found.registry, sent.name, sent.password)
        return found.tokens.start(who.account_id, method="password") if who and who.account_id else None

    return token_answer(await gate(request).run(work))


@login_router.post("/refresh", **documents.answered(TokenPair, "Exchange a token", other=(401, 422)))
def refresh(request: Request, sent: Refresh) -> Response:
    """Answer with the next pair of tokens; whoever shows a token a second time ends the login that it belongs to."""
    pair = service(request).tokens.exchange(sent.refresh_token)
    if pair is None:
        raise auth.refusal()
    return token_answer(pair)


@login_router.post("/end", **documents.done("Log out", other=(422,)))
def end(request: Request, sent: Refresh) -> Response:
    """End the login of a token; of one that is not known nothing is told."""
    service(request).tokens.end(sent.refresh_token)
    return Response(status_code=204)


@login_router.post("/code", **documents.done("Set a password by a one-time code", other=(422,)))
async def by_code(request: Request, sent: CodeAndPassword) -> Response:
    """Set the password of the account that the code was made for; every login of it ends."""
    await count_try(request)
    check_length(sent.password)
    found = service(request)
    await gate(request).run(lambda: found.passwords.set_by_code(found.registry, sent.code, sent.password))
    return Response(status_code=204)


def token_answer(pair: Pair | None) -> Response:
    """Answer with tokens, or that there are none."""
    if pair is None:
        detail = "name and password do not belong together"
        raise ProblemError(Code.LOGIN_FAILED, detail)
    body = {
        "access_token": pair.access,
        "token_type": "Bearer",
        "expires_in": int(LIFE.total_seconds()),
        "refresh_token": pair.refresh,
    }
    return json_answer(body)
