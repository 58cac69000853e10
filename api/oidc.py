"""Logins by OpenID Connect providers: to the provider, and back with who it says that one is."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Path
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api import auth, documents
from api.account_bodies import OneTimeCode, ProviderList, ProviderLocation, TokenPair
from api.answers import address, json_answer, only
from api.dependencies import service
from api.errors import Code, ProblemError
from api.gates import SmallRoute, count_try, provider_gate
from api.logins import told
from biodata.access import credentials, oidc
from biodata.access.oidc import STATE_LIFE, Begun, OidcError
from biodata.access.tokens import Pair
from biodata.errors import RemoteError

router = APIRouter(prefix="/v1/login/providers", tags=["accounts"], route_class=SmallRoute)

COOKIE: Final = "biodata_login"

Name = Annotated[str, Path(json_schema_extra={"pattern": "^[a-z][a-z0-9-]{0,30}$"})]


@router.get("", summary="Who one can log in by", responses=documents.answers(ProviderList))
def providers(request: Request) -> Response:
    """Answer with the names of the providers."""
    only(request)
    return json_answer({"results": [{"name": name} for name in service(request).oidc.providers]})


@router.get("/{name}", summary="Log in by a provider", status_code=303, responses=documents.redirect())
async def begin(request: Request, name: Name) -> Response:
    """Send the browser to the provider."""
    only(request)
    begun = await _begin(request, name, {})
    return _with_cookie(request, RedirectResponse(begun.location, 303), begun)


@router.post(
    "/{name}",
    summary="Link an account to a provider",
    responses=documents.answers(ProviderLocation, missing=True, other=(401, 403, 422, 502)),
)
async def link(request: Request, name: Name, sent: OneTimeCode) -> Response:
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


@router.get(
    "/{name}/callback",
    summary="Come back from a provider",
    openapi_extra=documents.plain_parameters(
        ("state", {"type": "string"}, "As it was sent."), ("code", {"type": "string"}, "What the provider gave.")
    ),
    responses=documents.answers(TokenPair, missing=True, other=(401, 502)),
)
async def finish(request: Request, name: Name) -> Response:
    """Answer with tokens, if the provider says who one is and an account here is linked to that."""
    _known(request, name)
    count_try(request)
    found = service(request)
    sealed, answer = request.cookies.get(COOKIE, ""), dict(request.query_params)

    def work() -> Pair:
        shown = found.oidc.finish(name, sealed, answer)
        new_accounts = found.oidc.providers[name].told.new_accounts
        account = oidc.account_of(found.registry, shown, provider=name, new_accounts=new_accounts)
        return found.tokens.start(account, method=name)

    try:
        response = told(await provider_gate(request).run(work))
    except OidcError as error:
        raise ProblemError(Code.LOGIN_FAILED, "the login was refused") from error
    response.delete_cookie(COOKIE, path=router.prefix)
    return response


async def _begin(request: Request, name: str, wanted: dict[str, Any]) -> Begun:
    """Begin a login."""
    _known(request, name)
    count_try(request)
    back, found = address(request, f"{router.prefix}/{name}/callback"), service(request).oidc
    try:
        return await provider_gate(request).run(lambda: found.begin(name, back, wanted=wanted))
    except RemoteError as error:
        raise ProblemError(Code.PROVIDER_FAILED, "the provider tells no usable addresses") from error


def _known(request: Request, name: str) -> None:
    """Refuse a provider that the settings do not name."""
    if name not in service(request).oidc.providers:
        raise ProblemError(Code.PROVIDER_UNKNOWN, "no provider has this name", field="name")


def _with_cookie(request: Request, response: Response, begun: Begun) -> Response:
    """Let the browser keep what only it may come back with."""
    response.set_cookie(
        COOKIE,
        begun.sealed,
        max_age=int(STATE_LIFE.total_seconds()),
        path=router.prefix,
        secure=request.url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return response
