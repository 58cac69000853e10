"""Logins: a password, a token or a code in, tokens out; nothing of it is kept by a cache."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api import auth, documents
from api.account_bodies import CodeAndPassword, NameAndPassword, Refresh, TokenPair
from api.answers import json_answer, only
from api.dependencies import service
from api.errors import Code, ProblemError
from api.gates import SmallRoute, count_try, gate
from biodata.access.credentials import check_length
from biodata.access.tokens import LIFE, Pair

router = APIRouter(prefix="/v1/login", tags=["accounts"], route_class=SmallRoute)


@router.post("", summary="Log in with a password", responses=documents.answers(TokenPair, other=(401, 422)))
async def log_in(request: Request, sent: NameAndPassword) -> Response:
    """Answer with tokens; with the same 401 whether there is no such account, or another password, or it is closed."""
    only(request)
    count_try(request, sent.name)
    check_length(sent.password)
    found = service(request)

    def work() -> Pair | None:
        who = found.passwords.who(found.registry, sent.name, sent.password)
        return found.tokens.start(who.account_id, method="password") if who and who.account_id else None

    return told(await gate(request).run(work))


@router.post("/refresh", summary="Exchange a token", responses=documents.answers(TokenPair, other=(401, 422)))
def refresh(request: Request, sent: Refresh) -> Response:
    """Answer with the next pair of tokens; whoever shows a token a second time ends the login that it belongs to."""
    only(request)
    pair = service(request).tokens.exchange(sent.refresh_token)
    if pair is None:
        raise auth.refusal()
    return told(pair)


@router.post("/end", summary="Log out", status_code=204, responses=documents.nothing(other=(422,)))
def end(request: Request, sent: Refresh) -> Response:
    """End the login of a token; of one that is not known nothing is told."""
    only(request)
    service(request).tokens.end(sent.refresh_token)
    return Response(status_code=204)


@router.post(
    "/code", summary="Set a password by a one-time code", status_code=204, responses=documents.nothing(other=(422,))
)
async def by_code(request: Request, sent: CodeAndPassword) -> Response:
    """Set the password of the account that the code was made for; every login of it ends."""
    only(request)
    count_try(request)
    check_length(sent.password)
    found = service(request)
    await gate(request).run(lambda: found.passwords.set_by_code(found.registry, sent.code, sent.password))
    return Response(status_code=204)


def told(pair: Pair | None) -> Response:
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
