"""How answers leave: JSON as bytes, addresses of other pages."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote, urlencode

import jinja2
import orjson
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api.errors import Code, ProblemError, invalid, unknown_parameter
from biodata.exports import templating

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
    """Tell whether a page for people is asked for: by `f=html`, or by an Accept header that likes it better.

    Raises
    ------
    ProblemError
        With NOT_ACCEPTABLE, if neither HTML nor any kind of JSON is accepted.
    """
    chosen = request.query_params.get("f")
    if chosen is not None:
        if chosen not in FORMATS:
            raise invalid(field="f", value=chosen, expected=f"one of {', '.join(FORMATS)}")
        return chosen == "html"
    accepted = request.headers.get("accept", "").strip()
    found = prefers_page(accepted)
    if accepted and found is None:
        expected = "application/json, application/geo+json or text/html; or f=json, f=html"
        raise ProblemError(
            Code.NOT_ACCEPTABLE, "none of the accepted types is told here", field="Accept", expected=expected
        )
    return bool(found)


def prefers_page(accepted: str) -> bool | None:
    """Return whether an Accept header likes HTML better than JSON, as a browser's does; None where it takes neither."""
    for name in media_ranges(accepted):
        if name in (HTML, "text/*"):
            return True
        if name in ("*/*", "application/*") or (name.startswith("application/") and name.endswith("json")):
            return False
    return None


def accepted_language(header: str | None) -> str:
    """Return the language that an `Accept-Language` header asks for first among the ten; English where it asks none."""
    from biodata.surveys import words

    known = (words.language_of(one) for one in media_ranges(header or ""))
    return next((language for language in known if language is not None), "en")


def media_ranges(header: str) -> list[str]:
    """Return what an Accept header, of types, encodings or languages, takes: the most wanted first, and of these the most exact."""
    found = []
    for place, part in enumerate(header.lower().split(",")[:50]):
        name, *settings = (piece.strip() for piece in part.split(";"))
        weight = next((setting[2:] for setting in settings if setting.startswith("q=")), "1")
        if name and (wanted := _weight(weight)) > 0:
            found.append((-wanted, name.count("*"), place, name))
    return [name for *_, name in sorted(found)]


def _weight(text: str) -> float:
    """Read a weight; one that is none counts as 0."""
    try:
        return float(text)
    except ValueError:
        return 0.0


def page(
    template: str, title: str, *, up: Sequence[tuple[str, str]] = (), language: str = "en", **values: Any
) -> HTMLResponse:
    """Return a page.

    Parameters
    ----------
    template : str
        Its file's name, without the ending.
    title : str
        Its first heading.
    up : sequence of (str, str)
        Address and text of each page on the way back.
    language : str
        What the page is written in.
    values : object
        What the template asks for.
    """
    body = _ENVIRONMENT.get_template(f"{template}.html").render(title=title, up=up, language=language, **values)
    return HTMLResponse(body, headers={"Cache-Control": "public, max-age=60"})


def style() -> str:
    """Return the style of these pages; the content security policy takes no style inside a page."""
    return _ENVIRONMENT.get_template("pages.css").render()


def anchor(link: tuple[str, str]) -> Markup:
    """Return a link; only to pages of this service, or http and https."""
    href, text = link
    if not href.startswith(("/", "#", "http://", "https://")):
        return Markup("{}").format(text)
    return Markup('<a href="{}">{}</a>').format(href, text)


def _cell(value: Any) -> Any:
    """Return the inside of a table's cell: a pair (address, text) is a link."""
    if isinstance(value, tuple):
        return anchor(value)
    return ", ".join(map(str, value)) if isinstance(value, list) else "" if value is None else value


def _load() -> jinja2.Environment:
    """Return the environment with every template read: the service's user may not be able to read them any more later."""
    made = templating.environment("api", lenient=True)
    made.filters |= {"anchor": anchor, "cell": _cell}
    made.auto_reload = False
    for name in made.list_templates():
        made.get_template(name)
    return made


_ENVIRONMENT: Final = _load()
