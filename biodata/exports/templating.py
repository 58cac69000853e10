"""The one way in which pages and drawings are made of templates: Jinja2, every value escaped, nothing that does not print."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import jinja2
from markupsafe import Markup


def printable(value: object) -> str:
    """Return text without the signs that do not print, save line ends, tabs and the joiners that scripts need."""
    return "".join(sign for sign in str(value) if sign.isprintable() or sign in "\n\t\u200b\u200c\u200d")


def xml_text(value: object) -> str:
    """Return text without what XML 1.0 cannot hold: control characters, lone surrogates."""
    return "".join(
        c
        for c in str(value)
        if c in "\t\n\r" or "\x20" <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c >= "\U00010000"
    )


@cache
def environment(
    package: str, *, lenient: bool = False, clean: Callable[[object], str] = printable
) -> jinja2.Environment:
    """Return the environment of the templates in a package's folder `templates`.

    Parameters
    ----------
    package : str
        Such as `biodata.exports.reports`.
    lenient : bool
        True where data may lack what a template asks for: it counts as empty. Else that is an error.
    clean : function
        Leaves out of a value what may not stand in the document.
    """

    def finalize(value: Any) -> Any:
        return value if hasattr(value, "__html__") or isinstance(value, jinja2.Undefined) else clean(value)

    return jinja2.Environment(
        loader=jinja2.PackageLoader(package),
        autoescape=True,
        undefined=jinja2.ChainableUndefined if lenient else jinja2.StrictUndefined,
        finalize=finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def add_functions(made: jinja2.Environment, functions: Mapping[str, Callable[..., Any]]) -> None:
    """Let templates call functions, as such and as filters; what is lacking is handed to them as None."""
    for name, function in functions.items():
        made.globals[name] = made.filters[name] = _without_undefined(function)


def drawing(rendered: str) -> Markup:
    """Return a drawing that a template made, without the white space between its elements."""
    return Markup(re.sub(r">\s+<", "><", rendered.strip()))


def _without_undefined(function: Callable[..., Any]) -> Callable[..., Any]:
    def called(*values: Any, **named: Any) -> Any:
        return function(*(None if isinstance(value, jinja2.Undefined) else value for value in values), **named)

    return called
