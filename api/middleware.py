"""Around every request: who asks and how often, its id, its line in the log, its count, compression, what keeps a browser safe."""

import logging
import math
import re
import time
import uuid
import zlib
from collections.abc import Mapping
from typing import Final

from anyio import to_thread
from starlette.datastructures import Headers, MutableHeaders
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.answers import media_ranges
from api.callers import HOST, PERIOD_S, Caller, Rates, Taken, caller, origin
from api.errors import Code
from api.health import Metrics
from api.problems import problem_response
from biodata.core.settings import Settings

SMALLEST: Final = 4_096
"""Bytes below which an answer fits into few packets anyway."""

_LEVEL: Final = 1  # on JSON of features four times as fast as level 6, for a fifth of the size instead of a sixth
_IN_LINE: Final = 65_536
_COMPRESSED_TYPES: Final = (
    "application/json", "application/geo+json", "application/problem+json", "application/schema+json",
    "application/ld+json", "application/xml", "application/vnd.oai.openapi+json", "text/",
)  # fmt: skip


def compressing(send: Send, *, wanted: bool) -> Send:
    """Return a way to send that compresses what pays: each answer in text comes in one piece.

    Parameters
    ----------
    send : Send
        Sends messages on.
    wanted : bool
        Whether the client takes gzip.

    Returns
    -------
    Send
        Adds `Vary`, and makes the ETag of a compressed answer a weak one.
    """
    start: Message | None = None

    async def wrapped(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            as_it_is = "content-encoding" in headers or "repr-digest" in headers  # the latter promises its very bytes
            if headers.get("content-type", "").startswith(_COMPRESSED_TYPES) and not as_it_is:
                if "accept-encoding" not in headers.get("vary", "").lower():
                    headers.add_vary_header("Accept-Encoding")
                if wanted and message["status"] not in (204, 304):
                    start = message
                    return
        elif message["type"] == "http.response.body" and start is not None:
            body = message.get("body", b"")
            if len(body) >= SMALLEST and not message.get("more_body", False):
                message = {"type": "http.response.body", "body": await _packed(body)}
                headers = MutableHeaders(scope=start)
                headers["Content-Encoding"] = "gzip"
                headers["Content-Length"] = str(len(message["body"]))
                if headers.get("etag", "").startswith('"'):
                    headers["ETag"] = f"W/{headers['etag']}"
            await send(start)
            start = None
        await send(message)

    return wrapped


async def _packed(body: bytes) -> bytes:
    """Return a body compressed; a large one in a thread, since others wait for this one."""

    def pack() -> bytes:
        return zlib.compress(body, _LEVEL, 31)

    return await to_thread.run_sync(pack) if len(body) > _IN_LINE else pack()


access, faults = logging.getLogger("api.access"), logging.getLogger("api.faults")

QUERY_LIMIT_BYTES: Final = 32_000
PARAMETERS_LIMIT: Final = 300

# The map needs its own scripts, one worker and pictures made in memory, and nothing from anywhere else.
PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
PRIVATE: Final = (("Cache-Control", "private, no-store"), ("Vary", "Authorization, X-API-Key"))
"""Headers of every answer that is not the same for everybody: set where a key or a token was looked for."""
DATA_POLICY: Final = "default-src 'none'; frame-ancestors 'none'"

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9-]{8,64}")
_UNLIMITED: Final = ("/health/", "/metrics", "/assets/", "/pages.css")
_METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
_REQUEST_HEADERS: Final = "Accept, Authorization, Content-Type, If-Match, If-None-Match, X-API-Key, X-Request-ID"
_EXPOSED: Final = (
    "Allow, Content-Crs, Content-Disposition, ETag, Link, Location, RateLimit, RateLimit-Policy, Retry-After, "
    "Warning, "
    "X-Biodata-Cursor, X-Biodata-Geometry, X-Biodata-Names-Unmatched, X-Biodata-Null-Left-Out, "
    "X-Biodata-Release, X-Request-ID"
)

# What is here is public, and a key is sent on purpose and never by a browser on its own: any site's page may ask.
_ALWAYS: Final = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", _EXPOSED.encode()),
    (b"cross-origin-resource-policy", b"cross-origin"),
)


class Envelope:
    """The outermost layer: nothing leaves without a request id, a release and safe headers, not even a fault of ours.

    Parameters
    ----------
    app : ASGI application
        What answers.
    metrics : Metrics
        Where requests are counted.
    settings : Settings
        Whose word is taken, and how many requests.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics, settings: Settings) -> None:
        self._app, self._metrics, self._settings = app, metrics, settings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex
        who = caller(scope, headers, self._settings)
        scope.setdefault("state", {}).update(request_id=request_id, caller=who)
        rates: Rates | None = getattr(scope["app"].state, "rates", None)
        taken = rates.take(who.key) if rates is not None and self._limited(scope, who) else None
        extra = _rate_headers(rates, taken)
        started, status, size, method = time.perf_counter(), 0, 0, scope["method"]
        refusal = _refuse(scope, headers)
        if refusal is None:
            _settle_origin(scope, headers, self._settings, who)

        async def send_wrapped(message: Message) -> None:
            nonlocal status, size
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(MutableHeaders(scope=message), scope, request_id, extra)
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
                if method == "HEAD":
                    message = {**message, "body": b""}
            await send(message)

        packed = compressing(send_wrapped, wanted="gzip" in media_ranges(",".join(headers.getlist("accept-encoding"))))
        if method == "HEAD":
            # GDAL and health checks ask HEAD of any page: it is a GET whose body stays here. The server's own scope
            # keeps the word, or it waits for the body and breaks off.
            scope = {**scope, "method": "GET"}
            scope["state"]["head"] = True  # for who would read a file of gigabytes
        self._metrics.begin()
        try:
            if refusal is not None:
                await problem_response(request_id, *refusal)(scope, receive, packed)
            elif rates is not None and taken is not None and not taken.allowed:
                wait = math.ceil(taken.wait_s)
                detail = f"ask again in {wait} s; {rates.limit:,} requests a minute are answered"
                again = {"Retry-After": str(wait), "Cache-Control": "no-store"}
                await problem_response(request_id, Code.RATE_LIMITED, detail, headers=again)(scope, receive, packed)
            elif method == "OPTIONS" and (methods := _methods(scope)):
                await _options(headers, methods, packed)
            else:
                await self._app(scope, receive, packed)
        except Exception:
            # Whatever it was, the outside hears only that it was us; the log keeps the story under the request's id.
            faults.exception("request failed", extra={"facts": {"request_id": request_id, "route": _route(scope)}})
            if status:
                raise
            answer = problem_response(request_id, Code.INTERNAL, "the log holds the story under this request's id")
            await answer(scope, receive, packed)
        finally:
            seconds, route = time.perf_counter() - started, _route(scope)
            self._metrics.observe(method, route, status, seconds=seconds, size=size)
            # The route's template, never its values: an address can hold the place that somebody looks at.
            facts = {
                "method": method, "route": route, "status": status, "ms": round(seconds * 1000, 1), "bytes": size,
                "release": scope["state"].get("release"), "request_id": request_id,
            }  # fmt: skip
            access.info("request", extra={"facts": facts})

    def _limited(self, scope: Scope, who: Caller) -> bool:
        """Tell whether a request counts: a client on this machine is limited only where a limit was set."""
        return not scope["path"].startswith(_UNLIMITED) and not (who.local and self._settings.rate_limit is None)


def _refuse(scope: Scope, headers: Headers) -> tuple[Code, str] | None:
    """Return the code and the reason of a request that goes no further."""
    query = scope["query_string"]
    if len(query) > QUERY_LIMIT_BYTES:
        return Code.URI_TOO_LONG, f"the query has {len(query):,} bytes; {QUERY_LIMIT_BYTES:,} are taken"
    if query.count(b"&") >= PARAMETERS_LIMIT:
        return Code.PARAMETERS_TOO_MANY, f"{PARAMETERS_LIMIT} parameters are taken"
    if not HOST.fullmatch(headers.get("host", "localhost")):
        return Code.REQUEST_INVALID, "the Host header is no name of a host"
    return None


def _settle_origin(scope: Scope, headers: Headers, settings: Settings, who: Caller) -> None:
    """Put the scheme and the host that links begin with where the framework looks for them."""
    scope["scheme"], host = origin(scope, headers, settings, trusted=who.trusted)
    others = [(name, value) for name, value in scope["headers"] if name != b"host"]
    scope["headers"] = [(b"host", host.encode("ascii")), *others]


def _methods(scope: Scope) -> list[str]:
    """Return the methods that are answered at an address; none where there is nothing."""
    each = (part for r in scope["app"].routes for part in getattr(getattr(r, "original_router", None), "routes", [r]))
    here = [r for r in each if r.matches({**scope, "method": "GET"})[0] is not Match.NONE]
    routes = [r for r in here if getattr(r, "path", None) == getattr(here[0], "path", None)]
    found = [m for m in _METHODS if any(r.matches({**scope, "method": m})[0] is Match.FULL for r in routes)]
    return [*found, *(["HEAD"] if "GET" in found else []), "OPTIONS"] if found else []


async def _options(headers: Headers, methods: list[str], send: Send) -> None:
    """Answer what may be asked here; to a browser's page of another site, too, as everything here is public."""
    text = ", ".join(methods)
    answer = [(b"allow", text.encode()), (b"cache-control", b"public, max-age=3600")]
    if "access-control-request-method" in headers:
        answer += [
            (b"access-control-allow-methods", text.encode()),
            (b"access-control-allow-headers", _REQUEST_HEADERS.encode()),
            (b"access-control-max-age", b"86400"),
        ]
    await send({"type": "http.response.start", "status": 204, "headers": answer})
    await send({"type": "http.response.body", "body": b""})


def _rate_headers(rates: Rates | None, taken: Taken | None) -> dict[str, str]:
    """Return what tells a client of its limit, as the IETF's draft of the RateLimit headers (version 10) writes it."""
    if rates is None or taken is None:
        return {}
    reset = math.ceil(taken.full_s if taken.allowed else taken.wait_s)
    return {
        "RateLimit-Policy": f'"default";q={rates.limit};w={PERIOD_S:.0f}',
        "RateLimit": f'"default";r={taken.remaining};t={reset}',
    }


def _add_headers(headers: MutableHeaders, scope: Scope, request_id: str, extra: Mapping[str, str]) -> None:
    """Add what every answer carries."""
    headers.raw.extend(_ALWAYS)
    headers.raw.append((b"x-request-id", request_id.encode()))
    release = scope["state"].get("release") or _current(scope)
    headers.setdefault("X-Biodata-Release", release)
    for name, value in extra.items():
        headers[name] = value
    if scope["state"].get("private"):
        for name, value in PRIVATE:
            headers[name] = value
    kind = headers.get("content-type", "")
    page = kind.startswith("text/html")
    # A worker follows the policy of its own script, not that of the page that started it.
    policed = page or kind.startswith("text/javascript")
    own = scope["state"].get("page_policy")  # of a page that needs less, or other things, than the map
    headers["Content-Security-Policy"] = own or (PAGE_POLICY if policed else DATA_POLICY)
    if page:
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["X-Frame-Options"] = "DENY"
        headers["Permissions-Policy"] = "camera=(), microphone=(), payment=(), usb=()"
    if scope["path"].startswith("/ogc") and "/tiles" not in scope["path"]:
        # Whether a page or data is meant, the Accept header decides where f does not.
        headers.add_vary_header("Accept")
    if scope["scheme"] == "https":
        headers["Strict-Transport-Security"] = "max-age=31536000"


def _current(scope: Scope) -> str:
    """Return the id of the current release, for an answer that no release was asked for."""
    app = scope.get("app")
    service = getattr(app.state, "service", None) if app is not None else None
    return service.release_id() if service is not None else "none"


def _route(scope: Scope) -> str:
    """Return the template of the route that answers (`/v1/occurrence/{key}`)."""
    return getattr(scope.get("route"), "path", "unmatched")
