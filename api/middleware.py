"""Around every request: its id, its line in the log, its count in the metrics, the headers that keep a browser safe."""

import re
import time
import uuid
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import Code, problem_response
from api.health import Metrics
from api.logs import logger

access, faults = logger("api.access"), logger("api.faults")

QUERY_LIMIT_BYTES: Final = 32_000
PARAMETERS_LIMIT: Final = 300

# The map needs its own scripts, one worker and pictures made in memory, and nothing from anywhere else.
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"

_HOST: Final = re.compile(r"[A-Za-z0-9._:\[\]-]{1,255}")
_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9-]{8,64}")


class Envelope:
    """The outermost layer: nothing leaves without a request id, a release and safe headers, not even a fault of ours.

    Parameters
    ----------
    app : ASGI application
        What answers.
    metrics : Metrics
        Where requests are counted.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        started, status, method = time.perf_counter(), 0, scope["method"]
        if method == "HEAD":
            # GDAL and health checks ask HEAD of any page: it is a GET whose body stays here.
            scope["method"] = "GET"

        async def send_wrapped(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(MutableHeaders(scope=message), scope, request_id)
            elif method == "HEAD":
                message = {**message, "body": b""}
            await send(message)

        try:
            refusal = _refuse(scope, headers)
            if refusal is not None:
                await problem_response(request_id, *refusal)(scope, receive, send_wrapped)
            else:
                await self._app(scope, receive, send_wrapped)
        except Exception:
            # Whatever it was, the outside hears only that it was us; the log keeps the story under the request's id.
            faults.exception("request failed", request_id=request_id, route=_route(scope))
            if status:
                raise
            answer = problem_response(request_id, Code.INTERNAL, "the log holds the story under this request's id")
            await answer(scope, receive, send_wrapped)
        finally:
            seconds = time.perf_counter() - started
            self._metrics.observe(method, _route(scope), status, seconds)
            # The route's template, never its values: an address can hold the place that somebody looks at.
            access.info(
                "request",
                method=method,
                route=_route(scope),
                status=status,
                ms=round(seconds * 1000, 1),
                request_id=request_id,
            )


def _refuse(scope: Scope, headers: Headers) -> tuple[Code, str] | None:
    """Return the code and the reason of a request that goes no further."""
    query = scope["query_string"]
    if len(query) > QUERY_LIMIT_BYTES:
        return Code.URI_TOO_LONG, f"the query has {len(query):,} bytes; {QUERY_LIMIT_BYTES:,} are taken"
    if query.count(b"&") >= PARAMETERS_LIMIT:
        return Code.PARAMETERS_TOO_MANY, f"{PARAMETERS_LIMIT} parameters are taken"
    # Links are built from it, so it has to look like a host.
    if not _HOST.fullmatch(headers.get("host", "localhost")):
        return Code.REQUEST_INVALID, "the Host header is no name of a host"
    return None


def _add_headers(headers: MutableHeaders, scope: Scope, request_id: str) -> None:
    """Add what every answer carries."""
    headers["X-Request-ID"] = request_id
    headers["X-Content-Type-Options"] = "nosniff"
    headers["Referrer-Policy"] = "no-referrer"
    release = scope["state"].get("release") or _current(scope)
    headers.setdefault("X-Biodata-Release", release)
    kind = headers.get("content-type", "")
    page = kind.startswith("text/html")
    # A worker follows the policy of its own script, not that of the page that started it.
    policed = page or kind.startswith("text/javascript")
    headers["Content-Security-Policy"] = PAGE_POLICY if policed else DATA_POLICY
    if page:
        headers["Cross-Origin-Opener-Policy"] = "same-origin"


def _current(scope: Scope) -> str:
    """Return the id of the current release, for an answer that no release was asked for."""
    app = scope.get("app")
    service = getattr(app.state, "service", None) if app is not None else None
    return service.release_id() if service is not None else "none"


def _route(scope: Scope) -> str:
    """Return the template of the route that answers (`/v1/occurrence/{key}`)."""
    return getattr(scope.get("route"), "path", "unmatched")
