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
    if not accepted:
        return False
    page, data = _liked(accepted)
    if page[0] <= 0 and data[0] <= 0:
        expected = "application/json, application/geo+json or text/html; or f=json, f=html"
        raise ProblemError(
            Code.NOT_ACCEPTABLE, "none of the accepted types is told here", field="Accept", expected=expected
        )
    return page > data


def likes_page(accepted: str) -> bool:
    """Return whether an Accept header likes HTML better than JSON, as a browser's does; where it is absent, not."""
    page, data = _liked(accepted)
    return page[0] > 0 and page > data


def _liked(accepted: str) -> list[tuple[float, int]]:
    """Return how much HTML and how much JSON is liked, with the nearness of the range that tells it."""
    found = [(0.0, 0), (0.0, 0)]
    for part in accepted.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weight = next((_weight(p.removeprefix("q=")) for p in parameters if p.startswith("q=")), 1.0)
        for kind in (0, 1):
            near = _nearness(name, html=kind == 0)
            if near and (near, weight) > (found[kind][1], found[kind][0]):
                found[kind] = (weight, near)
    return found


def _nearness(name: str, *, html: bool) -> int:
    """Return how exactly a range of the Accept header means HTML, or JSON of any kind; 0 where it does not."""
    if name == HTML if html else name.startswith("application/") and name.endswith("json"):
        return 3
    if name == ("text/*" if html else "application/*"):
        return 2
    return 1 if name == "*/*" else 0


def _weight(text: str) -> float:
    """Read a weight."""
    try:
        return min(max(float(text), 0.0), 1.0)
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
    body = drawn(f"{template}.html", title=title, up=up, language=language, **values)
    return HTMLResponse(body, headers={"Cache-Control": "public, max-age=60"})


def drawn(template: str, **values: Any) -> Markup:
    """Return what a template makes of values."""
    return Markup(_ENVIRONMENT.get_template(template).render(values))


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
