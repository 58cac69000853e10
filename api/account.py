"""One's own account: who one is, and one's keys and password."""

from typing import Annotated

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import Response

from api import auth, documents
from api.account_bodies import IdentityList, KeyList, LabelChange, MadeKey, NewKey, OneAccount, PasswordChange
from api.answers import json_answer, only
from api.dependencies import service
from api.errors import Code, ProblemError
from api.gates import SmallRoute, count_try, gate
from api.readers import integer
from biodata.access import accounts, credentials, oidc, roles
from biodata.access.credentials import check_length
from biodata.access.roles import Principal

router = APIRouter(prefix="/v1/account", tags=["accounts"], route_class=SmallRoute)

Known = Annotated[Principal, Depends(auth.need)]
LoggedIn = Annotated[Principal, Depends(auth.need_login)]


@router.get("", summary="Who one is", responses=documents.answers(OneAccount, other=(401,)))
def who(request: Request, known: Known) -> Response:
    """Answer with one's account and the roles that the key or token has."""
    only(request)
    told = accounts.describe(service(request).registry, known.label)
    told["roles"] = [roles.role_as_json(role) for role in known.roles]
    return json_answer(told)


@router.patch("", summary="Change one's label", responses=documents.answers(OneAccount, other=(401, 403, 422)))
def change(request: Request, known: LoggedIn, sent: LabelChange) -> Response:
    """Change what people call one; the name, the roles and the rest stay."""
    only(request)
    accounts.relabel(service(request).registry, known.label, sent.label, actor=known.label)
    return who(request, known)


@router.post(
    "/password", summary="Change one's password", status_code=204, responses=documents.nothing(other=(401, 403, 422))
)
async def password(request: Request, known: LoggedIn, sent: PasswordChange) -> Response:
    """Change the password, whose old one is asked for; every login ends."""
    only(request)
    count_try(request, known.label)
    for told in (sent.old, sent.new):
        check_length(told)
    found = service(request)
    done = await gate(request).run(
        lambda: found.passwords.change(found.registry, known.label, before=sent.old, after=sent.new)
    )
    if not done:
        raise ProblemError(Code.LOGIN_FAILED, "the old password is another one")
    return Response(status_code=204)


@router.delete("/logins", summary="Log out everywhere", status_code=204, responses=documents.nothing(other=(401, 403)))
def end_logins(request: Request, known: LoggedIn) -> Response:
    """End every login of one's account, at once; keys go on."""
    only(request)
    service(request).tokens.end_all(known.label)
    return Response(status_code=204)


@router.get("/keys", summary="One's keys", responses=documents.answers(KeyList, other=(401, 403)))
def keys(request: Request, known: LoggedIn) -> Response:
    """Answer with one's keys: never with a key itself."""
    only(request)
    return json_answer({"results": credentials.describe_keys(service(request).registry, known.label)})


@router.post(
    "/keys",
    summary="Make a key",
    status_code=201,
    responses=documents.answers(MadeKey, other=(401, 403, 422), status=201),
)
def new_key(request: Request, known: LoggedIn, sent: NewKey) -> Response:
    """Make a key with the roles of one's account, or less; it is told this once."""
    only(request)
    role = roles.role_called(sent.role) if sent.role is not None else None
    key = credentials.new_key(
        service(request).registry, known.label, label=sent.label, role=role, dataset=sent.dataset, actor=known.label
    )
    return json_answer({"key": key}, status=201)


@router.delete(
    "/keys/{number}",
    summary="Revoke a key",
    status_code=204,
    responses=documents.nothing(missing=True, other=(401, 403)),
)
def revoke_key(request: Request, known: LoggedIn, number: Annotated[str, documents.WHOLE]) -> Response:
    """Revoke one of one's own keys, at once; another's is not there."""
    only(request)
    credentials.revoke_key(
        service(request).registry, integer("number", number), owner=known.account_id, actor=known.label
    )
    return Response(status_code=204)


@router.get("/identities", summary="Who one can log in by", responses=documents.answers(IdentityList, other=(401, 403)))
def linked(request: Request, known: LoggedIn) -> Response:
    """Answer with the providers that one's account is linked to."""
    only(request)
    assert known.account_id is not None
    return json_answer({"results": oidc.describe_identities(service(request).registry, known.account_id)})


@router.delete(
    "/identities/{number}",
    summary="Unlink a provider",
    status_code=204,
    responses=documents.nothing(missing=True, other=(401, 403)),
)
def unlink(request: Request, known: LoggedIn, number: Annotated[str, documents.WHOLE]) -> Response:
    """Let a provider's word be worth nothing for one's account any more; logins of before go on until they are ended."""
    only(request)
    assert known.account_id is not None
    wanted = integer("number", number)
    oidc.unlink(service(request).registry, known.account_id, wanted, actor=known.label)
    return Response(status_code=204)
