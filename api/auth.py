"""Who asks: shown by a key or a token in a header; one sentence for every refusal."""

from collections.abc import Callable

from starlette.requests import Request

from api.dependencies import Service, service
from api.errors import Code, ProblemError
from api.logs import logger
from biodata.access.credentials import KEY_START, holder_of_key
from biodata.access.roles import PUBLIC, Action, Principal, may, may_somewhere

refusals = logger("api.refusals")


def principal(request: Request) -> Principal:
    """Return who asks; the public where nothing is shown.

    Raises
    ------
    ProblemError
        With KEY_MISSING and always the same words, if what is shown cannot be taken: not known, revoked, ended, or more
        than one thing.
    """
    request.state.private = True  # from here on the answer is not the same for everybody
    return shown_by(request)


def shown_by(request: Request) -> Principal:
    """Return who asks, as `principal`, where nothing of the answer hangs on it."""
    shown = [value for name in ("authorization", "x-api-key") for value in request.headers.getlist(name)]
    if not shown:
        return PUBLIC
    if len(shown) > 1:
        raise refusal()
    given = shown[0]
    if "authorization" in request.headers:
        scheme, _, credentials = given.partition(" ")
        given = credentials.strip() if scheme.lower() == "bearer" else ""
    found = _known(service(request), given)
    if found is None:
        raise refusal()
    return found


def need(request: Request) -> Principal:
    """Return who asks, or fail with a 401 where that is nobody in particular."""
    found = principal(request)
    if found.account_id is None:
        raise refusal()
    return found


def need_login(request: Request) -> Principal:
    """Return who is logged in: what concerns accounts is not done with a key, which may be lying in some script."""
    found = need(request)
    if found.key_id is not None:
        raise ProblemError(Code.FORBIDDEN, "this is done after a login, not with a key")
    return found


def needs(action: Action) -> Callable[[Request], Principal]:
    """Return what a route depends on that is only for those who may do something somewhere; a 403 for the others."""

    def check(request: Request) -> Principal:
        return _trusted(request, need(request), action)

    return check


def logged_in_who(action: Action, *, everywhere: bool = False) -> Callable[[Request], Principal]:
    """Return the same for what needs a login; where wanted, only for those whose role is bound to nothing."""

    def check(request: Request) -> Principal:
        found = _trusted(request, need_login(request), action)
        if everywhere and not may(found, action):
            raise forbidden(request, found, action)
        return found

    return check


def refusal() -> ProblemError:
    """Return the one error for what is missing, wrong, revoked or ended: it tells none of these apart."""
    return ProblemError(
        Code.KEY_MISSING,
        "a valid API key or token is needed",
        field="Authorization",
        expected="Authorization: Bearer KEY or TOKEN, or X-API-Key: KEY",
        headers={"WWW-Authenticate": "Bearer"},
    )


def forbidden(request: Request, who: Principal, action: Action) -> ProblemError:
    """Return the error for somebody who is known and may not do this; the log keeps who tried."""
    refusals.warning("refused", account=who.label, action=str(action), request_id=request.state.request_id)
    return ProblemError(Code.FORBIDDEN, f"none of your roles lets you {action} here")


def _trusted(request: Request, who: Principal, action: Action) -> Principal:
    """Return who asks, if there can be a thing that they may do this to."""
    if not may_somewhere(who, action):
        raise forbidden(request, who, action)
    return who


def _known(found: Service, shown: str) -> Principal | None:
    """Return whose a key or a token is."""
    if shown.startswith(KEY_START):
        return holder_of_key(found.registry, shown)
    return found.tokens.principal(shown)
