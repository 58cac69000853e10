"""How answers leave: JSON as bytes, addresses of other pages."""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

import orjson
from starlette.requests import Request
from starlette.responses import Response

from api.errors import invalid, unknown_parameter

JSON: Final = "application/json"
GEOJSON: Final = "application/geo+json"
HTML: Final = "text/html"
FORMATS: Final = ("json", "html")
SHORT_CACHE: Final = "public, max-age=60"


def json_answer(
    body: Any, *, media_type: str = JSON, status: int = 200, headers: Mapping[str, str] | None = None,
    cache: str = SHORT_CACHE,
) -> Response:  # fmt: skip
    """Return an answer in JSON.

    Its content type is exactly `application/json` where nothing else is said: pygbif refuses one with a charset.
    """
    content = orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS)
    return Response(content, status, {"Cache-Control": cache, **(headers or {})}, media_type=media_type)


def address(request: Request, path: str, query: Iterable[tuple[str, Any]] = ()) -> str:
    """Return the full address of a page of this service."""
    encoded = urlencode([(name, value) for name, value in query if value is not None])
    base = str(request.base_url).rstrip("/")
    return f"{base}{quote(path, safe='/{}')}" + (f"?{encoded}" if encoded else "")


def link(href: str, rel: str, media_type: str, title: str) -> dict[str, str]:
    """Return a link as OGC's API writes it."""
    return {"href": href, "rel": rel, "type": media_type, "title": title}


def only(request: Request, *names: str) -> None:
    """Refuse a request with a parameter that is not one of these; OGC's API asks for that."""
    for name in request.query_params:
        if name not in names:
            raise unknown_parameter(name, names)


def wants_html(request: Request) -> bool:
    """Tell whether a page for people is asked for: by `f=html`, or by a browser's Accept header."""
    chosen = request.query_params.get("f")
    if chosen is not None:
        if chosen not in FORMATS:
            raise invalid(field="f", value=chosen, expected=f"one of {', '.join(FORMATS)}")
        return chosen == "html"
    first = request.headers.get("accept", "").split(",")[0].split(";")[0].strip()
    return first == HTML
