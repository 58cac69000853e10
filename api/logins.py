"""Logins: a password, a token, a code or a provider's word in, tokens out; nothing of it is kept by a cache."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api import auth, documents
from api.accounts import (
    CodeAndPassword,
    NameAndPassword,
    OneTimeCode,
    ProviderList,
    ProviderLocation,
    Refresh,
    TokenPair,
)
from api.answers import address, json_answer, only
from api.dependencies import service
from api.errors import Code, ProblemError
from api.gates import SmallRoute, StrictSmallRoute, count_try, gate, provider_gate
from biodata.access import credentials, oidc
from biodata.access.credentials import check_length
from biodata.access.oidc import STATE_LIFE, LoginStart, OidcError
from biodata.access.tokens import LIFE, Pair
from biodata.errors import RemoteError

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


providers_router = APIRouter(prefix="/v1/login/providers", tags=["accounts"], route_class=SmallRoute)

COOKIE: Final = "biodata_login"

ProviderName = Annotated[str, Path(json_schema_extra={"pattern": "^[a-z][a-z0-9-]{0,30}$"})]


@providers_router.get("", **documents.answered(ProviderList, "Who one can log in by"))
def providers(request: Request) -> Response:
    """Answer with the names of the providers."""
    only(request)
    return json_answer({"results": [{"name": name} for name in service(request).oidc.providers]})


@providers_router.get("/{name}", summary="Log in by a provider", status_code=303, responses=documents.redirect())
async def begin(request: Request, name: ProviderName) -> Response:
    """Send the browser to the provider."""
    only(request)
    begun = await _begin(request, name, {})
    return _with_cookie(request, RedirectResponse(begun.location, 303), begun)


@providers_router.post(
    "/{name}",
    **documents.answered(ProviderLocation, "Link an account to a provider", missing=True, other=(401, 403, 422, 502)),
)
async def link(request: Request, name: ProviderName, sent: OneTimeCode) -> Response:
    """Tell where to send the browser so that who comes back is linked: to the account of a code, or to one's own."""
    only(request)
    wanted: dict[str, Any]
    if sent.code is not None:
        with service(request).registry.session(read_only=True) as session:
            credentials.code_owner(session, sent.code)
        wanted = {"code": sent.code}
    else:
        who = auth.need_login(request)
        assert who.account_id is not None
        wanted = oidc.state_to_link(service(request).registry, who.account_id)
    begun = await _begin(request, name, wanted)
    return _with_cookie(request, json_answer({"location": begun.location}), begun)


@providers_router.get(
    "/{name}/callback",
    openapi_extra=documents.plain_parameters(
        ("state", {"type": "string"}, "As it was sent."), ("code", {"type": "string"}, "What the provider gave.")
    ),
    **documents.answered(TokenPair, "Come back from a provider", missing=True, other=(401, 502)),
)
async def finish(request: Request, name: ProviderName) -> Response:
    """Answer with tokens, if the provider says who one is and an account here is linked to that."""
    _check_provider(request, name)
    count_try(request)
    found = service(request)
    sealed, answer = request.cookies.get(COOKIE, ""), dict(request.query_params)

    def work() -> Pair:
        shown = found.oidc.finish(name, sealed, answer)
        new_accounts = found.oidc.providers[name].told.new_accounts
        account = oidc.account_of(found.registry, shown, provider=name, new_accounts=new_accounts)
        return found.tokens.start(account, method=name)

    try:
        response = token_answer(await provider_gate(request).run(work))
    except OidcError as error:
        raise ProblemError(Code.LOGIN_FAILED, "the login was refused") from error
    response.delete_cookie(COOKIE, path=providers_router.prefix)
    return response


async def _begin(request: Request, name: str, wanted: dict[str, Any]) -> LoginStart:
    """Begin a login."""
    _check_provider(request, name)
    count_try(request)
    back, found = address(request, f"{providers_router.prefix}/{name}/callback"), service(request).oidc
    try:
        return await provider_gate(request).run(lambda: found.begin(name, back, wanted=wanted))
    except RemoteError as error:
        raise ProblemError(Code.PROVIDER_FAILED, "the provider tells no usable addresses") from error


def _check_provider(request: Request, name: str) -> None:
    """Refuse a provider that the settings do not name."""
    if name not in service(request).oidc.providers:
        raise ProblemError(Code.PROVIDER_UNKNOWN, "no provider has this name", field="name")


def _with_cookie(request: Request, response: Response, begun: LoginStart) -> Response:
    """Let the browser keep what only it may come back with."""
    response.set_cookie(
        COOKIE,
        begun.sealed,
        max_age=int(STATE_LIFE.total_seconds()),
        path=providers_router.prefix,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return response
