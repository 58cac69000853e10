"""The one way in which pages and drawings are made of templates: Jinja2, every value escaped, nothing that does not print."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import jinja2


def printable(value: object) -> str:
    """Return text without the signs that do not print, save line ends, tabs and the joiners that scripts need."""
    return "".join(sign for sign in str(value) if sign.isprintable() or sign in "\n\t\u200b\u200c\u200d")


@cache
def environment(package: str, *, lenient: bool = False) -> jinja2.Environment:
    """Return the environment of the templates in a package's folder `templates`.

    Parameters
    ----------
    package : str
        Such as `biodata.exports.reports`.
    lenient : bool
        True where data may lack what a template asks for: it counts as empty. Else that is an error.
    """
    return jinja2.Environment(
        loader=jinja2.PackageLoader(package),
        autoescape=True,
        undefined=jinja2.ChainableUndefined if lenient else jinja2.StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def add_functions(made: jinja2.Environment, functions: Mapping[str, Callable[..., Any]]) -> None:
    """Let templates call functions, as such and as filters; what is lacking is handed to them as None."""
    for name, function in functions.items():
        made.globals[name] = made.filters[name] = _without_undefined(function)


def _finalize(value: Any) -> Any:
    """Return a value as it stands in a page."""
    return value if hasattr(value, "__html__") or isinstance(value, jinja2.Undefined) else printable(value)


def _without_undefined(function: Callable[..., Any]) -> Callable[..., Any]:
    def called(*values: Any, **named: Any) -> Any:
        return function(*(None if isinstance(value, jinja2.Undefined) else value for value in values), **named)

    return called
