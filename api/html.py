"""Plain pages for people: a heading, links, a table; every value escaped, no script."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Any, Final

from starlette.responses import HTMLResponse

STYLE: Final = """\
body { margin: 0 auto; max-width: 76rem; padding: 1rem; font: 1rem/1.5 system-ui, sans-serif; color: #1d2b24; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.1rem; margin-top: 2rem; } a { color: #135c8a; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: 0.9rem; min-width: 100%; }
caption { text-align: left; padding: 0.3rem 0; color: #45544c; }
th, td { text-align: left; vertical-align: top; padding: 0.3rem 0.7rem; border-bottom: 1px solid #d7ddd9; }
p { overflow-wrap: anywhere; } figure { margin: 1rem 0; } svg { max-width: 100%; height: auto; } form { margin: 0.4rem 0; } h3 { font-size: 1rem; }
form { display: grid; grid-template-columns: max-content 1fr; gap: 0.4rem 0.8rem; max-width: 48rem; margin: 1rem 0; }
form label { align-self: center; } input { font: inherit; padding: 0.25rem 0.4rem; border: 1px solid #7c8a82; }
button { font: inherit; grid-column: 2; justify-self: start; padding: 0.3rem 1rem; }
:focus-visible { outline: 3px solid #135c8a; outline-offset: 2px; }
pre { background: #f1f4f2; padding: 0.8rem; overflow-x: auto; } :target { background: #fdf3c7; }
"""
"""The style of these pages; the content security policy takes no style inside a page."""


def page(
    title: str,
    *parts: str,
    up: Sequence[tuple[str, str]] = (),
    language: str = "en",
    back: str = "The way back",
    head: str = "",
) -> HTMLResponse:
    """Return a page.

    Parameters
    ----------
    title : str
        Heading, escaped here.
    *parts : str
        HTML made by this module's other functions.
    up : sequence of (address, text)
        The way back.
    language : str
        Of the page's words.
    back : str
        What the way back is called, in that language.
    head : str
        HTML that its head has besides, such as a script of the page's own.
    """
    trail = " / ".join(anchor(href, text) for href, text in up)
    body = "\n".join(parts)
    return HTMLResponse(
        f'<!doctype html>\n<html lang="{escape(language, quote=True)}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{escape(title)}</title>\n'
        f'<link rel="icon" href="data:,"><link rel="stylesheet" href="/pages.css">{head}\n</head>\n<body>\n'
        f'<nav aria-label="{escape(back, quote=True)}">{trail}</nav>\n<main>\n'
        f"<h1>{escape(title)}</h1>\n{body}\n</main>\n</body>\n</html>\n",
        headers={"Cache-Control": "public, max-age=60"},
    )


def anchor(href: str, text: str) -> str:
    """Return a link; only to pages of this service, or http and https."""
    if not href.startswith(("/", "#", "http://", "https://")):
        return escape(text)
    return f'<a href="{escape(href, quote=True)}">{escape(text)}</a>'


def paragraph(text: str) -> str:
    """Return a paragraph."""
    return f"<p>{escape(text)}</p>"


def heading(text: str, identifier: str = "") -> str:
    """Return a second heading, which a link can point to."""
    return (
        f'<h2 id="{escape(identifier, quote=True)}">{escape(text)}</h2>' if identifier else f"<h2>{escape(text)}</h2>"
    )


def links(items: Iterable[tuple[str, str]]) -> str:
    """Return a list of links given as (address, text)."""
    return "<ul>" + "".join(f"<li>{anchor(href, text)}</li>" for href, text in items) + "</ul>"


def folded(summary: str, inside: str) -> str:
    """Return something that opens when its summary is clicked."""
    return f"<details><summary>{escape(summary)}</summary>{inside}</details>"


def table(head: Sequence[str], rows: Iterable[Sequence[Any]], *, identify: bool = False, caption: str = "") -> str:
    """Return a table; a cell that is a tuple (address, text) is a link; `identify` lets links point to a row.

    It scrolls sideways inside a region of its own, which the keyboard reaches.
    """
    top = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    body = ""
    for row in rows:
        identifier = f' id="{escape(str(row[0]), quote=True)}"' if identify else ""
        body += f"<tr{identifier}>" + "".join(f"<td>{_cell(value)}</td>" for value in row) + "</tr>"
    told = f"<caption>{escape(caption)}</caption>" if caption else ""
    name = escape(caption or ", ".join(head), quote=True)
    return (
        f'<div class="wide" role="region" tabindex="0" aria-label="{name}"><table>{told}'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def form(
    action: str, fields: Iterable[tuple[str, str, str, str]], *, hidden: Iterable[tuple[str, str]], button: str
) -> str:
    """Return a form of text fields that asks a page with GET.

    Parameters
    ----------
    action : str
        The page.
    fields : iterable of (name, label, value, example)
        What is filled in.
    hidden : iterable of (name, value)
        What goes along.
    button : str
        What the button says.
    """
    told = "".join(
        f'<label for="{escape(name, quote=True)}">{escape(label)}</label>'
        f'<input id="{escape(name, quote=True)}" name="{escape(name, quote=True)}" value="{escape(value, quote=True)}" '
        f'placeholder="{escape(example, quote=True)}">'
        for name, label, value, example in fields
    )
    kept = "".join(
        f'<input type="hidden" name="{escape(name, quote=True)}" value="{escape(value, quote=True)}">'
        for name, value in hidden
    )
    return (
        f'<form action="{escape(action, quote=True)}" method="get">{told}{kept}<button>{escape(button)}</button></form>'
    )


def _cell(value: Any) -> str:
    """Return the inside of a cell."""
    if isinstance(value, tuple):
        return anchor(*value)
    if isinstance(value, list):
        return escape(", ".join(map(str, value)))
    return "" if value is None else escape(str(value))
