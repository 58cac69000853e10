"""Who asks: shown by a key or a token in a header; one sentence for every refusal."""

import logging
import math
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, ClassVar, Final, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message

from api.answers import only
from api.callers import LoginRates
from api.dependencies import Service, service
from api.errors import Code, ProblemError
from biodata.access.credentials import KEY_START, holder_of_key
from biodata.access.roles import PUBLIC, Action, Principal, may, may_somewhere
from biodata.core.phrases import Phrase

refusals = logging.getLogger("api.refusals")


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
    facts = {"account": who.label, "action": str(action), "request_id": request.state.request_id}
    refusals.warning("refused", extra={"facts": facts})
    return ProblemError(Code.FORBIDDEN, Phrase("none of your roles lets you {a} here", a=str(action)))


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


MOST_BYTES: Final = 10_000
"""Of a body about accounts."""
CHECKS_AT_ONCE: Final = 2
"""Passwords that a process checks at once: each takes the memory that the settings say."""
CHECKS_WAITING: Final = 16

SURVEYS_WAITING: Final = 4
"""Surveys that wait for their check without a login: one of 10 MB takes some ten seconds of a processor."""
SURVEYS_WAITING_KNOWN: Final = 16
SURVEYS_AGAIN_S: Final = 30

T = TypeVar("T")


class StrictRoute(APIRoute):
    """A route that refuses a parameter which its documentation does not name."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers."""
        answer = super().get_route_handler()
        parameters = (self.openapi_extra or {}).get("parameters", ())
        known = [parameter["name"] for parameter in parameters if parameter["in"] == "query"]

        async def strict(request: Request) -> Response:
            only(request, *known)
            return await answer(request)

        return strict


class SmallRoute(APIRoute):
    """A route whose body is read up to `MOST_BYTES`, and whose errors nobody keeps."""

    most_bytes: ClassVar[int] = MOST_BYTES

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers."""
        answer = super().get_route_handler()

        async def small(request: Request) -> Response:
            body = b""
            async for part in request.stream():
                body += part
                if len(body) > self.most_bytes:
                    detail = f"the body has more than {self.most_bytes:,} bytes"
                    raise ProblemError(Code.BODY_INVALID, detail, expected=f"at most {self.most_bytes:,} bytes")

            async def receive() -> Message:
                return {"type": "http.request", "body": body, "more_body": False}

            request.state.private = True
            return await answer(Request(request.scope, receive))

        return small


class StrictSmallRoute(SmallRoute, StrictRoute):
    """Both: what concerns accounts, rights and grants."""


class AreaRoute(StrictSmallRoute):
    """The same where the body may hold an area of many corners, as text inside text too."""

    most_bytes = 200_000


class Gate:
    """Lets a few in at once, a few more wait, and asks all others to come again.

    Parameters
    ----------
    at_once, waiting : int
        How many.
    code : Code
        Of the error for all others.
    again_s : int
        After how many seconds they are asked to come again.

    Notes
    -----
    Those who wait have no thread, so a crowd that logs in does not hold up those who search.
    """

    def __init__(
        self,
        *,
        at_once: int = CHECKS_AT_ONCE,
        waiting: int = CHECKS_WAITING,
        code: Code = Code.LOGINS_TOO_MANY,
        again_s: int = 5,
    ) -> None:
        self._limiter = CapacityLimiter(at_once)
        self._most, self._inside = at_once + waiting, 0
        self._code, self._again_s = code, again_s

    def refuse_if_full(self) -> None:
        """Refuse before anything is read what could not wait afterwards.

        Raises
        ------
        ProblemError
            With the gate's code, if as many as may wait do.
        """
        if self._inside >= self._most:
            raise too_many(self._again_s, self._code)

    async def run(self, work: Callable[[], T]) -> T:
        """Do the work in a thread.

        Raises
        ------
        ProblemError
            With the gate's code, if as many as may wait do.
        """
        self.refuse_if_full()
        self._inside += 1
        try:
            return await to_thread.run_sync(work, limiter=self._limiter)
        finally:
            self._inside -= 1


def gate(request: Request) -> Gate:
    """Return the application's."""
    found: Gate = request.app.state.gate
    return found


async def count_try(request: Request, account: str | None = None) -> None:
    """Count a try of a client to log in, at an account; refuse more than the settings let be made in a minute."""
    rates: LoginRates | None = request.app.state.login_rates
    taken = await to_thread.run_sync(rates.take, request.state.caller.key, account) if rates is not None else None
    if taken is not None and not taken.allowed:
        raise too_many(math.ceil(taken.wait_s))


def survey_gates() -> tuple[Gate, Gate]:
    """Return the gates for checks of surveys: of those who show who they are, and of all others."""
    made = partial(Gate, code=Code.CHECKS_TOO_MANY, again_s=SURVEYS_AGAIN_S)
    return made(at_once=2, waiting=SURVEYS_WAITING_KNOWN), made(at_once=1, waiting=SURVEYS_WAITING)


def too_many(wait_s: int, code: Code = Code.LOGINS_TOO_MANY) -> ProblemError:
    """Return the error for what has to come later."""
    return ProblemError(code, f"ask again in {wait_s} s", headers={"Retry-After": str(wait_s)})
