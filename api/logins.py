"""Logins: a password, a token or a code in, tokens out; nothing of it is kept by a cache."""

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api import auth, documents
from api.accounts import (
    CodeAndPassword,
    NameAndPassword,
    Refresh,
    TokenPair,
)
from api.answers import json_answer
from api.dependencies import service
from api.errors import Code, ProblemError
from api.gates import StrictSmallRoute, count_try, gate
from biodata.access.credentials import check_length
from biodata.access.tokens import LIFE, Pair

router = APIRouter(prefix="/v1/login", tags=["accounts"], route_class=StrictSmallRoute)


@router.post("", **documents.answered(TokenPair, "Log in with a password", other=(401, 422)))
async def log_in(request: Request, sent: NameAndPassword) -> Response:
    """Answer with tokens; with the same 401 whether there is no such account, or another password, or it is closed."""
    count_try(request, sent.name)
    check_length(sent.password)
    found = service(request)

    def work() -> Pair | None:
        who = found.passwords.who(found.registry, sent.name, sent.password)
        return found.tokens.start(who.account_id, method="password") if who and who.account_id else None

    return token_answer(await gate(request).run(work))


@router.post("/refresh", **documents.answered(TokenPair, "Exchange a token", other=(401, 422)))
def refresh(request: Request, sent: Refresh) -> Response:
    """Answer with the next pair of tokens; whoever shows a token a second time ends the login that it belongs to."""
    pair = service(request).tokens.exchange(sent.refresh_token)
    if pair is None:
        raise auth.refusal()
    return token_answer(pair)


@router.post("/end", **documents.done("Log out", other=(422,)))
def end(request: Request, sent: Refresh) -> Response:
    """End the login of a token; of one that is not known nothing is told."""
    service(request).tokens.end(sent.refresh_token)
    return Response(status_code=204)


@router.post("/code", **documents.done("Set a password by a one-time code", other=(422,)))
async def by_code(request: Request, sent: CodeAndPassword) -> Response:
    """Set the password of the account that the code was made for; every login of it ends."""
    count_try(request)
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
