"""Plain pages for people, made of the templates in `api/templates`: every value escaped, no script."""

from collections.abc import Sequence
from typing import Any, Final

import jinja2
from markupsafe import Markup
from starlette.responses import HTMLResponse

from biodata.exports import templating


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
