"""Who may upload: an API key in a header, looked up by its hash; one sentence for every refusal."""

from starlette.requests import Request

from api.dependencies import service
from api.errors import Code, ProblemError
from biodata.store.models import ApiKey


def find_key(request: Request) -> ApiKey | None:
    """Return the entry of the key in `Authorization: Bearer` or `X-API-Key`; None where there is none.

    Raises
    ------
    ProblemError
        With KEY_MISSING and always the same words, if there is a key and it is not known or was revoked.
    """
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    given = credentials.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key")
    if given is None:
        return None
    key = service(request).registry.find_api_key(given)
    if key is None:
        raise refusal()
    return key


def need_key(request: Request) -> ApiKey:
    """Return the entry of the request's key, or fail with a 401."""
    key = find_key(request)
    if key is None:
        raise refusal()
    return key


def refusal() -> ProblemError:
    """Return the one error for a key that is missing, wrong or revoked: it tells none of these apart."""
    return ProblemError(
        Code.KEY_MISSING,
        "a valid API key is needed",
        field="Authorization",
        expected="Authorization: Bearer KEY, or X-API-Key: KEY",
        headers={"WWW-Authenticate": "Bearer"},
    )
