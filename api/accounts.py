"""Everybody's accounts, for administrators; node managers give the lesser roles within their country."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from api import auth, documents
from api.account_bodies import AccountChange, AccountList, Bound, MadeCode, NewAccount, OneAccount
from api.answers import json_answer, only
from api.dependencies import service
from api.gates import SmallRoute
from biodata.access import accounts, credentials, roles
from biodata.access.roles import SCOPES, Action, Principal, RoleBinding, may_grant

router = APIRouter(prefix="/v1/accounts", tags=["accounts"], route_class=SmallRoute)

Administrator = Annotated[Principal, Depends(auth.logged_in_who(Action.MANAGE_ACCOUNTS, everywhere=True))]
Granter = Annotated[Principal, Depends(auth.logged_in_who(Action.GRANT_ROLES))]


@router.get("", summary="Every account", responses=documents.answers(AccountList, other=(401, 403)))
def every(request: Request, who: Administrator) -> Response:
    """Answer with all accounts and their roles, by name."""
    only(request)
    return json_answer({"results": accounts.describe_all(service(request).registry)})


@router.post(
    "",
    summary="Make an account",
    status_code=201,
    responses=documents.answers(OneAccount, other=(401, 403, 409, 422), status=201),
)
def make(request: Request, who: Administrator, sent: NewAccount) -> Response:
    """Make an account without a role and without a password; a one-time code sets its first."""
    only(request)
    registry = service(request).registry
    accounts.new(registry, sent.name, label=sent.label, actor=who.label)
    return json_answer(accounts.describe(registry, sent.name), status=201)


@router.get("/{name}", summary="An account", responses=documents.answers(OneAccount, missing=True, other=(401, 403)))
def one(request: Request, who: Administrator, name: str) -> Response:
    """Answer with an account."""
    only(request)
    return json_answer(accounts.describe(service(request).registry, name))


@router.patch(
    "/{name}",
    summary="Close an account, or open it again",
    responses=documents.answers(OneAccount, missing=True, other=(401, 403, 409, 422)),
)
def change(request: Request, who: Administrator, name: str, sent: AccountChange) -> Response:
    """Close an account, at once for its password, keys and tokens, or open it again."""
    only(request)
    registry = service(request).registry
    (accounts.revoke if sent.closed else accounts.reopen)(registry, name, actor=who.label)
    return json_answer(accounts.describe(registry, name))


@router.post(
    "/{name}/code",
    summary="Make a one-time code",
    status_code=201,
    responses=documents.answers(MadeCode, missing=True, other=(401, 403, 409), status=201),
)
def code(request: Request, who: Administrator, name: str) -> Response:
    """Make a code by which the account's owner sets a password; it is told this once, and an earlier one ends."""
    only(request)
    made = credentials.new_code(service(request).registry, name, actor=who.label)
    return json_answer(
        {"code": made, "expires_in": int(credentials.CODE_LIFE.total_seconds())},
        status=201,
    )


@router.post(
    "/{name}/roles",
    summary="Give a role",
    status_code=204,
    responses=documents.nothing(missing=True, other=(401, 403, 422)),
)
def give(request: Request, who: Granter, name: str, sent: Bound) -> Response:
    """Give a role that goes no further than one's own."""
    only(request)
    wanted = _within(request, who, sent.model_dump(exclude={"signed"}))
    signed = sent.signed.model_dump() if sent.signed is not None else None
    accounts.bind(service(request).registry, name, wanted, actor=who.label, signed=signed)
    return Response(status_code=204)


@router.delete(
    "/{name}/roles",
    summary="Take a role away",
    status_code=204,
    openapi_extra=documents.plain_parameters(
        *((each, {"type": "string"}, "As it was given.") for each in ("role", *SCOPES))
    ),
    responses=documents.nothing(missing=True, other=(401, 403, 409, 422)),
)
def take(request: Request, who: Granter, name: str) -> Response:
    """Take away the role that is bound exactly so, if one could have given it."""
    only(request, "role", *SCOPES)
    told = request.query_params
    unwanted = {"role": told.get("role", ""), **{each: told.get(each) for each in SCOPES}}
    accounts.unbind(service(request).registry, name, _within(request, who, unwanted), actor=who.label)
    return Response(status_code=204)


def _within(request: Request, who: Principal, told: Mapping[str, str | None]) -> RoleBinding:
    """Return the role that is told, if whoever asks may give it."""
    wanted = roles.read_role(str(told["role"]), **{each: told[each] for each in SCOPES})
    if not may_grant(who, wanted):
        raise auth.forbidden(request, who, Action.GRANT_ROLES)
    return wanted
