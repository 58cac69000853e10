"""Who asks: shown by a key or a token in a header; one sentence for every refusal."""

from collections.abc import Callable

from starlette.requests import Request

from api.dependencies import service
from api.errors import Code, ProblemError
from biodata.access import api_keys
from biodata.access.roles import PUBLIC, Action, Principal, may_somewhere

PRIVATE: dict[str, str] = {"Cache-Control": "private, no-store", "Vary": "Authorization, X-API-Key"}
"""Headers of every answer that is not the same for everybody."""


def principal(request: Request) -> Principal:
    """Return who asks; the public where nothing is shown.

    Raises
    ------
    ProblemError
        With KEY_MISSING and always the same words, if what is shown cannot be taken: not known, revoked, ended, or more
        than one thing.
    """
    shown = [value for name in ("authorization", "x-api-key") for value in request.headers.getlist(name)]
    if not shown:
        return PUBLIC
    if len(shown) > 1:
        raise refusal()
    given = shown[0]
    if "authorization" in request.headers:
        scheme, _, credentials = given.partition(" ")
        given = credentials.strip() if scheme.lower() == "bearer" else ""
    found = api_keys.find(service(request).registry, given)
    if found is None:
        raise refusal()
    return found


def need(request: Request) -> Principal:
    """Return who asks, or fail with a 401 where that is nobody in particular."""
    found = principal(request)
    if found.account_id is None:
        raise refusal()
    return found


def needs(action: Action) -> Callable[[Request], Principal]:
    """Return what a route depends on that is only for those who may do something somewhere; a 403 for the others."""

    def check(request: Request) -> Principal:
        found = need(request)
        if not may_somewhere(found, action):
            raise forbidden(action)
        return found

    return check


def refusal() -> ProblemError:
    """Return the one error for what is missing, wrong, revoked or ended: it tells none of these apart."""
    return ProblemError(
        Code.KEY_MISSING,
        "a valid API key or token is needed",
        field="Authorization",
        expected="Authorization: Bearer KEY or TOKEN, or X-API-Key: KEY",
        headers={"WWW-Authenticate": "Bearer", **PRIVATE},
    )


def forbidden(action: Action) -> ProblemError:
    """Return the error for somebody who is known and may not do this."""
    return ProblemError(Code.ROLE_MISSING, f"none of your roles lets you {action}", headers=PRIVATE)
